"""Rows become statements, and statements go into the file that is there.

What a row does not say stays as the file has it. Rows with the same number of accreditation add up: lists unite, spans
of days and decisions add; texts and levels must agree. Nothing is ever taken out of the file, and no decision is
rewritten: a later one is added. An institution with a number of the register and no DID is listed; where its listing
names a DID, the row is about that. Without a number of an accreditation, one is made from what it is about, so that
importing the same list again finds it.
"""

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from wanderbuch.governance.form.cte_model import DESCRIPTION, ROLES
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import ACCREDITATION, LISTING, PROGRAMMES
from wanderbuch.governance.form.present_form import in_present_form
from wanderbuch.governance.form.records import is_register_id
from wanderbuch.governance.importing.rows import ImportedRow, ImportSettings, last_day
from wanderbuch.governance.lists.noticed import question
from wanderbuch.governance.lists.statuses import trouble_in
from wanderbuch.governance.lists.table import CellFinding

type Json = dict[str, Any]

# Columns whose rows must agree within one accreditation, and the member they become.
_TEXTS: Final = {
    "title": "title",
    "decision": "decision",
    "redress": "redress",
    "quality_assurance": "quality_assurance",
}
_LISTS: Final = ("credential_types", "sources", "bindings", "occupations", "excluded_occupations", "jurisdictions")
_DECISION: Final = frozenset({"decided_on", "effective_from", "statuses", "status_decision", "reason"})
# Columns that speak of an accreditation; a framework alone says nothing.
_SCOPE: Final = frozenset(
    {"accreditation", "levels", "valid_from", "valid_until", "status", "accrediting_agent", "accrediting_agent_did",
     *_DECISION, *_TEXTS, *_LISTS}
)  # fmt: skip
_PROGRAMME: Final = frozenset(
    {"programme_title", "programme_occupation", "programme_level", "programme_from", "programme_until",
     "learning_settings", "units"}
)  # fmt: skip
_MAX_SUGGESTED: Final = 100
_ORDER: Final = (
    "id", "title", "credential_types", "sources", "bindings", "occupations", "excluded_occupations", "level_range",
    "jurisdictions", "intervals", "status", "accreditingAgent", "decision", "redress", "quality_assurance",
)  # fmt: skip


class Merging:
    """Puts rows into one governance file (as JSON, changed in place); `findings` grows, row by row."""

    def __init__(self, document: Json, settings: ImportSettings, columns: Iterable[str]) -> None:
        """Prepare.

        Args:
            document: a governance file without errors.
            settings: what holds for rows that do not say it.
            columns: the columns that the list has.
        """
        self.findings: list[CellFinding] = []
        self.rows_of: dict[str, list[int]] = {}  # DID or id of a statement -> the rows that speak of it
        self._document = document
        self._settings = settings
        self._columns = frozenset(columns)
        self._entries: Json = document["participants"]["entries"]
        self._names = _dids_by_name(self._entries.get(DESCRIPTION, {}))
        self._named = dict(self._names)  # with those of the list
        self._unknown = 0

    @property
    def _listings(self) -> Json:
        """The listings of the file by register id."""
        listings: Json = self._entries.get(LISTING, {})
        return listings

    def add(self, rows: list[ImportedRow]) -> None:
        """Put all rows into the file."""
        by_issuer: dict[str, list[ImportedRow]] = {}
        called = {(_folded(row.values.get("institution", "")), row.values.get("did")) for row in rows}
        named: dict[str, list[str]] = {}
        for name, given in sorted((name, did) for name, did in called if name and did):
            named.setdefault(name, []).append(given)
        for name, dids in named.items():  # further rows of the list may give the name alone
            self._named[name] = tuple(dict.fromkeys((*self._names.get(name, ()), *dids)))
        for row in rows:
            did = self._issuer(row)
            if did is not None:
                by_issuer.setdefault(did, []).append(row)
                self.rows_of.setdefault(did, []).append(row.number)
        for did, group in by_issuer.items():
            self._describe(did, group)
            by_id: dict[str, list[ImportedRow]] = {}
            for row in group:
                if row.values.keys() & _SCOPE:
                    by_id.setdefault(_id_of(did, row), []).append(row)
            before = {accreditation["id"]: accreditation for accreditation in self._accreditations(did)}
            self._compare_numbers(before, by_id)
            for statement, own in by_id.items():
                self.rows_of.setdefault(statement, []).extend(row.number for row in own)
                if any(row.values.keys() & (_SCOPE - {"accreditation"}) for row in own):
                    self._accredit(did, statement, own)
            self._compare_standing(did, by_id, before)
            for row in group:
                if "programme" in row.values:
                    self._offer(did, row)
                elif lost := sorted(row.values.keys() & _PROGRAMME):
                    message = f"expected the number of the programme that {', '.join(lost)} speaks of, found none"
                    self._wrong(row, "programme", message, "give each programme one, or leave the columns out")

    def _accreditations(self, did: str) -> list[Json]:
        if is_register_id(did):
            return list(self._listings.get(did, {}).get("accredited_for", ()))
        return list(self._entries.get(ACCREDITATION, {}).get(did, {}).get("accreditations", ()))

    def _compare_numbers(self, before: Mapping[str, Json], by_id: Mapping[str, list[ImportedRow]]) -> None:
        """Ask about numbers of one institution that look like another: 142 and 0142, TA-1 and ta/1."""
        alike = {_bare(number): number for number in before}
        for statement, rows in by_id.items():
            other = alike.setdefault(_bare(statement), statement)
            if other != statement and statement not in before:
                message = f"{statement!r} looks like {other!r}, of the same institution: is it the same accreditation?"
                self._ask("same-number", rows[0], "accreditation", message)

    def _compare_standing(self, did: str, by_id: Mapping[str, list[ImportedRow]], before: Mapping[str, Json]) -> None:
        """Ask about a new accreditation beside one of the file that the list does not name and that stands otherwise.

        A list without numbers, or with other ones, would accredit a suspended institution anew, or suspend nothing.
        """
        unnamed = [granted for granted in before.values() if granted["id"] not in by_id]
        for granted in self._accreditations(did) if unnamed else ():
            if granted["id"] in before:
                continue
            for other in unnamed:
                if (_standing(granted) == "active") != (_standing(other) == "active") and _overlap(granted, other):
                    message = (
                        f"the list says {_standing(granted)} for {granted['id']}, which is new; "
                        f"{other['id']} in the file is "
                        f"{_standing(other)}, for the same occupation: is it the same accreditation?"
                    )
                    self._ask("stands-otherwise", by_id[granted["id"]][0], "accreditation", message)

    def _wrong(self, row: ImportedRow, column: str, message: str, fix: str) -> None:
        self.findings.append(CellFinding(Severity.ERROR, row.number, column, message, fix, f"merging-{column}"))

    def _note(self, row: ImportedRow, column: str, message: str, fix: str) -> None:
        self.findings.append(CellFinding(Severity.WARNING, row.number, column, message, fix, f"merging-{column}"))

    def _ask(self, name: str, row: ImportedRow, column: str, message: str) -> None:
        self.findings.append(replace(question(name, self._settings.answers, row.number, None, message), column=column))

    def _issuer(self, row: ImportedRow) -> str | None:
        given, number = row.values.get("did"), row.values.get("register_id")
        if number is not None:
            connected = self._listings.get(number, {}).get("did")
            if given is not None and connected not in (None, given):
                message = f"{number} is connected as {connected}, and the row names another DID"
                self._wrong(row, "did", message, "leave the DID out, or correct the number")
                return None
            return str(given or connected or number)
        if given is not None:
            return str(given)
        name = row.values.get("institution")
        if name is None:
            fix = "fill in the cell; if merged cells mean 'as above', give --fill-down"
            self._wrong(row, "institution", "expected the institution or its DID, found neither", fix)
            return None
        dids = self._named.get(_folded(name), ())
        if len(dids) != 1:
            known = "several participants" if dids else "no participant"
            message = f"the file has {known} of the name {name[:60]!r}, so its DID, or its number, is needed"
            self._unknown += 1
            near: list[str] = []
            if not dids and self._unknown <= _MAX_SUGGESTED:  # each is compared with every name
                near = difflib.get_close_matches(_folded(name), self._named, n=1, cutoff=0.8)
            meant = f"; or is it {near[0]!r}?" if near else ""
            self._wrong(
                row,
                "did",
                message,
                "add a column did, with the DID that the institution's agent shows; "
                f"or register_id, with its number, to list it{meant}",
            )
            return None
        return dids[0]

    def _describe(self, did: str, rows: list[ImportedRow]) -> None:
        is_listed = is_register_id(did)
        told: Json = self._listings.get(did, {}) if is_listed else self._entries.get(DESCRIPTION, {}).get(did, {})
        for row in rows:
            name = _folded(row.values.get("institution", ""))
            in_file, all_named = self._names.get(name, ()), self._named.get(name, ())
            others = [other for other in all_named if other != did]
            if did not in in_file and others and "did" in row.values:
                where = "the file" if others[0] in in_file else "another row"
                message = f"{where} gives this name to {others[0]}: correct the name or the DID, or are there two?"
                self._ask("same-name", row, "did", message)
        for column, member in (("institution", "name"), ("website", "website"), ("email", "email")):
            value = self._agreed(rows, column)
            if column == "institution" and value and _folded(value) == _folded(told.get("name", "")):
                continue  # the same name with other capitals
            if value is not None:
                told = {**told, member: value}
        if told and "name" not in told:
            self._wrong(rows[0], "institution", "expected the name of an institution that is new", "fill in its name")
        elif told:
            self._entries.setdefault(LISTING if is_listed else DESCRIPTION, {})[did] = told

    def _agreed(self, rows: list[ImportedRow], column: str) -> Any:
        """Return the one value that the rows give for a column, None if none does."""
        saying = [row for row in rows if column in row.values]
        for row in saying[1:]:
            if row.values[column] != saying[0].values[column]:
                first = _shown(saying[0].values[column])
                message = f"expected {first}, as in row {saying[0].number}, found {_shown(row.values[column])}"
                fix = "make them equal, or give the accreditations different numbers"
                if column in ("institution", "website", "email"):
                    fix = "an institution has one; make them equal"
                self._wrong(row, column, message, fix)
        return saying[0].values[column] if saying else None

    def _accredit(self, did: str, statement: str, rows: list[ImportedRow]) -> None:
        is_listed = is_register_id(did)
        if is_listed and not self._can_be_listed(rows):
            return
        before = self._statement(ACCREDITATION, "accreditations", did, statement)
        record: Json = {"id": statement, **in_present_form(before or {})}
        for column, member in _TEXTS.items():
            value = self._agreed(rows, column)
            if value is not None:
                record[member] = value
        for column in _LISTS:
            united = list(dict.fromkeys(value for row in rows for value in row.values.get(column, ())))
            if united:
                record[column] = _kept(record.get(column), united)
        levels = self._agreed(rows, "levels")
        if levels is not None:
            record["level_range"] = {"framework": levels[0], "min": levels[1], "max": levels[2]}
        if intervals := self._intervals(rows, record.get("intervals", ())):
            record["intervals"] = intervals
        agent = self._agreed(rows, "accrediting_agent")
        agent_did = self._agreed(rows, "accrediting_agent_did")
        if agent is not None:
            record["accreditingAgent"] = {"name": agent, **({"did": agent_did} if agent_did else {})}
        elif agent_did is not None:
            self._wrong(rows[0], "accrediting_agent", "expected the name of who has this DID, found none", "fill it in")
        self._fill(did, record, new=before is None)
        if before is None and "status" in self._columns and not any("status" in row.values for row in rows):
            self._ask("empty-status", rows[0], "status", "expected a status for a new accreditation, found none")
        if not is_listed:
            self._decide(rows, record)
        for member, column in (
            *(() if is_listed else (("sources", "sources"),)),
            ("occupations", "occupations"), ("level_range", "levels"),
            ("jurisdictions", "jurisdictions"), ("intervals", "valid_from"), ("decision", "decision"),
            ("redress", "redress"),
        ):  # fmt: skip
            if not record.get(member):
                self._wrong(rows[0], column, f"expected this for accreditation {statement}, found none", _FIXES[column])
        if before is not None and record == in_present_form(before):
            record = before  # what the list changes nothing of keeps the form in which it was written
        order = dict.fromkeys([*_ORDER, *record])
        self._put(ACCREDITATION, "accreditations", did, {name: record[name] for name in order if name in record})
        if not is_listed:
            self._grant_role(did, record)

    def _can_be_listed(self, rows: list[ImportedRow]) -> bool:
        """Refuse what a listing cannot say: with what somebody signs, and that it does not stand."""
        for row in rows:
            if "sources" in row.values or "bindings" in row.values:
                message = "expected the DID of an institution that signs with something, found its number alone"
                self._wrong(row, "did", message, "add its DID, or leave out what it signs with")
                return False
            if row.values.get("status", "active") != "active":
                message = f"the row says {row.values['status']}: who has no DID is listed only while it stands"
                self._wrong(row, "status", message, "leave the row out until it stands again")
                return False
        return True

    def _intervals(self, rows: list[ImportedRow], before: Iterable[Json]) -> list[Json]:
        ends = {interval["start"]: interval.get("end") for interval in before}
        intervals: dict[str, Json] = {}
        for row in rows:
            start, end = row.values.get("valid_from"), last_day(row.values.get("valid_until"))
            if start is None:
                if end is not None:
                    self._wrong(row, "valid_from", "expected the first day too, found only the last", "fill it in")
                continue
            if "valid_until" not in self._columns:
                end = ends.get(start)
            if start in intervals and intervals[start].get("end") != end:
                message = f"expected one mandate that begins on {start}, found two that end on different days"
                self._wrong(row, "valid_until", message, "correct one of them")
            intervals[start] = {"start": start, **({"end": end} if end else {})}
        return [intervals[start] for start in sorted(intervals)]

    def _fill(self, did: str, record: Json, *, new: bool) -> None:
        """Fill a statement that is new with what holds for the whole list."""
        settings = self._settings
        if not new:
            return
        record.setdefault("credential_types", list(settings.credential_types))
        if "sources" not in record and not is_register_id(did):
            others = self._entries.get(ACCREDITATION, {}).get(did, {}).get("accreditations", ())
            record["sources"] = list(
                dict.fromkeys(source for one in others for source in in_present_form(one)["sources"])
            )
        for member, value in (
            ("jurisdictions", list(settings.jurisdictions)), ("decision", settings.decision),
            ("redress", settings.redress),
        ):  # fmt: skip
            if value:
                record.setdefault(member, value)
        author = self._document["author"]
        name = self._entries.get(DESCRIPTION, {}).get(author, {}).get("name") or self._document["name"]
        record.setdefault("accreditingAgent", {"name": name, "did": author})

    def _decide(self, rows: list[ImportedRow], record: Json) -> None:
        """Add decisions that the file does not have yet, oldest first."""
        decided = [row for row in rows if "status" in row.values]
        for row in rows:
            if "status" not in row.values:
                self._not_used(row, None)
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
                self._not_used(row, there)
                continue
            if on is None:
                message = f"the file says {current}, the list {status}, without the day of the decision"
                self._wrong(row, "decided_on", message, "add decided_on, and effective_from if it was earlier")
            elif changes and on < changes[-1]["decided_on"]:
                message = f"the file has a later decision, of {changes[-1]['decided_on']}"
                self._wrong(row, "decided_on", message, "decisions are added in order; correct the list or the file")
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
            if "decided_on" not in row.values and row.values["status"] != current and not self._told(row, "decided_on"):
                message = f"the row says {row.values['status']} without a day, others of its accreditation {current}"
                self._wrong(row, "status", message, "make them equal, or add the day of each decision")

    def _told(self, row: ImportedRow, column: str) -> bool:
        """Return whether an error was found there already."""
        kind = f"merging-{column}"
        return any((finding.row, finding.kind) == (row.number, kind) for finding in reversed(self.findings))

    def _not_used(self, row: ImportedRow, there: Json | None) -> None:
        """Name what a row says about a decision that is not added, because the file has it or there is none."""
        for column in sorted(row.values.keys() & _DECISION):
            value = row.values[column]
            member = "decision" if column == "status_decision" else column
            if there is not None and there.get(member) == value:
                continue
            if column == "reason" and there is None and (word := trouble_in(value)):
                message = f"found {word!r} in {value[:60]!r}, where the status says nothing of the kind"
                self._ask("status-words", row, column, message)
            else:
                why = "the file has this decision already" if there is not None else "no decision goes with it"
                self._note(
                    row, column, f"{_shown(value)} is not used: {why}", "add status and decided_on if it matters"
                )

    def _offer(self, did: str, row: ImportedRow) -> None:
        """Put the programme of a row into the file; who is listed only has none there yet."""
        if is_register_id(did):
            self._note(
                row, "programme", "programmes are stated of institutions with a DID; it is not read", "nothing to do"
            )
            return
        given, identifier = row.values, row.values["programme"]
        self.rows_of.setdefault(identifier, []).append(row.number)
        before = self._statement(PROGRAMMES, "programmes", did, identifier)
        record: Json = {"id": identifier, **(before or {"accreditation": _id_of(did, row)})}
        if "accreditation" in given:
            record["accreditation"] = given["accreditation"]
        for column, member in (
            ("programme_title", "title"), ("units", "units"), ("learning_settings", "learning_settings")
        ):  # fmt: skip
            if column in given:
                record[member] = given[column]
        if "programme_occupation" in given or len(given.get("occupations", ())) == 1:
            record["occupation"] = given.get("programme_occupation") or given["occupations"][0]
        levels = given.get("programme_level") or given.get("levels")
        if levels and levels[1] == levels[2]:
            record["framework"], record["level"] = levels[0], levels[1]
        start = given.get("programme_from") or (None if before else given.get("valid_from"))
        end = last_day(given.get("programme_until") or (None if before else given.get("valid_until")))
        if start is not None:
            record["intervals"] = [{"start": start, **({"end": end} if end else {})}]
        record.setdefault("learning_settings", list(self._settings.learning_settings))
        for member, column, fix in (
            ("title", "programme_title", "fill in what it is called"),
            ("occupation", "programme_occupation", "fill in one ISCO-08 code"),
            ("level", "programme_level", "fill in one level"),
            ("intervals", "programme_from", "fill in the first day it is offered"),
        ):
            if not record.get(member):
                self._wrong(row, column, f"expected this for programme {identifier}, found none", fix)
        self._put(PROGRAMMES, "programmes", did, record)

    def _statement(self, uri: str, member: str, did: str, identifier: str) -> Json | None:
        if is_register_id(did):
            return next((dict(one) for one in self._accreditations(did) if one["id"] == identifier), None)
        for entry in self._entries.get(uri, {}).get(did, {}).get(member, ()):
            if entry["id"] == identifier:
                return dict(entry)
        return None

    def _put(self, uri: str, member: str, did: str, statement: Json) -> None:
        entries: list[Json]
        if is_register_id(did):
            entries = self._entries.setdefault(LISTING, {}).setdefault(did, {}).setdefault("accredited_for", [])
        else:
            entries = self._entries.setdefault(uri, {}).setdefault(did, {member: []})[member]
        for position, entry in enumerate(entries):
            if entry["id"] == statement["id"]:
                entries[position] = statement
                return
        entries.append(statement)

    def _grant_role(self, did: str, record: Json) -> None:
        """Give a new issuer the CTE role that lets other readers see it, if the file has one that fits."""
        roles = self._entries.get(ROLES, {}).get(did, {}).get("roles", [])
        issuing = {name for name, role in self._document["roles"].items() if role.get("issue")}
        if not issuing or any(role["role"] in issuing for role in roles) or not record.get("intervals"):
            return
        listed = {schema["id"]: schema["name"] for schema in self._document["schemas"]}
        wanted = set(record.get("credential_types", ()))
        for name in sorted(issuing):
            if wanted & {listed.get(schema_id) for schema_id in self._document["roles"][name]["issue"]}:
                grant = {"start": f"{record['intervals'][0]['start']}T00:00:00Z", "role": name}
                self._entries.setdefault(ROLES, {})[did] = {"roles": [*roles, grant]}
                return


_FIXES: Final = {
    "sources": "add the id of the credential definition; the institution's agent shows it",
    "occupations": "add an ISCO-08 code",
    "levels": "add its levels, such as 2-5",
    "jurisdictions": "add the country, or give --jurisdiction for the whole list",
    "valid_from": "add the first day of the mandate",
    "decision": "add where the decision can be read, or give --decision for the whole list",
    "redress": "add whom to appeal to, or give --redress for the whole list",
}


def _id_of(did: str, row: ImportedRow) -> str:
    """Return the number of a row's accreditation; made from what it is about, where the list has none."""
    given = row.values.get("accreditation")
    if given is not None:
        return str(given)
    levels = row.values.get("levels") or ("",)
    about = row.values.get("title") or ",".join(sorted(row.values.get("occupations", ())))
    digest = hashlib.sha256("\n".join((did, str(about), levels[0])).encode()).hexdigest()
    return f"list-{digest[:16]}"


def _standing(accreditation: Json) -> str:
    decisions = accreditation.get("status") or [{"status": "active"}]
    return str(decisions[-1]["status"])


def _overlap(one: Json, other: Json) -> bool:
    """Return whether two accreditations have an occupation, or a group and one of its members, in common."""
    return any(
        a.startswith(b) or b.startswith(a) for a in one.get("occupations", ()) for b in other.get("occupations", ())
    )


def _bare(number: str) -> tuple[str, ...]:
    """Return letters and numbers of a number, without signs, capitals and zeros in front.

    >>> _bare("TA-2020-0017") == _bare("ta2020/17"), _bare("TA-1-11") == _bare("TA-11-1")
    (True, False)
    """
    return tuple(piece.lstrip("0") or "0" for piece in re.findall(r"\d+|[^\W\d_]+", number.casefold()))


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return repr(f"{value[0]} {value[1]}-{value[2]}")
    return repr(value if isinstance(value, str) else "; ".join(map(str, value)))[:80]


def _kept(before: list[str] | None, after: list[str]) -> list[str]:
    """Return `after` in the order of `before`, so that nothing moves where nothing changed."""
    known = [value for value in before or () if value in after]
    return known + [value for value in after if value not in known]


def _dids_by_name(descriptions: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    by_name: dict[str, list[str]] = {}
    for did, told in descriptions.items():
        by_name.setdefault(_folded(told.get("name", "")), []).append(did)
    return {name: tuple(dids) for name, dids in by_name.items()}


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
