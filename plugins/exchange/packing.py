"""DIDComm v1 envelopes, made (Aries RFC 0019), and wrapped for mediators on the way (RFC 0094).

`agents.runtime.gate.envelope` opens them.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from aries_askar import Key
from nacl import bindings as sodium
from nacl.exceptions import CryptoError
from nacl.utils import random

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.envelope_keys import OwnX25519, own_key, their_key
from wanderbuch.plugins.exchange.json_text import to_json

PREFIX: Final = "https://didcomm.org/"
"""Of every message type that we send (Aries RFC 0348)."""

_KEY_BYTES: Final = 32
_BOX_NONCE_BYTES: Final = 24
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_FORWARD: Final = f"{PREFIX}routing/1.0/forward"
TAIL_MARK: Final = b"\0"
"""Between a message and bytes that go with it; no JSON has it."""


class PackingError(ExchangeError):
    """A key of the other side is none."""

    code = "exchange.packing"


def pack(
    message: Mapping[str, Any],
    *,
    to: str,
    own: Key,
    routing_keys: Sequence[str] = (),
    tail: bytes = b"",
    is_between_us: bool = False,
) -> bytes:
    """Return a message in an envelope that only the recipient can open, and that proves who sent it.

    Args:
        message: ready for JSON.
        to: the recipient's Ed25519 key, base58.
        own: our secret Ed25519 key.
        routing_keys: of mediators, the nearest to the recipient first; each gets a `forward` around what is inside.
        tail: bytes that go with it, for who is known to take them (ADR 120).
        is_between_us: it goes straight to the recipient, over a socket of theirs: then we are named in the same words
            each time, which they open once (ADR 131).

    Raises:
        PackingError: a key is not an Ed25519 key.
    """
    packed = _authcrypt(to_json(message) + (TAIL_MARK + tail if tail else b""), to, own, is_between_us=is_between_us)
    for key in routing_keys:
        forward = {"@type": _FORWARD, "@id": str(uuid4()), "to": to, "msg": json.loads(packed)}
        packed, to = _anoncrypt(to_json(forward), key), key
    return packed


def _authcrypt(message: bytes, to: str, own: Key, *, is_between_us: bool) -> bytes:
    ours, theirs = own_key(own), _x25519(to)
    content_key, nonce = random(_KEY_BYTES), random(_BOX_NONCE_BYTES)
    boxed = sodium.crypto_box_afternm(content_key, nonce, _shared(ours, theirs))
    sender = ours.sealed_for(theirs) if is_between_us else sodium.crypto_box_seal(ours.name.encode("ascii"), theirs)
    header = {"kid": to, "sender": _b64(sender), "iv": _b64(nonce)}
    return _sealed(message, content_key, "Authcrypt", {"encrypted_key": _b64(boxed), "header": header})


def _anoncrypt(message: bytes, to: str) -> bytes:
    content_key = random(_KEY_BYTES)
    boxed = sodium.crypto_box_seal(content_key, _x25519(to))
    return _sealed(message, content_key, "Anoncrypt", {"encrypted_key": _b64(boxed), "header": {"kid": to}})


def _sealed(message: bytes, content_key: bytes, algorithm: str, recipient: Mapping[str, Any]) -> bytes:
    outside = {"enc": "xchacha20poly1305_ietf", "typ": "JWM/1.0", "alg": algorithm, "recipients": [recipient]}
    protected, nonce = _b64(to_json(outside)), random(_NONCE_BYTES)
    # What goes by the name above has always been ChaCha20-Poly1305 with a nonce of 12 bytes (Aries RFC 0019).
    sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(message, protected.encode("ascii"), nonce, content_key)
    ciphertext, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    envelope = {"protected": protected, "iv": _b64(nonce), "ciphertext": _b64(ciphertext), "tag": _b64(tag)}
    return to_json(envelope)


def _x25519(key: str) -> bytes:
    try:
        return their_key(key)
    except (CryptoError, ValueError) as err:
        raise PackingError("expected an Ed25519 key in base58 as the recipient") from err


def _shared(ours: OwnX25519, theirs: bytes) -> bytes:
    try:
        return ours.shared_with(theirs)
    except CryptoError as err:
        raise PackingError("expected a key of the recipient that is theirs alone") from err


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")
