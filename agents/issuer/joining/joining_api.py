"""The routes by which a centre checks in, applies, and sees what it may issue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from pydantic import Field

from wanderbuch.agents.issuer.joining.joining import Joining, JoiningState, JoiningView
from wanderbuch.agents.issuer.models import AccreditationOut, accreditation_view
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.applicant import ApplicantIn
from wanderbuch.agents.runtime.own_applications import ApplicationStanding, OwnApplication
from wanderbuch.governance.signed.application import IssuerWants, WantedScope


class JoiningWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def name(self) -> str:
        """Return what the issuer is called."""

    @property
    def joining(self) -> Joining:
        """Return how it joins."""


class CheckIn(ApplicantIn):
    """The code of the authority's letter, and who checks in. `name` is by default that of the tenant."""

    code: str = Field(min_length=1, max_length=100)


class IssuerApplication(ApplicantIn):
    """Who applies without a code, and for what; `scopes` is empty where only what it signs with has changed."""

    scopes: list[WantedScope] = Field(default=[], max_length=12)


class JoiningAnswer(ApiModel):
    """An answer to what the authority asked back; `scopes` only where they change."""

    answer: str = Field(min_length=1, max_length=2000)
    scopes: list[WantedScope] | None = Field(default=None, min_length=1, max_length=12)


class JoiningApplicationOut(ApiModel):
    """An application, and how it stands at the authority; null: it has not been reached yet."""

    id: str
    made_at: datetime
    revision: int
    is_check_in: bool
    standing: ApplicationStanding | None

    @classmethod
    def of(cls, own: OwnApplication) -> "JoiningApplicationOut":
        """Return an application for the wire."""
        wants = own.application.wants
        return cls(
            id=own.id,
            made_at=own.application.made_at,
            revision=own.application.revision,
            is_check_in=isinstance(wants, IssuerWants) and wants.invitation is not None,
            standing=own.standing,
        )


class JoiningOut(ApiModel):
    """How a centre stands: whether it may issue now, and what, by the governance file as it is known here."""

    state: JoiningState
    says: str = Field(description="the same in a sentence, for people")
    sources: list[str]
    may_issue: list[AccreditationOut]
    application: JoiningApplicationOut | None

    @classmethod
    def of(cls, view: JoiningView) -> "JoiningOut":
        """Return it for the wire."""
        cred_def_id = view.sources[0].partition(":")[2] if view.sources else None
        return cls(
            state=view.state,
            says=_SAYS[view.state],
            sources=list(view.sources),
            may_issue=[accreditation_view(one, cred_def_id) for one in view.may_issue],
            application=None if view.application is None else JoiningApplicationOut.of(view.application),
        )


_SAYS: Final = {
    JoiningState.NOT_READY: "What you sign with is being made; look again in a while.",
    JoiningState.NOT_JOINED: "You are not connected to the authority: check in with the code of its letter, or apply.",
    JoiningState.WAITS: "The authority has what you sent; two officials look at it. You need not do anything.",
    JoiningState.ASKED_BACK: "The authority has asked you something: answer it.",
    JoiningState.REFUSED: "The authority has refused; its reason and whom to appeal to stand beside.",
    JoiningState.MAY_ISSUE: "You may issue now; what for stands beside.",
}


async def _show(office: JoiningWork, _: Call[None]) -> JoiningOut:
    return JoiningOut.of(await office.joining.view())


async def _look(office: JoiningWork, _: Call[None]) -> JoiningOut:
    return JoiningOut.of(await office.joining.look())


async def _check_in(office: JoiningWork, call: Call[CheckIn]) -> JoiningOut:
    if call.once is None or not call.once.is_done:  # else the call came again: how it stands now is the answer
        await office.joining.check_in(call.body.code, call.body.told(office.name), application_id=call.new_id)
    return JoiningOut.of(await office.joining.view())


async def _apply(office: JoiningWork, call: Call[IssuerApplication]) -> JoiningOut:
    if call.once is None or not call.once.is_done:
        await office.joining.apply(call.body.told(office.name), call.body.scopes, application_id=call.new_id)
    return JoiningOut.of(await office.joining.view())


async def _answer(office: JoiningWork, call: Call[JoiningAnswer]) -> JoiningOut:
    await office.joining.answer(call.path["id"], call.body.answer, call.body.scopes)
    return JoiningOut.of(await office.joining.view())


JOINING_ROUTES: Final[Sequence[Route]] = (
    get("/joining", _show, result=JoiningOut, summary="Show whether this issuer may issue now, and what"),
    post("/joining/look", _look, result=JoiningOut, summary="Ask the authority how it stands"),
    post(
        "/joining/check-in",
        _check_in,
        body=CheckIn,
        result=JoiningOut,
        status=201,
        summary="Check in with the code of the authority's letter",
        once=True,
    ),
    post(
        "/joining/apply",
        _apply,
        body=IssuerApplication,
        result=JoiningOut,
        status=201,
        summary="Apply without a code, or with what this issuer signs with now",
        once=True,
    ),
    post(
        "/joining/applications/{id}/answer",
        _answer,
        body=JoiningAnswer,
        result=JoiningOut,
        summary="Answer what the authority asked back",
    ),
)
