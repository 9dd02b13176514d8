"""A real agent inside the test's own process."""

from collections.abc import AsyncIterator

import pytest
from tests.flow.tiny_role import TinyRole
from tests.postgresql import Database

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config

FEW = {"max_connections": 8}
"""Of the wallet, which is opened again and again: to open 32 takes most of a start."""


@pytest.fixture
def tiny_handle(machine: LocalMachine) -> AgentHandle:
    """The layout of a tiny agent: its files, ports and keys."""
    handle = machine.add("tiny", "Tiny", "tiny.wanderbuch.test", wallet=FEW)
    handle.write_config()
    return handle


@pytest.fixture
async def tiny_agent(tiny_handle: AgentHandle) -> AsyncIterator[RunningAgent]:
    """A tiny agent that runs."""
    role = TinyRole()
    agent = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    yield agent
    await agent.stop()


@pytest.fixture
async def shared_tiny_agent(tiny_handle: AgentHandle, database: Database) -> AsyncIterator[RunningAgent]:
    """A tiny agent that runs and keeps everything in a PostgreSQL; its tests need "postgresql"."""
    tiny_handle.use_store(database.url, database.password)
    tiny_handle.write_config()
    role = TinyRole()
    agent = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    yield agent
    await agent.stop()


@pytest.fixture
async def v2_agent(tiny_handle: AgentHandle) -> AsyncIterator[RunningAgent]:
    """A tiny agent that runs and takes DIDComm v2."""
    role = TinyRole()
    config = load_config(tiny_handle.config_path, {}, role=role)
    public = config.public.model_copy(update={"didcomm_v2": True})
    agent = await start(config.model_copy(update={"public": public}), role)
    await agent.wait_ready()
    yield agent
    await agent.stop()
