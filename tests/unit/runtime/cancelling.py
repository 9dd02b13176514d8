"""Cancelling a piece of work at each of its waits, one after the other.

    async for work in at_each_wait():
        await work.cut(receive(body))
        …                                # look at what is held

The last round is cut nowhere.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import suppress
from itertools import count
from typing import Any


class Work:
    """One round: what is given to `cut` is cancelled when it waits for the `at`-th time."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.was_cut = False

    async def cut(self, work: Coroutine[Any, Any, object]) -> object:
        """Run `work`; return what it returns, None if it was cut."""
        task = asyncio.create_task(self._driven(work), name=f"cut.{self.at}")
        with suppress(asyncio.CancelledError):
            return await task
        return None

    async def _driven(self, work: Coroutine[Any, Any, object]) -> object:
        return await _Driven(self, work)


class _Driven:
    """Hands each wait of a coroutine on to the loop, and cancels the task before the one that is meant."""

    def __init__(self, round_: Work, work: Coroutine[Any, Any, object]) -> None:
        self._round = round_
        self._work = work

    def __await__(self) -> Generator[Any, Any, object]:
        try:
            waits_for = self._work.send(None)
            for number in count(1):
                if number == self._round.at:
                    self._round.was_cut = True
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
                try:
                    yield waits_for
                except BaseException as err:  # noqa: BLE001 (it is the work's own)
                    waits_for = self._work.throw(err)
                else:
                    waits_for = self._work.send(None)
        except StopIteration as end:
            return end.value
        return None


async def at_each_wait() -> AsyncIterator[Work]:
    """Yield rounds until one was cut nowhere."""
    for at in count(1):
        work = Work(at)
        yield work
        if not work.was_cut:
            return
