"""What is PostgreSQL's alone: many processes, a server that goes and comes back, and its refusals."""

import asyncio
import contextlib
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.postgresql import Database, PostgresServer
from tests.unit.store.conftest import HASHES

from wanderbuch.store.engine import Statement
from wanderbuch.store.errors import DuplicateError, LeaseLostError, StoreError, StoreUnreachableError, StoreVersionError
from wanderbuch.store.postgresql import PostgresqlEngine, open_postgresql
from wanderbuch.store.rows import Indexed
from wanderbuch.store.schema import VERSION
from wanderbuch.store.tables import tables_on

pytestmark = pytest.mark.needs("postgresql")

_INSERT = "INSERT INTO number (name, number) VALUES (?, ?)"

# What another process does; it gets the database by its input, so that no password stands in a list of processes.
_PROCESS = """
import asyncio, sys, time
from wanderbuch.store.postgresql import open_postgresql

async def main():
    dsn = sys.stdin.readline().strip()
    engine = await open_postgresql(dsn, connections=2)
    await engine.run("INSERT INTO number (name, number) VALUES (?, 1)", sys.argv[1])
    await engine.close()
    print("ok")

asyncio.run(main())
"""

_COUNTER = """
import asyncio, sys, time
{skew}
from wanderbuch.store.engine import Statement
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.postgresql import open_postgresql
from wanderbuch.store.schema import VERSION
from wanderbuch.store.tables import tables_on

async def main():
    dsn = sys.stdin.readline().strip()
    tables = tables_on(await open_postgresql(dsn, connections=3), KeyedHash(bytes(range(32))))
    async def add():
        for _ in range(10):
            async with tables.leases.hold("default/counter", wait_s=120, for_s=10) as lease:
                seen = await tables.numbers.current("count") or 0
                await tables.engine.run(
                    "INSERT INTO number (name, number) VALUES ('count', ?)"
                    " ON CONFLICT (name) DO UPDATE SET number = excluded.number", seen + 1)
    async def work():
        mine = []
        while claims := await tables.due.claim(["k"], limit=5, for_s=60):
            for claim in claims:
                mine.append(claim.id)
                await tables.due.done(claim, due=None)
        return mine
    *_, mine = await asyncio.gather(add(), add(), work())
    print(" ".join(mine))
    await tables.engine.close()

asyncio.run(main())
"""
# A clock that is a minute fast, for everything in the process but the event loop's own.
_MINUTE_FAST = "_time = time.time; time.time = lambda: _time() + 60"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[PostgresqlEngine]:
    opened = await open_postgresql(database.dsn, connections=4)
    yield opened
    await opened.close()


async def heard_again(engine: PostgresqlEngine, heard: asyncio.Queue[str], topic: str) -> None:
    """Wait until what is announced is heard again; before that, at least once, that something may have been missed.

    That is also told while nothing can be heard yet, so what is announced then is announced anew.
    """
    async with asyncio.timeout(120):
        assert await heard.get() == ""
        told = ""
        while told == "":
            with contextlib.suppress(StoreUnreachableError):
                await engine.announce(topic, "again")
            told = await heard.get()
        assert told == "again"


async def _processes(database: Database, programs: list[list[str]]) -> list[str]:
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", *program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for program in programs
    ]
    ended = await asyncio.gather(*(process.communicate(f"{database.dsn}\n".encode()) for process in running))
    assert [process.returncode for process in running] == [0] * len(running), [err.decode()[-800:] for _, err in ended]
    return [out.decode().strip() for out, _ in ended]


async def test_of_those_that_come_at_once_to_an_empty_database_one_makes_the_tables(database: Database) -> None:
    opened = await asyncio.gather(
        *(open_postgresql(database.dsn, connections=1) for _ in range(8)), return_exceptions=True
    )
    engines = [either for either in opened if isinstance(either, PostgresqlEngine)]
    versions = [await engine.run("SELECT value FROM meta WHERE name = 'version'") for engine in engines]
    await asyncio.gather(*(engine.close() for engine in engines))
    assert versions == [[(str(VERSION),)]] * 8, opened


async def test_processes_that_start_at_once_on_an_empty_database_all_work(database: Database) -> None:
    told = await _processes(database, [[_PROCESS, f"p{number}"] for number in range(5)])
    assert told == ["ok"] * 5
    assert len(database.rows("SELECT name FROM wanderbuch.number")) == 5


async def test_processes_share_leases_and_due_work_whatever_their_clocks_say(
    engine: PostgresqlEngine, database: Database
) -> None:
    tables = tables_on(engine, HASHES)
    due = datetime.fromtimestamp(await engine.clock(), UTC)
    for number in range(60):
        await tables.rows.add("default", "k", Indexed(f"r{number}", "open", due), is_new=True)

    programs = [[_COUNTER.replace("{skew}", skew)] for skew in ("", _MINUTE_FAST)]
    done = [told.split() for told in await _processes(database, programs)]

    assert sorted(done[0] + done[1]) == sorted(f"r{number}" for number in range(60))
    assert await tables.numbers.current("count") == 40


async def test_counters_are_read_in_the_order_of_their_commits(engine: PostgresqlEngine, database: Database) -> None:
    """A number that is seen is never followed by a smaller one: the counter's row is locked until the commit."""
    other = await open_postgresql(database.dsn, connections=3)
    add = (
        Statement(
            "INSERT INTO counter (tenant, number) VALUES ('t', 1)"
            " ON CONFLICT (tenant) DO UPDATE SET number = counter.number + 1"
        ),
        Statement(
            "INSERT INTO number (name, number) SELECT 'event-' || number, number FROM counter WHERE tenant = 't'"
        ),
    )
    seen: list[int] = []
    is_over = asyncio.Event()

    async def watch() -> None:
        while not is_over.is_set():
            rows = await engine.run("SELECT number FROM number WHERE number > ? ORDER BY number", max(seen, default=0))
            seen.extend(row[0] for row in rows)

    async def append(own: PostgresqlEngine) -> None:
        for _ in range(20):
            await own.together(*add)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(append(own) for own in (engine, other) for _ in range(3)))
    is_over.set()
    await watching
    rows = await engine.run("SELECT number FROM number WHERE number > ? ORDER BY number", max(seen, default=0))
    assert seen + [row[0] for row in rows] == list(range(1, 121))
    await other.close()


async def test_a_server_that_was_restarted_heals(
    engine: PostgresqlEngine, database: Database, postgresql_server: PostgresServer
) -> None:
    await asyncio.gather(*(engine.run(_INSERT, f"n{number}", 1) for number in range(8)))
    heard: asyncio.Queue[str] = asyncio.Queue()
    engine.hear("events", heard.put_nowait)

    await asyncio.to_thread(postgresql_server.restart)

    assert len(await engine.run("SELECT name FROM number")) == 8
    await heard_again(engine, heard, "events")


async def test_other_processes_hear_it(engine: PostgresqlEngine, database: Database) -> None:
    other = await open_postgresql(database.dsn, connections=1)
    heard: asyncio.Queue[str] = asyncio.Queue()
    other.hear("tenants", heard.put_nowait)
    for number in range(50):
        await engine.announce("tenants", str(number))
    assert [await asyncio.wait_for(heard.get(), 60) for _ in range(50)] == [str(number) for number in range(50)]
    await other.close()


async def test_who_listens_is_told_that_something_may_have_been_missed(
    engine: PostgresqlEngine, postgresql_server: PostgresServer
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    engine.hear("tenants", heard.put_nowait)
    await asyncio.to_thread(
        postgresql_server.admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    )
    await heard_again(engine, heard, "tenants")


async def test_who_cannot_listen_is_told_every_second_that_something_may_have_been_missed(
    engine: PostgresqlEngine, database: Database, postgresql_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what others decide is known in time even where no connection can be had for listening."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    engine.hear("tenants", heard.put_nowait)
    monkeypatch.setitem(engine._address.parameters, "dbname", "nothing")
    await asyncio.to_thread(
        postgresql_server.admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    )
    for _ in range(8):  # a few at once, then one a second
        assert await asyncio.wait_for(heard.get(), 15) == ""
    assert await engine.run("SELECT 1") == [(1,)]
    monkeypatch.setitem(engine._address.parameters, "dbname", database.name)
    await heard_again(engine, heard, "tenants")


async def test_a_silence_of_the_network_is_noticed_within_two_seconds(database: Database) -> None:
    """The connection stands, and nothing comes: as behind a firewall that has forgotten it."""
    is_silent = False

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if not is_silent:
                    writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(parts["host"], int(str(parts["port"])))
        await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))

    parts = conninfo_to_dict(database.dsn)
    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        port = proxy.sockets[0].getsockname()[1]
        engine = await open_postgresql(make_conninfo(database.dsn, host="127.0.0.1", port=port), connections=1)
        heard: asyncio.Queue[str] = asyncio.Queue()
        engine.hear("tenants", heard.put_nowait)
        is_silent = True
        assert await asyncio.wait_for(heard.get(), 15) == ""
        is_silent = False
        await heard_again(engine, heard, "tenants")
        await engine.close()
    finally:
        proxy.close()
        proxy.abort_clients()


async def test_what_was_answered_before_a_crash_is_there_and_what_was_under_way_is_told(
    engine: PostgresqlEngine, postgresql_server: PostgresServer
) -> None:
    answered: list[str] = []
    failed: list[BaseException] = []
    is_under_way = asyncio.Event()

    async def write(task: int) -> None:
        for number in range(1000):
            try:
                await engine.run(_INSERT, f"{task}-{number}", 1)
            except StoreError as err:
                failed.append(err)
                return
            answered.append(f"{task}-{number}")
            if len(answered) >= 20:
                is_under_way.set()

    writing = asyncio.gather(*(write(task) for task in range(4)))
    await is_under_way.wait()
    await asyncio.to_thread(postgresql_server.kill)
    await asyncio.to_thread(postgresql_server.start)
    await writing

    kept = {row[0] for row in await engine.run("SELECT name FROM number")}
    assert set(answered) <= kept
    assert {type(err) for err in failed} <= {StoreUnreachableError}


async def test_a_server_that_is_away_is_one_clear_line(
    database: Database, postgresql_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.store.postgresql._WAIT_S", 0.3)
    engine = await open_postgresql(database.dsn, connections=2)
    await asyncio.to_thread(postgresql_server.stop)
    try:
        with pytest.raises(StoreUnreachableError) as asked:
            await engine.run("SELECT 1")
        with pytest.raises(StoreUnreachableError, match="cannot be used") as opened:
            await open_postgresql(database.dsn)
    finally:
        await asyncio.to_thread(postgresql_server.start)
    for caught in (asked, opened):
        assert f"127.0.0.1:{database.port}/{database.name}" in str(caught.value)
        assert caught.value.hint is not None
        assert "check that the database runs" in caught.value.hint
    assert await engine.run("SELECT 1") == [(1,)]
    await engine.close()


async def test_a_wrong_password_is_one_clear_line_without_it(database: Database) -> None:
    with pytest.raises(StoreUnreachableError, match="password authentication failed") as caught:
        await open_postgresql(f"postgresql://{database.user}:falsch@127.0.0.1:{database.port}/{database.name}")
    assert caught.value.hint is not None
    assert "password_file" in caught.value.hint
    assert "falsch" not in str(caught.value)


async def test_a_database_that_is_not_there_is_one_clear_line(database: Database) -> None:
    with pytest.raises(StoreUnreachableError, match="does not exist") as caught:
        await open_postgresql(database.dsn + "x")
    assert caught.value.hint is not None
    assert "make the database" in caught.value.hint


async def test_a_user_who_may_make_nothing_is_one_clear_line(postgresql_server: PostgresServer) -> None:
    stranger = postgresql_server.create_database(owner=False)
    with pytest.raises(StoreUnreachableError, match="permission denied") as caught:
        await open_postgresql(stranger.dsn)
    assert caught.value.hint is not None
    assert "own the database" in caught.value.hint
    postgresql_server.drop_database(stranger)


async def test_tables_of_another_version_are_left_alone(engine: PostgresqlEngine, database: Database) -> None:
    await engine.run("UPDATE meta SET value = '99' WHERE name = 'version'")
    with pytest.raises(StoreVersionError, match=f"version 99, this program needs version {VERSION}"):
        await open_postgresql(database.dsn)
    assert await engine.run("SELECT value FROM meta WHERE name = 'version'") == [("99",)]


async def test_tables_that_are_gone_are_one_clear_line(engine: PostgresqlEngine, database: Database) -> None:
    database.rows("DROP TABLE wanderbuch.number")
    with pytest.raises(StoreVersionError, match="damaged"):
        await engine.run("SELECT name FROM number")


async def test_a_statement_that_takes_too_long_is_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wanderbuch.store.postgresql._OPTIONS", "-c search_path=wanderbuch -c statement_timeout=200ms")
    engine = await open_postgresql(database.dsn, connections=1)
    with pytest.raises(StoreUnreachableError, match="did not answer within"):
        await engine.run("SELECT pg_sleep(30)")
    assert await engine.run("SELECT 1") == [(1,)]
    await engine.close()


async def test_transactions_that_block_each_other_are_tried_again(engine: PostgresqlEngine) -> None:
    for name in ("a", "b"):
        await engine.run(_INSERT, name, 0)

    def adding(name: str) -> Statement:
        return Statement("UPDATE number SET number = number + 1 WHERE name = ?", (name,))

    pause = Statement("SELECT 1 FROM pg_sleep(0.2)")
    await asyncio.gather(
        engine.together(adding("a"), pause, adding("b")), engine.together(adding("b"), pause, adding("a"))
    )
    assert await engine.run("SELECT number FROM number ORDER BY name") == [(2,), (2,)]


@pytest.mark.parametrize("ends", ["in an error", "cancelled"])
async def test_what_a_pipeline_that_broke_off_would_have_prepared_is_asked_again(database: Database, ends: str) -> None:
    """psycopg prepares what it is asked for the sixth time, and the server does nothing after an error."""
    engine = await open_postgresql(database.dsn, connections=1)
    await engine.run(_INSERT, "a", 1)
    asked = Statement("SELECT number FROM number WHERE name = ?", ("a",))
    try:
        for _ in range(8):
            if ends == "cancelled":
                asking = asyncio.create_task(engine.together(Statement("SELECT 1 FROM pg_sleep(30)"), asked))
                await asyncio.sleep(0.03)
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
            else:
                with pytest.raises(DuplicateError):
                    await engine.together(Statement(_INSERT, ("a", 2)), asked)
            assert await engine.together(asked, Statement("SELECT 1")) == [[(1,)], [(1,)]]
    finally:
        await engine.close()


async def test_who_is_cancelled_gives_the_connection_back(engine: PostgresqlEngine) -> None:
    for _ in range(8):
        asking = asyncio.create_task(engine.run("SELECT 1 FROM pg_sleep(30)"))
        await asyncio.sleep(0.03)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert await engine.run("SELECT 1") == [(1,)]


async def test_no_log_line_and_no_error_holds_the_password(
    database: Database, postgresql_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = await open_postgresql(database.dsn, connections=2)
    await asyncio.to_thread(postgresql_server.stop)
    asked = asyncio.create_task(engine.run("SELECT 1"))
    while "not heard" not in caplog.text:  # noqa: ASYNC110 (the log tells nobody)
        await asyncio.sleep(0.01)
    await asyncio.to_thread(postgresql_server.start)
    await asyncio.wait([asked])
    await engine.close()
    assert "not heard" in caplog.text
    for shown in (caplog.text, repr(engine), repr(vars(engine)), str(asked.exception() or "")):
        assert database.password not in shown


async def test_a_lease_is_lost_while_the_server_is_away(
    engine: PostgresqlEngine, postgresql_server: PostgresServer
) -> None:
    tables = tables_on(engine, HASHES)
    async with tables.leases.hold("default/x", for_s=0.5) as lease:
        await asyncio.to_thread(postgresql_server.stop)
        await asyncio.sleep(0.8)
        assert lease.is_lost
        await asyncio.to_thread(postgresql_server.start)
        with pytest.raises(LeaseLostError):
            await lease.check()


async def test_our_tables_lie_in_our_schema_alone(engine: PostgresqlEngine, database: Database) -> None:
    with psycopg.connect(database.dsn) as connection:
        rows = connection.execute(
            "SELECT DISTINCT table_schema FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
    assert rows == [("wanderbuch",)]
    assert engine.is_shared
