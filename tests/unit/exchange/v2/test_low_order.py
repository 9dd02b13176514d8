"""X25519 keys with which everybody has the same secret are no keys, wherever they stand."""

import json
from typing import Final

import pytest
from aries_askar import Key, KeyAlg

from wanderbuch.plugins.exchange.v2.did_documents import V2ContactError, read_v2_contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, anoncrypt
from wanderbuch.plugins.exchange.v2.jwe import JweError, party_v, read_jwe, to_base64url
from wanderbuch.plugins.exchange.v2.low_order import is_low_order
from wanderbuch.plugins.webvh.base58_text import to_base58

P: Final = 2**255 - 19
# The points whose order divides eight, on the curve and on its twist, in each spelling (RFC 7748 §6.1).
SMALL: Final = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P - 1,
    P,
    P + 1,
]
SPELLINGS: Final = [number | top for number in SMALL for top in (0, 2**255)]  # the highest bit is not looked at


def key_of(number: int) -> Key:
    return Key.from_public_bytes(KeyAlg.X25519, number.to_bytes(32, "little"))


def secret_with(public: Key) -> bytes:
    """What a key agreement of a fresh secret with this key gives."""
    return bytes(Key.generate(KeyAlg.X25519).key_exchange(KeyAlg.C20P, public).get_secret_bytes())


@pytest.mark.parametrize("number", SPELLINGS)
def test_each_key_of_small_order_is_told(number: int) -> None:
    assert is_low_order(key_of(number))
    assert len({secret_with(key_of(number)) for _ in range(3)}) == 1  # which is why


def test_honest_keys_are_told_apart() -> None:
    for algorithm in (KeyAlg.X25519, KeyAlg.P256, KeyAlg.P384):
        assert not any(is_low_order(Key.generate(algorithm)) for _ in range(20))
    assert not is_low_order(key_of(9))


def test_a_document_with_such_a_key_names_none() -> None:
    did, raw = "did:example:mallory", (1).to_bytes(32, "little")
    jwk = {"kty": "OKP", "crv": "X25519", "x": to_base64url(raw)}
    for method in (
        {"type": "Multikey", "publicKeyMultibase": "z" + to_base58(b"\xec\x01" + raw)},
        {"type": "JsonWebKey2020", "publicKeyJwk": jwk},
        {"type": "X25519KeyAgreementKey2019", "publicKeyBase58": to_base58(raw)},
    ):
        document = {"id": did, "keyAgreement": [{"id": f"{did}#1", "controller": did, **method}]}
        with pytest.raises(V2ContactError, match="found none"):
            read_v2_contact(did, document)


@pytest.mark.parametrize("number", SPELLINGS)
def test_an_envelope_with_such_an_ephemeral_key_is_refused(number: int) -> None:
    kid = "did:example:bob#1"
    body = json.loads(anoncrypt(b"hello", to=[AgreementKey(kid, Key.generate(KeyAlg.X25519))]))
    epk = {"kty": "OKP", "crv": "X25519", "x": to_base64url(number.to_bytes(32, "little"))}
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256CBC-HS512", "epk": epk, "apv": to_base64url(party_v([kid]))}
    body["protected"] = to_base64url(json.dumps(header).encode())
    with pytest.raises(JweError, match="small order"):
        read_jwe(json.dumps(body).encode(), max_bytes=100_000)
