"""A tenant: one profile of the store that the process has open, with what belongs to it.

Every process has the tenant `default`, whose profile is ACA-Py's root profile; further ones are made by an operator. A
role opens an office for a tenant (`Role.open`); routes, handlers and sweeps work on that, so none of them sees another
tenant's. What is public (governance by address and author, DID logs, definitions) belongs to the process.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from acapy_agent.core.profile import Profile
from pydantic import BaseModel

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.governance_library import GovernanceLibrary
from wanderbuch.agents.runtime.office import Office
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.agents.runtime.tenant_config import Place, TenantConfig
from wanderbuch.agents.runtime.tenant_limits import Shares, TenantLimits
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.store.blobs import Blobs
from wanderbuch.store.events import TenantEvents
from wanderbuch.store.leases import Lease
from wanderbuch.store.records import Record, RecordStore, utc_now
from wanderbuch.store.tables import events_of, hold_lease

_LOG = logging.getLogger(__name__)

type Clock = Callable[[], datetime]


def _nobody_asks() -> None:
    """Do nothing: nobody wants to know that a tenant is used."""


@dataclass(frozen=True, slots=True)
class ProcessParts:
    """What all tenants of a process share.

    Args:
        config: of the process.
        edge: the way out.
        documents: resolves DIDs.
        library: the governance sources.
        clock: the instant now, aware UTC.
        shares: what each may take of what they share.
    """

    config: AgentConfig
    edge: HttpEdge
    documents: WebvhDocuments
    library: GovernanceLibrary
    clock: Clock = utc_now
    shares: Shares = field(default_factory=Shares)


class Tenant:
    """One tenant, as its offices see it.

    Args:
        config: what it was told.
        profile: its profile in the store.
        parts: what it shares with the others.
        publisher: where its host's public files lie.
        short_links: of its invitations.
    """

    __slots__ = ("_did", "_tasks", "config", "offices", "on_use", "parts", "profile", "publisher", "short_links")

    def __init__(
        self,
        config: TenantConfig,
        profile: Profile,
        parts: ProcessParts,
        *,
        publisher: Publisher,
        short_links: ShortLinks,
    ) -> None:
        self.config = config
        self.profile = profile
        self.parts = parts
        self.publisher = publisher
        self.short_links = short_links
        self.offices: dict[str, Office] = {}
        """The offices that are open, by role; the runtime's."""
        self.on_use: Callable[[], None] = _nobody_asks
        """Called when one of its own people has done something."""
        self._did: WebvhDid | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def id(self) -> str:
        """Return its name in addresses and in the store."""
        return self.config.id

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.config.name

    @property
    def place(self) -> Place:
        """Return where it is in public."""
        return self.config.place

    @property
    def did(self) -> WebvhDid:
        """Return its public DID.

        Raises:
            ConfigurationError: it has none, or it is not made yet.
        """
        if self._did is None:
            raise ConfigurationError(f"the tenant {self.id} ({self.name!r}) has no public DID")
        return self._did

    @property
    def has_did(self) -> bool:
        """Return whether it has a public DID (by now)."""
        return self._did is not None

    @property
    def edge(self) -> HttpEdge:
        """Return the way out to other hosts."""
        return self.parts.edge

    @property
    def documents(self) -> WebvhDocuments:
        """Return what resolves DIDs."""
        return self.parts.documents

    @property
    def governance(self) -> GovernanceSource | None:
        """Return whose word counts for it; None if it was not told."""
        return self.parts.library.source(self.config.governance)

    @property
    def clock(self) -> Clock:
        """Return what tells the instant now, aware UTC."""
        return self.parts.clock

    @property
    def limits(self) -> TenantLimits:
        """Return what it may take now of what it shares with others."""
        return self.parts.shares.limits()

    @property
    def events(self) -> TenantEvents:
        """Return its event log."""
        return events_of(self.profile)

    @property
    def blobs(self) -> Blobs:
        """Return its encrypted blobs; they go with it."""
        return Blobs(self.profile, max_bytes=self.limits.blob_bytes)

    def lease(self, name: str, *, wait_s: float = 30.0) -> AbstractAsyncContextManager[Lease]:
        """Wait for our turn, of all processes, with what this name stands for in this tenant.

        Raises:
            LeaseBusyError: somebody else had it for all of `wait_s`.
        """
        return hold_lease(self.profile, name, wait_s=wait_s)

    def settings[S: BaseModel](self, kind: type[S]) -> S:
        """Return the settings of the role whose table is of this kind.

        Raises:
            ConfigurationError: none of its roles has such a table.
        """
        return self.config.settings(kind)

    def records[R: Record](self, kind: type[R]) -> RecordStore[R]:
        """Return the store of this kind of records of the tenant."""
        return RecordStore(self.profile, kind)

    def bind(self, kind: type, instance: object) -> None:
        """Bind what the tenant's handlers inject."""
        self.profile.context.injector.bind_instance(kind, instance)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside; it is logged if it fails, and cancelled when the tenant is closed."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def has_identity(self, did: WebvhDid) -> None:
        """Take the DID that the runtime made or found for it."""
        self._did = did

    async def close(self) -> None:
        """Close its offices and end its tasks; its profile stays open, since the store is everybody's."""
        offices = list(self.offices.values())
        self.offices.clear()
        for office in offices:
            try:
                await office.close()
            except Exception as err:  # noqa: BLE001 (one office must not keep the others from closing)
                _LOG.error("tenant.close_failed: %s", self.id, exc_info=err)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (err := task.exception()):
            _LOG.error("task.failed: %s", task.get_name(), exc_info=err)
