"""Where an agent's plain tables are: a SQLite file in its data folder, or the schema `wanderbuch` of its PostgreSQL."""

import asyncio

from psycopg.conninfo import make_conninfo

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.engine import Engine
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.sqlite import open_sqlite


async def open_engine(config: AgentConfig) -> Engine:
    """Open the plain tables, or make them.

    Raises:
        StoreUnreachableError: they cannot be reached.
        StoreInUseError: another process has the file.
        StoreVersionError: they are of another version.
    """
    if not config.store.is_shared:
        file = config.data / "index" / "index.db"
        await asyncio.to_thread(file.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        return open_sqlite(file)
    return await open_postgresql(postgresql_conninfo(config), connections=config.store.connections)


def postgresql_conninfo(config: AgentConfig) -> str:
    """Return how libpq reaches the agent's PostgreSQL; holds the password."""
    address, store = config.store.address, config.store
    return make_conninfo(
        host=address.host,
        port=address.port,
        dbname=address.database,
        user=address.user,
        password=config.store_password.get_secret_value() if config.store_password else None,
        sslmode="verify-full" if store.ca_file else "prefer",
        sslrootcert=str(store.ca_file) if store.ca_file else None,
    )
