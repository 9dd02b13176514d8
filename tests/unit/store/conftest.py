"""The plain tables on both engines."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.postgresql import ENGINES

from wanderbuch.store.engine import Engine
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import Tables, tables_on

type OpenEngine = Callable[[], Awaitable[Engine]]

HASHES = KeyedHash(bytes(range(32)))


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """An empty engine: SQLite in a file, or PostgreSQL."""
    if request.param == "sqlite":
        opened: Engine = open_sqlite(tmp_path / "index" / "index.db")
    else:
        opened = await open_postgresql(request.getfixturevalue("database_with_store").dsn, connections=4)
    yield opened
    await opened.close()


@pytest.fixture
async def open_another(engine: Engine, request: pytest.FixtureRequest) -> AsyncIterator[OpenEngine]:
    """Opens the same tables as another process would; where nobody shares them, what this process has open."""
    opened: list[Engine] = []

    async def another() -> Engine:
        if not engine.is_shared:
            return engine
        opened.append(await open_postgresql(request.getfixturevalue("database_with_store").dsn, connections=4))
        return opened[-1]

    yield another
    for store in opened:
        await store.close()


@pytest.fixture
def tables(engine: Engine) -> Tables:
    return tables_on(engine, HASHES)
