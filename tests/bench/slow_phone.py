"""A phone that is slower: the browser's processes that draw and reckon pay for what they use of a processor.

Chromium's own throttling does not reach workers, and there the wallet is. Agents and network are not slowed.

- Whatever a process used is counted, a millisecond at a time, and then it stands still (SIGSTOP) for five times as
  long: all that it computes takes six times as long. What it waits for (another process, the disk, an agent, a person)
  takes as long as it does: a slow processor hears of an answer as soon as it is there.
- Threads that run at the same time pay once: a phone has several processors.
- It is a process of its own, so that nobody else's work makes a stop longer; what one was too long the next is shorter.
- However it ends, no process is left standing still: one that does hears of no other signal.

    async with slow_phone(times=6):
        ...

    python -m tests.bench.slow_phone PID TIMES      # until its input ends
"""

import asyncio
import os
import select
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SLICE_S: Final = 0.001
_LOOK_EACH_S: Final = 0.1  # for renderers that are new
_CPU_CLOCK: Final = 2  # of a process: CPUCLOCK_SCHED of Linux, below its inverted number


@asynccontextmanager
async def slow_phone(*, times: int) -> AsyncIterator[None]:
    """Let the renderers that this process has started, itself or through others, run one part of so many."""
    command = (sys.executable, "-m", __name__, str(os.getpid()), str(times))
    slowing = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    try:
        yield
    finally:
        try:
            await slowing.communicate()
        finally:
            if slowing.returncode != 0:
                _go_on(_renderers(os.getpid()))
        assert slowing.returncode == 0, "the phone was not slowed to the end"


@dataclass(slots=True)
class _Slowed:
    """A process that is slowed: what it owes, and when it was looked at."""

    pid: int
    used_s: float
    at: float
    owes_s: float = 0.0
    goes_on_at: float | None = None

    def looked_at(self, times: int) -> None:
        """Let it stand still, or go on, by what it used."""
        now = time.monotonic()
        if self.goes_on_at is not None:
            if now < self.goes_on_at:
                return
            self.owes_s, self.goes_on_at, self.at = self.goes_on_at - now, None, now
            os.kill(self.pid, signal.SIGCONT)
            return
        used_s = _used_s(self.pid)
        self.owes_s += (times - 1) * min(used_s - self.used_s, now - self.at)
        self.used_s, self.at = used_s, now
        if self.owes_s >= _SLICE_S:
            os.kill(self.pid, signal.SIGSTOP)
            self.goes_on_at = now + self.owes_s


def _used_s(pid: int) -> float:
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK)


def _slow_down(root: int, times: int) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ended)
    slowed: dict[int, _Slowed] = {}
    looked = 0.0
    try:
        while not select.select([sys.stdin], [], [], _SLICE_S)[0]:
            if time.monotonic() - looked > _LOOK_EACH_S:
                looked = time.monotonic()
                for pid in _renderers(root):
                    if pid not in slowed:
                        slowed[pid] = _Slowed(pid, 0.0, time.monotonic())
            for process in list(slowed.values()):
                try:
                    process.looked_at(times)
                except OSError:  # it ended
                    del slowed[process.pid]
    finally:
        _go_on(slowed)


def _ended(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _go_on(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGCONT)


def _renderers(root: int) -> list[int]:
    parents: dict[int, int] = {}
    renderers = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if b"--type=renderer" in (entry / "cmdline").read_bytes():
                    renderers.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return [renderer for renderer in renderers if root in _ancestors(renderer, parents)]


def _ancestors(process: int, parents: Mapping[int, int]) -> set[int]:
    ancestors = set()
    while process in parents and process not in ancestors:
        ancestors.add(process)
        process = parents[process]
    return ancestors


if __name__ == "__main__":
    _slow_down(int(sys.argv[1]), int(sys.argv[2]))
