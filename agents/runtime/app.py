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

A route that makes something says `once=True` where it may be sent again with the same `Idempotency-Key`: it shows what
is there under `call.once.id`, or makes it under `call.new_id`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, overload

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.runtime.certificate_rules import Concern
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.errors import WanderbuchError

SECRET_KEY_LENGTH: Final = 22
"""So many characters has an `Idempotency-Key` at least where a secret is made of it: 128 random bits in base64url."""
OWN_ADDRESS: Final[web.AppKey[str | None]] = web.AppKey("own_address")
"""What people's browsers call a site, such as "https://desk.example"; None: as they ask for it."""


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
ANYBODY: Final = frozenset({"anybody"})
"""What a route needs that takes calls without a token: in a `Mount` that is open. The caller's id is their network."""


class MadeAndGoneError(WanderbuchError):
    """A call came again, and what it had made was removed since."""

    code = "gone"


@dataclass(frozen=True, slots=True)
class Once:
    """What a call with an `Idempotency-Key` makes.

    Args:
        id: of what is made, as `new_id` makes them.
        is_done: whether it was made before; then what is not there any more is not made again.
        came_before: whether the call came before, also if a crash cut it off.
        unguessed_secret: 32 bytes that are the same each time the call comes, known to nobody but who has its key;
            None: the key is short enough for a reader of the store to try all such keys.
    """

    id: str
    is_done: bool
    came_before: bool = False
    unguessed_secret: bytes | None = field(default=None, repr=False)

    @property
    def secret(self) -> bytes:
        """What a secret that the call makes is made of; whoever reads the store cannot make it.

        Raises:
            MalformedError: the call's key could be guessed.
        """
        if self.unguessed_secret is None:
            raise MalformedError(
                f"expected an Idempotency-Key of {SECRET_KEY_LENGTH} characters or more where a secret is made",
                hint="a random UUID, made anew for each thing to be made",
            )
        return self.unguessed_secret


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the query, as it is described.

    Args:
        about: what it is, in a sentence.
        schema: JSON schema of its value; a text by default.
    """

    name: str
    about: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Call[B]:
    """One request: its parameters as text, its body as the route's model (None where the route takes none).

    `once` is there if it came with an `Idempotency-Key`.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: B
    caller: Caller = OPERATOR
    once: Once | None = None

    @property
    def new_id(self) -> str | None:
        """The id of what is made, where the call says it; to be read once it is clear that it is not there.

        Raises:
            MadeAndGoneError: it was made before, so it is not made again.
        """
        if self.once is None:
            return None
        if self.once.is_done:
            raise MadeAndGoneError(
                "what was made with this Idempotency-Key is not there any more", hint="take a new key to make another"
            )
        return self.once.id


type Handler[B] = Callable[[Any, Call[B]], Awaitable[BaseModel]]
"""Takes the office whose route it is (for a route of no role: the tenant), and the call."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the REST API; made by `get`, `post`, `put`, `patch` and `delete`.

    Args:
        needs: the roles of a caller of which one is enough.
        stream: answers in place of `handler` who accepts `text/event-stream`.
        once: whether an `Idempotency-Key` is heard.
    """

    method: str
    path: str
    handler: Handler[Any]
    body: type[BaseModel] | None
    result: type[BaseModel]
    status: int
    summary: str
    query: tuple[Parameter, ...] = ()
    needs: frozenset[str] = OPERATOR.roles
    stream: "Streaming | None" = None
    once: bool = False

    @property
    def allowed(self) -> frozenset[str]:
        """The names that may stand in the query."""
        return frozenset(parameter.name for parameter in self.query)


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
    query: Sequence[str | Parameter] = (),
    needs: Collection[str] = OPERATOR.roles,
    stream: Streaming | None = None,
) -> Route:
    """Return a route that reads; of a parameter that says nothing of itself the name is told."""
    parameters = tuple(Parameter(one, one) if isinstance(one, str) else one for one in query)
    return Route("GET", path, handler, None, result, 200, summary, parameters, frozenset(needs), stream)


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
    once: bool = ...,
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
    once: bool = ...,
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
    once: bool = False,
) -> Route:
    """Return a route that does something."""
    return Route("POST", path, handler, body, result, status, summary, (), frozenset(needs), once=once)


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
