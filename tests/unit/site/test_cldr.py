"""Dates, counts and plurals are those of Unicode CLDR, as Babel has it, but where this file says what is not."""

from datetime import UTC, date, datetime
from typing import Final

import pytest
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from wanderbuch.agents.site.languages import FOR_WORKERS
from wanderbuch.agents.site.numbers import count_text
from wanderbuch.agents.site.rendering import LINK_PAGES, Kit
from wanderbuch.agents.site.sentences import ENGLISH, english_form_of, form_of, translation_of

LOCALES: Final = {tag: Locale.parse("en_GB" if tag == ENGLISH else tag) for tag in FOR_WORKERS}
NUMBERS: Final = (*range(1200), 10_000, 99_999, 999_999)
"""Beyond a million French and Spanish have one more form, which no page needs."""
DAYS: Final = [date(2026, month, day) for month, day in zip(range(1, 13), range(1, 25, 2), strict=True)]


@pytest.mark.parametrize("tag", FOR_WORKERS)
def test_a_day_is_written_as_the_language_writes_it(tag: str) -> None:
    words = Kit().words(FOR_WORKERS[tag])
    for day in DAYS:
        expected = format_date(day, "long", locale=LOCALES[tag])
        if tag == "si":  # CLDR 48 has names of the lunar calendar there, which begin on other days
            expected = expected.replace(LOCALES[tag].months["format"]["wide"][day.month], words(f"month.{day.month}"))
        assert words.date(day).striptags() == expected
        assert expected in words.instant(datetime.combine(day, datetime.min.time(), UTC)).striptags()


@pytest.mark.parametrize("tag", FOR_WORKERS)
def test_a_count_is_written_as_the_language_writes_it(tag: str) -> None:
    for number in (0, 7, 999, 1000, 9999, 10_000, 1_234_567, 12_345_678, 1_234_567_890):
        if tag == "es" and 1000 <= number < 10_000:  # CLDR leaves four digits whole; Babel does not know that rule
            assert count_text(number, tag) == str(number)
        else:
            assert count_text(number, tag) == format_decimal(number, locale=LOCALES[tag])


@pytest.mark.parametrize("tag", FOR_WORKERS)
def test_numbers_that_take_one_form_in_the_language_take_one_form_in_its_catalogues(tag: str) -> None:
    rule = english_form_of if tag == ENGLISH else form_of(translation_of(LINK_PAGES, tag))[1]
    pairs = {(rule(number), LOCALES[tag].plural_form(number)) for number in NUMBERS}
    assert len(pairs) == len({form for form, _ in pairs}) == len({category for _, category in pairs})
