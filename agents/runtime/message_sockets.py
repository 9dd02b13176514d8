"""Web sockets that bring DIDComm messages: each frame is one envelope (Aries RFC 0025), and replies go back over it.

1. A frame passes the same gate as what is posted, one after the other: who sends faster than we take waits.
2. A socket over which nobody whom we know has written is closed after `STRANGER_S`, and gives way to whoever comes
   when the site has no place left (`connections`, rule 2).
3. One that is silent is asked whether it is there (a ping of RFC 6455), and closed if it does not answer.
4. What is sent waits until there is room; who does not read is given up by the site (`connections`, rule 3), as is who
   sends large frames slowly over many (rule 4).

A frame that cannot be taken now is tried again twice; then the socket is closed with 1013, and its other end comes
again. It is closed at once where the sender of the frame asks again by itself (`hanging_up`). No socket has a task or a
timer of its own but the one that reads: there may be tens of thousands.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from wanderbuch.agents.runtime.connections import SocketConnection
from wanderbuch.agents.runtime.hanging_up import HangUp
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.plugins.exchange.compact import compacted, expanded, is_compact

_LOG = logging.getLogger(__name__)

STRANGER_S: Final = 30.0
QUIET_S: Final = 120.0
_LOOK_EVERY_S: Final = 5.0
_AGAIN_S: Final = (1.0, 5.0)
_MAX_SEEN: Final = 256
_CLOSE_S: Final = 2.0


class TakeFrame(Protocol):
    """Takes an envelope that came over a web socket."""

    async def __call__(self, body: bytes, network: str, *, socket: "MessageSocket") -> web.Response:
        """Take it, and return what would be the answer to a post."""


class MessageSocket:
    """One web socket; a `LastingRoute`."""

    __slots__ = (
        "_asked",
        "_connection",
        "_ended",
        "_pings",
        "_ws",
        "heard_at",
        "is_closed",
        "is_compact",
        "is_known",
        "network",
        "pinged_at",
    )

    def __init__(
        self, ws: web.WebSocketResponse, now: float, network: str, connection: SocketConnection | None = None
    ) -> None:
        self._ws = ws
        self.network = network
        self._connection = connection
        self._ended: tuple[Callable[[], None], ...] = ()
        self._pings = 0
        self._asked: deque[tuple[bytes, asyncio.Future[None]]] | None = None
        self.heard_at = now
        self.pinged_at: float | None = None
        self.is_known = False
        """Whether somebody whom we know wrote over it."""
        self.is_closed = False
        self.is_compact = False
        """Whether the other end speaks in compact envelopes: then so do we (ADR 120)."""

    def know(self) -> None:
        """Note that somebody whom we know writes over it."""
        self.is_known = True
        if self._connection is not None:
            self._connection.know()

    async def send(self, packed: bytes) -> None:
        """Send an envelope; returns when there is room for a further one.

        Raises:
            ConnectionError: it has ended.
        """
        if self.is_closed or self._ws.closed:
            raise ConnectionResetError("the web socket has ended")
        await self._ws.send_bytes(compacted(packed) if self.is_compact else packed)

    def took_frame(self, size: int) -> None:
        """Note that a data message came whole."""
        if self._connection is not None:
            self._connection.took_frame(size)

    def took_control(self, size: int) -> None:
        """Note that a control frame came; it may stand between the fragments of a message."""
        if self._connection is not None:
            self._connection.took_control(size)

    def hold_frame(self, size: int) -> None:
        """Note that a frame is kept in memory until there is room for it."""
        if self._connection is not None:
            self._connection.count(size)

    def release_frame(self, size: int) -> None:
        """Note that a frame is not kept any more."""
        if self._connection is not None:
            self._connection.forget(size)

    async def seen(self) -> None:
        """Wait until the other end has read what was sent by now: it answers a ping that came after it.

        Raises:
            ConnectionError: it has ended before that, or too much is waited for.
        """
        if self.is_closed:
            raise ConnectionResetError("the web socket has ended")
        asked = self._asked = self._asked if self._asked is not None else deque()
        if len(asked) >= _MAX_SEEN:
            raise ConnectionResetError("the web socket's other end answers no ping")
        self._pings += 1
        name, answer = b"%d" % self._pings, asyncio.get_running_loop().create_future()
        asked.append((name, answer))
        await self._ws.ping(name)
        await answer

    def on_end(self, ended: Callable[[], None]) -> Callable[[], None]:
        """Call `ended` once, when it ends; at once if it has. Calling what this returns ends that."""
        if self.is_closed:
            ended()
        else:
            self._ended = (*self._ended, ended)

        def leave() -> None:
            self._ended = tuple(other for other in self._ended if other is not ended)

        return leave

    def give_up(self) -> None:
        """End it: its reader closes it."""
        self.end()
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().create_task(self.close(WSCloseCode.GOING_AWAY))

    async def close(self, code: int) -> None:
        """Close it, and wait for that, not for long."""
        with contextlib.suppress(Exception):  # whatever its other end does
            async with asyncio.timeout(_CLOSE_S):
                await self._ws.close(code=code)

    async def ping(self, now: float) -> None:
        """Ask whether the other end is there."""
        self.pinged_at = now
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._ws.ping(b"")

    def answered(self, name: bytes) -> None:
        """Note that the other end answered a ping: what was sent before it has been read."""
        asked = self._asked
        if asked is None or all(name != other for other, _ in asked):
            return
        while asked:
            other, answer = asked.popleft()
            if not answer.done():
                answer.set_result(None)
            if other == name:
                break
        if not asked:
            self._asked = None

    def end(self) -> None:
        """Note that it has ended; again does nothing."""
        if self.is_closed:
            return
        self.is_closed = True
        for _, answer in self._asked or ():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the web socket has ended"))
                answer.exception()  # whoever waited may be gone
        self._asked = None
        for ended in self._ended:
            ended()
        self._ended = ()


class MessageSockets:
    """All web sockets of one site.

    Args:
        take: takes what comes.
        max_bytes: of one envelope.
    """

    def __init__(self, take: TakeFrame, *, max_bytes: int) -> None:
        self._take = take
        self._max_bytes = max_bytes
        self._open: set[MessageSocket] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def serve(self, request: web.Request, network: str) -> web.WebSocketResponse:
        """Serve a request for a web socket until that ends."""
        # Without compression: ciphertext does not shrink, and its windows would be held as long as the socket is open.
        ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=self._max_bytes, timeout=_CLOSE_S)
        await ws.prepare(request)
        connection = SocketConnection.of(request)
        if connection is not None:
            connection.begin_frames()
        socket = MessageSocket(ws, asyncio.get_running_loop().time(), network, connection)
        self._open.add(socket)
        try:
            await self._read(ws, socket, network)
        finally:
            self._open.discard(socket)
            socket.end()
        return ws

    async def look(self) -> None:
        """Close what is over its time, and ask the silent (2, 3)."""
        now = asyncio.get_running_loop().time()
        for socket in list(self._open):
            silent = now - socket.heard_at
            is_asked = socket.pinged_at is not None and socket.pinged_at > socket.heard_at
            if silent > (STRANGER_S if not socket.is_known else 2 * QUIET_S if is_asked else float("inf")):
                socket.give_up()
            elif silent > QUIET_S and not is_asked:
                await socket.ping(now)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.look()

    async def close(self) -> None:
        """Close all: their other ends go to another process, or come again."""
        sockets = list(self._open)
        for socket in sockets:
            socket.end()
        await asyncio.gather(*(socket.close(WSCloseCode.GOING_AWAY) for socket in sockets), return_exceptions=True)

    async def _read(self, ws: web.WebSocketResponse, socket: MessageSocket, network: str) -> None:
        now = asyncio.get_running_loop().time
        while not socket.is_closed:
            frame = await ws.receive()
            match frame.type:
                case WSMsgType.BINARY | WSMsgType.TEXT:
                    body: bytes = frame.data if frame.type is WSMsgType.BINARY else frame.data.encode()
                    del frame  # nobody waits with megabytes in hand
                    socket.took_frame(len(body))
                    if socket.is_known:  # else strangers could keep it open
                        socket.heard_at = now()
                    if is_compact(body):
                        socket.is_compact = True
                        with contextlib.suppress(ValueError):  # it is refused as it came, as what is no envelope
                            body = expanded(body)
                    if not await self._taken(body, socket, network):
                        await socket.close(WSCloseCode.TRY_AGAIN_LATER)
                        return
                    if socket.is_known:
                        socket.heard_at = now()
                case WSMsgType.PING:
                    socket.took_control(len(frame.data))
                    await ws.pong(frame.data)
                    await asyncio.sleep(0)  # neither of the two waits: others have their turn, and a lost end is seen
                case WSMsgType.PONG:
                    socket.took_control(len(frame.data))
                    socket.heard_at = now() if socket.is_known else socket.heard_at
                    socket.answered(bytes(frame.data))
                case _:  # closed, or an error of the protocol
                    return

    async def _taken(self, body: bytes, socket: MessageSocket, network: str) -> bool:
        """Have a frame taken and answered; False: it cannot be taken now."""
        for pause_s in (*_AGAIN_S, None):
            answer = await self._take(body, network, socket=socket)
            if answer.status == web.HTTPServiceUnavailable.status_code:
                if pause_s is None or isinstance(answer, HangUp):
                    log_event(_LOG, logging.WARNING, "socket.busy")
                    return False
                socket.hold_frame(len(body))
                await asyncio.sleep(pause_s)
                socket.release_frame(len(body))
                continue
            if isinstance(answer.body, bytes) and answer.body:
                with contextlib.suppress(ConnectionError):
                    await socket.send(answer.body)
            return True
        return False


type ServeSocket = Callable[[web.Request, str], Awaitable[web.StreamResponse]]
"""Serves a request for a web socket, from which network."""
