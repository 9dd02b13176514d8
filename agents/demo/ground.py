"""What the four services of the demo stand on: where they run, where their stores are, how many processes each has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wanderbuch.agents.demo.services import ROLES, Service
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.postgresql import PostgresServer
from wanderbuch.errors import ConfigurationError

MOST_PROCESSES: Final = 8
# Of a process: 8 for the wallet, 8 for the plain tables, and one each to listen, to start and to spare.
_CONNECTIONS: Final = 19
_SPARE: Final = 20


class StoreEngine(StrEnum):
    """Where a store is kept."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the services stand on.

    Args:
        engine: where their stores are.
        processes: how many each service has, behind a plain TCP proxy.
        image: of the containers that they are; None: they are processes of this machine.

    Raises:
        ConfigurationError: several processes on SQLite.
    """

    engine: StoreEngine = StoreEngine.SQLITE
    processes: int = 1
    image: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if self.processes > 1 and self.engine is StoreEngine.SQLITE:
            raise ConfigurationError(
                f"{self.processes} processes cannot share a store on SQLite", hint="add --store postgresql"
            )

    @asynccontextmanager
    async def server(self) -> AsyncIterator[PostgresServer | None]:
        """Start a PostgreSQL for as long as the context lasts, if one is needed.

        Raises:
            MachineError: there is none on this machine, or it does not start.
        """
        if self.engine is StoreEngine.SQLITE:
            yield None
            return
        connections = len(ROLES) * self.processes * _CONNECTIONS + _SPARE
        server = await asyncio.to_thread(PostgresServer, {"max_connections": str(connections)})
        try:
            yield server
        finally:
            await asyncio.to_thread(server.close)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Services that run elsewhere than as processes of this machine, such as in containers of a network of their own.

    Args:
        serve: lays out one of the four, with the name that people call it, and returns what plays it.
        address: of this machine, as they reach it.
    """

    serve: Callable[[LocalMachine, Service, str], AgentHandle]
    address: str


def give_store(agent: AgentHandle, server: PostgresServer | None) -> None:
    """Give an agent a database of its own, if there is a server."""
    if server is not None:
        database = server.create_database()
        agent.use_store(database.url, database.password)
