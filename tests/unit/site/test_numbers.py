import pytest

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.numbers import count_text
from wanderbuch.agents.site.rendering import Kit


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "12,345,678"),
        ("si", "12,345,678"),
        ("ta", "1,23,45,678"),
        ("ar", "12,345,678"),
        ("fr", "12\u202f345\u202f678"),
        ("es", "12.345.678"),
    ],
)
def test_thousands_are_apart_as_the_language_has_it(language: str, expected: str) -> None:
    assert count_text(12_345_678, language) == expected


def test_small_numbers_and_spanish_thousands_stay_whole() -> None:
    assert [count_text(number, "en") for number in (0, 7, 999, 1000, -1234)] == ["0", "7", "999", "1,000", "-1,234"]
    assert [count_text(number, "es") for number in (1234, 12345)] == ["1234", "12.345"]


def test_a_sentence_has_its_count_in_the_language_and_a_year_as_it_is() -> None:
    assert "12\u202f345" in Kit().words(LANGUAGES["fr"])("form.problems", count=12345)
    words = Kit().words(LANGUAGES["en"])
    assert "2026" in words("date.pattern", day=1, month="May", year=2026)


def test_days_in_english_sentences_are_written_out_and_codes_are_not() -> None:
    words = Kit().words(LANGUAGES["en"])
    assert words.in_english("suspended from 2026-09-01") == "suspended from 1 September 2026"
    for text in ("TA-2026-09-01", "2026-13-01", "9999-12-31"):
        assert words.in_english(text) == text
