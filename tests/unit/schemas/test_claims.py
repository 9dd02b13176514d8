from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.claims import ClaimError, CredentialValues, read_revealed, read_values, validate_claim
from wanderbuch.schemas.credential_type import Attribute, Kind, load_credential_type
from wanderbuch.schemas.encoding import encode, is_canonical
from wanderbuch.schemas.frameworks import EQF, framework

QUALIFICATION = load_credential_type("qualification/1.0")
MARK = "Zq9Xj7Wk"  # stands in for a personal value; part of no message


def findings_of(claim: dict[str, Any], *, at: date | None = None) -> dict[str, str]:
    """Return attribute -> what was found, for a claim that must be refused."""
    with pytest.raises(ClaimError) as caught:
        validate_claim(QUALIFICATION, claim, at=at)
    return {finding.attribute: finding.found for finding in caught.value.findings}


def values_of(claim: dict[str, Any], *, eqf_level: int = 4, crosswalk_version: str | None = "2024-1") -> dict[str, str]:
    return validate_claim(QUALIFICATION, claim).to_values(eqf_level=eqf_level, crosswalk_version=crosswalk_version)


def test_a_welders_claim_gives_every_value_of_the_credential(welder: dict[str, Any]) -> None:
    values = values_of(welder)
    assert tuple(values) == QUALIFICATION.attr_names
    assert values == {attribute.name: attribute.example for attribute in QUALIFICATION.attributes}


@pytest.mark.parametrize(("eqf_level", "marks"), [(0, "00000000"), (1, "10000000"), (4, "11110000"), (8, "11111111")])
def test_the_thermometer_shows_every_level_that_is_reached(welder: dict[str, Any], eqf_level: int, marks: str) -> None:
    values = values_of(welder, eqf_level=eqf_level)
    assert "".join(values[QUALIFICATION.thermometer(level).name] for level in range(1, 9)) == marks
    assert values["eqf_level"] == str(eqf_level)


def test_what_may_be_left_out_is_signed_in_its_absent_form(welder: dict[str, Any]) -> None:
    for name in ("given_names", "expires_on", "details"):
        welder.pop(name)
    claim = validate_claim(QUALIFICATION, welder)
    assert (claim["given_names"], claim["expires_on"], claim["details"]) == (None, None, None)
    assert {name: claim.raw[name] for name in ("given_names", "expires_on", "details")} == {
        "given_names": "-",
        "expires_on": "99991231",
        "details": "-",
    }


@pytest.mark.parametrize("attribute", QUALIFICATION.claimed, ids=lambda attribute: attribute.name)
def test_what_may_not_be_left_out_is_missed(welder: dict[str, Any], attribute: Attribute) -> None:
    welder.pop(attribute.name)
    if attribute.absent:
        validate_claim(QUALIFICATION, welder)
    else:
        assert findings_of(welder) == {attribute.name: "nothing"}


def test_all_findings_are_reported_at_once(welder: dict[str, Any]) -> None:
    welder |= {"occupation_isco08": "7212", "country_of_award": "Sri Lanka", "colour": "red", "birth_date": "19910230"}
    assert set(findings_of(welder)) == {"occupation_isco08", "country_of_award", "colour", "birth_date"}


def test_an_unknown_attribute_is_refused_and_named_only_if_it_looks_like_a_name(welder: dict[str, Any]) -> None:
    assert findings_of(welder | {"family_nam": "x"}) == {"family_nam": "an unknown name"}
    assert list(findings_of(welder | {f"Nimal {MARK}": "x"})) == ["(a name in another form)"]


@pytest.mark.parametrize("name", ["eqf_level", "eqf_min_4", "crosswalk_version"])
def test_a_claim_does_not_bring_what_the_crosswalk_gives(welder: dict[str, Any], name: str) -> None:
    assert list(findings_of(welder | {name: "1"})) == [name]
    validate_claim(QUALIFICATION, welder | {name: None})


def test_an_award_year_may_be_given_if_it_agrees(welder: dict[str, Any]) -> None:
    assert values_of(welder | {"award_year": 2024}) == values_of(welder)
    assert findings_of(welder | {"award_year": 2023}) == {"award_year": "another year"}


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"framework_level": "7"}, {}),
        ({"framework_level": "8"}, {"framework_level": "a level that it does not have"}),
        ({"framework": "EQF", "framework_level": "8"}, {}),
        ({"awarded_on": "20240517", "expires_on": "20240517"}, {}),
        ({"awarded_on": "20240517", "expires_on": "20240516"}, {"expires_on": "an earlier day"}),
        ({"birth_date": "20140517", "awarded_on": "20240517"}, {}),
        ({"birth_date": "20140518", "awarded_on": "20240517"}, {"awarded_on": "fewer"}),
        ({"birth_date": "20240518", "awarded_on": "20240517"}, {"awarded_on": "an earlier day"}),
        ({"birth_date": "19030518", "awarded_on": "20240517"}, {}),
        ({"birth_date": "19030517", "awarded_on": "20240517"}, {"awarded_on": "more"}),
        ({"birth_date": "20000229", "awarded_on": "20100228"}, {"awarded_on": "fewer"}),
        ({"birth_date": "20000229", "awarded_on": "20100301"}, {}),
    ],
)
def test_values_must_fit_each_other(welder: dict[str, Any], change: dict[str, str], faults: dict[str, str]) -> None:
    if faults:
        assert findings_of(welder | change) == faults
    else:
        validate_claim(QUALIFICATION, welder | change)


def test_an_award_of_tomorrow_is_refused_today_and_not_tomorrow(welder: dict[str, Any]) -> None:
    awarded = date(2024, 5, 17)
    assert findings_of(welder, at=awarded - timedelta(days=1)) == {"awarded_on": "a later day"}
    validate_claim(QUALIFICATION, welder, at=awarded)


@pytest.mark.parametrize(
    ("framework_code", "eqf_level", "crosswalk_version", "refused"),
    [
        ("LK-NVQ", 4, "2024-1", None),
        ("LK-NVQ", 0, None, None),
        ("LK-NVQ", 0, "2024-1", None),  # the crosswalk says: no mapping
        ("LK-NVQ", 4, None, "crosswalk_version"),
        ("LK-NVQ", 4, "", "crosswalk_version"),
        ("LK-NVQ", 4, "none", "crosswalk_version"),
        ("LK-NVQ", 9, "2024-1", "eqf_level"),
        ("LK-NVQ", -1, "2024-1", "eqf_level"),
        ("LK-NVQ", True, "2024-1", "eqf_level"),
        ("LK-NVQ", 4, "2024\n1", "crosswalk_version"),
        ("EQF", 4, None, None),
        ("EQF", 4, "none", None),
        ("EQF", 3, None, "eqf_level"),
        ("EQF", 0, None, "eqf_level"),
        ("EQF", 4, "2024-1", "crosswalk_version"),
    ],
)
def test_level_and_crosswalk_must_fit_the_claim(
    welder: dict[str, Any], framework_code: str, eqf_level: int, crosswalk_version: str | None, refused: str | None
) -> None:
    welder["framework"] = framework_code
    if refused is None:
        values = values_of(welder, eqf_level=eqf_level, crosswalk_version=crosswalk_version)
        assert values["crosswalk_version"] == (crosswalk_version or "none")
    else:
        with pytest.raises(ClaimError) as caught:
            values_of(welder, eqf_level=eqf_level, crosswalk_version=crosswalk_version)
        assert refused in {finding.attribute for finding in caught.value.findings}


@pytest.mark.parametrize("attribute", QUALIFICATION.attributes, ids=lambda attribute: attribute.name)
@pytest.mark.parametrize("value", [f"{MARK}\n", [MARK], {MARK: MARK}, f"{MARK}\u202e", MARK * 1000])
def test_no_message_repeats_a_value(welder: dict[str, Any], attribute: Attribute, value: object) -> None:
    with pytest.raises(ClaimError) as caught:
        validate_claim(QUALIFICATION, welder | {attribute.name: value})
    assert attribute.name in caught.value.message
    assert MARK not in f"{caught.value!r}{caught.value}{caught.value.findings}{caught.value.hint}"
    assert caught.value.__cause__ is None


def test_a_claim_does_not_show_its_values_when_printed(welder: dict[str, Any]) -> None:
    claim = validate_claim(QUALIFICATION, welder)
    read = read_values(QUALIFICATION, claim.to_values(eqf_level=4, crosswalk_version="2024-1"))
    assert "Perera" not in f"{claim!r}{claim}{read!r}"


def test_a_claim_answers_only_for_what_it_brings(welder: dict[str, Any]) -> None:
    claim = validate_claim(QUALIFICATION, welder)
    assert claim["awarded_on"] == date(2024, 5, 17)
    for name in ("eqf_level", "colour"):
        with pytest.raises(CredentialError):
            claim[name]


def test_a_claim_cannot_be_changed_afterwards(welder: dict[str, Any]) -> None:
    claim = validate_claim(QUALIFICATION, welder)
    welder["family_name"] = "Other"
    assert claim["family_name"] == "Perera"
    with pytest.raises(TypeError):
        claim.raw["family_name"] = "Other"  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"eqf_min_5": "1"}, "eqf_min_5"),
        ({"eqf_min_4": "0"}, "eqf_min_4"),
        ({"eqf_level": "5"}, "eqf_min_5"),
        ({"award_year": "2023"}, "award_year"),
        ({"crosswalk_version": "none"}, "crosswalk_version"),
        ({"occupation_isco08": "7212"}, "occupation_isco08"),
        ({"expires_on": "2029-05-16"}, "expires_on"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_credential_that_contradicts_itself_is_refused(
    welder: dict[str, Any], change: dict[str, str], attribute: str
) -> None:
    values = values_of(welder)
    read_values(QUALIFICATION, values)
    with pytest.raises(ClaimError) as caught:
        read_values(QUALIFICATION, values | change)
    assert attribute in {finding.attribute for finding in caught.value.findings}


def test_a_credential_without_one_of_its_attributes_is_refused(welder: dict[str, Any]) -> None:
    values = values_of(welder)
    del values["details"]
    with pytest.raises(ClaimError, match="details"):
        read_values(QUALIFICATION, values)


def test_what_is_revealed_together_is_judged_together() -> None:
    shown = {"occupation_isco08": "C7212", "award_year": "2024", "eqf_min_4": "1", "expires_on": "99991231"}
    assert read_revealed(QUALIFICATION, shown) == {
        "occupation_isco08": "C7212",
        "award_year": 2024,
        "eqf_min_4": 1,
        "expires_on": None,
    }
    for change in ({"eqf_min_3": "0"}, {"awarded_on": "20230517"}, {"occupation_isco08": "C7216"}, {"colour": "red"}):
        with pytest.raises(ClaimError):
            read_revealed(QUALIFICATION, shown | change)


WORDS = st.text(st.characters(categories=["L", "Nd", "Po", "Pd"]) | st.sampled_from(" '-"), max_size=20).map(
    lambda text: " ".join(f"a{text}z".split())
)
VALUES = {
    attribute.name: WORDS if attribute.kind is Kind.TEXT else st.sampled_from(sorted(attribute.codes))
    for attribute in QUALIFICATION.claimed
    if attribute.kind in {Kind.TEXT, Kind.CODE}
}


@st.composite
def claims(draw: st.DrawFn) -> dict[str, Any]:
    """Make any claim that should be valid."""
    absent = [attribute.name for attribute in QUALIFICATION.claimed if attribute.absent]
    claim: dict[str, Any] = draw(st.fixed_dictionaries(VALUES))
    claim |= dict.fromkeys(draw(st.sets(st.sampled_from(absent))), None)
    claim["framework_level"] = draw(st.sampled_from(sorted(framework(claim["framework"]).levels)))
    born = draw(st.dates(date(1900, 1, 1), date(2000, 1, 1)))
    claim["birth_date"] = draw(st.sampled_from([born, born.isoformat(), f"{born:%Y%m%d}"]))
    claim["awarded_on"] = awarded = draw(st.dates(born + timedelta(days=366 * 11), born + timedelta(days=365 * 100)))
    if "expires_on" not in claim:
        claim["expires_on"] = draw(st.dates(awarded, date(2999, 12, 31)))
    return claim


@settings(deadline=None)
@given(claims(), st.integers(0, 8), st.sampled_from(["2024-1", "lk-nvq/2030", "v1"]))
def test_every_claim_comes_back_from_its_values(claim: dict[str, Any], eqf_level: int, version: str) -> None:
    validated = validate_claim(QUALIFICATION, claim)
    if claim["framework"] == EQF:
        expected = CredentialValues(validated, int(claim["framework_level"]), None)
    else:
        expected = CredentialValues(validated, eqf_level, version)
    values = validated.to_values(eqf_level=expected.eqf_level, crosswalk_version=expected.crosswalk_version)
    assert read_values(QUALIFICATION, values) == expected
    assert validate_claim(QUALIFICATION, validated.plain) == validated
    assert all(is_canonical(QUALIFICATION.attribute(name), raw) for name, raw in values.items())


@settings(deadline=None, max_examples=examples(50))
@given(claims(), st.sampled_from(QUALIFICATION.attr_names), st.text(max_size=10))
def test_no_single_change_of_a_value_goes_unnoticed_or_stands_for_the_same(
    claim: dict[str, Any], name: str, other: str
) -> None:
    """Whoever alters one raw text makes another credential or none, never the same one in another form."""
    validated = validate_claim(QUALIFICATION, claim)
    level = int(claim["framework_level"]) if claim["framework"] == EQF else 4
    values = validated.to_values(eqf_level=level, crosswalk_version=None if claim["framework"] == EQF else "v1")
    try:
        read = read_values(QUALIFICATION, values | {name: other})
    except ClaimError:
        return
    assert (read == read_values(QUALIFICATION, values)) == (other == values[name])


@pytest.mark.parametrize("code", ["AQRF", "IN-NSQF", "ISCED-2011", "SADCQF", "ZA-NQF", "LK-NVQ"])
def test_every_level_of_a_framework_comes_back_as_it_was_claimed(welder: dict[str, Any], code: str) -> None:
    for level in framework(code).levels:
        claim = welder | {"framework": code, "framework_level": level}
        read = read_values(QUALIFICATION, values_of(claim))
        assert (read.claim["framework"], read.claim["framework_level"]) == (code, level)


@pytest.mark.parametrize("level", ["4.5", "6.5"])
def test_half_a_level_is_one_text_that_no_reader_takes_for_a_whole_number(welder: dict[str, Any], level: str) -> None:
    values = values_of(welder | {"framework": "IN-NSQF", "framework_level": level})
    assert values["framework_level"] == level
    assert int(encode(level)) > 2**31
    assert read_revealed(QUALIFICATION, {"framework": "IN-NSQF", "framework_level": level})["framework_level"] == level


@pytest.mark.parametrize("level", ["4.50", "4,5", "04.5", "4.25", ".5", "4½", "7.5", 4.5])
def test_half_a_level_in_another_form_is_refused(welder: dict[str, Any], level: object) -> None:
    assert "framework_level" in findings_of(welder | {"framework": "IN-NSQF", "framework_level": level})


def test_half_a_level_of_a_framework_without_half_levels_is_refused(welder: dict[str, Any]) -> None:
    assert findings_of(welder | {"framework": "AQRF", "framework_level": "4.5"}) == {
        "framework_level": "a level that it does not have"
    }


def test_a_language_level_has_no_eqf_level(welder: dict[str, Any]) -> None:
    read = read_values(
        QUALIFICATION,
        values_of(welder | {"framework": "CEFR", "framework_level": "B2"}, eqf_level=0, crosswalk_version=None),
    )
    assert (read.eqf_level, read.crosswalk_version) == (0, None)
