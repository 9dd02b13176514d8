"""Where an agent's plain tables are: a SQLite file in its data folder, or the schema `wanderbuch` of its PostgreSQL."""

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.engine import Engine
from wanderbuch.store.postgresql import PostgresqlAddress, open_postgresql
from wanderbuch.store.sqlite import open_sqlite


async def open_engine(config: AgentConfig) -> Engine:
    """Open the plain tables, or make them.

    Raises:
        StoreUnreachableError: they cannot be reached.
        StoreInUseError: another process has the file.
        StoreVersionError: they are of another version.
    """
    if not config.store.is_shared:
        return open_sqlite(config.data / "index" / "index.db")
    return await open_postgresql(postgresql_address(config), connections=config.store.connections)


def postgresql_address(config: AgentConfig) -> PostgresqlAddress:
    """Return where the PostgreSQL is and who we are there."""
    address, store = config.store.address, config.store
    return PostgresqlAddress(
        address.host,
        address.port,
        address.database,
        address.user,
        config.store_password,
        "verify-full" if store.ca_file else "prefer",
        store.ca_file,
    )
