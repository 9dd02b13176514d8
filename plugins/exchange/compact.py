"""Envelopes between a wallet in a page and its mediator, in as few bytes as they have: without base64 (ADR 120).

A DIDComm v1 envelope (Aries RFC 0019) is base64 twice over in its header and once in its content. A *compact* one says
the same in bytes, and gives the same text again, to the letter: whoever opens an envelope sees what was sealed.

1. Only what comes out the same is made compact: one recipient, the header as our agents and our wallet write it. What
   anybody else writes otherwise goes as the text that it is.
2. A compact envelope begins with a byte that no JSON begins with. It hides nothing and proves nothing; what it becomes
   is read as strictly as any envelope.

    01 | flags | key of the recipient (32) | its encrypted key (48, anonymous: 80)
       | authenticated: sender (length in 1 byte), nonce of the box (24) | nonce (12) | tag (16) | ciphertext
"""

import base64
from typing import Any, Final

import base58

from wanderbuch.strict_json import StrictJsonError, read_strict_json

_VERSION: Final = 1
_IS_ANONYMOUS: Final = 1
_IS_PADDED: Final = 2
_FLAGS: Final = frozenset(range(4))
_KEY_BYTES: Final = 32
_BOX_BYTES: Final = 48
_SEALED_BYTES: Final = 80
_BOX_NONCE_BYTES: Final = 24
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_MAX_DEPTH: Final = 6


def is_compact(frame: bytes) -> bool:
    """Tell whether a frame is a compact envelope (2)."""
    return frame[:1] == bytes((_VERSION,))


def compacted(envelope: bytes) -> bytes:
    """Return an envelope made compact; as it is, if it would not come out the same (1)."""
    try:
        frame = _frame(envelope)
        return frame if _text(frame) == envelope else envelope
    except (AttributeError, LookupError, StrictJsonError, TypeError, ValueError):
        return envelope


def expanded(frame: bytes) -> bytes:
    """Return the envelope of a frame; as it came, if it is no compact one.

    Raises:
        ValueError: it is cut short.
    """
    return _text(frame) if is_compact(frame) else frame


def _frame(envelope: bytes) -> bytes:
    outside = _read(envelope)
    header = _read(_bytes(outside["protected"]))
    (recipient,) = header["recipients"]
    named = recipient["header"]
    is_anonymous = header["alg"] == "Anoncrypt"
    is_padded = outside["tag"].endswith("=")  # of 16 bytes
    parts = [
        bytes((_VERSION, _IS_ANONYMOUS * is_anonymous | _IS_PADDED * is_padded)),
        base58.b58decode(named["kid"]),
        _bytes(recipient["encrypted_key"]),
    ]
    if not is_anonymous:
        sender = _bytes(named["sender"])
        parts += (bytes((len(sender),)), sender, _bytes(named["iv"]))
    return b"".join((*parts, *(_bytes(outside[name]) for name in ("iv", "tag", "ciphertext"))))


def _text(frame: bytes) -> bytes:
    at = 2

    def next_bytes(size: int) -> bytes:
        nonlocal at
        at += size
        if at > len(frame):
            raise ValueError("expected a whole envelope")
        return frame[at - size : at]

    flags = frame[1] if len(frame) > 1 else -1
    if flags not in _FLAGS:
        raise ValueError("expected flags that are known")
    is_padded = bool(flags & _IS_PADDED)
    kid = base58.b58encode(next_bytes(_KEY_BYTES)).decode("ascii")
    if flags & _IS_ANONYMOUS:
        algorithm = "Anoncrypt"
        key, named = next_bytes(_SEALED_BYTES), f'"kid":"{kid}"'
    else:
        algorithm = "Authcrypt"
        key = next_bytes(_BOX_BYTES)
        sender, nonce = next_bytes(next_bytes(1)[0]), next_bytes(_BOX_NONCE_BYTES)
        named = f'"kid":"{kid}","sender":"{_b64(sender, is_padded)}","iv":"{_b64(nonce, is_padded)}"'
    protected = (
        f'{{"enc":"xchacha20poly1305_ietf","typ":"JWM/1.0","alg":"{algorithm}","recipients":'
        f'[{{"encrypted_key":"{_b64(key, is_padded)}","header":{{{named}}}}}]}}'
    )
    iv, tag = next_bytes(_NONCE_BYTES), next_bytes(_TAG_BYTES)
    return (
        f'{{"protected":"{_b64(protected.encode("ascii"), is_padded)}","iv":"{_b64(iv, is_padded)}",'
        f'"ciphertext":"{_b64(frame[at:], is_padded)}","tag":"{_b64(tag, is_padded)}"}}'
    ).encode("ascii")


def _b64(data: bytes, is_padded: bool) -> str:
    text = base64.urlsafe_b64encode(data).decode("ascii")
    return text if is_padded else text.rstrip("=")


def _read(text: bytes) -> Any:
    return read_strict_json(text, max_bytes=len(text), max_depth=_MAX_DEPTH)


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
