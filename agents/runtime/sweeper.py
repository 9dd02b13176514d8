"""The sweep: once an agent is ready and every minute, repair what a crash left and end what is overdue."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from wanderbuch.agents.runtime.store import is_store_failure
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.records import utc_now

_LOG = logging.getLogger(__name__)
_STEP_S: Final = 600.0

type Step = Callable[[datetime], Awaitable[None]]


class Sweeper:
    """Runs its steps beside one another, again and again; none twice at once.

    Args:
        steps: by name; one that fails, or takes long, does not keep the others from running.
        every: the pause between two runs of a step.
        step_s: how long a step may take, in seconds: it goes on at the next run, as after a crash.
    """

    def __init__(
        self, steps: Mapping[str, Step], *, every: timedelta = timedelta(minutes=1), step_s: float = _STEP_S
    ) -> None:
        self._steps = {name: (step, asyncio.Lock()) for name, step in steps.items()}
        self._every = every
        self._step_s = step_s

    async def sweep(self, now: datetime) -> None:
        """Run every step once."""
        await asyncio.gather(*(self._once(name, now) for name in self._steps))

    async def run(self) -> None:
        """Sweep at once and then for ever; ends only by cancellation."""
        await asyncio.gather(*(self._again(name) for name in self._steps))

    async def _again(self, name: str) -> None:
        while True:
            await self._once(name, utc_now())
            await asyncio.sleep(self._every.total_seconds())

    async def _once(self, name: str, now: datetime) -> None:
        step, lock = self._steps[name]
        async with lock:
            try:
                async with asyncio.timeout(self._step_s):
                    await step(now)
            except Exception as err:  # noqa: BLE001 (the next sweep tries again; the log says what failed)
                if isinstance(err, StoreUnreachableError):
                    _LOG.warning("sweep.waits: %s: %s", name, err.message)
                elif is_store_failure(err):
                    _LOG.warning("sweep.waits: %s: the wallet store does not answer", name, exc_info=err)
                else:
                    _LOG.error("sweep.failed: %s", name, exc_info=err)
