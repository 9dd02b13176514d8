"""A store that an older version made is brought to this version when it is opened, with all that is in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from tests.postgresql import ENGINES, Database, PostgresServer

from wanderbuch.store.engine import Engine
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.schema import MEDIATED, PUSHED, VERSION
from wanderbuch.store.sqlite import open_sqlite

_OLD = Path(__file__).parent / "version_2"
_FURTHER = {"1": (), "2": (), "3": MEDIATED, "4": (*MEDIATED, *PUSHED)}
"""What the tables of a version have beside those in `version_2`."""
_OLDER = list(_FURTHER)

type Shape = list[tuple[Any, ...]]
type Content = dict[str, list[tuple[Any, ...]]]


class Store(Protocol):
    """A store of one engine, as it lies there, and as this program opens it."""

    def make_old(self, version: str) -> None:
        """Make the tables of an older version, with rows."""

    async def open(self, *, fresh: bool = False) -> Engine:
        """Open it; `fresh`: another one, which is empty."""

    shape: str
    """The question what its tables and indexes are."""


class SqliteStore:
    shape = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make_old(self, version: str) -> None:
        self._folder.mkdir()
        with closing(sqlite3.connect(self._folder / "index.db")) as connection:
            connection.executescript((_OLD / "sqlite.sql").read_text())
            for sql in _FURTHER[version]:
                connection.execute(sql.format(text="TEXT", bytes="BLOB", by_key=" WITHOUT ROWID"))
            connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", [version])
            connection.commit()

    async def open(self, *, fresh: bool = False) -> Engine:
        return open_sqlite(None if fresh else self._folder / "index.db")


class PostgresqlStore:
    shape = (
        "SELECT 'column', table_name, column_name, data_type || ' ' || is_nullable"
        " || ' ' || coalesce(collation_name, '') || ' ' || coalesce(column_default, '')"
        " FROM information_schema.columns WHERE table_schema = 'wanderbuch'"
        " UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'wanderbuch'"
        " ORDER BY 1, 2, 3"
    )

    def __init__(self, old: Database, empty: Database) -> None:
        self._old, self._empty = old, empty

    def make_old(self, version: str) -> None:
        with psycopg.connect(self._old.dsn) as connection:
            connection.execute((_OLD / "postgresql.sql").read_text().encode())
            for sql in _FURTHER[version]:
                connection.execute(sql.format(text='TEXT COLLATE "C"', bytes="BYTEA", by_key="").encode())
            connection.execute("UPDATE meta SET value = %s WHERE name = 'version'", [version])

    async def open(self, *, fresh: bool = False) -> Engine:
        return await open_postgresql((self._empty if fresh else self._old).dsn, connections=2)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that is not there yet, on either engine."""
    if request.param == "sqlite":
        yield SqliteStore(tmp_path / "index")
        return
    server: PostgresServer = request.getfixturevalue("postgresql_server")
    empty = server.create_database()
    yield PostgresqlStore(request.getfixturevalue("database"), empty)
    server.drop_database(empty)


_ROWS: Content = {
    "row": [
        *[(7, "default", "wanderbuch.offer", "o1", "OPEN", 1790000000.5, None, 0, 0, 0, 3, 1789999999.25)],
        *[(8, "kandy", "wanderbuch.offer", "o2", "ENDED", None, None, 0, 0, 0, 1, 1790000001)],
    ],
    "built": [("default", "wanderbuch.offer", "1")],
    "word": [(b"\x00\xff\x10", "default", "wanderbuch.offer", "o1")],
    "own_key": [(b"\xab\xcd\xef", "kandy")],
    "envelope": [("e1", "default", 512, None, 0, 1790000002)],
    "number": [("default/status-list/7", 41)],
    "counter": [("default", 2, 1)],
    "event": [("default", 2, 1790000003, "offer.ended", "o2", '{"state":"DECLINED"}', "f2")],
    "untold": [("u1", "default", "offers", "o1", "{}", 1790000004, 1790000005)],
    "work": [
        *[("default", "webhook", "w1", "RUNNING", "p", 2, 5, 1790000006, 1, None, 0, 0, None, None, 1790000007, None)],
    ],
    "meta": [("store", "whose they are"), ("version", str(VERSION))],
}
"""What is in it afterwards: what was in it, and the version."""


async def content_of(engine: Engine) -> Content:
    return {table: sorted(await engine.run(f"SELECT * FROM {table}"), key=repr) for table in _ROWS}  # noqa: S608


@pytest.mark.parametrize("version", _OLDER)
async def test_an_older_store_is_brought_up_with_all_that_is_in_it(store: Store, version: str) -> None:
    store.make_old(version)
    engine = await store.open()
    assert await content_of(engine) == _ROWS
    (lease,) = await engine.run("SELECT name, fence FROM lease")
    assert lease == ("default/something", 4)
    assert int((await engine.run("SELECT store_next()"))[0][0]) > 8  # numbers go on
    await engine.close()


@pytest.mark.parametrize("version", _OLDER)
async def test_its_tables_are_then_those_of_a_new_store(store: Store, version: str) -> None:
    store.make_old(version)
    engine, new = await store.open(), await store.open(fresh=True)
    shape: Shape = await engine.run(store.shape)
    assert shape == await new.run(store.shape)
    assert len(shape) > len(MEDIATED)
    await engine.close()
    await new.close()


async def test_it_is_brought_up_once_and_used_like_any_other(store: Store) -> None:
    store.make_old("2")
    engine = await store.open()
    await engine.run("INSERT INTO mediated VALUES ('default', 'wallet', 1, 0, 500000, ?)", b"sealed")
    await engine.close()
    engine = await store.open()
    assert await content_of(engine) == _ROWS
    assert [bytes(row[0]) for row in await engine.run("SELECT sealed FROM mediated")] == [b"sealed"]
    await engine.close()
