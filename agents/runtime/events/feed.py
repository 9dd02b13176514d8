"""Who follows the event logs in this process: told when a log grows, bounded in number, ended when the process stops.

A process hears from the others by the topic `events`; since that may be lost, it also looks every 1.5 s, in one query
for all tenants that somebody follows here. While nobody does, nothing runs.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import StoreError
from wanderbuch.store.events import TOPIC, EventLog

_LOG = logging.getLogger(__name__)

MAX_STREAMS: Final = 256
MAX_STREAMS_A_TENANT: Final = 8
_LOOK_EVERY_S: Final = 1.5


class TooManyStreamsError(WanderbuchError):
    """No further stream of events is served now."""

    code = "too-many"


class Follower:
    """One who follows the log of a tenant."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.is_over = False
        """Nothing more will be sent: the process stops."""
        self.is_doubted = False
        """Something was decided about tenants: whether this one may still follow has to be asked again."""
        self._grown = asyncio.Event()

    def wake(self) -> None:
        """Look at the log now."""
        self._grown.set()

    def end(self) -> None:
        """Send nothing more."""
        self.is_over = True
        self._grown.set()

    async def grown(self, timeout_s: float) -> bool:
        """Wait until the log may have grown, or it is over; False if neither happened in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._grown.wait()
        except TimeoutError:
            return False
        self._grown.clear()
        return True


class Feed:
    """The followers of one process.

    Args:
        engine: tells when a log grew.
        log: the event logs.
        look_every_s: so often it looks by itself.
        streams_a_tenant: how many may follow the log of one tenant.
    """

    def __init__(
        self,
        engine: Engine,
        log: EventLog,
        *,
        look_every_s: float = _LOOK_EVERY_S,
        streams_a_tenant: int = MAX_STREAMS_A_TENANT,
    ) -> None:
        self.log = log
        self._engine = engine
        self._look_every_s = look_every_s
        self._streams_a_tenant = streams_a_tenant
        self._followers: set[Follower] = set()
        self._a_tenant: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._followers)

    @contextmanager
    def follow(self, tenant: str) -> Iterator[Follower]:
        """Follow the log of a tenant.

        Raises:
            TooManyStreamsError: this tenant, or this process, has as many followers as it may.
            NotReadyError: the process stops.
        """
        if self._closed:
            raise NotReadyError("the agent is stopping", hint="connect again in a moment")
        if self._a_tenant[tenant] >= self._streams_a_tenant:
            raise TooManyStreamsError(
                f"expected at most {self._streams_a_tenant} streams of events for one tenant, found one more",
                hint="close one, or read GET /v1/events page by page",
            )
        if len(self._followers) >= MAX_STREAMS:
            raise TooManyStreamsError(
                "this process has as many streams of events as it serves", hint="read GET /v1/events page by page"
            )
        follower = Follower(tenant)
        self._followers.add(follower)
        self._a_tenant[tenant] += 1
        self._begin()
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            self._a_tenant[tenant] -= 1
            if not self._a_tenant[tenant]:
                del self._a_tenant[tenant]
            self._rest()

    def doubt(self) -> None:
        """Have everybody who follows asked again whether they may: a tenant was suspended, or a token withdrawn."""
        for follower in self._followers:
            follower.is_doubted = True
            follower.wake()

    def close(self) -> None:
        """End all streams, cleanly; nobody can follow from now on."""
        self._closed = True
        for follower in self._followers:
            follower.end()
        self._rest()

    def _begin(self) -> None:
        if self._looking is None:
            self._unsubscribe = self._engine.hear(TOPIC, self._told)
            self._looking = asyncio.create_task(self._look(), name="events.look")

    def _rest(self) -> None:
        if self._looking is not None and (not self._followers or self._closed):
            self._looking.cancel()
            self._looking = None
            if self._unsubscribe is not None:
                self._unsubscribe()

    def _told(self, tenant: str) -> None:
        """Wake who follows this tenant; an empty text says that something may have been missed."""
        for follower in self._followers:
            if tenant in ("", follower.tenant):
                follower.wake()

    async def _look(self) -> None:
        seen: dict[str, int] = {}
        while True:
            await asyncio.sleep(self._look_every_s)
            with contextlib.suppress(StoreError):
                extents = await self.log.extents(set(self._a_tenant))
                for tenant, extent in extents.items():
                    if seen.get(tenant) != extent.last:
                        self._told(tenant)
                seen = {tenant: extent.last for tenant, extent in extents.items()}
