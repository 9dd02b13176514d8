"""Two whole mediators on one PostgreSQL: a message comes at either, and the one with the wallet's socket delivers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest
from tests.postgresql import Database
from tests.unit.mediator.phones import Phone, Site, attached, read, write

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.mediator import live as live_module
from wanderbuch.agents.mediator.role import ROLE
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture
async def sites(machine: LocalMachine, database: Database) -> AsyncIterator[list[tuple[RunningAgent, Site]]]:
    """Two processes of one mediator, and where each listens."""
    handles = [machine.add("mediator", "Mediator", f"mediator{number}.wanderbuch.test") for number in range(2)]
    first = handles[0]
    for handle in handles:
        handle.use_store(database.url, database.password)
        handle.configure(
            public={
                "host": first.host,
                "listen": f"127.0.0.1:{handle.public_port}",
                "tls_certificate": str(first.folder / "public.crt"),
                "tls_key": str(first.folder / "public.key"),
                "folder": str(first.folder / "public"),
            },
            wallet={"key_file": str(first.folder / "wallet.key")},
        )
        handle.write_config()
    async with AsyncExitStack() as running:
        session = await running.enter_async_context(aiohttp.ClientSession())
        agents = await asyncio.gather(
            *(start(load_config(handle.config_path, {}, role=ROLE), ROLE) for handle in handles)
        )
        for agent in agents:
            running.push_async_callback(agent.stop)
        await asyncio.gather(*(agent.wait_ready() for agent in agents))
        yield [
            (agent, Site(first.host, handle.public_port, machine.ca_file, session))
            for agent, handle in zip(agents, handles, strict=True)
        ]


async def test_one_takes_and_the_other_delivers(sites: list[tuple[RunningAgent, Site]]) -> None:
    (_, first), (_, second) = sites
    assert await first.get("/mediator") == await second.get("/mediator")  # one set of keys, though both began at once
    phone = await Phone.mediated(first)
    key = await phone.new_key()
    async with phone.live() as live:
        await live.next("status")
        phone.site = second
        assert await write(phone, key, "by the other") == 200
        ((ident, envelope),) = attached(await live.next("delivery"))
        assert read(key, envelope) == "by the other"
        await phone.received(ident)  # at the other, too
        assert (await phone.status())["message_count"] == 0


async def test_a_socket_at_the_other_process_takes_over(sites: list[tuple[RunningAgent, Site]]) -> None:
    (_, first), (_, second) = sites
    phone = await Phone.mediated(first)
    key = await phone.new_key()
    async with phone.live() as old:
        await old.next("status")
        phone.site = second
        async with phone.live() as new:
            await new.next("status")
            with pytest.raises(ConnectionResetError):
                await old.frame()
            phone.site = first
            assert await write(phone, key, "for the new one") == 200
            ((_, envelope),) = attached(await new.next("delivery"))
            assert read(key, envelope) == "for the new one"


async def test_what_a_process_took_is_delivered_after_its_end(sites: list[tuple[RunningAgent, Site]]) -> None:
    (agent, first), (_, second) = sites
    phone = await Phone.mediated(first)
    key = await phone.new_key()
    async with phone.live() as live:
        await live.next("status")
        await write(phone, key, "on its way")
        await live.next("delivery")
        await agent.stop()
    phone.site = second
    async with phone.live() as live:
        ((_, envelope),) = attached(await live.next("delivery"))
        assert read(key, envelope) == "on its way"


async def test_what_is_acknowledged_to_the_other_process_makes_room_for_more(
    sites: list[tuple[RunningAgent, Site]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, first), (_, second) = sites
    monkeypatch.setattr(live_module, "_WINDOW", 2)
    phone = await Phone.mediated(first)
    key = await phone.new_key()
    for number in range(5):
        assert await write(phone, key, str(number)) == 200
    texts: list[str] = []
    async with phone.live() as live:
        phone.site = second
        while len(texts) < 5:  # nothing comes meanwhile that would wake the first process
            delivered = attached(await live.next("delivery"))
            texts += [read(key, envelope) for _, envelope in delivered]
            await phone.received(*[ident for ident, _ in delivered])
    assert texts == list("01234")
