"""The app site: the role's REST API, typed with pydantic, described by OpenAPI 3.1, guarded by a bearer token.

A role describes each route once; parsing, answers, errors and the description follow from it:

    class NewOffer(ApiModel):
        claim: dict[str, str]
        deadline_s: int = Field(default=600, ge=1, le=86_400)

    class Offer(ApiModel):
        id: str
        state: OfferState

    class Offers(ApiModel):
        items: list[Offer]

    def routes(agent: RunningAgent) -> Sequence[Route]:
        async def make(call: Call[NewOffer]) -> Offer:
            return await agent_offers.make(call.body.claim)      # raise a WanderbuchError to answer with its problem

        async def show(call: Call[None]) -> Offer:
            return await agent_offers.get(call.path["id"])       # NotFoundError -> 404

        async def every(call: Call[None]) -> Offers:
            return Offers(items=await agent_offers.all(state=call.query.get("state")))

        return (
            post("/offers", make, body=NewOffer, result=Offer, status=201, summary="Offer a credential"),
            get("/offers/{id}", show, result=Offer, summary="Show an offer"),
            get("/offers", every, result=Offers, summary="List offers", query=("state",)),
        )

`post`, `put` and `patch` without `body` take none (`Call[None]`), `delete` never takes one. A refusal by policy that
must reach the caller raises `RefusedError("…", members={"decision": …})`: 409 with these members. Bodies forbid unknown
keys and have a size limit; every path but /health, /ready and /openapi.json needs `Authorization: Bearer <token>`.

The agent's own token is the operator's. A role may know further people by tokens of theirs (`Role.identify`); a route
says which of them it is for, by default nobody but the operator:

    post("/drafts", open_draft, body=NewDraft, result=Draft, summary="Open a draft", needs={"editor"})

and reads who asks from `call.caller`. Pages (`Role.app_pages`) see to it by themselves who asks.
"""

import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

from aiohttp import web
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from wanderbuch.agents.runtime.bodies import expect_body, read_body
from wanderbuch.agents.runtime.certificate_rules import Concern
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.problems import (
    ForbiddenError,
    MalformedError,
    NotReadyError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
    malformed,
    problem_response,
)
from wanderbuch.errors import WanderbuchError
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_LOG = logging.getLogger(__name__)
_OPEN_PATHS = frozenset({"/health", "/ready", "/openapi.json"})
_BODY_DEADLINE_S = 20.0
_MAX_BODY_DEPTH = 64
_CALLER = "wanderbuch.caller"
_NOT_SERVING = "the agent is starting or stopping"
_WAIT = "try again when /ready answers 200"


class ApiModel(BaseModel):
    """Base of the models on the wire: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Args:
        id: a stable name; "operator" for who has the agent's own token.
        roles: what a route may ask for with `needs`.
    """

    id: str
    roles: frozenset[str]


OPERATOR: Final = Caller("operator", frozenset({"operator"}))

type Identify = Callable[[str], Awaitable[Caller | None]]
"""Gives who has this bearer token, None if nobody; the agent's own token is looked at before."""


@dataclass(frozen=True, slots=True)
class Call[B]:
    """One request: its parameters as text, its body as the route's model (None where the route takes none)."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: B
    caller: Caller = OPERATOR


type Handler[B] = Callable[[Call[B]], Awaitable[BaseModel]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the REST API; made by `get`, `post`, `put`, `patch` and `delete`.

    Args:
        needs: the roles of a caller of which one is enough.
    """

    method: str
    path: str
    handler: Callable[[Call[Any]], Awaitable[BaseModel]]
    body: type[BaseModel] | None
    result: type[BaseModel]
    status: int
    summary: str
    query: tuple[str, ...] = ()
    needs: frozenset[str] = OPERATOR.roles


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A further route on the public site (or a page of the app site): a plain aiohttp handler."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class ReadyReport:
    """Whether the agent can work now, each thing looked at, and what should be seen to although it works."""

    ready: bool
    checks: Mapping[str, bool]
    concerns: Sequence[Concern] = ()


def get(
    path: str,
    handler: Handler[None],
    *,
    result: type[BaseModel],
    summary: str,
    query: tuple[str, ...] = (),
    needs: Collection[str] = OPERATOR.roles,
) -> Route:
    """Return a route that reads."""
    return Route("GET", path, handler, None, result, 200, summary, query, frozenset(needs))


def delete(
    path: str,
    handler: Handler[None],
    *,
    result: type[BaseModel],
    summary: str,
    needs: Collection[str] = OPERATOR.roles,
) -> Route:
    """Return a route that takes something away and says what is there now."""
    return Route("DELETE", path, handler, None, result, 200, summary, (), frozenset(needs))


@overload
def post[B: BaseModel](
    path: str,
    handler: Handler[B],
    *,
    body: type[B],
    result: type[BaseModel],
    summary: str,
    status: int = 200,
    needs: Collection[str] = ...,
) -> Route: ...


@overload
def post(
    path: str,
    handler: Handler[None],
    *,
    result: type[BaseModel],
    summary: str,
    status: int = 200,
    needs: Collection[str] = ...,
) -> Route: ...


def post(
    path: str,
    handler: Callable[[Call[Any]], Awaitable[BaseModel]],
    *,
    result: type[BaseModel],
    summary: str,
    body: type[BaseModel] | None = None,
    status: int = 200,
    needs: Collection[str] = OPERATOR.roles,
) -> Route:
    """Return a route that does something."""
    return Route("POST", path, handler, body, result, status, summary, (), frozenset(needs))


@overload
def put[B: BaseModel](
    path: str,
    handler: Handler[B],
    *,
    body: type[B],
    result: type[BaseModel],
    summary: str,
    status: int = 200,
    needs: Collection[str] = ...,
) -> Route: ...


@overload
def put(
    path: str,
    handler: Handler[None],
    *,
    result: type[BaseModel],
    summary: str,
    status: int = 200,
    needs: Collection[str] = ...,
) -> Route: ...


def put(
    path: str,
    handler: Callable[[Call[Any]], Awaitable[BaseModel]],
    *,
    result: type[BaseModel],
    summary: str,
    body: type[BaseModel] | None = None,
    status: int = 200,
    needs: Collection[str] = OPERATOR.roles,
) -> Route:
    """Return a route that puts something in a place."""
    return Route("PUT", path, handler, body, result, status, summary, (), frozenset(needs))


@overload
def patch[B: BaseModel](
    path: str,
    handler: Handler[B],
    *,
    body: type[B],
    result: type[BaseModel],
    summary: str,
    status: int = 200,
    needs: Collection[str] = ...,
) -> Route: ...


@overload
def patch(
    path: str,
    handler: Handler[None],
    *,
    result: type[BaseModel],
    summary: str,
    status: int = 200,
    needs: Collection[str] = ...,
) -> Route: ...


def patch(
    path: str,
    handler: Callable[[Call[Any]], Awaitable[BaseModel]],
    *,
    result: type[BaseModel],
    summary: str,
    body: type[BaseModel] | None = None,
    status: int = 200,
    needs: Collection[str] = OPERATOR.roles,
) -> Route:
    """Return a route that changes a part of something."""
    return Route("PATCH", path, handler, body, result, status, summary, (), frozenset(needs))


def make_app(
    routes: Sequence[Route],
    *,
    token: SecretStr,
    max_body_bytes: int,
    is_serving: Callable[[], bool],
    look: Callable[[], Awaitable[ReadyReport]],
    description: Mapping[str, Any],
    identify: Identify | None = None,
    pages: Sequence[PublicRoute] = (),
) -> web.Application:
    """Return the aiohttp application of the app site.

    Args:
        routes: the role's routes.
        token: the bearer token to expect.
        max_body_bytes: larger bodies are refused with 413.
        is_serving: whether the agent has started and is not stopping; else nothing but the open paths is served.
        look: looks at the agent; its answer is /ready.
        description: the OpenAPI document.
        identify: knows the tokens of further people.
        pages: handlers that see to it by themselves who asks.
    """
    guard = _guard(token, is_serving, identify, frozenset(page.path for page in pages))
    app = web.Application(middlewares=[_problems, guard], client_max_size=max_body_bytes)

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        report = await look()
        answer = {
            "ready": report.ready,
            "checks": dict(report.checks),
            "warnings": [{"code": each.code, "text": each.text} for each in report.concerns],
        }
        return web.json_response(answer, status=200 if report.ready else 503)

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(dict(description))

    app.router.add_get("/health", health)
    app.router.add_get("/ready", ready)
    app.router.add_get("/openapi.json", openapi)
    for route in routes:
        app.router.add_route(route.method, route.path, _served(route), expect_handler=expect_body)
    for page in pages:
        app.router.add_route(page.method, page.path, page.handler)
    return app


def _served(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of a route: parse, call one function, serialise."""

    async def handle(request: web.Request) -> web.StreamResponse:
        caller: Caller = request[_CALLER]
        if not caller.roles & route.needs:
            raise ForbiddenError(f"this is for {' or '.join(sorted(route.needs))} only")
        unknown = set(request.query) - set(route.query)
        if unknown:
            raise MalformedError(f"unknown query parameter; allowed: {', '.join(route.query) or 'none'}")
        body = await _body(request, route.body)
        result = await route.handler(Call(dict(request.match_info), dict(request.query), body, caller))
        text = result.model_dump_json(by_alias=True)
        return web.Response(text=text, status=route.status, content_type="application/json")

    return handle


async def _body(request: web.Request, kind: type[BaseModel] | None) -> BaseModel | None:
    try:
        raw = await read_body(request, deadline_s=_BODY_DEADLINE_S)
    except web.HTTPRequestEntityTooLarge as err:
        raise TooLargeError("the body is larger than this agent accepts") from err
    except web.HTTPBadRequest as err:
        raise MalformedError("the body did not come whole") from err
    except web.HTTPRequestTimeout as err:
        raise TooSlowError(f"the body did not arrive within {_BODY_DEADLINE_S:g} s") from err
    if kind is None:
        if raw.strip() not in {b"", b"{}"}:
            raise MalformedError("this route takes no body")
        return None
    try:
        read_strict_json(raw, max_bytes=len(raw), max_depth=_MAX_BODY_DEPTH, fractions=True)
        return kind.model_validate_json(raw)
    except StrictJsonError as err:
        raise MalformedError(f"the body does not fit: {err.message}") from err
    except ValidationError as err:
        raise malformed(err) from err


def _guard(token: SecretStr, is_serving: Callable[[], bool], identify: Identify | None, pages: frozenset[str]) -> Any:
    """Return the middleware that lets nobody in without a token, and nobody before the agent is ready."""
    expected = token.get_secret_value().encode()

    async def caller_with(given: str) -> Caller | None:
        if not given.isascii():  # no token is; and bytes that are no UTF-8 can not be compared
            return None
        if hmac.compare_digest(given.encode(), expected):
            return OPERATOR
        if identify is None or not given:
            return None
        if not is_serving():  # people are kept in the wallet: whether it is one of them can not be told yet
            raise NotReadyError(_NOT_SERVING, hint=_WAIT)
        return await identify(given)

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path in _OPEN_PATHS:
            return await _passed(request, handler)
        resource = request.match_info.route.resource
        if resource is None or resource.canonical not in pages:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            caller = await caller_with(given.strip()) if scheme.lower() == "bearer" else None
            if caller is None:
                raise UnauthorizedError("expected the header Authorization: Bearer <token>")
            request[_CALLER] = caller
        if not is_serving():
            raise NotReadyError(_NOT_SERVING, hint=_WAIT)
        return await _passed(request, handler)

    return guard


async def _passed(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


@web.middleware
async def _problems(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer every error as problem details and log the request by route, status and duration only."""
    began = time.perf_counter()
    response: web.StreamResponse
    try:
        response = await handler(request)
    except WanderbuchError as err:
        response = problem_response(err)
        log_event(_LOG, logging.INFO, "app.problem", code=err.code, status=response.status)
    except web.HTTPException as err:
        response = _http_problem(err)
    except Exception as err:  # noqa: BLE001 (the boundary of the process: nothing of it may leak to the caller)
        _LOG.error("app.failed", exc_info=err)
        response = _plain_problem(500, "internal", "the agent failed; its log says where")
    log_event(
        _LOG,
        logging.DEBUG,
        "app.request",
        method=request.method,
        route=getattr(request.match_info.route.resource, "canonical", None),
        status=response.status,
        ms=round((time.perf_counter() - began) * 1000),
    )
    return response


def _http_problem(err: web.HTTPException) -> web.Response:
    if err.status < 400:
        return web.Response(status=err.status, headers=err.headers)
    answer = _plain_problem(err.status, err.reason.lower().replace(" ", "-"), err.reason)
    if "Allow" in err.headers:
        answer.headers["Allow"] = err.headers["Allow"]
    return answer


def _plain_problem(status: int, code: str, detail: str) -> web.Response:
    body = {
        "type": f"urn:wanderbuch:problem:{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
    }
    return web.Response(text=json.dumps(body), status=status, content_type="application/problem+json")
