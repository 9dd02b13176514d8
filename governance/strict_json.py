"""JSON read strictly: what two readers could understand differently is refused.

Refused: more bytes or deeper nesting than the caller allows, anything but UTF-8, a byte order mark, a member that
stands twice in one object, numbers that are not integers (unless the format has them), NaN and Infinity, lone
surrogates, text after the value.
Sources: RFC 8259, RFC 7493 (I-JSON).
"""

import json
import math
from typing import Any, ClassVar, Never

from wanderbuch.errors import GovernanceError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_SAFE_INTEGER = 2**53 - 1  # RFC 7493 §2.2


class StrictJsonError(GovernanceError):
    """The bytes are not JSON that every reader understands the same way."""

    code: ClassVar[str] = "governance.json"


def read_strict_json(document: bytes, *, max_bytes: int, max_depth: int, fractions: bool = False) -> Any:
    """Return the JSON value in `document`.

    Args:
        document: UTF-8 text of exactly one JSON value.
        max_bytes: refuse a longer document before looking into it.
        max_depth: how many objects and lists may stand inside one another.
        fractions: whether the format has numbers with a fraction or an exponent.

    Raises:
        StrictJsonError: the document breaks one of the module's rules; the message names it.
    """
    if len(document) > max_bytes:
        raise StrictJsonError(f"expected at most {max_bytes} bytes, found {len(document)}")
    if document.startswith(_BYTE_ORDER_MARK):
        raise StrictJsonError("expected UTF-8 without a byte order mark")
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError as err:
        raise StrictJsonError(f"expected UTF-8, found another byte at position {err.start}") from err
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object_without_duplicates,
            parse_float=_finite_number if fractions else _refuse_number,
            parse_constant=_refuse_number,
            parse_int=_safe_integer,
        )
    except json.JSONDecodeError as err:
        raise StrictJsonError(
            f"expected JSON, found a mistake in line {err.lineno}, column {err.colno}: {err.msg}",
            hint="check commas, quotes and brackets there",
        ) from err
    except RecursionError as err:
        raise StrictJsonError(f"expected at most {max_depth} levels of nesting") from err
    _check_tree(value, max_depth)
    return value


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()  # not a count of each: whoever sends a million members must not cost a million squared
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise StrictJsonError(f"expected each member once, found {twice[:80]!r} twice in one object")
    return members


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse_number(text)
    return number


def _refuse_number(text: str) -> Never:
    raise StrictJsonError(f"expected whole numbers only, found {text[:40]}")


def _safe_integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _MAX_SAFE_INTEGER:
        raise StrictJsonError(f"expected a whole number below 2^53, found {text[:40]}")
    return int(text)


def _check_tree(value: Any, max_depth: int) -> None:
    """Check nesting and text without recursion."""
    level: list[Any] = [value]
    depth = 0
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                below.extend(item.keys())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str) and not item.isascii():
                _check_text(item)
        if below:
            depth += 1
        if depth > max_depth:
            raise StrictJsonError(f"expected at most {max_depth} levels of nesting")
        level = below


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as err:
        raise StrictJsonError("expected Unicode text, found half of a surrogate pair") from err
