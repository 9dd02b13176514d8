"""The CPU time of other processes, read without asking them, and waiting until they have nothing left to do.

Linux gives every process a CPU clock of its own with nanosecond resolution (clock_getcpuclockid(3)): all threads count,
those of the crypto library too. What each thread used stands in /proc/<pid>/task/<tid>/schedstat.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOOK_EVERY_S: Final = 0.01
# Quiet: for so long nobody used more than so much. Agents that wait for each other have one at work in between.
_QUIET_S: Final = 0.2
_QUIET_CPU_S: Final = 0.003
_LONGEST_S: Final = 60.0


class NoClockError(Exception):
    """This machine does not tell the CPU time of other processes."""


class NotQuietError(Exception):
    """The processes never came to rest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The CPU seconds of each process by name, and when they were read."""

    cpu_s: Mapping[str, float]
    at: float


class ProcessClocks:
    """The CPU clocks of some processes.

    Args:
        pids: by name.

    Raises:
        NoClockError: they cannot be read here.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        try:
            self.read()
        except (OSError, AttributeError) as err:
            raise NoClockError("the CPU clock of another process cannot be read here (Linux can)") from err

    def read(self) -> Reading:
        """Return the clocks now."""
        cpu_s = {name: time.clock_gettime_ns((~pid << 3) | 2) / 1e9 for name, pid in self._pids.items()}
        return Reading(cpu_s, time.monotonic())

    def by_kind(self) -> dict[str, dict[str, float]]:
        """Return the CPU seconds so far of each process by kind of thread.

        `main` runs Python and the event loop; `crypto` are the other threads of Python, where the anoncreds library is
        called; `store` are those of Askar and SQLite, which name themselves.
        """
        return {name: _by_kind(pid) for name, pid in self._pids.items()}

    async def when_quiet(self) -> Reading:
        """Return the clocks once nobody has done anything for a while: an operation's tail counts too.

        Raises:
            NotQuietError: somebody worked on for a minute.
        """
        readings: list[Reading] = [self.read()]
        began = readings[0].at
        while readings[-1].at < began + _LONGEST_S:
            await asyncio.sleep(_LOOK_EVERY_S)
            readings.append(self.read())
            while readings[-1].at - readings[1].at >= _QUIET_S:
                del readings[0]
            if readings[-1].at - readings[0].at >= _QUIET_S and _is_quiet(readings):
                return readings[-1]
        raise NotQuietError(f"the agents were still at work after {_LONGEST_S:g} s")


def _is_quiet(readings: Sequence[Reading]) -> bool:
    first, last = readings[0].cpu_s, readings[-1].cpu_s
    return all(last[name] - first[name] <= _QUIET_CPU_S for name in last)


def _by_kind(pid: int) -> dict[str, float]:
    used = {"main": 0.0, "crypto": 0.0, "store": 0.0}
    name = Path(f"/proc/{pid}/comm").read_text()
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            spent = int((task / "schedstat").read_text().split()[0]) / 1e9
            own = (task / "comm").read_text()
        except (FileNotFoundError, ProcessLookupError):  # the thread has just ended
            continue
        used["main" if task.name == str(pid) else "crypto" if own == name else "store"] += spent
    return used
