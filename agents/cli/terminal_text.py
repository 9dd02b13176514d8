"""What stands on a terminal: numbers with their nouns, and texts of others.

Nothing of these steers the terminal, begins a line, hides, or turns the writing.
"""

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


def counted(number: int, noun: str, several: str | None = None) -> str:
    """Return a number with its noun; `several` is the noun of more than one, where that is not made with an s.

    >>> counted(1, "error"), counted(0, "error"), counted(2, "registry", "registries")
    ('1 error', '0 errors', '2 registries')
    """
    return f"{number} {noun if number == 1 else several or f'{noun}s'}"
