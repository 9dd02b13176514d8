"""The plain tables on both engines."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.postgresql import ENGINES, Database

from wanderbuch.store.engine import Engine
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.postgresql import PostgresqlAddress, open_postgresql
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import Tables, tables_on

type OpenEngine = Callable[[], Awaitable[Engine]]

HASHES = KeyedHash(bytes(range(32)))


def address_of(database: Database) -> PostgresqlAddress:
    return PostgresqlAddress(
        database.host, database.port, database.name, database.user, SecretStr(database.password), tls="disable"
    )


@pytest.fixture
async def open_another(database: Database) -> AsyncIterator[OpenEngine]:
    """Opens PostgreSQL as another process would."""
    opened: list[Engine] = []

    async def another() -> Engine:
        opened.append(await open_postgresql(address_of(database), connections=4))
        return opened[-1]

    yield another
    for engine in opened:
        await engine.close()


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """An empty engine: SQLite in a file, or PostgreSQL."""
    if request.param == "sqlite":
        opened: Engine = open_sqlite(tmp_path / "index" / "index.db")
    else:
        opened = await open_postgresql(address_of(request.getfixturevalue("database")), connections=4)
    yield opened
    await opened.close()


@pytest.fixture
def tables(engine: Engine) -> Tables:
    return tables_on(engine, HASHES)
