"""A class list becomes claims, row by row: what is ready, what a person must look at, and why, cell by cell.

`read_class_list`, in order:

1. the table is read as a registrar's list is (`governance.lists`);
2. its headers are matched to what the credential type claims; a header that nothing matches is an error, and what the
   type needs and neither a column nor a value for all rows brings is told once;
3. each cell is read, whole names are divided, and who did not pass is left out, if the person says so;
4. each row is a claim that fits its type, dates in order and levels in their framework;
5. what could be read is doubted (`doubts`), and rows are compared with each other: a number twice, a person twice.

A row with an error, or with a question that nobody answered, is not ready. Something wrong above the rows (a header, a
question about the whole sheet) leaves none ready.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from wanderbuch.agents.issuer.class_list.cells import value_of
from wanderbuch.agents.issuer.class_list.columns import FULL_NAME, RESULT, columns_of
from wanderbuch.agents.issuer.class_list.contacts import CONTACTS, contact_of
from wanderbuch.agents.issuer.class_list.doubts import (
    NEAR_NUMBERS,
    ODD_NUMBERS,
    doubts_about,
    has_no_digit,
    without_zeros,
)
from wanderbuch.agents.issuer.class_list.listed import NAMES, NUMBER, OWN, ClassList, ClassRow, ClassSettings, stops
from wanderbuch.agents.issuer.class_list.names import divided
from wanderbuch.agents.issuer.class_list.results import Result, result_of
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.importing.rows import MAX_MISTAKES, header_of, texts_of
from wanderbuch.governance.lists.noticed import question
from wanderbuch.governance.lists.reading import Choices, read_list
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.governance.lists.table import CellFinding, Table, TableError, TableFault
from wanderbuch.schemas.claims import ClaimError, validate_claim
from wanderbuch.schemas.credential_type import Attribute, CredentialType

MAX_CLASS_ROWS: Final = 20_000
_NOT_PASSED: Final = "not-passed"
_SAME_PERSON: Final = "same-person"


def read_class_list(
    received: bytes, kind: CredentialType, settings: ClassSettings, choices: Choices | None = None, *, at: date
) -> ClassList:
    """Return what a class list holds.

    Args:
        received: the bytes of a CSV file or a spreadsheet (.xlsx, .ods).
        kind: the credential type that is issued.
        settings: what the person says about the list.
        choices: what they say about the file.
        at: the last day that has begun anywhere; what must lie in the past is held against it.

    Raises:
        TableError: it cannot be read, or not without guessing.
    """
    choices = choices or Choices()
    names = columns_of(kind.id)
    table = read_class_table(received, kind.id, settings.mapping, choices)  # 1
    columns, wrong = names.match(table, settings.mapping)  # 2
    proposed = {
        finding.column: names.proposed(finding.column)
        for finding in wrong
        if finding.kind == "header" and finding.position is not None and finding.position not in columns.values()
    }
    findings = [*table.findings, *wrong, *_missing(table, kind, columns, settings)]
    reading = _Reading(table, kind, columns, settings, choices.answers, at)
    reading.read()  # 3, 4
    findings += reading.findings
    findings += reading.compared()  # 5
    findings = _told_once(findings)
    stopped = {finding.row for finding in findings if stops(finding)}
    is_whole = not any(row <= table.header_row for row in stopped)
    rows = tuple(row for row in reading.rows if row.number not in stopped) if is_whole else ()
    return ClassList(table, columns, proposed, rows, _in_order(findings), tuple(reading.not_passed))


def read_class_table(received: bytes, type_id: str, mapping: Mapping[str, str], choices: Choices) -> Table:
    """Return the table of a class list (1); arguments and errors as with `read_class_list`."""
    names, named = columns_of(type_id), {folded(header) for header in mapping}
    table = read_list(received, choices, known=lambda text: names.knows(text) or folded(text) in named)
    if len(table.rows) > MAX_CLASS_ROWS:
        raise TableError(
            f"expected at most {MAX_CLASS_ROWS} rows, found {len(table.rows)}",
            hint="divide the list by class or year",
            fault=TableFault.TOO_LARGE,
        )
    return table


class _Reading:
    """The rows of one list, as they are read."""

    def __init__(
        self,
        table: Table,
        kind: CredentialType,
        columns: Mapping[str, int],
        settings: ClassSettings,
        answers: Mapping[str, str],
        at: date,
    ) -> None:
        self.rows: list[ClassRow] = []
        self.findings: list[CellFinding] = []
        self.not_passed: list[int] = []
        self._table = table
        self._kind = kind
        self._columns = columns
        self._settings = settings
        self._answers = answers
        self._at = at
        self._untold = set(_brought(columns, settings))  # what is empty here is told row by row

    def read(self) -> None:
        """Read every row."""
        for_all = self._for_all()
        mistakes = 0
        for number, texts in texts_of(self._table, self._columns, self.findings):
            count = len(self.findings)
            if not self._has_passed(number, texts):
                continue
            claim = {**for_all, **self._values(number, texts)}
            if not any(stops(finding) for finding in self.findings[count:]):
                self._keep(number, claim, self._contact(number, texts))
            mistakes += sum(stops(finding) for finding in self.findings[count:])
            if mistakes > MAX_MISTAKES:
                message = f"found more than {MAX_MISTAKES} mistakes down to here; the rows below were not looked at"
                self._add(Severity.ERROR, 0, "", message, "correct these first", "mistakes")
                return

    def compared(self) -> Iterator[CellFinding]:
        """Yield what stands out where rows are compared."""
        numbers: dict[str, int] = {}
        near: dict[str, int] = {}
        absent = self._kind.attribute(NAMES[1]).absent if NAMES[1] in self._kind.attr_names else None
        none_given = None if absent is None else absent.raw
        persons: dict[tuple[str, ...], int] = {}
        for row in self.rows:
            given = folded(row.claim.get(NUMBER, ""))
            if given and (first := numbers.setdefault(given, row.number)) != row.number:
                yield self._finding(
                    Severity.ERROR, row.number, NUMBER, f"found the number of row {first} again",
                    "give each award a number of its own, or leave one of the rows out", "number-twice",
                )  # fmt: skip
            elif given and (other := near.setdefault(without_zeros(given), row.number)) != row.number:
                message = f"found a number that differs from that of row {other} in zeros alone: is it the same?"
                yield self._asked_of(NEAR_NUMBERS, row.number, NUMBER, message)
            if given and has_no_digit(given):
                message = f"found {row.claim[NUMBER][:40]!r}: is it the number of a certificate?"
                yield self._asked_of(ODD_NUMBERS, row.number, NUMBER, message)
            for name, attribute, message in doubts_about(row.claim, family=NAMES[0], given=NAMES[1], absent=none_given):
                yield self._asked_of(name, row.number, attribute, message)
            person = tuple(
                folded(row.claim.get(name, ""))
                for name in (*NAMES, "birth_date", self._kind.about, *_level_of(self._kind))
            )
            if (first := persons.setdefault(person, row.number)) != row.number:
                message = f"the row names the same person and the same award as row {first}: is it one award, twice?"
                yield question(_SAME_PERSON, self._answers, row.number, None, message)

    def _asked_of(self, name: str, row: int, attribute: str, message: str) -> CellFinding:
        """Return a question about what a row has for an attribute, at its cell if there is one."""
        position = self._columns.get(attribute, self._columns.get(FULL_NAME) if attribute in NAMES else None)
        finding = question(name, self._answers, row, position, message)
        return finding if position is None else replace(finding, column=self._table.headers[position])

    def _asked(self, finding: CellFinding) -> None:
        """Take a question about a cell, with the header of its column."""
        position = finding.position
        self.findings.append(finding if position is None else replace(finding, column=self._table.headers[position]))

    def _for_all(self) -> dict[str, str]:
        """Return the values that hold for every row."""
        framework = self._settings.for_all.get("framework")
        claim: dict[str, str] = {}
        for name, text in self._settings.for_all.items():
            if name not in self._kind.attr_names or self._kind.attribute(name).computed is not None:
                continue  # `_missing` has told it
            try:
                claim[name] = self._value(self._kind.attribute(name), text, framework)
            except ValueProblem as problem:
                self._add(Severity.ERROR, 0, name, problem.message, problem.fix, f"value-{name}", problem.cause)
                self._untold.discard(name)
        return claim

    def _has_passed(self, number: int, texts: Mapping[str, str]) -> bool:
        """Return whether a row is about somebody who passed, as far as the list says; else it is left out or asked."""
        if RESULT not in self._columns:
            return True
        if RESULT not in texts:
            message, fix = "found nothing where the others say who has passed", "write the result"
            self._add(Severity.ERROR, number, RESULT, message, fix, "value-result", "no_result")
            return True
        try:
            result = result_of(texts[RESULT], self._settings.results)
        except ValueProblem as problem:
            self._add(Severity.ERROR, number, RESULT, problem.message, problem.fix, "value-result")
            return True
        if result is Result.PASSED:
            return True
        message = f"found {texts[RESULT][:40]!r}: this person did not pass"
        self._asked(question(_NOT_PASSED, self._answers, number, self._columns[RESULT], message))
        if _NOT_PASSED in self._answers:
            self.not_passed.append(number)
        return False

    def _values(self, number: int, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the values of a row, where its cells hold any."""
        claim: dict[str, str] = {}
        if FULL_NAME in texts and not any(name in texts for name in NAMES):
            family, given, told = divided(texts[FULL_NAME], self._answers, number, self._columns[FULL_NAME])
            claim = {"family_name": family} | ({"given_names": given} if given else {})
            if told is not None:
                self._asked(told)
        framework = self._framework(number, texts)
        for name, text in texts.items():
            if name in (FULL_NAME, RESULT, *CONTACTS):
                continue
            try:
                claim[name] = self._value(self._kind.attribute(name), text, framework)
            except ValueProblem as problem:
                self._add(Severity.ERROR, number, name, problem.message, problem.fix, f"value-{name}", problem.cause)
        return claim

    def _contact(self, number: int, texts: Mapping[str, str]) -> dict[str, str]:
        """Return how the person of a row is reached; what cannot be read is told, and left out."""
        contact: dict[str, str] = {}
        for name in CONTACTS:
            if name not in texts:
                continue
            try:
                contact[name] = contact_of(name, texts[name])
            except ValueProblem as problem:
                self._add(Severity.WARNING, number, name, problem.message, problem.fix, f"value-{name}")
        return contact

    def _framework(self, number: int, texts: Mapping[str, str]) -> str | None:
        """Return the framework of a row, so far as the row or the settings say it."""
        text = texts.get("framework", self._settings.for_all.get("framework"))
        if text is None or "framework" not in self._kind.attr_names:
            return None
        try:
            return self._value(self._kind.attribute("framework"), text, None)
        except ValueProblem:  # its own cell tells it
            return None

    def _value(self, attribute: Attribute, text: str, framework: str | None) -> str:
        return value_of(attribute, text, order=self._settings.day_order, framework=framework)

    def _keep(self, number: int, claim: dict[str, str], contact: Mapping[str, str]) -> None:
        """Keep a row whose cells could be read, if they are a claim (4)."""
        if NUMBER not in claim and self._settings.makes_numbers:
            checked = {**claim, NUMBER: self._kind.attribute(NUMBER).example}
        else:
            checked = claim
        try:
            plain = validate_claim(self._kind, checked, at=self._at).plain
        except ClaimError as err:
            for finding in err.findings:
                if finding.found == "nothing" and finding.attribute not in self._untold:
                    continue  # it was told once for all rows
                name, kind = finding.attribute, f"claim-{finding.attribute}"
                if finding.found == "nothing":
                    message = f"expected {str(self._kind.attribute(name).label)!r}, found an empty cell"
                    self._add(Severity.ERROR, number, name, message, "fill it in", kind, "empty")
                else:
                    message = f"expected {finding.expected}, found {finding.found}"
                    self._add(Severity.ERROR, number, name, message, "correct it", kind)
            return
        if NUMBER not in claim and self._settings.makes_numbers:
            plain.pop(NUMBER, None)
        self.rows.append(ClassRow(number, plain, contact))

    def _add(
        self, severity: Severity, row: int, column: str, message: str, fix: str, kind: str, cause: str = ""
    ) -> None:
        self.findings.append(self._finding(severity, row, column, message, fix, kind, cause))

    def _finding(
        self, severity: Severity, row: int, column: str, message: str, fix: str, kind: str, cause: str = ""
    ) -> CellFinding:
        header = header_of(self._table, self._columns, column) if column else ""
        return CellFinding(severity, row, header, message, fix, kind, self._columns.get(column), cause=cause)


def _missing(
    table: Table, kind: CredentialType, columns: Mapping[str, int], settings: ClassSettings
) -> Iterator[CellFinding]:
    """Yield what the type needs and nothing brings, and what is brought twice or cannot hold for all rows (2)."""
    by_name = {attribute.name: attribute for attribute in kind.claimed}
    for name in settings.for_all:
        message, fix = None, "leave it out"
        if name not in by_name:
            message, fix = f"found a value for all rows for {name[:40]!r}", f"there are: {', '.join(by_name)}"
        elif name in columns:
            message = "found a value for all rows beside a column of the list"
        elif name in OWN:
            message = "found a value for all rows that is each person's own"
        if message is not None:
            yield CellFinding(Severity.ERROR, 0, name, message, fix, "for-all")
    brought = _brought(columns, settings)
    for name, attribute in by_name.items():
        if attribute.absent is None and name not in brought:
            fix = f"add the column, or map a header with --map 'HEADER={name}'"
            if name not in OWN:
                fix += ", or give one value for all rows"
            message = f"the list has no column for {str(attribute.label)!r}"
            yield CellFinding(Severity.ERROR, table.header_row, name, message, fix, "column-missing")


def _brought(columns: Mapping[str, int], settings: ClassSettings) -> set[str]:
    """Return the attributes that a list and its settings have something for."""
    names = {*columns, *settings.for_all}
    return names | (set(NAMES) if FULL_NAME in columns else set()) | ({NUMBER} if settings.makes_numbers else set())


def _told_once(findings: Sequence[CellFinding]) -> list[CellFinding]:
    """Return findings without what only follows from another one at the same cell: that its value does not fit."""
    wrong = {
        (finding.row, finding.position)
        for finding in findings
        if stops(finding) and finding.position is not None and not finding.kind.startswith("claim-")
    }
    return [
        finding
        for finding in findings
        if not (finding.kind.startswith("claim-") and (finding.row, finding.position) in wrong)
    ]


def _level_of(kind: CredentialType) -> Sequence[str]:
    return () if kind.level is None else (kind.level.name,)


def _in_order(findings: Sequence[CellFinding]) -> tuple[CellFinding, ...]:
    order: dict[str, Any] = {"error": 0, "question": 1, "warning": 2}
    return tuple(sorted(findings, key=lambda told: (order[told.word], told.row, told.position or 0)))
