"""Rows that a colour sets apart: red may mean suspended, and no cell says so.

A colour says nothing where all cells of a column have it, where it follows from the text of the cell, and where it
alternates from row to row to guide the eye. A row whose text says already how it stands needs no colour for that.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from wanderbuch.governance.lists.statuses import ACTIVE, KNOWN, folded, trouble_in
from wanderbuch.governance.lists.table import Sheet

_ADDRESS: Final = re.compile(r"\S+@\S+|\w+://|www\.|did:", re.IGNORECASE)  # programs write links in blue by themselves
_MOST_BANDS: Final = 4


def marked_rows(sheet: Sheet, entries: Sequence[int], width: int) -> dict[int, str]:
    """Return row -> the colour that sets it apart from the other entries.

    Args:
        sheet: the rows, with the colours of cells and letters.
        entries: numbers of the rows that are entries.
        width: how many columns the header has.
    """
    marked: dict[int, str] = {}
    for colours, of_letters in ((sheet.fills, False), (sheet.inks, True)):
        if not colours:
            continue
        for at in range(width):
            texts = {number: sheet.rows[number][at] if at < len(sheet.rows[number]) else "" for number in entries}
            seen = {
                number: colours.get(number, {}).get(at, "")
                for number, text in texts.items()
                if not of_letters or (text and not _ADDRESS.match(text))
            }
            usual = Counter(seen.values()).most_common(2)
            if len(usual) < 2 or _alternates(seen) or _follows(seen, texts):
                continue
            for number, colour in seen.items():
                if colour != usual[0][0]:
                    marked.setdefault(number, colour or "none")
    noticed = {sight.row for sight in sheet.sights if sight.kind in ("struck-out", "invisible-text")}
    return {
        number: colour
        for number, colour in sorted(marked.items())
        if number not in noticed and not _says_so(sheet.rows[number])
    }


def _alternates(seen: Mapping[int, str]) -> bool:
    """Return whether the colours come again every few rows."""
    for bands in range(2, _MOST_BANDS + 1):
        if len(seen) < 2 * bands:
            return False
        by_band: dict[int, set[str]] = defaultdict(set)
        for number, colour in seen.items():
            by_band[number % bands].add(colour)
        if all(len(texts) == 1 for texts in by_band.values()):
            return min(Counter(number % bands for number in seen).values()) > 1
    return False


def _follows(seen: Mapping[int, str], texts: Mapping[int, str]) -> bool:
    """Return whether each text of a column has one colour; of texts that are all different, that says nothing."""
    by_text: dict[str, set[str]] = defaultdict(set)
    for number, colour in seen.items():
        by_text[texts[number]].add(colour)
    return "" not in by_text and len(by_text) * 2 <= len(seen) and all(len(bands) == 1 for bands in by_text.values())


def _says_so(cells: Sequence[str]) -> bool:
    """Return whether a row says itself that it does not stand as the others."""
    return any(cell and (KNOWN.get(folded(cell), ACTIVE) != ACTIVE or trouble_in(cell)) for cell in cells)
