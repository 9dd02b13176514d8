"""The verifier's REST API: routes.

A route parses, calls the desk, and serialises.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from wanderbuch.agents.runtime.app import Call, Route, get, post
from wanderbuch.agents.runtime.decisions import DecisionOut, GovernanceRefOut
from wanderbuch.agents.runtime.governance_state import GOVERNANCE_ROUTES
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.verifier.models import (
    IdentityOut,
    NewRequest,
    RequestOut,
    Requests,
    RequestState,
    RequestSummary,
    StapleIn,
    StapleOut,
)
from wanderbuch.agents.verifier.role import VerifierOffice
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.trust.exchange import Verification
from wanderbuch.plugins.trust.source import RefreshReport
from wanderbuch.plugins.trust.verifier import NoGovernanceError, OverAskingError
from wanderbuch.store.records import utc_now


class CannotAskError(ResolutionError):
    """Nobody is asked, since no answer could be judged; the problem carries the decision, UNKNOWN, and its reasons."""

    code = "resolution.no_governance"

    def __init__(self, err: NoGovernanceError, report: RefreshReport | None) -> None:
        super().__init__(err.message, hint=err.hint)
        reasons = report.reasons if report and report.reasons else (Reason(err.code, err.message),)
        decision = TrustDecision(Verdict.UNKNOWN, tuple(reasons), None, utc_now())
        self.members = {"decision": DecisionOut.of(decision).model_dump(mode="json")}


async def _ask(office: VerifierOffice, call: Call[NewRequest]) -> RequestOut:
    tenant, told = office.tenant, call.body
    deadline_s = told.deadline_s or office.config.answer_deadline_s
    answer_in = timedelta(seconds=deadline_s)

    async def shorten(url: str) -> str:
        return await tenant.short_links.add(url, lifetime=answer_in)

    try:
        held = await office.desk.ask(
            tenant.profile,
            told.requirement.parsed(),
            did=tenant.did,
            answer_in=answer_in,
            title=tenant.name,
            award_precision=told.award_precision,
            shorten=shorten,
        )
    except NoGovernanceError as err:
        raise CannotAskError(err, office.governance.last_report) from err
    except OverAskingError as err:
        decision = DecisionOut.of(err.decision).model_dump(mode="json")
        raise RefusedError(err.message, members={"decision": decision}, hint=err.hint) from err
    return _shown(held)


async def _show(office: VerifierOffice, call: Call[None]) -> RequestOut:
    return _shown(await office.desk.status(office.tenant.profile, call.path["id"]))


async def _staple(office: VerifierOffice, call: Call[StapleIn]) -> StapleOut:
    issuer, staple = call.body.parsed()
    said = await office.desk.take_staple(office.tenant.profile, call.path["id"], staple, issuer=issuer)
    return StapleOut(issuer=issuer, current=GovernanceRefOut.of(said.ref), fresh_until=said.fresh_until)


async def _every(office: VerifierOffice, call: Call[None]) -> Requests:
    wanted, asked = call.query.get("state"), asked_part(call.query)
    if wanted is not None and wanted not in {state.value for state in RequestState}:
        raise MalformedError(f"expected a state ({', '.join(state.value for state in RequestState)})")
    states = None if wanted is None else RequestState(wanted).meant
    page = await office.desk.page(office.tenant.profile, states=states, limit=asked.limit, cursor=asked.cursor)
    return Requests(items=[RequestSummary.of(held) for held in page.items], next_cursor=page.next_cursor)


async def _forget(office: VerifierOffice, call: Call[None]) -> RequestOut:
    return _shown(await office.desk.forget(office.tenant.profile, call.path["id"]))


async def _identity(office: VerifierOffice, call: Call[None]) -> IdentityOut:
    return IdentityOut(did=office.tenant.did, name=office.tenant.name)


def _shown(held: Verification) -> RequestOut:
    return RequestOut.shown(held, qr_svg=qr_svg(held.short_url or held.invitation_url))


VERIFIER_ROUTES: Final[Sequence[Route]] = (
    post("/requests", _ask, body=NewRequest, result=RequestOut, status=201, summary="Put a question"),
    get("/requests", _every, result=Requests, summary="List the requests", query=("state", *LISTED)),
    get("/requests/{id}", _show, result=RequestOut, summary="Show a request and its decision"),
    post(
        "/requests/{id}/staple",
        _staple,
        body=StapleIn,
        result=StapleOut,
        summary="Hand over an issuer's own standing for this request",
    ),
    post("/requests/{id}/forget", _forget, result=RequestOut, summary="Forget the values that were seen"),
    get("/identity", _identity, result=IdentityOut, summary="Show who asks, as an authority needs to know it"),
    *GOVERNANCE_ROUTES,
)
