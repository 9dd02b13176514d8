"""What a file holds as it is, or as one member of the JSON that an agent answered: both are copied into files."""

from typing import Final

from wanderbuch.strict_json import StrictJsonError, read_strict_json

_MAX_DEPTH: Final = 32


def unwrapped(received: bytes, member: str) -> bytes:
    """Return the text of a file, or what stands in one member of it."""
    text = received.strip()
    if text[:1] != b"{":
        return text
    try:
        answer = read_strict_json(text, max_bytes=len(text), max_depth=_MAX_DEPTH, fractions=True)
    except StrictJsonError:
        return text
    inside = answer.get(member) if isinstance(answer, dict) else None
    return inside.encode() if isinstance(inside, str) else text
