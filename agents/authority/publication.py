"""Publishing signed governance files: one version after the other, none ever changed, never half a step.

A new version is published in these steps, all under one lease (a `Turn`), which one process holds:

1. Finish what an interrupted publication left.
2. Check the payload: valid, by this author, the same id as before, a version greater than the current one.
3. Sign it, join the parties' signatures where the file (or the one before) asks for them, check the result as a
   consumer would, and keep the signed bytes, and the parts of a divided file, in the wallet store as PENDING.
4. Put the parts that are new, then `versions/<n>.jws`, which is never overwritten. If this fails, the record is
   removed: nothing has happened. (If the file is out all the same, the version stays PENDING.)
5. Add it to the history.
6. Put the history, `current.jws`, then `freshness.jws`, which is about both. If this fails, the version stays PENDING.
7. Mark it PUBLISHED.

A crash before 6 leaves the old version served and fresh. What is PENDING is completed at the next publication, reissue,
start or sweep, whichever comes first. The wallet store is the record of what was published: `repair` also puts back a
file that the folder has lost.

A process may sleep in the middle, and lose its lease to another, which finishes what it finds. When it wakes, it signs
nothing more (it looks after its lease before step 3 ends), and what it still puts is older by its number: a history is
numbered by its entries, `current.jws` by its version, `freshness.jws` by the fence of the lease.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.changes import canonical
from wanderbuch.agents.authority.history import HistoryLog
from wanderbuch.agents.authority.published import Published, lay_out, read_root
from wanderbuch.agents.authority.serving import Serving, SigningKey
from wanderbuch.agents.authority.stages import Stage, TellStage, tell_nobody
from wanderbuch.agents.authority.turn import PublicationRefusedError, Turn, sha256_of
from wanderbuch.agents.authority.versions import Cause, PublicationPlace, PublishedVersion, VersionState
from wanderbuch.governance.signed.freshness import FreshnessStatement
from wanderbuch.governance.signed.history import OPERATOR, Action
from wanderbuch.governance.signed.jws import KeyResolver, unverified_payload
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.store.leases import HoldLease, Lease

LOGGER = logging.getLogger(__name__)

_LONGEST_WAIT_S: Final = 120.0  # laying out and signing a very large file takes a while
WHOLE_FILE: Final = "the whole file was sent by a program"  # everybody reads it in the history

__all__ = ["Publication", "PublicationRefusedError", "PublishedVersion", "Turn", "VersionState"]


class Publication(Serving):
    """The governance file of one ecosystem, as its authority publishes it."""

    def __init__(
        self,
        place: PublicationPlace,
        *,
        profile: Profile,
        publisher: Publisher,
        key: SigningKey,
        history: HistoryLog,
        resolve_key: KeyResolver,
        freshness_lifetime: timedelta,
        reissue_every: timedelta,
        divide_above_bytes: int,
        clock: Callable[[], datetime],
        lease: HoldLease,
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            place: where the files lie and whose they are.
            profile: in whose wallet store versions and parts are kept.
            publisher: puts files on the public site.
            key: signs.
            history: what happened.
            resolve_key: gives the key of a party, or of the author, as it stands now.
            freshness_lifetime: how long a freshness statement is good.
            reissue_every: after what time it is issued anew.
            divide_above_bytes: larger files are divided.
            clock: the instant now, aware UTC.
            lease: lets one process at a time do something.
        """
        super().__init__(
            place,
            profile=profile,
            publisher=publisher,
            key=key,
            history=history,
            freshness_lifetime=freshness_lifetime,
            reissue_every=reissue_every,
            clock=clock,
        )
        self.divide_above_bytes = divide_above_bytes
        self.resolve_key = resolve_key
        self._lease = lease
        self._published: Published | None = None

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest freshness statement that this process knows, its own or another's; None before the first."""
        return self.statements.newest

    async def published(self) -> Published:
        """Return the file that is published now, part by part."""
        current = await self.current()
        published = self._published
        if published is None or published.version != (current.version if current else None):
            root = None if current is None else read_root(unverified_payload(current.jws.encode("ascii")))
            published = self._published = Published(root, self.parts)
        return published

    async def before(self, number: int) -> Published:
        """Return the version that was current before the one with this number; empty if that was the first."""
        earlier = next(
            (published_version for published_version in await self.store.all() if published_version.version < number),
            None,
        )
        if earlier is None:
            return Published(None, self.parts)
        jws = (await self.store.with_file(earlier)).jws
        return Published(read_root(unverified_payload(jws.encode("ascii"))), self.parts)

    @asynccontextmanager
    async def turn(self, tell: TellStage = tell_nobody) -> AsyncIterator[Turn]:
        """Be the only one who publishes, in all processes; what was interrupted is finished first (step 1).

        Args:
            tell: told how far it is.

        Raises:
            LeaseBusyError: somebody else has been publishing for a very long time.
        """
        tell(Stage.WAITING, 0, 0)
        async with self._lease("authority/publication", wait_s=_LONGEST_WAIT_S) as lease:
            await self._finish_pending(lease)
            yield Turn(self, self.resolve_key, lease, tell)

    async def publish(self, payload: Mapping[str, object]) -> tuple[PublishedVersion, bool]:
        """Publish a whole file as the operator gives it, with the version that it names.

        Sending the current version once more, unchanged, changes nothing: an answer may have been lost.

        Args:
            payload: the governance file as JSON, unsigned.

        Returns:
            The version, and whether it is new.

        Raises:
            PublicationRefusedError: the file has mistakes, or does not follow the current one.
            ConfigurationError: the files cannot be written.
        """
        async with self.turn() as turn:
            current = await self.current()
            given = sha256_of(canonical(payload))
            if current is not None and current.payload_digest == given:
                return current, False
            laid_out = await asyncio.to_thread(lay_out, dict(payload), self.divide_above_bytes)
            cause = Cause(who=OPERATOR, action=Action.PUBLICATION, why=WHOLE_FILE)
            return await turn.publish(laid_out, cause, payload_digest=given), True

    async def reissue(self, *, lifetime: timedelta | None = None) -> FreshnessStatement | None:
        """Issue a new freshness statement about the current version; None if there is no version yet."""
        async with self.turn() as turn:
            current = await self.current()
            if current is None:
                return None
            return await self.tell(await self.put_freshness(current, turn.lease, lifetime))

    async def keep_fresh(self) -> None:
        """Issue the freshness statement anew if it is due: whichever process comes first does it, for all of them.

        One that the public site has lost is put back.
        """
        await self.statements.read()
        if not await self._is_statement_due():
            return
        async with self.turn() as turn:
            await self.statements.read()  # another process may have been faster
            current = await self.current()
            if current is not None and await self._is_statement_due():
                await self.tell(await self.put_freshness(current, turn.lease, None))

    async def _is_statement_due(self) -> bool:
        kept = self.statements.kept
        if kept is None or self.clock() >= kept.reissue_at:
            return True
        return await self.publisher.get(self.place.freshness_path) is None

    async def repair(self, *, everything: bool = True) -> None:
        """Complete what was interrupted, and put back files that the public site has lost.

        Args:
            everything: whether to look at every version, or at the current one only.
        """
        async with self.turn() as turn:
            current = await self.current()
            if current is None:
                return
            for version in await self.store.all() if everything else [current]:
                await self.put_version(await self.store.with_file(version), look=True)
            if everything and (division := (await self.published()).division) is not None:
                await self.parts.publish((part.digest for part in division.parts), look=True)
            if await self.publisher.get(self.place.current_path) != current.jws.encode("ascii"):
                LOGGER.warning("version %d is not served as current any more; putting it back", current.version)
                await self.make_current(current, turn.lease)

    async def _finish_pending(self, lease: Lease) -> None:
        for pending in await self.store.pending():
            if (version := await self.store.take_up(pending)) is not None:
                LOGGER.warning("finishing the interrupted publication of version %d", version.version)
                await self.put_version(version)
                await self.make_current(version, lease)
