"""What is attached to a message (Aries RFC 0017), read once, strictly; and attachments of our own.

The gate has read the whole message strictly already. Here the one attachment that a format names is decoded: `base64`
in either alphabet, `json`, or `packed`: JSON with its long numbers as bytes (`packed_numbers`), for who takes that.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wanderbuch.base64_text import from_base64
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.packed_numbers import packed, unpacked
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_DEPTH: Final = 32


class AttachedError(ExchangeError):
    """A message lacks the one attachment that it must have, or it cannot be read; never says what stood there."""

    code = "exchange.attached"


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment.

    Args:
        text: JSON text, as it came, for a library that reads it itself.
        content: the same, read.
    """

    text: str = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)


def read_attached(members: Mapping[str, Any], name: str, *, of_format: str, max_bytes: int) -> Attached:
    """Return the one attachment of a message.

    Args:
        members: of the message.
        name: of the member: "offers~attach".
        of_format: the only format that is taken: "anoncreds/credential-offer@v1.0".
        max_bytes: of the decoded attachment.

    Raises:
        AttachedError: there are others, or none; it is of another format; it is not a strict JSON object.
    """
    formats, listed = members.get("formats"), members.get(name)
    if not isinstance(formats, list) or not isinstance(listed, list) or len(formats) != 1 or len(listed) != 1:
        raise AttachedError(f"expected one {of_format} in {name}")
    wanted, attachment = formats[0], listed[0]
    if not isinstance(wanted, dict) or not isinstance(attachment, dict) or wanted.get("format") != of_format:
        raise AttachedError(f"expected one {of_format} in {name}")
    if wanted.get("attach_id") != attachment.get("@id"):
        raise AttachedError(f"expected the format of {name} to name its attachment")
    return decode_attached(attachment, name, max_bytes=max_bytes)


def decode_attached(attachment: Mapping[str, Any], name: str, *, max_bytes: int) -> Attached:
    """Return what an attachment holds; errors as with `read_attached`."""
    data = attachment.get("data")
    encoded = data.get("base64") if isinstance(data, dict) else None
    plain = _plain(data, name) if isinstance(data, dict) and encoded is None else None
    if plain is not None:
        text = json.dumps(plain, separators=(",", ":"))
        if len(text) > max_bytes:
            raise AttachedError(f"expected at most {max_bytes} bytes in {name}")
        return Attached(text, plain)
    if not isinstance(encoded, str) or len(encoded) * 3 // 4 > max_bytes + 3:
        raise AttachedError(f"expected at most {max_bytes} bytes of base64, or json, in {name}")
    try:
        decoded = from_base64(encoded, url_too=True)
        content = read_strict_json(decoded, max_bytes=max_bytes, max_depth=_MAX_DEPTH)
        text = decoded.decode("utf-8")
    except (ValueError, StrictJsonError) as err:
        raise AttachedError(f"expected strict JSON in base64 in {name}") from err
    if not isinstance(content, dict):
        raise AttachedError(f"expected a JSON object in {name}")
    return Attached(text, content)


def _plain(data: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return what is attached as JSON of the message itself, None if nothing is."""
    if isinstance(data.get("json"), dict):
        return dict(data["json"])
    if not isinstance(data.get("packed"), dict):
        return None
    try:
        return dict(unpacked(data["packed"]))
    except ValueError as err:
        raise AttachedError(f"expected packed numbers in {name}") from err


def with_packed_numbers(message: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return a message for who takes packed numbers, and its tail; what is attached in base64 and signed stays."""
    tail = bytearray()
    members = {
        name: [_packed(name, item, tail) for item in value] if _is_attached(name, value) else value
        for name, value in message.items()
    }
    return members, bytes(tail)


def _is_attached(name: str, value: object) -> bool:
    return name.endswith("~attach") and isinstance(value, list)


def _packed(name: str, attachment: Mapping[str, Any], tail: bytearray) -> Mapping[str, Any]:
    data = attachment["data"]
    if set(data) != {"base64"}:
        return attachment
    content = decode_attached(attachment, name, max_bytes=len(data["base64"])).content
    return {**attachment, "data": {"packed": packed(content, tail)}}


def attach(text: str, *, attach_id: str, of_format: str, name: str) -> dict[str, Any]:
    """Return the members that attach JSON text to a message, with its format."""
    encoded = base64.b64encode(text.encode()).decode("ascii")
    return {
        "formats": [{"attach_id": attach_id, "format": of_format}],
        name: [{"@id": attach_id, "mime-type": "application/json", "data": {"base64": encoded}}],
    }
