"""Doing the same for many records: several at once, none of them holding up the others for longer than a while."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

_LOG = logging.getLogger(__name__)
_AT_ONCE = 8


async def each_at_once[T, R](
    items: Iterable[T], work: Callable[[T], Awaitable[R]], *, at_once: int = _AT_ONCE
) -> list[R]:
    """Return what `work` returns for each item, in order.

    Args:
        items: what to work on.
        work: what to do with one; if it raises, so does this.
        at_once: how many are worked on at the same time.
    """
    limit = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with limit:
            return await work(item)

    tasks = [asyncio.create_task(one(item)) for item in items]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:  # where one has failed, or nobody waits any more
            task.cancel()


class Rounds:
    """Works on many records again and again; what takes long goes on beside, and is not begun a second time.

    Args:
        name: for the log.
        at_once: how many are worked on at the same time.
    """

    def __init__(self, name: str, *, at_once: int = _AT_ONCE) -> None:
        self._name = name
        self._limit = asyncio.Semaphore(at_once)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def go(self, steps: Mapping[str, Callable[[], Awaitable[None]]], *, wait_s: float) -> None:
        """Do each step whose last run has ended; return when all have, or after `wait_s`.

        Args:
            steps: by the id of what they work on.
            wait_s: how long to wait; what has not ended by then goes on by itself.
        """
        begun = {
            key: asyncio.create_task(self._one(key, step), name=f"{self._name}.{key}")
            for key, step in steps.items()
            if key not in self._running
        }
        self._running |= begun
        if not begun:
            return
        try:
            await asyncio.wait(begun.values(), timeout=wait_s)
        except asyncio.CancelledError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End what is running."""
        tasks = tuple(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, key: str, step: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._limit:
                await step()
        except Exception as err:  # noqa: BLE001 (the next round tries again; the log says what failed)
            _LOG.error("%s.failed: %s", self._name, key, exc_info=err)
        finally:
            self._running.pop(key, None)
