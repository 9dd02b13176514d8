"""The bundle for when the network is away, fetched anew by itself while there is one.

1. It is fetched over the network alone, never from the recording itself, and checked by the code that makes bundles.
2. It has what the one before it has: the same registries with their newest lists, and every accredited centre's
   definitions. A list is as old as the last fetch, so a revocation of an hour ago is in it.
3. An older governance file never takes the place of a newer one, whatever a host serves.
4. While readers may still hold something of the recording, it stays: a decision says how old its facts are by it.
5. What cannot be fetched leaves all as it is, and is tried again soon. What cannot be written is used all the same.
"""

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.replaying import FallbackEdge
from wanderbuch.plugins.trust.offline.bundling import open_bundle, read_bundle, write_bundle

_LOG = logging.getLogger(__name__)
_AGAIN: Final = timedelta(minutes=10)
_FOR_ALL_TO_READ: Final = 0o644


class BundleKeeper:
    """Keeps one process's bundle young.

    Args:
        edge: serves it where the network is away.
        path: of the file.
        url, author: of the governance.
        every: how often.
        open_edge: opens a way out to the network, which knows no recording.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        edge: FallbackEdge,
        path: Path,
        *,
        url: str,
        author: Did,
        every: timedelta,
        open_edge: Callable[[], AbstractAsyncContextManager[HttpEdge]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._edge = edge
        self._path = path
        self._url = url
        self._author = author
        self._every = every
        self._open_edge = open_edge
        self._clock = clock
        self._before: tuple[int, tuple[RevRegDefId, ...]] | None = None

    async def run(self) -> None:
        """Fetch it whenever it is due, for ever."""
        while True:
            due = self._edge.recorded_at + self._every - self._clock()
            if due > timedelta(0):
                await asyncio.sleep(due.total_seconds())
            if not await self.fetch():
                await asyncio.sleep(min(_AGAIN, self._every).total_seconds())

    async def fetch(self) -> bool:
        """Fetch it now; return whether there is a new one."""
        if self._edge.serves_recording(self._clock()):  # 4
            return False
        try:
            before, registries = await self._known()
            async with self._open_edge() as network:  # 1
                made = await write_bundle(
                    self._url,
                    self._author,
                    edge=network,
                    registries=registries,  # 2
                    clock=self._clock,
                )
        except WanderbuchError as err:  # 5
            age = int((self._clock() - self._edge.recorded_at).total_seconds())
            _LOG.info("governance.bundle.kept: %s", err.message, extra={"age_s": age})
            return False
        version = made.snapshot.file.version
        if version < before:  # 3
            _LOG.warning("governance.bundle.older", extra={"version": version, "known": before})
            return False
        if not self._edge.renew(made.files, recorded_at=made.made_at):  # 4
            return False
        self._before = version, registries
        try:
            await asyncio.to_thread(_replace, self._path, made.body)
        except OSError as err:  # 5
            _LOG.warning("governance.bundle.unwritten: %s", err.strerror)
        _LOG.info("governance.bundle.renewed", extra={"version": version, "notes": len(made.notes)})
        return True

    async def _known(self) -> tuple[int, tuple[RevRegDefId, ...]]:
        """Return the version in the bundle as it is, 0 if what it has does not hold, and its registries.

        Raises:
            BundleError: it cannot be read any more.
        """
        if self._before is None:
            bundle = await read_bundle(self._path)
            try:
                facts = await open_bundle(self._path, author=self._author, now=self._clock())
                self._before = facts.snapshot.file.version, bundle.registries
            except WanderbuchError:
                self._before = 0, bundle.registries
        return self._before


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole, or leave the one that was there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as stream:
            os.fchmod(stream.fileno(), _FOR_ALL_TO_READ)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
