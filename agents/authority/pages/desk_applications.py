"""Applications at the desk: who wants to ask what and why, how long it has waited, and its steps to a decision."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.authority.intake.case import (
    ApplicationCase,
    ApplicationState,
    GrantedScope,
    ProposedDecision,
    WaitsFor,
)
from wanderbuch.agents.authority.intake.case import waiting as waiting_of
from wanderbuch.agents.authority.pages.desk import BASE, DeskPages, DeskVisit
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.rendering import PageHandler
from wanderbuch.governance.signed.application import IntendedUse, IssuerWants, VerifierWants

_DECIDED_SHOWN: Final = 50
_DAY: Final = timedelta(days=1)


class DeskApplications:
    """The handlers of applications.

    Args:
        desk: lets only officials in, and shows pages.
    """

    def __init__(self, desk: DeskPages) -> None:
        self._desk = desk

    def handlers(self) -> Mapping[tuple[str, str], PageHandler]:
        """Return the handlers by method and path."""
        served = self._desk.served
        return {
            ("GET", f"{BASE}/{{language}}/applications"): served(self._every),
            ("GET", f"{BASE}/{{language}}/application/{{id}}"): served(self._show),
            ("POST", f"{BASE}/{{language}}/application/{{id}}/{{step}}"): served(self._step),
        }

    async def _every(self, visit: DeskVisit) -> web.StreamResponse:
        applications, now = visit.parts.applications, visit.parts.clock()
        decided = await applications.all(state=ApplicationState.DECIDED)
        return self._desk.show(
            visit,
            "desk_applications.html",
            waiting=[(case, _days(case, now)) for case in await applications.open_ones()],
            decided=decided[: -_DECIDED_SHOWN - 1 : -1],
        )

    async def _show(self, visit: DeskVisit) -> web.StreamResponse:
        parts = visit.parts
        case = await parts.applications.get(visit.request.match_info["id"])
        return self._desk.show(
            visit,
            "desk_application.html",
            case=case,
            application=case.application,
            proposed=await parts.applications.content(case),
            invitation=await parts.applications.invitation_of(case),
            draft=await parts.applications.draft_of(case),
            days=_days(case, parts.clock()),
            redress=parts.desk.redress or "",
            names={official.id: official.name for official in await parts.desk.officials.all()},
        )

    async def _step(self, visit: DeskVisit) -> web.StreamResponse:
        """Do what a button of the application's page says."""
        applications, official = visit.parts.applications, visit.official
        case = await applications.get(visit.request.match_info["id"])
        match visit.request.match_info["step"]:
            case "ask-back":
                await applications.ask_back(case.id, official, visit.text("question"), read=_revision(visit))
            case "propose":
                await applications.propose(case.id, official, _proposed(visit, case), read=_revision(visit))
            case "approve":
                digest = visit.text("digest") or None
                await applications.decide(case.id, official, revision=_revision(visit), digest=digest)
            case "reject":
                await applications.reject(case.id, official, visit.text("why"))
            case "reopen":
                await applications.reopen(case.id, official)
            case _:
                raise MalformedError("expected a step of an application")
        return visit.go(f"/application/{case.id}")


def _proposed(visit: DeskVisit, case: ApplicationCase) -> ProposedDecision:
    """Return the decision that the form says: what is ticked of each use is granted."""
    told: dict[str, Any] = {
        "outcome": visit.text("outcome"),
        "reason": visit.text("reason").strip(),
        "redress": visit.text("redress").strip(),
        "ends_on": visit.text("ends_on").strip() or None,
    }
    wants = case.application.wants
    if told["outcome"] == "approve" and isinstance(wants, VerifierWants):
        told["grants"] = list(_granted(visit, wants))
    try:
        if told["outcome"] == "approve" and isinstance(wants, IssuerWants):
            told["accreditations"] = _accredited(visit, wants)
        return ProposedDecision.model_validate(told)
    except ValueError as err:
        raise MalformedError(
            "expected a decision, its reason, whom to appeal to (an address), an end that is a day or empty, and for "
            "each accreditation its number and the address of its decision"
        ) from err


def _accredited(visit: DeskVisit, wants: IssuerWants) -> list[GrantedScope]:
    """Return the scopes that are ticked, with the numbers and decisions that the form gives them."""
    ticked = set(visit.sent.getall("scope", []))
    return [
        GrantedScope(scope=at, number=visit.text(f"number{at}").strip(), decision=visit.text(f"decision{at}").strip())
        for at in range(len(wants.scopes))
        if str(at) in ticked
    ]


def _granted(visit: DeskVisit, wants: VerifierWants) -> list[IntendedUse]:
    grants: list[IntendedUse] = []
    for number, use in enumerate(wants.uses):
        ticked = set(visit.sent.getall(f"use{number}", []))
        attributes = tuple(name for name in use.attributes if name in ticked)
        predicates = tuple(name for name in use.predicates if name in ticked)
        if attributes or predicates:
            grants.append(use.model_copy(update={"attributes": attributes, "predicates": predicates}))
    return grants


def _revision(visit: DeskVisit) -> int:
    text = visit.text("revision")
    if not (text.isascii() and text.isdecimal()):
        raise MalformedError("expected the revision that was read")
    return int(text)


def _days(case: ApplicationCase, now: Any) -> dict[str, int]:
    """Return how many whole days an application has waited, by for whom."""
    waited = waiting_of(case, now)
    return {whom.value: waited[whom] // _DAY for whom in WaitsFor}
