"""A bounded cache whose entries expire; requests for the same key at the same time share one load."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable


class ExpiringCache[K: Hashable, V]:
    """Keeps what was loaded for a while.

    Args:
        max_entries: the oldest entry goes when there are more.
        lifetime_s: how long an entry counts, in seconds.
        clock: seconds that only grow.
    """

    def __init__(self, *, max_entries: int, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_entries = max_entries
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._loading: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """Return the entry of `key`, or what `load` returns.

        A failed load is not kept, and says nothing to who came after it began: what is loaded may be there by now.
        """
        entry = self._entries.get(key)
        if entry is not None and self._clock() < entry[0]:
            return entry[1]
        task = self._loading.get(key)
        if task is not None:
            await asyncio.wait((task,))
            if not task.cancelled() and task.exception() is None:
                return task.result()
            task = self._loading.get(key)  # of somebody who waited, too
        if task is None:
            task = asyncio.ensure_future(self._load(key, load))
            self._loading[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        # One waiter that gives up does not take the load from the others; the load has a deadline of its own.
        return await asyncio.shield(task)

    def forget(self, key: K) -> None:
        """Load `key` anew at the next request, also if a load of it is under way."""
        self._entries.pop(key, None)
        self._loading.pop(key, None)

    async def _load(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        value = await load()
        if self._loading.get(key) is asyncio.current_task():
            self._entries[key] = (self._clock() + self._lifetime_s, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
        return value

    def _done(self, key: K, task: asyncio.Task[V]) -> None:
        if self._loading.get(key) is task:
            del self._loading[key]
        if not task.cancelled():
            task.exception()  # marks it as seen, also if every waiter has gone
