"""Replies that come in the answer to a message: who asks for them, and what becomes of them."""

import asyncio
import json
from contextvars import ContextVar
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from acapy_agent.core.profile import Profile
from aries_askar import Key, KeyAlg

from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.plugins.exchange.channel import QUEUE, Channel
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import UnreachableError
from wanderbuch.plugins.webvh.base58_text import to_base58

MESSAGE = {"@type": "https://didcomm.org/trust_ping/1.0/ping", "@id": "1"}
ENDPOINT = "https://peer.wanderbuch.test/didcomm"
UNDER: ContextVar[str] = ContextVar("under", default="nothing")


class Peer:
    """The other side: an edge that opens what is delivered, and answers."""

    def __init__(self, reply: bytes = b"") -> None:
        self.key, self.own = Key.generate(KeyAlg.ED25519), Key.generate(KeyAlg.ED25519)
        self.reply, self.failures = reply, 0
        self.is_silent = False
        self.got: list[dict[str, Any]] = []
        self.bounds: list[int] = []
        keys = KeyRing()
        keys.put("default", to_base58(self.own.get_public_bytes()), self.own)
        self.sending = Sending(cast(HttpEdge, self), keys)
        self.profile = cast(Profile, SimpleNamespace(profile_id=None))

    def channel(self, endpoint: str = ENDPOINT, *routing_keys: str) -> Channel:
        own, theirs = (to_base58(key.get_public_bytes()) for key in (self.own, self.key))
        return Channel(own, theirs, endpoint, routing_keys)

    async def deliver(self, url: str, body: bytes, *, max_bytes: int, **_: Any) -> SimpleNamespace:
        if self.is_silent and url == ENDPOINT:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise UnreachableError("not now")
        envelope = read_envelope(body, max_bytes=len(body))
        self.bounds.append(max_bytes)
        recipient = envelope.recipients[0]
        if recipient.key == to_base58(self.key.get_public_bytes()):
            self.got.append(json.loads(decrypt(envelope, identify(recipient, self.key))))
        return SimpleNamespace(body=self.reply)


async def sent(peer: Peer, channel: Channel, *, wants_reply: bool) -> list[bytes]:
    """Send a message, and return what was heard of replies when all is done."""
    heard: list[bytes] = []

    async def hears(body: bytes) -> None:
        assert UNDER.get() == "nothing"
        heard.append(body)

    peer.sending.hears = hears
    token = UNDER.set("a lease")
    try:
        await peer.sending.send_soon(peer.profile, channel, MESSAGE, wants_reply=wants_reply)
        while beside := tuple(peer.sending._beside):
            await asyncio.gather(*beside)
    finally:
        UNDER.reset(token)
    return heard


async def test_a_reply_is_asked_for_and_heard_under_nothing_that_the_message_was_sent_under() -> None:
    peer = Peer(b"reply")
    assert await sent(peer, peer.channel(), wants_reply=True) == [b"reply"]
    assert peer.got == [{**MESSAGE, "~transport": {"return_route": "all"}}]


async def test_what_was_not_asked_for_is_not_heard() -> None:
    peer = Peer(b"reply")
    assert await sent(peer, peer.channel(), wants_reply=False) == []
    assert peer.got == [MESSAGE]
    assert await sent(peer, peer.channel(), wants_reply=True) == [b"reply"]
    assert peer.bounds[0] < peer.bounds[1]  # nor is much of it read


async def test_who_answers_without_a_reply_sends_it_later() -> None:
    peer = Peer()
    assert await sent(peer, peer.channel(), wants_reply=True) == []


async def test_a_mediator_is_asked_for_no_reply() -> None:
    peer = Peer(b"the mediator's")
    mediator = to_base58(Key.generate(KeyAlg.ED25519).get_public_bytes())
    assert await sent(peer, peer.channel(ENDPOINT, mediator), wants_reply=True) == []
    assert len(peer.bounds) == 1


async def test_who_has_no_address_is_asked_for_no_reply() -> None:
    peer = Peer(b"reply")
    channel = peer.channel(QUEUE)
    assert await sent(peer, channel, wants_reply=True) == []
    packed = peer.sending.take_waiting(own_key=channel.own_key, their_key=channel.their_key)
    assert packed is not None
    await peer.deliver("", packed, max_bytes=1)
    assert peer.got == [MESSAGE]


async def test_nobody_asks_who_cannot_hear() -> None:
    peer = Peer(b"reply")
    await peer.sending.send(peer.profile, peer.channel(), MESSAGE, wants_reply=True)
    assert peer.got == [MESSAGE]


async def test_the_message_is_sent_again_until_there_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanderbuch.plugins.exchange.sending._PAUSES_S", (0.0, 0.0))
    peer = Peer(b"reply")
    peer.failures = 2
    assert await sent(peer, peer.channel(), wants_reply=True) == [b"reply"]
    assert len(peer.got) == 1


async def test_replies_that_are_not_yet_heard_take_a_bounded_memory() -> None:
    peer, waiting_bytes = Peer(b"x" * 1024 * 1024), 0
    is_done = asyncio.Event()

    async def hears(body: bytes) -> None:
        nonlocal waiting_bytes
        waiting_bytes += len(body)
        await is_done.wait()

    peer.sending.hears = hears
    for _ in range(100):
        await peer.sending.send(peer.profile, peer.channel(), MESSAGE, wants_reply=True)
    await asyncio.sleep(0)
    assert 0 < waiting_bytes <= 16 * 1024 * 1024
    assert peer.sending.beside <= 16
    is_done.set()
    await peer.sending.stop(wait_s=5)
    waiting_bytes = 0
    await peer.sending.send(peer.profile, peer.channel(), MESSAGE, wants_reply=True)
    await peer.sending.stop(wait_s=5)
    assert waiting_bytes == len(peer.reply)  # there is room again


async def test_one_side_that_never_answers_does_not_take_the_places_of_the_others() -> None:
    peer, lost = Peer(), 0
    peer.is_silent = True

    def count() -> None:
        nonlocal lost
        lost += 1

    for _ in range(100):
        incoming = cast(Incoming, SimpleNamespace(sender=None, profile=peer.profile, network=""))
        await peer.sending.answer(incoming, peer.channel(), MESSAGE, on_lost=count)
    assert (peer.sending.beside, lost) == (32, 68)
    other = Key.generate(KeyAlg.ED25519)
    channel = replace(peer.channel("https://other.wanderbuch.test/"), their_key=to_base58(other.get_public_bytes()))
    await peer.sending.send_soon(peer.profile, channel, MESSAGE)
    while peer.sending.beside > 32:  # noqa: ASYNC110 (tasks of its own)
        await asyncio.sleep(0)
    assert len(peer.bounds) == 1
    await peer.sending.stop(wait_s=0)
    peer.is_silent = False
    await peer.sending.send_soon(peer.profile, peer.channel(), MESSAGE)
    await peer.sending.stop(wait_s=5)
    assert peer.got == [MESSAGE]  # there is room again


async def test_what_waits_for_those_without_an_address_takes_a_bounded_memory() -> None:
    peer, packed = Peer(), b"x" * 100_000
    for number in range(1_000):
        for _ in range(8):
            peer.sending.put_waiting(packed, own_key="ours", their_key=f"theirs {number}")

    def taken(number: int) -> int:
        count = 0
        while peer.sending.take_waiting(own_key="ours", their_key=f"theirs {number}") is not None:
            count += 1
        return count

    assert taken(999) == 8  # who came last has all of it
    assert sum(taken(number) for number in range(1_000)) * len(packed) <= 16 * 1024 * 1024
    for _ in range(9):
        peer.sending.put_waiting(packed, own_key="ours", their_key="theirs 1")
    assert (taken(1), peer.sending._waiting_bytes) == (8, 0)


class Waits:
    """A sender that waits for a reply."""

    is_open = True

    def __init__(self) -> None:
        self.packed: list[bytes] = []

    def offer(self, packed: bytes) -> bool:
        """Take one."""
        self.packed.append(packed)
        return len(self.packed) == 1


async def test_a_reply_goes_straight_to_who_waits_for_it_whatever_mediator_they_have() -> None:
    """And what goes another way does not: the mediator's key opens it, not theirs."""
    peer, way_back = Peer(), Waits()
    mediator = to_base58(Key.generate(KeyAlg.ED25519).get_public_bytes())
    channel = peer.channel(ENDPOINT, mediator)
    incoming = Incoming(peer.profile, "kind", "1", "1", None, {}, channel.their_key, channel.own_key, way_back)
    for _ in range(2):
        await peer.sending.answer(incoming, channel, MESSAGE)
        while beside := tuple(peer.sending._beside):
            await asyncio.gather(*beside)
    await peer.deliver("", way_back.packed[0], max_bytes=1)
    assert peer.got == [MESSAGE]
    assert len(peer.bounds) == 2  # the second one was delivered, and is the mediator's to open
