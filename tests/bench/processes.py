"""One store on PostgreSQL, used by one process and by two: `store_two_processes_over_one`.

What is done is what an exchange does with its store: in a plain session it reads a record by its name and inserts a
marker under a name of its own. `TASKS` of that run at once in each process, as many exchanges do. Rounds of one process
and of two alternate, so that whatever slows this machine slows both.

The server is a real one on this machine. Its commits wait for `COMMIT_MS` more, as on a disk in the network, and it
writes to disk, as it does in service; without that wait two processes would only share two processors.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.errors import BenchError
from tests.bench.ratios import Ratio, median_of_ratios
from tests.bench.store_user import PASSWORD, PLACES

from wanderbuch.agents.machine.children import start_child, stop_child
from wanderbuch.agents.machine.postgresql import Database, PostgresServer

COMMIT_MS: Final = 3
TASKS: Final = 8
ROUNDS: Final = 7
ROUND_S: Final = 3.0
_WARM_S: Final = 1.0
_ANSWER_S: Final = 60.0
SETTINGS: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "commit_delay": str(COMMIT_MS * 1000),
    "commit_siblings": "0",
}


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """What was found.

    Args:
        ratio: operations a second of two processes over those of one.
        lost: answered operations whose marker is not in the store.
    """

    ratio: Ratio
    lost: int

    def as_json(self) -> dict[str, float]:
        """Return the keys of `build/bench.json`."""
        return {"store_two_processes_over_one": round(self.ratio.value, 3)}

    @property
    def details(self) -> dict[str, Any]:
        """Return what is behind it."""
        return {
            "two_per_s": round(self.ratio.above, 1),
            "one_per_s": round(self.ratio.below, 1),
            "interval_95": [round(self.ratio.low, 3), round(self.ratio.high, 3)],
            "rounds": self.ratio.n,
            "tasks_a_process": TASKS,
            "commit_delay_ms": COMMIT_MS,
            "markers_lost": self.lost,
        }


async def measure_processes(progress: Callable[[str], None], *, rounds: int = ROUNDS) -> ProcessFigures:
    """Start a PostgreSQL and two processes on it, and measure.

    Raises:
        MachineError: there is no PostgreSQL.
        BenchError: a process failed.
    """
    progress("Two processes beside one, on one PostgreSQL")
    server = await asyncio.to_thread(PostgresServer, SETTINGS)
    users: list[_User] = []
    try:
        database = server.create_database()
        users = [await _User.start(database, number) for number in range(2)]
        await asyncio.gather(*(user.run(_WARM_S) for user in users))
        one: list[float] = []
        two: list[float] = []
        for _ in range(rounds):
            one.append(await _rate(users[:1]))
            two.append(await _rate(users))
        lost = sum([await user.lost() for user in users])
        return ProcessFigures(median_of_ratios(two, one), lost)
    finally:
        await asyncio.gather(*(stop_child(user.process) for user in users))
        await asyncio.to_thread(server.close)


async def _rate(users: "list[_User]") -> float:
    began = time.monotonic()
    done = await asyncio.gather(*(user.run(ROUND_S) for user in users))
    return sum(done) / (time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _User:
    """A process that uses the store when it is told to."""

    process: Process

    @classmethod
    async def start(cls, database: Database, number: int) -> "_User":
        """Start it and wait until it has opened the store and made its records."""
        process = await start_child(
            (sys.executable, "-m", "tests.bench.store_user", database.url, str(number)),
            stdout=PIPE,
            environment={**os.environ, PASSWORD: database.password},
        )
        user = cls(process)
        if (await user._answer())["ready"] != PLACES:
            raise BenchError("a process did not make its records")
        return user

    async def run(self, seconds: float) -> int:
        """Have it work so long, and return how many operations it did."""
        return int((await self._ask({"seconds": seconds, "tasks": TASKS}))["done"])

    async def lost(self) -> int:
        """Return how many of its markers are not in the store."""
        return int((await self._ask({"count": True}))["lost"])

    async def _ask(self, told: dict[str, Any]) -> Any:
        if self.process.stdin is None:
            raise BenchError("a process has no input")
        self.process.stdin.write(json.dumps(told).encode() + b"\n")
        await self.process.stdin.drain()
        return await self._answer()

    async def _answer(self) -> Any:
        if self.process.stdout is None:
            raise BenchError("a process has no output")
        async with asyncio.timeout(_ANSWER_S):
            line = await self.process.stdout.readline()
        if not line:
            raise BenchError("a process that used the store ended")
        return json.loads(line)


if __name__ == "__main__":
    process_figures = asyncio.run(measure_processes(lambda text: print(text, file=sys.stderr)))
    print(json.dumps({**process_figures.as_json(), **process_figures.details}, indent=2))
