"""What a stranger sends over a connection: headers, bodies that are bounded, requests ahead, methods."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.runtime.listening.place import GET, LIMITS, MAX_BODY, SLOW_BODY, WAIT, Start, ended, status

import wanderbuch
from wanderbuch.agents.runtime.config_tables import SocketsConfig
from wanderbuch.agents.runtime.listening import limits_of


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


async def test_no_answer_says_which_software_gives_it(start: Start) -> None:
    place = await start()
    for sent in (GET, GET.replace(b"/health", b"/nothing"), GET.replace(b"GET", b"DELETE")):
        reader, _ = await place.connect(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b"\r\ndate:" in head
        assert b"server:" not in head
        assert b"aiohttp" not in head


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
    names = {path.name for path in folder.rglob("*.py") if reads.search(path.read_text())}
    assert names == {"bodies.py", "connections.py"}
