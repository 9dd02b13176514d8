"""`GET /registrar/v1/wrp…`: the registered verifiers as EUDI TS5 has them, each answer signed by the authority.

An answer is a JWS (`application/jwt`) by a key that the authority's DID asserts with; `x-jku-url` names the address of
these keys as a JWK Set, for readers without DIDs. `exp` is the end of the freshness statement: an answer that somebody
kept and shows again does not count for longer than the file. Registering is done with four eyes, at the desk: there is
no `PUT` and no `DELETE` here.

In this order: the limit of the network; a file that is fresh; the same question, answered less than a minute ago; the
question; the signature.
"""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from aiohttp import web

from wanderbuch.agents.authority.registrar.config import RegistrarConfig
from wanderbuch.agents.authority.registrar.questions import PartyPage, RelyingParties
from wanderbuch.agents.authority.serving import SigningKey
from wanderbuch.agents.authority.trqp_cache import AnswerCache, KeptAnswer
from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.gate.budget import TooOftenError
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.gate.rate_limit import RateLimit
from wanderbuch.agents.runtime.problems import NotReadyError, problem_response
from wanderbuch.agents.site.caching import tagged
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.jws import sign_jws
from wanderbuch.store.records import NotFoundError

PLACE: Final = "/registrar/v1"
JWKS: Final = f"{PLACE}/jwks.json"
_KEPT: Final = timedelta(minutes=1)
_MOST_KEPT: Final = 64  # a page of 100 takes some 200 KB
_NOT_READY_S: Final = 5
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}

type Work = Callable[[RelyingParties], Mapping[str, Any]]
"""Gives the members of an answer beside `iss`, `iat` and `exp`."""


@dataclass(frozen=True, slots=True)
class SignedBy:
    """The authority's word.

    Args:
        did: of the authority.
        key: signs as it.
        keys: gives the raw Ed25519 keys with which its DID asserts now.
        site_url: of its place on the public site.
    """

    did: Did
    key: SigningKey
    keys: Callable[[], Awaitable[Mapping[DidUrl, bytes]]]
    site_url: str


class Registrar:
    """Answers for one authority.

    Args:
        signed_by: whose answers they are.
        snapshot: the file in force, None while there is none; called for each question, so it must be quick.
        first: asked where `snapshot` has nothing yet; may wait.
        config: limits.
        networks: tell networks apart.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        signed_by: SignedBy,
        *,
        snapshot: Callable[[], GovernanceSnapshot | None],
        first: Callable[[], Awaitable[GovernanceSnapshot | None]],
        config: RegistrarConfig,
        networks: Networks,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._signed_by = signed_by
        self._snapshot = snapshot
        self._first = first
        self._networks = networks
        self._limit = RateLimit(per_second=config.requests_per_second, burst=config.burst)
        self._clock = clock
        self._answers = AnswerCache(max_answers=_MOST_KEPT)
        self._parties: RelyingParties | None = None
        self._reading = asyncio.Lock()

    async def list(self, request: web.Request) -> web.Response:
        """Answer `GET /wrp`."""
        return await self._respond(request, lambda parties: _listed(parties.page(request.query)))

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /wrp/{identifier}`."""
        identifier = request.match_info["identifier"]

        def work(parties: RelyingParties) -> Mapping[str, Any]:
            party = parties.find(identifier)
            if party is None:
                raise NotFoundError("no relying party with this identifier is registered")
            return {"data": party}

        return await self._respond(request, work)

    async def check(self, request: web.Request) -> web.Response:
        """Answer `GET /wrp/check-intended-use`."""

        def work(parties: RelyingParties) -> Mapping[str, Any]:
            checked = parties.check(request.query, self._clock())
            if checked is None:
                raise NotFoundError("no relying party with this identifier is registered")
            return {"data": {"isRegistered": checked[0], "details": checked[1]}}

        return await self._respond(request, work)

    async def jwks(self, request: web.Request) -> web.Response:
        """Answer `GET /jwks.json` (RFC 7517, RFC 8037)."""
        try:
            self._admit(request)
        except WanderbuchError as err:
            return _problem(err)
        keys = [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
                "kid": str(kid),
                "use": "sig",
                "alg": "EdDSA",
            }
            for kid, raw in (await self._signed_by.keys()).items()
        ]
        headers = {**_HEADERS, "Cache-Control": f"public, max-age={int(_KEPT.total_seconds())}"}
        return tagged(
            request, json.dumps({"keys": keys}).encode(), content_type="application/jwk-set+json", headers=headers
        )

    async def _respond(self, request: web.Request, work: Work) -> web.Response:
        try:
            self._admit(request)
            kept = await self._kept(request.path_qs.encode(), work)
        except WanderbuchError as err:
            return _problem(err)
        headers = {
            **_HEADERS,
            "Cache-Control": f"public, max-age={kept.seconds_left(self._clock())}",
            "x-jku-url": f"{self._signed_by.site_url}{JWKS}",
        }
        return tagged(request, kept.body, content_type="application/jwt", headers=headers)

    def _admit(self, request: web.Request) -> None:
        network = self._networks.of_request(request)
        if wait_s := self._limit.wait_s(network, time.monotonic()):
            raise TooOftenError(wait_s)

    async def _kept(self, question: bytes, work: Work) -> KeptAnswer:
        snapshot, at = self._snapshot() or await self._first(), self._clock()
        if snapshot is None or snapshot.fresh_until is None or not snapshot.is_fresh(at):
            raise NotReadyError("the authority holds no governance file that is fresh", hint="try again later")
        kept = self._answers.kept("ts5", question, snapshot, at)
        if kept is None:
            told = {
                "iss": str(self._signed_by.did),
                "iat": int(at.timestamp()),
                "exp": int(snapshot.fresh_until.timestamp()),
                **work(await self._of(snapshot)),
            }
            payload = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
            key = self._signed_by.key
            body = await sign_jws(payload, kid=await key.kid(), typ="JWT", sign=key.sign)
            kept = KeptAnswer(body, "", min(snapshot.fresh_until, at + _KEPT))
            self._answers.keep("ts5", question, snapshot, kept)
        return kept

    async def _of(self, snapshot: GovernanceSnapshot) -> RelyingParties:
        async with self._reading:  # once for a version and a day, in a thread: there may be thousands
            parties, today = self._parties, days_anywhere(self._clock())
            if parties is None or parties.file is not snapshot.file or parties.on != today:
                parties = self._parties = await asyncio.to_thread(RelyingParties, snapshot.file, today)
            return parties


class RegistrarOffice(Protocol):
    """What the routes read of an authority's office."""

    @property
    def registrar(self) -> Registrar | None:
        """What answers; None where it is off."""
        ...


def _listed(page: PartyPage) -> Mapping[str, Any]:
    pagination: dict[str, Any] = {"has_next_page": page.next_cursor is not None}
    if page.next_cursor is not None:
        pagination["next_cursor"] = page.next_cursor
    return {"data": page.parties, "pagination": pagination}


def _problem(err: WanderbuchError) -> web.Response:
    response = problem_response(err)
    response.headers.update({**_HEADERS, "Cache-Control": "no-store"})
    if isinstance(err, TooOftenError):
        response.headers["Retry-After"] = str(err.wait_s)
    elif response.status == 503:
        response.headers["Retry-After"] = str(_NOT_READY_S)
    return response


type _Handler = Callable[[RegistrarOffice, web.Request], Awaitable[web.Response]]


def _to(answer: Callable[[Registrar, web.Request], Awaitable[web.Response]]) -> _Handler:
    async def handle(office: RegistrarOffice, request: web.Request) -> web.Response:
        if office.registrar is None:
            raise web.HTTPNotFound
        return await answer(office.registrar, request)

    return handle


REGISTRAR_ROUTES: Final[Sequence[PublicRoute]] = (
    PublicRoute("GET", f"{PLACE}/wrp", _to(Registrar.list)),
    PublicRoute("GET", f"{PLACE}/wrp/check-intended-use", _to(Registrar.check)),
    PublicRoute("GET", f"{PLACE}/wrp/{{identifier}}", _to(Registrar.show)),
    PublicRoute("GET", JWKS, _to(Registrar.jwks)),
)
