r"""What people can see of a text of others: no character that hides, steers, or turns what stands around it.

The joiners (U+200C, U+200D) show nothing either, and Sinhala, Malayalam and Persian are written with them: they stay
after a letter, mark or sign of a script that may need one.
"""

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
# Letters, marks and signs by their category that show nothing: fillers of Hangul, the blank of Braille and others.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def visible(text: str) -> str:
    r"""Return a text without what cannot be seen; each space, and each end of a line, is one plain space.

    >>> visible("Centre\u202e\u3164\ngnidleW"), len(visible("\u0dc1\u0dca\u200d\u0dbb\u0dd3"))
    ('Centre gnidleW', 5)
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    for letter in text:
        if letter.isspace():
            shown.append(" ")
        elif _joins(shown) if letter in _JOINERS else _shows(letter):
            shown.append(letter)
    return "".join(shown)


def is_visible(text: str) -> bool:
    r"""Return whether all of a text can be seen.

    >>> is_visible("Shipyard"), is_visible("Ship\u202eyard"), is_visible("Ship\u200dyard"), is_visible("\u3164")
    (True, False, False, False)
    """
    return visible(text) == text


def _shows(letter: str) -> bool:
    return letter not in _BLANK and unicodedata.category(letter) not in _HIDDEN


def _joins(before: list[str]) -> bool:
    """Return whether a joiner may stand after what is shown before it."""
    return bool(before) and not before[-1].isascii() and unicodedata.category(before[-1])[0] in "LMS"
