"""Lists at the desk: uploaded, looked at cell by cell, what the columns mean, and a draft of what is ready."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup
from pydantic import ValidationError

from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskVisit
from wanderbuch.agents.authority.pages.list_causes import InstitutionCauses
from wanderbuch.agents.authority.uploads import ReadUpload, SaidOfList, place_of_column
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.list_causes import said_of_file, unread
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.governance.importing.columns import COLUMNS
from wanderbuch.governance.importing.dates import DayOrder
from wanderbuch.governance.importing.headers import IGNORED
from wanderbuch.governance.importing.problem import ValueProblem
from wanderbuch.governance.importing.values import status
from wanderbuch.governance.lists.questions import QUESTIONS
from wanderbuch.governance.lists.table import CellFinding, TableError, column_letters
from wanderbuch.schemas.frameworks import frameworks

_SHOWN: Final = 200
_EXAMPLES: Final = 2
_STATUS: Final = "status"
_LONGEST_WORD: Final = 200
_MOST_WORDS: Final = 50


class DeskLists:
    """The handlers of lists.

    Args:
        desk: lets only officials in, and shows pages.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served, place = self._desk.served, f"{BASE}/{{language}}/lists"
        return {
            ("GET", place): served(self._every),
            ("POST", place): served(self._upload, takes_file=True),
            ("GET", f"{place}/{{id}}"): served(self._show),
            ("POST", f"{place}/{{id}}"): served(self._say),
            ("POST", f"{place}/{{id}}/draft"): served(self._draft),
        }

    async def _every(self, visit: DeskVisit) -> web.StreamResponse:
        return await self._all(visit)

    async def _all(self, visit: DeskVisit, *, failure: Markup | None = None) -> web.StreamResponse:
        status = 200 if failure is None else 422
        uploads = await visit.parts.uploads.all()
        return self._desk.show(visit, "desk_lists.html", status=status, uploads=uploads, failure=failure)

    async def _upload(self, visit: DeskVisit) -> web.StreamResponse:
        try:
            content = base64.b64decode(visit.sent.get("list", ""), validate=True)
        except ValueError as err:
            raise MalformedError("expected a file") from err
        if not content:
            raise MalformedError("expected a file that is not empty")
        try:
            uploaded = await visit.parts.uploads.upload(visit.official, visit.sent.get("list.name", ""), content)
        except TableError as err:
            return await self._all(visit, failure=unread(err, visit.words))
        return visit.go(f"/lists/{uploaded.id}")

    async def _show(self, visit: DeskVisit, *, failure: Markup | None = None, status: int = 200) -> web.StreamResponse:
        uploaded = await visit.parts.uploads.get(visit.request.match_info["id"])
        try:
            read = await visit.parts.uploads.read(uploaded)
        except TableError as err:  # with what was said of it, such as a row of headers that is none
            why = failure or unread(err, visit.words)
            return self._desk.show(
                visit,
                "desk_list.html",
                status=status,
                uploaded=uploaded,
                said=uploaded.said,
                failure=why,
                read=None,
                ways=err,
            )
        aside, causes = sorted(read.ready.to_look_at.items()), InstitutionCauses(read.table, visit.words)
        return self._desk.show(
            visit,
            "desk_list.html",
            status=status,
            uploaded=uploaded,
            said=uploaded.said,
            read=read,
            failure=failure,
            columns=_columns(read),
            names=[column.name for column in COLUMNS],
            look_at=[(row, [_shown(one, causes) for one in why]) for row, why in aside[:_SHOWN]],
            about_all=[
                (one.row if one.row > read.table.header_row else 0, _shown(one, causes))
                for one in read.ready.about_all[:_SHOWN]
            ],
            questions=_questions(read, uploaded.said, causes),
            statuses=_statuses(read, uploaded.said),
            frameworks=tuple(frameworks()),
            countries=visit.words.countries,
            orders=[order.value for order in DayOrder],
        )

    async def _say(self, visit: DeskVisit) -> web.StreamResponse:
        uploads, list_id = visit.parts.uploads, visit.request.match_info["id"]
        try:
            await uploads.say(list_id, visit.official, _said(visit), opens=bool(visit.text("opens")))
        except TableError as err:
            return await self._show(visit, failure=unread(err, visit.words), status=422)
        return visit.go(f"/lists/{list_id}")

    async def _draft(self, visit: DeskVisit) -> web.StreamResponse:
        uploads, digest = visit.parts.uploads, visit.text("said")
        draft = await uploads.make_draft(visit.request.match_info["id"], visit.official, said=digest)
        return visit.go(f"/draft/{draft.id}")


def _columns(read: ReadUpload) -> list[dict[str, Any]]:
    """Return each column that has a header, with what it means and examples of what it holds."""
    shown = []
    for position, meant in read.columns.items():
        cells = [row.cells[position] for row in read.table.rows if position < len(row.cells) and row.cells[position]]
        letters = column_letters(position)
        examples = list(dict.fromkeys(cells))[:_EXAMPLES]
        shown.append(
            {"at": place_of_column(position), "letters": letters, "header": read.table.headers[position],
             "meant": meant, "examples": examples}
        )  # fmt: skip
    return shown


def _questions(
    read: ReadUpload, said: SaidOfList, causes: InstitutionCauses
) -> list[tuple[str, Markup, Mapping[str, Markup], str]]:
    """Return the questions that are open or were answered: name, what it is about, answers, the one given."""
    stopping = [*read.ready.about_all, *(one for why in read.ready.to_look_at.values() for one in why)]
    names = dict.fromkeys((*said.answers, *(one.kind for one in stopping if one.question)))
    return [
        (name, causes.asked(name), causes.replies(name), said.answers.get(name, ""))
        for name in names
        if name in QUESTIONS
    ]


def _statuses(read: ReadUpload, said: SaidOfList) -> list[tuple[str, str]]:
    """Return the list's words for a status that are not known, or were explained, with what they mean."""
    words: dict[str, str] = dict(said.statuses)
    position = next((at for at, meant in read.columns.items() if meant == _STATUS), None)
    for row in read.table.rows if position is not None else ():
        cell = row.cells[position] if position is not None and position < len(row.cells) else ""
        if not 0 < len(cell) <= _LONGEST_WORD or cell in words or len(words) >= _MOST_WORDS:
            continue
        try:
            status(cell, {})
        except ValueProblem:
            words[cell] = ""
    return list(words.items())


def _shown(finding: CellFinding, causes: InstitutionCauses) -> dict[str, str]:
    """Return where a finding is, and what it says in the words of the page."""
    letters = "" if finding.position is None else column_letters(finding.position)
    return {"place": " ".join((letters, finding.column)).strip(), "said": causes.sentence(finding)}


def _said(visit: DeskVisit) -> SaidOfList:
    sent = visit.sent
    given = [(name.removeprefix("meant."), column) for name, column in sent.items() if name.startswith("meant.")]
    answers = [(name.removeprefix("answer."), answer) for name, answer in sent.items() if name.startswith("answer.")]
    words, means = sent.getall("status_word", []), sent.getall("status_means", [])
    told: dict[str, Any] = {
        "mapping": {at: column for at, column in given if column},
        "answers": {name: answer for name, answer in answers if answer and _is_answer(name, answer)},
        "framework": visit.text("framework") or None,
        "jurisdictions": tuple(code for code in _texts(sent.getall("jurisdictions", []))),
        "decision": visit.text("decision") or None,
        "redress": visit.text("redress") or None,
        "day_order": visit.text("day_order") or DayOrder.REFUSE.value,
        "fill_down": bool(visit.text("fill_down")),
        "statuses": {word: status for word, status in zip(words, means, strict=False) if status},
        **said_of_file(sent),
    }
    known = {IGNORED, *(column.name for column in COLUMNS)}
    if strange := [column for column in told["mapping"].values() if column not in known]:
        raise MalformedError(f"expected a column that there is, found {strange[0][:40]!r}")
    try:
        return SaidOfList.model_validate(told)
    except ValidationError as err:
        raise MalformedError("what was said of the list cannot be read") from err


def _texts(sent: Sequence[str]) -> list[str]:
    return [text.strip() for text in sent if text.strip()]


def _is_answer(name: str, answer: str) -> bool:
    return name in QUESTIONS and answer in QUESTIONS[name].answers
