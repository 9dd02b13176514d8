"""The verifier's REST API: routes.

A route parses, calls the desk, and serialises.
"""

from collections.abc import Sequence
from datetime import timedelta

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.app import Call, Route, get, post
from wanderbuch.agents.runtime.decisions import DecisionOut, GovernanceRefOut
from wanderbuch.agents.runtime.governance_state import governance_routes
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.runtime.qr import qr_svg
from wanderbuch.agents.verifier.config import VerifierConfig
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
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.trust.exchange import UnknownVerificationError, Verification
from wanderbuch.plugins.trust.source import GovernanceSource, RefreshReport
from wanderbuch.plugins.trust.verifier import NoGovernanceError, OverAskingError, VerificationDesk
from wanderbuch.store.records import NotFoundError, utc_now


def verifier_routes(agent: RunningAgent) -> Sequence[Route]:
    """Return the routes of the verifier."""
    api = _Api(agent)
    return (
        post("/requests", api.ask, body=NewRequest, result=RequestOut, status=201, summary="Put a question"),
        get("/requests", api.every, result=Requests, summary="List the requests", query=("state",)),
        get("/requests/{id}", api.show, result=RequestOut, summary="Show a request and its decision"),
        post(
            "/requests/{id}/staple",
            api.staple,
            body=StapleIn,
            result=StapleOut,
            summary="Hand over an issuer's own standing for this request",
        ),
        post("/requests/{id}/forget", api.forget, result=RequestOut, summary="Forget the values that were seen"),
        get("/identity", api.identity, result=IdentityOut, summary="Show who asks, as an authority needs to know it"),
        *governance_routes(agent.governance),
    )


class CannotAskError(ResolutionError):
    """Nobody is asked, since no answer could be judged; the problem carries the decision, UNKNOWN, and its reasons."""

    code = "resolution.no_governance"

    def __init__(self, err: NoGovernanceError, report: RefreshReport | None) -> None:
        super().__init__(err.message, hint=err.hint)
        reasons = report.reasons if report and report.reasons else (Reason(err.code, err.message),)
        decision = TrustDecision(Verdict.UNKNOWN, tuple(reasons), None, utc_now())
        self.members = {"decision": DecisionOut.of(decision).model_dump(mode="json")}


class _Api:
    """The handlers; each takes from the agent what only a running one has."""

    def __init__(self, agent: RunningAgent) -> None:
        self._agent = agent

    @property
    def _desk(self) -> VerificationDesk:
        desk: VerificationDesk = self._agent.profile.inject(VerificationDesk)
        return desk

    async def ask(self, call: Call[NewRequest]) -> RequestOut:
        agent, told = self._agent, call.body
        deadline_s = told.deadline_s or agent.config.settings(VerifierConfig).answer_deadline_s
        answer_in = timedelta(seconds=deadline_s)

        async def shorten(url: str) -> str:
            return await agent.short_links.add(url, lifetime=answer_in)

        try:
            held = await self._desk.ask(
                agent.profile,
                told.requirement.parsed(),
                did=agent.did,
                answer_in=answer_in,
                title=agent.config.name,
                award_precision=told.award_precision,
                shorten=shorten,
            )
        except NoGovernanceError as err:
            raise CannotAskError(err, agent.profile.inject(GovernanceSource).last_report) from err
        except OverAskingError as err:
            decision = DecisionOut.of(err.decision).model_dump(mode="json")
            raise RefusedError(err.message, members={"decision": decision}, hint=err.hint) from err
        return _shown(held)

    async def show(self, call: Call[None]) -> RequestOut:
        try:
            return _shown(await self._desk.status(self._agent.profile, call.path["id"]))
        except UnknownVerificationError as err:
            raise NotFoundError(err.message) from err

    async def staple(self, call: Call[StapleIn]) -> StapleOut:
        issuer, staple = call.body.parsed()
        try:
            said = await self._desk.take_staple(self._agent.profile, call.path["id"], staple, issuer=issuer)
        except UnknownVerificationError as err:
            raise NotFoundError(err.message) from err
        return StapleOut(issuer=issuer, current=GovernanceRefOut.of(said.ref), fresh_until=said.fresh_until)

    async def every(self, call: Call[None]) -> Requests:
        wanted = call.query.get("state")
        if wanted is not None and wanted not in {state.value for state in RequestState}:
            raise MalformedError(f"expected a state ({', '.join(state.value for state in RequestState)})")
        found = [RequestSummary.of(held) for held in await self._desk.every(self._agent.profile)]
        return Requests(items=[each for each in found if wanted is None or each.state.value == wanted])

    async def forget(self, call: Call[None]) -> RequestOut:
        try:
            return _shown(await self._desk.forget(self._agent.profile, call.path["id"]))
        except UnknownVerificationError as err:
            raise NotFoundError(err.message) from err

    async def identity(self, call: Call[None]) -> IdentityOut:
        return IdentityOut(did=self._agent.did, name=self._agent.config.name)


def _shown(held: Verification) -> RequestOut:
    return RequestOut.shown(held, qr_svg=qr_svg(held.short_url or held.invitation_url))
