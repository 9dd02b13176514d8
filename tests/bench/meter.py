"""What each step of a round costs each process, from when all are at rest until they are at rest again."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from tests.bench.errors import BenchError
from tests.bench.process_clock import ProcessClocks, Reading
from tests.bench.ratios import without_idle

_LONGEST_STEP_S: Final = 60.0
_IDLE_S: Final = 60.0  # one sweep falls into it, wherever it begins

type Samples = dict[str, list[float]]
type Kinds = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Point:
    """The clocks at the end of a step, also by kind of thread."""

    reading: Reading
    kinds: Kinds


class Meter:
    """Notes, in CPU milliseconds, what each step took.

    Args:
        clocks: of the processes that take part.
        idle: CPU seconds a second of each process when nothing is asked of it.
    """

    def __init__(self, clocks: ProcessClocks, idle: Mapping[str, float]) -> None:
        self._clocks = clocks
        self.idle = idle
        self.samples: Samples = defaultdict(list)
        self._kinds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    async def at_rest(self) -> Point:
        """Wait until all are at rest."""
        reading = await self._clocks.when_quiet()
        return Point(reading, self._clocks.by_kind())

    async def note(self, before: Point, is_done: Callable[[], Awaitable[bool]] | None = None, **steps: str) -> Point:
        """Wait until all are at rest, and note the CPU that each named process used for its step.

        Args:
            before: the clocks at the start of the step.
            is_done: asked after the clocks were read, so it does not count; if not, the machine only kept an agent from
                running.
            steps: process -> step.

        Raises:
            BenchError: it was not done in time.
        """
        after = await self.at_rest()
        deadline = after.reading.at + _LONGEST_STEP_S
        while is_done is not None and not await is_done():
            if after.reading.at > deadline:
                raise BenchError(f"not done within {_LONGEST_STEP_S:g} s: {', '.join(steps.values())}")
            after = await self.at_rest()
        wall_s = after.reading.at - before.reading.at
        for process, step in steps.items():
            used = after.reading.cpu_s[process] - before.reading.cpu_s[process]
            self.samples[step].append(1e3 * without_idle(used, wall_s, self.idle[process]))
            for kind, spent in after.kinds[process].items():
                self._kinds[step][kind].append(1e3 * (spent - before.kinds[process][kind]))
        return after

    def forget(self) -> None:
        """Forget what was noted: it was the warm-up."""
        self.samples.clear()
        self._kinds.clear()

    def medians(self) -> dict[str, float]:
        """Return the median of each step."""
        return medians(self.samples)

    def by_kind(self) -> dict[str, dict[str, float]]:
        """Return the median of each step by kind of thread."""
        return {step: medians(kinds) for step, kinds in self._kinds.items()}


async def idle_share(clocks: ProcessClocks, seconds: float = _IDLE_S) -> dict[str, float]:
    """Return the CPU seconds a second of each process when nothing is asked of it."""
    before = await clocks.when_quiet()
    await asyncio.sleep(seconds)
    after = clocks.read()
    return {name: (after.cpu_s[name] - before.cpu_s[name]) / (after.at - before.at) for name in before.cpu_s}


def medians(samples: Mapping[str, list[Any]]) -> dict[str, float]:
    """Return the median of each list."""
    return {name: round(median(values), 2) for name, values in samples.items()}
