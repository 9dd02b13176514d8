"""The names of countries are those of Unicode CLDR, as Babel has it."""

import pytest
from babel import Locale

from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.data.make_countries import LANGUAGES, SHORT, read_countries


def test_every_country_is_called_as_cldr_calls_it() -> None:
    expected = read_countries(iso3166().codes)
    for code, label in iso3166().codes.items():
        assert [label.by_language[language] for language in LANGUAGES] == expected[code]


def test_short_names_are_ours_only_as_long_as_babel_has_none() -> None:
    long = Locale("en").territories
    assert [long[code] for code in ("HK", "MO", "PS")] == [
        "Hong Kong SAR China",
        "Macao SAR China",
        "Palestinian Territories",
    ]
    assert list(SHORT) == ["HKG", "MAC", "PSE"]


def test_a_code_that_cldr_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match=r"missing: .*'XYZ'"):
        read_countries(["LKA", "XYZ"])
