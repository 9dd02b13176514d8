"""Where the table of a sheet begins and ends, and what of it a person would not see.

In order: 1. the row of headers is found, or named by the person; 2. merged cells; 3. letters; 4. hidden rows and
columns, struck-out text; 5. rows that are no entries; 6. rows that are shorter or longer than the header; 7. everything
that was noticed while reading becomes a finding at its row and column.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from wanderbuch.governance.findings import Severity
from wanderbuch.governance.lists.noticed import finding_of, question
from wanderbuch.governance.lists.questions import LEAVE_OUT, QUESTIONS
from wanderbuch.governance.lists.rows import is_no_entry
from wanderbuch.governance.lists.statuses import trouble_in
from wanderbuch.governance.lists.table import (
    MAX_COLUMNS,
    CellFinding,
    Row,
    Sheet,
    Sight,
    Table,
    TableError,
    table_of,
)
from wanderbuch.governance.lists.writing import read_text

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
    columns_hidden = answers.get("hidden-columns") == LEAVE_OUT
    for number, cells in sheet.rows.items():
        sheet.rows[number] = _cleaned(number, cells, answers, findings)
    first, last = header_rows or _found_header(sheet, known)  # 1
    headers = _headers(sheet, first, last)
    above = [number for number in sheet.rows if number < first]
    findings += _above(sheet, above, answers)
    filled = _fill_merges(sheet, last, answers, findings)  # 2
    hidden = sorted(
        {at for at in sheet.hidden_columns if any(at < len(row) and row[at] for row in sheet.rows.values())}
    )
    struck = _struck_rows(sheet)
    left_out: set[int] = set()
    width = len(headers)
    body = [number for number in sheet.rows if number > last]
    for number in body:  # 4
        if number in sheet.hidden_rows:
            findings.append(
                question("hidden-rows", answers, number, None, f"the row is hidden: {_shown(sheet, number)}")
            )
            if answers.get("hidden-rows") == LEAVE_OUT:
                left_out.add(number)
        elif number in struck:
            findings.append(
                question("struck-out", answers, number, None, f"the row is struck out: {_shown(sheet, number)}")
            )
            if answers.get("struck-out") == LEAVE_OUT:
                left_out.add(number)
    for at in hidden:
        message = f"the column is hidden, and holds {sum(at < len(row) and bool(row[at]) for row in sheet.rows.values())} cell(s)"
        findings.append(question("hidden-columns", answers, 0, at, message))
    names = [each.casefold() for each in headers]
    previous = last
    entries: list[int] = []
    for number in body:  # 5
        if number in left_out:
            continue
        row = sheet.rows[number]
        filled_cells = [each for each in row if each]
        if [each.casefold() for each in row[:width]] == names and not any(row[width:]):
            message = "the row repeats the headers, as on each printed page; it is left out"
            findings.append(CellFinding(Severity.WARNING, number, "", message, "nothing to do", "headers-repeated"))
            left_out.add(number)
        elif is_no_entry(row, width, apart=number > previous + 1, first=number == last + 1, numbers=number in filled):
            message = f"the row looks like no entry: {' | '.join(filled_cells)[:100]!r}"
            findings.append(question("other-rows", answers, number, None, message))
            findings += _words(filled_cells, number, answers)
            if answers.get("other-rows") == LEAVE_OUT:
                left_out.add(number)
            else:
                continue
        else:
            entries.append(number)
        previous = number
    findings += _ragged(sheet, entries, first, width, answers)  # 6
    rows = [(number, sheet.rows[number]) for number in body if number not in left_out]
    names_of_all = tuple(each.replace("\n", " ") for each in headers)
    if columns_hidden:
        keep = [at for at in range(MAX_COLUMNS) if at not in sheet.hidden_columns]
        headers = ["" if at in sheet.hidden_columns else each for at, each in enumerate(headers)]
        rows = [(number, [each if at in keep else "" for at, each in enumerate(cells)]) for number, cells in rows]
    table = table_of([(last, [each.replace("\n", " ") for each in headers]), *rows])
    noticed = {(each.kind, each.row, each.position) for each in findings}
    for sight in sheet.sights:  # 7
        if sight.row and sight.row in left_out and sight.kind != "comment":
            continue
        if (sight.kind, sight.row, sight.position) in noticed or (sight.kind == "struck-out" and sight.row in struck):
            continue
        if columns_hidden and sight.position in sheet.hidden_columns:
            continue
        findings.append(finding_of(sight, answers))
        findings += (
            _words([sight.detail], sight.row, answers)
            if sight.kind in _SPEAKING and not (sight.row and sight.row in left_out)
            else []
        )
    findings += _words([sheet.name], 0, answers)
    formulas = {(each.row, each.position) for each in sheet.sights if each.kind == "formula-in-text"}
    findings += [each for each in table.findings if (each.row, each.position) not in formulas]
    return Table(
        table.headers, _stored(table.rows, sheet.sights, answers),
        tuple(_named(each, names_of_all) for each in findings), last, sheet.name,
    )  # fmt: skip


_SPEAKING: Final = frozenset({"comment", "drawing", "page-header"})


def _stored(rows: tuple[Row, ...], sights: list[Sight], answers: Mapping[str, str]) -> tuple[Row, ...]:
    """Return the rows with what is stored where the person prefers it to what is shown rounded."""
    if answers.get("rounded") != "as-stored":
        return rows
    instead = {(each.row, each.position): each.detail.rpartition("\n")[2] for each in sights if each.kind == "rounded"}
    return tuple(
        Row(row.number, tuple(instead.get((row.number, at), cell) for at, cell in enumerate(row.cells))) for row in rows
    )


def _cleaned(number: int, cells: list[str], answers: Mapping[str, str], findings: list[CellFinding]) -> list[str]:
    """Return the cells of a row as they are meant (3)."""
    found = []
    for position, cell in enumerate(cells):
        text, remarks = read_text(cell) if cell else ("", ())
        for remark in remarks:
            if remark.kind in QUESTIONS:
                findings.append(question(remark.kind, answers, number, position, remark.message))
                continue
            severity = Severity.ERROR if remark.blocks else Severity.WARNING
            fix = "correct it in the list" if remark.blocks else "nothing to do if that is right"
            findings.append(CellFinding(severity, number, "", remark.message, fix, remark.kind, position))
        found.append(text)
    return found


def _found_header(sheet: Sheet, known: Known | None) -> tuple[int, int]:
    """Return the row of headers: the first that names two columns, or one where it is the only cell (1)."""
    numbers = list(sheet.rows)[:_LOOKED_AT]
    if not numbers:
        raise TableError("expected a first row with the names of the columns, found an empty table")
    if known is None:
        return numbers[0], numbers[0]
    best, most = numbers[0], 0
    for number in numbers:
        cells = [each for each in sheet.rows[number] if each]
        count = sum(known(each) for each in cells)
        if count > most and (count > 1 or len(cells) == 1):
            best, most = number, count
            if count > 2:
                break
    if most == 0:
        width = max(sum(bool(each) for each in sheet.rows[number]) for number in numbers)
        if width > 1 and sum(bool(each) for each in sheet.rows[numbers[0]]) == 1:
            likely = next(
                number for number in numbers if sum(bool(each) for each in sheet.rows[number]) > max(1, width // 2)
            )
            raise TableError(
                f"expected the names of columns, found {_shown(sheet, numbers[0])} in row {numbers[0]}; "
                f"do they stand in row {likely}: {_shown(sheet, likely)}?",
                hint=f"--header-row {likely}, and --map for names that `wanderbuch governance columns` does not list",
            )
    return best, best


def _headers(sheet: Sheet, first: int, last: int) -> list[str]:
    """Return the names of the columns; of headers of several rows, from above to below, a merged one in each column."""
    if not any(first <= number <= last for number in sheet.rows):
        raise TableError(
            f"expected the names of columns in row {first}, found an empty row", hint="correct --header-row"
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


def _above(sheet: Sheet, numbers: list[int], answers: Mapping[str, str]) -> Iterator[CellFinding]:
    for number in numbers:
        cells = [each for each in sheet.rows[number] if each]
        message = f"the row stands above the headers and is not read: {' | '.join(cells)[:200]!r}"
        fix = "if the headers begin elsewhere, name their row with --header-row (3-4 for headers of two rows)"
        yield CellFinding(Severity.WARNING, number, "", message, fix, "above-headers")
        yield from _words(cells, number, answers)


def _words(texts: list[str], number: int, answers: Mapping[str, str]) -> Iterator[CellFinding]:
    """Yield a question where a text outside of the table speaks of suspension or its like: is it about the whole list?"""
    for text in texts:
        if word := trouble_in(text):
            message = f"found {word!r} in {text[:80]!r}: is it about the rows of this list?"
            yield question("status-words", answers, number, None, message)


def _fill_merges(sheet: Sheet, last: int, answers: Mapping[str, str], findings: list[CellFinding]) -> set[int]:
    """Fill merged cells if that is wanted; return the rows that one merged cell fills from side to side."""
    across: set[int] = set()
    total = 0
    for merge in sheet.merges:
        if merge.last_row <= last:
            continue
        row = sheet.rows.get(merge.first_row, [])
        text = row[merge.first_position] if merge.first_position < len(row) else ""
        if not text:
            continue
        if merge.first_row == merge.last_row and sum(bool(each) for each in row) == 1:
            across.add(merge.first_row)
            continue
        count = merge.last_row - merge.first_row
        message = f"{text[:40]!r} stands in merged cells, down to row {merge.last_row}" if count else (
            f"{text[:40]!r} stands in cells merged over {merge.last_position - merge.first_position + 1} columns"
        )  # fmt: skip
        findings.append(question("merged-cells", answers, merge.first_row, merge.first_position, message))
        if answers.get("merged-cells") != "fill":
            continue
        for number in range(max(merge.first_row, last + 1), merge.last_row + 1):
            if number != merge.first_row and number not in sheet.rows:
                continue  # an empty row: nothing is an entry only because a cell above is large
            cells = sheet.rows[number]
            total += merge.last_position - merge.first_position + 1
            if total > _MAX_FILLED:
                raise TableError("expected fewer merged cells than there are here", hint="undo the merges in the sheet")
            cells += [""] * (min(merge.last_position + 1, MAX_COLUMNS) - len(cells))
            for at in range(merge.first_position, min(merge.last_position + 1, MAX_COLUMNS)):
                cells[at] = text
    return across


def _struck_rows(sheet: Sheet) -> set[int]:
    """Return the rows of which all text is struck out."""
    struck: dict[int, set[int]] = {}
    for sight in sheet.sights:
        if sight.kind == "struck-out" and sight.position is not None:
            struck.setdefault(sight.row, set()).add(sight.position)
    return {
        number for number, positions in struck.items()
        if {at for at, each in enumerate(sheet.rows.get(number, [])) if each} <= positions
    }  # fmt: skip


def _ragged(
    sheet: Sheet, entries: list[int], header: int, width: int, answers: Mapping[str, str]
) -> Iterator[CellFinding]:
    if header not in sheet.widths:
        return
    wanted = max(width, 1)
    for number in entries:
        cells = sheet.widths.get(number, wanted)
        if cells < wanted:
            message = f"expected {wanted} cells, as in the header, found {cells}: is the row cut by a line break?"
            yield question("short-rows", answers, number, None, message)


def _named(finding: CellFinding, headers: tuple[str, ...]) -> CellFinding:
    position = finding.position
    column = headers[position] if position is not None and position < len(headers) else finding.column
    return CellFinding(
        finding.severity, finding.row, column, finding.message, finding.fix or "correct it in the list", finding.kind,
        position, finding.question,
    )  # fmt: skip


def _shown(sheet: Sheet, number: int) -> str:
    text = " | ".join(each for each in sheet.rows[number] if each)
    return repr(re.sub(r"\s+", " ", text)[:100])
