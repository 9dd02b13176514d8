"""The outside of a DIDComm v2 envelope: a JWE in general JSON form (RFC 7516).

Source: DIDComm Messaging 2.1 §Message Encryption.

Rules, checked before any key is looked up and any cryptography is done:

1. Strict JSON, outside and in the protected header; base64url as RFC 7515 §2 has it, without padding, in one spelling.
2. `ECDH-1PU+A256KW` with `A256CBC-HS512` (authcrypt), or `ECDH-ES+A256KW` with one of three ciphers (anoncrypt).
   Nothing else that JOSE has: no `zip`, no `crit`, no unprotected header, no additional data.
3. `epk`, `apv` and the algorithms are protected and common to all recipients; `epk` is a public point of one of
   `CURVES`, lies on it, and is not of small order.
4. `apv` is the hash of the recipients' key ids as they stand there, so nobody was added or left out.
5. An authcrypt names its sender's key in `apu`; `skid` says the same, or is absent. An anoncrypt has neither.
6. All keys of the recipients belong to one DID, each stands there once, and they are at most `MAX_RECIPIENTS`.
"""

import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aries_askar import AskarError, Key, KeyAlg

from wanderbuch.base64_text import from_base64
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2.low_order import is_low_order_point
from wanderbuch.strict_json import StrictJsonError, read_strict_json

AUTHCRYPT: Final = "ECDH-1PU+A256KW"
ANONCRYPT: Final = "ECDH-ES+A256KW"
CIPHERS: Final[Mapping[str, Mapping[str, KeyAlg]]] = {
    AUTHCRYPT: {"A256CBC-HS512": KeyAlg.A256CBC_HS512},
    ANONCRYPT: {"A256CBC-HS512": KeyAlg.A256CBC_HS512, "A256GCM": KeyAlg.A256GCM, "XC20P": KeyAlg.XC20P},
}
"""Which content encryption goes with which key wrapping, by their names in JOSE."""
CURVES: Final[Mapping[str, KeyAlg]] = {"X25519": KeyAlg.X25519, "P-256": KeyAlg.P256, "P-384": KeyAlg.P384}
"""The curves of key agreement, by their names in JOSE; the specification's optional P-521 is not among them."""
TYPE: Final = "application/didcomm-encrypted+json"
MAX_RECIPIENTS: Final = 10
_LENGTHS: Final[Mapping[KeyAlg, tuple[int, int]]] = {
    KeyAlg.A256CBC_HS512: (16, 32),
    KeyAlg.A256GCM: (12, 16),
    KeyAlg.XC20P: (24, 16),
}
"""Of initialisation vector and tag, in bytes: Askar would take a part of the tag from the ciphertext."""
_COORDINATE_BYTES: Final[Mapping[KeyAlg, int]] = {KeyAlg.P256: 32, KeyAlg.P384: 48}
_TYPES: Final = (TYPE, "didcomm-encrypted+json")  # RFC 7515 §4.1.9: the prefix may be left out
_MAX_PROTECTED_CHARS: Final = 16 * 1024
_MAX_KID_CHARS: Final = 4096  # a did:peer:4 in its long form stands in it
_MAX_DEPTH: Final = 6
_HEADER: Final = frozenset({"typ", "alg", "enc", "epk", "apu", "apv", "skid", "cty"})
_OUTSIDE: Final = frozenset({"protected", "recipients", "iv", "ciphertext", "tag"})


class JweError(ExchangeError):
    """It is no envelope of DIDComm v2 that we take; nothing of it is kept. Never says what stood there."""

    code = "exchange.envelope"


@dataclass(frozen=True, slots=True)
class JweRecipient:
    """One recipient.

    Args:
        kid: their key, as a DID URL.
        encrypted_key: the content's key, wrapped for it.
    """

    kid: str
    encrypted_key: bytes


@dataclass(frozen=True, slots=True)
class Jwe:
    """An envelope as it came; nothing in it is opened.

    Args:
        alg: `AUTHCRYPT` or `ANONCRYPT`.
        cipher: of the content.
        epk: the sender's ephemeral public key.
        apu, apv: of the key derivation; `apu` is empty for an anoncrypt.
        skid: the sender's key, as a DID URL, not proven yet; None: an anoncrypt.
        recipients: all of one DID.
        protected: the header as it was protected.
    """

    alg: str
    cipher: KeyAlg
    epk: Key
    apu: bytes
    apv: bytes
    skid: str | None
    recipients: tuple[JweRecipient, ...]
    protected: bytes
    iv: bytes
    ciphertext: bytes
    tag: bytes

    @property
    def recipient_did(self) -> str:
        """Return the DID that it is for."""
        return did_of(self.recipients[0].kid)


def is_jwe(body: bytes) -> bool:
    """Tell whether an envelope looks like one of DIDComm v2: a v1 envelope lists its recipients inside the header."""
    return b'"recipients"' in body


def is_v2(body: bytes) -> bool:
    """Tell whether something looks like a message of DIDComm v2 in any envelope, also one that is signed alone."""
    return is_jwe(body) or b'"signature' in body


def read_jwe(body: bytes, *, max_bytes: int) -> Jwe:
    """Return the envelope in `body`.

    Raises:
        JweError: it breaks a rule of this module.
    """
    outside = read_members(body, max_bytes)
    if "payload" in outside:
        raise JweError("a message that is signed and not encrypted: it is taken in an encrypted envelope")
    if outside.keys() != _OUTSIDE:
        raise JweError("expected a JWE in general JSON form, with a protected header and nothing unprotected")
    protected = outside["protected"]
    if not isinstance(protected, str) or len(protected) > _MAX_PROTECTED_CHARS:
        raise JweError("expected a protected header of at most 16 KiB")
    header = read_members(from_base64url(protected), _MAX_PROTECTED_CHARS)
    if not header.keys() <= _HEADER or header.get("typ", TYPE) not in _TYPES:
        raise JweError(f"expected a header of {TYPE} and nothing more in it")
    alg, enc = header.get("alg"), header.get("enc")
    cipher = CIPHERS.get(alg, {}).get(enc) if isinstance(alg, str) and isinstance(enc, str) else None
    if cipher is None or not isinstance(alg, str):
        raise JweError(f"expected {AUTHCRYPT} with A256CBC-HS512, or {ANONCRYPT} with A256CBC-HS512, A256GCM or XC20P")
    recipients = _recipients(outside["recipients"])
    apv = from_base64url(header.get("apv"))
    if apv != party_v([recipient.kid for recipient in recipients]):
        raise JweError("expected apv to be the hash of the recipients' key ids")
    iv, tag = from_base64url(outside["iv"]), from_base64url(outside["tag"])
    if (len(iv), len(tag)) != _LENGTHS[cipher]:
        raise JweError("expected iv and tag to be as long as the cipher has them")
    skid = _skid(header) if alg == AUTHCRYPT else None
    if skid is None and ("skid" in header or "apu" in header):
        raise JweError("expected an anonymous envelope to name no sender")
    return Jwe(
        alg,
        cipher,
        _public_key(header.get("epk")),
        b"" if skid is None else skid.encode(),
        apv,
        skid,
        recipients,
        protected.encode("ascii"),
        iv,
        from_base64url(outside["ciphertext"]),
        tag,
    )


def party_v(kids: list[str]) -> bytes:
    """Return `apv` for these recipients: the SHA-256 of their sorted key ids, joined by dots."""
    return hashlib.sha256(".".join(sorted(kids)).encode()).digest()


def did_of(kid: str) -> str:
    """Return the DID of a key id that is a DID URL."""
    return kid.partition("#")[0]


def is_key_id(kid: object) -> bool:
    """Tell whether it is a DID URL that names a key, of bounded length."""
    if not isinstance(kid, str) or len(kid) > _MAX_KID_CHARS or not kid.isascii() or not kid.isprintable():
        return False
    did, _, fragment = kid.partition("#")
    return did.startswith("did:") and " " not in kid and bool(fragment)


def to_base64url(data: bytes | memoryview) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii").rstrip("=").replace("+", "-").replace("/", "_")


def from_base64url(text: object) -> bytes:
    """Return the bytes of base64url in its one spelling.

    Raises:
        JweError: it is none.
    """
    if not isinstance(text, str) or not text.isascii():
        raise JweError("expected base64url text")
    try:
        data = from_base64(text, url_too=True)
    except ValueError as err:
        raise JweError("expected base64url text") from err
    rest = len(text) % 4  # of the last digits alone there are several spellings
    if any(mark in text for mark in "=+/") or (rest and to_base64url(data[1 - rest :]) != text[-rest:]):
        raise JweError("expected base64url text without padding, in its one spelling")
    return data


def read_members(document: bytes, max_bytes: int) -> dict[str, Any]:
    """Return the members of an envelope, a signed message or a protected header.

    Raises:
        JweError: it is no object in strict JSON, or larger.
    """
    try:
        value = read_strict_json(document, max_bytes=max_bytes, max_depth=_MAX_DEPTH)
    except StrictJsonError as err:
        raise JweError("expected strict JSON") from err
    if not isinstance(value, dict):
        raise JweError("expected a JSON object")
    return value


def _skid(header: Mapping[str, Any]) -> str:
    try:
        kid = from_base64url(header.get("apu")).decode()
    except UnicodeDecodeError as err:
        raise JweError("expected apu to be the sender's key id") from err
    if header.get("skid", kid) != kid or not is_key_id(kid):
        raise JweError("expected apu and skid to be one key id, a DID URL")
    return kid


def _recipients(listed: object) -> tuple[JweRecipient, ...]:
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_RECIPIENTS:
        raise JweError(f"expected 1 to {MAX_RECIPIENTS} recipients")
    recipients = tuple(_recipient(recipient) for recipient in listed)
    if len({recipient.kid for recipient in recipients}) != len(recipients):
        raise JweError("expected each recipient once")
    if len({did_of(recipient.kid) for recipient in recipients}) != 1:
        raise JweError("expected all recipients to be keys of one DID")
    return recipients


def _recipient(listed: object) -> JweRecipient:
    if not isinstance(listed, dict) or listed.keys() != {"header", "encrypted_key"}:
        raise JweError("expected a header and an encrypted key for each recipient")
    header = listed["header"]
    if not isinstance(header, dict) or header.keys() != {"kid"} or not is_key_id(header["kid"]):
        raise JweError("expected each recipient's header to be their key id, a DID URL")
    return JweRecipient(header["kid"], from_base64url(listed["encrypted_key"]))


def _public_key(jwk: object) -> Key:
    if not isinstance(jwk, dict) or not jwk.keys() <= {"kty", "crv", "x", "y"}:
        raise JweError("expected epk to be a public key as a JWK")
    algorithm = CURVES.get(curve) if isinstance(curve := jwk.get("crv"), str) else None
    if algorithm is None or jwk.get("kty") != ("OKP" if algorithm is KeyAlg.X25519 else "EC"):
        raise JweError(f"expected epk to be a key of {', '.join(CURVES)}")
    if (size := _COORDINATE_BYTES.get(algorithm)) is not None:
        jwk = jwk | {name: _whole(jwk.get(name), size) for name in ("x", "y")}
    try:
        key = Key.from_jwk(json.dumps(jwk))  # refuses a point that is not on its curve
    except AskarError as err:
        raise JweError("expected epk to be a point of its curve") from err
    if algorithm is KeyAlg.X25519 and is_low_order_point(from_base64url(jwk.get("x"))):
        raise JweError("expected epk to be a point that keeps a secret, found one of small order")
    return key


def _whole(coordinate: object, size: int) -> str:
    """Return a coordinate with the zeros that some leave out in front (RFC 7518, 6.2.1.2, wants them)."""
    return to_base64url(from_base64url(coordinate).rjust(size, b"\0"))
