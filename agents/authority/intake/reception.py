"""Where applications come in, on the public site: taken from anybody, bounded before anything is fetched or kept.

`POST /intake/applications` takes a signed application (`application/jose`) and says how it stands; the same one sent
again says how it stands now. `GET /intake/applications/{id}` says it too, to whoever knows the id from the answer.

In this order: the budget of the network and of all; the size; the form; the applicant's key, from its DID document, a
few at once and within a time; that it is for us, and of today; what stands already; then it is kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Literal, Protocol

from aiohttp import web

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.intake.applications import Applications
from wanderbuch.agents.authority.intake.case import ApplicationCase, WaitsFor, waiting
from wanderbuch.agents.authority.intake.config import IntakeConfig
from wanderbuch.agents.runtime.app import ApiModel, PublicRoute
from wanderbuch.agents.runtime.bodies import read_body
from wanderbuch.agents.runtime.gate.budget import Budget, TooOftenError
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.problems import MalformedError, TooLargeError, TooSlowError, problem_response
from wanderbuch.agents.work.rules import REJECT
from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.signed.application import MAX_APPLICATION_BYTES, verify_application
from wanderbuch.governance.signed.jws import KeyResolver
from wanderbuch.plugins.http.lanes import work_for_strangers
from wanderbuch.store.records import NotFoundError

PLACE: Final = "/intake/applications"
_BODY_DEADLINE_S: Final = 20.0
_KEY_S: Final = 15.0
_WAIT_S: Final = 30.0  # for hosts that are slow to give the keys of others
_KEYS_AT_ONCE: Final = 4
_MAX_ID: Final = 64
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}


class QuestionOut(ApiModel):
    """What the applicant was asked."""

    question: str
    asked_at: datetime
    is_answered: bool


class ApplicationStandingOut(ApiModel):
    """How an application stands; `waited_s` is by whom it waited for.

    `state` is RECEIVED, ASKED_BACK, APPROVED or REFUSED; who works on it is not told. `reason` and `redress` are there
    once it is decided. Approved means that a change of the file was prepared: it counts from `version` of the file on,
    null until that is published. If officials give the change up, the application is refused with their reason.
    """

    id: str
    applicant: str
    revision: int
    state: Literal["RECEIVED", "ASKED_BACK", "APPROVED", "REFUSED"]
    received_at: datetime
    decided_at: datetime | None
    waited_s: dict[str, int]
    questions: list[QuestionOut]
    version: int | None
    reason: str | None
    redress: str | None


class IntakeOffice(Protocol):
    """What the routes read of an authority's office."""

    @property
    def reception(self) -> "Reception":
        """Takes applications."""
        ...


class Reception:
    """Takes applications for one authority.

    Args:
        applications: where they are kept.
        config: whether, and how many.
        did: of the authority.
        resolve_key: gives the keys of applicants.
        networks: tells networks apart.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        applications: Applications,
        config: IntakeConfig,
        *,
        did: WebvhDid,
        resolve_key: KeyResolver,
        networks: Networks,
        clock: Callable[[], datetime],
    ) -> None:
        self._applications = applications
        self.config = config
        self._did = did
        self._resolve_key = resolve_key
        self._networks = networks
        self._clock = clock
        self._budget = Budget(
            network_a_minute=config.network_a_minute,
            all_a_minute=config.all_a_minute,
            network_a_day=config.network_a_day,
        )
        self._keys = asyncio.Semaphore(_KEYS_AT_ONCE)

    async def take(self, request: web.Request) -> ApplicationStandingOut:
        """Take what was sent, and return how it stands.

        Raises:
            WanderbuchError: it is not taken.
        """
        network = self._networks.of_request(request)
        self._budget.take(network)
        if (request.content_length or 0) > MAX_APPLICATION_BYTES:
            raise TooLargeError(f"expected at most {MAX_APPLICATION_BYTES} bytes")
        try:
            received = await read_body(request, deadline_s=_BODY_DEADLINE_S)
        except web.HTTPRequestEntityTooLarge as err:
            raise TooLargeError(f"expected at most {MAX_APPLICATION_BYTES} bytes") from err
        except web.HTTPRequestTimeout as err:
            raise TooSlowError(f"the application did not arrive within {_BODY_DEADLINE_S:g} s") from err
        except web.HTTPBadRequest as err:
            raise MalformedError("the application did not come whole") from err
        if len(received) > MAX_APPLICATION_BYTES:
            raise TooLargeError(f"expected at most {MAX_APPLICATION_BYTES} bytes")
        try:
            async with asyncio.timeout(_WAIT_S + _KEY_S), self._keys, asyncio.timeout(_KEY_S):
                with work_for_strangers():
                    applicant, application = await verify_application(
                        received, to=self._did, resolve_key=self._resolve_key, at=self._clock()
                    )
        except TimeoutError as err:
            raise ResolutionError("the applicant's DID document could not be read in time") from err
        case = await self._applications.take(
            Did.parse(applicant), application, received.decode("ascii"), network=network
        )
        return await self.standing(case)

    async def find(self, case_id: str) -> ApplicationStandingOut:
        """Return how an application stands.

        Raises:
            NotFoundError: there is none.
        """
        if len(case_id) > _MAX_ID:
            raise NotFoundError("there is no such application")
        return await self.standing(await self._applications.get(case_id))

    async def standing(self, case: ApplicationCase) -> ApplicationStandingOut:
        """Return how a case stands, as its applicant may know it."""
        decision = await self._applications.content(case) if case.outcome is not None else None
        draft = await self._applications.draft_of(case)
        is_given_up = draft is not None and draft.state is DraftState.DISCARDED
        told = {"approve": "REFUSED" if is_given_up else "APPROVED", "refuse": "REFUSED"}
        state = told[case.outcome] if case.outcome else "ASKED_BACK" if case.open_question else "RECEIVED"
        waited = waiting(case, self._clock())
        return ApplicationStandingOut.model_validate(
            {
                "id": case.id,
                "applicant": case.applicant,
                "revision": case.application.revision,
                "state": state,
                "received_at": case.created_at,
                "decided_at": case.trail[-1].at if case.outcome else None,
                "waited_s": {whom.value: int(waited[whom].total_seconds()) for whom in WaitsFor},
                "questions": [
                    QuestionOut(question=one.question, asked_at=one.at, is_answered=one.answered_at is not None)
                    for one in case.asked_back
                ],
                "version": draft.version if draft else None,
                "reason": _given_up(draft) if is_given_up else decision.reason if decision else None,
                "redress": decision.redress if decision else self._applications.redress if is_given_up else None,
            }
        )


def _given_up(draft: Draft | None) -> str:
    """Return why a draft was given up: what was said when it was sent back last."""
    whys = [step.why for step in (draft.trail if draft else ()) if step.what == REJECT and step.why]
    return whys[-1] if whys else "the change that was prepared was given up"


async def _take(office: IntakeOffice, request: web.Request) -> web.StreamResponse:
    return await _answered(office, lambda reception: reception.take(request))


async def _find(office: IntakeOffice, request: web.Request) -> web.StreamResponse:
    return await _answered(office, lambda reception: reception.find(request.match_info["id"]))


async def _answered(
    office: IntakeOffice, ask: Callable[[Reception], Awaitable[ApplicationStandingOut]]
) -> web.Response:
    if not office.reception.config.enabled:
        raise web.HTTPNotFound
    try:
        standing = await ask(office.reception)
    except WanderbuchError as err:
        response = problem_response(err)
        response.headers.update(_HEADERS)
        if isinstance(err, TooOftenError):
            response.headers["Retry-After"] = str(err.wait_s)
        return response
    return web.Response(text=standing.model_dump_json(), content_type="application/json", headers=_HEADERS)


INTAKE_ROUTES: Final = (PublicRoute("POST", PLACE, _take), PublicRoute("GET", f"{PLACE}/{{id}}", _find))
