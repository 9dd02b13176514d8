"""A table as it was received: cells as text, with the places where a person finds them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.findings import Severity

MAX_TABLE_BYTES: Final = 32 * 1024 * 1024
MAX_ROWS: Final = 100_000
MAX_COLUMNS: Final = 200
MAX_CELL: Final = 4000  # characters

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection).
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")


class TableError(GovernanceError):
    """A table can not be read at all: its encoding, its form, its size, its headers."""

    code: ClassVar[str] = "governance.table"


@dataclass(frozen=True, slots=True)
class CellFinding:
    """One thing that is wrong in a table, for the person who keeps it.

    Args:
        row: as the spreadsheet counts, from 1; 0 is the whole table.
        column: the header of the column; "" is the whole row.
    """

    severity: Severity
    row: int
    column: str
    message: str
    fix: str

    def __str__(self) -> str:
        place = f"row {self.row}" if self.row else "the table"
        where = f"{place}, column {self.column!r}" if self.column else place
        return f"{self.severity.value} in {where}: {self.message}; {self.fix}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as the spreadsheet shows it, and its cells by position, without spaces around them."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What was received.

    Args:
        headers: the texts of the first row that is not empty.
        rows: those below it that are not empty.
        findings: what was noticed while reading.
    """

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    findings: tuple[CellFinding, ...] = ()


def table_of(rows: Iterable[tuple[int, Sequence[str]]], findings: Iterable[CellFinding] = ()) -> Table:
    """Return the table of numbered rows; empty ones are left out, the first other one holds the headers.

    Raises:
        TableError: there is no header, or more than this software takes.
    """
    headers: tuple[str, ...] = ()
    found: list[Row] = []
    noticed = list(findings)
    for number, received in rows:
        cells = tuple(each.strip() for each in received)
        while cells and not cells[-1]:
            cells = cells[:-1]
        if not cells:
            continue
        if len(cells) > MAX_COLUMNS:
            raise TableError(f"expected at most {MAX_COLUMNS} columns, found {len(cells)} in row {number}")
        if not headers:
            headers = cells
            continue
        if len(found) == MAX_ROWS:
            raise TableError(f"expected at most {MAX_ROWS} rows, found more", hint="import the list in parts")
        found.append(Row(number, cells))
        noticed.extend(_of_cells(number, cells, headers))
    if not headers:
        raise TableError("expected a first row with the names of the columns, found an empty table")
    return Table(headers, tuple(found), tuple(noticed))


def unescaped(text: str) -> str:
    """Return a cell without the apostrophe that keeps spreadsheets from reading it as a formula.

    >>> unescaped("'=1+1"), unescaped("'tis")
    ('=1+1', "'tis")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA_SIGNS, "'")) else text


def escaped(text: str) -> str:
    """Return a cell that no spreadsheet reads as a formula; `unescaped` gives the text back.

    >>> escaped("=1+1"), escaped("Welding")
    ("'=1+1", 'Welding')
    """
    risky = text.startswith(FORMULA_SIGNS) or (text.startswith("'") and text[1:].startswith((*FORMULA_SIGNS, "'")))
    return f"'{text}" if risky else text


def _of_cells(number: int, cells: tuple[str, ...], headers: tuple[str, ...]) -> Iterable[CellFinding]:
    for position, cell in enumerate(cells):
        column = headers[position] if position < len(headers) else ""
        if cell and not column:
            message = f"found {cell[:40]!r} in column {position + 1}, which has no name"
            yield CellFinding(Severity.ERROR, number, "", message, "name the column in the first row, or empty it")
        elif len(cell) > MAX_CELL:
            message = f"expected at most {MAX_CELL} characters, found {len(cell)}"
            yield CellFinding(Severity.ERROR, number, column, message, "shorten it")
        elif len(cell) > 1 and cell.startswith(FORMULA_SIGNS):
            message = f"found {cell[:40]!r}, which looks like a formula; it is taken as text and never calculated"
            yield CellFinding(Severity.WARNING, number, column, message, "write the value itself")
