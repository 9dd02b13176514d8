"""A received presentation is read strictly: a wrong type must never reach the native library."""

import base64
import copy
import json
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.thorough import examples
from tests.unit.trust.ecosystem import SCHEMA_ID, digest, message, webvh

from wanderbuch.errors import PresentationError
from wanderbuch.plugins.exchange.packed_numbers import packed
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import MAX_PROOF_BYTES, message_digest, read_presentation

DID = webvh("centre")
PROOF: dict[str, Any] = {
    "proof": {
        "proofs": [
            {
                "primary_proof": {"eq_proof": {"revealed_attrs": {}}, "ge_proofs": []},
                "non_revoc_proof": {"x_list": {}, "c_list": {}},
            }
        ],
        "aggregated_proof": {"c_hash": "1", "c_list": []},
    },
    "requested_proof": {
        "revealed_attrs": {},
        "revealed_attr_groups": {
            "qualification": {"sub_proof_index": 0, "values": {"award_year": {"raw": "2024", "encoded": "2024"}}}
        },
        "self_attested_attrs": {},
        "unrevealed_attrs": {},
        "predicates": {"level": {"sub_proof_index": 0}},
    },
    "identifiers": [
        {
            "schema_id": SCHEMA_ID,
            "cred_def_id": f"{DID}/resources/{digest()}",
            "rev_reg_id": f"{DID}/resources/{digest()}",
            "timestamp": 1_700_000_000,
        }
    ],
}


def changed(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    proof = copy.deepcopy(PROOF)
    place: Any = proof
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return proof


def test_reads_a_well_formed_presentation() -> None:
    received = read_presentation(message(PROOF))
    assert received.groups["qualification"].values == {"award_year": "2024"}
    assert received.predicates == {"level": 0}
    assert received.identifiers[0].timestamp == 1_700_000_000
    assert received.others == frozenset()


def test_a_timestamp_without_a_proof_of_non_revocation_counts_for_nothing() -> None:
    received = read_presentation(message(changed(("proof", "proofs", 0, "non_revoc_proof"), None)))
    assert received.identifiers[0].timestamp is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("proof", "aggregated_proof", "c_hash"), "9" * 79),
        (("proof", "proofs", 0, "primary_proof", "eq_proof", "e"), "9" * 2049),
        (("proof", "proofs", 0, "primary_proof", "eq_proof", "m"), {"family_name": "9" * 2049}),
        (("proof", "proofs", 0, "primary_proof", "ge_proofs"), [{"u": {"0": "9" * 2049}}]),
        (("proof", "proofs", 0, "non_revoc_proof", "x_list"), {"rho": "9" * 2049}),
        (("proof", "proofs", 0, "primary_proof", "eq_proof"), {"m": [[[[[[[[[]]]]]]]]]}),
    ],
)
def test_refuses_a_proof_that_would_keep_the_library_busy(path: tuple[str | int, ...], value: object) -> None:
    """A challenge of 480,000 digits costs the library a minute that nothing can cut short (anoncreds 0.2.3)."""
    with pytest.raises(PresentationError, match="malformed"):
        read_presentation(message(changed(path, value)))


def test_what_the_library_gets_is_what_was_read() -> None:
    proof = changed(("identifiers", 0, "smuggled"), "x")
    assert "smuggled" not in json.dumps(read_presentation(message(proof)).proof)
    assert read_presentation(message(PROOF)).proof == PROOF


def test_packed_numbers_are_read_as_those_that_they_are() -> None:
    def told(proof: dict[str, Any]) -> dict[str, object]:
        plain = message(proof)
        (attachment,) = cast(list[dict[str, Any]], plain["presentations~attach"])
        return {**plain, "presentations~attach": [{**attachment, "data": {"packed": packed(proof)}}]}

    proof = changed(("proof", "proofs", 0, "primary_proof", "eq_proof"), {"revealed_attrs": {}, "v": "9" * 700})
    proof["proof"]["aggregated_proof"]["c_list"] = [list(range(200))]
    assert len(json.dumps(told(proof))) < len(json.dumps(proof))
    assert read_presentation(told(proof)).proof == read_presentation(message(proof)).proof == proof
    long = changed(("proof", "proofs", 0, "primary_proof", "eq_proof"), {"revealed_attrs": {}, "v": "9" * 2_049})
    with pytest.raises(PresentationError, match="malformed"):
        read_presentation(told(long))
    smuggled = json.loads(json.dumps(told(proof)).replace("#n", "#x"))
    with pytest.raises(PresentationError, match="packed"):
        read_presentation(smuggled)


def test_null_groups_are_no_groups() -> None:
    proof = changed(("requested_proof", "revealed_attr_groups"), None)
    assert read_presentation(message(proof)).proof["requested_proof"]["revealed_attr_groups"] == {}


def test_names_every_other_way_in_which_something_is_answered() -> None:
    proof = changed(("requested_proof", "self_attested_attrs"), {"qualification": "trust me"})
    assert read_presentation(message(proof)).others == {"qualification"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("requested_proof", "revealed_attr_groups", "qualification", "sub_proof_index"), True),
        (("requested_proof", "revealed_attr_groups", "qualification", "sub_proof_index"), "0"),
        (("requested_proof", "revealed_attr_groups", "qualification", "sub_proof_index"), 1),
        (("requested_proof", "revealed_attr_groups", "qualification", "sub_proof_index"), -1),
        (("requested_proof", "predicates", "level", "sub_proof_index"), 7),
        (("requested_proof", "revealed_attr_groups", "qualification", "values", "award_year", "raw"), 2024),
        (("requested_proof", "revealed_attr_groups", "qualification", "values", "award_year", "raw"), None),
        (("requested_proof", "revealed_attr_groups", "qualification", "values", "award_year", "encoded"), "0x7"),
        (("requested_proof", "revealed_attr_groups", "qualification", "values"), []),
        (("requested_proof", "unrevealed_attrs"), {"x": {"sub_proof_index": 3}}),
        (("identifiers", 0, "timestamp"), True),
        (("identifiers", 0, "timestamp"), "1700000000"),
        (("identifiers", 0, "timestamp"), 0),
        (("identifiers", 0, "timestamp"), 2**60),
        (("identifiers", 0, "cred_def_id"), "WgWxqztrNooG92RXvxSTWv:3:CL:x:tag"),
        (("identifiers", 0, "cred_def_id"), None),
        (("identifiers", 0, "rev_reg_id"), "../../tails"),
        (("identifiers",), []),
        (("identifiers",), PROOF["identifiers"] * 2),
        (("proof", "proofs"), []),
        (("proof", "proofs"), [1]),
        (("proof", "proofs", 0, "primary_proof"), None),
        (("proof", "aggregated_proof"), True),
        (("proof",), None),
        (("requested_proof",), []),
    ],
)
def test_refuses_a_wrong_type_or_reference(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(PresentationError):
        read_presentation(message(changed(path, value)))


@pytest.mark.parametrize(
    "received",
    [
        {},
        {"formats": None, "presentations~attach": None},
        {"formats": "anoncreds", "presentations~attach": "e30="},
        message(PROOF, format_="hlindy/proof@v2.0"),
        {**message(PROOF), "formats": message(PROOF)["formats"] * 2},
        {**message(PROOF), "presentations~attach": [{"@id": "other", "data": {"base64": "e30="}}]},
        {**message(PROOF), "presentations~attach": [{"@id": "anoncreds", "data": {"base64": "§§§"}}]},
        {**message(PROOF), "presentations~attach": [{"@id": "anoncreds", "data": {"base64": "W10="}}]},
        {**message(PROOF), "presentations~attach": [{"@id": "anoncreds", "data": {}}]},
    ],
)
def test_refuses_a_message_that_carries_no_such_proof(received: dict[str, Any]) -> None:
    with pytest.raises(PresentationError):
        read_presentation(received)


def test_refuses_a_presentation_that_is_too_large() -> None:
    text = base64.b64encode(b" " * (MAX_PROOF_BYTES + 1)).decode()
    with pytest.raises(PresentationError, match="larger"):
        read_presentation({**message(PROOF), "presentations~attach": [{"@id": "anoncreds", "data": {"base64": text}}]})


def test_refuses_json_that_is_nested_too_deep() -> None:
    text = base64.b64encode(b"[" * 100_000).decode()
    with pytest.raises(PresentationError, match="JSON"):
        read_presentation({**message(PROOF), "presentations~attach": [{"@id": "anoncreds", "data": {"base64": text}}]})


def test_reads_url_safe_base64_without_padding() -> None:
    received = message(PROOF)
    data = received["presentations~attach"][0]["data"]
    data["base64"] = data["base64"].replace("+", "-").replace("/", "_").rstrip("=")
    assert read_presentation(received).predicates == {"level": 0}


def test_errors_repeat_no_value() -> None:
    proof = changed(
        ("requested_proof", "revealed_attr_groups", "qualification", "values", "award_year", "encoded"), "SECRET"
    )
    with pytest.raises(PresentationError) as caught:
        read_presentation(message(proof))
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_reprs_hold_no_value() -> None:
    assert "2024" not in repr(read_presentation(message(PROOF)))


def test_the_digest_tells_a_repeated_message_from_another() -> None:
    first = message(PROOF)
    assert message_digest(first) == message_digest(dict(reversed(first.items())))
    assert message_digest(first) != message_digest(message(changed(("identifiers", 0, "timestamp"), 1)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    path=st.sampled_from(
        [
            ("proof",),
            ("requested_proof",),
            ("identifiers",),
            ("identifiers", 0),
            ("requested_proof", "revealed_attr_groups"),
            ("requested_proof", "predicates"),
            ("proof", "proofs"),
        ]
    ),
    value=json_values,
)
def test_any_json_is_read_or_refused(path: tuple[str | int, ...], value: object) -> None:
    try:
        received = read_presentation(message(changed(path, value)))
    except PresentationError:
        return
    assert all(type(index) is int for index in received.predicates.values())


def test_refuses_a_presentation_that_says_something_twice() -> None:
    twice = json.dumps(PROOF)[:-1] + ', "identifiers": []}'
    text = base64.b64encode(twice.encode()).decode()
    with pytest.raises(PresentationError, match="'identifiers' twice"):
        read_presentation({**message(PROOF), "presentations~attach": [{"@id": "anoncreds", "data": {"base64": text}}]})


def shown(names: dict[str, str]) -> dict[str, Any]:
    values = {name: {"raw": raw, "encoded": "1"} for name, raw in names.items()}
    return changed(("requested_proof", "revealed_attr_groups", "qualification", "values"), values)


def test_names_shown_are_compared_as_anoncreds_does() -> None:
    received = read_presentation(message(shown({"Award_Year": "2024", " FRAME work": "eqf"})))
    assert received.groups["qualification"].values == {"award_year": "2024", "framework": "eqf"}


def test_refuses_one_attribute_shown_in_two_spellings() -> None:
    with pytest.raises(PresentationError, match="twice"):
        read_presentation(message(shown({"award_year": "2024", "Award_Year": "2023"})))
