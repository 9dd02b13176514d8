"""Server-sent events for pages (WHATWG HTML, "Server-sent events"): what a page shows is told as it changes.

1. A stream belongs to a session, and ends with it: at once where the person signs out here, else at the next look,
   which there is before every message. Listening keeps no session alive.
2. A session has a few streams at most, a person some more, whatever their sessions, and a process many: whoever opens
   more is refused.
3. Every message has a number (`id`). A browser that connects again says the last one it has (`Last-Event-ID`), and gets
   what is newer.
4. Where nothing changes, a comment is sent every few seconds, so that proxies leave the connection open, and so that a
   reader who is gone is noticed.
5. It ends after its last message, when its office closes, and after a while in any case; browsers connect again.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from wanderbuch.errors import WanderbuchError

A_SESSION: Final = 4
A_PERSON: Final = 12
IN_ALL: Final = 128
BEAT_S: Final = 10.0
_LOOK_EVERY_S: Final = 2.0
_PAUSE_S: Final = 0.2  # what changes faster is told together
_WRITE_S: Final = 10.0
_LASTS_S: Final = 1800.0
_RETRY_MS: Final = 2000
_MAX_NUMBER: Final = 2**53
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Accel-Buffering": "no",  # proxies that hold answers back leave this one alone
}


class TooManyStreamsError(WanderbuchError):
    """No further stream is served to this session, or by this process."""

    code = "too-many"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream.

    Args:
        number: greater than that of the message before.
        event: its kind.
        data: for the page's script; JSON.
        is_last: whether the stream ends with it.
    """

    number: int
    event: str
    data: Mapping[str, Any]
    is_last: bool = False

    def text(self) -> str:
        """Return it as it stands in the stream; JSON has no line break."""
        return f"id: {self.number}\nevent: {self.event}\ndata: {json.dumps(self.data, separators=(',', ':'))}\n\n"


type Source = Callable[[int], Awaitable[Message]]
"""Takes the number of the last message, waits, and gives the next one."""


class Streams:
    """The streams of one office in this process.

    Args:
        beat_s: the pause between two comments.
    """

    def __init__(self, *, beat_s: float = BEAT_S) -> None:
        self._beat_s = beat_s
        self._a_session: Counter[str] = Counter()
        self._a_person: Counter[str] = Counter()
        self._ended: dict[str, asyncio.Event] = {}

    def __len__(self) -> int:
        return self._a_session.total()

    def end(self, session: str) -> None:
        """End the streams of a session."""
        if (ended := self._ended.get(session)) is not None:
            ended.set()

    def close(self) -> None:
        """End all streams."""
        for ended in self._ended.values():
            ended.set()

    async def serve(
        self,
        request: web.Request,
        session: str,
        source: Source,
        may_go_on: Callable[[], Awaitable[bool]],
        *,
        person: str,
    ) -> web.StreamResponse:
        """Answer with a stream of messages, until one of the ends above.

        Args:
            request: of the browser.
            session: whose stream it is; any text that no other session has.
            source: gives the messages.
            may_go_on: whether the session still is, and may read this.
            person: whose session it is.

        Raises:
            TooManyStreamsError: there are too many streams already.
        """
        with self._place(session, person) as ended:
            response = web.StreamResponse(headers=_HEADERS)
            response.enable_chunked_encoding()
            await response.prepare(request)
            try:
                await _write(response, f"retry: {_RETRY_MS}\n\n")
                await self._send(response, _last_number(request), source, may_go_on, ended)
                async with asyncio.timeout(_WRITE_S):
                    await response.write_eof()
            except TimeoutError:  # a reader that is too slow: it connects again
                if request.transport is not None:
                    request.transport.abort()
            except (ConnectionError, WanderbuchError):  # gone, or there is nothing to tell of any more
                pass
        return response

    async def _send(
        self,
        response: web.StreamResponse,
        number: int,
        source: Source,
        may_go_on: Callable[[], Awaitable[bool]],
        ended: asyncio.Event,
    ) -> None:
        until, looked_at = time.monotonic() + _LASTS_S, time.monotonic()
        ending = asyncio.ensure_future(ended.wait())
        following = asyncio.ensure_future(source(number))
        try:
            while time.monotonic() < until:
                await asyncio.wait({ending, following}, timeout=self._beat_s, return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    return
                if following.done() or time.monotonic() - looked_at >= min(_LOOK_EVERY_S, self._beat_s):
                    if not await may_go_on():
                        return
                    looked_at = time.monotonic()
                if not following.done():
                    await _write(response, ": \n\n")
                    continue
                message = following.result()
                await _write(response, message.text())
                if message.is_last:
                    return
                await asyncio.sleep(_PAUSE_S)
                following = asyncio.ensure_future(source(message.number))
        finally:
            ending.cancel()
            following.cancel()
            await asyncio.gather(ending, following, return_exceptions=True)

    @contextmanager
    def _place(self, session: str, person: str) -> Iterator[asyncio.Event]:
        if self._a_session[session] >= A_SESSION or self._a_person[person] >= A_PERSON or len(self) >= IN_ALL:
            raise TooManyStreamsError("too many pages of yours are waiting for news", hint="close some of them")
        self._a_session[session] += 1
        self._a_person[person] += 1
        ended = self._ended.setdefault(session, asyncio.Event())
        try:
            yield ended
        finally:
            self._a_session[session] -= 1
            self._a_person[person] -= 1
            if not self._a_person[person]:
                del self._a_person[person]
            if not self._a_session[session]:
                del self._a_session[session]
                self._ended.pop(session, None)


def is_stream(request: web.Request) -> bool:
    """Return whether a browser listens: it connects by itself again and again, whether anybody is there or not."""
    return "text/event-stream" in request.headers.get("Accept", "")


def _last_number(request: web.Request) -> int:
    text = request.headers.get("Last-Event-ID", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) < _MAX_NUMBER else 0


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_WRITE_S):
        await response.write(text.encode())
