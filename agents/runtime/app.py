"""What a role says of its REST API: routes, typed with pydantic. The site that serves them is `app_site`.

A role describes each route once; parsing, answers, errors and the description follow from it:

    class NewOffer(ApiModel):
        claim: dict[str, str]
        deadline_s: int = Field(default=600, ge=1, le=86_400)

    class Offer(ApiModel):
        id: str
        state: OfferState

    async def make(office: IssuerOffice, call: Call[NewOffer]) -> Offer:
        return await office.desk.make(call.body.claim)          # raise a WanderbuchError to answer with its problem

    async def show(office: IssuerOffice, call: Call[None]) -> Offer:
        return await office.desk.get(call.path["id"])           # NotFoundError -> 404

    ROUTES = (
        post("/offers", make, body=NewOffer, result=Offer, status=201, summary="Offer a credential"),
        get("/offers/{id}", show, result=Offer, summary="Show an offer"),
    )

A handler takes the office of the tenant that is asked; that it is open is the runtime's affair. The issuer's `/offers`
is `/v1/issuer/offers` for the default tenant, `/v1/t/<tenant>/issuer/offers` for another.

`post`, `put` and `patch` without `body` take none (`Call[None]`), `delete` never takes one. A refusal by policy that
must reach the caller raises `RefusedError("…", members={"decision": …})`: 409 with these members. Bodies forbid unknown
keys and have a size limit; every path but /health, /ready and /openapi.json needs `Authorization: Bearer <token>`.

The process's own token is the operator's, for all tenants. A tenant may have a token of its own, and a role may know
further people by tokens of theirs (`Role.identify`); a route says which of them it is for, by default nobody but the
operator:

    post("/drafts", open_draft, body=NewDraft, result=Draft, summary="Open a draft", needs={"editor"})

and reads who asks from `call.caller`. Pages (`Role.app_pages`) see to it by themselves who asks.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.runtime.certificate_rules import Concern


class ApiModel(BaseModel):
    """Base of the models on the wire: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Args:
        id: a stable name; "operator" for who has the process's own token.
        roles: what a route may ask for with `needs`.
    """

    id: str
    roles: frozenset[str]


OPERATOR: Final = Caller("operator", frozenset({"operator"}))


@dataclass(frozen=True, slots=True)
class Call[B]:
    """One request: its parameters as text, its body as the route's model (None where the route takes none)."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: B
    caller: Caller = OPERATOR


type Handler[B] = Callable[[Any, Call[B]], Awaitable[BaseModel]]
"""Takes the office whose route it is (for a route of no role: the tenant), and the call."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the REST API; made by `get`, `post`, `put`, `patch` and `delete`.

    Args:
        needs: the roles of a caller of which one is enough.
        stream: answers in place of `handler` who accepts `text/event-stream`.
    """

    method: str
    path: str
    handler: Handler[Any]
    body: type[BaseModel] | None
    result: type[BaseModel]
    status: int
    summary: str
    query: tuple[str, ...] = ()
    needs: frozenset[str] = OPERATOR.roles
    stream: "Streaming | None" = None


type Streaming = Callable[[Any, web.Request], Awaitable[web.StreamResponse]]
"""Takes the office first; its answer goes on until one of the two ends it. `request[MAY_GO_ON]` asks anew who reads."""

MAY_GO_ON: Final = "wanderbuch.may_go_on"
"""Where a stream finds what tells whether its reader would still be let in."""


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A further route on the public site, a page, or a stream: a plain aiohttp handler that takes the office first."""

    method: str
    path: str
    handler: Callable[[Any, web.Request], Awaitable[web.StreamResponse]]


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
    stream: Streaming | None = None,
) -> Route:
    """Return a route that reads."""
    return Route("GET", path, handler, None, result, 200, summary, query, frozenset(needs), stream)


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
    handler: Handler[Any],
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
    handler: Handler[Any],
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
    handler: Handler[Any],
    *,
    result: type[BaseModel],
    summary: str,
    body: type[BaseModel] | None = None,
    status: int = 200,
    needs: Collection[str] = OPERATOR.roles,
) -> Route:
    """Return a route that changes a part of something."""
    return Route("PATCH", path, handler, body, result, status, summary, (), frozenset(needs))
