"""The plain tables on SQLite: one file, one thread, one process.

Never the wallet's file: Askar brings an SQLite of its own, and two libraries on one file drop each other's locks.

One thread works for all. What waits is written in one commit (*group commit*), so that 32 writers at once pay for one
flush of the disk, not 32; each job is undone alone if it fails. Reads that wait are answered before the writes.
`synchronous=FULL`: what was answered survives a power cut.
"""

import asyncio
import itertools
import os
import queue
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wanderbuch.store.engine import Hearers, Rows, Statement, Value, check_told
from wanderbuch.store.errors import (
    DuplicateError,
    StoreError,
    StoreInUseError,
    StoreUnreachableError,
    StoreVersionError,
)
from wanderbuch.store.schema import VERSION, tables, upgrading

_LARGEST_GROUP: Final = 256
_FILE_MODE: Final = 0o600


@dataclass(slots=True)
class _Job:
    statements: tuple[Statement, ...]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[list[Rows]]"
    rows: list[Rows] = field(default_factory=list)
    error: BaseException | None = None
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_read(self) -> bool:
        reads = self.statements[0].sql.startswith(("SELECT", "VACUUM INTO"))
        return len(self.statements) == 1 and reads and not self._tells

    @property
    def _tells(self) -> bool:
        return "store_tell" in self.statements[0].sql


class SqliteEngine:
    """SQLite in a file, or in memory; see `open_sqlite`."""

    is_shared: Final = False
    skip_locked: Final = ""

    def __init__(self, worker: "_Worker", jobs: "queue.SimpleQueue[_Job | None]") -> None:
        self._worker = worker
        self._jobs = jobs
        self._hearers = Hearers()
        self._is_closed = False
        worker.tell = _weakly(self._hearers)
        self._end = weakref.finalize(self, jobs.put, None)

    async def run(self, sql: str, *args: Value) -> Rows:
        """Run one statement, committed when this returns, and return its rows."""
        return (await self._ask((Statement(sql, args),)))[0]

    async def together(self, *statements: Statement) -> list[Rows]:
        """Run statements in one transaction, all or nothing, and return the rows of each."""
        return await self._ask(statements) if statements else []

    async def announce(self, topic: str, text: str) -> None:
        """Tell every hearer of this process."""
        check_told(topic, text)
        self._hearers.tell(topic, text)

    def hear(self, topic: str, told: Callable[[str], None]) -> Callable[[], None]:
        """Call `told(text)` for each announcement; nothing is ever missed here."""
        return self._hearers.hear(topic, told)

    async def clock(self) -> float:
        """Return this machine's clock: the database is in this process."""
        return time.time()

    async def copy_to(self, target: Path) -> None:
        """Write all tables, as they are at one instant, to a new file; what else waits goes on afterwards.

        Raises:
            StoreUnreachableError: it cannot be written.
        """
        try:
            await asyncio.to_thread(target.touch, _FILE_MODE, exist_ok=False)
        except OSError as err:
            raise StoreUnreachableError(f"{target} cannot be made: {err.strerror}") from err
        await self.run("VACUUM INTO ?", os.fspath(target))

    async def close(self) -> None:
        """Finish what waits, and close the file."""
        self._is_closed = True
        self._end()
        await asyncio.to_thread(self._worker.thread.join)

    async def _ask(self, statements: tuple[Statement, ...]) -> list[Rows]:
        if self._is_closed:
            raise StoreUnreachableError("the store is closed")
        loop = asyncio.get_running_loop()
        job = _Job(statements, loop, loop.create_future())
        self._jobs.put(job)
        return await job.answer


def open_sqlite(file: Path | None) -> SqliteEngine:
    """Open the plain tables, and make them if they are not there.

    Args:
        file: where they lie; None: in memory.

    Raises:
        StoreInUseError: another process has the file open.
        StoreVersionError: its tables are of another version, or it is damaged.
        StoreUnreachableError: it cannot be made or written to.
    """
    jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
    worker = _Worker(file, jobs)
    worker.start()
    return SqliteEngine(worker, jobs)


def _weakly(hearers: Hearers) -> Callable[[str, str], None]:
    """Return what tells these hearers without keeping them."""
    kept = weakref.ref(hearers)

    def tell(topic: str, text: str) -> None:
        if (hearers := kept()) is not None:
            hearers.tell(topic, text)

    return tell


class _Worker:
    """Owns the connection and its thread; knows nothing of the engine, so that one that is forgotten ends."""

    def __init__(self, file: Path | None, jobs: "queue.SimpleQueue[_Job | None]") -> None:
        self._file = file
        self._name = None if file is None else os.fspath(file)
        self._jobs = jobs
        self._opened: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._numbers = _growing_numbers(0)
        self._telling: list[tuple[str, str]] = []
        self._opened_as: tuple[int, int] | None = None
        self.tell: Callable[[str, str], None] = lambda _topic, _text: None
        self.thread = threading.Thread(target=self._work, name="wanderbuch-index", daemon=True)

    def start(self) -> None:
        """Open the file in the thread and wait until that is done."""
        self.thread.start()
        if (err := self._opened.get()) is not None:
            raise err

    def _work(self) -> None:
        try:
            connection = self._open()
        except Exception as err:  # noqa: BLE001 - raised again by whoever opens
            self._opened.put(_in_our_words(err, self._file))
            return
        self._opened.put(None)
        while (first := self._jobs.get()) is not None:
            group, is_last = self._gather(first)
            self._serve(connection, group)
            if is_last:
                break
        with suppress(sqlite3.Error):
            connection.execute("PRAGMA optimize")
        connection.close()
        self._refuse_the_rest()

    def _open(self) -> sqlite3.Connection:
        if self._file is not None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.touch(mode=_FILE_MODE, exist_ok=True)
        where = ":memory:" if self._file is None else str(self._file)
        connection = sqlite3.connect(where, isolation_level=None, timeout=0, cached_statements=256)
        try:
            connection.create_function("store_now", 0, time.time)
            connection.create_function("store_next", 0, lambda: next(self._numbers))
            connection.create_function("store_tell", 2, self._hear_sql)
            connection.create_function("least", -1, lambda *values: _extreme(min, values), deterministic=True)
            connection.create_function("greatest", -1, lambda *values: _extreme(max, values), deterministic=True)
            # The first write takes the file for this process until it is closed; without shared memory beside it.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("BEGIN EXCLUSIVE")
            _make_tables(connection)
            (last,) = connection.execute("SELECT max(number) FROM row").fetchone()
            self._numbers = _growing_numbers(last or 0)
            # Whoever had claimed something was a process that is gone.
            connection.execute("UPDATE row SET owner = NULL, until = 0 WHERE until > 0 AND due IS NOT NULL")
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        self._opened_as = self._identity()
        return connection

    def _identity(self) -> tuple[int, int] | None:
        """Return which file has our name now; None: none has, or the tables are in memory."""
        try:
            stat = os.stat(self._name) if self._name is not None else None  # noqa: PTH116 (before each group)
        except OSError:
            return None
        return (stat.st_dev, stat.st_ino) if stat is not None else None

    def _hear_sql(self, topic: str, text: str) -> int:
        self._telling.append((topic, text))
        return 1

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return all that waits, and whether nothing comes after it."""
        group = [first]
        with suppress(queue.Empty):
            while len(group) < _LARGEST_GROUP:
                job = self._jobs.get_nowait()
                if job is None:
                    return group, True
                group.append(job)
        return group, False

    def _serve(self, connection: sqlite3.Connection, group: list[_Job]) -> None:
        if self._identity() != self._opened_as:  # what is written now would be gone with this process
            for job in group:
                job.error = _removed(self._file)
            _answer(group)
            return
        reads = [job for job in group if job.is_read]
        for job in reads:
            self._try(connection, job)
        _answer(reads)
        writes = [job for job in group if not job.is_read]
        if not writes:
            return
        failure = self._write_all(connection, writes)
        for job in writes:
            job.error = job.error or failure
        _answer(writes)
        for job in writes:
            if job.error is None:
                for topic, text in job.told:
                    with suppress(RuntimeError):  # a loop that is closed hears nothing
                        job.loop.call_soon_threadsafe(self.tell, topic, text)

    def _write_all(self, connection: sqlite3.Connection, writes: list[_Job]) -> BaseException | None:
        """Write a group in one commit; return why nothing of it was written, or None."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            if len(writes) == 1:
                return self._write_alone(connection, writes[0])
            for job in writes:
                self._write(connection, job)
                if not connection.in_transaction:  # the disk is full, or fails: SQLite undid the whole group
                    return job.error
            connection.execute("COMMIT")
        except sqlite3.Error as err:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            return _in_our_words(err, self._file)
        return None

    def _write_alone(self, connection: sqlite3.Connection, job: _Job) -> BaseException | None:
        """Run and commit the one job of a group: what fails is undone with the transaction.

        Beside a savepoint SQLite keeps what each statement changes, in memory, and walks along all of it at the next:
        ten thousand statements cost eight times as much there.
        """
        self._telling = job.told
        self._try(connection, job)
        if connection.in_transaction:
            connection.execute("COMMIT" if job.error is None else "ROLLBACK")
        return job.error

    def _write(self, connection: sqlite3.Connection, job: _Job) -> None:
        """Run one job of a group; what fails is undone alone."""
        self._telling = job.told
        if len(job.statements) == 1:  # SQLite undoes a statement that fails by itself
            self._try(connection, job)
            return
        connection.execute("SAVEPOINT job")
        self._try(connection, job)
        if not connection.in_transaction:
            return
        if job.error is not None:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")

    def _try(self, connection: sqlite3.Connection, job: _Job) -> None:
        try:
            job.rows = [connection.execute(statement.sql, statement.args).fetchall() for statement in job.statements]
        except Exception as err:  # noqa: BLE001 - whoever asked is told; the thread serves the others
            job.error = _in_our_words(err, self._file)

    def _refuse_the_rest(self) -> None:
        rest: list[_Job] = []
        with suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None:
                    job.error = StoreUnreachableError("the store is closed")
                    rest.append(job)
        _answer(rest)


def _answer(jobs: Iterable[_Job]) -> None:
    """Wake those who wait; one call a loop, however many they are."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, of_loop in by_loop.items():
        with suppress(RuntimeError):  # a loop that is closed waits for nothing
            loop.call_soon_threadsafe(_wake, of_loop)


def _wake(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.answer.done():  # whoever asked does not wait any more
            continue
        if job.error is not None:
            job.answer.set_exception(job.error)
        else:
            job.answer.set_result(job.rows)


_WORDS: Final = {"text": "TEXT", "bytes_": "BLOB", "by_key": " WITHOUT ROWID"}


def _make_tables(connection: sqlite3.Connection) -> None:
    (count,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not count:
        for sql in tables(**_WORDS):
            connection.execute(sql)
        connection.execute("INSERT INTO meta VALUES ('version', ?)", (str(VERSION),))
        return
    row = connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
    for sql in upgrading(row[0] if row else "none", **_WORDS):
        connection.execute(sql)


def _growing_numbers(last: int) -> Iterator[int]:
    """Yield microseconds since 1970, each greater than the one before, the first than `last`: the clock may go back."""
    for _ in itertools.count():
        last = max(last + 1, time.time_ns() // 1000)
        yield last


def _extreme(choose: Callable[[Iterable[Any]], Any], values: Iterable[Any]) -> Any:
    present = [value for value in values if value is not None]
    return choose(present) if present else None


def _removed(file: Path | None) -> StoreUnreachableError:
    return StoreUnreachableError(
        f"the index {file} was removed or replaced while this process had it open",
        hint="start the process again: it is made anew from the wallet; event numbers begin anew too",
    )


def _in_our_words(err: BaseException, file: Path | None) -> BaseException:
    """Return an error of SQLite as one of ours; anything else is a defect of ours and stays."""
    name = getattr(err, "sqlite_errorname", "")
    match err:
        case StoreError():
            return err
        case sqlite3.IntegrityError() if name.startswith(("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY")):
            return DuplicateError("a row with this name is already there")
        case sqlite3.OperationalError() if name.startswith("SQLITE_BUSY"):
            return StoreInUseError(
                f"another process uses the file {file}", hint="stop it, or give this process another data folder"
            )
        case sqlite3.DatabaseError() if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            return StoreVersionError(
                f"the index {file} is damaged",
                hint="move it away and start again: it is made anew from the wallet; event numbers begin anew too",
            )
        case OSError() | sqlite3.OperationalError() if name != "SQLITE_ERROR":
            reason = getattr(err, "strerror", None) or str(err)
            return StoreUnreachableError(
                f"the index {file or 'in memory'} cannot be used: {reason}",
                hint="check the disk, the folder and its rights",
            )
        case _:
            return err
