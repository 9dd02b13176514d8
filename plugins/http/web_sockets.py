"""Web sockets that we open (RFC 6455), by the rules of the HTTP edge.

A wss address with a host name, the addresses and certificates of the edge, no redirect, no compression, messages of a
bounded size: a larger one ends the socket before it is read. What comes waits in the network until it is asked for. An
other end that answers no ping for `_SILENT_S` is gone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ssl import SSLContext
from types import SimpleNamespace
from typing import Final

import aiohttp
from yarl import URL

from wanderbuch.plugins.http.addresses import checked_url
from wanderbuch.plugins.http.errors import (
    AddressRefusedError,
    DeadlineError,
    NoConnectionError,
    RedirectRefusedError,
    StatusError,
    UnreachableError,
)

_OPEN_S: Final = 20.0
_SEND_S: Final = 30.0
_SILENT_S: Final = 90.0
_CLOSE_S: Final = 2.0
_WSS: Final = "wss://"


class WebSocket:
    """A web socket that is open; made by `open_socket`.

    Args:
        ws: aiohttp's.
        shown: its address, as errors show it.
    """

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, shown: str) -> None:
        self._ws = ws
        self._shown = shown

    async def receive(self) -> bytes:
        """Return the next message.

        Raises:
            UnreachableError: the socket has ended.
        """
        frame = await self._ws.receive()
        match frame.type:
            case aiohttp.WSMsgType.BINARY:
                return bytes(frame.data)
            case aiohttp.WSMsgType.TEXT:
                return str(frame.data).encode()
            case _:
                raise UnreachableError(f"the web socket to {self._shown} has ended (code {self._ws.close_code})")

    async def send(self, message: bytes) -> None:
        """Send a message; returns when there is room for a further one.

        Raises:
            UnreachableError: the socket has ended.
        """
        try:
            async with asyncio.timeout(_SEND_S):
                await self._ws.send_bytes(message)
        except (TimeoutError, aiohttp.ClientError, OSError) as err:
            raise UnreachableError(f"the web socket to {self._shown} has ended") from err


@asynccontextmanager
async def open_socket(
    session: Callable[[], aiohttp.ClientSession], address: str, *, tls: SSLContext, max_bytes: int
) -> AsyncIterator[WebSocket]:
    """Open a web socket for as long as the context lasts.

    Args:
        session: gives the edge's session for web sockets, whose traces are `refusing_redirects`.
        address: a wss address.
        tls: whom to trust.
        max_bytes: of a message.

    Raises:
        HttpError: refused, unreachable, late, redirected, or no web socket.
    """
    url = _checked(address)
    shown = f"{_WSS}{url.host}{url.raw_path}"[:200]
    ws = await _opened(session(), url, shown, tls, max_bytes)
    try:
        yield WebSocket(ws, shown)
    finally:
        await ws.close()


def refusing_redirects() -> aiohttp.TraceConfig:
    """Return what ends a request where it is redirected: opening a web socket follows redirects else."""

    async def refuse(_: aiohttp.ClientSession, __: SimpleNamespace, told: aiohttp.TraceRequestRedirectParams) -> None:
        status = told.response.status
        told.response.close()
        raise RedirectRefusedError(
            f"{told.url.host} sends us elsewhere (status {status}); we do not follow", status=status
        )

    traces = aiohttp.TraceConfig()
    traces.on_request_redirect.append(refuse)
    return traces


def _checked(address: str) -> URL:
    if not address.startswith(_WSS):
        raise AddressRefusedError("expected the address of a web socket, wss://…, found another one")
    return checked_url(f"https://{address.removeprefix(_WSS)}")


async def _opened(
    session: aiohttp.ClientSession, url: URL, shown: str, tls: SSLContext, max_bytes: int
) -> aiohttp.ClientWebSocketResponse:
    try:
        async with asyncio.timeout(_OPEN_S):
            return await session.ws_connect(
                url,
                ssl=tls,
                compress=0,
                heartbeat=_SILENT_S,
                max_msg_size=max_bytes + 1,  # aiohttp takes less than that
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
            )
    except TimeoutError as err:
        raise DeadlineError(f"no web socket at {shown} within {_OPEN_S:g} s") from err
    except aiohttp.WSServerHandshakeError as err:
        raise StatusError(f"expected a web socket at {shown}, found status {err.status}", status=err.status) from err
    except (aiohttp.ClientError, OSError) as err:
        kind = NoConnectionError if isinstance(err, aiohttp.ClientConnectorError) else UnreachableError
        raise kind(f"could not reach {shown}: {type(err).__name__}") from err
