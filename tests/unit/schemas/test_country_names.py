import csv
from io import StringIO

import pytest

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.countries import iso3166
from wanderbuch.schemas.country_names import find_country
from wanderbuch.schemas.data_file import read_text


def test_every_country_is_found_by_every_name_we_have() -> None:
    for code, label in iso3166().codes.items():
        assert set(label.by_language) == {"en", "ar", "es", "fr", "si", "ta"}
        names = {code, code.lower(), *label.by_language.values()} - {"Congo"}  # Spanish for one of the two
        assert {find_country(name) for name in names} == {code}


def test_every_country_is_found_by_its_two_letters() -> None:
    rows = list(csv.DictReader(StringIO(read_text("country_names.csv"))))
    assert [row["code"] for row in rows] == list(iso3166().codes)
    assert all(find_country(row["alpha2"]) == row["code"] for row in rows)
    assert len({row["alpha2"] for row in rows}) == 249


@pytest.mark.parametrize(
    ("text", "code"),
    [("UK", "GBR"), ("U.K.", "GBR"), ("Great Britain", "GBR"), ("USA", "USA"), ("UAE", "ARE"), ("South Korea", "KOR"),
     ("Cote d'Ivoire", "CIV"), ("CÔTE D’IVOIRE", "CIV"), ("Côte d'Ivoire", "CIV"), ("Viet Nam", "VNM"),
     ("Tanzania, United Republic of", "TZA"), ("The Gambia", "GMB"), ("Trinidad & Tobago", "TTO"), ("Türkiye", "TUR"),
     (" Sri  Lanka ", "LKA"), ("ශ්‍රී ලංකාව", "LKA"), ("ＬＫＡ", "LKA")],
)  # fmt: skip
def test_names_that_people_write_are_known(text: str, code: str) -> None:
    assert find_country(text) == code


@pytest.mark.parametrize("text", ["Congo", "Korea", "Virgin Islands"])
def test_a_name_of_two_countries_is_refused_with_both(text: str) -> None:
    with pytest.raises(CredentialError, match="the name of"):
        find_country(text)


@pytest.mark.parametrize(("text", "meant"), [("Sri Lnka", "LKA"), ("Ceylon", ""), ("XX", ""), ("", ""), ("144", "")])
def test_what_is_no_country_is_refused_with_what_may_be_meant(text: str, meant: str) -> None:
    with pytest.raises(CredentialError, match="expected a country") as caught:
        find_country(text)
    assert meant in str(caught.value.hint)
