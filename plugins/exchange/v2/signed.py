"""A signed message: a JWS around a plaintext message (RFC 7515; DIDComm Messaging 2.1 §Message Signing).

Rules:

1. Strict JSON, outside and in the protected header; base64url without padding, in one spelling. General form with one
   signature, or flattened: a second signature would be another signer's, and `from` is one.
2. `EdDSA` (Ed25519), `ES256` or `ES256K`. Nothing else that JOSE has: no `crit`, no `b64`, no key in the header.
3. `kid` is a DID URL. It stands in the protected header, or beside it as in the specification's Appendix C.2; where in
   both, it is the same. It need not be protected: whoever changes it names a key that does not verify.

Signed messages are only taken inside an encrypted envelope. We sign none: who talks to us need not be able to show it
around (§DIDComm Signed Messages).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aries_askar import AskarError, Key, KeyAlg

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2.jwe import JweError, from_base64url, is_key_id, read_members

ALGORITHMS: Final[Mapping[str, KeyAlg]] = {"EdDSA": KeyAlg.ED25519, "ES256": KeyAlg.P256, "ES256K": KeyAlg.K256}
"""What may be signed with, by its name in JOSE."""
SIGNATURE_CURVES: Final[Mapping[str, KeyAlg]] = {
    "Ed25519": KeyAlg.ED25519,
    "P-256": KeyAlg.P256,
    "secp256k1": KeyAlg.K256,
}
"""The curves of those, by their names in JOSE."""
_TYPES: Final = ("application/didcomm-signed+json", "didcomm-signed+json", "JWM")  # the specification's text has JWM
_PROTECTED: Final = frozenset({"typ", "alg", "kid"})
_SIGNATURE: Final = frozenset({"protected", "signature", "header"})
_MAX_PROTECTED_CHARS: Final = 8 * 1024
_SIGNATURE_BYTES: Final = 64


class SignedError(ExchangeError):
    """It is no signed message that we take, or not by whom it names. Never says what stood there."""

    code = "exchange.signed"


@dataclass(frozen=True, slots=True)
class SignatureKey:
    """Somebody's public key that may sign for them.

    Args:
        kid: as a DID URL.
        key: on a curve of `SIGNATURE_CURVES`.
    """

    kid: str
    key: Key


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed message as it came; nothing is proven.

    Args:
        kid: the signer's key, as a DID URL.
        algorithm: of the key.
        payload: the plaintext message.
        signed: the bytes under the signature.
        signature: over them.
    """

    kid: str
    algorithm: KeyAlg
    payload: bytes
    signed: bytes
    signature: bytes


def read_signed(content: bytes, *, max_bytes: int) -> Signed:
    """Return the signed message in the content of an envelope.

    Raises:
        SignedError: it breaks a rule of this module.
    """
    try:
        outside = read_members(content, max_bytes)
        payload, entry = outside.pop("payload", None), _only_signature(outside)
        protected = entry["protected"]
        if not isinstance(protected, str) or len(protected) > _MAX_PROTECTED_CHARS:
            raise SignedError("expected the protected header of a signature to be of at most 8 KiB")
        header = read_members(from_base64url(protected), _MAX_PROTECTED_CHARS)
        if not header.keys() <= _PROTECTED or header.get("typ", _TYPES[0]) not in _TYPES:
            raise SignedError(f"expected a header of {_TYPES[0]} and nothing more in it")
        algorithm = ALGORITHMS.get(alg) if isinstance(alg := header.get("alg"), str) else None
        if algorithm is None:
            raise SignedError(f"expected a signature by {', '.join(ALGORITHMS)}")
        signature = from_base64url(entry["signature"])
        if len(signature) != _SIGNATURE_BYTES:
            raise SignedError(f"expected a signature of {_SIGNATURE_BYTES} bytes")
        message = from_base64url(payload)
    except JweError as err:
        raise SignedError(err.message) from err
    signed = f"{protected}.{payload}".encode("ascii")
    return Signed(_kid(header, entry.get("header", {})), algorithm, message, signed, signature)


def check_signature(signed: Signed, key: Key) -> None:
    """Check the signature by the key that the signer's DID document has under `signed.kid`.

    Raises:
        SignedError: it is not by this key.
    """
    try:
        is_theirs = key.algorithm is signed.algorithm and key.verify_signature(signed.signed, signed.signature)
    except AskarError:
        is_theirs = False
    if not is_theirs:
        raise SignedError("the signature is not by the key that the message names")


def _only_signature(outside: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one signature of either form (1)."""
    listed = [outside]
    if "signatures" in outside:
        if outside.keys() != {"signatures"} or not isinstance(outside["signatures"], list):
            raise SignedError("expected a payload and signatures, and nothing more")
        listed = outside["signatures"]
    if len(listed) != 1:
        raise SignedError("expected one signature, by who is named in from")
    (entry,) = listed
    if not isinstance(entry, dict) or not {"protected", "signature"} <= entry.keys() <= _SIGNATURE:
        raise SignedError("expected a protected header and a signature")
    return entry


def _kid(protected: Mapping[str, Any], beside: object) -> str:
    if not isinstance(beside, dict) or not beside.keys() <= {"kid"}:
        raise SignedError("expected the header beside a signature to be its key id alone")
    kids = {str(header["kid"]) for header in (protected, beside) if "kid" in header}
    if len(kids) != 1 or not is_key_id(kid := kids.pop()):
        raise SignedError("expected a signature to name one key id, a DID URL")
    return kid
