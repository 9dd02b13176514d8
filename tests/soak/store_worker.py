"""`python -m tests.soak.store_worker URL`: a process that works on a shared store and says what it was told is done.

One JSON object a line, written when the store has answered, so what is lost or done twice shows afterwards:

- `{"marker": slot, "token"}`: it won this slot; every process tries each slot;
- `{"seat": number}`: in its lease it counted up to here;
- `{"event": subject, "number"}`: the event is in the log under this number;
- `{"made": id}` and `{"did": id}`: a task is kept; it was this process that did it, having claimed it.

Where the store is away it tries the same again, as whoever must not lose anything does. It ends with its input.
"""

import asyncio
import json
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

from acapy_agent.core.error import ProfileError
from aries_askar import AskarError, AskarErrorCode
from tests.bench.store_user import open_wallet, store_config

from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.store.errors import DuplicateError, StoreError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.record import Record, utc_now
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import Tables, bind_tables, open_tables

SLOT_S: Final = 0.1
MARKER: Final = "soak.marker"
DONE: Final = "soak.done"
SEAT: Final = ("soak.seat", "seat")
TENANT: Final = "default"
_LEASE_S: Final = 6.0
_AGAIN_S: Final = 0.2
_AWAY: Final = (AskarError, ProfileError, StoreError, OSError)


class Task(Record):
    """Something that has to be done once."""

    category: ClassVar[str] = "wanderbuch.soak-task"
    is_done: bool = False

    def index_state(self) -> str:
        return "done" if self.is_done else "open"

    def due_at(self) -> datetime | None:
        return None if self.is_done else self.created_at


class Worker:
    """Works until it is told otherwise."""

    def __init__(self, profile: WalletProfile, tables: Tables) -> None:
        self._profile = profile
        self._tables = tables
        self._tasks = RecordStore(profile, Task)

    async def run(self) -> None:
        say(ready=True)
        jobs = (self._mark, self._sit, self._tell, self._make, self.do)
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(_for_ever(job)) for job in jobs]
            await asyncio.to_thread(sys.stdin.read)
            for task in working:
                task.cancel()

    async def _mark(self) -> None:
        slot, token = int(time.time() / SLOT_S), secrets.token_hex(8)
        if await until_answered(lambda: self._put(MARKER, str(slot), token)):
            say(marker=slot, token=token)
        await asyncio.sleep(max(0.0, (slot + 1) * SLOT_S - time.time()))

    async def _sit(self) -> None:
        async with self._tables.leases.hold("default/soak-seat", wait_s=60, for_s=_LEASE_S) as lease:
            async with self._profile.session() as session:
                seat = await session.handle.fetch(*SEAT)
            number = 1 + (int(seat.value) if seat else 0)
            await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311 (somebody else's chance)
            await lease.check()
            async with self._profile.session() as session:
                await (session.handle.replace if seat else session.handle.insert)(*SEAT, str(number))
            say(seat=number)

    async def _tell(self) -> None:
        subject = secrets.token_hex(8)
        body = {"credential_type": "qualification"}
        log = self._tables.events
        number = await until_answered(lambda: log.append(TENANT, EventKind.CREDENTIAL_ISSUED, subject, body))
        say(event=subject, number=number)
        await asyncio.sleep(0.02)

    async def _make(self) -> None:
        task = Task()
        await until_answered(lambda: self._insert(task))
        say(made=task.id)
        await asyncio.sleep(0.05)

    async def do(self) -> None:
        """Do the tasks that nobody else has claimed."""
        async with self._tasks.claiming(utc_now(), limit=20) as due:
            async for task in due:
                token = secrets.token_hex(8)
                if await until_answered(lambda task=task, token=token: self._put(DONE, task.id, token)):  # type: ignore[misc]
                    say(did=task.id)
                await self._tasks.change(task.id, lambda current: current.model_copy(update={"is_done": True}))
        await asyncio.sleep(0.1)

    async def _insert(self, task: Task) -> None:
        with suppress(DuplicateError):  # the answer to an earlier try was lost
            await self._tasks.insert(task)

    async def _put(self, category: str, name: str, token: str) -> bool:
        """Insert a marker; whoever finds its own there has won too: the answer to an earlier try was lost."""
        async with self._profile.session() as session:
            try:
                await session.handle.insert(category, name, token)
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:
                    raise
                entry = await session.handle.fetch(category, name)
                return entry is not None and bytes(entry.value).decode() == token
        return True


async def until_answered[T](call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call until the store answers."""
    while True:
        try:
            return await call()
        except _AWAY:
            await asyncio.sleep(_AGAIN_S)


async def _for_ever(job: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await job()
        except _AWAY:  # what was not said to be done may be done or not
            await asyncio.sleep(_AGAIN_S)


def say(**what: object) -> None:
    """Say that something is done; one write, so that a kill leaves no half line."""
    os.write(1, json.dumps(what).encode() + b"\n")


async def main(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = store_config(url, Path(folder))
        profile = await open_wallet(config)
        tables = await open_tables(await open_engine(config), profile)
        bind_tables(profile, tables)
        await Worker(profile, tables).run()
        await tables.close()
        await profile.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
