"""A list as it was received: cells as text, with the places where a person finds them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.form.findings import Severity

MAX_TABLE_BYTES: Final = 32 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_COLUMNS: Final = 200
MAX_CELL: Final = 4000  # characters
MAX_MERGES: Final = 100_000
MAX_SIGHTS: Final = 500_000  # cells about which there is something to say
TOO_MUCH: Final = "import the list in parts, or save its values without formulas and formats"

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection).
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
_SIGNS: Final = frozenset(FORMULA_SIGNS)


class TableFault(StrEnum):
    """Why a table cannot be read at all: what its reader is told in their own language."""

    DAMAGED = "damaged"
    PASSWORD = "password"  # noqa: S105 (a kind of fault)
    TOO_LARGE = "too-large"
    NO_LIST = "no-list"
    LETTERS = "letters"
    CELLS = "cells"
    HEADERS = "headers"
    SHEET = "sheet"
    ROWS = "rows"


class Unclear(StrEnum):
    """What a person has to say before a file can be read: a member of `Choices`."""

    SHEET = "sheet"
    ENCODING = "encoding"
    SEPARATOR = "separator"


class TableError(GovernanceError):
    """A table cannot be read at all: its encoding, its form, its size, its headers.

    Args:
        message, hint: as with every error.
        fault: why.
        unclear: what a person has to say; None: nothing that they say makes it readable.
        ways: each that there is to read it, with what it would read; the likeliest first.
    """

    code: ClassVar[str] = "governance.table"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        fault: TableFault = TableFault.DAMAGED,
        unclear: Unclear | None = None,
        ways: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message, hint=hint)
        self.fault = fault
        self.unclear = unclear if ways else None
        self.ways = ways


@dataclass(frozen=True, slots=True)
class CellFinding:
    """One thing to know about a list, for the person who keeps it.

    Args:
        severity: an error and a question without an answer keep the list from being imported.
        row: as the spreadsheet counts, from 1; 0 is the whole table.
        column: the header of the column; "" is the whole row.
        kind: a stable name; findings of one kind and column are shown together.
        position: of the column, from 0; None is the whole row.
        question: whether a person may decide it: `kind` is then the name of the question.
        cause: which of several mistakes of one kind it is; "" where the kind says it.
    """

    severity: Severity
    row: int
    column: str
    message: str
    fix: str
    kind: str = "cell"
    position: int | None = None
    question: bool = False
    cause: str = ""

    @property
    def word(self) -> str:
        """What it is: error, question or warning."""
        return "question" if self.question and self.severity is Severity.ERROR else self.severity.value

    @property
    def place(self) -> str:
        """Where it is, as the person sees it in their own program."""
        row = f"row {self.row}" if self.row else "the table"
        letter = f" {column_letters(self.position)}" if self.position is not None else ""
        name = f" {self.column!r}" if self.column else ""
        return f"{row}, column{letter}{name}" if letter or name else row

    def __str__(self) -> str:
        return f"{self.word} in {self.place}: {self.message}; {self.fix}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as the spreadsheet shows it, and its cells by position, without spaces around them."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What was received.

    Args:
        headers: the names of the columns; "" where a column has none.
        rows: those below the headers that are not empty.
        findings: what was noticed while reading.
        header_row: number of the row in which the names stand.
        sheet: name of the sheet, "" where there is none.
        left_out: number -> cells of rows between those of the list that are not read, but for headers that are
            repeated: what stands in such a row does not hold below it.
    """

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    findings: tuple[CellFinding, ...] = ()
    header_row: int = 1
    sheet: str = ""
    left_out: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sight:
    """Something about a cell, or about all of a sheet, that its text alone does not show.

    Args:
        kind: what it is; `layout` says what each kind means.
        row: number of the row, 0 is the whole sheet.
        position: of the column, from 0; None is the whole row.
        detail: what was found there.
    """

    kind: str
    row: int
    position: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Merge:
    """Cells that are merged into one; rows as numbers, columns as positions, both ends included."""

    first_row: int
    last_row: int
    first_position: int
    last_position: int


@dataclass(slots=True)
class Sheet:
    """One sheet before it is known where its table begins.

    Args:
        rows: number -> cells, in order; rows without a cell may be missing.
        fills: row -> position -> colour of the cell, where it is not white; of cells without text too.
        inks: row -> position -> colour of the letters, where they are not black.
        widths: number of a row -> how many cells it was written with, where that means something (CSV).
    """

    name: str = ""
    rows: dict[int, list[str]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merges: list[Merge] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    fills: dict[int, dict[int, str]] = field(default_factory=dict)
    inks: dict[int, dict[int, str]] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)


def beginning_of(sheet: Sheet) -> str:
    """Return how a sheet begins, so that a person tells it from others."""
    first = next(iter(sheet.rows.values()), [])
    return " ".join(" | ".join(cell for cell in first if cell).split())[:80]


def table_of(rows: Iterable[tuple[int, Sequence[str]]], findings: Iterable[CellFinding] = ()) -> Table:
    """Return the table of numbered rows whose first row that is not empty holds the headers; the others are rows.

    Raises:
        TableError: there is no header, or more than this software takes.
    """
    headers: tuple[str, ...] = ()
    header_row = named = 0
    entries: list[Row] = []
    noticed = list(findings)
    for number, received in rows:
        cells = tuple(map(str.strip, received))
        while cells and not cells[-1]:
            cells = cells[:-1]
        if not cells:
            continue
        if len(cells) > MAX_COLUMNS:
            raise TableError(
                f"expected at most {MAX_COLUMNS} columns, found {len(cells)} in row {number}",
                fault=TableFault.TOO_LARGE,
            )
        if not headers:
            headers, header_row = cells, number
            named = headers.index("") if "" in headers else len(headers)  # so many columns in front have names
            continue
        if len(entries) == MAX_ROWS:
            raise TableError(
                f"expected at most {MAX_ROWS} rows, found more",
                hint="import the list in parts",
                fault=TableFault.TOO_LARGE,
            )
        entries.append(Row(number, cells))
        if len(cells) > named or sum(map(len, cells)) > MAX_CELL or not _SIGNS.isdisjoint(cell[:1] for cell in cells):
            noticed.extend(_of_cells(number, cells, headers, header_row))
    if not headers:
        raise TableError(
            "expected a first row with the names of the columns, found an empty table", fault=TableFault.HEADERS
        )
    return Table(headers, tuple(entries), tuple(noticed), header_row)


def column_letters(position: int) -> str:
    """Return the letters of a column, as spreadsheets name it.

    >>> column_letters(0), column_letters(25), column_letters(26), column_letters(701), column_letters(702)
    ('A', 'Z', 'AA', 'ZZ', 'AAA')
    """
    letters = ""
    number = position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


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


def _of_cells(number: int, cells: tuple[str, ...], headers: tuple[str, ...], header_row: int) -> Iterable[CellFinding]:
    for position, cell in enumerate(cells):
        column = headers[position] if position < len(headers) else ""
        if cell and not column:
            message = f"found {cell[:40]!r} in a column without a name"
            fix = "name the column in the row of headers, or empty it"
            if number == header_row + 1:
                fix += f"; if the headers have two rows, --header-row {header_row}-{number}"
            yield CellFinding(Severity.ERROR, number, "", message, fix, "column-without-name", position)
        elif len(cell) > MAX_CELL:
            message = f"expected at most {MAX_CELL} characters, found {len(cell)}"
            yield CellFinding(Severity.ERROR, number, column, message, "shorten it", "cell-length", position)
        elif len(cell) > 1 and cell.startswith(FORMULA_SIGNS):
            message = f"found {cell[:40]!r}, which looks like a formula; it is taken as text and never calculated"
            fix = "write the value itself"
            yield CellFinding(Severity.WARNING, number, column, message, fix, "formula-text", position)
