import string
from datetime import UTC, date, datetime

import pytest

from wanderbuch.agents.authority.pages.languages import LANGUAGES, Words, catalogue, negotiated
from wanderbuch.agents.authority.pages.occupation_search import meant_by
from wanderbuch.agents.authority.pages.standing_view import EventKind, State
from wanderbuch.agents.authority.pages.statement_forms import DESCRIPTION_FORM, statement_forms
from wanderbuch.governance.history import Action
from wanderbuch.governance.question import Purpose, Verdict

OTHERS = [tag for tag in LANGUAGES if tag != "en"]


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("tag", OTHERS)
def test_every_language_says_everything(tag: str) -> None:
    assert catalogue(tag).keys() == catalogue("en").keys()
    assert all(sentence.strip() for key, sentence in catalogue(tag).items())


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_sentence_has_the_same_placeholders_in_every_language(tag: str) -> None:
    for key, sentence in catalogue("en").items():
        assert placeholders(catalogue(tag)[key]) == placeholders(sentence), key


@pytest.mark.parametrize("tag", OTHERS)
def test_languages_are_translated_and_not_copied(tag: str) -> None:
    english = catalogue("en")
    same = [key for key, said in catalogue(tag).items() if said == english[key] and any(map(str.isalpha, said))]
    without_names = [key for key in same if not placeholders(english[key])]
    assert len(without_names) < 20, without_names


def test_every_state_event_and_field_has_its_words() -> None:
    keys = catalogue("en").keys()
    for kind in (State, EventKind, Purpose, Verdict, Action):
        prefix = {State: "badge", EventKind: "event", Purpose: "purpose", Verdict: "verdict", Action: "action"}[kind]
        assert {f"{prefix}.{each.value}" for each in kind} <= keys
    for form in statement_forms().values():
        assert {form.title, f"{form.title}s", f"{form.title}_add"} <= keys
    listed = [each for form in statement_forms().values() for each in form.fields]
    listed += [inner for each in listed for inner in each.fields]
    for each in (*listed, *DESCRIPTION_FORM):
        assert each.label in keys
        assert not each.has_hint or f"{each.label}_hint" in keys


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
    words = Words(LANGUAGES[tag])
    assert words.date(date(2026, 9, 3)).striptags() == expected
    assert 'datetime="2026-09-03"' in words.date(date(2026, 9, 3))
    assert words.instant(datetime(2026, 9, 3, 7, 5, tzinfo=UTC)).striptags().endswith("07:05 UTC")
    assert words.date(date.max).striptags() == catalogue(tag)["date.open"]


def test_what_has_no_translation_is_marked_as_english() -> None:
    tamil = Words(LANGUAGES["ta"])
    assert tamil.occupation("C7212") == '<span lang="en" dir="ltr">Welders and flamecutters</span>'
    assert Words(LANGUAGES["en"]).occupation("C7212") == "Welders and flamecutters"
    assert tamil.country("MLT") == "மால்டா"
    assert 'lang="en"' in Words(LANGUAGES["si"]).country("MLT")
    assert "C9999" in tamil.occupation("C9999")


def test_values_are_escaped_and_sentences_are_not_formats_of_others() -> None:
    said = Words(LANGUAGES["en"])("results.for", occupation="<b>{date}</b>")
    assert "&lt;b&gt;{date}" in said


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("7212", "C7212"),
        ("c7212", "C7212"),
        (" 72 ", "C72"),
        ("Welders and flamecutters (C7212)", "C7212"),
        ("welders", "C7212"),
        ("flamecutter", "C7212"),
        ("9999", None),
        ("(C9999)", None),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_an_occupation_is_understood_by_code_title_and_words(text: str, code: str | None) -> None:
    assert meant_by(text, "en").code == code


def test_words_of_several_occupations_give_a_choice() -> None:
    meant = meant_by("workers", "en")
    assert meant.code is None
    assert 1 < len(meant.choices) <= 25
