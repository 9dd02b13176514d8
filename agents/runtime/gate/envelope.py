"""DIDComm v1 envelopes (Aries RFC 0019), opened in two steps, so that the costly one comes after we know who sends.

`read_envelope` looks at the outside: strict JSON, the algorithms, at most `MAX_RECIPIENTS` recipients; no look-up and
no cryptography. `identify` opens the small box with the content's key, which also authenticates the sender. `decrypt`
opens the content.
"""

from dataclasses import dataclass
from typing import Any, Final

from aries_askar import Key
from nacl import bindings as sodium
from nacl.exceptions import CryptoError

from wanderbuch.base64_text import from_base64
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.envelope_keys import own_key, their_key
from wanderbuch.strict_json import StrictJsonError, read_strict_json

MAX_RECIPIENTS: Final = 10
_MAX_PROTECTED_CHARS: Final = 16 * 1024
_MAX_OUTSIDE_DEPTH: Final = 6
_TAG_BYTES: Final = 16
_KEY_CHARS: Final = range(32, 65)  # base58 of 32 bytes has 43 or 44


class EnvelopeError(ExchangeError):
    """It is no envelope that we take; nothing of it is kept."""

    code = "exchange.envelope"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient's box with the content's key; `sender` and `nonce` are there if the sender authenticates itself."""

    key: str
    content_key: bytes
    sender: bytes | None
    nonce: bytes | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as it came; nothing in it is opened."""

    recipients: tuple[Recipient, ...]
    protected: bytes
    nonce: bytes
    ciphertext: bytes
    tag: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """Who sent an envelope to which key of ours.

    Args:
        recipient: our key.
        sender: the sender's key, proven; None if the sender is anonymous.
        content_key: opens the content.
    """

    recipient: str
    sender: str | None
    content_key: bytes


def read_envelope(body: bytes, *, max_bytes: int) -> Envelope:
    """Return the envelope in `body`.

    Raises:
        EnvelopeError: it is none, or has more recipients than anybody needs.
    """
    outside = _members(body, max_bytes)
    protected = outside.get("protected")
    if not isinstance(protected, str) or len(protected) > _MAX_PROTECTED_CHARS:
        raise EnvelopeError("expected a protected header of at most 16 KiB")
    header = _members(_decoded(protected), _MAX_PROTECTED_CHARS)
    if header.get("alg") not in ("Authcrypt", "Anoncrypt") or header.get("enc") not in (
        "xchacha20poly1305_ietf",
        "chacha20poly1305_ietf",
    ):
        raise EnvelopeError("expected Authcrypt or Anoncrypt with chacha20poly1305 (Aries RFC 0019)")
    listed = header.get("recipients")
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_RECIPIENTS:
        raise EnvelopeError(f"expected 1 to {MAX_RECIPIENTS} recipients")
    recipients = tuple(_recipient(recipient, authenticated=header["alg"] == "Authcrypt") for recipient in listed)
    if len({recipient.key for recipient in recipients}) != len(recipients):
        raise EnvelopeError("expected each recipient once")
    return Envelope(
        recipients,
        protected.encode("ascii"),
        _decoded(outside.get("iv")),
        _decoded(outside.get("ciphertext")),
        _decoded(outside.get("tag")),
    )


def identify(recipient: Recipient, secret: Key) -> Opened:
    """Open a recipient's box with our key.

    Raises:
        EnvelopeError: it cannot be opened, or does not come from the sender that it names.
    """
    try:
        own = own_key(secret)
        if recipient.sender is None or recipient.nonce is None:
            content_key = sodium.crypto_box_seal_open(recipient.content_key, own.public, own.secret)
            return Opened(recipient.key, None, content_key)
        sender = sodium.crypto_box_seal_open(recipient.sender, own.public, own.secret).decode("ascii")
        if len(sender) not in _KEY_CHARS:
            raise EnvelopeError("expected an Ed25519 key as the sender")
        shared = own.shared_with(their_key(sender))
        content_key = sodium.crypto_box_open_afternm(recipient.content_key, recipient.nonce, shared)
    except (CryptoError, ValueError) as err:
        raise EnvelopeError("the envelope cannot be opened") from err
    return Opened(recipient.key, sender, content_key)


def decrypt(envelope: Envelope, opened: Opened) -> bytes:
    """Return the content of an envelope.

    Raises:
        EnvelopeError: it cannot be opened, or was changed on its way.
    """
    if len(envelope.tag) != _TAG_BYTES:
        raise EnvelopeError(f"expected a tag of {_TAG_BYTES} bytes")
    try:
        return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
            envelope.ciphertext + envelope.tag, envelope.protected, envelope.nonce, opened.content_key
        )
    except (CryptoError, ValueError) as err:
        raise EnvelopeError("the envelope cannot be opened") from err


def _recipient(listed: object, *, authenticated: bool) -> Recipient:
    header = listed.get("header") if isinstance(listed, dict) else None
    if not isinstance(listed, dict) or not isinstance(header, dict):
        raise EnvelopeError("expected a header for each recipient")
    key = header.get("kid")
    if not isinstance(key, str) or len(key) not in _KEY_CHARS or not key.isascii():
        raise EnvelopeError("expected an Ed25519 key for each recipient")
    if not authenticated:
        return Recipient(key, _decoded(listed.get("encrypted_key")), None, None)
    return Recipient(
        key, _decoded(listed.get("encrypted_key")), _decoded(header.get("sender")), _decoded(header.get("iv"))
    )


def _members(document: bytes, max_bytes: int) -> dict[str, Any]:
    try:
        value = read_strict_json(document, max_bytes=max_bytes, max_depth=_MAX_OUTSIDE_DEPTH)
    except StrictJsonError as err:
        raise EnvelopeError("expected the envelope to be strict JSON") from err
    if not isinstance(value, dict):
        raise EnvelopeError("expected a JSON object")
    return value


def _decoded(text: object) -> bytes:
    if not isinstance(text, str) or not text.isascii():
        raise EnvelopeError("expected base64url text")
    try:
        return from_base64(text, url_too=True)
    except ValueError as err:
        raise EnvelopeError("expected base64url text") from err
