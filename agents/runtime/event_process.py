"""What a process does with the events of its tenants: serves them, sends them to webhooks, tells what a crash left."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.app_site import Mount
from wanderbuch.agents.runtime.events.feed import MAX_STREAMS_A_TENANT, Feed
from wanderbuch.agents.runtime.events.routes import EVENT_ROUTES, EventDesk
from wanderbuch.agents.runtime.webhooks.delivering import webhook_work
from wanderbuch.agents.runtime.webhooks.registry import Webhooks
from wanderbuch.agents.runtime.webhooks.routes import WEBHOOK_ROUTES
from wanderbuch.agents.runtime.webhooks.webhook import WEBHOOK_WORK
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.tables import Tables, events_of
from wanderbuch.store.working import Worker, WorkKind

_LOG = logging.getLogger(__name__)
_TIDY_EVERY: Final = timedelta(hours=1)

type FindProfile = Callable[[str], Awaitable[Profile]]
"""Gives the profile of a tenant; raises NotFoundError for one that is not served."""


class ProcessEvents:
    """The events of a process.

    Args:
        tables: of its store.
        edge: the way out.
        find_profile: of its tenants.
        streams_a_tenant: how many may follow the log of one.
        kinds: further kinds of long work.
    """

    def __init__(
        self,
        tables: Tables,
        edge: HttpEdge,
        find_profile: FindProfile,
        *,
        streams_a_tenant: int = MAX_STREAMS_A_TENANT,
        kinds: Iterable[WorkKind] = (),
    ) -> None:
        self._tables = tables
        self._find_profile = find_profile
        self._feed = Feed(tables.engine, tables.events, streams_a_tenant=streams_a_tenant)
        self._worker = Worker(
            tables.engine,
            tables.works,
            tables.untold,
            [webhook_work(tables.events, edge), *kinds],
            self._profile_or_none,
        )
        self._tidied_at: datetime | None = None

    def mounts(self) -> Sequence[Mount]:
        """Return the routes: `/v1/events` and `/v1/webhooks`."""
        return (
            Mount("events", self._event_desk, EVENT_ROUTES),
            Mount("webhooks", self._webhooks, WEBHOOK_ROUTES),
        )

    async def run(self) -> None:
        """Do what long work there is; ends only by cancellation."""
        self._tables.events.wakes = self._wake
        try:
            await self._worker.run()
        finally:
            self._tables.events.wakes = None

    async def sweep(self, now: datetime) -> None:
        """Tell what a crash left untold, wake webhooks that nobody woke, and remove what is not kept any longer."""
        told = await self._tables.untold.sweep(self._profile_or_none)
        if told:
            _LOG.warning("%d event(s) were told late: a process was cut off before", told)
        await self._tables.works.wake_behind(WEBHOOK_WORK)
        if self._tidied_at is None or now - self._tidied_at > _TIDY_EVERY:
            self._tidied_at = now
            await self._tables.tidy()

    def doubt(self) -> None:
        """Have it asked again who may read: a tenant was suspended, or its token withdrawn."""
        self._feed.doubt()

    def close(self) -> None:
        """End the streams, cleanly; the rest ends with `run`."""
        self._feed.close()

    async def _wake(self, tenant: str) -> None:
        await self._tables.works.wake(WEBHOOK_WORK, tenant)

    async def _event_desk(self, tenant: str) -> EventDesk:
        return EventDesk(events_of(await self._find_profile(tenant)), self._feed)

    async def _webhooks(self, tenant: str) -> Webhooks:
        return Webhooks(tenant, await self._find_profile(tenant), self._tables.events, self._tables.works)

    async def _profile_or_none(self, tenant: str) -> Profile | None:
        try:
            return await self._find_profile(tenant)
        except NotFoundError:
            return None
        except Exception as err:  # noqa: BLE001 (one tenant must not hold up the others)
            _LOG.error("events.no_profile: %s", tenant, exc_info=err)
            return None
