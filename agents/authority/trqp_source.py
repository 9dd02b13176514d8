"""The authority's own governance file in memory, for questions that must be answered at once.

The publication signs and publishes; whoever is asked reads here. No signature is checked again: the bytes come from the
wallet store of the process that signed them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Protocol

from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.freshness import FreshnessStatement
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.snapshot import GovernanceSnapshot

LOGGER = logging.getLogger(__name__)


class Published(Protocol):
    """What is read of a publication."""

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest freshness statement of this process."""
        ...


class OwnSnapshot:
    """Gives the current file as a snapshot, without waiting; a new version is read beside.

    While a new version is read, the one before is given, for no longer than its own freshness statement says.

    Args:
        published: whose newest freshness statement says what is current.
        read: returns the file with that digest, parsed; it may take long.
        spawn: runs the reading beside.
        recognised: the files of recognised authorities as they are held at the moment.
    """

    def __init__(
        self,
        published: Published,
        *,
        read: Callable[[str], Awaitable[GovernanceFile]],
        spawn: Callable[[str, Coroutine[object, object, None]], object],
        recognised: Callable[[], Mapping[Did, GovernanceSnapshot]] = dict,
    ) -> None:
        self._published = published
        self._read = read
        self._spawn = spawn
        self._recognised = recognised
        self._held: GovernanceSnapshot | None = None
        self._made_from: tuple[object, object] = (None, None)
        self._reading = asyncio.Lock()

    def __call__(self) -> GovernanceSnapshot | None:
        """Return the snapshot; None before the first version was read."""
        statement, recognised = self._published.statement, self._recognised()
        if statement is not None and (statement, recognised) != self._made_from:
            if self._held is not None and self._held.ref == statement.ref:
                self._hold(self._held.file, statement, recognised)
            elif not self._reading.locked():
                self._spawn("authority.trqp.read", self.refresh())
        return self._held

    async def refresh(self) -> None:
        """Read the version that the newest freshness statement names, if it is another than the one held."""
        async with self._reading:
            statement = self._published.statement
            if statement is None or (self._held is not None and self._held.ref == statement.ref):
                return
            file = await self._read(statement.digest)
            self._hold(file, statement, self._recognised())

    def _hold(
        self, file: GovernanceFile, statement: FreshnessStatement, recognised: Mapping[Did, GovernanceSnapshot]
    ) -> None:
        self._held = GovernanceSnapshot(
            file, statement.digest, statement.exp, fresh_from=statement.iat, recognised=recognised
        )
        self._made_from = (statement, recognised)
