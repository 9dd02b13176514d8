"""A wallet's web socket, whatever happens around it: the newest stays, what waits is sent, nothing grows."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.mediator.phones import Phone, Site, attached, key_name, message, read, write

from wanderbuch.agents.mediator import live as live_module
from wanderbuch.agents.mediator.live import LiveWallets
from wanderbuch.agents.mediator.office import MediatorOffice
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.store.errors import StoreUnreachableError


def live_of(mediator: RunningAgent) -> LiveWallets:
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    return office.live


@dataclass
class Line:
    """A socket that notes what is done with it."""

    is_closed: bool = False
    is_compact: bool = False
    asked: list[Any] = field(default_factory=list)

    async def send(self, packed: bytes) -> None:
        """Take it."""

    async def seen(self) -> None:
        """Have seen it."""

    def on_end(self, ended: Any) -> Any:
        self.asked.append(ended)
        return lambda: self.asked.remove(ended)

    def give_up(self) -> None:
        self.is_closed = True
        for ended in list(self.asked):
            ended()


@dataclass
class Numbers:
    """Answers who asks for a number when the test lets it."""

    engine: Any
    asked: list[asyncio.Future[int]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    is_shared: bool = False

    async def run(self, sql: str, *args: Any) -> Any:
        if sql != "SELECT store_next()":
            return await self.engine.run(sql, *args)
        self.asked.append(asyncio.get_running_loop().create_future())
        self.more.set()
        return [(await self.asked[-1],)]

    async def until(self, count: int) -> None:
        while len(self.asked) < count:
            self.more.clear()
            await self.more.wait()


async def test_one_socket_that_begins_twice_at_once_stays_open(
    mediator: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = live_of(mediator)
    numbers = Numbers(live._engine)
    monkeypatch.setattr(live, "_engine", numbers)
    line, channel = Line(), None
    begun = [asyncio.create_task(live.begin("w", channel, line, is_live=is_live)) for is_live in (True, False)]  # type: ignore[arg-type]
    await numbers.until(2)
    for number, asked in enumerate(numbers.asked):
        asked.set_result(number)
    await asyncio.gather(*begun)
    assert not line.is_closed
    assert live.is_live("w")


async def test_of_two_sockets_the_newer_stays_whichever_is_faster(
    mediator: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = live_of(mediator)
    numbers = Numbers(live._engine)
    monkeypatch.setattr(live, "_engine", numbers)
    older, newer = Line(), Line()
    tasks = []
    for count, line in enumerate((older, newer), 1):
        tasks.append(asyncio.create_task(live.begin("w", None, line, is_live=True)))  # type: ignore[arg-type]
        await numbers.until(count)
    numbers.asked[1].set_result(2)
    await tasks[1]
    numbers.asked[0].set_result(1)
    await tasks[0]
    assert (older.is_closed, newer.is_closed) == (True, False)
    assert live.is_live("w")


async def test_over_its_socket_the_mediator_names_itself_in_the_same_words_and_elsewhere_not(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    async with phone.live() as live:
        frames = [await live.frame()]
        assert await write(phone, key) == 200
        frames.append(await live.frame())
        await live.send(message("messagepickup/2.0/status-request"))
        frames.append(await live.frame())
    posted = [(await site.post(phone.packed(message("messagepickup/2.0/status-request"))))[1] for _ in range(2)]
    assert len(set(map(_sender_words, frames))) == 1
    assert len({_sender_words(frame) for frame in (frames[0], *posted)}) == 3


def _sender_words(envelope: bytes) -> str:
    header = json.loads(base64.urlsafe_b64decode(json.loads(envelope)["protected"]))
    words: str = header["recipients"][0]["header"]["sender"]
    return words


async def test_live_mode_that_is_toggled_leaves_nothing_at_the_socket(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    async with phone.live() as live:
        await live.next("status")
        for _ in range(5):
            for is_live in (False, True):
                await live.send(message("messagepickup/2.0/live-delivery-change", live_delivery=is_live))
                assert (await live.next("status"))["live_delivery"] is is_live
        (socket,) = mediator._transport.sockets._open
        assert len(socket._ended) == 1


async def test_what_could_not_be_sent_while_the_store_was_away_is_sent_over_the_same_socket(
    mediator: RunningAgent, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    monkeypatch.setattr(live_module, "_AGAIN_S", 0.0)
    ring, failed = live_of(mediator)._keys, []

    class Failing:
        async def secret(self, profile: Any, own_key: str) -> Any:
            if not failed:
                failed.append(own_key)
                raise StoreUnreachableError("away")
            return await KeyRing.secret(ring, profile, own_key)

    async with phone.live() as live:
        await live.next("status")
        monkeypatch.setattr(live_of(mediator), "_keys", Failing())
        assert await write(phone, key, "late, not never") == 200
        ((_, envelope),) = attached(await live.next("delivery"))
        assert read(key, envelope) == "late, not never"
        assert failed


async def test_a_delivery_reads_a_bounded_part_of_large_messages(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    for index in range(7):
        assert await write(phone, key, str(index) + "x" * 150_000) == 200
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    ((wallet,),) = await live_of(mediator)._engine.run("SELECT id FROM mediated")
    part = await office.queue.first(wallet, limit=10)
    assert 1 <= len(part) <= 4  # of 256 KiB each: no more than a MiB
    async with phone.live() as live:
        texts: list[str] = []
        while len(texts) < 7:
            texts += [read(key, envelope)[0] for _, envelope in attached(await live.next("delivery"))]
        assert texts == list("0123456")


async def test_messages_of_one_key_are_counted_and_delivered_whatever_lies_between(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    asked, other = await phone.new_key(), await phone.new_key()
    for index in range(18):
        assert await write(phone, other if index % 9 else asked, str(index)) == 200
    status = await phone.ask(message("messagepickup/2.0/status-request", recipient_key=key_name(asked)))
    assert status is not None
    assert status["message_count"] == 2
    delivered = await phone.deliver(recipient_key=key_name(asked))
    assert [read(asked, envelope) for _, envelope in delivered] == ["0", "9"]


async def test_messages_that_cannot_be_opened_keep_nothing_behind_them(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    for _ in range(12):
        assert await write(phone, key) == 200
    engine = live_of(mediator)._engine
    await engine.run("UPDATE mediated_message SET sealed = ?", b"x" * 64)
    assert await write(phone, key, "behind them") == 200
    assert [read(key, envelope) for _, envelope in await phone.deliver()] == ["behind them"]
