"""What of a list is ready, and what a person must look at, row by row.

`draft_from` takes a list whole or not at all, and says what is wrong step by step: what is wrong with a value first,
what does not fit the file last. Here each row that is in the way is put aside with its causes, and the rest is tried
again, until what is left can be taken. So every row that is not ready has its true cause, and nobody takes a list with
rows left out who has not seen which. With a row all others of its institution are put aside (`together`).

What is wrong above the rows (a header, a question about the whole sheet) leaves none ready.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.importing.draft import ImportReport, draft_from
from wanderbuch.governance.importing.rows import ImportSettings
from wanderbuch.governance.importing.together import RowsTogether
from wanderbuch.governance.lists.table import CellFinding, Table

_MOST_TRIES: Final = 8
_TOGETHER: Final = "same-institution"


@dataclass(frozen=True, slots=True)
class ReadyImport:
    """A list, divided into what is ready and what is not.

    Args:
        report: of the rows that are ready; its draft is None if nothing is ready, or the file says all of it.
        to_look_at: row -> why it is not ready.
        about_all: what keeps the whole list from being taken.
        rows: how many the list has.
    """

    report: ImportReport
    to_look_at: Mapping[int, tuple[CellFinding, ...]]
    about_all: tuple[CellFinding, ...]
    rows: int

    @property
    def ready(self) -> int:
        """How many rows are ready."""
        return 0 if self.about_all else self.rows - len(self.to_look_at)


def import_ready(table: Table, document: Mapping[str, Any], settings: ImportSettings, *, at: datetime) -> ReadyImport:
    """Return what of a table can be imported into a governance file; arguments and errors as `draft_from`."""
    aside: dict[int, tuple[CellFinding, ...]] = {}
    left, count = table, len(table.rows)
    together: RowsTogether | None = None
    for _ in range(_MOST_TRIES):
        report = draft_from(left, document, settings, at=at)
        stopping = [finding for finding in report.findings if finding.severity is Severity.ERROR]
        there = {row.number for row in left.rows}
        about_all = tuple(finding for finding in stopping if finding.row not in there)
        if about_all or not stopping:
            return ReadyImport(report, aside, about_all, count)
        for finding in stopping:
            aside[finding.row] = (*aside.get(finding.row, ()), finding)
        together = together or RowsTogether(table, document, settings)
        aside |= {row: (_held_back(row, by),) for row, by in together.held_back(aside).items()}
        left = _without(left, aside)
    return ReadyImport(report, aside, tuple(stopping[:1]), count)


def _held_back(row: int, by: int) -> CellFinding:
    message = f"row {by} is about the same institution, and is not ready"
    return CellFinding(Severity.ERROR, row, "", message, f"correct row {by}", _TOGETHER)


def _without(table: Table, aside: Mapping[int, object]) -> Table:
    rows = tuple(row for row in table.rows if row.number not in aside)
    findings = tuple(finding for finding in table.findings if finding.row not in aside)
    put_aside = {row.number: row.cells for row in table.rows if row.number in aside}
    left_out = dict(sorted({**table.left_out, **put_aside}.items()))
    return replace(table, rows=rows, findings=findings, left_out=left_out)
