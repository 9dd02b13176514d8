"""A site of ours on a bound socket: aiohttp's application behind the rules of `connections`.

asyncio's own server takes whatever comes until the process has no descriptor left, and then nobody gets one, the
operators neither. Here a connection is taken when there is a place for it; else it waits in the kernel, or takes the
place of one that does nothing.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Iterable
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.config_tables import SocketsConfig
from wanderbuch.agents.runtime.connections import AnyNetwork, Connections, SocketConnection, SocketLimits, Stage
from wanderbuch.agents.runtime.descriptors import raise_limit, share_out
from wanderbuch.agents.runtime.logs import log_event

_LOG = logging.getLogger(__name__)
_HTTP_LOG: Final = logging.getLogger(f"{__name__}.http")
_LOOK_EVERY_S: Final = 1.0
_NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_NO_DESCRIPTOR_PAUSE_S: Final = 0.2
_TELL_EVERY_S: Final = 60.0
_TLS_SHUTDOWN_S: Final = 2.0
_LINGERING_S: Final = 2.0  # so long what is left of a refused body is thrown away before the connection ends
_SHUTDOWN_S: Final = 5.0
_MAX_HEADERS: Final = 64


class Site:
    """An application that is served on a socket of ours.

    Args:
        name: for the log.
        app: is served; it gets one middleware more, and does not say which software answers.
        bound: listens already; closed with the site.
        limits: what its connections may take.
        tls: the server's side of TLS; None: plain HTTP.
        trusted: networks of proxies that we trust.
        trusted_only: nobody else may connect.
    """

    def __init__(
        self,
        name: str,
        app: web.Application,
        bound: socket.socket,
        limits: SocketLimits,
        *,
        tls: ssl.SSLContext | None = None,
        trusted: Iterable[AnyNetwork] = (),
        trusted_only: bool = False,
    ) -> None:
        self._name = name
        self._trusted_only = trusted_only
        self._socket = bound
        self._tls = tls
        self.connections = Connections(limits, trusted=trusted)
        app.middlewares.insert(0, _staged)
        app.on_response_prepare.append(_unnamed)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_S,
            handle_signals=False,
            keepalive_timeout=limits.idle_s,
            lingering_time=_LINGERING_S,
            max_headers=_MAX_HEADERS,
            logger=_HTTP_LOG,
        )
        _HTTP_LOG.addFilter(_is_ours)
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._told_at: dict[str, float] = {}

    async def start(self) -> None:
        """Serve."""
        await self._runner.setup()
        self._accepting = asyncio.create_task(self._accept(), name=f"{self._name}.accept")
        self._spawn(self._look())

    async def stop_accepting(self) -> None:
        """Take no new connections; calling it again does nothing."""
        if self._accepting is not None:
            self._accepting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._accepting
            self._accepting = None
        self._socket.close()

    async def close(self) -> None:
        """Close the socket and all connections."""
        await self.stop_accepting()
        self.connections.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None  # noqa: S101 (`start` has set it up)
        while True:
            await asyncio.sleep(0)  # an accept that need not wait would let nobody else work
            try:
                accepted, address = await loop.sock_accept(self._socket)
            except OSError as err:
                if err.errno in _NO_DESCRIPTOR:
                    self._tell("site.no_descriptor", reason=err.strerror)
                await asyncio.sleep(_NO_DESCRIPTOR_PAUSE_S)
                continue
            if self._trusted_only and not self.connections.trusts(str(address[0]) if address else ""):
                accepted.close()
                self._tell("site.not_a_proxy", hint="[public] tls_at_proxy: only trusted_proxies may connect")
                continue
            try:
                before = self.connections.given_up
                place = await self.connections.admit(str(address[0]) if address else "", server)
            except BaseException:
                accepted.close()
                raise
            if place is None or self.connections.given_up > before:
                self._tell("site.full", given_up=self.connections.given_up)
            if place is None:
                accepted.close()
                continue
            place.handshake = self._spawn(self._begin(accepted, place))

    async def _begin(self, accepted: socket.socket, place: SocketConnection) -> None:
        """Do the handshake, within its deadline."""
        try:
            accepted.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: place,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=self.connections.limits.handshake_s if self._tls else None,
                ssl_shutdown_timeout=_TLS_SHUTDOWN_S if self._tls else None,
            )
        except OSError:  # also a handshake that failed, or took too long: a stranger's affair
            self._end(accepted, place)
        except BaseException:
            self._end(accepted, place)
            raise
        finally:
            place.handshake = None

    def _end(self, accepted: socket.socket, place: SocketConnection) -> None:
        """End a connection whose handshake did not end well, or ended in the moment in which it was given up.

        Its transport ends first: asyncio refuses every further connection that gets the number of a descriptor which
        a transport that is open has, though it was closed.
        """
        self.connections.remove(place)
        if place.transport is not None:
            place.transport.abort()
        accepted.close()

    async def _look(self) -> None:
        limits = self.connections.limits
        every = min(_LOOK_EVERY_S, limits.headers_s / 4, limits.idle_s / 4, limits.stalled_s / 4)
        while True:
            await asyncio.sleep(every)
            self.connections.look()

    def _tell(self, event: str, **members: Any) -> None:
        """Log it, but not for every connection of a flood."""
        now = asyncio.get_running_loop().time()
        if now - self._told_at.get(event, -_TELL_EVERY_S) >= _TELL_EVERY_S:
            self._told_at[event] = now
            log_event(_LOG, logging.WARNING, event, site=self._name, connections=len(self.connections), **members)

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def site_limits(config: AgentConfig) -> tuple[SocketLimits, SocketLimits]:
    """Return the limits of an agent's public site and of its app site, as far as its descriptors reach."""
    public, app = config.public.sockets, config.app.sockets
    shares = share_out(
        raise_limit(),
        public=public.connections,
        app=app.connections,
        wallet_connections=config.wallet.max_connections,
    )
    return (
        limits_of(
            public,
            connections=shares.public,
            network_share=0.5,
            largest_bytes=config.public.max_message_bytes,
        ),
        limits_of(app, connections=shares.app, network_share=1.0, largest_bytes=config.app.max_body_bytes),
    )


def limits_of(sockets: SocketsConfig, *, connections: int, network_share: float, largest_bytes: int) -> SocketLimits:
    """Return the limits that a table of the configuration means.

    Args:
        sockets: the table.
        connections: how many there may be.
        network_share: of them, for one network, where the table does not say it.
        largest_bytes: of one body; two of them must fit into what one network gets.
    """
    return SocketLimits(
        connections=connections,
        per_network=min(sockets.per_network or max(1, int(connections * network_share)), connections),
        unfinished_bytes=max(sockets.unfinished_bytes, 4 * largest_bytes),
    )


def _is_ours(record: logging.LogRecord) -> bool:
    """Return whether aiohttp tells of a fault of ours: a stranger's broken request is answered, and is no traceback."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


async def _unnamed(_request: web.Request, response: web.StreamResponse) -> None:
    """Take out which software answers, in which version: nobody needs it, and each answer is longer by it."""
    response.headers.pop(hdrs.SERVER, None)


@web.middleware
async def _staged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the connection where its request stands."""
    connection = SocketConnection.of(request)
    if connection is None:
        gone: web.StreamResponse = await handler(request)
        return gone
    connection.begin(request)
    try:
        response = await handler(request)
    except web.HTTPException as err:
        # As an answer like any other: an exception refers to itself by its frames, and would keep the connection's
        # buffers (256 KB with TLS) until Python looks for cycles, which a crowd does not wait for.
        return web.Response(status=err.status, reason=err.reason, headers=err.headers, body=err.body)
    finally:
        connection.enter(Stage.KEPT)
    return response
