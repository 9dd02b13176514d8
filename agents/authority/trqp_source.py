"""The authority's own governance file in memory, for questions that must be answered at once.

The publication signs and publishes; whoever is asked reads here. No signature is checked again: the bytes come from the
wallet store of the process that signed them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol

from wanderbuch.agents.authority.versions import PublishedVersion
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.divided.bulk import load_divided
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.validation import parse_file
from wanderbuch.governance.signed.freshness import FreshnessStatement
from wanderbuch.governance.signed.jws import read_jws
from wanderbuch.governance.signed.signing import FILE_TYP, MAX_JWS_BYTES, SignedGovernanceFile
from wanderbuch.huge_pages import WORTHWHILE_BYTES, use_huge_pages

LOGGER = logging.getLogger(__name__)


class Published(Protocol):
    """What is read of a publication."""

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest freshness statement of this process."""
        ...


class Parts(Protocol):
    """The parts of divided files, as `published.PartStore` has them."""

    async def read_all(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Return parts by digest."""
        ...


class Publishing(Published, Protocol):
    """What is read of a publication to get the file itself."""

    @property
    def parts(self) -> Parts:
        """The parts of divided files."""
        ...

    async def current(self) -> PublishedVersion | None:
        """The version that is served as current, with its file."""
        ...


async def read_own(publication: Publishing, digest: str) -> GovernanceFile:
    """Return the file with that digest, with all its parts.

    Raises:
        NotReadyError: another version is current by now.
        GovernanceError: the wallet's copy is damaged.
    """
    current = await publication.current()
    if current is None or current.digest != digest:
        raise NotReadyError("another version of the governance file is being published")
    jws = current.jws.encode("ascii")
    received = read_jws(jws, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES)
    file = await asyncio.to_thread(parse_file, received.unverified_payload)
    if file.division is None:
        return file
    root = SignedGovernanceFile(file, digest, jws, received.signatures[0].kid)
    parts = await publication.parts.read_all(part.digest for part in file.division.parts)
    whole = await asyncio.to_thread(load_divided, root, parts.__getitem__)
    if sum(part.size for part in file.division.parts) >= WORTHWHILE_BYTES:
        await asyncio.to_thread(use_huge_pages)  # it stays for long, and each question looks somewhere else in it
    return whole


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
        spawn: Callable[[str, Coroutine[Any, Any, None]], object],
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

    async def first(self) -> GovernanceSnapshot | None:
        """Return the snapshot after the newest version was read; None: there is none."""
        await self.refresh()
        return self()

    async def refresh(self) -> None:
        """Read the version that the newest freshness statement names, if it is another than the one held."""
        async with self._reading:
            statement = self._published.statement
            if statement is None or (self._held is not None and self._held.ref == statement.ref):
                return
            try:
                file = await self._read(statement.digest)
            except WanderbuchError as err:
                LOGGER.warning("the authority's own governance file could not be read: %s", err.message)
                return
            self._hold(file, statement, self._recognised())

    def _hold(
        self, file: GovernanceFile, statement: FreshnessStatement, recognised: Mapping[Did, GovernanceSnapshot]
    ) -> None:
        self._held = GovernanceSnapshot(
            file, statement.digest, statement.exp, fresh_from=statement.iat, recognised=recognised
        )
        self._made_from = (statement, recognised)
