import json
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from acapy_agent.messaging.util import encode as acapy_encode
from anoncreds import bindings
from hypothesis import given
from hypothesis import strategies as st

from wanderbuch.errors import CredentialError
from wanderbuch.schemas.canonical import Value
from wanderbuch.schemas.claims import read_values, validate_claim
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.schemas.encoding import encode, is_canonical, parse_revealed

QUALIFICATION = load_credential_type("qualification/1.0")
TEXT = QUALIFICATION.attribute("details")
NUMBERS = st.one_of(st.integers(), st.integers(-(2**31) - 2, -(2**31) + 2), st.integers(2**31 - 2, 2**31 + 2))


def library_encode(*raw: str) -> list[str]:
    """Encode as the anoncreds library does."""
    encoded: dict[str, str] = bindings.encode_credential_attributes(dict(enumerate(raw)))
    return list(encoded.values())


@given(st.one_of(st.text(max_size=40), NUMBERS.map(str)))
def test_canonical_values_are_encoded_as_the_anoncreds_library_and_acapy_do(raw: str) -> None:
    if is_canonical(TEXT, raw):
        assert [encode(raw)] == library_encode(raw) == [acapy_encode(raw)]


def test_a_whole_credential_is_encoded_as_the_anoncreds_library_does(welder: dict[str, Any]) -> None:
    values = validate_claim(QUALIFICATION, welder).to_values(eqf_level=4, crosswalk_version="2024-1")
    assert [encode(raw) for raw in values.values()] == library_encode(*values.values())
    assert list(values) == list(QUALIFICATION.attr_names)


@given(st.text(max_size=12), st.text(max_size=12))
def test_two_canonical_texts_never_share_a_signed_integer(one: str, other: str) -> None:
    if one != other and is_canonical(TEXT, one) and is_canonical(TEXT, other):
        assert encode(one) != encode(other)
        assert acapy_encode(one) != acapy_encode(other)


@pytest.mark.parametrize("raw", ["007212", "+7212", "7_212", "٧٢١٢", " 7212", "7212 "])
def test_texts_that_acapy_takes_for_the_number_7212_are_not_canonical(raw: str) -> None:
    assert acapy_encode(raw) == encode("7212")  # the collision is real
    assert not is_canonical(TEXT, raw)
    assert is_canonical(TEXT, "7212")


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("occupation_isco08", "C7212", "C7212"),
        ("awarded_on", "20240517", date(2024, 5, 17)),
        ("award_year", "2024", 2024),
        ("expires_on", "20290516", date(2029, 5, 16)),
        ("expires_on", "99991231", None),
        ("eqf_min_4", "1", 1),
        ("eqf_level", "0", 0),
        ("framework", "LK-NVQ", "LK-NVQ"),
        ("framework_level", "4", "4"),
        ("crosswalk_version", "2024-1", "2024-1"),
        ("crosswalk_version", "none", None),
        ("given_names", "-", None),
        ("family_name", "Perera", "Perera"),
    ],
)
def test_revealed_values_are_read_back(name: str, raw: str, value: Value) -> None:
    read = parse_revealed(QUALIFICATION, name, raw)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("occupation_isco08", "7212"),
        ("occupation_isco08", "C7212 "),
        ("occupation_isco08", "C72"),
        ("awarded_on", "2024-05-17"),
        ("awarded_on", "20240230"),
        ("award_year", "02024"),
        ("expires_on", ""),
        ("eqf_min_4", "١"),
        ("eqf_min_4", "+1"),
        ("framework_level", "04"),
        ("crosswalk_version", ""),
        ("family_name", "Perera\u200b"),
        ("family_name", 7),
        ("eqf_min_9", "1"),
    ],
)
def test_revealed_values_out_of_canonical_form_are_refused(name: str, raw: object) -> None:
    with pytest.raises(CredentialError, match=r"qualification/1\.0"):
        parse_revealed(QUALIFICATION, name, raw)


def test_an_unknown_attribute_name_is_not_repeated(qualification: CredentialType) -> None:
    with pytest.raises(CredentialError, match=r"qualification/1\.0") as caught:
        parse_revealed(qualification, "Nimal Perera", "1")
    assert "Perera" not in caught.value.message


def test_what_is_claimed_loads_without_agent_network_or_anoncreds_library() -> None:
    code = (
        "import json, sys; import wanderbuch.schemas.claims, wanderbuch.schemas.encoding;"
        "print(json.dumps([m for m in ('anoncreds', 'acapy_agent', 'aiohttp', 'pydantic') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("number", ["007212", "+7212", "7_212", "٧٢١٢", "-0", "0" * 500 + "7"])
def test_a_number_keeps_its_zeros_by_a_form_that_no_encoder_takes_for_another(
    number: str, welder: dict[str, Any]
) -> None:
    values = validate_claim(QUALIFICATION, welder | {"details": number}).to_values(
        eqf_level=4, crosswalk_version="2024-1"
    )
    raw = values["details"]
    assert raw == f"#{number}"
    assert library_encode(raw) == [acapy_encode(raw)] == [encode(raw)]
    assert len(encode(raw)) > 60  # the hash of the text, no number
    assert parse_revealed(QUALIFICATION, "details", raw) == number
    assert read_values(QUALIFICATION, values).claim["details"] == number
    assert read_values(QUALIFICATION, values).claim.plain["details"] == number
    with pytest.raises(CredentialError):
        parse_revealed(QUALIFICATION, "details", number)
