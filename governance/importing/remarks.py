"""What stands out when the rows of a list are compared with each other, before they become statements."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.importing.rows import ImportedRow, ImportSettings
from wanderbuch.governance.lists.noticed import question
from wanderbuch.governance.lists.statuses import folded, trouble_in
from wanderbuch.governance.lists.table import CellFinding
from wanderbuch.governance.lists.writing import drawn_as

_MARK: Final = r"(?:\*+|†|‡|§|[¹²³⁴⁵]|\[\d{1,2}\]|\(\d{1,3}\))"
_MARKED: Final = re.compile(rf"\s*{_MARK}$|^(?:{_MARK}|\d{{1,4}}[.)] )\s*")
_FAR: Final = 10  # years in which no mandate that is decided now begins
# Texts of an accreditation in which a register may say that it does not stand as it did.
_SPEAKING: Final = ("title", "programme_title")


def remarks(rows: Sequence[ImportedRow], settings: ImportSettings, today: date) -> Iterator[CellFinding]:
    """Yield what a person should look at; `column` is a name of ours.

    Args:
        rows: as they were read.
        settings: what the person said about the list.
        today: the day of the import.
    """
    yield from _twice(rows)
    yield from _names(rows, settings)
    for row in rows:
        yield from _days(row, today)
        for column in _SPEAKING:
            if word := trouble_in(row.values.get(column, "")):
                message = f"found {word!r} in {row.values[column][:60]!r}: is the accreditation not in force?"
                yield _asked("status-words", settings, row, column, message)


def _twice(rows: Sequence[ImportedRow]) -> Iterator[CellFinding]:
    seen: dict[str, int] = {}
    for row in rows:
        key = repr(sorted(row.values.items()))
        if key in seen:
            message = f"the row says the same as row {seen[key]}; it is read once"
            yield CellFinding(Severity.WARNING, row.number, "", message, "nothing to do", "row-twice")
        seen.setdefault(key, row.number)


def _names(rows: Sequence[ImportedRow], settings: ImportSettings) -> Iterator[CellFinding]:
    drawn: dict[str, tuple[str, str, int]] = {}
    for row in rows:
        name = row.values.get("institution", "")
        if not name:
            continue
        if (marked := _MARKED.search(name)) is not None:
            message = f"found the mark {marked[0].strip()!r} in the name {name[:60]!r}: what does it mean?"
            yield _asked("name-marks", settings, row, "institution", message)
        elif word := trouble_in(name):
            message = f"found {word!r} in the name {name[:60]!r}: is the accreditation not in force?"
            yield _asked("name-marks", settings, row, "institution", message)
        did = str(row.values.get("did", ""))
        other, other_did, number = drawn.setdefault(drawn_as(name), (name, did, row.number))
        if folded(other) != folded(name) or (did and other_did and did != other_did and other != name):
            message = f"found {name[:60]!r}, which looks like {other[:60]!r} in row {number}: are they one institution?"
            fix = "write one name the same way everywhere"
            yield CellFinding(Severity.WARNING, row.number, "institution", message, fix, "two-spellings")


def _days(row: ImportedRow, today: date) -> Iterator[CellFinding]:
    decided = row.values.get("decided_on")
    if decided is not None and date.fromisoformat(decided).toordinal() > today.toordinal() + 1:
        message = f"expected a decision that was taken, found {decided}, which is still to come"
        yield CellFinding(Severity.ERROR, row.number, "decided_on", message, "correct the day", "day-to-come")
    for column in ("valid_from", "programme_from", "effective_from"):
        day = row.values.get(column)
        if day is not None and int(day[:4]) > today.year + _FAR:
            message = f"expected a first day that can be, found {day}, more than {_FAR} years from now"
            yield CellFinding(Severity.ERROR, row.number, column, message, "correct the year", "day-to-come")


def _asked(name: str, settings: ImportSettings, row: ImportedRow, column: str, message: str) -> CellFinding:
    cell_finding = question(name, settings.answers, row.number, None, message)
    return CellFinding(
        cell_finding.severity,
        cell_finding.row,
        column,
        cell_finding.message,
        cell_finding.fix,
        cell_finding.kind,
        None,
        question=True,
    )
