"""Base58 (bitcoin's alphabet) of keys and of documents: a did:peer:4 carries its document in it.

A digit at a time takes the square of the length, each step in Python. Here a number is halved, and so are its halves,
until they are pairs of digits; and text is read by putting neighbours together, all at once, then neighbouring pairs,
and so on: each level is a few calls on one large number.
"""

from functools import lru_cache
from typing import Final

_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS: Final = tuple(first + second for first in _DIGITS for second in _DIGITS)
_PAIR_BITS: Final = 11  # a pair of digits stands for more than so many
_NO_DIGIT: Final = 0xFF
_VALUES: Final = bytes(_DIGITS.find(chr(code)) & 0xFF for code in range(256))  # -1 becomes _NO_DIGIT


def to_base58(data: bytes) -> str:
    r"""Return bytes in base58.

    >>> to_base58(b"\0\0wander")
    '1122SzESQYR'
    """
    zeros = len(data) - len(data.lstrip(b"\0"))
    number = int.from_bytes(data, "big")
    parts = [number]
    for half in _halves((number.bit_length() // _PAIR_BITS).bit_length()):
        parts = [piece for part in parts for piece in divmod(part, half)]
    return _DIGITS[0] * zeros + "".join([_PAIRS[part] for part in parts]).lstrip(_DIGITS[0])


def from_base58(text: str) -> bytes:
    r"""Return what base58 text stands for.

    >>> from_base58("1122SzESQYR")
    b'\x00\x00wander'

    Raises:
        ValueError: it has another character.
    """
    if not text.isascii() or _NO_DIGIT in (values := text.encode("ascii").translate(_VALUES)):
        raise ValueError("expected base58, found another character")
    number = int.from_bytes(values, "big")  # a digit in each byte
    for bits, base, right in _neighbours((len(values) - 1).bit_length()):
        number = (number >> bits & right) * base + (number & right)
    zeros = len(text) - len(text.lstrip(_DIGITS[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


@lru_cache(32)
def _halves(levels: int) -> tuple[int, ...]:
    """Return what to divide 2^levels pairs of digits by, to have two halves, then by what the halves, down to pairs."""
    return tuple(len(_PAIRS) ** (1 << level) for level in reversed(range(levels)))


@lru_cache(32)
def _neighbours(levels: int) -> tuple[tuple[int, int, int], ...]:
    """Return, for each level of 2^levels digits, how neighbours are put together.

    That is how many bits each has, what the left one counts, and a mask of the right ones.
    """
    whole = 8 << levels
    return tuple(
        (bits := 8 << level, len(_DIGITS) ** (1 << level), ((1 << whole) - 1) // ((1 << bits) + 1))
        for level in range(levels)
    )
