"""A CSV file as spreadsheets write it: encoding and separator are found out, never guessed silently (RFC 4180)."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from wanderbuch.governance.lists.code_pages import decoded
from wanderbuch.governance.lists.table import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_TABLE_BYTES,
    Sheet,
    Sight,
    TableError,
    TableFault,
    Unclear,
)

SEPARATORS: Final = (",", ";", "\t", "|")
_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SIGNS: Final = {name: sign for sign, name in _NAMES.items()}
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_MARKED: Final = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE | re.DOTALL)
_PROTECTED: Final = re.compile(r'="((?:[^"]|"")*)"')  # how people keep a spreadsheet from changing 0142
_LOOKED_AT: Final = 200  # lines, to find the separator


def read_csv(received: bytes, *, encoding: str | None = None, separator: str | None = None) -> Sheet:
    """Return the cells of a CSV file.

    Args:
        received: the bytes of the file.
        encoding: None = what the bytes say themselves; else the name that the person chose, such as "windows-1252".
        separator: a sign, or its name; None = the one of comma, semicolon, tab and bar that divides the rows.

    Raises:
        TableError: it is no table that can be read without guessing.
    """
    if len(received) > MAX_TABLE_BYTES:
        raise TableError(f"expected at most {MAX_TABLE_BYTES} bytes, found {len(received)}", fault=TableFault.TOO_LARGE)
    separator = _SIGNS.get(separator or "", separator)
    text, note = decoded(received, encoding)
    if "\0" in text:
        raise TableError(
            "expected text, found a byte 0",
            hint="is it a spreadsheet with the name of a CSV?",
            fault=TableFault.LETTERS,
        )
    if marked := _MARKED.match(text):  # a line that some spreadsheets write for themselves, and do not show
        text = text[marked.end() :]
        separator = separator or marked[1]
    sheet = Sheet()
    if note:
        sheet.sights.append(Sight("encoding", 0, None, note))
    separator = separator or _separator(text)
    most = 0
    for number, cells in _rows(text, separator):
        if not any(cell.strip() for cell in cells):
            continue
        if len(sheet.rows) > MAX_ROWS:
            raise TableError(
                f"expected at most {MAX_ROWS} rows, found more",
                hint="import the list in parts",
                fault=TableFault.TOO_LARGE,
            )
        if len(cells) > MAX_COLUMNS and any(cell.strip() for cell in cells[MAX_COLUMNS:]):
            raise TableError(
                f"expected at most {MAX_COLUMNS} columns, found {len(cells)} in row {number}",
                fault=TableFault.TOO_LARGE,
            )
        sheet.widths[number] = len(cells)
        most = max(most, len(cells))
        for at, value in enumerate(cells):
            # Where a quote is not closed, a cell takes the rest of its row and the beginning of another.
            if "\n" in value and most > 2 and value.count(separator) >= most - 1:
                sheet.sights.append(Sight("swallowed-rows", number, at, " ".join(value.split())[:100]))
        sheet.rows[number] = [_value(sheet, number, at, cell) for at, cell in enumerate(cells[:MAX_COLUMNS])]
    return sheet


def _value(sheet: Sheet, row: int, position: int, cell: str) -> str:
    if cell.startswith("="):
        if match := _PROTECTED.fullmatch(cell.strip()):
            return match[1].replace('""', '"')
        sheet.sights.append(Sight("formula-in-text", row, position, cell[:60]))
    return cell


def _separator(text: str) -> str:
    """Return the sign that divides most lines into equally many cells."""
    lines = [line for line in _QUOTED.sub("", text[: 1 << 20]).splitlines() if line.strip()][:_LOOKED_AT]
    rated: dict[str, tuple[int, int]] = {}
    for sign in SEPARATORS:
        counts = Counter(count for line in lines if (count := line.count(sign)))
        if counts:
            rated[sign] = (max(counts.values()), sum(counts.values()))
    if not rated:
        return ","
    best = max(rated.values())
    signs = [sign for sign, rate in rated.items() if rate == best]
    # Another sign that divides nearly as many lines may be the right one as well, if it divides the first of them too.
    first = next(line for line in lines if signs[0] in line)
    signs += [
        sign
        for sign, (alike, _) in rated.items()
        if sign not in signs and alike * 10 > best[0] * 9 and alike > 1 and sign in first
    ]
    if len(signs) > 1:
        named = " and ".join(_NAMES[sign] for sign in signs)
        raise TableError(
            f"found several separators: {named}",
            hint="name the right one with --separator",
            fault=TableFault.CELLS,
            unclear=Unclear.SEPARATOR,
            ways={_NAMES[sign]: " | ".join(first.split(sign))[:80] for sign in signs},
        )
    return signs[0]


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline="")
    try:
        reader = csv.reader(lines, delimiter=separator, strict=True)
    except (TypeError, ValueError) as err:
        raise TableError(
            f"{separator!r} cannot divide cells", hint="name another with --separator", fault=TableFault.CELLS
        ) from err
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as err:
            raise TableError(
                f"expected CSV, found a mistake in row {number}: {err}", hint="check its quotes", fault=TableFault.CELLS
            ) from err
        if cells is None:
            return
        yield number, cells
