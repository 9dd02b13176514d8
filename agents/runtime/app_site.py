"""The app site: the routes of the roles, described by OpenAPI 3.1, guarded by bearer tokens.

Where things are:

- `/health`, `/ready`, `/openapi.json`: open to everybody;
- `/v1/<name>/…`: a group of routes (`Mount`) for the default tenant; `/v1/t/<tenant>/<name>/…` for another;
- pages: where they say, those of the default tenant; below `/t/<tenant>` those of another, where a role makes pages
  for all; `/` says to people with a browser where they are.

Who is let in, in this order:

1. the process's token is the operator's: everything, of every tenant;
2. else the tenant that the address names is asked whose token it is. A wrong token, a token of another tenant and a
   tenant that is not there get one and the same answer;
3. while the process starts or stops nothing is served; an office that is not open yet is answered here too, and
   nowhere else.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

from acapy_agent.core.profile import Profile
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, SecretStr, ValidationError

from wanderbuch.agents.runtime.app import (
    ANYBODY,
    MAY_GO_ON,
    OPERATOR,
    OWN_ADDRESS,
    Call,
    Caller,
    PublicRoute,
    ReadyReport,
    Route,
)
from wanderbuch.agents.runtime.bodies import expect_body, read_body
from wanderbuch.agents.runtime.front import ASSETS, FAVICON, Failure, Front, SiteKind, Who, as_page, wants_page
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.gate.unheard_proxies import tell_of_unheard_proxies
from wanderbuch.agents.runtime.idempotency import HEADER as IDEMPOTENCY_KEY
from wanderbuch.agents.runtime.idempotency import answered_once, key_of
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.openapi import DescribedGroup
from wanderbuch.agents.runtime.problems import (
    ForbiddenError,
    MalformedError,
    NotReadyError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
    malformed,
    problem_response,
    status_of,
    title_of,
)
from wanderbuch.agents.runtime.store import is_store_failure
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.tables import DEFAULT_TENANT
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_LOG = logging.getLogger(__name__)
_OPEN_PATHS: Final = frozenset({"/health", "/ready", "/openapi.json"})
_ROOT: Final = "/"
_FRONT_PATHS: Final = frozenset({ASSETS, FAVICON})
_BODY_DEADLINE_S: Final = 20.0
_MAX_BODY_DEPTH: Final = 64
_CALLER: Final = "wanderbuch.caller"
_AGAIN: Final = "wanderbuch.caller_again"
_NOT_SERVING: Final = "the agent is starting or stopping"
_WAIT: Final = "try again when /ready answers 200"
_STORE_AWAY: Final = "what was asked may have been done or not: ask again when /ready answers 200"
_TENANT_PATH: Final = re.compile(r"/v1/t/([^/]+)(?:/|$)")

type Enter = Callable[[str], Awaitable[Any]]
"""Gives what the handlers of a group work on for a tenant (its office, say); raises what the caller is to be told."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A group of routes.

    Args:
        name: the word in the address.
        enter: gives what its handlers take first.
        routes: relative to the group.
        streams: plain handlers behind the same guard, relative to the group; each is for the operator.
        is_shared: it belongs to the process, so there is one of it, not one a tenant.
        is_open: its routes need no token; they are for `ANYBODY`, who is known by their network.
    """

    name: str
    enter: Enter
    routes: Sequence[Route] = ()
    streams: Sequence[PublicRoute] = ()
    is_shared: bool = False
    is_open: bool = False

    def described(self) -> DescribedGroup:
        """Return the routes with their addresses below that of a tenant, as they are described."""
        routes = [replace(route, path=f"/{self.name}{route.path}") for route in self.routes]
        return DescribedGroup(self.name, routes, is_shared=self.is_shared)

    def places(self, path: str) -> Sequence[str]:
        """Return the addresses of a path of the group."""
        own = f"/v1/{self.name}{path}"
        return (own,) if self.is_shared else (own, f"/v1/t/{{tenant}}/{self.name}{path}")


type ProfileOf = Callable[[str], Awaitable[Profile]]
"""Gives the profile of a tenant that is served."""

type Identify = Callable[[str, str], Awaitable[Caller | None]]
"""Takes the id of a tenant and a token that is not the operator's; gives whose it is there, None if nobody's."""


def make_app(
    mounts: Sequence[Mount],
    *,
    token: SecretStr,
    max_body_bytes: int,
    is_serving: Callable[[], bool],
    look: Callable[[], Awaitable[ReadyReport]],
    description: Callable[[], Mapping[str, Any]],
    identify: Identify | None = None,
    pages: Sequence[tuple[PublicRoute, Enter]] = (),
    front: Front | None = None,
    who: Callable[[], Awaitable[Who]] | None = None,
    address: str | None = None,
    networks: Networks | None = None,
    profile_of: ProfileOf | None = None,
) -> web.Application:
    """Return the aiohttp application of the app site.

    Args:
        mounts: the groups of routes.
        token: the operator's bearer token.
        max_body_bytes: larger bodies are refused with 413.
        is_serving: whether the process has started and is not stopping; else nothing but the open paths is served.
        look: looks at the process; its answer is /ready.
        description: makes the OpenAPI document, when it is first asked for: that takes 50 ms and 2 MB.
        identify: knows the tokens of tenants and of further people.
        pages: handlers that see to it by themselves who asks, with what gives what they work on.
        front: makes pages for people; None: they get what programs get.
        who: gives whose site it is, for `front`.
        address: what people's browsers call this site, such as "https://desk.example"; None: as they ask for it.
        networks: know which proxies in front are trusted; by default none is.
        profile_of: gives the profile of a tenant, where keys of calls are kept; None: no `Idempotency-Key` is heard.
    """
    known = networks or Networks(())
    open_routes = frozenset(
        path for mount in mounts if mount.is_open for route in mount.routes for path in mount.places(route.path)
    )
    page_paths: set[str] = set()  # as the router writes them: without the patterns of their parts
    guard = _guard(token, is_serving, identify, page_paths, open_routes=open_routes, networks=known)
    proxies = tell_of_unheard_proxies("app", known)
    app = web.Application(middlewares=[_problems(front), proxies, guard], client_max_size=max_body_bytes)
    app[OWN_ADDRESS] = address

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        report = await look()
        answer = {
            "ready": report.ready,
            "checks": dict(report.checks),
            "warnings": [{"code": concern.code, "text": concern.text} for concern in report.concerns],
        }
        return web.json_response(answer, status=200 if report.ready else 503)

    describe_once = cache(description)

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(dict(await asyncio.to_thread(describe_once)))

    app.router.add_get("/health", health)
    app.router.add_get("/ready", ready)
    app.router.add_get("/openapi.json", openapi)
    for mount in mounts:
        for route in mount.routes:
            for path in mount.places(route.path):
                app.router.add_route(
                    route.method,
                    path,
                    _served(mount.name, route, mount.enter, profile_of),
                    expect_handler=_expect,
                )
        for stream in mount.streams:
            for path in mount.places(stream.path):
                app.router.add_route(stream.method, path, _streamed(stream, mount.enter))
    for page, enter in pages:
        resource = app.router.add_route(page.method, page.path, _entered(page, enter)).resource
        page_paths.add(page.path if resource is None else resource.canonical)
    if front is not None and who is not None:
        app.router.add_get(_ROOT, _root(front, who))
        app.router.add_get(ASSETS, front.asset)
        app.router.add_get(FAVICON, front.favicon)
    return app


def _root(front: Front, who: Callable[[], Awaitable[Who]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def root(request: web.Request) -> web.StreamResponse:
        if not wants_page(request):
            raise web.HTTPNotFound
        return front.root(request, SiteKind.APP, await who())

    return root


def _entered(page: PublicRoute, enter: Enter) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        tenant = request.match_info.get("tenant")
        if tenant == DEFAULT_TENANT:  # its pages have one address
            raise web.HTTPNotFound
        return await page.handler(await enter(tenant or DEFAULT_TENANT), request)

    return handle


def _streamed(stream: PublicRoute, enter: Enter) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        _require(request[_CALLER], OPERATOR.roles)
        return await stream.handler(await enter(request.match_info.get("tenant", DEFAULT_TENANT)), request)

    return handle


def _served(
    group: str, route: Route, enter: Enter, profile_of: ProfileOf | None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of a route: parse, call one function, serialise."""

    async def handle(request: web.Request) -> web.StreamResponse:
        caller: Caller = request[_CALLER]
        _require(caller, route.needs)
        if route.stream is not None and "text/event-stream" in request.headers.get("Accept", ""):
            tenant = request.match_info.get("tenant", DEFAULT_TENANT)
            request[MAY_GO_ON] = partial(_may_go_on, request[_AGAIN], route, enter, tenant)
            return await route.stream(await enter(tenant), request)
        if set(request.query) - route.allowed:
            names = ", ".join(parameter.name for parameter in route.query)
            raise MalformedError(f"unknown query parameter; allowed: {names or 'none'}")
        key = _key(request, route)
        body = await _body(request, route.body)
        path = dict(request.match_info)
        tenant = path.pop("tenant", DEFAULT_TENANT)
        office, call = await enter(tenant), Call(path, dict(request.query), body, caller)
        if key is None or profile_of is None:
            result = await route.handler(office, call)
        else:
            result = await answered_once(
                await profile_of(tenant),
                key,
                place=" ".join((route.method, group, route.path, *path.values())),
                caller=caller.id,
                body=body,
                make=lambda once: route.handler(office, replace(call, once=once)),
            )
        return _answer(request, route, result.model_dump_json(by_alias=True).encode())

    return handle


def _key(request: web.Request, route: Route) -> str | None:
    """Return the `Idempotency-Key` of a call; what need not be sent twice by it may not come with one.

    Raises:
        MalformedError: there is one, and it is none, or this route hears none.
    """
    if route.method != "POST":
        return None
    key = key_of(request.headers.get(IDEMPOTENCY_KEY))
    if key is not None and not route.once:
        raise MalformedError(
            f"this call hears no {IDEMPOTENCY_KEY}: send it without, and look what is there before you send it again"
        )
    return key


def _answer(request: web.Request, route: Route, body: bytes) -> web.Response:
    """Return an answer; to who reads, that nothing has changed, if they have it already (RFC 9110, `ETag`)."""
    if route.method != "GET":
        return web.Response(body=body, status=route.status, content_type="application/json", charset="utf-8")
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"'}
    known = request.if_none_match or ()
    if any(one.value == tag for one in known):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=body, status=route.status, content_type="application/json", charset="utf-8", headers=headers
    )


async def _may_go_on(again: Callable[[], Awaitable[Caller | None]], route: Route, enter: Enter, tenant: str) -> bool:
    """Return whether who reads a stream would be let in now."""
    try:
        caller = await again()
        await enter(tenant)
    except WanderbuchError:
        return False
    return caller is not None and bool(caller.roles & route.needs)


def _require(caller: Caller, needs: frozenset[str]) -> None:
    if not caller.roles & needs:
        raise ForbiddenError(f"this is for {' or '.join(sorted(needs))} only")


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Tell who waits to send a body whether to; aiohttp asks this before any middleware, so a no is a problem here."""
    try:
        await expect_body(request)
    except web.HTTPRequestEntityTooLarge:
        return problem_response(_too_large(request))
    except web.HTTPException as err:
        return _http_problem(err)
    return None


def _too_large(request: web.Request) -> TooLargeError:
    return TooLargeError(
        f"expected a body of at most {request.client_max_size} bytes, found a larger one",
        hint="send less at once, or have the operator raise max_body_bytes of [app]",
    )


async def _body(request: web.Request, kind: type[BaseModel] | None) -> BaseModel | None:
    try:
        raw = await read_body(request, deadline_s=_BODY_DEADLINE_S)
    except web.HTTPRequestEntityTooLarge as err:
        raise _too_large(request) from err
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


def _guard(
    token: SecretStr,
    is_serving: Callable[[], bool],
    identify: Identify | None,
    pages: Set[str],
    *,
    open_routes: frozenset[str],
    networks: Networks,
) -> Middleware:
    """Return the middleware that lets nobody in without a token, and nobody before the process is ready."""
    expected = token.get_secret_value().encode()

    async def caller_with(given: str, path: str) -> Caller | None:
        if not given.isascii():  # no token is; and bytes that are no UTF-8 cannot be compared
            return None
        if hmac.compare_digest(given.encode(), expected):
            return OPERATOR
        if identify is None or not given:
            return None
        if not is_serving():  # people are kept in the wallet: whether it is one of them cannot be told yet
            raise NotReadyError(_NOT_SERVING, hint=_WAIT)
        named = _TENANT_PATH.match(path)
        return await identify(named[1] if named else DEFAULT_TENANT, given)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = None if resource is None else resource.canonical
        if request.path in _OPEN_PATHS or path in _FRONT_PATHS:
            return await _passed(request, handler)
        if path in open_routes:
            request[_CALLER] = Caller(networks.of_request(request), ANYBODY)
        elif path not in pages and not (path == _ROOT and wants_page(request)):
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            caller = await caller_with(given.strip(), request.path) if scheme.lower() == "bearer" else None
            if caller is None:
                raise UnauthorizedError("expected the header Authorization: Bearer <token>")
            request[_CALLER] = caller
            request[_AGAIN] = partial(caller_with, given.strip(), request.path)
        if not is_serving():
            raise NotReadyError(_NOT_SERVING, hint=_WAIT)
        return await _passed(request, handler)

    return guard


async def _passed(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:  # a stream has sent its headers
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _problems(front: Front | None) -> Middleware:
    """Return the middleware that answers every error as problem details, and people with a browser with a page.

    It logs the request by route, status and duration only.
    """

    @web.middleware
    async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response, failure = await _answered(request, handler)
        if front is not None and failure is not None and wants_page(request):
            response = as_page(front, request, failure, response)
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

    return problems


async def _answered(request: web.Request, handler: Handler) -> tuple[web.StreamResponse, Failure | None]:
    """Return the answer, and what did not work if it tells a failure."""
    response: web.StreamResponse
    try:
        response = await handler(request)
    except WanderbuchError as err:
        response = problem_response(err)
        log_event(_LOG, logging.INFO, "app.problem", code=err.code, status=response.status)
        return response, Failure(response.status, err.message, err.hint)
    except web.HTTPException as err:
        response = _http_problem(err)
        return response, Failure(err.status) if err.status >= 400 else None
    except Exception as err:  # noqa: BLE001 (the boundary of the process: nothing of it may leak to the caller)
        if is_store_failure(err):
            _LOG.warning("app.store_failed", exc_info=err)
            away = StoreUnreachableError("the wallet store does not answer", hint=_STORE_AWAY)
            return problem_response(away), Failure(status_of(away), away.message, away.hint)
        _LOG.error("app.failed", exc_info=err)
        return _plain_problem(500, "internal", "the agent failed; its log says where"), Failure(500)
    return response, None


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
        "title": title_of(code),
        "status": status,
        "code": code,
        "detail": detail,
    }
    return web.Response(text=json.dumps(body), status=status, content_type="application/problem+json")
