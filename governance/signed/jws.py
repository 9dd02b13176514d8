"""JWS with EdDSA (RFC 7515, RFC 8037) in two forms, and nothing else of JOSE.

What one signs is a compact JWS. What several sign is the General JSON Serialization (RFC 7515 §7.2.1), with the same
protected header for each and no other member: `{"payload": "…", "signatures": [{"protected": "…", "signature": "…"}]}`.

A received JWS is read in this order, and refused at the first thing that does not fit:

1. size; 2. its form: three parts or exactly those members, at most `MAX_SIGNATURES`, each key once, and canonical
base64url and JSON throughout (one signed text has one form, so a digest names it);
3. each protected header has exactly `alg` = "EdDSA", `kid` = a DID URL, `typ` = the type expected here. So `crit`,
   `jwk`, `x5c`, `jku`, `b64` and other algorithms are refused, and a freshness statement is never taken for a file;
4. the DID of `kid` is the author who was expected, where one is pinned; of several signatures, the first is theirs;
5. the key, as the author's DID document gives it now; 6. the signature; 7. only then is the payload looked at.
"""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import Did, DidUrl, IdentifierError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

ALGORITHM: Final = "EdDSA"  # RFC 8037 §3.1
MAX_SIGNATURES: Final = 32
_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
_MAX_HEADER_BYTES: Final = 2048
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64

type KeyResolver = Callable[[DidUrl], Awaitable[bytes]]
"""Gives the raw 32-byte Ed25519 key that stands under the DID URL in its document's `assertionMethod` now.

Raises ResolutionError if that could not be checked, GovernanceError if the key is not there.
"""

type Signer = Callable[[bytes], Awaitable[bytes]]
"""Gives the raw 64-byte Ed25519 signature of a message."""


class SignatureError(GovernanceError):
    """A JWS is malformed, signed by somebody else, or its signature does not hold."""

    code: ClassVar[str] = "governance.signature"


@dataclass(frozen=True, slots=True)
class VerifiedJws:
    """A payload with the key that signed it. Only `verify_jws` makes one."""

    payload: bytes
    kid: DidUrl


@dataclass(frozen=True, slots=True)
class UnverifiedSignature:
    """A signature whose form was checked, and nothing else.

    Args:
        protected: the header in base64url, as signed.
    """

    kid: DidUrl
    protected: bytes
    signature: bytes

    def _text(self) -> dict[str, str]:
        return {"protected": self.protected.decode(), "signature": _encode(self.signature).decode()}


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """A JWS of which only the form was checked (1 to 3).

    Args:
        encoded: the payload in base64url, as signed.
        unverified_payload: to be looked at only after `verify_signature`.
        signatures: one or more, each by another key.
    """

    encoded: bytes = field(repr=False)
    unverified_payload: bytes = field(repr=False)
    signatures: tuple[UnverifiedSignature, ...]


async def sign_jws(payload: bytes, *, kid: DidUrl, typ: str, sign: Signer) -> bytes:
    """Return the compact JWS of `payload`.

    Raises:
        SignatureError: the signer gave something that is no Ed25519 signature.
    """
    header = json.dumps({"alg": ALGORITHM, "kid": str(kid), "typ": typ}, separators=(",", ":")).encode()
    signing_input = _encode(header) + b"." + _encode(payload)
    signature = await sign(signing_input)
    if len(signature) != _SIGNATURE_BYTES:
        raise SignatureError(f"expected a signature of {_SIGNATURE_BYTES} bytes, found {len(signature)}")
    return signing_input + b"." + _encode(signature)


def read_jws(jws: bytes, *, typ: str, max_bytes: int) -> UnverifiedJws:
    """Return a JWS of either form after the checks 1 to 3.

    Raises:
        SignatureError: a check failed.
    """
    if len(jws) > max_bytes:  # 1
        raise SignatureError(f"expected at most {max_bytes} bytes, found {len(jws)}")
    if jws[:1] == b"{":
        return _read_general(jws, typ, max_bytes)
    encoded, protected, signature = _compact_parts(jws)  # 2
    return UnverifiedJws(encoded, _decode(encoded), (_signature(protected, signature, typ),))


async def verify_signature(jws: UnverifiedJws, signature: UnverifiedSignature, resolve_key: KeyResolver) -> None:
    """Check that one signature of `jws` holds (5, 6).

    Raises:
        SignatureError: it does not.
        GovernanceError: the key does not stand in the signer's DID document now.
        ResolutionError: the key could not be checked.
    """
    key = await resolve_key(signature.kid)  # 5
    if len(key) != _KEY_BYTES:
        raise SignatureError(f"expected an Ed25519 key of {_KEY_BYTES} bytes, found {len(key)}")
    try:  # 6
        Ed25519PublicKey.from_public_bytes(key).verify(signature.signature, signature.protected + b"." + jws.encoded)
    except (InvalidSignature, ValueError) as err:
        raise SignatureError(f"the signature does not hold under {signature.kid}") from err


async def verify_jws(
    jws: bytes, *, typ: str, author: Did | None, resolve_key: KeyResolver, max_bytes: int
) -> VerifiedJws:
    """Return the payload of a compact `jws` after all checks of this module.

    Args:
        jws: the bytes as received.
        typ: the type that is expected here.
        author: whose key must have signed; None if nobody is pinned (the caller then checks `kid`).
        resolve_key: gives the key that stands for `kid` now.
        max_bytes: how long `jws` may be.

    Raises:
        SignatureError: a check failed.
        ResolutionError: the key could not be checked.
    """
    received = read_jws(jws, typ=typ, max_bytes=max_bytes)
    if jws[:1] == b"{":
        raise SignatureError("expected one signature in a compact JWS, found the form for several")
    signature = first_by(author, received)
    await verify_signature(received, signature, resolve_key)
    return VerifiedJws(received.unverified_payload, signature.kid)  # 7


def first_by(author: Did | None, received: UnverifiedJws) -> UnverifiedSignature:
    """Return the first signature, which must be the pinned author's (4).

    Raises:
        SignatureError: it is somebody else's.
    """
    first = received.signatures[0]
    if author is not None and first.kid.did != author:
        raise SignatureError(f"expected a key of {author}, found a key of {first.kid.did}")
    return first


def join_signatures(parts: Sequence[UnverifiedJws], author: Did) -> bytes:
    """Return one JWS with the signatures of all `parts`: the author's first, the others by key; compact if it is one.

    Raises:
        SignatureError: the parts have different payloads, the author did not sign, or there are too many.
    """
    if len({part.encoded for part in parts}) != 1:
        raise SignatureError("expected signatures over one text, found different ones")
    # Ed25519 is deterministic: the same key signs the same text in the same way, so the last may stand for the first.
    by_key = {signature.kid: signature for part in parts for signature in part.signatures}
    ordered = sorted(
        by_key.values(),
        key=lambda unverified_signature: (unverified_signature.kid.did != author, unverified_signature.kid),
    )
    if ordered[0].kid.did != author:
        raise SignatureError(f"expected a signature by the author {author}, found none")
    if len(ordered) > MAX_SIGNATURES:
        raise SignatureError(f"expected at most {MAX_SIGNATURES} signatures, found {len(ordered)}")
    encoded = parts[0].encoded
    if len(ordered) == 1:
        return b".".join((ordered[0].protected, encoded, _encode(ordered[0].signature)))
    return _general(encoded, tuple(ordered))


def unverified_payload(jws: bytes) -> bytes:
    """Return the payload of a JWS that nobody checked: to look at it, never to rely on it.

    Raises:
        SignatureError: it is no JWS of either form.
    """
    received = jws.strip()
    if received[:1] == b"{":
        return _decode(_general_members(received, len(received))[0])
    return _decode(_compact_parts(received)[0])


def _compact_parts(jws: bytes) -> tuple[bytes, bytes, bytes]:
    """Return payload, header and signature, each in base64url."""
    parts = jws.split(b".", 3)
    if len(parts) != 3:
        raise SignatureError(f"expected a compact JWS of three parts, found {'more' if len(parts) > 3 else len(parts)}")
    return parts[1], parts[0], parts[2]


def _read_general(jws: bytes, typ: str, max_bytes: int) -> UnverifiedJws:
    encoded, members = _general_members(jws, max_bytes)
    if not 2 <= len(members) <= MAX_SIGNATURES:
        raise SignatureError(f"expected 2 to {MAX_SIGNATURES} signatures, found {len(members)}")
    signatures = tuple(_signature(protected, text, typ) for protected, text in members)
    received = UnverifiedJws(encoded, _decode(encoded), signatures)
    if len({signature.kid for signature in received.signatures}) != len(members):
        raise SignatureError("expected each key once, found two signatures by one key")
    if list(received.signatures[1:]) != sorted(
        received.signatures[1:], key=lambda unverified_signature: unverified_signature.kid
    ):
        raise SignatureError("expected the signatures after the first in the order of their keys")
    if _general(encoded, received.signatures) != jws:
        raise SignatureError("expected the one form of a JWS that several signed, found another")
    return received


def _general_members(jws: bytes, max_bytes: int) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return payload, and header and signature of each, in base64url."""
    try:
        document: Any = read_strict_json(jws, max_bytes=max_bytes, max_depth=4)
    except StrictJsonError as err:
        raise SignatureError(f"the JWS is not usable: {err.message}") from err
    if document.keys() != {"payload", "signatures"} or not isinstance(document["signatures"], list):
        raise SignatureError("expected exactly the members payload and signatures")
    members: list[tuple[bytes, bytes]] = []
    for signature in document["signatures"]:
        if not isinstance(signature, dict) or signature.keys() != {"protected", "signature"}:
            raise SignatureError("expected exactly the members protected and signature of each signature")
        members.append((_ascii(signature["protected"]), _ascii(signature["signature"])))
    return _ascii(document["payload"]), members


def _ascii(value: object) -> bytes:
    if not isinstance(value, str) or not value.isascii():
        raise SignatureError("expected base64url text in each member of the JWS")
    return value.encode()


def _general(encoded: bytes, signatures: tuple[UnverifiedSignature, ...]) -> bytes:
    document = {
        "payload": encoded.decode(),
        "signatures": [signature._text() for signature in signatures],  # noqa: SLF001 (one module)
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _signature(protected: bytes, text: bytes, typ: str) -> UnverifiedSignature:
    return UnverifiedSignature(_check_header(_decode(protected), typ), protected, _decode(text))


def _check_header(header_bytes: bytes, typ: str) -> DidUrl:
    try:
        header: Any = read_strict_json(header_bytes, max_bytes=_MAX_HEADER_BYTES, max_depth=4)
    except StrictJsonError as err:
        raise SignatureError(f"the protected header is not usable: {err.message}") from err
    if not isinstance(header, dict) or header.keys() != _HEADER_MEMBERS:
        members = ", ".join(sorted(header))[:80] if isinstance(header, dict) else type(header).__name__
        raise SignatureError(f"expected a header of exactly alg, kid, typ, found {members}")
    if header["alg"] != ALGORITHM:
        raise SignatureError(f"expected alg {ALGORITHM}, found {str(header['alg'])[:40]!r}")
    if header["typ"] != typ:
        raise SignatureError(f"expected typ {typ!r}, found {str(header['typ'])[:60]!r}")
    try:
        return DidUrl.parse(header["kid"])
    except IdentifierError as err:
        raise SignatureError(f"kid: {err.message}") from err


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _decode(part: bytes) -> bytes:
    """Decode base64url without padding, refusing every form but the one that `_encode` makes (RFC 7515 §2)."""
    try:
        raw = base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as err:
        raise SignatureError("expected base64url without padding in each part of the JWS") from err
    if _encode(raw) != part:
        raise SignatureError("expected canonical base64url in each part of the JWS")
    return raw
