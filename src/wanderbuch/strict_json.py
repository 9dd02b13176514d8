"""The one reader of JSON that somebody else wrote: what two readers could understand differently is refused.

Refused: more bytes or deeper nesting than the caller allows, anything but UTF-8, a byte order mark, a member that is
twice in one object, half of a surrogate pair, text after the value, NaN and Infinity, whole numbers that not every
reader holds exactly, and numbers with a fraction or an exponent unless the format has them.
Sources: RFC 8259, RFC 7493 (I-JSON).

The rules are checked on the bytes before and after one pass of a parser in C, so that neither nesting nor size nor the
number of members costs more than reading: a mistake is looked for in Python only once there is one.
"""

import json
import re
from array import array
from itertools import accumulate
from typing import Any, ClassVar, Final

import msgspec

from wanderbuch.errors import WanderbuchError

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_MAX_SAFE_INTEGER: Final = 2**53 - 1  # RFC 7493 §2.2
_MAX_DIGITS: Final = 64  # of a number with a fraction: no format that we read has more than a binary64 needs
_CHUNK_BYTES: Final = 1 << 20
_LONG: Final = b"0" * 16  # 2^53 has 16 digits
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|(-?[0-9]+)(\.[0-9]*)?([eE][+-]?[0-9]*)?|(-?Infinity|NaN)', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_STEPS: Final = bytes.maketrans(b"[]", b"\x01\xff")  # +1 and -1 as signed bytes
_BEGINNING: Final = 4096
_ROUNDS: Final = 4
_DIGITS: Final = bytes.maketrans(b"123456789E", b"000000000e")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class StrictJsonError(WanderbuchError):
    """The bytes are not JSON that every reader understands the same way."""

    code: ClassVar[str] = "json"


def read_strict_json(document: bytes | str, *, max_bytes: int, max_depth: int, fractions: bool = False) -> Any:
    """Return the JSON value in `document`.

    Args:
        document: exactly one JSON value, as UTF-8 or as text.
        max_bytes: refuse a longer document before looking into it.
        max_depth: how many objects and lists may stand inside one another.
        fractions: whether the format has numbers with a fraction or an exponent.

    Raises:
        StrictJsonError: the document breaks one of the module's rules; the message names rule and place, no value.
    """
    if len(document) > max_bytes:
        raise StrictJsonError(f"expected at most {max_bytes} bytes, found {len(document)}")
    received = _as_bytes(document)
    if len(received) > max_bytes:
        raise StrictJsonError(f"expected at most {max_bytes} bytes, found {len(received)}")
    bare = _without_escapes(received)
    between = _between_texts(bare)
    if _is_deeper(between, max_depth):
        raise StrictJsonError(f"expected at most {max_depth} levels of nesting, found more")
    if _has_doubtful_number(between, fractions=fractions):
        _check_numbers(received.decode(), fractions=fractions)
    try:
        value = msgspec.json.decode(received)
        written = msgspec.json.encode(value)
    except (ValueError, RecursionError) as err:  # msgspec's own errors are ValueErrors
        raise _mistake_in(received.decode(), fractions=fractions) from err
    if _without_escapes(written).count(b'"') != bare.count(b'"'):  # whatever stands twice is not in `value` twice
        raise _twice_in(received)
    return value


def outside_texts(document: bytes) -> bytes:
    """Return what stands outside of the texts of JSON that is proper: brackets, numbers, names of values, marks."""
    return _between_texts(_without_escapes(document))


def _as_bytes(document: bytes | str) -> bytes:
    if isinstance(document, str):
        try:
            return document.encode()
        except UnicodeEncodeError as err:
            raise StrictJsonError(
                f"expected Unicode text, found half of a surrogate pair {_place(document, err.start)}"
            ) from err
    if document.startswith(_BYTE_ORDER_MARK):
        raise StrictJsonError("expected UTF-8 without a byte order mark", hint="save the file without one")
    if not document.isascii():
        try:
            document.decode()
        except UnicodeDecodeError as err:
            raise StrictJsonError(f"expected UTF-8, found another byte at position {err.start}") from err
    return document


def _without_escapes(document: bytes) -> bytes:
    """Return the bytes without escaped backslashes and quotes: each quote that is left begins or ends a text."""
    return document.replace(rb"\\", b"").replace(rb"\"", b"") if b"\\" in document else document


def _between_texts(bare: bytes) -> bytes:
    """Return what stands outside of texts: brackets, numbers, names of values, marks."""
    texts: list[bytes] = []
    inside = 0
    for start in range(0, len(bare), _CHUNK_BYTES):
        pieces = bare[start : start + _CHUNK_BYTES].split(b'"')
        texts += pieces[inside::2]
        inside ^= (len(pieces) - 1) & 1
    return b"".join(texts)


def _is_deeper(between: bytes, max_depth: int) -> bool:
    """Return whether a parser would go deeper than that.

    What is deep from its beginning on costs no look at the rest. Else a few rounds take the innermost pairs away, which
    leaves little of what people write, and what is left is counted, if there is enough of it to be deeper at all.
    """
    brackets = between.translate(_BRACKETS, _NO_BRACKETS)
    if len(brackets) > _BEGINNING and _height(brackets[:_BEGINNING]) > max_depth:
        return True
    rounds = 0
    while rounds < _ROUNDS and b"[]" in brackets:
        brackets = brackets.replace(b"[]", b"")
        rounds += 1
    return rounds + brackets.count(b"[") > max_depth and rounds + _height(brackets) > max_depth


def _height(brackets: bytes) -> int:
    """Return how many brackets are open at most at one time."""
    return max(accumulate(array("b", brackets.translate(_STEPS))), default=0)


def _has_doubtful_number(between: bytes, *, fractions: bool) -> bool:
    digits = between.translate(_DIGITS)
    return _LONG in digits or (not fractions and (b"." in digits or b"0e" in digits))


def _check_numbers(text: str, *, fractions: bool) -> None:
    """Raise StrictJsonError for the first number that is refused."""
    for token in _TOKEN.finditer(text):
        whole, fraction, exponent, no_number = token.groups()
        if no_number or (whole and (fraction or exponent) and not fractions):
            kind = "NaN or Infinity" if no_number else "a number with a fraction or an exponent"
            wanted = "numbers" if fractions else "whole numbers only"
            raise StrictJsonError(f"expected {wanted}, found {kind} {_place(text, token.start())}")
        if whole and (fraction or exponent) and len(token[0]) > _MAX_DIGITS:
            raise StrictJsonError(
                f"expected at most {_MAX_DIGITS} characters of a number {_place(text, token.start())}"
            )
        if whole and not (fraction or exponent) and (len(whole) > 17 or abs(int(whole)) > _MAX_SAFE_INTEGER):
            raise StrictJsonError(
                f"expected whole numbers below 2^53, found a larger one {_place(text, token.start())}"
            )


def _mistake_in(text: str, *, fractions: bool) -> StrictJsonError:
    """Return what is wrong with a document that the parser refused."""
    try:
        _check_numbers(text, fractions=fractions)
        json.loads(text)
    except json.JSONDecodeError as err:
        return StrictJsonError(
            f"expected JSON, found a mistake in line {err.lineno}, column {err.colno}: {err.msg}",
            hint="check commas, quotes and brackets there",
        )
    except StrictJsonError as err:
        return err
    except RecursionError:
        return StrictJsonError("expected less nesting")
    if (at := _lone_surrogate(text)) is not None:
        return StrictJsonError(f"expected Unicode text, found half of a surrogate pair {_place(text, at)}")
    return StrictJsonError("expected numbers that a binary64 can hold, found a larger one")


def _lone_surrogate(text: str) -> int | None:
    """Return where the first escape stands that is half of a surrogate pair, None if there is none."""
    high: re.Match[str] | None = None
    for escape in _ESCAPE.finditer(text):
        unit = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= unit <= 0xDFFF
        if high is not None and not (is_low and escape.start() == high.end()):
            return high.start()
        if high is None and is_low:
            return escape.start()
        high = escape if 0xD800 <= unit <= 0xDBFF else None
    return high.start() if high else None


def _twice_in(received: bytes) -> StrictJsonError:
    try:
        json.loads(received, object_pairs_hook=_object_without_duplicates)
    except StrictJsonError as err:
        return err
    return StrictJsonError("expected each member once in one object")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()  # not a count of each: whoever sends a million members must not cost a million squared
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise StrictJsonError(f"expected each member once, found {twice[:80]!r} twice in one object")
    return members


def _place(text: str, at: int) -> str:
    return f"in line {text.count('\n', 0, at) + 1}, column {at - text.rfind('\n', 0, at)}"
