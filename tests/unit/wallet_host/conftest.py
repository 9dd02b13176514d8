"""A real wallet host inside the test's own process, one for all tests of a file."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from tests.unit.wallet_host.worker import HostSite

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.wallet_host.role import ROLE

MEDIATOR = "https://mediator.wanderbuch.test/mediator"
LIMITS = {
    "mediator": MEDIATOR,
    "vault_kb": 64,
    "revision_kb": 48,
    "revisions": 4,
    "new_a_day": 30,
    "network_mb_a_day": 2,
    "writes_a_minute": 20,
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> LocalMachine:
    """A machine for all tests of a file."""
    return LocalMachine(tmp_path_factory.mktemp("host") / "machine")


@pytest.fixture(scope="module")
def handle(machine: LocalMachine) -> AgentHandle:
    """The layout of a host, which believes the proxy on this machine."""
    handle = machine.add("wallet_host", "Wallets of Lanka", "wallet.wanderbuch.test")
    handle.configure(wallet_host=LIMITS, public={"trusted_proxies": ["127.0.0.1"]})
    handle.write_config()
    return handle


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(handle: AgentHandle) -> AsyncIterator[RunningAgent]:
    """A host that runs."""
    agent = await start(load_config(handle.config_path, {}, role=ROLE), ROLE)
    await agent.wait_ready()
    yield agent
    await agent.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def site(handle: AgentHandle, host: RunningAgent, machine: LocalMachine) -> AsyncIterator[HostSite]:
    """Where it listens."""
    async with aiohttp.ClientSession() as session:
        yield HostSite(handle.host, handle.public_port, machine.ca_file, session)
