"""Compact JWS with EdDSA (RFC 7515, RFC 8037), and nothing else of JOSE.

A received JWS is read in this order, and refused at the first thing that does not fit:

1. size; 2. three parts of canonical base64url (one signed text has one form, so a digest names it);
3. the protected header has exactly `alg` = "EdDSA", `kid` = a DID URL, `typ` = the type expected here. So `crit`,
   `jwk`, `x5c`, `jku`, `b64` and other algorithms are refused, and a freshness statement is never taken for a file;
4. the DID of `kid` is the author who was expected, where one is pinned;
5. the key, as the author's DID document gives it now; 6. the signature; 7. only then is the payload looked at.
"""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.identifiers import Did, DidUrl, IdentifierError
from wanderbuch.governance.strict_json import StrictJsonError, read_strict_json

ALGORITHM: Final = "EdDSA"  # RFC 8037 §3.1
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


async def verify_jws(
    jws: bytes, *, typ: str, author: Did | None, resolve_key: KeyResolver, max_bytes: int
) -> VerifiedJws:
    """Return the payload of `jws` after all checks of this module.

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
    if len(jws) > max_bytes:  # 1
        raise SignatureError(f"expected at most {max_bytes} bytes, found {len(jws)}")
    parts = jws.split(b".")  # 2
    if len(parts) != 3:
        raise SignatureError(f"expected a compact JWS of three parts, found {len(parts)}")
    header_bytes, payload, signature = (_decode(part) for part in parts)
    kid = _check_header(header_bytes, typ)  # 3
    if author is not None and kid.did != author:  # 4
        raise SignatureError(f"expected a key of {author}, found a key of {kid.did}")
    key = await resolve_key(kid)  # 5
    if len(key) != _KEY_BYTES:
        raise SignatureError(f"expected an Ed25519 key of {_KEY_BYTES} bytes, found {len(key)}")
    try:  # 6
        Ed25519PublicKey.from_public_bytes(key).verify(signature, jws.rpartition(b".")[0])
    except InvalidSignature as err:
        raise SignatureError(f"the signature does not hold under {kid}") from err
    return VerifiedJws(payload, kid)


def unverified_payload(jws: bytes) -> bytes:
    """Return the payload of a JWS that nobody checked: to look at it, never to rely on it.

    Raises:
        SignatureError: it is no compact JWS.
    """
    parts = jws.strip().split(b".")
    if len(parts) != 3:
        raise SignatureError(f"expected a compact JWS of three parts, found {len(parts)}")
    return _decode(parts[1])


def _check_header(header_bytes: bytes, typ: str) -> DidUrl:
    try:
        header: Any = read_strict_json(header_bytes, max_bytes=_MAX_HEADER_BYTES, max_depth=4)
    except StrictJsonError as err:
        raise SignatureError(f"the protected header is not usable: {err.message}") from err
    if not isinstance(header, dict) or header.keys() != _HEADER_MEMBERS:
        found = ", ".join(sorted(header))[:80] if isinstance(header, dict) else type(header).__name__
        raise SignatureError(f"expected a header of exactly alg, kid, typ, found {found}")
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
