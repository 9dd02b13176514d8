"""The REST API of the intake: officials look at applications, ask back, propose and decide."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import Field

from wanderbuch.agents.authority.intake.case import (
    ApplicationCase,
    ApplicationState,
    AskedBack,
    ProposedDecision,
    WaitsFor,
    waiting,
)
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.work.case import MAX_WHY, Step
from wanderbuch.governance.signed.application import Application

if TYPE_CHECKING:
    from wanderbuch.agents.authority.office import AuthorityOffice

_EDITOR: Final = frozenset({OfficialRole.EDITOR.value})
_APPROVER: Final = frozenset({OfficialRole.APPROVER.value})


class ApplicationOut(ApiModel):
    """An application; `waited_s` says how long it has waited, by for whom."""

    id: str
    applicant: str
    application: Application
    state: ApplicationState
    waits_for_applicant: bool
    revision: int
    digest: str | None
    asked_back: list[AskedBack]
    proposed: ProposedDecision | None
    outcome: str | None
    draft_id: str | None
    waited_s: dict[str, int]
    received_at: datetime
    trail: list[Step]

    @classmethod
    def of(cls, case: ApplicationCase, proposed: ProposedDecision | None, at: datetime) -> Self:
        """Return an application for the wire."""
        waited = waiting(case, at)
        return cls(
            id=case.id,
            applicant=case.applicant,
            application=case.application,
            state=case.state,
            waits_for_applicant=case.open_question is not None,
            revision=case.revision,
            digest=case.digest,
            asked_back=list(case.asked_back),
            proposed=proposed,
            outcome=case.outcome,
            draft_id=case.draft_id,
            waited_s={whom.value: int(waited[whom].total_seconds()) for whom in WaitsFor},
            received_at=case.created_at,
            trail=list(case.trail),
        )


class ApplicationsOut(ApiModel):
    """A part of the applications, the oldest first; `next_cursor` is null where they end."""

    items: list[ApplicationOut]
    next_cursor: str | None


class AskBackIn(ApiModel):
    """A question to the applicant, and the revision that was read."""

    question: str = Field(min_length=1, max_length=MAX_WHY)
    revision: int = Field(ge=0)


class ProposalIn(ApiModel):
    """A decision to propose, and the revision that was read."""

    decision: ProposedDecision
    revision: int = Field(ge=0)


class ApprovalIn(ApiModel):
    """What was read and is approved."""

    revision: int = Field(ge=0)
    digest: str | None = Field(default=None, max_length=100)


class SendBackIn(ApiModel):
    """Why a proposal is sent back to the editors."""

    why: str = Field(min_length=1, max_length=MAX_WHY)


async def _every(office: "AuthorityOffice", call: Call[None]) -> ApplicationsOut:
    text = call.query.get("state")
    if text is not None and text not in {state.value for state in ApplicationState}:
        raise MalformedError(f"expected one of the states {', '.join(state.value for state in ApplicationState)}")
    state, asked = None if text is None else ApplicationState(text), asked_part(call.query)
    page = await office.applications.page(state=state, limit=asked.limit, cursor=asked.cursor)
    return ApplicationsOut(items=[await _out(office, case) for case in page.items], next_cursor=page.next_cursor)


async def _show(office: "AuthorityOffice", call: Call[None]) -> ApplicationOut:
    return await _out(office, await office.applications.get(call.path["id"]))


async def _ask_back(office: "AuthorityOffice", call: Call[AskBackIn]) -> ApplicationOut:
    who = await _who(office, call)
    asked = await office.applications.ask_back(call.path["id"], who, call.body.question, read=call.body.revision)
    return await _out(office, asked)


async def _propose(office: "AuthorityOffice", call: Call[ProposalIn]) -> ApplicationOut:
    who = await _who(office, call)
    proposed = await office.applications.propose(call.path["id"], who, call.body.decision, read=call.body.revision)
    return await _out(office, proposed)


async def _approve(office: "AuthorityOffice", call: Call[ApprovalIn]) -> ApplicationOut:
    who, body = await _who(office, call), call.body
    decided = await office.applications.decide(call.path["id"], who, revision=body.revision, digest=body.digest)
    return await _out(office, decided)


async def _send_back(office: "AuthorityOffice", call: Call[SendBackIn]) -> ApplicationOut:
    who = await _who(office, call)
    return await _out(office, await office.applications.reject(call.path["id"], who, call.body.why))


async def _take_up(office: "AuthorityOffice", call: Call[None]) -> ApplicationOut:
    return await _out(office, await office.applications.reopen(call.path["id"], await _who(office, call)))


async def _out(office: "AuthorityOffice", case: ApplicationCase) -> ApplicationOut:
    return ApplicationOut.of(case, await office.applications.content(case), office.clock())


async def _who(office: "AuthorityOffice", call: Call[Any]) -> Official:
    return await office.desk.officials.get(call.caller.id)


def _step(path: str, handler: Any, summary: str, needs: frozenset[str], body: Any = None) -> Route:
    place = f"/applications/{{id}}/{path}"
    if body is None:
        return post(place, handler, result=ApplicationOut, summary=summary, needs=needs)
    return post(place, handler, body=body, result=ApplicationOut, summary=summary, needs=needs)


APPLICATION_ROUTES: Final[Sequence[Route]] = (
    get(
        "/applications",
        _every,
        result=ApplicationsOut,
        summary="List applications",
        query=("state", *LISTED),
        needs=_EDITOR | _APPROVER,
    ),
    get("/applications/{id}", _show, result=ApplicationOut, summary="Show an application", needs=_EDITOR | _APPROVER),
    _step("ask-back", _ask_back, "Ask the applicant something", _EDITOR, AskBackIn),
    _step("propose", _propose, "Propose a decision on an application", _EDITOR, ProposalIn),
    _step("approve", _approve, "Approve the proposed decision on an application", _APPROVER, ApprovalIn),
    _step("reject", _send_back, "Send a proposed decision back", _APPROVER, SendBackIn),
    _step("reopen", _take_up, "Take an application up again that was sent back", _EDITOR),
)
