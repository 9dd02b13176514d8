"""DIDComm v1 envelopes with Askar's own boxes: what our envelopes are measured beside, whoever makes ours.

It is what `packing` and `gate.envelope` did before libsodium made and opened the boxes, with keys converted before, so
that a bar that is a multiple of it means what it meant.
"""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import base58
from aries_askar import Key, KeyAlg, crypto_box

from wanderbuch.agents.runtime.gate.envelope import read_envelope
from wanderbuch.plugins.exchange.json_text import to_json


def askar_pack(message: Mapping[str, Any], *, to: str, own: Key) -> bytes:
    """Return a message in an authenticated envelope; `to` is an Ed25519 key in base58."""
    theirs, content_key, nonce = _their(to), Key.generate(KeyAlg.C20P), crypto_box.random_nonce()
    boxed = crypto_box.crypto_box(theirs, _own(own), content_key.get_secret_bytes(), nonce)
    sender = crypto_box.crypto_box_seal(theirs, base58.b58encode(own.get_public_bytes()))
    recipient = {"encrypted_key": _b64(boxed), "header": {"kid": to, "sender": _b64(sender), "iv": _b64(nonce)}}
    outside = {"enc": "xchacha20poly1305_ietf", "typ": "JWM/1.0", "alg": "Authcrypt", "recipients": [recipient]}
    protected = _b64(to_json(outside))
    sealed = content_key.aead_encrypt(to_json(message), aad=protected.encode())
    whole, tag_at, nonce_at = memoryview(sealed.buffer.array), sealed.tag_pos, sealed.nonce_pos
    ciphertext, tag, iv = whole[:tag_at], whole[tag_at:nonce_at], whole[nonce_at:]
    return to_json({"protected": protected, "iv": _b64(iv), "ciphertext": _b64(ciphertext), "tag": _b64(tag)})


def askar_open(body: bytes, *, own: Key, max_bytes: int) -> bytes:
    """Return the content of an authenticated envelope to a key of ours; its outside is read strictly."""
    envelope = read_envelope(body, max_bytes=max_bytes)
    (recipient,) = envelope.recipients
    assert recipient.sender is not None
    assert recipient.nonce is not None
    ours = _own(own)
    sender = crypto_box.crypto_box_seal_open(ours, recipient.sender).decode("ascii")
    content_key = crypto_box.crypto_box_open(ours, _their(sender), recipient.content_key, recipient.nonce)
    content: bytes = Key.from_secret_bytes(KeyAlg.C20P, content_key).aead_decrypt(
        envelope.ciphertext, nonce=envelope.nonce, tag=envelope.tag, aad=envelope.protected
    )
    return bytes(content)


@lru_cache
def _their(key: str) -> Key:
    return Key.from_public_bytes(KeyAlg.ED25519, base58.b58decode(key)).convert_key(KeyAlg.X25519)


@lru_cache
def _own(key: Key) -> Key:
    return key.convert_key(KeyAlg.X25519)


def _b64(data: bytes | memoryview) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii")
