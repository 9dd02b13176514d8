"""DIDComm v2 envelopes: the specification's vectors, round trips on each curve, and whatever is bent about them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from aries_askar import Key, KeyAlg

from wanderbuch.plugins.exchange.packing import PackingError
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, anoncrypt, authcrypt, decrypt
from wanderbuch.plugins.exchange.v2.jwe import CURVES, Jwe, JweError, is_jwe, party_v, read_jwe, to_base64url

APPENDIX: Final = json.loads(
    (Path(__file__).parents[3] / "vectors" / "didcomm_v2" / "appendix_c.json").read_text(encoding="utf-8")
)
MAX: Final = 100_000
ALICE: Final = "did:example:alice"
BOB: Final = "did:example:bob"
JWKS: Final = [  # half of the appendix writes "kid "
    {name.strip(): value for name, value in jwk.items()}
    for jwk in (*APPENDIX["sender_secrets"], *APPENDIX["recipient_secrets"])
]
SECRETS: Final = {jwk["kid"]: {name: value for name, value in jwk.items() if name != "kid"} for jwk in JWKS}
P521: Final = 2


def secret_of(kid: str) -> Key:
    return Key.from_jwk(json.dumps(SECRETS[kid]))


def public(key: Key) -> Key:
    return Key.from_jwk(key.get_jwk_public())


def opened(body: bytes, *, as_kid: str | None = None) -> bytes:
    """Open an envelope of the appendix as Bob."""
    jwe = read_jwe(body, max_bytes=MAX)
    sender = None if jwe.skid is None else public(secret_of(jwe.skid))
    recipient = next(recipient for recipient in jwe.recipients if as_kid in (None, recipient.kid))
    return decrypt(jwe, recipient, secret_of(recipient.kid), sender)


def written(vector: dict[str, Any]) -> bytes:
    return json.dumps(vector).encode()


def protected_of(vector: dict[str, Any]) -> dict[str, Any]:
    text: str = vector["protected"]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return header


def with_header(vector: dict[str, Any], **changes: object) -> bytes:
    """The vector with another protected header; None takes a member away."""
    header = {name: value for name, value in (protected_of(vector) | changes).items() if value is not None}
    return written({**vector, "protected": to_base64url(json.dumps(header).encode())})


def is_of_p521(vector: dict[str, Any]) -> bool:
    return bool(protected_of(vector)["epk"]["crv"] == "P-521")


ENCRYPTED: Final = [vector for vector in APPENDIX["encrypted"] if not is_of_p521(vector)]
AUTHCRYPTED: Final = next(vector for vector in ENCRYPTED if protected_of(vector)["alg"].startswith("ECDH-1PU"))
ANONCRYPTED: Final = next(vector for vector in ENCRYPTED if protected_of(vector)["alg"].startswith("ECDH-ES"))


@pytest.mark.parametrize("vector", ENCRYPTED, ids=lambda vector: str(protected_of(vector)["epk"]["crv"]))
def test_each_recipient_opens_the_vectors_of_the_specification(vector: dict[str, Any]) -> None:
    for recipient in vector["recipients"]:
        content = json.loads(opened(written(vector), as_kid=recipient["header"]["kid"]))
        if "payload" in content:  # signed first
            content = json.loads(base64.urlsafe_b64decode(content["payload"] + "=="))
        assert {**content, "typ": None} == {**APPENDIX["plaintext"], "typ": None, "type": content["type"]}


def test_p521_which_is_optional_is_refused_by_name() -> None:
    vectors = [vector for vector in APPENDIX["encrypted"] if is_of_p521(vector)]
    assert len(vectors) == P521
    for vector in vectors:
        with pytest.raises(JweError, match="X25519, P-256, P-384"):
            read_jwe(written(vector), max_bytes=MAX)


def pair(algorithm: KeyAlg, kid: str) -> tuple[AgreementKey, AgreementKey]:
    """A secret key and its public half."""
    secret = Key.generate(algorithm)
    return AgreementKey(kid, secret), AgreementKey(kid, public(secret))


@pytest.mark.parametrize("algorithm", CURVES.values(), ids=CURVES)
def test_what_is_encrypted_is_opened_by_each_recipient_and_by_nobody_else(algorithm: KeyAlg) -> None:
    alice, alice_public = pair(algorithm, f"{ALICE}#1")
    (one, one_public), (two, two_public) = pair(algorithm, f"{BOB}#1"), pair(algorithm, f"{BOB}#2")
    stranger, _ = pair(algorithm, f"{BOB}#2")
    for body, sender in (
        (authcrypt(b"hello", to=[one_public, two_public], own=alice), alice_public.key),
        (anoncrypt(b"hello", to=[one_public, two_public]), None),
    ):
        jwe = read_jwe(body, max_bytes=MAX)
        assert is_jwe(body)
        assert jwe.recipient_did == BOB
        for recipient, own in zip(jwe.recipients, (one, two), strict=True):
            assert decrypt(jwe, recipient, own.key, sender) == b"hello"
            with pytest.raises(JweError, match="cannot be opened"):
                decrypt(jwe, recipient, stranger.key, sender)


def test_an_authcrypt_that_somebody_else_made_in_alices_name_is_not_opened() -> None:
    _, alice_public = pair(KeyAlg.X25519, f"{ALICE}#1")
    mallory, _ = pair(KeyAlg.X25519, f"{ALICE}#1")
    bob, bob_public = pair(KeyAlg.X25519, f"{BOB}#1")
    jwe = read_jwe(authcrypt(b"hello", to=[bob_public], own=mallory), max_bytes=MAX)
    with pytest.raises(JweError, match="cannot be opened"):
        decrypt(jwe, jwe.recipients[0], bob.key, alice_public.key)


def test_keys_of_two_curves_or_two_dids_do_not_go_into_one_envelope() -> None:
    alice, _ = pair(KeyAlg.X25519, f"{ALICE}#1")
    _, bob = pair(KeyAlg.X25519, f"{BOB}#1")
    _, bob_p256 = pair(KeyAlg.P256, f"{BOB}#2")
    _, carol = pair(KeyAlg.X25519, "did:example:carol#1")
    _, signing = pair(KeyAlg.ED25519, f"{BOB}#3")
    for to in ([bob, bob_p256], [bob, carol], [bob_p256], [signing], []):
        with pytest.raises(PackingError, match="one DID and one curve"):
            authcrypt(b"hello", to=to, own=alice)


def test_a_key_of_another_curve_opens_nothing() -> None:
    jwe = read_jwe(written(ANONCRYPTED), max_bytes=MAX)
    with pytest.raises(JweError, match="one curve"):
        decrypt(jwe, jwe.recipients[0], Key.generate(KeyAlg.P256), None)


def test_an_anonymous_envelope_is_not_opened_as_somebodys_nor_the_reverse() -> None:
    for vector, sender in ((ANONCRYPTED, Key.generate(KeyAlg.X25519)), (AUTHCRYPTED, None)):
        jwe = read_jwe(written(vector), max_bytes=MAX)
        with pytest.raises(JweError, match="cannot be opened"):
            decrypt(jwe, jwe.recipients[0], secret_of(jwe.recipients[0].kid), sender)


OUTSIDES: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "flattened": lambda v: {**{k: v[k] for k in v if k != "recipients"}, **v["recipients"][0]},
    "unprotected header": lambda v: {**v, "unprotected": {"zip": "DEF"}},
    "additional data": lambda v: {**v, "aad": "AA"},
    "no tag": lambda v: {k: v[k] for k in v if k != "tag"},
    "padded": lambda v: {**v, "tag": v["tag"] + "=="},
    "other spelling of base64": lambda v: {**v, "tag": "AB"},
    "no recipients": lambda v: {**v, "recipients": []},
    "recipient left out": lambda v: {**v, "recipients": v["recipients"][1:]},
    "recipient twice": lambda v: {**v, "recipients": [*v["recipients"], v["recipients"][0]]},
    "recipient of another DID": lambda v: {**v, "recipients": [*v["recipients"], as_of(v, "did:example:eve#1")]},
    "recipient without a DID": lambda v: {**v, "recipients": [as_of(v, "key-1")]},
    "recipient with an algorithm of its own": lambda v: {
        **v,
        "recipients": [{**r, "header": {**r["header"], "alg": "dir"}} for r in v["recipients"]],
    },
    "many recipients": lambda v: {**v, "recipients": [as_of(v, f"{BOB}#{n}") for n in range(11)]},
    "protected is no text": lambda v: {**v, "protected": {}},
    "protected is no object": lambda v: {**v, "protected": to_base64url(b"[]")},
    "protected is long": lambda v: {**v, "protected": "A" * 20_000},
}


def as_of(vector: dict[str, Any], kid: str) -> dict[str, Any]:
    return {**vector["recipients"][0], "header": {"kid": kid}}


@pytest.mark.parametrize("bend", OUTSIDES.values(), ids=OUTSIDES)
def test_an_outside_that_is_bent_is_refused_before_anything_is_opened(
    bend: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    for vector in (AUTHCRYPTED, ANONCRYPTED):
        with pytest.raises(JweError):
            read_jwe(written(bend(vector)), max_bytes=MAX)


HEADERS: Final[dict[str, dict[str, object]]] = {
    "no algorithm": {"alg": None},
    "direct": {"alg": "dir"},
    "none": {"alg": "none"},
    "key agreement without wrapping": {"alg": "ECDH-ES"},
    "short keys": {"alg": "ECDH-1PU+A128KW", "enc": "A128CBC-HS256"},
    "algorithm is a list": {"alg": ["ECDH-ES+A256KW"]},
    "authcrypt with another cipher": {"alg": "ECDH-1PU+A256KW", "enc": "XC20P"},
    "cipher nobody knows": {"enc": "A256CTR"},
    "compressed": {"zip": "DEF"},
    "critical extension": {"crit": ["b64"], "b64": False},
    "other type": {"typ": "application/didcomm-plain+json"},
    "no ephemeral key": {"epk": None},
    "ephemeral key with its secret": {"epk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43, "d": "A" * 43}},
    "ephemeral key to sign with": {"epk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}},
    "ephemeral key of the wrong kind": {"epk": {"kty": "EC", "crv": "X25519", "x": "A" * 43}},
    "point off its curve": {"epk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}},
    "ephemeral key is no object": {"epk": "key"},
    "no apv": {"apv": None},
    "apv of other recipients": {"apv": to_base64url(party_v([f"{BOB}#other"]))},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_is_bent_is_refused_before_anything_is_opened(header: dict[str, object]) -> None:
    for vector in (AUTHCRYPTED, ANONCRYPTED):
        with pytest.raises(JweError):
            read_jwe(with_header(vector, **header), max_bytes=MAX)


@pytest.mark.parametrize(
    "header",
    [
        {"apu": None},
        {"apu": to_base64url(b"\xff")},
        {"apu": to_base64url(f"{ALICE}#other".encode())},
        {"skid": f"{ALICE}#other"},
        {"skid": 7},
        {"apu": to_base64url(b"key-1"), "skid": "key-1"},
    ],
)
def test_an_authcrypt_whose_sender_is_not_told_in_one_way_is_refused(header: dict[str, object]) -> None:
    with pytest.raises(JweError):
        read_jwe(with_header(AUTHCRYPTED, **header), max_bytes=MAX)


def test_an_authcrypt_may_name_its_sender_in_apu_alone() -> None:
    assert read_jwe(with_header(AUTHCRYPTED, skid=None), max_bytes=MAX).skid == f"{ALICE}#key-x25519-1"


def test_an_anonymous_envelope_that_names_a_sender_is_refused() -> None:
    for header in ({"skid": f"{ALICE}#1"}, {"apu": to_base64url(f"{ALICE}#1".encode())}):
        with pytest.raises(JweError, match="name no sender"):
            read_jwe(with_header(ANONCRYPTED, **header), max_bytes=MAX)


def test_whatever_is_changed_on_its_way_is_not_opened() -> None:
    alice, alice_public = pair(KeyAlg.P384, f"{ALICE}#1")
    bob, bob_public = pair(KeyAlg.P384, f"{BOB}#1")
    body = json.loads(authcrypt(b"hello, Bob", to=[bob_public], own=alice))
    for member in ("iv", "ciphertext", "tag"):
        data = bytearray(base64.urlsafe_b64decode(body[member] + "=="))
        data[0] ^= 1
        jwe: Jwe = read_jwe(json.dumps({**body, member: to_base64url(bytes(data))}).encode(), max_bytes=MAX)
        with pytest.raises(JweError, match="cannot be opened"):
            decrypt(jwe, jwe.recipients[0], bob.key, alice_public.key)


@pytest.mark.parametrize(("enc", "iv", "tag"), [("A256CBC-HS512", 16, 32), ("A256GCM", 12, 16), ("XC20P", 24, 16)])
def test_ciphertext_and_tag_are_cut_apart_in_one_place_alone(enc: str, iv: int, tag: int) -> None:
    """Askar joins the two before it opens them, so it would take each cut."""

    def read(iv_bytes: int, tag_bytes: int) -> None:
        cut = {"iv": to_base64url(bytes(iv_bytes)), "tag": to_base64url(bytes(tag_bytes))}
        read_jwe(with_header({**ANONCRYPTED, **cut}, enc=enc), max_bytes=MAX)

    read(iv, tag)
    for wrong in ((iv, tag - 1), (iv, tag + 1), (iv, 0), (iv - 1, tag), (iv + 1, tag), (0, tag)):
        with pytest.raises(JweError, match="as long as the cipher has them"):
            read(*wrong)


def test_a_member_that_stands_twice_is_refused() -> None:
    body = written(ANONCRYPTED)
    with pytest.raises(JweError, match="strict JSON"):
        read_jwe(b'{"tag": "AA", ' + body[1:], max_bytes=MAX)
