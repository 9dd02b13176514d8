"""Class lists at the console: uploaded, looked at cell by cell, what its columns mean, and a batch of what is ready.

Nothing is issued before a batch of it was made and started. What the page says of the list is what the batch is made
of: its digest, and the numbers of the rows that are left out, go along with the form.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup
from pydantic import ValidationError

from wanderbuch.agents.issuer.batch_records.batch import Access, SameListError
from wanderbuch.agents.issuer.batches.batch_desk import ListChangedError, ListNotReadyError
from wanderbuch.agents.issuer.batches.batch_plan import FACTS, BatchPlan
from wanderbuch.agents.issuer.class_list.columns import FULL_NAME, RESULT
from wanderbuch.agents.issuer.class_list.contacts import CONTACTS
from wanderbuch.agents.issuer.class_list.listed import NAMES, NUMBER, OWN, ClassList, stops
from wanderbuch.agents.issuer.class_list.results import result_of
from wanderbuch.agents.issuer.console.claim_form import ClaimForm, read_some, some_lines
from wanderbuch.agents.issuer.console.claim_view import label_of
from wanderbuch.agents.issuer.console.list_causes import ClassListCauses
from wanderbuch.agents.issuer.console.pages import ConsolePages, ConsoleVisit
from wanderbuch.agents.issuer.console.uploads import MAX_WORD, ClassUpload, SaidOfClass
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.list_causes import said_of_file, unread
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.importing.headers import IGNORED
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.table import CellFinding, TableError, column_letters
from wanderbuch.schemas.credential_type import CredentialType
from wanderbuch.store.errors import NotFoundError

MONTHS: Final = (1, 3, 6, 12, 24)
_SHOWN: Final = 200
_EXAMPLES: Final = 2
_MOST_RESULTS: Final = 12
_MONTH: Final = timedelta(days=31)
_MAX_TITLE: Final = 200

type ShownCause = Mapping[str, str]
"""Where something was found, and what is said of it."""


class ConsoleLists:
    """The handlers of class lists.

    Args:
        console: its pages.
    """

    def __init__(self, console: ConsolePages) -> None:
        self._console = console

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, place = self._console.served, f"{self._console.base}/lists"
        return {
            ("GET", place): served(self._every),
            ("POST", place): served(self._upload, takes_file=True),
            ("GET", f"{place}/{{id}}"): served(self._show),
            ("POST", f"{place}/{{id}}"): served(self._say),
            ("POST", f"{place}/{{id}}/batch"): served(self._batch),
            ("POST", f"{place}/{{id}}/remove"): served(self._remove),
        }

    async def _every(
        self, visit: ConsoleVisit, *, err: WanderbuchError | None = None, status: int = 200
    ) -> web.StreamResponse:
        visit.must_issue()
        uploads = await visit.office.console.uploads.all()
        return self._console.show(
            visit, "console_lists.html", status=status, uploads=uploads, err=err, unread=_unread(err, visit)
        )

    async def _upload(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        try:
            content = base64.b64decode(visit.sent.get("list", ""), validate=True)
        except ValueError as err:
            raise MalformedError("expected a file") from err
        if not content:
            raise MalformedError("expected a file that is not empty")
        office = visit.office
        try:
            uploaded = await office.console.uploads.upload(
                office.standing.credential_type.id, visit.sent.get("list.name", ""), content, by=visit.person.id
            )
        except TableError as err:
            return await self._every(visit, err=err, status=422)
        return visit.go(f"/lists/{uploaded.id}")

    async def _show(
        self,
        visit: ConsoleVisit,
        *,
        err: WanderbuchError | None = None,
        form: ClaimForm | None = None,
        status: int = 200,
    ) -> web.StreamResponse:
        visit.must_issue()
        office, kind = visit.office, visit.office.standing.credential_type
        uploaded = await office.console.uploads.get(visit.named)
        try:
            listed = await _read(visit, uploaded)
        except TableError as failure:  # with what was said of it, such as a row of headers that is none
            return self._console.show(
                visit,
                "console_list.html",
                status=status,
                uploaded=uploaded,
                listed=None,
                said=uploaded.said,
                ways=failure,
                err=err or failure,
                unread=_unread(err or failure, visit),
            )
        names, causes = _names(kind, visit), ClassListCauses(kind, listed.table, visit.words)
        return self._console.show(
            visit,
            "console_list.html",
            status=status,
            uploaded=uploaded,
            said=uploaded.said,
            err=err,
            unread=_unread(err, visit),
            same=err.members["batch"] if isinstance(err, SameListError) else "",
            listed=listed,
            rows=len(listed.table.rows),
            about_all=[
                _shown(one, causes, names)
                for one in listed.findings
                if stops(one) and one.row <= listed.table.header_row
            ],
            look_at=_look_at(listed, causes),
            noticed=[(one.row, _shown(one, causes)) for one in listed.findings if not stops(one)][:_SHOWN],
            questions=_questions(listed, uploaded.said, causes),
            columns=_columns(listed, uploaded.said),
            names=names.items(),
            form=form or some_lines(kind, _missing(kind, listed), uploaded.said.for_all, visit.words),
            results=_results(listed, uploaded.said),
            asks_numbers=NUMBER not in listed.columns,
            orders=[order.value for order in DayOrder],
            facts=[name for name in FACTS if name in kind.attr_names],
            months=MONTHS,
            filled={name: visit.text(name)[:_MAX_TITLE] for name in ("title", "access", "fact", "months")},
            leave_out=",".join(map(str, listed.to_look_at)),
        )

    async def _say(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        office, kind = visit.office, visit.office.standing.credential_type
        names = [name for name in visit.sent.getall("for_all", []) if name in kind.attr_names and name not in OWN]
        form = read_some(kind, names, visit.sent, visit.words)
        said = _said(visit, form)
        try:
            await office.console.uploads.say(kind.id, visit.named, said, opens=bool(visit.text("opens")))
        except TableError as err:
            return await self._show(visit, err=err, status=422)
        if not form.is_whole:
            return await self._show(visit, form=form, status=422)
        return visit.go(f"/lists/{visit.named}")

    async def _batch(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        office, batch_id = visit.office, visit.own_id("batch")
        if await office.batches.find(batch_id) is None:
            try:
                uploaded = await office.console.uploads.get(visit.named)
                listed = await _read(visit, uploaded)
                await office.batches.make(
                    listed, office.standing.credential_type, _plan(visit), batch_id, by=visit.person.id
                )
            except NotFoundError:
                if await office.batches.find(batch_id) is None:  # else the same form made it just now
                    raise
            except (ListNotReadyError, ListChangedError, SameListError, NumberTakenError) as err:
                return await self._show(visit, err=err, status=409)
        await office.console.uploads.remove(visit.named)  # the batch has what was ready
        return visit.go(f"/batch/{batch_id}")

    async def _remove(self, visit: ConsoleVisit) -> web.StreamResponse:
        visit.must_issue()
        await visit.office.console.uploads.remove(visit.named)
        return visit.go("/lists")


async def _read(visit: ConsoleVisit, uploaded: ClassUpload) -> ClassList:
    office = visit.office
    numbers, at = office.batches.claiming.numbers, office.tenant.clock()
    return await office.console.uploads.read(office.standing, numbers, uploaded, at=at)


def _unread(err: WanderbuchError | None, visit: ConsoleVisit) -> Markup | None:
    """Return why a list cannot be read at all; None: that is not what is wrong."""
    return unread(err, visit.words) if isinstance(err, TableError) else None


def _plan(visit: ConsoleVisit) -> BatchPlan:
    """Return how the slips are given out, as the form says."""
    title, access, months = visit.text("title"), visit.text("access"), visit.text("months")
    if not 0 < len(title) <= _MAX_TITLE:
        raise MalformedError("expected a title")
    if access not in {known.value for known in Access}:
        raise MalformedError("choose what the person shows beside the slip")
    if months not in map(str, MONTHS):
        raise MalformedError("expected one of the times that the page offers")
    numbers = visit.text("leave_out") if visit.text("leaves_out") else ""
    if not all(number.isascii() and number.isdecimal() and len(number) < 8 for number in numbers.split(",") if number):
        raise MalformedError("expected the rows that the page showed")
    return BatchPlan(
        title=title,
        access=Access(access),
        fact=(visit.text("fact") or None) if access == Access.FACT.value else None,
        claim_until=visit.office.tenant.clock() + int(months) * _MONTH,
        leave_out=frozenset(int(number) for number in numbers.split(",") if number),
        digest=visit.text("digest")[:64],
        again=bool(visit.text("again")),
    )


def _said(visit: ConsoleVisit, form: ClaimForm) -> SaidOfClass:
    sent = visit.sent
    meant = {name.removeprefix("meant."): column for name, column in sent.items() if name.startswith("meant.")}
    answers = {name.removeprefix("answer."): answer for name, answer in sent.items() if name.startswith("answer.")}
    words, means = sent.getall("result_word", []), sent.getall("result_means", [])
    told: dict[str, Any] = {
        "mapping": {at: column for at, column in meant.items() if column},
        "for_all": form.claim,
        "answers": {name: answer for name, answer in answers.items() if _is_answer(name, answer)},
        "results": {word: meaning for word, meaning in zip(words, means, strict=False) if meaning},
        "day_order": visit.text("day_order") or DayOrder.REFUSE.value,
        "makes_numbers": bool(visit.text("makes_numbers")),
        **said_of_file(visit.sent),
    }
    known = {IGNORED, FULL_NAME, RESULT, *CONTACTS, *visit.office.standing.credential_type.attr_names}
    if strange := [column for column in told["mapping"].values() if column not in known]:
        raise MalformedError(f"expected a column that there is, found {strange[0][:40]!r}")
    try:
        return SaidOfClass.model_validate(told)
    except ValidationError as err:
        raise MalformedError("what was said of the list cannot be read") from err


def _is_answer(name: str, answer: str) -> bool:
    return bool(answer) and name in QUESTIONS and answer in QUESTIONS[name].answers


def _look_at(listed: ClassList, causes: ClassListCauses) -> list[tuple[int, list[ShownCause]]]:
    """Return the rows to look at, each with what is wrong with it."""
    wanted = listed.to_look_at[:_SHOWN]
    told: dict[int, list[ShownCause]] = {number: [] for number in wanted}
    for finding in listed.findings:
        if stops(finding) and finding.row in told:
            told[finding.row].append(_shown(finding, causes))
    return [(number, why) for number, why in told.items() if why]  # the others wait for what is above all rows


def _shown(
    finding: CellFinding, causes: ClassListCauses, names: Mapping[str, Markup] = MappingProxyType({})
) -> ShownCause:
    """Return a finding for people.

    Args:
        finding: what was found.
        causes: say it.
        names: of the columns that there are, in the reader's words: a list that lacks one has no header for it.
    """
    letters = "" if finding.position is None else column_letters(finding.position)
    column = names[finding.column].striptags() if finding.column in names else finding.column
    return {"place": " ".join((letters, column)).strip(), "said": causes.sentence(finding)}


def _questions(
    listed: ClassList, said: SaidOfClass, causes: ClassListCauses
) -> list[tuple[str, Markup, Mapping[str, Markup], str]]:
    """Return the questions that are open or were answered: name, what it is about, answers, the one given."""
    names = dict.fromkeys((*said.answers, *(one.kind for one in listed.findings if one.word == "question")))
    return [
        (name, causes.asked(name), causes.replies(name), said.answers.get(name, ""))
        for name in names
        if name in QUESTIONS
    ]


def _columns(listed: ClassList, said: SaidOfClass) -> list[dict[str, Any]]:
    """Return each column that has a header, with what it means and examples of what it holds."""
    table, meant = listed.table, {position: name for name, position in listed.columns.items()}
    shown = []
    for position, header in enumerate(table.headers):
        if not header:
            continue
        cells = [row.cells[position] for row in table.rows if position < len(row.cells) and row.cells[position]]
        letters = column_letters(position)
        told = said.mapping.get(f"column {letters}", said.mapping.get(header))
        shown.append(
            {
                "at": f"column {letters}",
                "letters": letters,
                "header": header,
                "meant": told or meant.get(position) or listed.proposed.get(header) or "",
                "is_sure": position in meant or told is not None,
                "examples": list(dict.fromkeys(cells))[:_EXAMPLES],
            }
        )
    return shown


def _names(kind: CredentialType, visit: ConsoleVisit) -> dict[str, Markup]:
    """Return the columns that there are, in the reader's words."""
    own = {attribute.name: label_of(attribute, kind, visit.words) for attribute in kind.claimed}
    contacts = {name: visit.words(f"console.{name}") for name in CONTACTS}
    return {**own, FULL_NAME: visit.words("claim.full_name"), RESULT: visit.words("claim.result"), **contacts}


def _missing(kind: CredentialType, listed: ClassList) -> Sequence[str]:
    """Return what no column brings, and may hold for everybody."""
    brought = {*listed.columns, *(NAMES if FULL_NAME in listed.columns else ())}
    return [attribute.name for attribute in kind.claimed if attribute.name not in brought and attribute.name not in OWN]


def _results(listed: ClassList, said: SaidOfClass) -> list[tuple[str, str]]:
    """Return the list's words for results that are not known, or were explained, with what they mean."""
    words = dict.fromkeys(said.results)
    position = listed.columns.get(RESULT)
    if position is not None:
        for row in listed.table.rows:
            cell = row.cells[position] if position < len(row.cells) else ""
            if not 0 < len(cell) <= MAX_WORD or cell in words or len(words) >= _MOST_RESULTS:
                continue
            try:
                result_of(cell, {})
            except ValueProblem:
                words[cell] = None
    return [(word, said.results[word].value if word in said.results else "") for word in words]
