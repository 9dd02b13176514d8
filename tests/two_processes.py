"""Two processes of one agent on one store, as far as a test needs them: two open wallets, two sets of plain tables.

@pytest.mark.needs("postgresql")
async def test_x(processes: Processes) -> None:
    await processes.first.profile…
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.profile import Profile
from pydantic import SecretStr
from tests.postgresql import Database

from wanderbuch.agents.runtime.config import AgentConfig, StoreConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.store.engine import Engine
from wanderbuch.store.tables import Tables, bind_tables, open_tables


@dataclass
class Process:
    """What one process has open."""

    profile: Profile
    tables: Tables

    @property
    def engine(self) -> Engine:
        return self.tables.engine


@dataclass
class Processes:
    """Two of them."""

    first: Process
    second: Process

    @property
    def both(self) -> tuple[Process, Process]:
        return self.first, self.second

    async def at_once[T](self, call: Callable[[Process], Awaitable[T]], number: int = 10) -> list[T | BaseException]:
        """Return what each of some calls at once gave, split over the two; an error is an answer."""
        calls = (call(self.both[each % 2]) for each in range(number))
        return list(await asyncio.gather(*calls, return_exceptions=True))


async def open_process(config: AgentConfig, database: Database) -> Process:
    """Open the store of a database as a process of an agent does."""
    update = {"store": StoreConfig(url=database.url), "store_password": SecretStr(database.password)}
    shared = config.model_copy(update=update)
    manager = WalletManager(shared, StoreGuard(lambda _: None))
    try:
        profile = await manager.open(InjectionContext(settings={"ledger.disabled": True}), {})
    finally:
        await manager.started()
    tables = await open_tables(await open_engine(shared), profile)
    bind_tables(profile, tables)
    return Process(profile, tables)


@pytest.fixture
async def processes(agent_config: AgentConfig, database: Database) -> AsyncIterator[Processes]:
    """Two processes of an agent on an empty database."""
    opened = [await open_process(agent_config, database) for _ in range(2)]
    yield Processes(*opened)
    for each in opened:
        await each.tables.close()
        await each.profile.close()
