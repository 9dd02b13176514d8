"""How the headers of a list are matched to the columns that a kind of list may have.

A header is matched if it is a column's name or one of its other names, whatever its capitals, spaces and signs. What is
called otherwise is named in a mapping: `{"Header in the list": "column"}`, where the column "-" leaves a header out.
`column C` names a header by its place. A header that is matched by nothing is an error, for a column that says
"suspended", or "failed", must not be overlooked; a header that is left out is named. One name in a mapping means one
header.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists.statuses import folded, trouble_in
from wanderbuch.governance.lists.table import CellFinding, Table, column_letters

IGNORED: Final = "-"
# Headers of a column that only counts the rows; it is left out if that is all it does.
_COUNTING: Final = frozenset(
    folded(header)
    for header in ("no", "no.", "nr", "s/n", "sn", "s.no", "sr no", "sl no", "serial", "serial no", "serial number",
                 "item", "#", "№", "n°", "nº", "numéro", "número", "م", "الرقم", "අංකය", "අනු අංකය", "எண்", "வ.எண்",
                 "தொடர் எண்")
)  # fmt: skip
_NEAR: Final = 0.75


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it holds, how else it may be called, and whether an empty cell may mean 'as above'."""

    name: str
    holds: str
    also: tuple[str, ...] = ()
    fills_down: bool = False


class Columns:
    """The columns that a kind of list may have.

    Args:
        columns: in the order in which they are told.
        translated: column -> how it is called in other languages.
        speaking: columns to which a text that speaks of suspension, failure and the like should be mapped.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        translated: Mapping[str, Sequence[str]] = MappingProxyType({}),
        *,
        speaking: Sequence[str] = (),
    ) -> None:
        self.by_name: Mapping[str, Column] = {column.name: column for column in columns}
        self._speaking = " or ".join(speaking)
        self._known: Mapping[str, str] = {
            folded(word): column.name
            for column in columns
            for word in (column.name, *column.also, *translated.get(column.name, ()))
            if word
        }

    def knows(self, text: str) -> bool:
        """Return whether a text is a name that a column is known by."""
        return folded(text) in self._known

    def proposed(self, header: str) -> str | None:
        """Return the column that a header names, or nearly names; None if there is none."""
        name = self._known.get(folded(header))
        if name is not None:
            return name
        near = difflib.get_close_matches(folded(header), self._known, n=1, cutoff=_NEAR)
        return self._known[near[0]] if near else None

    def match(self, table: Table, mapping: Mapping[str, str]) -> tuple[dict[str, int], list[CellFinding]]:
        """Return column -> position in the rows, and what there is to say about the headers.

        Args:
            table: the list.
            mapping: header -> column, as the user gave it; it wins over the known names.
        """
        headers = table.headers
        given, findings = self._given(table, mapping)
        columns: dict[str, int] = {}
        for position, header in enumerate(headers):
            if not header:
                continue
            name = given.get(position) or self._known.get(folded(header))
            place = f"column {column_letters(position)}"
            if name is None and folded(header) in _COUNTING and _counts(table, position):
                findings.append(_note(table, position, "is not read: it only counts the rows", "nothing to do"))
            elif name is None:
                near = self.proposed(header)
                meant = f" (such as {near!r}, if it holds that)" if near else ""
                fix = f"map it to a column{meant} with --map '{header}=column', or leave it out with --map '{header}=-'"
                findings.append(_error(table, position, "found a column that is not known", fix, cause="header"))
            elif name == IGNORED:
                findings += self._left_out(table, position)
            elif name in columns:
                message = f"found two columns for {name!r}: {headers[columns[name]]!r} and this one"
                fix = f"leave one out with --map '{place}=-'"
                findings.append(_error(table, position, message, fix, cause="header_twice"))
            elif name in self.by_name:
                columns[name] = position
        return columns, findings

    def _given(self, table: Table, mapping: Mapping[str, str]) -> tuple[dict[int, str], list[CellFinding]]:
        """Return position -> column, as the mapping says; each of its names must mean one header."""
        given: dict[int, str] = {}
        findings: list[CellFinding] = []
        for header, column in mapping.items():
            if column != IGNORED and column not in self.by_name:
                near = difflib.get_close_matches(column, self.by_name, n=1)
                fix = f"write {near[0]!r} if that was meant" if near else f"there are: {', '.join(self.by_name)}"
                findings.append(_error(table, None, f"expected the name of a column, found {column!r}", fix, header))
            exact = [at for at, other in enumerate(table.headers) if other == header]
            alike = [at for at, title in enumerate(table.headers) if title and folded(title) == folded(header)]
            placed = [
                at for at, title in enumerate(table.headers)
                if title and f"column {column_letters(at)}".casefold() == header.casefold()
            ]  # fmt: skip
            meant = (exact if len(exact) == 1 else []) or alike or placed
            if not meant:
                message = "the mapping names a header that the table does not have"
                findings.append(_error(table, None, message, "correct it", header))
            elif len(meant) > 1:
                places = " or ".join(f"'column {column_letters(at)}={column}'" for at in meant)
                message = f"the mapping means {len(meant)} columns with this name"
                findings.append(_error(table, None, message, f"name one by its place: --map {places}", header))
            elif given.setdefault(meant[0], column) != column:
                message = "the mapping says two things about this column"
                findings.append(_error(table, meant[0], message, "leave one out"))
        return given, findings

    def _left_out(self, table: Table, position: int) -> Iterator[CellFinding]:
        texts = [
            (row.number, row.cells[position]) for row in table.rows if position < len(row.cells) and row.cells[position]
        ]
        yield _note(
            table, position, f"is not read, as the mapping says; it holds {len(texts)} cell(s)", "nothing to do"
        )
        for number, text in texts:
            if word := trouble_in(text):
                message = f"found {word!r} in {text[:60]!r}, in a column that is not read"
                fix = f"map the column to {self._speaking} if it says how these rows stand"
                yield CellFinding(
                    Severity.WARNING, number, table.headers[position], message, fix, "trouble-not-read", position
                )


def mapped_in(table: Table, mapping: Mapping[str, str]) -> dict[str, str]:
    """Return what a mapping says of headers and places that the table has."""
    names = {folded(header) for header in table.headers if header}
    places = {f"column {column_letters(at)}".casefold() for at, header in enumerate(table.headers) if header}
    return {at: column for at, column in mapping.items() if folded(at) in names or at.casefold() in places}


def _counts(table: Table, position: int) -> bool:
    """Return whether a column holds nothing but the numbers 1, 2, 3, …; rows without one are none.

    A number may be missing where a row was left out, or is looked at; none is larger than the rows down to it.
    """
    last = 0
    for row in table.rows:
        text = row.cells[position].rstrip(".)") if position < len(row.cells) else ""
        if not text:
            continue
        if not (text.isascii() and text.isdigit()) or not last < int(text[:9]) <= row.number - table.header_row:
            return False
        last = int(text[:9])
    return last > 0


def _note(table: Table, position: int, message: str, fix: str) -> CellFinding:
    header = table.headers[position]
    return CellFinding(
        Severity.WARNING, table.header_row, header, f"the column {message}", fix, "column-not-read", position
    )


def _error(
    table: Table, position: int | None, message: str, fix: str, header: str = "", cause: str = ""
) -> CellFinding:
    name = table.headers[position] if position is not None else header
    return CellFinding(Severity.ERROR, table.header_row, name, message, fix, "header", position, cause=cause)
