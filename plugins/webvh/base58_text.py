"""Base58 (bitcoin's alphabet) of a few hundred bytes, ten digits a step: a did:peer:4 carries its document in it."""

from typing import Final

_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PAIRS: Final = tuple(first + second for first in _DIGITS for second in _DIGITS)
_BASE: Final = len(_PAIRS)
_STEP: Final = _BASE**5
_CHARS: Final = 10
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}


def to_base58(data: bytes) -> str:
    r"""Return bytes in base58.

    >>> to_base58(b"\0\0wander")
    '1122SzESQYR'
    """
    zeros = len(data) - len(data.lstrip(b"\0"))
    number, digits = int.from_bytes(data, "big"), list[str]()
    while number:
        number, low = divmod(number, _STEP)
        for _ in range(5):
            low, pair = divmod(low, _BASE)
            digits.append(_PAIRS[pair])
    return _DIGITS[0] * zeros + "".join(reversed(digits)).lstrip(_DIGITS[0])


def from_base58(text: str) -> bytes:
    r"""Return what base58 text stands for.

    >>> from_base58("1122SzESQYR")
    b'\x00\x00wander'

    Raises:
        ValueError: it has another character.
    """
    number = 0
    for start in range(0, len(text), _CHARS):
        part, value = text[start : start + _CHARS], 0
        for letter in part:
            if (digit := _VALUES.get(letter)) is None:
                raise ValueError("expected base58, found another character")
            value = value * 58 + digit
        number = number * 58 ** len(part) + value
    zeros = len(text) - len(text.lstrip(_DIGITS[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
