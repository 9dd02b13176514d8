"""The canonical form is that of RFC 8785, byte for byte, whoever writes it."""

from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples

from wanderbuch.canonical_json import canonical
from wanderbuch.governance.facts.identifiers import Did

_NAMES = st.text(min_size=1, max_size=6)
_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(300))
@given(_JSON)
def test_canonical_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        {"\ue000": 1, "\U00010000": 2},
        {"b": 1.0, "a": 1e21, "c": 0.000001, "d": -0.0, "e": 5e-324},
        {"text": "1.0 and 1e5 and 12345678901234567890", "n": 1},
        {"é": 1.5, "z": 2},
        ['\x00\x1f\x7f\u2028\u2029\\"/', "\b\t\n\f\r"],
        {"": [], "a": {}, "number": 9007199254740991},
        '"1.5"',
        [1, [2.5, {"1.5": 2}]],
    ],
    ids=["beyond the first plane", "fractions", "numbers in texts", "both", "signs", "edges", "a text", "nested"],
)
def test_what_two_writers_may_write_otherwise(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_texts_of_types_of_our_own_are_texts() -> None:
    did = Did.parse("did:web:a.example")
    assert canonical({"id": did, "links": [did]}) == b'{"id":"did:web:a.example","links":["did:web:a.example"]}'
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical({"id": object()})


@pytest.mark.parametrize("value", [2**53, -(2**53), {"a": [10**30]}, float("nan"), float("inf"), "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeError)):
        rfc8785.dumps(value)
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeError)):
        canonical(value)
