"""What is wrong, worth knowing or open about rows while they go into a file, each with its row and column."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.importing.rows import ImportedRow
from wanderbuch.governance.lists.noticed import question
from wanderbuch.governance.lists.table import CellFinding


class MergeFindings:
    """The findings, in the order in which they were made.

    Args:
        answers: question -> what the person decided.
    """

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.all: list[CellFinding] = []
        self._answers = answers

    def wrong(self, row: ImportedRow, column: str, message: str, fix: str) -> None:
        """Add an error."""
        self.all.append(CellFinding(Severity.ERROR, row.number, column, message, fix, f"merging-{column}"))

    def note(self, row: ImportedRow, column: str, message: str, fix: str) -> None:
        """Add a warning."""
        self.all.append(CellFinding(Severity.WARNING, row.number, column, message, fix, f"merging-{column}"))

    def ask(self, name: str, row: ImportedRow, column: str, message: str) -> None:
        """Add a question, unless the person has answered it."""
        self.all.append(replace(question(name, self._answers, row.number, None, message), column=column))

    def has(self, row: ImportedRow, column: str) -> bool:
        """Return whether an error, or a warning, is there already."""
        kind = f"merging-{column}"
        return any((finding.row, finding.kind) == (row.number, kind) for finding in reversed(self.all))

    def agreed(self, rows: list[ImportedRow], column: str) -> Any:
        """Return the one value that the rows give for a column, None if none does; two are an error."""
        saying = [row for row in rows if column in row.values]
        for row in saying[1:]:
            if row.values[column] != saying[0].values[column]:
                first = shown(saying[0].values[column])
                message = f"expected {first}, as in row {saying[0].number}, found {shown(row.values[column])}"
                fix = "make them equal, or give the accreditations different numbers"
                if column in ("institution", "website", "email"):
                    fix = "an institution has one; make them equal"
                self.wrong(row, column, message, fix)
        return saying[0].values[column] if saying else None


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, tuple):
        return repr(f"{value[0]} {value[1]}-{value[2]}")
    return repr(value if isinstance(value, str) else "; ".join(map(str, value)))[:80]
