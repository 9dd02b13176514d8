"""What the pages say in each language: dates, names, values within sentences."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest

from wanderbuch.agents.site.languages import LANGUAGES, LanguageTag, Words, negotiated
from wanderbuch.agents.site.rendering import Kit
from wanderbuch.agents.site.sentences import Sentence
from wanderbuch.client import questions as client

KIT = Kit()


def test_what_comes_over_the_wire_names_the_languages_of_the_pages() -> None:
    assert set(get_args(LanguageTag)) == LANGUAGES.keys()
    assert set(get_args(client.LanguageTag)) == LANGUAGES.keys()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("ta-LK,ta;q=0.9,en;q=0.8", "ta"),
        ("de-DE, fr;q=0.4, es;q=0.6", "es"),
        ("AR", "ar"),
        ("si;q=0, en;q=0.1", "en"),
        ("", "en"),
        ("*", "en"),
        ("de", "en"),
        ("fr;q=high", "en"),
        (";;,,=", "en"),
    ],
)
def test_the_language_that_a_browser_asks_for_is_found(header: str, expected: str) -> None:
    assert negotiated(header).tag == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("en", "3 September 2026"), ("fr", "3 septembre 2026"), ("si", "2026 සැප්තැම්බර් 3"), ("ar", "3 سبتمبر 2026")],
)
def test_dates_are_written_as_people_do(tag: str, expected: str) -> None:
    words = KIT.words(LANGUAGES[tag])
    assert words.date(date(2026, 9, 3)).striptags() == expected
    assert 'datetime="2026-09-03"' in words.date(date(2026, 9, 3))
    assert words.instant(datetime(2026, 9, 3, 7, 5, tzinfo=UTC)).striptags().endswith("07:05 UTC")
    assert words.date(date.max) == words("date.open")


def test_what_has_no_translation_is_marked_as_english() -> None:
    tamil = KIT.words(LANGUAGES["ta"])
    assert tamil.occupation("C7212") == '<span lang="en" dir="ltr">Welders and flamecutters</span>'
    assert KIT.words(LANGUAGES["en"]).occupation("C7212") == "Welders and flamecutters"
    assert tamil.country("MLT") == "மால்டா"
    assert KIT.words(LANGUAGES["si"]).country("MLT") == "මෝල්ටාව"
    assert KIT.words(LANGUAGES["si"]).country("XYZ") == '<span lang="en" dir="ltr">XYZ</span>'
    assert "C9999" in tamil.occupation("C9999")


def test_an_attribute_is_called_by_its_label_and_an_unknown_one_by_its_name() -> None:
    french = KIT.words(LANGUAGES["fr"])
    assert french.attribute("qualification/1.0", "award_year") == "Année de délivrance"
    assert "shoe_size" in french.attribute("qualification/1.0", "shoe_size")
    assert "award_year" in french.attribute("licence/9.9", "award_year")


def test_a_reason_is_told_in_the_readers_language_and_its_details_in_english() -> None:
    french, english = KIT.words(LANGUAGES["fr"]), KIT.words(LANGUAGES["en"])
    text = "The issuer's mandate was <b> until 2024-05-01."
    told = french.reason("mandate.outside", text)
    assert told.startswith("La délivrance est hors de la période")
    assert '<span lang="en" dir="ltr">The issuer&#39;s mandate was &lt;b&gt; until 1 May 2024.</span>' in told
    assert french.reason("unheard.of", "So.") == '<span lang="en" dir="ltr">So.</span>'
    assert english.reason("mandate.outside", "So.") == "So."


def test_values_are_escaped_and_sentences_are_not_formats_of_others() -> None:
    words = Words(LANGUAGES["en"], {"greeting": Sentence(("for {name}",))})
    assert words("greeting", name="<b>{date}</b>") == "for &lt;b&gt;{date}&lt;/b&gt;"


def test_a_word_is_looked_up_in_families_and_else_stands_as_it_is() -> None:
    words = Words(LANGUAGES["fr"], {"step.open": Sentence(("Ouvert",)), "action.open": Sentence(("Autre",))})
    assert words.named("open", "step", "action") == "Ouvert"
    assert 'lang="en"' in words.named("unheard-of", "step", "action")
