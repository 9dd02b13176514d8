"""Class lists over REST: what is sent, and what was read."""

import re
from typing import TYPE_CHECKING, Final

from pydantic import Base64Bytes, Field

from wanderbuch.agents.issuer.class_list.listed import ClassList, ClassSettings
from wanderbuch.agents.issuer.class_list.results import Result
from wanderbuch.agents.issuer.class_list.typed_rows import TypedForAll, TypedRow
from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.table import CellFinding, column_letters

if TYPE_CHECKING:
    from wanderbuch.governance.lists.reading import Choices

_MOST_TOLD: Final = 2000
_SHOWN: Final = 5
_MEMBERS: Final = {
    "--answer": "answers",
    "--dates": "dates",
    "--encoding": "encoding",
    "--header-row": "header_rows",
    "--map": "mapping",
    "--separator": "separator",
    "--sheet": "sheet",
}
_OPTIONS: Final = re.compile("|".join(_MEMBERS))


class ClassListIn(ApiModel):
    """A class list (CSV, .xlsx or .ods) and what the person says about it.

    `list` is the file, in base64. `header_rows` are the first and the last row of the headers. `mapping` is header to
    column, "-" leaves a column out; `for_all` is attribute to what holds for every row. `results` says what the list's
    words for a result mean. With `makes_numbers`, rows without a certificate number get one.
    """

    list: Base64Bytes = Field(min_length=1, max_length=48 * 1024 * 1024)
    encoding: str | None = Field(default=None, max_length=40)
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    sheet: str | None = Field(default=None, max_length=200)
    header_rows: tuple[int, int] | None = None
    answers: dict[str, str] = Field(default_factory=dict, max_length=100)
    mapping: dict[str, str] = Field(default_factory=dict, max_length=200)
    for_all: TypedForAll = Field(default_factory=dict, max_length=100)
    dates: DayOrder = DayOrder.REFUSE
    results: dict[str, Result] = Field(default_factory=dict, max_length=200)
    makes_numbers: bool = False

    def settings(self) -> ClassSettings:
        """Return what is said about the list."""
        return ClassSettings(
            mapping=self.mapping,
            for_all=self.for_all,
            day_order=self.dates,
            results=self.results,
            makes_numbers=self.makes_numbers,
        )

    def choices(self) -> "Choices":
        """Return what is said about the file.

        Raises:
            MalformedError: a question or an answer that there is not, or rows that are none.
        """
        from wanderbuch.governance.lists.reading import Choices  # with the readers of all formats

        for name, answer in self.answers.items():
            if name not in QUESTIONS:
                raise MalformedError(f"expected a question in answers, found {name[:40]!r}")
            if answer not in QUESTIONS[name].answers:
                raise MalformedError(f"expected {' or '.join(QUESTIONS[name].answers)} for {name}")
        if (
            self.header_rows is not None
            and not 1 <= self.header_rows[0] <= self.header_rows[1] < self.header_rows[0] + 5
        ):
            raise MalformedError("expected header_rows as [4, 4] or [4, 5]")
        return Choices(self.encoding, self.separator, self.sheet, self.header_rows, dict(self.answers))


class ClassFinding(ApiModel):
    """One thing to know about the list. `severity` is error, question or warning; `answers` are those of a question.

    `row` is as the spreadsheet counts, 0 is the whole list; `place` is the letters of the column, or null.
    """

    severity: str
    kind: str
    row: int
    place: str | None
    column: str
    message: str
    fix: str
    answers: dict[str, str]


class ClassListOut(ApiModel):
    """What a class list holds.

    `ready` rows can be issued, `to_look_at` have a cause among the findings, `not_passed` are left out. `is_ready` says
    that nothing is left to look at. `digest` stands for the claims that are ready. `preview` shows the first of them.
    """

    is_ready: bool
    rows: int
    ready: int
    to_look_at: list[int]
    not_passed: list[int]
    header_row: int
    sheet: str | None
    columns: dict[str, str]
    proposed: dict[str, str | None]
    digest: str
    preview: list[TypedRow]
    findings: list[ClassFinding]
    more_findings: int

    @classmethod
    def of(cls, listed: ClassList) -> "ClassListOut":
        """Return a list for the wire."""
        headers = listed.table.headers
        return cls(
            is_ready=listed.is_whole and not listed.to_look_at and bool(listed.rows),
            rows=len(listed.table.rows),
            ready=len(listed.rows),
            to_look_at=list(listed.to_look_at),
            not_passed=list(listed.not_passed),
            header_row=listed.table.header_row,
            sheet=listed.table.sheet or None,
            columns={name: headers[position] for name, position in listed.columns.items()},
            proposed=dict(listed.proposed),
            digest=listed.seen_digest,
            preview=[dict(row.claim) for row in listed.rows[:_SHOWN]],
            findings=[_finding(finding) for finding in listed.findings[:_MOST_TOLD]],
            more_findings=max(0, len(listed.findings) - _MOST_TOLD),
        )


def _finding(finding: CellFinding) -> ClassFinding:
    answers = dict(QUESTIONS[finding.kind].answers) if finding.question and finding.kind in QUESTIONS else {}
    is_open = finding.word == "question" and bool(answers)
    return ClassFinding(
        severity=finding.word,
        kind=finding.kind,
        row=finding.row,
        place=None if finding.position is None else column_letters(finding.position),
        column=finding.column,
        message=for_programs(finding.message),
        fix=f"answer {finding.kind} in `answers`" if is_open else for_programs(finding.fix),
        answers=answers if is_open else {},
    )


def for_programs(text: str) -> str:
    """Return a text with the members of the body in place of the options of the command line."""
    return _OPTIONS.sub(lambda match: f"`{_MEMBERS[match[0]]}`", text)
