import pytest

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.claims import ClaimError, read_revealed, read_values, validate_claim
from wanderbuch.schemas.credential_type import Computation, CredentialType, load_credential_type
from wanderbuch.schemas.languages import find_language

# A published version never changes: this is what authorities put on record.
EXPERIENCE_1_0 = [
    "credential_id", "family_name", "given_names", "birth_date", "occupation_isco08", "employer", "country_of_work",
    "employed_from", "employed_to", "months", "awarded_on", "award_year", "expires_on", "details",
]  # fmt: skip
LANGUAGE_1_0 = [
    "credential_id", "family_name", "given_names", "birth_date", "language", "cefr_level", "cefr_rank", "cefr_min_a1",
    "cefr_min_a2", "cefr_min_b1", "cefr_min_b2", "cefr_min_c1", "cefr_min_c2", "examining_body", "awarded_on",
    "award_year", "expires_on", "details",
]  # fmt: skip


@pytest.fixture(scope="module")
def experience() -> CredentialType:
    return load_credential_type("experience/1.0")


@pytest.fixture(scope="module")
def language() -> CredentialType:
    return load_credential_type("language/1.0")


def example(credential_type: CredentialType, **changes: object) -> dict[str, object]:
    return {attribute.name: attribute.example for attribute in credential_type.claimed} | changes


def test_both_have_their_published_attributes_in_order(experience: CredentialType, language: CredentialType) -> None:
    assert list(experience.attr_names) == EXPERIENCE_1_0
    assert list(language.attr_names) == LANGUAGE_1_0


def test_each_says_what_it_is_about(
    experience: CredentialType, language: CredentialType, qualification: CredentialType
) -> None:
    assert (experience.about, language.about, qualification.about) == (
        "occupation_isco08",
        "language",
        "occupation_isco08",
    )
    assert validate_claim(experience, example(experience)).level is None
    assert validate_claim(language, example(language)).level == ("CEFR", "B2")
    assert validate_claim(qualification, example(qualification)).level == ("LK-NVQ", "4")


@pytest.mark.parametrize(
    ("level", "rank", "marks"), [("A1", "1", "100000"), ("B2", "4", "111100"), ("C2", "6", "111111")]
)
def test_a_level_of_the_cefr_sets_its_thermometer(level: str, rank: str, marks: str, language: CredentialType) -> None:
    values = validate_claim(language, example(language, cefr_level=level)).to_values(eqf_level=0, crosswalk_version="")
    assert values["cefr_rank"] == rank
    assert "".join(values[attribute.name] for attribute in language.computed_by(Computation.AT_LEAST)) == marks
    assert read_values(language, values).claim.level == ("CEFR", level)


@pytest.mark.parametrize("level", ["B3", "4", "b2", ""])
def test_a_level_that_the_cefr_does_not_have_is_refused(level: str, language: CredentialType) -> None:
    with pytest.raises(ClaimError, match="cefr_level: expected a level of CEFR"):
        validate_claim(language, example(language, cefr_level=level))


def test_a_rank_that_is_not_its_levels_is_refused(language: CredentialType) -> None:
    assert read_revealed(language, {"cefr_level": "B1", "cefr_rank": "3"})
    with pytest.raises(ClaimError, match="the rank of cefr_level"):
        read_revealed(language, {"cefr_level": "B1", "cefr_rank": "4"})


@pytest.mark.parametrize(
    ("first", "last", "most"),
    [
        ("20200203", "20240131", 48),
        ("20240115", "20240214", 1),
        ("20240115", "20240215", 2),
        ("20240101", "20240101", 1),
    ],
)
def test_months_of_work_fit_between_the_days(first: str, last: str, most: int, experience: CredentialType) -> None:
    days = {"employed_from": first, "employed_to": last}
    validate_claim(experience, example(experience, months=most, **days))
    with pytest.raises(ClaimError, match="months: expected at most the months"):
        validate_claim(experience, example(experience, months=most + 1, **days))


@pytest.mark.parametrize(
    ("text", "code"), [("mlt", "mlt"), (" MLT ", "mlt"), ("Maltese", "mlt"), ("maltais", "mlt"), ("الإنجليزية", "eng")]
)
def test_a_language_is_found_by_code_and_by_name(text: str, code: str) -> None:
    assert find_language(text) == code


@pytest.mark.parametrize("text", ["", "Maltesisch", "xyz", "C7212"])
def test_what_is_no_language_is_refused_with_what_may_be_meant(text: str) -> None:
    with pytest.raises(CredentialError, match="expected a language") as caught:
        find_language(text)
    assert caught.value.hint
    assert text != "Maltesisch" or "mlt Maltese" in caught.value.hint
