"""Large frames that never end, over many web sockets: they take a bounded memory, and no wallet's socket for it."""

import asyncio
import os
from contextlib import AsyncExitStack
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from tests.unit.mediator.phones import WAIT_S, Phone, Site, message

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime import message_sockets
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.connections import Connections
from wanderbuch.agents.runtime.message_sockets import MessageSocket, MessageSockets

_SOCKETS = 6
_FRAME = 1_900_000


@pytest.fixture
def handle(handle: AgentHandle) -> AgentHandle:
    """The layout of a mediator for which few frames are too many."""
    handle.configure(public={"sockets": {"unfinished_bytes": 1024 * 1024}})  # at least four of the largest
    handle.write_config()
    return handle


def connections_of(mediator: RunningAgent) -> Connections:
    site = mediator._public._site
    assert site is not None
    return site.connections


async def upgraded(site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A web socket, spoken by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=site.tls, server_hostname=site.host)
    writer.write(
        f"GET /didcomm HTTP/1.1\r\nHost: {site.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head.splitlines()[0]
    return reader, writer


async def test_frames_that_do_not_end_take_a_bounded_memory(
    mediator: RunningAgent, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_sockets, "STRANGER_S", float("inf"))  # not for being strangers
    connections = connections_of(mediator)
    most = connections.limits.unfinished_bytes // 2  # of one network
    assert 2 * _FRAME < most < _SOCKETS * _FRAME
    phone = await Phone.mediated(site)
    async with AsyncExitStack() as opened, phone.live() as live:
        await live.next("status")
        ends: set[asyncio.Task[bytes]] = set()
        writers: list[asyncio.StreamWriter] = []  # one that nobody has any more closes its socket
        for _ in range(_SOCKETS):
            reader, writer = await upgraded(site)
            opened.callback(writer.transport.abort)
            writers.append(writer)
            writer.write(b"\x82\xff" + (_FRAME + 1000).to_bytes(8) + bytes(4) + os.urandom(_FRAME))
            ends.add(asyncio.create_task(reader.read()))
        opened.callback(lambda: [end.cancel() for end in ends])
        while sum(end.done() for end in ends) < _SOCKETS - 2:
            done, _ = await asyncio.wait(
                [end for end in ends if not end.done()], timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED
            )
            assert done, "they are all kept"
        assert connections.unfinished_bytes <= most
        await live.send(message("messagepickup/2.0/status-request"))
        assert (await live.next("status"))["live_delivery"] is True


MASK = bytes(4)
PING, UNMASKED_PING = b"\x89\x80" + MASK, b"\x89\x00"


@pytest.mark.parametrize(
    ("fragment", "ping", "times", "at_once"),
    [
        ((b"\xfe" + (1_000).to_bytes(2) + MASK, 1_000), PING, 100, 1),
        ((b"\x82" + MASK, 2), UNMASKED_PING, 10_000, 10_000),
        ((b"\x02", 2), UNMASKED_PING, 10_000, 10_000),
    ],
    ids=["one by one", "short", "no mask"],
)
async def test_pings_between_fragments_do_not_hide_what_the_fragments_take(
    mediator: RunningAgent, site: Site, fragment: tuple[bytes, int], ping: bytes, times: int, at_once: int
) -> None:
    connections = connections_of(mediator)
    reader, writer = await upgraded(site)
    header, size = fragment
    frames = [b"\x02" if not number else b"\x00" for number in range(times)]
    for start in range(0, times, at_once):
        writer.write(b"".join(first + header + bytes(size) + ping for first in frames[start : start + at_once]))
        pongs = await asyncio.wait_for(reader.readexactly(2 * at_once), WAIT_S)  # all pings are taken
        assert pongs == b"\x8a\x00" * at_once
    assert connections.unfinished_bytes >= (100_000 if size == 1_000 else times * size - 4096)
    writer.transport.abort()


async def test_pings_alone_count_no_more_once_they_are_taken(mediator: RunningAgent, site: Site) -> None:
    reader, writer = await upgraded(site)
    writer.write(PING * 500)
    await asyncio.wait_for(reader.readexactly(2 * 500), WAIT_S)
    assert connections_of(mediator).unfinished_bytes == 0
    writer.transport.abort()


async def test_frames_that_were_taken_count_no_more(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    async with phone.live() as live:
        await live.next("status")
        for _ in range(20):
            await live.send(message("messagepickup/2.0/status-request", padding="x" * 8_000))
            await live.next("status")
        assert connections_of(mediator).unfinished_bytes == 0


class Pings:
    """A web socket over which pings came, all at once."""

    def __init__(self, number: int) -> None:
        self.left, self.answered = number, 0

    async def receive(self) -> aiohttp.WSMessage:
        self.left -= 1
        kind = aiohttp.WSMsgType.PING if self.left >= 0 else aiohttp.WSMsgType.CLOSED
        return aiohttp.WSMessage(kind, b"", None)

    async def pong(self, _: bytes) -> None:
        self.answered += 1


async def test_others_have_their_turn_between_pings_that_came_together() -> None:
    pings = Pings(100)
    socket = MessageSocket(cast(web.WebSocketResponse, pings), 0.0, "198.51.100.0/24")
    reading = asyncio.create_task(MessageSockets._read(cast(MessageSockets, None), socket._ws, socket, ""))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    await reading
    assert pings.answered == 100
    assert turns >= 100
