"""What a class list is once it was read, and what a person says about one."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.agents.issuer.class_list.results import Result
from wanderbuch.canonical_json import canonical
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.lists.table import CellFinding, Table

NAMES: Final = ("family_name", "given_names")
NUMBER: Final = "credential_id"
OWN: Final = frozenset({NUMBER, *NAMES, "birth_date"})
"""What is each person's own: never one value for all rows."""


@dataclass(frozen=True, slots=True)
class ClassSettings:
    """What the person says about a class list.

    Args:
        mapping: header -> column, where the headers are not ours.
        for_all: attribute -> text of what holds for every row; only what the list has no column for.
        day_order: how 03/04/2001 is meant.
        results: the list's word for a result -> what it means.
        makes_numbers: rows without a number get one later.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    for_all: Mapping[str, str] = field(default_factory=dict, repr=False)
    day_order: DayOrder = DayOrder.REFUSE
    results: Mapping[str, Result] = field(default_factory=dict)
    makes_numbers: bool = False


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One row that is ready: its number as the spreadsheet counts, and its claim as an application writes it.

    `contact` is how the person is reached (`contacts`), where the list says so.
    """

    number: int
    claim: Mapping[str, str] = field(repr=False)
    contact: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ClassList:
    """A class list that was read.

    Args:
        table: as it was received.
        columns: column -> its position in the list.
        proposed: header that nothing matched -> the column that it may mean, None where nothing is near.
        rows: what is ready.
        findings: errors first, then questions, then what else was noticed.
        not_passed: numbers of the rows that are left out since the person did not pass.
    """

    table: Table = field(repr=False)
    columns: Mapping[str, int]
    proposed: Mapping[str, str | None]
    rows: tuple[ClassRow, ...]
    findings: tuple[CellFinding, ...]
    not_passed: tuple[int, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing above the rows is wrong."""
        return not any(stops(finding) and finding.row <= self.table.header_row for finding in self.findings)

    @property
    def to_look_at(self) -> tuple[int, ...]:
        """The numbers of the rows that are not ready, in order; also of those that look like no entries."""
        ready = {row.number for row in self.rows} | set(self.not_passed)
        asked = {finding.row for finding in self.findings if stops(finding) and finding.row > self.table.header_row}
        return tuple(sorted(asked | {row.number for row in self.table.rows if row.number not in ready}))

    @property
    def digest(self) -> str:
        """SHA-256 of the claims that are ready, whatever their order; the same list gives the same, hexadecimal."""
        return claims_digest(self.rows)

    @property
    def seen_digest(self) -> str:
        """`digest`, and where the list says how people are reached: of that too. A link must go where one looked."""
        if not any(row.contact for row in self.rows):
            return self.digest
        reached = sorted(canonical({**row.claim, **row.contact}) for row in self.rows)
        return hashlib.sha256(b"\n".join([self.digest.encode(), *reached])).hexdigest()


def claims_digest(rows: Iterable[ClassRow]) -> str:
    """Return the SHA-256 of the claims of rows, whatever their order, hexadecimal."""
    claims = sorted(canonical(dict(row.claim)) for row in rows)
    return hashlib.sha256(b"\n".join(claims)).hexdigest()


def stops(finding: CellFinding) -> bool:
    """Return whether a finding keeps its row, or the list, from being used."""
    return finding.severity is Severity.ERROR
