"""What a stranger does with a connection, and what it costs others."""

import asyncio
import contextlib
import ipaddress
import ssl
from dataclasses import replace

import aiohttp
import pytest
from tests.unit.runtime.listening.place import GET, LIMITS, SLOW_BODY, WAIT, Start, ended, reached, status

from wanderbuch.agents.runtime.connections import SocketConnection


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
    assert [await status(connection) for connection in waiting] == [b"200"] * LIMITS.connections
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


async def test_a_closed_site_takes_nobody_and_leaves_nothing(start: Start) -> None:
    place = await start()
    silent = await place.crowd(3)
    await place.site.stop_accepting()
    with pytest.raises(ConnectionRefusedError):
        await place.connect()
    await place.site.close()
    assert all([await ended(connection) for connection in silent])
    assert len(place.site.connections) == 0
