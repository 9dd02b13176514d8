"""Where the table of a sheet begins and ends, and what of it a person would not see.

In order: 1. the row of headers is found, or named by the person; 2. merged cells; 3. letters; 4. hidden rows and
columns, struck-out text; 5. rows that are no entries; 6. rows that are shorter or longer than the header; 7. rows
that a colour sets apart; 8. everything that was noticed while reading becomes a finding at its row and column.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.lists.noticed import finding_of, question
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.selection import Selection, shown_row, trouble
from wanderbuch.governance.lists.table import (
    MAX_CELL,
    MAX_COLUMNS,
    CellFinding,
    Merge,
    Row,
    Sheet,
    Sight,
    Table,
    TableError,
    TableFault,
    table_of,
)
from wanderbuch.governance.lists.writing import is_plain, read_text

type Known = Callable[[str], bool]
_LOOKED_AT: Final = 40  # rows, for the header
_MAX_FILLED: Final = 1_000_000  # cells that merges may fill


def laid_out(
    sheet: Sheet, answers: Mapping[str, str], *, header_rows: tuple[int, int] | None = None, known: Known | None = None
) -> Table:
    """Return the table of a sheet.

    Args:
        sheet: what was read.
        answers: question -> what the person decided.
        header_rows: first and last row of the headers, as the person named them; None = found.
        known: says whether a text is the name of a column.

    Raises:
        TableError: there is no header.
    """
    findings: list[CellFinding] = []
    for number, cells in sheet.rows.items():
        sheet.rows[number] = _cleaned(number, cells, answers, findings)
    first, last = header_rows or _found_header(sheet, known)  # 1
    headers = [header.replace("\n", " ") for header in _headers(sheet, first, last)]
    findings += _above(sheet, first, answers, named=header_rows is not None)
    across = _fill_merges(sheet, last, answers, findings)  # 2
    if not any(number > last for number in sheet.rows) and len(headers) > 1:
        raise TableError(
            f"expected rows below the names of the columns in row {last}, found none",
            hint="is it the right file, or the right sheet?",
            fault=TableFault.ROWS,
        )
    selection = Selection(sheet, headers, first, last, answers, known)
    selection.hide()  # 4
    selection.tell_entries(across)  # 5
    selection.compare_widths()  # 6
    selection.compare_colours()  # 7
    findings += selection.findings
    shown, rows = selection.rows()
    table = table_of([(last, shown), *rows])
    findings += _noticed(
        sheet, selection, {(finding.kind, finding.row, finding.position) for finding in findings}, answers
    )  # 8
    findings += trouble([sheet.name], 0, answers)
    formulas = {(sight.row, sight.position) for sight in sheet.sights if sight.kind == "formula-in-text"}
    findings += [finding for finding in table.findings if (finding.row, finding.position) not in formulas]
    return Table(
        table.headers, _stored(table.rows, sheet.sights, answers),
        tuple(_named(finding, tuple(headers)) for finding in findings), last, sheet.name, selection.rows_left_out(),
    )  # fmt: skip


def _noticed(
    sheet: Sheet, selection: Selection, known: set[tuple[str, int, int | None]], answers: Mapping[str, str]
) -> Iterator[CellFinding]:
    """Yield what was noticed while the sheet was read, but for what is not imported or was said already (8)."""
    for sight in sheet.sights:
        out = sight.row in selection.left_out
        if out and sight.kind != "comment":
            continue
        if (sight.kind, sight.row, sight.position) in known or (
            sight.kind == "struck-out" and sight.row in selection.struck
        ):
            continue
        if selection.leaves_out_column(sight.position):
            continue
        yield finding_of(sight, answers)
        if sight.kind in _SPEAKING and not out:
            yield from trouble([sight.detail], sight.row, answers)


_SPEAKING: Final = frozenset({"comment", "drawing", "page-header"})


def _stored(rows: tuple[Row, ...], sights: list[Sight], answers: Mapping[str, str]) -> tuple[Row, ...]:
    """Return the rows with what is stored where the person prefers it to what is shown rounded."""
    if answers.get("rounded") != "as-stored":
        return rows
    instead = {
        (sight.row, sight.position): sight.detail.rpartition("\n")[2] for sight in sights if sight.kind == "rounded"
    }
    return tuple(
        Row(row.number, tuple(instead.get((row.number, at), cell) for at, cell in enumerate(row.cells))) for row in rows
    )


def _cleaned(number: int, cells: list[str], answers: Mapping[str, str], findings: list[CellFinding]) -> list[str]:
    """Return the cells of a row as they are meant (3)."""
    whole = "".join(cells)
    if len(whole) <= MAX_CELL and is_plain(whole):  # most rows, at once
        return [cell.strip() for cell in cells]
    cleaned = []
    for position, cell in enumerate(cells):
        # A cell that is too long is an error already; nobody reads its letters.
        text, remarks = read_text(cell) if cell and len(cell) <= MAX_CELL else (cell, ())
        for remark in remarks:
            if remark.kind in QUESTIONS:
                findings.append(question(remark.kind, answers, number, position, remark.message))
                continue
            severity = Severity.ERROR if remark.blocks else Severity.WARNING
            fix = "correct it in the list" if remark.blocks else "nothing to do if that is right"
            findings.append(CellFinding(severity, number, "", remark.message, fix, remark.kind, position))
        cleaned.append(text)
    return cleaned


def _found_header(sheet: Sheet, known: Known | None) -> tuple[int, int]:
    """Return the row of headers: the first that names two columns, or one where it is the only cell (1)."""
    numbers = list(sheet.rows)[:_LOOKED_AT]
    if not numbers:
        raise TableError(
            "expected a first row with the names of the columns, found an empty table", fault=TableFault.HEADERS
        )
    if known is None:
        return numbers[0], numbers[0]
    best, most = numbers[0], 0
    for number in numbers:
        cells = [cell for cell in sheet.rows[number] if cell]
        count = sum(known(cell) for cell in cells)
        if count > most and (count > 1 or len(cells) == 1):
            best, most = number, count
            if count > 2:
                break
    if most == 0:
        width = max(sum(bool(cell) for cell in sheet.rows[number]) for number in numbers)
        if width > 1 and sum(bool(cell) for cell in sheet.rows[numbers[0]]) == 1:
            likely = next(
                number for number in numbers if sum(bool(cell) for cell in sheet.rows[number]) > max(1, width // 2)
            )
            raise TableError(
                f"expected the names of columns, found {shown_row(sheet, numbers[0])} in row {numbers[0]}; "
                f"do they stand in row {likely}: {shown_row(sheet, likely)}?",
                hint=f"--header-row {likely}, and --map for names that `wanderbuch governance columns` does not list",
                fault=TableFault.HEADERS,
            )
    return best, best


def _headers(sheet: Sheet, first: int, last: int) -> list[str]:
    """Return the names of the columns; of headers of several rows, from above to below, a merged one in each column."""
    if not any(first <= number <= last for number in sheet.rows):
        raise TableError(
            f"expected the names of columns in row {first}, found an empty row",
            hint="correct --header-row",
            fault=TableFault.HEADERS,
        )
    width = max(len(sheet.rows[number]) for number in sheet.rows if first <= number <= last)
    lines = {number: sheet.rows.get(number, []) + [""] * width for number in range(first, last + 1)}
    if first != last:
        for merge in sheet.merges:
            if first <= merge.first_row <= last:
                text = lines[merge.first_row][merge.first_position] if merge.first_position < width else ""
                for at in range(merge.first_position, min(merge.last_position + 1, width)):
                    lines[merge.first_row][at] = text
    headers = []
    for at in range(width):
        parts = dict.fromkeys(lines[number][at] for number in range(first, last + 1) if lines[number][at])
        headers.append(" ".join(parts))
    while headers and not headers[-1]:
        headers.pop()
    return headers


def _above(sheet: Sheet, first: int, answers: Mapping[str, str], *, named: bool) -> Iterator[CellFinding]:
    """Yield what stands above the headers; more than a title is asked about, unless the person named the headers."""
    for number in [row for row in sheet.rows if row < first]:
        cells = [cell for cell in sheet.rows[number] if cell]
        message = f"the row stands above the headers and is not read: {' | '.join(cells)[:200]!r}"
        if len(cells) > 1 and not named:
            yield question("rows-above", answers, number, None, f"{message}; is row {first} the row of headers?")
        else:
            fix = "if the headers begin elsewhere, name their row with --header-row (3-4 for headers of two rows)"
            yield CellFinding(Severity.WARNING, number, "", message, fix, "above-headers")
        yield from trouble(cells, number, answers)


def _fill_merges(sheet: Sheet, last: int, answers: Mapping[str, str], findings: list[CellFinding]) -> set[int]:
    """Fill merged cells if that is wanted; return the rows that one merged cell fills from side to side."""
    across: set[int] = set()
    numbers = sorted(sheet.rows)
    total = 0
    for merge in sheet.merges:
        if merge.last_row <= last:
            continue
        begin, end = bisect_left(numbers, max(merge.first_row, last + 1)), bisect_right(numbers, merge.last_row)
        covered = _covered(sheet, merge, numbers[begin:end])
        total += end - begin + len(covered)
        if total > _MAX_FILLED:
            raise TableError(
                "expected fewer merged cells than there are here",
                hint="undo the merges in the sheet",
                fault=TableFault.TOO_LARGE,
            )
        findings += [finding_of(sight, answers) for sight in covered]
        row = sheet.rows.get(merge.first_row, [])
        text = row[merge.first_position] if merge.first_position < len(row) else ""
        if not text:
            continue
        if merge.first_row == merge.last_row and sum(bool(cell) for cell in row) == 1:
            across.add(merge.first_row)
            continue
        count = merge.last_row - merge.first_row
        message = f"{text[:40]!r} stands in merged cells, down to row {merge.last_row}" if count else (
            f"{text[:40]!r} stands in cells merged over {merge.last_position - merge.first_position + 1} columns"
        )  # fmt: skip
        findings.append(question("merged-cells", answers, merge.first_row, merge.first_position, message))
        if answers.get("merged-cells") != "fill":
            continue
        # An empty row stays empty: nothing is an entry only because a cell above is large.
        for number in numbers[begin:end]:
            cells = sheet.rows[number]
            total += merge.last_position - merge.first_position + 1
            if total > _MAX_FILLED:
                raise TableError(
                    "expected fewer merged cells than there are here",
                    hint="undo the merges in the sheet",
                    fault=TableFault.TOO_LARGE,
                )
            cells += [""] * (min(merge.last_position + 1, MAX_COLUMNS) - len(cells))
            for at in range(merge.first_position, min(merge.last_position + 1, MAX_COLUMNS)):
                cells[at] = text
    return across


def _covered(sheet: Sheet, merge: Merge, numbers: Iterable[int]) -> list[Sight]:
    """Return the texts below merged cells: only the first one is seen."""
    return [
        Sight("covered", number, at, text[:60])
        for number in numbers
        for at, text in enumerate(sheet.rows[number])
        if text
        and merge.first_position <= at <= merge.last_position
        and (number, at) != (merge.first_row, merge.first_position)
    ]


def _named(finding: CellFinding, headers: tuple[str, ...]) -> CellFinding:
    position = finding.position
    column = headers[position] if position is not None and position < len(headers) else finding.column
    if column == finding.column and finding.fix:
        return finding
    return CellFinding(
        finding.severity, finding.row, column, finding.message, finding.fix or "correct it in the list", finding.kind,
        position, finding.question,
    )  # fmt: skip
