"""DIDComm v1 envelopes, made (Aries RFC 0019), and wrapped for mediators on the way (RFC 0094).

`agents.runtime.gate.envelope` opens them.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from aries_askar import AskarError, Key, KeyAlg, crypto_box

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.envelope_keys import own_key, their_key
from wanderbuch.plugins.exchange.json_text import to_json
from wanderbuch.plugins.webvh.base58_text import to_base58

PREFIX: Final = "https://didcomm.org/"
"""Of every message type that we send (Aries RFC 0348)."""

_FORWARD: Final = f"{PREFIX}routing/1.0/forward"


class PackingError(ExchangeError):
    """A key of the other side is none."""

    code = "exchange.packing"


def pack(message: Mapping[str, Any], *, to: str, own: Key, routing_keys: Sequence[str] = ()) -> bytes:
    """Return a message in an envelope that only the recipient can open, and that proves who sent it.

    Args:
        message: ready for JSON.
        to: the recipient's Ed25519 key, base58.
        own: our secret Ed25519 key.
        routing_keys: of mediators, the nearest to the recipient first; each gets a `forward` around what is inside.

    Raises:
        PackingError: a key is not an Ed25519 key.
    """
    packed = _authcrypt(to_json(message), to, own)
    for key in routing_keys:
        forward = {"@type": _FORWARD, "@id": str(uuid4()), "to": to, "msg": json.loads(packed)}
        packed, to = _anoncrypt(to_json(forward), key), key
    return packed


def _authcrypt(message: bytes, to: str, own: Key) -> bytes:
    theirs, content_key, nonce = _x25519(to), Key.generate(KeyAlg.C20P), crypto_box.random_nonce()
    sender = to_base58(own.get_public_bytes())
    boxed = crypto_box.crypto_box(theirs, own_key(own), content_key.get_secret_bytes(), nonce)
    header = {"kid": to, "sender": _b64(crypto_box.crypto_box_seal(theirs, sender)), "iv": _b64(nonce)}
    return _sealed(message, content_key, "Authcrypt", {"encrypted_key": _b64(boxed), "header": header})


def _anoncrypt(message: bytes, to: str) -> bytes:
    content_key = Key.generate(KeyAlg.C20P)
    boxed = crypto_box.crypto_box_seal(_x25519(to), content_key.get_secret_bytes())
    return _sealed(message, content_key, "Anoncrypt", {"encrypted_key": _b64(boxed), "header": {"kid": to}})


def _sealed(message: bytes, content_key: Key, algorithm: str, recipient: Mapping[str, Any]) -> bytes:
    outside = {"enc": "xchacha20poly1305_ietf", "typ": "JWM/1.0", "alg": algorithm, "recipients": [recipient]}
    protected = _b64(to_json(outside))
    sealed = content_key.aead_encrypt(message, aad=protected.encode())
    whole, tag_at, nonce_at = memoryview(sealed.buffer.array), sealed.tag_pos, sealed.nonce_pos
    # Its own `parts` are lists of numbers first, which takes 1.3 ms for 27 KB.
    ciphertext, tag, nonce = whole[:tag_at], whole[tag_at:nonce_at], whole[nonce_at:]
    envelope = {"protected": protected, "iv": _b64(nonce), "ciphertext": _b64(ciphertext), "tag": _b64(tag)}
    return to_json(envelope)


def _x25519(key: str) -> Key:
    try:
        return their_key(key)
    except (AskarError, ValueError) as err:
        raise PackingError("expected an Ed25519 key in base58 as the recipient") from err


def _b64(data: bytes | memoryview) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")
