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
        self.said: list[dict[str, Any]] = []
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
        return {each[what] for each in self.said if what in each}

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
                self.said.append(document)


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
        found = await left(pair.database, tmp_path)
        counted = Counter(next(iter(each)) for each in pair.said)
        tell(f"{KILLS} kills, {len(restarts)} restarts; done {dict(counted)}")
        assert min(counted.values()) > KILLS
        for what, times in counted.items():
            assert len(pair.of(what)) == times, f"{what} was done twice"
        lost = {each["marker"] for each in pair.said if "marker" in each} - found.markers.keys()
        assert lost == set()
        assert [each for each in pair.said if "marker" in each and found.markers[each["marker"]] != each["token"]] == []
        assert found.seat >= max(pair.of("seat"))
        numbers = {each["event"]: each["number"] for each in pair.said if "event" in each}
        assert {subject: found.events.get(subject) for subject in numbers} == {
            subject: [number] for subject, number in numbers.items()
        }
        assert found.numbers == sorted(set(found.numbers))
        assert pair.of("made") <= found.done
        assert pair.of("did") <= found.marked_done == found.done


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
    found = Left()
    try:
        async with profile.session() as session:
            for entry in await fetch_entries(session, MARKER):
                found.markers[int(entry.name)] = bytes(entry.value).decode()
            found.seat = int((await session.handle.fetch(*SEAT)).value)
        while events := await tables.events.read(TENANT, found.numbers[-1] if found.numbers else 0, 1000):
            for event in events:
                found.numbers.append(event.number)
                found.events.setdefault(event.subject, []).append(event.number)
        tasks = RecordStore(profile, Task)
        await finish(tasks, profile)
        found.done = {task.id async for task in tasks.every(state="done")}
        async with profile.session() as session:
            found.marked_done = {entry.name for entry in await fetch_entries(session, DONE)}
    finally:
        await tables.close()
        await profile.close()
    return found


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
