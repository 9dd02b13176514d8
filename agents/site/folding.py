"""Texts as a search compares them: without case, accents, and forms that only look different."""

import re
import unicodedata
from typing import Final

# Accents of Latin, vowel signs of Arabic, joiners of every script.
_MARKS: Final = re.compile("[\u0300-\u036f\u064b-\u0652\u200c\u200d]")


def folded(text: str) -> str:
    """Return a text without case, accents and forms that only look different.

    >>> folded("École de Cuisine")
    'ecole de cuisine'
    """
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def words_of(text: str) -> list[str]:
    """Return the words of a text; signs that belong to letters, as in Sinhala and Tamil, stay with them.

    >>> words_of("Colombo (Welding) Centre")
    ['colombo', 'welding', 'centre']
    """
    return "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in folded(text)).split()
