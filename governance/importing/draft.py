"""A table becomes a new draft of a governance file, or nothing at all.

`draft_from` in order: 1. match the headers; 2. read every cell, and compare the rows; 3. put them into a copy of the
file; 4. validate the whole; 5. compare it with the file it came from. An error or a question without an answer,
anywhere, gives no draft; questions alone do not keep the later steps from saying what they find.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from wanderbuch.canonical_json import canonical
from wanderbuch.governance.comparing.differences import Difference, differences
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.findings import Finding, Severity
from wanderbuch.governance.form.validation import parse_file, validate_file
from wanderbuch.governance.importing.columns import match_headers
from wanderbuch.governance.importing.merging import Merging
from wanderbuch.governance.importing.remarks import remarks
from wanderbuch.governance.importing.rows import ImportSettings, header_of, read_rows
from wanderbuch.governance.lists.table import CellFinding, Table


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import would do.

    Args:
        findings: errors first, then questions; with either there is no draft.
        draft: the new file as JSON, None if there are errors or nothing is different.
        differences: what the draft changes, in words.
        missing: ids of accreditations of the file that the list does not speak of.
        rows: how many rows the list has.
    """

    findings: tuple[CellFinding, ...]
    draft: Mapping[str, Any] | None = field(repr=False)
    differences: tuple[Difference, ...]
    missing: tuple[str, ...]
    rows: int

    @property
    def ok(self) -> bool:
        """Whether the list could be read in full, and every question has an answer."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


def draft_from(table: Table, document: Mapping[str, Any], settings: ImportSettings, *, at: datetime) -> ImportReport:
    """Return what importing a table into a governance file gives.

    Args:
        table: the list.
        document: the governance file as JSON, without errors; it is left as it is.
        settings: how to read the list.
        at: when the draft is made, aware.

    Raises:
        GovernanceFileError: the file it goes into has errors.
    """
    before = parse_file(canonical(document))
    columns, wrong = match_headers(table, settings.mapping)  # 1
    findings = [*table.findings, *wrong]
    if _failed(findings):
        return _report(findings, table)
    frameworks = frozenset(crosswalk.framework for crosswalk in before.crosswalks)
    rows, wrong = read_rows(table, columns, settings, frameworks)  # 2
    findings += wrong
    findings += _placed(remarks(rows, settings, at.date()), table, columns)
    if _failed(wrong):  # what is missing without these rows would only mislead
        return _report(findings, table)
    draft = copy.deepcopy(dict(document))
    merging = Merging(draft, settings, columns)
    merging.add(rows)  # 3
    findings += _placed(merging.findings.all, table, columns)
    if _failed(findings):
        return _report(findings, table)
    missing = tuple(
        sorted(accreditation.id for accreditation in before.accreditations if accreditation.id not in merging.rows_of)
    )
    if draft == document:
        return _report(findings, table, missing=missing)
    draft["version"] = before.version + 1
    draft["last_updated"] = max(at, before.last_updated).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    after, wrong = _validated(draft, merging)  # 4
    findings += wrong
    if after is None or any(finding.severity is Severity.ERROR for finding in findings):
        return _report(findings, table)
    return _report(findings, table, draft, differences(before, after), missing)  # 5


def _placed(findings: Iterable[CellFinding], table: Table, columns: Mapping[str, int]) -> list[CellFinding]:
    """Return findings about columns of ours with the headers and places that the list has for them."""
    return [
        replace(finding, column=header_of(table, columns, finding.column), position=columns.get(finding.column))
        for finding in findings
    ]


def _validated(draft: Mapping[str, Any], merging: Merging) -> tuple[GovernanceFile | None, list[CellFinding]]:
    """Return the draft as a file, and every finding that the file did not have before, at its row."""
    report = validate_file(canonical(draft))
    return report.file, [
        _at_row(finding, rows) for finding in report.findings for rows in (_rows(finding, draft, merging),) if rows
    ]


def _rows(finding: Finding, draft: Mapping[str, Any], merging: Merging) -> list[int]:
    """Return the rows behind a finding; of an error that no row is behind, the whole table."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in finding.path.split("/")[1:]]
    named = list(_named(steps, draft))
    for name in reversed(named):
        if name in merging.rows_of:
            return merging.rows_of[name]
    return [0] if finding.severity is Severity.ERROR else []


def _named(steps: list[str], draft: Any) -> Iterator[str]:
    """Yield the DIDs and ids on the way to a place, the nearest last."""
    place = draft
    for step in steps:
        try:
            place = place[int(step)] if isinstance(place, list) else place[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return
        yield step
        if isinstance(place, dict) and isinstance(place.get("id"), str):
            yield place["id"]


def _at_row(finding: Finding, rows: list[int]) -> CellFinding:
    return CellFinding(finding.severity, rows[0], "", f"{finding.message} [{finding.rule}]", finding.fix, finding.rule)


def _failed(findings: list[CellFinding]) -> bool:
    return any(finding.severity is Severity.ERROR and not finding.question for finding in findings)


def _report(
    findings: list[CellFinding],
    table: Table,
    draft: Mapping[str, Any] | None = None,
    differences: tuple[Difference, ...] = (),
    missing: tuple[str, ...] = (),
) -> ImportReport:
    ordered = sorted(
        findings, key=lambda cell_finding: (_ORDER[cell_finding.word], cell_finding.row, cell_finding.position or 0)
    )
    return ImportReport(tuple(ordered), draft, differences, missing, len(table.rows))


_ORDER: Final = {"error": 0, "question": 1, "warning": 2}
