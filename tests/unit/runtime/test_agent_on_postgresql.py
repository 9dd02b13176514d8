"""Whole agents whose store is a PostgreSQL: started at once, restarted, told that the server went away."""

import asyncio
import contextlib
import logging

import pytest
from acapy_agent.storage.base import BaseStorage
from acapy_agent.version import RECORD_TYPE_ACAPY_VERSION, __version__
from tests.askar_answers import all_answered
from tests.flow.tiny_role import TinyRole
from tests.postgresql import Database, PostgresServer

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config

pytestmark = pytest.mark.needs("postgresql")


def processes(machine: LocalMachine, database: Database, number: int) -> list[AgentHandle]:
    """Lay out several processes of one agent: one name, one key, one store."""
    made = [machine.add("tiny", "Tiny", f"tiny{at}.wanderbuch.test") for at in range(number)]
    first = made[0]
    for agent_handle in made:
        agent_handle.use_store(database.url, database.password)
        agent_handle.configure(
            public={"host": first.host, "folder": str(first.data / "public")},
            wallet={"key_file": str(first.folder / "wallet.key")},
        )
        agent_handle.write_config()
    return made


async def run(handle: AgentHandle) -> RunningAgent:
    role = TinyRole()
    agent = await start(load_config(handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    return agent


async def test_processes_that_start_at_once_are_one_agent_with_one_did(
    machine: LocalMachine, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Else each adds the version of ACA-Py, and the next start fails; and each makes a DID."""
    handles = processes(machine, database, 3)
    for _ in range(2):
        agents = await asyncio.gather(*(run(handle) for handle in handles))
        async with agents[0].profile.session() as session:
            records = await session.inject(BaseStorage).find_all_records(RECORD_TYPE_ACAPY_VERSION)
        assert [record.value for record in records] == [f"v{__version__}"]
        assert len({str(agent.tenant.did) for agent in agents}) == 1
        for agent in agents:
            await agent.stop()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_an_agent_says_that_it_is_not_ready_while_the_server_is_away_and_heals(
    postgresql_server: PostgresServer, shared_tiny_agent: RunningAgent
) -> None:
    assert (await shared_tiny_agent.look()).ready
    await asyncio.to_thread(postgresql_server.kill)
    try:
        report = await shared_tiny_agent.look()
        assert not report.ready
        assert report.checks["wallet"] is False
    finally:
        await asyncio.to_thread(postgresql_server.start)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while not (await shared_tiny_agent.look()).ready:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert (await shared_tiny_agent.look()).ready
    assert not shared_tiny_agent.failure.done()


async def test_stopping_while_the_server_is_away_ends(
    postgresql_server: PostgresServer, shared_tiny_agent: RunningAgent
) -> None:
    await asyncio.to_thread(postgresql_server.stop)
    try:
        async with asyncio.timeout(60):
            await shared_tiny_agent.stop(drain_s=1)
    finally:
        await asyncio.to_thread(postgresql_server.start)
    await all_answered()  # the store was asked while it could not answer
