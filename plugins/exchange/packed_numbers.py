"""JSON of AnonCreds with its long numbers as the bytes that they are, for who says that they take it (ADR 120).

AnonCreds writes numbers of 2,048 bits as text in decimal digits, and digests as lists of bytes in decimal; attached to
a message that becomes base64 once more. Packed, a value of the JSON stands as

1. `#n` and base64url, for a text that is a whole number of 24 to 4,000 digits without a zero before it;
2. `#b` and base64url, for a list of 16 or more numbers from 0 to 255;
3. `##` and the rest, for any other text that begins with `#`;

and the attachment as `packed`, which is JSON in the message itself. Where bytes may follow the message (its *tail*,
`packing`), `#N` and `#B` stand for the same with `offset,length` of the bytes there. Everything else stays.

What is packed has the length that its numbers have, whatever they are: nothing is compressed, so nothing can be learnt
from how well it shrinks.
"""

import base64
import re
from typing import Any, Final

from wanderbuch.base64_text import from_base64

_NUMBER: Final = re.compile(r"[1-9][0-9]{23,3999}")
_MOST_NUMBER_BYTES: Final = 1_661
_MOST_DIGITS: Final = 4_000
_LEAST_LIST: Final = 16
_BYTE: Final = range(256)


def packed(value: Any, tail: bytearray | None = None) -> Any:
    """Return JSON with its numbers packed; `tail` takes their bytes, if there is one."""
    match value:
        case str():
            if _NUMBER.fullmatch(value):
                number = int(value)
                return _told("n", number.to_bytes((number.bit_length() + 7) // 8), tail)
            return f"#{value}" if value.startswith("#") else value
        case list():
            if len(value) >= _LEAST_LIST and all(type(item) is int and item in _BYTE for item in value):
                return _told("b", bytes(value), tail)
            return [packed(item, tail) for item in value]
        case dict():
            return {name: packed(item, tail) for name, item in value.items()}
        case _:
            return value


def unpacked(value: Any) -> Any:
    """Return what `packed` was given.

    Raises:
        ValueError: it is not what `packed` gives.
    """
    match value:
        case str():
            return _text(value) if value.startswith("#") else value
        case list():
            return [unpacked(item) for item in value]
        case dict():
            return {name: unpacked(item) for name, item in value.items()}
        case _:
            return value


def _text(value: str) -> str | list[int]:
    kind, rest = value[1:2], value[2:]
    if kind == "#":
        return value[1:]
    if kind == "n" and len(rest) <= _MOST_NUMBER_BYTES * 4 // 3 + 4:
        text = str(int.from_bytes(from_base64(rest, url_too=True)))
        if len(text) <= _MOST_DIGITS:
            return text
    if kind == "b":
        return list(from_base64(rest, url_too=True))
    raise ValueError("expected a packed number, or bytes")


def _told(kind: str, data: bytes, tail: bytearray | None) -> str:
    if tail is None:
        return f"#{kind}{base64.urlsafe_b64encode(data).decode('ascii').rstrip('=')}"
    tail += data
    return f"#{kind.upper()}{len(tail) - len(data)},{len(data)}"
