"""Which rows and columns of a sheet are part of the list: what is hidden, struck out, or no entry is asked about."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists.colours import marked_rows
from wanderbuch.governance.lists.noticed import question
from wanderbuch.governance.lists.questions import LEAVE_OUT, TAKE
from wanderbuch.governance.lists.rows import is_no_entry
from wanderbuch.governance.lists.statuses import trouble_in
from wanderbuch.governance.lists.table import CellFinding, Sheet


class Selection:
    """The rows of a sheet that are read; `findings` says what was decided, and what the person must decide."""

    def __init__(
        self,
        sheet: Sheet,
        headers: Sequence[str],
        first: int,
        last: int,
        answers: Mapping[str, str],
        known: Callable[[str], bool] | None = None,
    ) -> None:
        """Prepare.

        Args:
            sheet: what was read.
            headers: the names of the columns.
            first: the first row in which they stand.
            last: the last one.
            answers: question -> what the person decided.
            known: says whether a text is the name of a column.
        """
        self.findings: list[CellFinding] = []
        self.left_out: set[int] = set()
        self.struck = _struck_rows(sheet)
        self._sheet = sheet
        self._headers = headers
        self._first, self._last = first, last
        self._answers = answers
        self._known = known
        self._has_known_headers = known is not None and sum(map(known, headers)) > 1
        self._body = [number for number in sheet.rows if number > last]
        self._entries: list[int] = []

    def hide(self) -> None:
        """Ask about rows and columns that are not seen, and rows that are struck out."""
        sheet = self._sheet
        for number in sheet.rows:
            if number < self._first:
                continue
            for name, rows, what in (
                ("hidden-rows", sheet.hidden_rows, "hidden"), ("struck-out", self.struck, "struck out")
            ):  # fmt: skip
                if number in rows:
                    self._ask(name, number, None, f"the row is {what}: {shown_row(sheet, number)}")
                    if self._answers.get(name) == LEAVE_OUT and number > self._last:
                        self.left_out.add(number)
                    break
        for at in sorted(sheet.hidden_columns):
            count = sum(at < len(row) and bool(row[at]) for row in sheet.rows.values())
            if count:
                texts = (row[at] for row in sheet.rows.values() if at < len(row))
                word = next((trouble_word for text in texts if (trouble_word := trouble_in(text))), None)
                such = f", such as {word!r}" if word else ""
                self._ask("hidden-columns", 0, at, f"the column is hidden, and holds {count} cell(s){such}")

    def tell_entries(self, across: set[int]) -> None:
        """Leave out repeated headers, and ask about rows that look like no entries.

        Args:
            across: rows that one merged cell fills from side to side.
        """
        names, width = [header.casefold() for header in self._headers], len(self._headers)
        previous = self._last
        for number in self._body:
            if number in self.left_out:
                continue
            row = self._sheet.rows[number]
            apart, first = number > previous + 1, number == self._last + 1
            previous = number
            if _is_header(row, names):
                message = "the row repeats the headers, as on each printed page; it is left out"
                finding = CellFinding(Severity.WARNING, number, "", message, "nothing to do", "headers-repeated")
                self.findings.append(finding)
                self.left_out.add(number)
            elif self._names_columns(row):
                message = f"row {number} names columns, but otherwise than row {self._last}: does another table begin?"
                self._ask("other-headers", 0, None, f"{message} It says {shown_row(self._sheet, number)}")
                self.left_out.add(number)
            elif is_no_entry(row, width, apart=apart, first=first, across=number in across):
                self._ask("other-rows", number, None, f"the row looks like no entry: {shown_row(self._sheet, number)}")
                self.findings += trouble([cell for cell in row if cell], number, self._answers)
                if self._answers.get("other-rows") != TAKE:  # until somebody says that it is an entry
                    self.left_out.add(number)
            else:
                self._entries.append(number)

    def compare_colours(self) -> None:
        """Ask about rows that a colour sets apart."""
        for number, colour in marked_rows(self._sheet, self._entries, len(self._headers)).items():
            message = f"a colour ({colour}) sets the row apart: {shown_row(self._sheet, number)}; what does it mean?"
            self._ask("colours", number, None, message)

    def compare_widths(self) -> None:
        """Ask about rows that were written with fewer cells than the header."""
        wanted = len(self._headers)
        if self._first not in self._sheet.widths:
            return
        for number in self._entries:
            cells = self._sheet.widths.get(number, wanted)
            if cells < wanted:
                message = f"expected {wanted} cells, as in the header, found {cells}: is the row cut by a line break?"
                self._ask("short-rows", number, None, message)

    def leaves_out_column(self, position: int | None) -> bool:
        """Return whether a column is not imported."""
        return self._answers.get("hidden-columns") == LEAVE_OUT and position in self._sheet.hidden_columns

    def _names_columns(self, row: Sequence[str]) -> bool:
        """Return whether a row holds names of columns alone, and more than two of them."""
        if self._known is None or not self._has_known_headers or any(cell[:1].isdigit() for cell in row):
            return False  # no name begins with a digit, and nearly every entry has a number or a day
        filled = [cell for cell in row if cell]
        return len(filled) > 2 and all(map(self._known, filled))

    def rows_left_out(self) -> Mapping[int, tuple[str, ...]]:
        """Return the rows that are not read, and are more than headers once more."""
        names = [header.casefold() for header in self._headers]
        left_out = {number: self._sheet.rows[number] for number in sorted(self.left_out)}
        return {number: tuple(row) for number, row in left_out.items() if not _is_header(row, names)}

    def rows(self) -> tuple[Sequence[str], list[tuple[int, Sequence[str]]]]:
        """Return the headers and the rows that are read."""
        no_column = not any(self.leaves_out_column(at) for at in self._sheet.hidden_columns)

        def kept(cells: Sequence[str]) -> Sequence[str]:
            if no_column:
                return cells
            return ["" if self.leaves_out_column(at) else cell for at, cell in enumerate(cells)]

        rows = [(number, kept(self._sheet.rows[number])) for number in self._body if number not in self.left_out]
        return kept(self._headers), rows

    def _ask(self, name: str, row: int, position: int | None, message: str) -> None:
        self.findings.append(question(name, self._answers, row, position, message))


def _is_header(row: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether a row has the names of the columns and nothing else; the first cell tells it of most rows."""
    if not row or not names or row[0].casefold() != names[0]:
        return False
    width = len(names)
    return [cell.casefold() for cell in row[:width]] == names and not any(row[width:])


def trouble(texts: Iterable[str], number: int, answers: Mapping[str, str]) -> Iterator[CellFinding]:
    """Yield a question where a text outside of the entries speaks of suspension or its like: about the whole list?"""
    for text in texts:
        if word := trouble_in(text):
            message = f"found {word!r} in {text[:80]!r}: is it about the rows of this list?"
            yield question("status-words", answers, number, None, message)


def shown_row(sheet: Sheet, number: int) -> str:
    """Return the texts of a row, shortened."""
    text = " | ".join(cell for cell in sheet.rows[number] if cell)
    return repr(re.sub(r"\s+", " ", text)[:100])


def _struck_rows(sheet: Sheet) -> set[int]:
    """Return the rows of which all text is struck out."""
    struck: dict[int, set[int]] = {}
    for sight in sheet.sights:
        if sight.kind == "struck-out" and sight.position is not None:
            struck.setdefault(sight.row, set()).add(sight.position)
    return {
        number
        for number, positions in struck.items()
        if {at for at, cell in enumerate(sheet.rows.get(number, [])) if cell} <= positions
    }
