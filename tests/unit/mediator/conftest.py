"""A real mediator inside the test's own process, on either engine."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from tests.postgresql import ENGINES
from tests.unit.mediator.phones import Site
from tests.unit.runtime.conftest import FEW

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.mediator.role import ROLE
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config

type Start = Callable[[], Awaitable[RunningAgent]]

LIMITS = {"queue_messages": 20, "queue_mb": 2, "message_kb": 256, "wallet_keys": 8, "max_wallets": 40}


@pytest.fixture(params=ENGINES)
def handle(request: pytest.FixtureRequest, machine: LocalMachine) -> AgentHandle:
    """The layout of a mediator."""
    handle = machine.add("mediator", "Mediator", "mediator.wanderbuch.test")
    handle.configure(mediator=LIMITS, wallet=FEW)
    if request.param != "sqlite":
        database = request.getfixturevalue("database")
        handle.use_store(database.url, database.password)
    handle.write_config()
    return handle


@pytest.fixture
async def begin(handle: AgentHandle) -> AsyncIterator[Start]:
    """Starts the mediator; whoever starts it again has stopped it."""
    started: list[RunningAgent] = []

    async def begin() -> RunningAgent:
        agent = await start(load_config(handle.config_path, {}, role=ROLE), ROLE)
        started.append(agent)
        await agent.wait_ready()
        return agent

    yield begin
    for agent in started:
        await agent.stop()


@pytest.fixture
async def mediator(begin: Start) -> RunningAgent:
    """A mediator that runs."""
    return await begin()


@pytest.fixture
async def site(handle: AgentHandle, machine: LocalMachine) -> AsyncIterator[Site]:
    """Where it listens."""
    async with aiohttp.ClientSession() as session:
        yield Site(handle.host, handle.public_port, machine.ca_file, session)
