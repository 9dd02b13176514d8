"""Work that comes up now and then: a task does it while there is some, and there is none while there is nothing to do.

There may be a thousand tenants in a process, each with such work; what waits for another try is a timer, not a task.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol


class Spawn(Protocol):
    """Runs work beside, and ends it with what it belongs to (`Tenant.spawn`)."""

    def __call__(self, name: str, work: Coroutine[Any, Any, None], /) -> asyncio.Task[None]:
        """Return the task."""


class OnDemand:
    """One kind of work, never done twice at once.

    Args:
        name: for the log.
        work: does what there is to do; returns None, or in how many seconds it is to be tried again.
        spawn: runs it.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[float | None]], spawn: Spawn) -> None:
        self._name = name
        self._work = work
        self._spawn = spawn
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_wanted = False
        self._is_closed = False

    def want(self) -> None:
        """Have the work done by a look that begins after this call; returns at once."""
        if self._is_closed:
            return
        self._is_wanted = True
        self._clear_timer()
        if self._task is None or self._task.done():
            self._task = self._spawn(self._name, self._run())

    def close(self) -> None:
        """Begin nothing more; what is running is ended by whoever runs it."""
        self._is_closed = True
        self._clear_timer()

    async def _run(self) -> None:
        while self._is_wanted and not self._is_closed:
            self._is_wanted = False
            again_s = await self._work()
            if again_s is not None and not self._is_wanted and not self._is_closed:
                self._timer = asyncio.get_running_loop().call_later(again_s, self.want)
        self._task = None  # in the same step as the look at `_is_wanted`: whoever wants it now starts another

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
