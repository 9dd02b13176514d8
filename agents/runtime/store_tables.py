"""Where an agent's plain tables are: a SQLite file in its data folder, or the schema `wanderbuch` of its PostgreSQL."""

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.engine import Engine
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
    from wanderbuch.store.postgresql import open_postgresql  # here: its driver takes 7 MB, which SQLite need not

    return await open_postgresql(conninfo(config), connections=config.store.connections)


def conninfo(config: AgentConfig) -> str:
    """Return how libpq reaches the database, with the password; not for logs."""
    address, store = config.store.address, config.store
    if config.store_password is None:
        raise ConfigurationError("there is no store password", hint="set WANDERBUCH_STORE_PASSWORD")
    from psycopg.conninfo import make_conninfo

    return make_conninfo(
        host=address.host,
        port=address.port,
        user=address.user,
        password=config.store_password.get_secret_value(),
        dbname=address.database,
        **({"sslmode": "verify-full", "sslrootcert": str(store.ca_file)} if store.ca_file else {"sslmode": "prefer"}),
    )
