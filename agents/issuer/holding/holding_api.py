"""Superseding, and what workers say is wrong, over REST."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Protocol

from pydantic import Field

from wanderbuch.agents.issuer.holding.report import HolderReport, ReportState
from wanderbuch.agents.issuer.holding.reports import Reports
from wanderbuch.agents.issuer.holding.successor import Successor, SuccessorState, Why
from wanderbuch.agents.issuer.holding.superseding import Superseding
from wanderbuch.agents.issuer.typed_claims import TypedClaim
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.plugins.exchange.wrong import WrongPart
from wanderbuch.store.errors import NotFoundError


class HoldingWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def superseding(self) -> Superseding:
        """Return what sees to one valid holding."""

    @property
    def reports(self) -> Reports:
        """Return what workers say is wrong."""


class Supersede(ApiModel):
    """What is to take a credential's place, and why.

    `claim` is the whole of it, attribute -> value; left out, it is the same again or, for wrong-level and fraud,
    nothing.
    """

    why: Why
    claim: Annotated[TypedClaim, Field(max_length=64)] | None = None


class SuccessorOut(ApiModel):
    """What takes the place of a credential.

    `offer` is the last one in its place, `past` are those before. `until` is when the old credential is revoked at the
    latest (a renewal lapses then); null: it is revoked already, or nothing was offered yet.
    """

    id: str
    why: Why
    state: SuccessorState
    offer: str | None
    past: list[str]
    until: datetime | None


class ReportOut(ApiModel):
    """What a worker says is wrong with a certificate.

    `id` is the offer's, which has what the certificate says. `text` is in the worker's words, as long as the report is
    open. `next_steps` are what may
    be done: reasons to supersede; correct (the row, or a new offer) and withdraw where no wallet has the credential.
    """

    id: str
    state: ReportState
    what: list[WrongPart]
    text: str
    said_at: datetime
    times: int
    next_steps: list[str]
    closed_by: str | None


class ReportsOut(ApiModel):
    """Reports, the newest first; `next_cursor` is null where the list ends."""

    items: list[ReportOut]
    next_cursor: str | None


async def _begin(office: HoldingWork, call: Call[Supersede]) -> SuccessorOut:
    body = call.body
    return successor_view(await office.superseding.begin(call.path["id"], body.why, body.claim, by=manager(call)))


async def _show(office: HoldingWork, call: Call[None]) -> SuccessorOut:
    successor = await office.superseding.find(call.path["id"])
    if successor is None:
        raise NotFoundError("nothing takes the place of this credential")
    return successor_view(successor)


async def _again(office: HoldingWork, call: Call[None]) -> SuccessorOut:
    return successor_view(await office.superseding.again(call.path["id"], by=manager(call)))


async def _drop(office: HoldingWork, call: Call[None]) -> SuccessorOut:
    return successor_view(await office.superseding.drop(call.path["id"], by=manager(call)))


async def _reports(office: HoldingWork, call: Call[None]) -> ReportsOut:
    asked, text = asked_part(call.query), call.query.get("state")
    if text is not None and text not in [state.value for state in ReportState]:
        raise MalformedError("unknown state; allowed: OPEN, CLOSED")
    state = None if text is None else ReportState(text)
    page = await office.reports.page(state, limit=asked.limit, cursor=asked.cursor)
    return ReportsOut(items=[report_view(report) for report in page.items], next_cursor=page.next_cursor)


async def _close(office: HoldingWork, call: Call[None]) -> ReportOut:
    return report_view(await office.reports.close(call.path["id"], by=manager(call)))


HOLDING_ROUTES: Final[Sequence[Route]] = (
    post(
        "/credentials/{id}/supersede",
        _begin,
        body=Supersede,
        result=SuccessorOut,
        summary="Put another credential in the place of one: lost phone, correction, renewal, wrong person, fraud",
    ),
    get("/credentials/{id}/successor", _show, result=SuccessorOut, summary="Show what takes a credential's place"),
    post("/credentials/{id}/successor/again", _again, result=SuccessorOut, summary="Offer the new one once more"),
    post("/credentials/{id}/successor/drop", _drop, result=SuccessorOut, summary="Let the old credential stand"),
    get("/reports", _reports, result=ReportsOut, summary="List what workers say is wrong", query=("state", *LISTED)),
    post("/reports/{id}/close", _close, result=ReportOut, summary="Note that somebody saw to a report"),
)


def successor_view(successor: Successor) -> SuccessorOut:
    """Return a successor as the API shows it: without its claim, which the offer has."""
    return SuccessorOut(
        id=successor.id,
        why=successor.why,
        state=successor.state,
        offer=successor.next_id,
        past=list(successor.past),
        until=successor.until,
    )


def report_view(report: HolderReport) -> ReportOut:
    """Return a report as the API shows it."""
    return ReportOut(
        id=report.id,
        state=report.state,
        what=list(report.what),
        text=report.text,
        said_at=report.said_at,
        times=report.times,
        next_steps=list(report.next_steps),
        closed_by=report.closed_by,
    )
