"""Decisions about an accreditation, as rows tell them: later ones are added, and none is ever rewritten."""

from typing import Final

from wanderbuch.governance.importing.file_entries import Json
from wanderbuch.governance.importing.merge_findings import MergeFindings, shown
from wanderbuch.governance.importing.rows import ImportedRow
from wanderbuch.governance.lists.statuses import trouble_in

DECISION_COLUMNS: Final = frozenset({"decided_on", "effective_from", "statuses", "status_decision", "reason"})
"""What a row says about a decision, beside the status."""


def add_decisions(rows: list[ImportedRow], record: Json, findings: MergeFindings) -> None:
    """Add decisions that an accreditation does not have yet, oldest first.

    Args:
        rows: about the accreditation.
        record: the accreditation, changed.
        findings: what is wrong, and what is not used.
    """
    decided = [row for row in rows if "status" in row.values]
    for row in rows:
        if "status" not in row.values:
            _not_used(findings, row, None)
    for row in sorted(decided, key=lambda imported_row: imported_row.values.get("decided_on", "")):
        status, on = row.values["status"], row.values.get("decided_on")
        changes: list[Json] = list(record.get("status", ()))
        current = changes[-1]["status"] if changes else "active"
        change: Json = {"status": status, "decided_on": on, "effective_from": row.values.get("effective_from", on)}
        same = (
            entry for entry in changes if all(entry[name] == change[name] for name in ("status", "decided_on"))
            and (entry["effective_from"] == change["effective_from"] or "effective_from" not in row.values)
        )  # fmt: skip
        there = next(same, None)
        if there is not None or (status == current and (on is None or current == "active")):
            _not_used(findings, row, there)
            continue
        if on is None:
            message = f"the file says {current}, the list {status}, without the day of the decision"
            findings.wrong(row, "decided_on", message, "add decided_on, and effective_from if it was earlier")
        elif changes and on < changes[-1]["decided_on"]:
            message = f"the file has a later decision, of {changes[-1]['decided_on']}"
            findings.wrong(row, "decided_on", message, "decisions are added in order; correct the list or the file")
        else:
            for column, member in (
                ("statuses", "statuses"),
                ("status_decision", "decision"),
                ("reason", "reason"),
            ):
                if column in row.values:
                    change[member] = row.values[column]
            record["status"] = [*changes, change]
    current = record["status"][-1]["status"] if record.get("status") else "active"
    for row in decided:
        if "decided_on" not in row.values and row.values["status"] != current and not findings.has(row, "decided_on"):
            message = f"the row says {row.values['status']} without a day, others of its accreditation {current}"
            findings.wrong(row, "status", message, "make them equal, or add the day of each decision")


def _not_used(findings: MergeFindings, row: ImportedRow, there: Json | None) -> None:
    """Name what a row says about a decision that is not added, because the file has it or there is none."""
    for column in sorted(row.values.keys() & DECISION_COLUMNS):
        value = row.values[column]
        member = "decision" if column == "status_decision" else column
        if there is not None and there.get(member) == value:
            continue
        if column == "reason" and there is None and (word := trouble_in(value)):
            message = f"found {word!r} in {value[:60]!r}, where the status says nothing of the kind"
            findings.ask("status-words", row, column, message)
        else:
            why = "the file has this decision already" if there is not None else "no decision goes with it"
            findings.note(row, column, f"{shown(value)} is not used: {why}", "add status and decided_on if it matters")
