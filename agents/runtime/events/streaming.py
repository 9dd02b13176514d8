"""One stream of server-sent events (WHATWG HTML, "Server-sent events").

    retry: 3000

    id: 17
    event: credential.issued
    data: {"number":17,"at":"…","kind":"credential.issued","subject":"…","body":{…}}

1. It begins after the number that the reader names (`Last-Event-ID`, or `after`); without one, with what is new.
2. Events are sent in order, in batches; each batch must have left within 10 s, else the reader is cut off.
3. Where nothing happens, a comment is sent every 15 s, so that proxies leave the connection open.
4. Where the log was pruned beyond the reader's number, an event `missed` says up to where.
5. It ends when the process stops, when its reader may not read it any more (a tenant suspended, a token withdrawn), or
   after an hour: the reader connects again, by itself, with the number it has.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from wanderbuch.agents.runtime.events.feed import Feed, Follower
from wanderbuch.store.errors import StoreError
from wanderbuch.store.events import LoggedEvent

_BATCH: Final = 100
_BEAT_S: Final = 15.0
_WRITE_S: Final = 10.0
_LASTS_S: Final = 3600.0
_RETRY_MS: Final = 3000
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # proxies that hold answers back leave this one alone
}


async def stream_events(
    request: web.Request,
    feed: Feed,
    tenant: str,
    *,
    after: int | None,
    may_read: Callable[[], Awaitable[bool]],
    beat_s: float = _BEAT_S,
    write_s: float = _WRITE_S,
) -> web.StreamResponse:
    """Answer a request with the events of a tenant, until one of the ends above.

    Args:
        request: whose sender may read them.
        feed: tells when there is more.
        tenant: whose log.
        after: the number the reader has seen; None: only what comes from now on.
        may_read: asked again when something was decided about tenants, and with each comment.
        beat_s: the pause between two comments.
        write_s: how long a batch may take to leave.

    Raises:
        TooManyStreamsError: there are too many streams already.
    """
    with feed.follow(tenant) as follower:
        seen = (await feed.log.extent(tenant)).last if after is None else after
        response = web.StreamResponse(headers=_HEADERS)
        response.enable_chunked_encoding()
        await response.prepare(request)
        try:
            await _write(response, f"retry: {_RETRY_MS}\n\n", write_s)
            await _send(response, feed, follower, seen, may_read, beat_s, write_s)
            async with asyncio.timeout(write_s):
                await response.write_eof()
        except (TimeoutError, StoreError):  # a reader that is too slow, or no store to read from: it comes again
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            pass
    return response


async def _send(
    response: web.StreamResponse,
    feed: Feed,
    follower: Follower,
    seen: int,
    may_read: Callable[[], Awaitable[bool]],
    beat_s: float,
    write_s: float,
) -> None:
    until = time.monotonic() + _LASTS_S
    while not follower.is_over and time.monotonic() < until:
        if follower.is_doubted:
            follower.is_doubted = False
            if not await may_read():
                return
        extent = await feed.log.extent(follower.tenant)
        if seen < extent.pruned or seen > extent.last:  # pruned, or a log that was lost and began anew
            missed = json.dumps({"after": seen, "pruned_to": extent.pruned})
            await _write(response, f"id: {extent.pruned}\nevent: missed\ndata: {missed}\n\n", write_s)
            seen = extent.pruned
        events = await feed.log.read(follower.tenant, seen, _BATCH)
        if events:
            await _write(response, "".join(map(event_text, events)), write_s)
            seen = events[-1].number
        elif not await follower.grown(beat_s):
            await _write(response, ": \n\n", write_s)
            follower.is_doubted = True


def event_time(event: LoggedEvent) -> str:
    """Return when an event was, the same wherever it is told."""
    return event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_json(event: LoggedEvent) -> dict[str, object]:
    """Return an event as others get it."""
    return {
        "number": event.number,
        "at": event_time(event),
        "kind": event.kind,
        "subject": event.subject,
        "body": dict(event.body),
    }


def event_text(event: LoggedEvent) -> str:
    """Return an event as it stands in the stream; nothing in it has a line break (`event_kinds`, JSON)."""
    data = json.dumps(event_json(event), separators=(",", ":"))
    return f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n"


async def _write(response: web.StreamResponse, text: str, write_s: float) -> None:
    async with asyncio.timeout(write_s):
        await response.write(text.encode())
