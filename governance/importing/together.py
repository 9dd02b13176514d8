"""Rows of one institution are ready together, or not at all: what a row says may take away what another gives.

A row may say that an accreditation was withdrawn, or which occupations it never covers; or it says another level than
the row above, and nobody knows which is right. Without it the others would give more than the list does.

1. Which institution a row is about, is told as when rows go into a file (`institutions`), from what can be read of it.
2. A row of which that cannot be told is about each institution whose DID, number, name or accreditation it names.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from wanderbuch.governance.importing.columns import match_headers
from wanderbuch.governance.importing.file_entries import FileEntries
from wanderbuch.governance.importing.institutions import Institutions
from wanderbuch.governance.importing.merge_findings import MergeFindings
from wanderbuch.governance.importing.rows import ImportedRow, ImportSettings, readable_rows
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.governance.lists.table import Table

_NAMING = ("did", "register_id", "institution", "accreditation")

type _Clue = tuple[str, str]


class RowsTogether:
    """The rows of a list by institution.

    Args:
        table: the whole list.
        document: the file that it goes into, as JSON; it is left as it is.
        settings: how the list is read.
    """

    def __init__(self, table: Table, document: Mapping[str, Any], settings: ImportSettings) -> None:
        columns, _ = match_headers(table, settings.mapping)
        named: dict[int, dict[str, str]] = {}
        rows: list[ImportedRow] = []
        for number, texts, values in readable_rows(table, columns, settings, _NAMING):
            named[number] = texts
            rows.append(ImportedRow(number, values))
        findings = MergeFindings({})  # who is not ready was told already
        institutions = Institutions(FileEntries(dict(document)), rows, findings)
        self._who = {row.number: institutions.did_of(row) for row in rows}  # 1
        self._clues = {
            number: [(column, folded(text)) for column, text in texts.items()] for number, texts in named.items()
        }
        self._of: dict[str, list[int]] = {}
        self._with: dict[_Clue, list[int]] = {}
        for number, who in self._who.items():
            if who is not None:
                self._of.setdefault(who, []).append(number)
            for clue in self._clues[number]:
                self._with.setdefault(clue, []).append(number)

    def held_back(self, aside: Collection[int]) -> Mapping[int, int]:
        """Return the rows that cannot be taken without those that are put aside, each with one that holds it back."""
        reasons: dict[int, int] = {}
        looked_at, todo = set(aside), list(aside)
        while todo:
            number = todo.pop()
            for other in self._together_with(number):
                if other not in looked_at:
                    looked_at.add(other)
                    reasons[other] = reasons.get(number, number)
                    todo.append(other)
        return reasons

    def _together_with(self, number: int) -> Iterator[int]:
        who = self._who.get(number)
        if who is not None:
            yield from self._of[who]
            return
        for clue in self._clues.get(number, ()):  # 2
            yield from self._with[clue]
