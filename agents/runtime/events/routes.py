"""`GET /v1/events`: a page of a tenant's events as JSON or, for who accepts `text/event-stream`, the stream of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from pydantic import Field

from wanderbuch.agents.runtime.app import MAY_GO_ON, ApiModel, Call, Parameter, Route, get
from wanderbuch.agents.runtime.events.feed import Feed
from wanderbuch.agents.runtime.events.streaming import event_time, stream_events
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.store.events import TenantEvents

_MAX_PAGE: Final = 500
_PAGE: Final = 100
_MAX_NUMBER: Final = 2**53


class EventOut(ApiModel):
    """An event."""

    number: int
    at: str = Field(json_schema_extra={"format": "date-time"})
    kind: str
    subject: str
    body: Mapping[str, str | int | bool | None]


class EventsOut(ApiModel):
    """A page of events, in order.

    `next_after` is what to ask for next; `last` the number of the newest event; the log has nothing up to `pruned_to`
    any more: who asks for what was before has missed it.
    """

    items: Sequence[EventOut]
    next_after: int
    last: int
    pruned_to: int


@dataclass(frozen=True, slots=True)
class EventDesk:
    """What the routes work on: the log of one tenant.

    Args:
        events: of the tenant.
        feed: of the process.
    """

    events: TenantEvents
    feed: Feed


async def _page(desk: EventDesk, call: Call[None]) -> EventsOut:
    after = _number(call.query, "after", 0, 0, _MAX_NUMBER)
    limit = _number(call.query, "limit", _PAGE, 1, _MAX_PAGE)
    logged_events = await desk.events.read(after, limit)
    extent = await desk.events.extent()  # after the events: never older than they are
    return EventsOut(
        items=[
            EventOut(
                number=logged_event.number,
                at=event_time(logged_event),
                kind=logged_event.kind,
                subject=logged_event.subject,
                body=logged_event.body,
            )
            for logged_event in logged_events
        ],
        next_after=logged_events[-1].number
        if logged_events
        else extent.pruned
        if after > extent.last
        else max(after, extent.pruned),
        last=extent.last,
        pruned_to=extent.pruned,
    )


async def _stream(desk: EventDesk, request: web.Request) -> web.StreamResponse:
    unknown = set(request.query) - {"after"}
    if unknown:
        raise MalformedError("unknown query parameter; allowed for a stream: after")
    given = {"Last-Event-ID": request.headers.get("Last-Event-ID"), "after": request.query.get("after")}
    seen = {name: text for name, text in given.items() if text}
    after = next((_number(seen, name, 0, 0, _MAX_NUMBER) for name in seen), None)
    return await stream_events(request, desk.feed, desk.events.tenant, after=after, may_read=request[MAY_GO_ON])


def _number(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= most):
        raise MalformedError(f"expected a number from {least} to {most} in {name}")
    return int(text)


EVENT_ROUTES: Final[Sequence[Route]] = (
    get(
        "",
        _page,
        stream=_stream,
        result=EventsOut,
        summary="Read the event log, a page at a time or as a stream of server-sent events",
        query=(
            Parameter(
                "after",
                "The number of an event: those after it are shown.",
                {"type": "integer", "minimum": 0, "maximum": _MAX_NUMBER},
            ),
            Parameter(
                "limit",
                "How many to list at most.",
                {"type": "integer", "minimum": 1, "maximum": _MAX_PAGE, "default": _PAGE},
            ),
        ),
    ),
)
