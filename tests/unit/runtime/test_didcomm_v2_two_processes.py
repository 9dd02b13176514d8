"""Keys for DIDComm v2 where two processes of one agent share a PostgreSQL: what one decides holds for the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from tests.flow.tiny_role import TinyRole
from tests.postgresql import Database
from tests.unit.runtime.test_didcomm_v2_keys import is_kept, own_of, rotate
from tests.unit.runtime.test_didcomm_v2_wallets import Wallet, invite, kept
from tests.unit.runtime.v2_correspondents import V2Correspondent, contact_of, post, refused

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.plugins.exchange.v2 import own_peers

pytestmark = pytest.mark.needs("postgresql")


@asynccontextmanager
async def two(machine: LocalMachine, database: Database, role: type[TinyRole]) -> AsyncIterator[list[RunningAgent]]:
    handles = [machine.add("tiny", "Tiny", f"tiny{number}.wanderbuch.test") for number in range(2)]
    running = []
    for handle in handles:
        handle.use_store(database.url, database.password)
        handle.configure(
            public={"host": handles[0].host, "folder": str(handles[0].folder / "public"), "didcomm_v2": True},
            wallet={"key_file": str(handles[0].folder / "wallet.key")},
        )
        handle.write_config()
        config = load_config(handle.config_path, {}, role=role())
        running.append(await start(config, role()))
        await running[-1].wait_ready()
    yield running
    for agent in running:
        await agent.stop(drain_s=0.1)


async def test_keys_that_one_replaces_are_replaced_at_the_other(
    machine: LocalMachine, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with two(machine, database, TinyRole) as (one, other):
        alice, old = V2Correspondent(), await contact_of(one)
        on_its_way, first = alice.packed(alice.message(), old), (await own_of(one)).agreement_keys
        assert (await post(other, on_its_way))[0] == 200
        await rotate(one, timedelta(hours=1))
        to_the_new = alice.packed(alice.message(), await contact_of(other))
        for packed in (to_the_new, on_its_way):
            assert [(await post(agent, packed))[0] for agent in (one, other)] == [200, 200]
        at = datetime.now(UTC) + timedelta(hours=1, seconds=2)
        for agent in (one, other):
            monkeypatch.setattr(agent._v2_keys, "_clock", at.timestamp)
            assert "names no more" in await refused(agent, on_its_way)
            assert (await post(agent, to_the_new))[0] == 200
        await rotate(one, timedelta(0))  # and both sweep at once
        second = (await own_of(one)).old_agreement_keys[-1].name
        for agent in (one, other):
            agent._v2_keys.changed(agent.tenant.did)
        await asyncio.gather(*(agent._v2_keys.sweep([agent.tenant], at) for agent in (one, other)))
        assert "sweep.failed" not in caplog.text
        assert not await is_kept(other, second)
        assert await is_kept(other, first[0])  # by the store's own clock their hour is not over


async def test_an_invitation_of_one_process_is_read_at_the_other(
    machine: LocalMachine, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with two(machine, database, Wallet) as (one, other):
        (_, contact), alice = await invite(one), V2Correspondent()
        packed = alice.packed(alice.message(), contact)
        assert [(await post(agent, packed))[0] for agent in (other, one)] == [200, 200]
        at = datetime.now(UTC) + own_peers.KEPT + timedelta(seconds=2)
        for agent in (one, other):
            monkeypatch.setattr(agent._v2_keys, "_clock", at.timestamp)
        await asyncio.gather(*(agent._v2_keys.sweep([agent.tenant], at) for agent in (one, other)))
        assert "sweep.failed" not in caplog.text
        assert await kept(other) == 0
        assert "key of ours" in await refused(one, packed)
