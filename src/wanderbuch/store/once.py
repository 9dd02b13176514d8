"""What must happen once, however often it is asked for: a row with a name of its own, or one step at a time.

Two requests at once, and one request twice because a crash cut the first, are the same thing here. A row whose name
follows from what it stands for is refused a second time by the store itself, by whichever process. Where ACA-Py names
its rows by chance, or writes over what it read a while ago, one step at a time is taken by one process at a time; and
what a process that slept in a step would still write is refused (`store.fence`).
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from acapy_agent.core.profile import Profile

from wanderbuch.store.fence import working_under
from wanderbuch.store.leases import Lease
from wanderbuch.store.numbers import named
from wanderbuch.store.tables import tables_of, tenant_of

_WAIT_S: Final = 180.0  # as long as the longest handler may take


class _Step:
    """A step that is being taken: late once its lease is lost before it ends."""

    def __init__(self, lease: Lease) -> None:
        self.name = lease.name
        self._lease = lease
        self._ended_in_time = False

    @property
    def is_lost(self) -> bool:
        return not self._ended_in_time and self._lease.is_lost

    def end(self) -> None:
        """Let go on what the step began, if it still is ours."""
        self._ended_in_time = not self._lease.is_lost


@asynccontextmanager
async def one_step(profile: Profile, name: str, *, wait_s: float = _WAIT_S) -> AsyncIterator[None]:
    """Take a step of an exchange alone, so that of two clicks one comes second, at whichever processes they come.

    Args:
        profile: whose exchange.
        name: the same for all steps of it.
        wait_s: how long to wait for another step to end.

    Raises:
        LeaseBusyError: the other step did not end in time.
    """
    tables = tables_of(profile)
    async with tables.leases.hold(named(tenant_of(profile), "step", name), wait_s=wait_s) as lease:
        if not tables.engine.is_shared:  # nobody else can go on with it
            yield
            return
        step = _Step(lease)
        with working_under(step):
            try:
                yield
            finally:
                step.end()


def own_id(kind: str, *parts: str | None) -> str:
    """Return the id of the one row that stands for `parts`, in the form that ACA-Py gives its ids (UUID version 4).

    >>> own_id("request", None, "thread") == own_id("request", None, "thread") != own_id("request", "", "thread")
    True
    """
    told = "".join("-" if part is None else f"{len(part)}:{part}" for part in (kind, *parts))
    return str(UUID(bytes=hashlib.sha256(told.encode()).digest()[:16], version=4))
