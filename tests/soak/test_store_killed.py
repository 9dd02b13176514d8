"""kill -9 of one of two processes on a store, again and again, and of PostgreSQL: nothing lost, nothing twice.

Two stores, as of two roles, each with two processes (`store_worker`) that set markers, hold a lease, append events and
claim due work. WANDERBUCH_SOAK_KILLS says how many kills (100); PostgreSQL is restarted five times among them.
"""

import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.bench.store_user import PASSWORD, open_wallet, store_config
from tests.postgresql import Database, PostgresServer
from tests.soak.store_worker import DONE, MARKER, SEAT, TENANT, Task, Worker

from wanderbuch.agents.machine.children import kill_child, start_child, stop_child
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import bind_tables, open_tables, tables_of

pytestmark = pytest.mark.needs("postgresql")

KILLS = int(os.environ.get("WANDERBUCH_SOAK_KILLS", "100"))
RESTARTS = 5
_START_S = 60.0
_CLAIMS_END_S = 150.0


class Pair:
    """Two processes on one store, and all that they ever said is done."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.documents: list[dict[str, Any]] = []
        self._processes: list[Process] = []
        self._listening: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._processes = [await self._launch(), await self._launch()]

    async def kill_one(self, rng: random.Random) -> None:
        """Kill one and start another in its place; returns when that one works."""
        place = rng.randrange(2)
        await kill_child(self._processes[place])
        self._processes[place] = await self._launch()

    async def stop(self) -> None:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
            try:
                async with asyncio.timeout(30):
                    await process.wait()
            except TimeoutError:
                await stop_child(process)
        await asyncio.gather(*self._listening)

    def of(self, what: str) -> set[Any]:
        return {document[what] for document in self.documents if what in document}

    async def _launch(self) -> Process:
        process = await start_child(
            (sys.executable, "-m", "tests.soak.store_worker", self.database.url),
            stdout=PIPE,
            environment={**os.environ, PASSWORD: self.database.password},
        )
        ready = asyncio.Event()
        task = asyncio.create_task(self._listen(process, ready))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)
        async with asyncio.timeout(_START_S):
            await ready.wait()
        return process

    async def _listen(self, process: Process, ready: asyncio.Event) -> None:
        assert process.stdout is not None
        while (line := await process.stdout.readline()).endswith(b"\n"):
            document = json.loads(line)
            if "ready" in document:
                ready.set()
            else:
                self.documents.append(document)


@pytest.fixture
async def pairs(postgresql_server: PostgresServer) -> AsyncIterator[list[Pair]]:
    made = [Pair(postgresql_server.create_database()) for _ in range(2)]
    try:
        await asyncio.gather(*(pair.start() for pair in made))
        yield made
    finally:
        for pair in made:
            await pair.stop()
            await asyncio.to_thread(postgresql_server.drop_database, pair.database)


async def test_nothing_is_lost_and_nothing_done_twice(
    pairs: list[Pair],
    postgresql_server: PostgresServer,
    rng: random.Random,
    tell: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restarts = {KILLS * (turn + 1) // (RESTARTS + 1) for turn in range(RESTARTS)}
    for turn in range(KILLS):
        await asyncio.sleep(rng.uniform(0.0, 1.0))
        await rng.choice(pairs).kill_one(rng)
        if turn in restarts:
            await asyncio.to_thread(rng.choice((postgresql_server.restart, restart_after_kill(postgresql_server))))
    await asyncio.gather(*(pair.stop() for pair in pairs))
    for pair in pairs:
        monkeypatch.setenv(PASSWORD, pair.database.password)
        in_store = await left(pair.database, tmp_path)
        counted = Counter(next(iter(document)) for document in pair.documents)
        tell(f"{KILLS} kills, {len(restarts)} restarts; done {dict(counted)}")
        assert min(counted.values()) > KILLS
        for what, times in counted.items():
            assert len(pair.of(what)) == times, f"{what} was done twice"
        lost = {document["marker"] for document in pair.documents if "marker" in document} - in_store.markers.keys()
        assert lost == set()
        assert [
            document
            for document in pair.documents
            if "marker" in document and in_store.markers[document["marker"]] != document["token"]
        ] == []
        assert in_store.seat >= max(pair.of("seat"))
        numbers = {document["event"]: document["number"] for document in pair.documents if "event" in document}
        assert {subject: in_store.events.get(subject) for subject in numbers} == {
            subject: [number] for subject, number in numbers.items()
        }
        assert in_store.numbers == sorted(set(in_store.numbers))
        assert pair.of("made") <= in_store.done
        assert pair.of("did") <= in_store.marked_done == in_store.done


class Left:
    """What the store holds in the end."""

    def __init__(self) -> None:
        self.markers: dict[int, str] = {}
        self.seat = 0
        self.events: dict[str, list[int]] = {}
        self.numbers: list[int] = []
        self.done: set[str] = set()
        self.marked_done: set[str] = set()


async def left(database: Database, folder: Path) -> Left:
    """Read a store whose processes have ended."""
    config = store_config(database.url, folder)
    profile = await open_wallet(config)
    tables = await open_tables(await open_engine(config), profile)
    bind_tables(profile, tables)
    remains = Left()
    try:
        async with profile.session() as session:
            for entry in await fetch_entries(session, MARKER):
                remains.markers[int(entry.name)] = bytes(entry.value).decode()
            remains.seat = int((await session.handle.fetch(*SEAT)).value)
        while events := await tables.events.read(TENANT, remains.numbers[-1] if remains.numbers else 0, 1000):
            for event in events:
                remains.numbers.append(event.number)
                remains.events.setdefault(event.subject, []).append(event.number)
        tasks = RecordStore(profile, Task)
        await finish(tasks, profile)
        remains.done = {task.id async for task in tasks.every(state="done")}
        async with profile.session() as session:
            remains.marked_done = {entry.name for entry in await fetch_entries(session, DONE)}
    finally:
        await tables.close()
        await profile.close()
    return remains


async def finish(tasks: RecordStore[Task], profile: WalletProfile) -> None:
    """Do what is left, once the claims of those that were killed have ended."""
    worker = Worker(profile, tables_of(profile))
    async with asyncio.timeout(_CLAIMS_END_S):
        while [task.id async for task in tasks.every(state="open")]:
            await worker.do()
            await asyncio.sleep(1)


def restart_after_kill(server: PostgresServer) -> Callable[[], None]:
    """Return what ends the server as kill -9 does, and starts it again."""

    def restart() -> None:
        server.kill()
        server.start()

    return restart
