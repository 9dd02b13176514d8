"""Texts of others on a terminal: nothing of them steers it, begins a line, hides, or turns the writing."""

import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"  # of category C, but Sinhala and Arabic are written with them


def one_line(text: str) -> str:
    r"""Return a text without characters of control.

    >>> one_line("Shipyard\x1b[1A\nGood: \u202eMalta")
    'Shipyard[1AGood: Malta'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter for letter in text if letter in _JOINERS or unicodedata.category(letter)[0] != "C")
