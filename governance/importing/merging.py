"""Rows become statements, and statements go into the file that is there.

What a row does not say stays as the file has it. Rows with the same number of accreditation add up: lists unite, spans
of days and decisions add; texts and levels must agree. Nothing is ever taken out of the file, and no decision is
rewritten: a later one is added. An institution with a number of the register and no DID is listed; where its listing
names a DID, the row is about that. Without a number of an accreditation, one is made from what it is about, so that
importing the same list again finds it (`rows`).

Beside it: who a row is about (`institutions`), decisions (`merged_decisions`), programmes (`merged_programmes`), and
what looks like an accreditation that is there (`look_alikes`).
"""

from collections.abc import Iterable
from typing import Final

from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.form.present_form import in_present_form
from wanderbuch.governance.form.records import is_register_id
from wanderbuch.governance.importing.file_entries import FileEntries, Json
from wanderbuch.governance.importing.institutions import Institutions
from wanderbuch.governance.importing.look_alikes import ask_about_numbers, ask_about_standing
from wanderbuch.governance.importing.merge_findings import MergeFindings
from wanderbuch.governance.importing.merged_decisions import DECISION_COLUMNS, add_decisions
from wanderbuch.governance.importing.merged_programmes import PROGRAMME_COLUMNS, put_programme
from wanderbuch.governance.importing.rows import ImportedRow, ImportSettings, accreditation_id, last_day

# Columns whose rows must agree within one accreditation, and the member they become.
_TEXTS: Final = {
    "title": "title",
    "decision": "decision",
    "redress": "redress",
    "quality_assurance": "quality_assurance",
}
_LISTS: Final = ("credential_types", "sources", "bindings", "occupations", "excluded_occupations", "jurisdictions")
# Columns that speak of an accreditation; a framework alone says nothing.
_SCOPE: Final = frozenset(
    {"accreditation", "levels", "valid_from", "valid_until", "status", "accrediting_agent", "accrediting_agent_did",
     *DECISION_COLUMNS, *_TEXTS, *_LISTS}
)  # fmt: skip
_ORDER: Final = (
    "id", "title", "credential_types", "sources", "bindings", "occupations", "excluded_occupations", "level_range",
    "jurisdictions", "intervals", "status", "accreditingAgent", "decision", "redress", "quality_assurance",
)  # fmt: skip
_FIXES: Final = {
    "sources": "add the id of the credential definition; the institution's agent shows it",
    "occupations": "add an ISCO-08 code",
    "levels": "add its levels, such as 2-5",
    "jurisdictions": "add the country, or give --jurisdiction for the whole list",
    "valid_from": "add the first day of the mandate",
    "decision": "add where the decision can be read, or give --decision for the whole list",
    "redress": "add whom to appeal to, or give --redress for the whole list",
}


class Merging:
    """Puts rows into one governance file (as JSON, changed in place); `findings` grows, row by row."""

    def __init__(self, document: Json, settings: ImportSettings, columns: Iterable[str]) -> None:
        """Prepare.

        Args:
            document: a governance file without errors.
            settings: what holds for rows that do not say it.
            columns: the columns that the list has.
        """
        self.findings = MergeFindings(settings.answers)
        self.rows_of: dict[str, list[int]] = {}  # DID or id of a statement -> the rows that speak of it
        self._settings = settings
        self._columns = frozenset(columns)
        self._entries = FileEntries(document)

    def add(self, rows: list[ImportedRow]) -> None:
        """Put all rows into the file."""
        institutions = Institutions(self._entries, rows, self.findings)
        by_issuer: dict[str, list[ImportedRow]] = {}
        for row in rows:
            did = institutions.did_of(row)
            if did is not None:
                by_issuer.setdefault(did, []).append(row)
                self.rows_of.setdefault(did, []).append(row.number)
        for did, group in by_issuer.items():
            institutions.describe(did, group)
            by_id: dict[str, list[ImportedRow]] = {}
            for row in group:
                if row.values.keys() & _SCOPE:
                    by_id.setdefault(accreditation_id(did, row), []).append(row)
            before = {accreditation["id"]: accreditation for accreditation in self._entries.accreditations(did)}
            ask_about_numbers(before, by_id, self.findings)
            for statement, own in by_id.items():
                self.rows_of.setdefault(statement, []).extend(row.number for row in own)
                if any(row.values.keys() & (_SCOPE - {"accreditation"}) for row in own):
                    self._accredit(did, statement, own)
            ask_about_standing(self._entries.accreditations(did), by_id, before, self.findings)
            for row in group:
                self._add_programme(did, row)

    def _add_programme(self, did: str, row: ImportedRow) -> None:
        if "programme" in row.values:
            if not is_register_id(did):
                self.rows_of.setdefault(row.values["programme"], []).append(row.number)
            put_programme(did, row, self._entries, self._settings.learning_settings, self.findings)
        elif lost := sorted(row.values.keys() & PROGRAMME_COLUMNS):
            message = f"expected the number of the programme that {', '.join(lost)} speaks of, found none"
            self.findings.wrong(row, "programme", message, "give each programme one, or leave the columns out")

    def _accredit(self, did: str, statement: str, rows: list[ImportedRow]) -> None:
        is_listed = is_register_id(did)
        if is_listed and not self._can_be_listed(rows):
            return
        before = self._entries.statement(ACCREDITATION, "accreditations", did, statement)
        record: Json = {"id": statement, **in_present_form(before or {})}
        for column, member in _TEXTS.items():
            value = self.findings.agreed(rows, column)
            if value is not None:
                record[member] = value
        for column in _LISTS:
            united = list(dict.fromkeys(value for row in rows for value in row.values.get(column, ())))
            if united:
                record[column] = _kept(record.get(column), united)
        levels = self.findings.agreed(rows, "levels")
        if levels is not None:
            record["level_range"] = {"framework": levels[0], "min": levels[1], "max": levels[2]}
        if intervals := self._intervals(rows, record.get("intervals", ())):
            record["intervals"] = intervals
        agent = self.findings.agreed(rows, "accrediting_agent")
        agent_did = self.findings.agreed(rows, "accrediting_agent_did")
        if agent is not None:
            record["accreditingAgent"] = {"name": agent, **({"did": agent_did} if agent_did else {})}
        elif agent_did is not None:
            self.findings.wrong(
                rows[0], "accrediting_agent", "expected the name of who has this DID, found none", "fill it in"
            )
        self._fill(did, record, new=before is None)
        if before is None and "status" in self._columns and not any("status" in row.values for row in rows):
            self.findings.ask(
                "empty-status", rows[0], "status", "expected a status for a new accreditation, found none"
            )
        if not is_listed:
            add_decisions(rows, record, self.findings)
        for member, column in (
            *(() if is_listed else (("sources", "sources"),)),
            ("occupations", "occupations"), ("level_range", "levels"),
            ("jurisdictions", "jurisdictions"), ("intervals", "valid_from"), ("decision", "decision"),
            ("redress", "redress"),
        ):  # fmt: skip
            if not record.get(member):
                self.findings.wrong(
                    rows[0], column, f"expected this for accreditation {statement}, found none", _FIXES[column]
                )
        if before is not None and record == in_present_form(before):
            record = before  # what the list changes nothing of keeps the form in which it was written
        order = dict.fromkeys([*_ORDER, *record])
        self._entries.put(
            ACCREDITATION, "accreditations", did, {name: record[name] for name in order if name in record}
        )
        if not is_listed:
            self._entries.grant_role(did, record)

    def _can_be_listed(self, rows: list[ImportedRow]) -> bool:
        """Refuse what a listing cannot say: with what somebody signs, and that it does not stand."""
        for row in rows:
            if "sources" in row.values or "bindings" in row.values:
                message = "expected the DID of an institution that signs with something, found its number alone"
                self.findings.wrong(row, "did", message, "add its DID, or leave out what it signs with")
                return False
            if row.values.get("status", "active") != "active":
                message = f"the row says {row.values['status']}: who has no DID is listed only while it stands"
                self.findings.wrong(row, "status", message, "leave the row out until it stands again")
                return False
        return True

    def _intervals(self, rows: list[ImportedRow], before: Iterable[Json]) -> list[Json]:
        ends = {interval["start"]: interval.get("end") for interval in before}
        intervals: dict[str, Json] = {}
        for row in rows:
            start, end = row.values.get("valid_from"), last_day(row.values.get("valid_until"))
            if start is None:
                if end is not None:
                    self.findings.wrong(
                        row, "valid_from", "expected the first day too, found only the last", "fill it in"
                    )
                continue
            if "valid_until" not in self._columns:
                end = ends.get(start)
            if start in intervals and intervals[start].get("end") != end:
                message = f"expected one mandate that begins on {start}, found two that end on different days"
                self.findings.wrong(row, "valid_until", message, "correct one of them")
            intervals[start] = {"start": start, **({"end": end} if end else {})}
        return [intervals[start] for start in sorted(intervals)]

    def _fill(self, did: str, record: Json, *, new: bool) -> None:
        """Fill a statement that is new with what holds for the whole list."""
        settings = self._settings
        if not new:
            return
        record.setdefault("credential_types", list(settings.credential_types))
        if "sources" not in record and not is_register_id(did):
            record["sources"] = self._entries.sources(did)
        for member, value in (
            ("jurisdictions", list(settings.jurisdictions)), ("decision", settings.decision),
            ("redress", settings.redress),
        ):  # fmt: skip
            if value:
                record.setdefault(member, value)
        record.setdefault("accreditingAgent", self._entries.author)


def _kept(before: list[str] | None, after: list[str]) -> list[str]:
    """Return `after` in the order of `before`, so that nothing moves where nothing changed."""
    known = [value for value in before or () if value in after]
    return known + [value for value in after if value not in known]
