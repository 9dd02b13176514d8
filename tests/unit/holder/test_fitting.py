"""One credential answers the whole request, or it does not fit and we say why."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from wanderbuch.agents.holder.asked import parse_proof_request
from wanderbuch.agents.holder.fitting import HeldCredential, Matcher, Revocation, misfits

TODAY = date(2026, 11, 22)
CRED_DEF = "did:webvh:Qm/resources/zQmCentre"


def welder(**changes: Any) -> HeldCredential:
    values = {
        "occupation_isco08": "C7212",
        "award_year": "2024",
        "eqf_level": "4",
        "family_name": "Perera",
        **{f"eqf_min_{level}": "1" if level <= 4 else "0" for level in range(1, 9)},
    }
    credential = HeldCredential(
        id="1",
        schema_id="did:webvh:Qm/resources/zQmSchema",
        cred_def_id=CRED_DEF,
        issuer_did="did:webvh:Qm",
        schema_issuer_did="did:webvh:QmAuthority",
        schema_name="qualification",
        schema_version="1.0",
        rev_reg_id="did:webvh:Qm/resources/zQmReg",
        values=values,
        revocation=Revocation.VALID,
        expires_on=None,
    )
    return replace(credential, **changes)


def valued(**values: str) -> HeldCredential:
    return welder(values={**welder().values, **values})


def group(level: int = 3, *, cred_def: str = CRED_DEF, extra: dict[str, str] | None = None) -> dict[str, Any]:
    restriction = {
        "cred_def_id": cred_def,
        "attr::occupation_isco08::value": "C7212",
        f"attr::eqf_min_{level}::value": "1",
    } | (extra or {})
    return {
        "requested_attributes": {
            "q": {"names": ["occupation_isco08", "award_year", f"eqf_min_{level}"], "restrictions": [restriction]}
        },
        "requested_predicates": {},
    }


def predicate(operator: str, bound: int, name: str = "eqf_level") -> dict[str, Any]:
    return {
        "requested_attributes": {},
        "requested_predicates": {"p": {"name": name, "p_type": operator, "p_value": bound}},
    }


def codes(request: dict[str, Any], credential: HeldCredential) -> list[str]:
    return [reason.code for reason in misfits(parse_proof_request(request), credential, at=TODAY)]


def test_fits_when_all_holds() -> None:
    assert codes(group(), welder()) == []


CASES: dict[str, tuple[dict[str, Any], HeldCredential, list[str]]] = {
    "level_too_low": (group(5), welder(), ["fit.level"]),
    "other_occupation": (group(), valued(occupation_isco08="C2221"), ["fit.value"]),
    "other_issuer": (group(cred_def="did:webvh:Qm/resources/zQmOther"), welder(), ["fit.issuer"]),
    "unknown_restriction": (group(extra={"colour": "blue"}), welder(), ["fit.restriction"]),
    "attribute_it_lacks": (predicate(">=", 1, name="months"), welder(), ["fit.attribute_missing"]),
    "expired_yesterday": (group(), welder(expires_on=date(2026, 11, 21)), ["fit.expired"]),
    "revoked": (group(), welder(revocation=Revocation.REVOKED), ["fit.revoked"]),
    "revocation_unchecked": (group(), welder(revocation=Revocation.UNCHECKED), ["fit.revocation_unchecked"]),
    "predicate_fails": (predicate(">=", 5), welder(), ["fit.predicate"]),
    "predicate_whose_proof_has_no_end": (predicate(">=", 4 - 7 * 4**14), welder(), ["fit.endless"]),
    "predicate_whose_proof_takes_long": (predicate("<", 5 + 4**9), welder(), ["fit.endless"]),
    "predicate_on_text": (predicate(">=", 1, name="family_name"), welder(), ["fit.predicate"]),
    "predicate_on_leading_zero": (predicate(">=", 1), valued(eqf_level="04"), ["fit.predicate"]),
}


@pytest.mark.parametrize("case", CASES)
def test_says_why_a_credential_does_not_fit(case: str) -> None:
    request, credential, expected = CASES[case]
    assert codes(request, credential) == expected


NEIGHBOURS: dict[str, tuple[dict[str, Any], HeldCredential]] = {
    "level_just_reached": (group(4), welder()),
    "expires_today": (group(), welder(expires_on=TODAY)),
    "not_revocable": (group(), welder(revocation=Revocation.NOT_REVOCABLE)),
    "predicate_at_least": (predicate(">=", 4), welder()),
    "predicate_more_than": (predicate(">", 3), welder()),
    "predicate_far_below": (predicate(">=", 4 - 7 * 4**8), welder()),
    "predicate_at_most": (predicate("<=", 4), welder()),
    "predicate_less_than": (predicate("<", 5), welder()),
    "schema_facts": (group(extra={"schema_name": "qualification", "issuer_did": "did:webvh:Qm"}), welder()),
    "marker": (group(extra={"attr::family_name::marker": "1"}), welder()),
}


@pytest.mark.parametrize("case", NEIGHBOURS)
def test_fits_the_neighbour_that_differs_in_one_point(case: str) -> None:
    request, credential = NEIGHBOURS[case]
    assert codes(request, credential) == []


def test_one_credential_must_answer_every_part() -> None:
    request = group()
    request["requested_attributes"]["second"] = {
        "name": "award_year",
        "restrictions": [{"cred_def_id": "did:webvh:Qm/resources/zQmOther"}],
    }
    assert codes(request, welder()) == ["fit.issuer"]


def test_one_satisfied_alternative_is_enough() -> None:
    request = group()
    request["requested_attributes"]["q"]["restrictions"].insert(0, {"cred_def_id": "did:webvh:Qm/resources/zQmOther"})
    assert codes(request, welder()) == []


def test_never_prints_what_a_credential_says() -> None:
    assert "Perera" not in repr(welder())


def test_a_credential_fits_a_request_in_another_spelling() -> None:
    request = group()
    asked = request["requested_attributes"]["q"]
    asked["names"] = [name.upper() for name in asked["names"]]
    assert codes(request, welder()) == []
    assert codes(predicate(">=", 4, name="EQF _LEVEL"), welder()) == []


LEVEL_BY_PREDICATE = {**predicate(">=", 3), "requested_attributes": group()["requested_attributes"]}
DIFFERING = {
    "nothing": welder(),
    "who they are": valued(family_name="Silva"),
    "the occupation": valued(occupation_isco08="C7213"),
    "the level by thermometer": valued(eqf_min_3="0"),
    "the level": valued(eqf_level="2"),
    "an attribute that is shown": welder(
        values={name: value for name, value in welder().values.items() if name != "award_year"}
    ),
    "a compared attribute": welder(
        values={name: value for name, value in welder().values.items() if name != "eqf_level"}
    ),
    "the issuer's definition": welder(cred_def_id="did:webvh:Qm/resources/zQmOther"),
    "the end": welder(expires_on=date(2026, 11, 21)),
    "another end": welder(expires_on=date(2025, 1, 1)),
    "an end to come": welder(expires_on=date(2030, 1, 1)),
}


@pytest.mark.parametrize("case", DIFFERING)
def test_a_credential_is_compared_by_itself_whatever_was_compared_before(case: str) -> None:
    request = parse_proof_request(LEVEL_BY_PREDICATE)
    after_all_others = Matcher(request, at=TODAY)
    for name, credential in DIFFERING.items():
        if name != case:
            after_all_others.lasting(credential)
    alone = Matcher(request, at=TODAY).lasting(DIFFERING[case])
    assert after_all_others.lasting(DIFFERING[case]) == alone
    assert bool(alone) is (case not in ("nothing", "who they are", "an end to come"))


def test_the_day_of_its_end_is_told_of_each_credential() -> None:
    matcher = Matcher(parse_proof_request(LEVEL_BY_PREDICATE), at=TODAY)
    told = [matcher.lasting(DIFFERING[case])[0].text for case in ("the end", "another end")]
    assert told == ["It expired on 2026-11-21.", "It expired on 2025-01-01."]
