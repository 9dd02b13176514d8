"""The sweep: at start and every minute, repair what a crash left and end what is overdue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from wanderbuch.agents.runtime.records import utc_now

_LOG = logging.getLogger(__name__)

type Step = Callable[[datetime], Awaitable[None]]


class Sweeper:
    """Runs its steps one after the other, again and again; never twice at once.

    Args:
        steps: by name; one that fails is logged and does not keep the others from running.
        every: the pause between two sweeps.
    """

    def __init__(self, steps: Mapping[str, Step], *, every: timedelta = timedelta(minutes=1)) -> None:
        self._steps = dict(steps)
        self._every = every
        self._lock = asyncio.Lock()

    async def sweep(self, now: datetime) -> None:
        """Run every step once."""
        async with self._lock:
            for name, step in self._steps.items():
                try:
                    await step(now)
                except Exception as err:  # noqa: BLE001 (the next sweep tries again; the log says what failed)
                    _LOG.error("sweep.failed: %s", name, exc_info=err)

    async def run(self) -> None:
        """Sweep for ever; ends only by cancellation."""
        while True:
            await asyncio.sleep(self._every.total_seconds())
            await self.sweep(utc_now())
