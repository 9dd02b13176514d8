"""Sites with small limits, and certificates for them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from tests.unit.runtime.listening.place import LARGE, LIMITS, MAX_BODY, Place, Start

from wanderbuch.agents.machine.certificates import LocalAuthority
from wanderbuch.agents.runtime.bodies import expect_body, read_body
from wanderbuch.agents.runtime.config_tables import Address
from wanderbuch.agents.runtime.connections import AnyNetwork, SocketConnection, SocketLimits
from wanderbuch.agents.runtime.listening import Site
from wanderbuch.agents.runtime.sockets import bind, tls_context


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    places: list[Place] = []

    async def started(
        limits: SocketLimits = LIMITS, *, tls: ssl.SSLContext | None = None, trusted: tuple[AnyNetwork, ...] = ()
    ) -> Place:
        go_on = asyncio.Event()

        async def wait(_: web.Request) -> web.Response:
            await go_on.wait()
            return web.Response()

        async def body(request: web.Request) -> web.Response:
            return web.json_response(len(await read_body(request, deadline_s=5)))

        async def events(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            while not go_on.is_set():
                await response.write(b"data\n")
                await asyncio.sleep(0.1)
            return response

        async def socket_(request: web.Request) -> web.StreamResponse:
            opened = web.WebSocketResponse()
            await opened.prepare(request)
            async for message in opened:
                await opened.send_str(message.data)
            return opened

        async def frames(request: web.Request) -> web.StreamResponse:
            opened = web.WebSocketResponse()
            await opened.prepare(request)
            connection = SocketConnection.of(request)
            assert connection is not None
            connection.begin_frames()
            async for message in opened:
                if message.data == "it is me":
                    connection.know()
                await opened.send_str(message.data)
            return opened

        async def health(_: web.Request) -> web.Response:
            return web.Response(text="alive")

        async def large(_: web.Request) -> web.Response:
            return web.Response(body=LARGE)

        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get("/health", health)
        app.router.add_get("/wait", wait)
        app.router.add_get("/events", events)
        app.router.add_get("/socket", socket_)
        app.router.add_get("/frames", frames)
        app.router.add_get("/large", large)
        app.router.add_post("/body", body, expect_handler=expect_body)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        bound = bind(Address(host="127.0.0.1", port=port), "[public] listen")
        site = Site("public", app, bound, limits, tls=tls, trusted=trusted)
        await site.start()
        places.append(Place(site, port, go_on))
        return places[-1]

    yield started
    for place in places:
        place.go_on.set()
        place.close()
        await place.site.close()


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's side of TLS and a client's."""
    authority = LocalAuthority()
    authority.write_certificate(tmp_path / "ca.crt")
    authority.write_server("x.wanderbuch.test", tmp_path / "x.crt", tmp_path / "x.key")
    return tls_context(tmp_path / "x.crt", tmp_path / "x.key"), ssl.create_default_context(cafile=tmp_path / "ca.crt")
