"""Two processes of one agent on one store as a fixture, and calls that are split over them.

@pytest.mark.needs("postgresql")
async def test_x(processes: Processes) -> None:
    await processes.first.profile…
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from acapy_agent.core.profile import Profile
from tests.postgresql import Database
from tests.two_processes import two_processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.engine import Engine
from wanderbuch.store.tables import Tables, tables_of


@dataclass
class Process:
    """What one process has open."""

    profile: Profile

    @property
    def tables(self) -> Tables:
        return tables_of(self.profile)

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
        calls = (call(self.both[index % 2]) for index in range(number))
        return list(await asyncio.gather(*calls, return_exceptions=True))


@pytest.fixture
async def processes(agent_config: AgentConfig, database_with_store: Database) -> AsyncIterator[Processes]:
    """Two processes of an agent on a store that nobody has used."""
    async with two_processes(agent_config, database_with_store) as two:
        yield Processes(Process(two.first), Process(two.second))
