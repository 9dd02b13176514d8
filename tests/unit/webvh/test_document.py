from typing import Any

import pytest

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.document import DidDocument, make_document
from wanderbuch.plugins.webvh.keys import from_multikey, is_signed, to_multikey

SCID = "Qm" + "a" * 44
DID = WebvhDid.parse(f"did:webvh:{SCID}:centre.example.test:org")
KEY, OTHER = b"\x01" * 32, b"\x02" * 32
KID = f"{DID}#{to_multikey(KEY)}"


def method(**changed: Any) -> dict[str, Any]:
    return {"id": KID, "type": "Multikey", "controller": DID, "publicKeyMultibase": to_multikey(KEY), **changed}


def keys(**content: Any) -> list[bytes]:
    return list(DidDocument.of(DID, "1-x", {"id": DID, **content}).assertion_keys.values())


def test_writes_what_aca_py_and_credo_read() -> None:
    made = make_document(
        DID, assertion_keys=(KEY,), didcomm_key=OTHER, didcomm_endpoint="https://centre.example.test/didcomm"
    )
    didcomm = f"{DID}#{to_multikey(OTHER)}"
    assert made["authentication"] == [didcomm]
    assert made["assertionMethod"] == [KID]
    assert {verification_method["type"] for verification_method in made["verificationMethod"]} == {"Multikey"}
    (service,) = made["service"]
    assert (service["type"], service["recipientKeys"]) == ("did-communication", [didcomm])
    assert service["serviceEndpoint"] == "https://centre.example.test/didcomm"
    assert keys(**made) == [KEY]


def test_the_didcomm_key_asserts_nothing() -> None:
    made = make_document(DID, assertion_keys=(KEY,), didcomm_key=OTHER, didcomm_endpoint=None)
    assert "service" not in made
    assert OTHER not in keys(**made)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"type": "Ed25519VerificationKey2020"},
        {
            "type": "JsonWebKey2020",
            "publicKeyMultibase": None,
            "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"},
        },
        {"id": f"#{to_multikey(KEY)}"},
    ],
)
def test_reads_a_key_in_any_form_we_know(form: dict[str, Any]) -> None:
    assert keys(verificationMethod=[method(**form)], assertionMethod=[KID]) == [KEY]


def test_reads_an_embedded_key_and_a_relative_reference() -> None:
    assert keys(assertionMethod=[method()]) == [KEY]
    assert keys(verificationMethod=[method()], assertionMethod=[f"#{to_multikey(KEY)}"]) == [KEY]


def test_a_key_that_only_authenticates_asserts_nothing() -> None:
    assert keys(verificationMethod=[method()], authentication=[KID], assertionMethod=[]) == []


@pytest.mark.parametrize(
    "form",
    [
        {"controller": f"did:webvh:{SCID}:evil.example.test:org"},
        {"controller": None},
        {"id": f"did:key:{to_multikey(KEY)}#{to_multikey(KEY)}"},
        {"type": "X25519KeyAgreementKey2020"},
        {"publicKeyMultibase": "z6Mk"},
        {"publicKeyMultibase": 7},
        {"type": "JsonWebKey2020", "publicKeyJwk": {"kty": "EC", "crv": "P-256", "x": "AQ"}},
        {"type": "JsonWebKey2020", "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": "AQ"}},
        {"type": "JsonWebKey2020", "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": "???"}},
    ],
)
def test_ignores_a_key_of_somebody_else_or_in_another_form(form: dict[str, Any]) -> None:
    made = method(**form)
    assert keys(verificationMethod=[made], assertionMethod=[made["id"]]) == []


@pytest.mark.parametrize("content", [{}, {"assertionMethod": "x"}, {"assertionMethod": [1, None, {}, "#nothing"]}])
def test_a_document_without_proper_keys_has_none(content: dict[str, Any]) -> None:
    assert keys(**content) == []


def test_multikeys_go_back_and_forth() -> None:
    assert to_multikey(KEY).startswith("z6Mk")
    assert from_multikey(to_multikey(KEY)) == KEY


def test_a_signature_of_another_length_does_not_hold() -> None:
    assert not is_signed(KEY, b"x", b"")
    assert not is_signed(b"short", b"x", b"0" * 64)
