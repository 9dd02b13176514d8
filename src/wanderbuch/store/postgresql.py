"""The plain tables on PostgreSQL, in a schema of their own (`wanderbuch`), for any number of processes.

- A pool of connections; one that died while it lay idle is noticed before it is used (its socket has something to say),
  so a database that was restarted heals with the next question. A question that was under way then fails with
  `StoreUnreachableError`: nobody can know whether it was done.
- Waiting for a connection, and each statement, has a deadline.
- One more connection listens. When it breaks it is made anew. Until that works, and once more then, each second every
  hearer is told `""`: "something may have been missed"; so what others decide is known in time even if no connection
  can be had for listening. A silent network is noticed by a question each second.
- Tables are made by whichever process comes first; the others wait for it (an advisory lock).
- The password stands in no error, no log line and no `repr`.
"""

import asyncio
import logging
import select
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import Any, Final
from weakref import WeakSet

import psycopg
from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from wanderbuch.store.engine import Hearers, Rows, Statement, Value, check_told
from wanderbuch.store.errors import DuplicateError, StoreError, StoreUnreachableError, StoreVersionError
from wanderbuch.store.schema import VERSION, tables, upgrading

_LOG = logging.getLogger(__name__)
SCHEMA: Final = "wanderbuch"
_CHANNEL: Final = "wanderbuch"
_LOCK: Final = 0x77616E6465726275  # "wanderbu"
_CONNECT_S: Final = 10
_WAITS: Final = 3
_WAIT_S: Final = 5.0
_STATEMENT_S: Final = 30
_QUIET_S: Final = 1.0
_SILENT: Final = 5
_AGAIN_S: Final = (0.1, 0.2, 0.5, 1.0)
_TRIES: Final = 4

_FUNCTIONS: Final = (
    "CREATE SEQUENCE row_number CACHE 1",
    # Stable, so that `due <= store_now()` walks along an index; the instant is that of the statement.
    "CREATE FUNCTION store_now() RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE"
    " AS 'SELECT extract(epoch FROM statement_timestamp())::double precision'",
    f"CREATE FUNCTION store_next() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT nextval(''{SCHEMA}.row_number'')'",
    "CREATE FUNCTION store_tell(topic text, told text) RETURNS integer LANGUAGE sql VOLATILE"
    " AS 'SELECT 1 FROM (SELECT pg_notify(''wanderbuch'', topic || chr(10) || told)) AS sent'",
)


_DEFAULTS: Final[Mapping[str, Any]] = {
    "connect_timeout": _CONNECT_S,
    "application_name": "wanderbuch",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_OPTIONS: Final = (
    f"-c search_path={SCHEMA} -c statement_timeout={_STATEMENT_S}s -c lock_timeout={_STATEMENT_S}s"
    " -c idle_in_transaction_session_timeout=60s -c client_min_messages=warning"
)


class _Address:
    """Where the database is and who we are there; shows no password."""

    def __init__(self, conninfo: str) -> None:
        self.parameters: Final = {**_DEFAULTS, **conninfo_to_dict(conninfo), "options": _OPTIONS}
        """What psycopg connects with; holds the password."""

    def __str__(self) -> str:
        host, port = self.parameters.get("host", "localhost"), self.parameters.get("port", 5432)
        return f"postgresql://{self.parameters.get('user')}@{host}:{port}/{self.parameters.get('dbname')}"

    __repr__ = __str__


class PostgresqlEngine:
    """PostgreSQL; see `open_postgresql`."""

    is_shared: Final = True
    skip_locked: Final = "FOR UPDATE SKIP LOCKED"

    def __init__(self, address: _Address, pool: AsyncConnectionPool) -> None:
        self._address = address
        self._pool = pool
        self._hearers = Hearers()
        self._listening: asyncio.Task[None] | None = None
        self._is_listening = asyncio.Event()
        self._broken_off = WeakSet[AsyncConnection[Any]]()
        """Connections on which a pipeline was not gone through: psycopg takes statements for prepared that are not."""
        self._forgotten = count()

    async def run(self, sql: str, *args: Value) -> Rows:
        """Run one statement, committed when this returns, and return its rows."""
        return (await self._try((Statement(sql, args),)))[0]

    async def together(self, *statements: Statement) -> list[Rows]:
        """Run statements in one transaction, all or nothing, and return the rows of each."""
        return await self._try(statements) if statements else []

    async def announce(self, topic: str, text: str) -> None:
        """Tell every process that hears this topic, this one too."""
        check_told(topic, text)
        await self.run("SELECT store_tell(?, ?)", topic, text)

    def hear(self, topic: str, told: Callable[[str], None]) -> Callable[[], None]:
        """Call `told(text)` for each announcement, and `told("")` after the listening connection was made anew."""
        return self._hearers.hear(topic, told)

    async def clock(self) -> float:
        """Return the database's clock, in seconds since 1970."""
        return float((await self.run("SELECT store_now()"))[0][0])

    async def close(self) -> None:
        """Close all connections."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._pool.close(timeout=5)

    async def listen(self) -> None:
        """Begin to hear what is announced; returns when it can be heard."""
        self._listening = asyncio.create_task(self._listen(), name="wanderbuch-listen")
        waiting = asyncio.create_task(self._is_listening.wait())
        await asyncio.wait({self._listening, waiting}, timeout=_CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def _try(self, statements: tuple[Statement, ...]) -> list[Rows]:
        """Run a transaction; one that lost to another (a deadlock) was undone whole and is tried again."""
        for attempt in range(_TRIES):
            try:
                return await self._once(statements)
            except (errors.DeadlockDetected, errors.SerializationFailure) as err:
                if attempt == _TRIES - 1:
                    raise self._in_our_words(err) from None
                await asyncio.sleep(0.01 * 3**attempt)
            except (psycopg.Error, PoolClosed) as err:
                raise self._in_our_words(err) from None
        raise AssertionError  # the loop returns or raises

    async def _once(self, statements: tuple[Statement, ...]) -> list[Rows]:
        connection = await self._connection()
        try:
            if connection in self._broken_off:
                # psycopg then prepares anew, but heeds a text only the first time: so each is another one.
                await connection.execute(f"DEALLOCATE ALL -- {next(self._forgotten)}".encode(), prepare=False)
                self._broken_off.discard(connection)
            if len(statements) == 1:
                cursor = await connection.execute(_translated(statements[0].sql), statements[0].args)
                return [await _rows(cursor)]
            self._broken_off.add(connection)
            async with connection.pipeline():  # one round trip, and one transaction, for all of it
                cursors = [
                    await connection.execute(_translated(statement.sql), statement.args) for statement in statements
                ]
            self._broken_off.discard(connection)
            return [await _rows(cursor) for cursor in cursors]
        finally:
            await self._pool.putconn(connection)

    async def _connection(self) -> AsyncConnection[Any]:
        """Return a connection; each wait makes the pool try anew, so that it heals within seconds."""
        for _ in range(_WAITS - 1):
            with suppress(PoolTimeout):
                return await self._pool.getconn(_WAIT_S)
        return await self._pool.getconn(_WAIT_S)

    async def _listen(self) -> None:
        pauses = iter(_AGAIN_S)
        is_first, is_told = True, False
        while True:
            is_made = False
            try:
                async with await self._patiently(
                    AsyncConnection.connect(autocommit=True, **self._address.parameters)
                ) as (connection):
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_CHANNEL)))
                    self._is_listening.set()
                    is_made = True
                    if not is_first:
                        _LOG.warning("the store's announcements are heard again")
                        self._hearers.tell_all_missed()
                    is_first, is_told, pauses = False, False, iter(_AGAIN_S)
                    await self._hear_from(connection)
            except (psycopg.Error, OSError) as err:  # a silent network is a TimeoutError
                if not is_told:
                    is_told = True
                    _LOG.warning("the store's announcements are not heard: %s", _first_line(err))
            if not is_made:
                self._hearers.tell_all_missed()
            await asyncio.sleep(next(pauses, _AGAIN_S[-1]))

    async def _hear_from(self, connection: AsyncConnection[Any]) -> None:
        while True:
            async for told in connection.notifies(timeout=_QUIET_S):
                topic, _, text = told.payload.partition("\n")
                self._hearers.tell(topic, text)
            await self._patiently(connection.execute("SELECT 1"))

    async def _patiently[T](self, question: Coroutine[Any, Any, T]) -> T:
        """Ask the server; each second without an answer, something may have been missed.

        Raises:
            TimeoutError: there was none within some seconds.
        """
        async with asyncio.timeout(_SILENT * _QUIET_S):
            asked = asyncio.create_task(question)
            try:
                while not (await asyncio.wait({asked}, timeout=_QUIET_S))[0]:
                    self._hearers.tell_all_missed()
                return await asked
            finally:
                asked.cancel()

    def _in_our_words(self, err: BaseException) -> StoreError:
        return _in_our_words(err, self._address)


async def open_postgresql(conninfo: str, *, connections: int = 8) -> PostgresqlEngine:
    """Open the plain tables, and make them if they are not there; any number of processes may do so at once.

    Args:
        conninfo: how libpq reaches the database, with the password.
        connections: at most so many, besides the one that listens.

    Raises:
        StoreUnreachableError: there is no such database, or it does not let us in.
        StoreVersionError: its tables are of another version.
    """
    address = _Address(conninfo)
    try:
        async with await AsyncConnection.connect(**address.parameters) as connection:
            await _make_tables(connection)
    except psycopg.Error as err:
        raise _in_our_words(err, address) from None
    pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
        kwargs={**address.parameters, "autocommit": True},
        min_size=1,
        max_size=connections,
        open=False,
        check=_check,
        name="store",
        timeout=_WAIT_S,
        reconnect_timeout=_WAIT_S,
    )
    await pool.open()
    engine = PostgresqlEngine(address, pool)
    await engine.listen()
    return engine


_WORDS: Final = {"text": 'TEXT COLLATE "C"', "bytes_": "BYTEA", "by_key": ""}


async def _make_tables(connection: AsyncConnection[Any]) -> None:
    """Make the tables, in the one transaction that `connection` is in."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    row = await (
        await connection.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", [SCHEMA])
    ).fetchone()
    if row is None:
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
    there = await (await connection.execute("SELECT to_regclass('wanderbuch.meta')")).fetchone()
    if there is None or there[0] is None:
        for statement in (*_FUNCTIONS, *tables(**_WORDS)):
            await connection.execute(statement)
        await connection.execute("INSERT INTO meta VALUES ('version', %s)", [str(VERSION)])
        return
    version = await (await connection.execute("SELECT value FROM meta WHERE name = 'version'")).fetchone()
    for statement in upgrading(version[0] if version else "none", **_WORDS):
        await connection.execute(statement)


async def _check(connection: AsyncConnection[Any]) -> None:
    """Refuse a connection that died in the pool: an idle one whose socket can be read has something to say."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def _rows(cursor: psycopg.AsyncCursor[Any]) -> Rows:
    return [] if cursor.description is None else await cursor.fetchall()


@lru_cache(maxsize=512)
def _translated(text: str) -> str:
    """Return our SQL with psycopg's placeholders."""
    return text.replace("%", "%%").replace("?", "%s")


_HINTS: Final[Mapping[str, str]] = {
    "password authentication failed": "check [store] password_file (or WANDERBUCH_STORE_PASSWORD) and the user in url",
    "no password supplied": "set [store] password_file (or WANDERBUCH_STORE_PASSWORD)",
    "does not exist": "make the database and its user first; see docs/running-agents.md",
    "no pg_hba.conf entry": "let this user in from this machine (pg_hba.conf)",
    "too many": "lower [store] connections, or raise the server's max_connections",
    "permission denied": "the user must own the database, or may create a schema in it",
    "certificate": "check [store] ca_file and tls",
}


def _in_our_words(err: BaseException, address: _Address) -> StoreError:
    """Return an error of PostgreSQL as one of ours; never with a statement's arguments."""
    match err:
        case errors.UniqueViolation():
            return DuplicateError("a row with this name is already there")
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return StoreUnreachableError(
                f"the store {address} did not answer within {_STATEMENT_S} s", hint="look at the load of the database"
            )
        case errors.UndefinedTable() | errors.UndefinedFunction() | errors.UndefinedColumn():
            return StoreVersionError(
                f"the plain tables of the store {address} are damaged: {_first_line(err)}",
                hint=f"restore the database from a backup, or drop its schema {SCHEMA} and start again",
            )
        case PoolTimeout() | PoolClosed():
            return StoreUnreachableError(
                f"the store {address} gave no connection within {_WAITS * _WAIT_S:g} s",
                hint="check that the database runs and lets us in; nothing was done",
            )
        case psycopg.IntegrityError():
            return StoreError("the store does not take a row of ours: a value is missing or out of order")
        case psycopg.DataError():
            return StoreError("a value cannot be kept in the store (a NUL character, or a number out of range)")
        case errors.SyntaxError() | errors.DatatypeMismatch() | errors.AmbiguousParameter():
            return StoreError(f"the store does not understand a statement of ours: {_first_line(err)}")
        case _:
            line = _first_line(err)
            hint = next((hint for pattern, hint in _HINTS.items() if pattern in line), "check that the database runs")
            return StoreUnreachableError(f"the store {address} cannot be used: {line}", hint=hint)


def _first_line(err: BaseException) -> str:
    """Return what the server or libpq says, without details that may hold values."""
    diagnostic = getattr(err, "diag", None)
    text = getattr(diagnostic, "message_primary", None) or str(err)
    return " ".join(text.split("DETAIL")[0].split())[:300]
