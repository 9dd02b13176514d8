"""Signed messages of DIDComm v2: the specification's vectors, and whatever is bent about them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.exchange.v2.signing import Signer, public

from wanderbuch.plugins.exchange.v2.did_documents import read_v2_contact
from wanderbuch.plugins.exchange.v2.jwe import to_base64url
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.exchange.v2.signed import ALGORITHMS, SignedError, check_signature, read_signed

APPENDIX: Final = json.loads(
    (Path(__file__).parents[3] / "vectors" / "didcomm_v2" / "appendix_c.json").read_text(encoding="utf-8")
)
MAX: Final = 100_000
BEFORE_IT_EXPIRES: Final = 1516269022
ALICE: Final = read_v2_contact("did:example:alice", APPENDIX["sender_document"])


def algorithm_of(vector: dict[str, Any]) -> str:
    text: str = vector["signatures"][0]["protected"]
    return str(json.loads(base64.urlsafe_b64decode(text + "=="))["alg"])


def written(vector: dict[str, Any]) -> bytes:
    return json.dumps(vector).encode()


def test_the_appendix_has_each_algorithm() -> None:
    assert {algorithm_of(vector) for vector in APPENDIX["signed"]} == ALGORITHMS.keys()


@pytest.mark.parametrize("vector", APPENDIX["signed"], ids=algorithm_of)
def test_the_vectors_of_the_specification_are_by_alice_and_hold_the_message(vector: dict[str, Any]) -> None:
    signed = read_signed(written(vector), max_bytes=MAX)
    key = ALICE.signer(signed.kid)
    assert key is not None
    check_signature(signed, key.key)
    message = Plaintext.read(signed.payload, max_bytes=MAX, now=BEFORE_IT_EXPIRES)
    plain = written({**APPENDIX["plaintext"], "type": message.type})  # the appendix writes http here, and https there
    assert message == Plaintext.read(plain, max_bytes=MAX, now=BEFORE_IT_EXPIRES)
    message.check_sender("did:example:alice")


@pytest.mark.parametrize("vector", APPENDIX["signed"], ids=algorithm_of)
def test_a_vector_that_was_changed_is_by_nobody(vector: dict[str, Any]) -> None:
    entry = vector["signatures"][0]
    (key,) = (key for key in ALICE.signers if key.kid == entry["header"]["kid"])
    other_payload = to_base64url(written({**APPENDIX["plaintext"], "id": "2"}))
    signature = bytearray(base64.urlsafe_b64decode(entry["signature"] + "=="))
    signature[5] ^= 1
    for changed in (
        {**vector, "payload": other_payload},
        {**vector, "signatures": [{**entry, "signature": to_base64url(bytes(signature))}]},
        {**vector, "signatures": [{**entry, "signature": to_base64url(bytes(64))}]},
    ):
        with pytest.raises(SignedError, match="not by the key"):
            check_signature(read_signed(written(changed), max_bytes=MAX), key.key)


def test_a_key_on_another_curve_proves_nothing() -> None:
    for vector in APPENDIX["signed"]:
        signed = read_signed(written(vector), max_bytes=MAX)
        for key in ALICE.signers:
            if key.kid != signed.kid:
                with pytest.raises(SignedError, match="not by the key"):
                    check_signature(signed, key.key)


def test_either_form_and_either_place_of_the_key_id_is_read() -> None:
    alice = Signer()
    for flattened in (False, True):
        for protected in ({}, {"kid": alice.kid}, {"typ": None}, {"typ": "JWM"}, {"typ": "didcomm-signed+json"}):
            signed = read_signed(alice.signed(b"{}", flattened=flattened, **protected), max_bytes=MAX)
            check_signature(signed, public(alice.key))
            assert (signed.kid, signed.payload) == (alice.kid, b"{}")


WHOLE: Final = json.loads(Signer().signed(b"{}"))
ENTRY: Final = WHOLE["signatures"][0]
OUTSIDES: Final[dict[str, Any]] = {
    "no payload": {"signatures": [ENTRY]},
    "payload is no text": {**WHOLE, "payload": {}},
    "payload is padded": {**WHOLE, "payload": WHOLE["payload"] + "="},
    "no signatures": {**WHOLE, "signatures": []},
    "signatures are no list": {**WHOLE, "signatures": ENTRY},
    "two signatures": {**WHOLE, "signatures": [ENTRY, ENTRY]},
    "both forms": {**WHOLE, **ENTRY},
    "signature is no object": {**WHOLE, "signatures": ["text"]},
    "signature without a header": {**WHOLE, "signatures": [{"signature": ENTRY["signature"]}]},
    "signature without itself": {**WHOLE, "signatures": [{"protected": ENTRY["protected"]}]},
    "short signature": {**WHOLE, "signatures": [{**ENTRY, "signature": to_base64url(bytes(63))}]},
    "long protected header": {**WHOLE, "signatures": [{**ENTRY, "protected": "A" * 9_000}]},
    "protected is no object": {**WHOLE, "signatures": [{**ENTRY, "protected": to_base64url(b"[]")}]},
    "no key id": {**WHOLE, "signatures": [{**ENTRY, "header": {}}]},
    "key id is no DID URL": {**WHOLE, "signatures": [{**ENTRY, "header": {"kid": "key-1"}}]},
    "key beside": {**WHOLE, "signatures": [{**ENTRY, "header": {"kid": "did:example:a#1", "jwk": {}}}]},
    "more beside": {**WHOLE, "recipients": []},
    "no object": [],
}


@pytest.mark.parametrize("outside", OUTSIDES.values(), ids=OUTSIDES)
def test_an_outside_that_is_bent_is_refused(outside: object) -> None:
    with pytest.raises(SignedError):
        read_signed(json.dumps(outside).encode(), max_bytes=MAX)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"crit": ["b64"], "b64": False},
        {"jwk": {"kty": "OKP"}},
        {"typ": "application/didcomm-plain+json"},
        {"kid": "did:example:alice#other"},
        {"kid": 7},
    ],
)
def test_a_protected_header_that_is_bent_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(SignedError):
        read_signed(Signer().signed(b"{}", **header), max_bytes=MAX)


def test_no_error_says_what_stood_there() -> None:
    sign: Callable[..., bytes] = Signer().signed
    for body in (sign(b"{}", alg="secret"), sign(b"{}", as_kid="secret"), sign(b"{}", secret="secret")):
        with pytest.raises(SignedError) as refusal:
            read_signed(body, max_bytes=MAX)
        assert "secret" not in str(refusal.value)
