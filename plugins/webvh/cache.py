"""A bounded cache whose entries expire; requests for the same key at the same time share one load.

Our own work never waits for a load that began as a stranger's: that one has a smaller budget and may fail for want of
it. Strangers share ours.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable

from cachetools import LRUCache

from wanderbuch.plugins.http.lanes import is_for_strangers


class ExpiringCache[K: Hashable, V]:
    """Keeps what was loaded for a while.

    Args:
        max_entries: the entry that was not asked for longest goes when there are more.
        lifetime_s: how long an entry counts, in seconds.
        clock: seconds that only grow.
    """

    def __init__(self, *, max_entries: int, lifetime_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._clock = clock
        self._entries: LRUCache[K, tuple[float, V]] = LRUCache(max_entries)
        self._loading: dict[tuple[K, bool], asyncio.Task[V]] = {}  # by key and whether it is for strangers

    async def get(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """Return the entry of `key`, or what `load` returns.

        A failed load is not kept, and says nothing to who came after it began: what is loaded may be there by now.
        """
        entry = self._entries.get(key)
        if entry is not None and self._clock() < entry[0]:
            return entry[1]
        place = (key, is_for_strangers())
        task = self._loading.get((key, False)) or self._loading.get(place)
        if task is not None:
            await asyncio.wait((task,))
            if not task.cancelled() and task.exception() is None:
                return task.result()
            task = self._loading.get((key, False)) or self._loading.get(place)  # of somebody who waited, too
        if task is None:
            task = asyncio.ensure_future(self._load(place, load))
            self._loading[place] = task
            task.add_done_callback(lambda done: self._done(place, done))
        # One waiter that gives up does not take the load from the others; the load has a deadline of its own.
        return await asyncio.shield(task)

    def forget(self, key: K) -> None:
        """Load `key` anew at the next request, also if a load of it is under way."""
        self._entries.pop(key, None)
        for strangers in (False, True):
            self._loading.pop((key, strangers), None)

    async def _load(self, place: tuple[K, bool], load: Callable[[], Awaitable[V]]) -> V:
        value, key = await load(), place[0]
        if self._loading.get(place) is asyncio.current_task():
            self._entries[key] = (self._clock() + self._lifetime_s, value)
        return value

    def _done(self, place: tuple[K, bool], task: asyncio.Task[V]) -> None:
        if self._loading.get(place) is task:
            del self._loading[place]
        if not task.cancelled():
            task.exception()  # marks it as seen, also if every waiter has gone
