"""Ed25519 public keys as text: Multikey (multibase base58btc of 0xed01 and the key), and key signatures.

Sources: Controlled Identifiers 1.0 §2.2.2 (Multikey); RFC 8032.
"""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wanderbuch.plugins.webvh.base58_text import from_base58, to_base58

_ED25519_PUB: Final = b"\xed\x01"
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


def to_multikey(public_key: bytes) -> str:
    """Return the Multikey form (`z6Mk…`) of a raw 32-byte Ed25519 public key."""
    return f"z{to_base58(_ED25519_PUB + public_key)}"


def from_multikey(text: object) -> bytes:
    """Return the raw 32-byte Ed25519 public key in `text`.

    Raises:
        ValueError: it is not a Multikey of that type.
    """
    decoded = from_multibase(text, max_length=64)
    if decoded[:2] != _ED25519_PUB or len(decoded) != len(_ED25519_PUB) + _KEY_BYTES:
        raise ValueError("expected an Ed25519 Multikey (z6Mk…)")
    return decoded[2:]


def from_multibase(text: object, *, max_length: int) -> bytes:
    """Return what the multibase base58btc text encodes.

    Raises:
        ValueError: it is longer than `max_length` or not base58btc.
    """
    if not isinstance(text, str) or not text.startswith("z") or len(text) > max_length:
        raise ValueError("expected multibase base58btc (z…)")
    return from_base58(text[1:])


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether `signature` over `message` is by the raw Ed25519 `public_key`."""
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
