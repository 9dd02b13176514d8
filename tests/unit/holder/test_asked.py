"""A proof request is read strictly and said in plain words."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.agents.holder.asked import (
    AskedKind,
    allowed_values,
    in_words,
    parse_proof_request,
    stays_hidden,
)
from wanderbuch.errors import PresentationError

CRED_DEF = "did:webvh:Qm/resources/zQmCredDef"


def group_request(**changes: Any) -> dict[str, Any]:
    request = {
        "name": "qualification check",
        "version": "1.0",
        "nonce": "1234567890",
        "requested_attributes": {
            "q": {
                "names": ["occupation_isco08", "award_year", "eqf_min_3"],
                "restrictions": [
                    {"cred_def_id": CRED_DEF, "attr::occupation_isco08::value": "C7212", "attr::eqf_min_3::value": "1"}
                ],
            }
        },
        "requested_predicates": {},
        "non_revoked": {"to": 1795301368},
    }
    return request | changes


def words(request: dict[str, Any]) -> list[tuple[AskedKind, str]]:
    parsed = parse_proof_request(request)
    labels = {"occupation_isco08": "Occupation", "award_year": "Year of award", "eqf_level": "EQF level"}
    items = in_words(parsed, labels=labels, occupation_label={"C7212": "Welders and flame cutters"}.get)
    return [(item.kind, item.text) for item in items]


def test_says_a_thermometer_attribute_as_a_proof_that_hides_the_level() -> None:
    assert words(group_request()) == [
        (AskedKind.SHOW, "Shows: Occupation."),
        (AskedKind.SHOW, "Shows: Year of award."),
        (AskedKind.PROVE, "Proves: EQF level 3 or more. The level stays hidden."),
        (AskedKind.MUST_BE, "Required: Occupation is C7212 (Welders and flame cutters)."),
        (AskedKind.NOT_REVOKED, "Proves: the credential is not revoked."),
    ]


def test_says_an_unrestricted_thermometer_attribute_as_shown() -> None:
    request = group_request()
    del request["requested_attributes"]["q"]["restrictions"][0]["attr::eqf_min_3::value"]
    assert (AskedKind.SHOW, "Shows whether it reaches EQF level 3.") in words(request)


def test_says_a_predicate_with_its_bound() -> None:
    request = group_request(
        requested_predicates={"p": {"name": "eqf_level", "p_type": ">=", "p_value": 3}}, non_revoked=None
    )
    told = words(request)
    assert (AskedKind.PROVE, "Proves: EQF level is at least 3. The value stays hidden.") in told
    assert all(kind is not AskedKind.NOT_REVOKED for kind, _ in told)


def test_names_what_stays_hidden_of_a_credential() -> None:
    parsed = parse_proof_request(group_request())
    hidden = stays_hidden(parsed, ["family_name", "occupation_isco08", "eqf_level", "eqf_min_3", "award_year"])
    assert hidden == ("family_name", "eqf_level")


def test_tells_what_is_learnt_though_it_is_not_shown() -> None:
    """The wallet answers only where it fits, so an answer tells it."""
    names = ("family_name", "birth_date", "eqf_level", "eqf_min_3", "months", "award_year", "details")
    alternatives = [
        {"attr::family_name::value": "Perera", "attr::EQF_min_3::value": "1"},
        {"attr::family_name::value": "Silva", "attr::details::marker": "1"},
    ]
    bounds = [("birth_date", ">=", 19900101), ("birth_date", "<", 19900102), ("months", ">=", 6), ("months", ">", 7)]
    request = group_request(
        requested_attributes={"q": {"name": "award_year", "restrictions": alternatives}},
        requested_predicates={
            str(number): {"name": name, "p_type": operator, "p_value": bound}
            for number, (name, operator, bound) in enumerate(bounds)
        },
    )
    assert stays_hidden(parse_proof_request(request), names) == ("eqf_level", "months", "details")
    told = [text for _, text in words(request)]
    assert "Required: family_name is Perera or Silva." in told
    assert "Required, unless something else holds: eqf_min_3 is 1." in told
    assert "Proves: birth_date is at least 19900101." in told
    assert "Proves: months is at least 6. The value stays hidden." in told


def test_leaves_values_open_where_one_alternative_does() -> None:
    key = "attr::occupation_isco08::value"
    assert allowed_values([{key: "C7212"}, {key: "C2221"}], "occupation_isco08") == ("C2221", "C7212")
    assert allowed_values([{key: "C7212"}, {"cred_def_id": CRED_DEF}], "occupation_isco08") == ()


BAD: dict[str, dict[str, Any]] = {
    "a_bool_as_referent_names": group_request(requested_attributes={"q": {"names": True}}),
    "an_integer_name": group_request(requested_attributes={"q": {"name": 5}}),
    "both_name_and_names": group_request(requested_attributes={"q": {"name": "a", "names": ["b"]}}),
    "neither_name_nor_names": group_request(requested_attributes={"q": {}}),
    "an_empty_group": group_request(requested_attributes={"q": {"names": []}}),
    "nothing_asked": group_request(requested_attributes={}),
    "a_restriction_that_is_a_list": group_request(requested_attributes={"q": {"name": "a", "restrictions": [["x"]]}}),
    "a_restriction_with_a_number": group_request(
        requested_attributes={"q": {"name": "a", "restrictions": [{"schema_version": 1}]}}
    ),
    "a_text_as_bound": group_request(requested_predicates={"p": {"name": "a", "p_type": ">=", "p_value": "3"}}),
    "a_bool_as_bound": group_request(requested_predicates={"p": {"name": "a", "p_type": ">=", "p_value": True}}),
    "a_bound_outside_32_bits": group_request(
        requested_predicates={"p": {"name": "a", "p_type": ">=", "p_value": 2**31}}
    ),
    "an_unknown_comparison": group_request(requested_predicates={"p": {"name": "a", "p_type": "==", "p_value": 3}}),
    "one_referent_twice": group_request(requested_predicates={"q": {"name": "a", "p_type": ">=", "p_value": 3}}),
    "too_many_referents": group_request(requested_attributes={str(n): {"name": "a"} for n in range(41)}),
    "a_negative_time": group_request(non_revoked={"to": -1}),
}


@pytest.mark.parametrize("request_name", BAD)
def test_refuses_a_malformed_request(request_name: str) -> None:
    with pytest.raises(PresentationError):
        parse_proof_request(BAD[request_name])


@pytest.mark.parametrize("received", [None, [], "text", 7])
def test_refuses_what_is_not_an_object(received: object) -> None:
    with pytest.raises(PresentationError):
        parse_proof_request(received)


def test_who_asks_in_another_spelling_asks_for_the_same() -> None:
    """AnonCreds would reveal the birth date: the person must read that, and not that it stays hidden."""
    request = group_request(
        requested_attributes={"a": {"name": "Birth_Date"}, "b": {"names": ["FAMILY_NAME", "family_name", "EQF_min_4"]}},
        requested_predicates={"p": {"name": "EQF _level", "p_type": ">=", "p_value": 4}},
    )
    parsed = parse_proof_request(request)
    assert parsed.shown == {"birth_date", "family_name", "eqf_min_4"}
    assert parsed.groups[1].names == ("family_name", "eqf_min_4")
    assert parsed.predicates[0].name == "eqf_level"
    assert stays_hidden(parsed, ("birth_date", "family_name", "details")) == ("details",)
    told = [item.text for item in in_words(parsed, labels={"birth_date": "Date of birth"}, occupation_label={}.get)]
    assert "Shows: Date of birth." in told


def test_restrictions_are_read_by_the_attribute_that_they_are_about() -> None:
    request = group_request()
    (restriction,) = request["requested_attributes"]["q"]["restrictions"]
    restriction["attr::EQF_Min_3::value"] = restriction.pop("attr::eqf_min_3::value")
    assert words(request) == words(group_request())


def test_refuses_a_restriction_of_one_attribute_in_two_spellings() -> None:
    request = group_request()
    (restriction,) = request["requested_attributes"]["q"]["restrictions"]
    restriction["attr::Occupation_ISCO08::value"] = "C2221"
    with pytest.raises(PresentationError, match="two spellings"):
        parse_proof_request(request)


def test_a_required_certificate_number_is_told_as_it_stands_on_the_certificate() -> None:
    request = group_request()
    request["requested_attributes"]["q"]["restrictions"][0]["attr::credential_id::value"] = "#000123"
    assert (AskedKind.MUST_BE, "Required: credential_id is 000123.") in words(request)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("attr::A::value"),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=6,
)


@given(
    changed=st.dictionaries(st.sampled_from(list(group_request())), JSON_VALUES, max_size=3),
    part=st.dictionaries(st.sampled_from(["name", "names", "restrictions", "non_revoked", "p_type"]), JSON_VALUES),
)
def test_whatever_is_asked_is_a_request_or_refused_in_our_own_words(changed: Any, part: Any) -> None:
    for request in (changed, group_request(**changed), group_request(requested_attributes={"q": part})):
        with contextlib.suppress(PresentationError):
            parsed = parse_proof_request(request)
            in_words(parsed, labels={}, occupation_label={}.get)
            stays_hidden(parsed, ("birth_date",))
