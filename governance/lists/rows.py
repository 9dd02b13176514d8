"""Rows that stand among entries and are none: titles of sections, totals, notes, signatures, page numbers."""

import re
from collections.abc import Sequence
from typing import Final

# What totals, notes and signatures begin with, in the languages of our pages.
_WORDS: Final = (
    "grand total", "sub-?total", "totals?", "count", "sum", "sources?", "notes?", "nb", "n\\.b\\.", "remarks?",
    "prepared by", "checked by", "approved by", "certified by", "compiled by", "signed", "signature",
    "date of issue", "printed", "last updated", "updated", "as at", "as of", "page", "legend", "key", "end of list",
    "end of report", "continued", "disclaimer", "contact", "for (?:more )?information", "source ?:", "notas?",
    "fuente", "firma", "página", "elaborado por", "établi par", "remarque", "légende", "fait à", "المجموع",
    "المصدر", "ملاحظة", "ملاحظات", "صفحة", "التوقيع", "මුළු", "එකතුව", "මූලාශ්‍රය", "සටහන", "පිටුව", "மொத்தம்",
    "மூலம்", "குறிப்பு", "பக்கம்",
)  # fmt: skip
_BEGINNINGS: Final = re.compile(rf"(?:{'|'.join(_WORDS)})(?:\b|\s|:|$)", re.IGNORECASE)
_TOTAL: Final = re.compile(
    r"(?:(?:grand |sub-?)?totals?|total général|total general|المجموع|මුළු එකතුව|එකතුව|மொத்தம்)\s*[:=]?", re.IGNORECASE
)
_MARKED: Final = re.compile(r"(?:\*+|†|‡|§|\(?\d\)|[¹²³])\s*\S")
_PAGE: Final = re.compile(r"(?:page|p\.|página|صفحة|පිටුව|பக்கம்)?\s*\d+\s*(?:of|/|de|sur|من)\s*\d+", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[(\[]?(\d{1,2}|[ivx]{1,5}|[a-z])[)\].]?", re.IGNORECASE)


def is_no_entry(row: Sequence[str], width: int, *, apart: bool, first: bool, across: bool) -> bool:
    """Return whether a row looks like something else than an entry. A person decides; here it is only noticed.

    Args:
        row: its cells.
        width: how many columns the header has.
        apart: an empty row stands above it.
        first: it follows the header.
        across: one merged cell fills it from side to side.
    """
    filled = [cell for cell in row if cell]
    if not filled or width < 2:
        return False
    if across:
        return True
    start = filled[0]
    few = len(filled) <= max(1, width // 4)
    if _TOTAL.fullmatch(start) or (len(filled) == 1 and _PAGE.fullmatch(start)):
        return True
    if (few or len(filled) <= max(2, width // 3)) and _BEGINNINGS.match(start):
        return True
    if few and _MARKED.match(start):
        return True
    if first and len(filled) >= 3 and _are_column_numbers(row[:width]):
        return True
    if apart and few and width >= 3:
        return True
    return len(filled) == 1 and width >= 4 and bool(row[0])  # the name of a section: a province, a kind of centre


def _are_column_numbers(row: Sequence[str]) -> bool:
    """Return whether a row numbers the columns: (1), (2), (3) or A, B, C."""
    matches = [_NUMBER.fullmatch(cell) for cell in row if cell]
    if not all(matches):
        return False
    texts = [match[1].casefold() for match in matches if match is not None]
    if all(text.isdigit() for text in texts):
        values = [int(text) for text in texts]
        return values == list(range(values[0], values[0] + len(values))) and values[0] in (0, 1)
    return texts == [chr(97 + at) for at in range(len(texts))] or texts[:3] == ["i", "ii", "iii"]
