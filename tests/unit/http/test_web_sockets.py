"""Web sockets that we open: by the rules of the edge."""

import pytest
from aiohttp import WSMsgType, web
from tests.unit.http.tls_host import TlsHost

from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import (
    AddressRefusedError,
    HttpError,
    RedirectRefusedError,
    StatusError,
    UnreachableError,
)

MAX_BYTES = 1024


def address(host: TlsHost, path: str = "socket") -> str:
    return f"wss://{host.host}/{path}"


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Say each message back, a text as a text; "big": a message that is too large; "end": nothing more."""
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for frame in ws:
        if frame.data in ("big", b"big"):
            await ws.send_bytes(bytes(MAX_BYTES + 1))
        elif frame.data in ("end", b"end"):
            break
        elif frame.type is WSMsgType.TEXT:
            await ws.send_str(frame.data)
        else:
            await ws.send_bytes(frame.data)
    await ws.close()
    return ws


async def test_messages_go_both_ways_until_it_ends(edge: HttpEdge, host: TlsHost) -> None:
    host.handlers["socket"] = echo
    async with edge.socket(address(host), max_bytes=MAX_BYTES) as socket:
        await socket.send(b"one")
        await socket.send(bytes(MAX_BYTES))
        assert [await socket.receive(), await socket.receive()] == [b"one", bytes(MAX_BYTES)]
        await socket.send(b"end")
        with pytest.raises(UnreachableError, match="has ended"):
            await socket.receive()
        with pytest.raises(UnreachableError):
            await socket.send(b"more")


async def test_what_is_too_large_ends_it(edge: HttpEdge, host: TlsHost) -> None:
    host.handlers["socket"] = echo
    async with edge.socket(address(host), max_bytes=MAX_BYTES) as socket:
        await socket.send(b"big")
        with pytest.raises(UnreachableError, match="code 1009"):
            await socket.receive()


async def test_it_follows_no_redirect(edge: HttpEdge, host: TlsHost) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/there"})

    host.handlers |= {"socket": elsewhere, "there": echo}
    with pytest.raises(RedirectRefusedError):
        async with edge.socket(address(host), max_bytes=MAX_BYTES):
            pass
    assert [request.path for request in host.requests] == ["/socket"]


async def test_where_nobody_takes_web_sockets_it_says_so(edge: HttpEdge, host: TlsHost) -> None:
    with pytest.raises(StatusError, match="404"):
        async with edge.socket(address(host, "nothing"), max_bytes=MAX_BYTES):
            pass


async def test_only_public_wss_addresses_are_connected_to(edge: HttpEdge, host: TlsHost) -> None:
    host.handlers["socket"] = echo
    refused: dict[str, type[HttpError]] = {
        f"ws://{host.host}/socket": AddressRefusedError,
        f"https://{host.host}/socket": AddressRefusedError,
        "wss://127.0.0.1/socket": AddressRefusedError,
        "wss://user@registry.example.test/socket": AddressRefusedError,
        "wss://localhost/socket": HttpError,
    }
    for url, kind in refused.items():
        with pytest.raises(kind):
            async with edge.socket(url, max_bytes=MAX_BYTES):
                pass
    assert host.requests == []


async def test_a_certificate_that_nobody_signed_is_refused(host: TlsHost) -> None:
    host.handlers["socket"] = echo
    known = host.edge()
    async with HttpEdge(HttpEdgeConfig(connect=known._config.connect)) as trusting_the_system:
        with pytest.raises(UnreachableError):
            async with trusting_the_system.socket(address(host), max_bytes=MAX_BYTES):
                pass
    assert host.requests == []
