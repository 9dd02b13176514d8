"""A phone that is slower: the browser's processes that draw and reckon run a part of the time (SIGSTOP and SIGCONT).

Chromium's own throttling does not reach workers, and there the wallet is. Agents and network are not slowed.

- It is a process of its own, so that nobody else's work makes a turn longer; a run is a part of the stop that was,
  as long as that took, less what the last one had too much. So a sixth is a sixth, however late this process comes.
- Turns are short: who waits for a message from another process waits for a stop's end, too, as no slow processor lets
  them. With turns of 60 ms TRUSTED came a tenth later.

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
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_TURN_S: Final = 0.012
_LOOK_EACH_S: Final = 0.1  # for renderers that are new


@asynccontextmanager
async def slow_phone(*, times: int) -> AsyncIterator[None]:
    """Let the renderers that this process has started, itself or through others, run one part of so many."""
    command = (sys.executable, "-m", __name__, str(os.getpid()), str(times))
    slowing = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
    try:
        yield
    finally:
        await slowing.communicate()
        assert slowing.returncode == 0, "the phone was not slowed to the end"


def _slow_down(root: int, times: int) -> None:
    renderers: list[int] = []
    looked = too_long = 0.0
    try:
        while not select.select([sys.stdin], [], [], 0)[0]:
            _tell(renderers, signal.SIGSTOP)
            began = time.monotonic()
            if began - looked > _LOOK_EACH_S:
                renderers, looked = _renderers(root), began
                _tell(renderers, signal.SIGSTOP)
            time.sleep(max(0.0, _TURN_S * (times - 1) / times - (time.monotonic() - began)))
            going = time.monotonic()
            run_s = (going - began) / (times - 1) - too_long
            if run_s > 0:
                _tell(renderers, signal.SIGCONT)
                time.sleep(run_s)
                too_long = time.monotonic() - going - run_s
            else:
                too_long = -run_s
    finally:
        _tell(renderers, signal.SIGCONT)


def _tell(processes: Iterable[int], what: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, what)
        except ProcessLookupError:
            continue


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
