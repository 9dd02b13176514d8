"""Real sites on real sockets, with small limits: what a stranger does with a connection, and what it costs others."""

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

import wanderbuch
from wanderbuch.agents.machine.certificates import LocalAuthority
from wanderbuch.agents.runtime.bodies import expect_body, read_body
from wanderbuch.agents.runtime.config_tables import Address, SocketsConfig
from wanderbuch.agents.runtime.connections import AnyNetwork, SocketConnection, SocketLimits
from wanderbuch.agents.runtime.listening import Site, limits_of
from wanderbuch.agents.runtime.sockets import bind, tls_context

MAX_BODY = 100_000
LARGE = b"x" * 8_000_000
LIMITS = SocketLimits(
    connections=16,
    per_network=16,
    unfinished_bytes=400_000,
    handshake_s=0.3,
    headers_s=0.3,
    idle_s=0.6,
    stalled_s=0.5,
    lasting_s=30.0,
)
GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW_BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n"

type Start = Callable[..., Awaitable["Place"]]


class Place:
    """A site that runs, and how to reach it."""

    def __init__(self, site: Site, port: int, go_on: asyncio.Event) -> None:
        self.site = site
        self.port = port
        self.go_on = go_on
        """Ends what waits at /wait."""
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(
        self, sent: bytes = b"", *, source: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            local_addr=(source, 0),
            ssl=tls,
            server_hostname="x.wanderbuch.test" if tls else None,
        )
        self._writers.append(writer)
        writer.write(sent)
        return reader, writer

    async def crowd(self, number: int, sent: bytes = b"", **options: str) -> list[asyncio.StreamReader]:
        """Open so many connections, and wait until the site has taken them."""
        readers = [(await self.connect(sent, **options))[0] for _ in range(number)]
        await asyncio.sleep(0.05)
        return readers

    async def ask(self, sent: bytes = GET, **options: str) -> bytes:
        """Return the status line of the answer; empty if the connection ended without one."""
        reader, _ = await self.connect(sent, **options)
        return await status(reader)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


async def status(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(60):
            return (await reader.readline()).partition(b" ")[2][:3]
    except ConnectionError:
        return b""


async def ended(reader: asyncio.StreamReader, within_s: float = 60) -> bool:
    """Whether the site ends a connection, whatever it says before."""
    try:
        async with asyncio.timeout(within_s):
            while await reader.read(65536):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


async def reached(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 (others change it)
            await asyncio.sleep(0.01)


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


async def test_a_connection_given_up_as_its_handshake_ends_keeps_no_later_one_out(
    start: Start, certificates: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await start(replace(LIMITS, headers_s=60, handshake_s=60), tls=certificates[0])
    made = SocketConnection.connection_made

    def given_up(connection: SocketConnection, transport: asyncio.BaseTransport) -> None:
        monkeypatch.undo()
        connection.give_up()  # another one took its place: its handshake is not done yet
        made(connection, transport)

    monkeypatch.setattr(SocketConnection, "connection_made", given_up)
    reader, _ = await place.connect(tls=certificates[1])
    later = [await status((await place.connect(GET, tls=certificates[1]))[0]) for _ in range(3)]
    assert later == [b"200"] * 3
    assert await ended(reader)
    assert len(place.site.connections) <= 3


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost:", b"GE"])
async def test_ends_a_connection_whose_headers_do_not_come(start: Start, sent: bytes) -> None:
    place = await start()
    reader, _ = await place.connect(sent)
    assert await status(reader) == (b"408" if sent else b"")
    assert len(place.site.connections) == 0


async def test_ends_headers_that_come_a_byte_at_a_time(start: Start) -> None:
    place = await start()
    reader, writer = await place.connect()
    with contextlib.suppress(ConnectionError):
        for byte in GET * 3:
            if reader.at_eof() or writer.is_closing():
                break
            writer.write(bytes([byte]) if byte not in b"\r\n" else b"x")
            await asyncio.sleep(0.05)
    assert await ended(reader)


async def test_takes_headers_that_come_in_two_parts(start: Start) -> None:
    place = await start()
    reader, writer = await place.connect(GET[:20])
    await asyncio.sleep(0.1)
    writer.write(GET[20:])
    assert await status(reader) == b"200"


async def test_ends_a_handshake_that_does_not_go_on(
    start: Start, certificates: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    place = await start(tls=certificates[0])
    silent, _ = await place.connect()
    half, _ = await place.connect(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert await ended(silent)
    assert await ended(half)
    assert len(place.site.connections) == 0
    whole, _ = await place.connect(GET, tls=certificates[1])
    assert await status(whole) == b"200"


async def test_a_handshake_that_fails_leaves_nothing(
    start: Start, certificates: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    place = await start(tls=certificates[0])
    reader, _ = await place.connect(GET)  # no TLS at all
    assert await ended(reader)
    assert len(place.site.connections) == 0


async def test_a_newcomer_takes_the_place_of_who_only_holds_one(
    start: Start, certificates: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    place = await start(replace(LIMITS, headers_s=60, handshake_s=60), tls=certificates[0])
    silent = await place.crowd(40)
    assert len(place.site.connections) == LIMITS.connections
    reader, _ = await place.connect(GET, tls=certificates[1])
    assert await status(reader) == b"200"
    assert await ended(silent[0])
    assert not await ended(silent[-1], 0.1)


async def test_who_keeps_a_connection_for_later_goes_after_who_never_asked(start: Start) -> None:
    place = await start(replace(LIMITS, headers_s=60, idle_s=60))
    kept, _ = await place.connect(GET)
    assert await status(kept) == b"200"
    silent = await place.crowd(LIMITS.connections - 1)
    assert await place.ask() == b"200"
    assert await ended(silent[0])
    assert not await ended(kept, 0.1)


async def test_who_is_being_answered_is_not_given_up_and_the_next_waits(start: Start) -> None:
    place = await start()
    waiting = await place.crowd(LIMITS.connections, WAIT)
    reader, _ = await place.connect(GET)
    await asyncio.sleep(0.5)  # longer than every deadline
    assert len(place.site.connections) == LIMITS.connections
    place.go_on.set()
    assert [await status(each) for each in waiting] == [b"200"] * LIMITS.connections
    assert await status(reader) == b"200"


async def test_who_sends_a_body_slowly_gives_way(start: Start) -> None:
    place = await start()
    slow = await place.crowd(LIMITS.connections, SLOW_BODY)
    assert await place.ask() == b"200"
    assert await ended(slow[0])


async def test_one_network_does_not_take_the_places_of_others(start: Start) -> None:
    place = await start(replace(LIMITS, per_network=4))
    await place.crowd(4, WAIT, source="127.9.9.1")
    assert await place.ask(source="127.9.9.2") == b""  # the same network
    assert await place.ask(source="127.9.8.1") == b"200"


async def test_a_trusted_proxy_stands_for_many(start: Start) -> None:
    proxy = ipaddress.ip_network("127.9.9.0/28")
    place = await start(replace(LIMITS, per_network=4), trusted=(proxy,))
    await place.crowd(6, WAIT, source="127.9.9.1")
    assert await place.ask(source="127.9.9.2") == b"200"
    await place.crowd(4, WAIT, source="127.9.9.17")  # the same network, but not the proxy
    assert await place.ask(source="127.9.9.18") == b""


async def test_an_answer_that_lasts_outlives_every_deadline(start: Start) -> None:
    place = await start(replace(LIMITS, headers_s=0.1, idle_s=0.1, stalled_s=0.1))
    reader, _ = await place.connect(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{place.port}/socket") as opened,
    ):
        await asyncio.sleep(0.8)
        await opened.send_str("still there")
        assert await opened.receive_str() == "still there"
        async with asyncio.timeout(60):
            await reader.readuntil(b"data\n")
            await reader.readuntil(b"data\n")


async def test_a_web_socket_may_send_without_being_answered(start: Start) -> None:
    place = await start()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{place.port}/socket") as opened,
    ):
        for _ in range(30):
            await opened.send_str("x" * 10_000)
        assert [len(await opened.receive_str()) for _ in range(30)] == [10_000] * 30


async def test_a_newcomer_takes_the_place_of_a_web_socket_that_only_strangers_write_over(start: Start) -> None:
    place = await start()
    url = f"http://127.0.0.1:{place.port}/frames"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        known, *strangers = [await session.ws_connect(url) for _ in range(LIMITS.connections)]
        for opened in (known, *strangers):
            await opened.send_str("it is me" if opened is known else "garbage")
            await opened.receive_str()
        assert await place.ask() == b"200"
        newcomers = []
        for _ in range(LIMITS.connections):
            newcomers.append(await session.ws_connect(url))
            await newcomers[-1].send_str("garbage")
            assert await newcomers[-1].receive_str() == "garbage"
        async with asyncio.timeout(10):
            assert {(await stranger.receive()).type for stranger in strangers} <= {
                aiohttp.WSMsgType.CLOSED,
                aiohttp.WSMsgType.CLOSE,
                aiohttp.WSMsgType.ERROR,
            }
        await known.send_str("still there")
        assert await known.receive_str() == "still there"


async def test_answers_that_last_leave_room(start: Start) -> None:
    place = await start(replace(LIMITS, lasting_s=0.2))
    await place.crowd(LIMITS.connections, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await place.ask() == b"200"
    assert len(place.site.connections) >= LIMITS.connections - 1


async def test_who_does_not_read_an_answer_is_given_up(start: Start) -> None:
    place = await start()
    reader, writer = await place.connect()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await reached(lambda: len(place.site.connections) == 1)
    await reached(lambda: len(place.site.connections) == 0)
    reading, _ = await place.connect(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await reading.read()).endswith(b"x" * 100)
    del reader


async def test_unfinished_bodies_have_a_bound_and_the_oldest_is_told(start: Start) -> None:
    place = await start(replace(LIMITS, headers_s=60))
    slow = []
    for _ in range(8):
        reader, writer = await place.connect(SLOW_BODY)
        writer.write(b"x" * 60_000)
        slow.append(reader)
        await asyncio.sleep(0.05)
        assert place.site.connections.unfinished_bytes <= LIMITS.unfinished_bytes // 2
    assert await status(slow[0]) == b"408"
    whole = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 90_000
    assert await place.ask(whole) == b"200"
    assert not await ended(slow[-1], 0.1)


async def test_what_is_thrown_away_of_a_refused_body_counts_for_nothing(start: Start) -> None:
    place = await start()
    reader, writer = await place.connect(b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")
    assert await status(reader) == b"405"
    for _ in range(6):
        writer.write(b"x" * 100_000)
        await asyncio.sleep(0.01)
        assert place.site.connections.unfinished_bytes == 0


async def test_unfinished_headers_count_too(start: Start) -> None:
    place = await start(replace(LIMITS, headers_s=60, unfinished_bytes=40_000))
    head = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 7000) for n in range(1))
    readers = await place.crowd(6, head)
    assert place.site.connections.unfinished_bytes <= 20_000
    assert await ended(readers[0])
    assert await place.ask() == b"200"


async def test_a_body_without_a_length_is_bounded_all_the_same(start: Start) -> None:
    place = await start()
    head = b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    assert await place.ask(head + chunk * 6 + b"0\r\n\r\n") == b"200"
    assert await place.ask(head + chunk * 7) == b"413"
    assert place.site.connections.unfinished_bytes == 0


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(start: Start) -> None:
    place = await start()
    head = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
    assert await place.ask(head % (MAX_BODY + 1) + b"\r\n") == b"413"
    assert await place.ask(head % (MAX_BODY + 1) + b"Expect: 100-continue\r\n\r\n") == b"413"
    reader, writer = await place.connect(head % 5 + b"Expect: 100-continue\r\n\r\n")
    assert await status(reader) == b"100"
    await reader.readline()
    writer.write(b"12345")
    assert await status(reader) == b"200"
    assert await place.ask(head % 5 + b"Expect: a-miracle\r\n\r\n12345") == b"417"


async def test_a_body_that_breaks_off_is_no_fault_of_ours(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    place = await start()
    _, writer = await place.connect(SLOW_BODY + b"x")
    await asyncio.sleep(0.05)
    writer.transport.abort()
    bad = b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx"
    assert await place.ask(bad) == b"400"
    await asyncio.sleep(0.05)
    assert not caplog.records


async def test_too_many_headers_are_refused(start: Start) -> None:
    place = await start()
    lines = b"".join(b"X-%d: 1\r\n" % n for n in range(200))
    assert await place.ask(b"GET /health HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n") == b"400"


async def test_a_few_requests_may_be_sent_ahead_and_not_many(start: Start) -> None:
    place = await start()
    reader, _ = await place.connect(GET * 3)
    for _ in range(3):
        assert await status(reader) == b"200"
        async with asyncio.timeout(60):
            await reader.readuntil(b"alive")
    reader, writer = await place.connect(WAIT)
    await asyncio.sleep(0.05)
    writer.write((b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 2000 + b"\r\n\r\n") * 12)
    assert await status(reader) == b""


@pytest.mark.parametrize(("method", "expected"), [(b"HEAD", b"200"), (b"OPTIONS", b"405"), (b"BREW", b"400")])
async def test_other_methods_are_answered(start: Start, method: bytes, expected: bytes) -> None:
    place = await start()
    assert await place.ask(method + GET[3:]) == expected


def test_a_body_of_the_largest_size_always_fits_into_what_one_network_gets() -> None:
    sockets = SocketsConfig(unfinished_bytes=1024 * 1024)
    limits = limits_of(sockets, connections=100, network_share=0.5, largest_bytes=3_000_000)
    assert limits.unfinished_bytes // 2 >= 2 * 3_000_000
    assert (limits.connections, limits.per_network) == (100, 50)
    told = limits_of(SocketsConfig(per_network=200), connections=100, network_share=0.5, largest_bytes=1)
    assert told.per_network == 100  # fewer places than the configuration thought
    assert told.unfinished_bytes == 64 * 1024 * 1024


def test_bodies_are_read_in_one_place_only() -> None:
    """Whatever reads a body otherwise is neither counted nor given up when there is no room."""
    reads = re.compile(r"request\.(?:(?:read|post|json|text|multipart)\(|content\b)")
    folder = Path(wanderbuch.__file__).parent / "agents"
    found = {path.name for path in folder.rglob("*.py") if reads.search(path.read_text())}
    assert found == {"bodies.py", "connections.py"}


async def test_a_closed_site_takes_nobody_and_leaves_nothing(start: Start) -> None:
    place = await start()
    silent = await place.crowd(3)
    await place.site.stop_accepting()
    with pytest.raises(ConnectionRefusedError):
        await place.connect()
    await place.site.close()
    assert all([await ended(each) for each in silent])
    assert len(place.site.connections) == 0
