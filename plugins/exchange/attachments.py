"""What is attached to a DIDComm message, read strictly before ACA-Py decodes it.

ACA-Py decodes an attachment (Aries RFC 0017) again wherever it needs it, with a reader that takes the last of two
members and fails on deep nesting in ways that no handler expects. So each attachment is judged once, when the message
comes in: what `strict_json` refuses never reaches a handler.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from wanderbuch.base64_text import from_base64
from wanderbuch.errors import ExchangeError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_BYTES: Final = 2 * 1024 * 1024
_MAX_DEPTH: Final = 32
_MAX_ATTACHMENTS: Final = 32
_ATTACHED: Final = "~attach"
# Aries RFC 0023, did_rotate~attach: the DID as bare text, no JSON. A presentation is decoded by `presentation` alone.
_NOT_HERE: Final = frozenset({"did_rotate~attach", "presentations~attach"})
_WITH_FRACTIONS: Final = frozenset({"did_doc~attach"})  # a DID document is any JSON; AnonCreds has whole numbers only


class AttachmentError(ExchangeError):
    """What is attached to a message is not JSON that every reader understands the same way."""

    code: ClassVar[str] = "exchange.attachment"


def check_attachments(message: Mapping[str, Any]) -> None:
    """Check everything that is attached to a decrypted message, also to messages that are attached themselves.

    Args:
        message: the message as JSON, read strictly already.

    Raises:
        AttachmentError: an attachment is not strict JSON, or there are very many; it says which, no content.
    """
    waiting: list[Mapping[str, Any]] = [message]
    count = 0
    while waiting:
        for name, listed in waiting.pop().items():
            if not name.endswith(_ATTACHED) or name in _NOT_HERE:
                continue
            for attachment in listed if isinstance(listed, list) else [listed]:
                count += 1
                if count > _MAX_ATTACHMENTS:
                    raise AttachmentError(f"expected at most {_MAX_ATTACHMENTS} attachments to a message, found more")
                content = _content(name, attachment)
                if isinstance(content, Mapping):
                    waiting.append(content)


def _content(name: str, attachment: object) -> object:
    """Return what is attached as JSON; None where there is none to read (links, another form)."""
    data = attachment.get("data") if isinstance(attachment, Mapping) else None
    if not isinstance(data, Mapping):
        return None
    _check_signatures(name, data.get("jws"))
    encoded = data.get("base64")
    return _decoded(name, encoded) if isinstance(encoded, str) else data.get("json", data.get("packed"))


def _check_signatures(name: str, jws: object) -> None:
    """Check the protected headers of a signed attachment (Aries RFC 0017, "jws")."""
    if not isinstance(jws, Mapping):
        return
    several = jws.get("signatures")
    for signature in (jws, *(several if isinstance(several, list) else ())):
        protected = signature.get("protected") if isinstance(signature, Mapping) else None
        if isinstance(protected, str):
            _decoded(name, protected, url_too=True)


def _decoded(name: str, encoded: str, *, url_too: bool = False) -> object:
    if len(encoded) * 3 // 4 > _MAX_BYTES:
        raise AttachmentError(f"expected at most {_MAX_BYTES} bytes in {name[:80]!r}, found more")
    try:
        # Only the alphabet that ACA-Py knows here: it drops any other character, and would read another text than we.
        decoded = from_base64(encoded, url_too=url_too)
        fractions = name in _WITH_FRACTIONS
        return read_strict_json(decoded, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH, fractions=fractions)
    except ValueError as err:
        raise AttachmentError(f"expected base64 in {name[:80]!r}, found something else") from err
    except StrictJsonError as err:
        raise AttachmentError(f"what is attached as {name[:80]!r} is not usable: {err.message}") from err
