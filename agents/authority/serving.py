"""What is published, as the public site serves it: the files of a publication put in their order.

Steps 4 to 7 of `publication`. Each may be done again: what is there already stays, and nothing older replaces it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.history import Fact, HistoryLog
from wanderbuch.agents.authority.published import PartStore
from wanderbuch.agents.authority.stages import TellStage, tell_nobody
from wanderbuch.agents.authority.statements import Statements
from wanderbuch.agents.authority.versions import PublicationPlace, PublishedVersion, Versions
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.signed.freshness import FreshnessStatement, sign_freshness
from wanderbuch.governance.signed.history import Action
from wanderbuch.plugins.webvh.publisher import NewerFileError, Publisher
from wanderbuch.store.errors import LeaseLostError, StoreError
from wanderbuch.store.leases import Lease

LOGGER = logging.getLogger(__name__)

JWS_CONTENT_TYPE: Final = "application/jose"  # RFC 7515 §9.2.1


class SigningKey(Protocol):
    """A key of the authority that stands in its DID document now; the secret part stays where it is."""

    async def kid(self) -> DidUrl:
        """Return the id of the verification method."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of `message`."""
        ...


class Serving:
    """The files of one ecosystem's authority on its public site, and the store that says what they are."""

    def __init__(
        self,
        place: PublicationPlace,
        *,
        profile: Profile,
        publisher: Publisher,
        key: SigningKey,
        history: HistoryLog,
        freshness_lifetime: timedelta,
        reissue_every: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        """Prepare; nothing is read or written yet.

        Args:
            place: where the files lie and whose they are.
            profile: in whose wallet store versions and parts are kept.
            publisher: puts files on the public site.
            key: signs.
            history: what happened.
            freshness_lifetime: how long a freshness statement is good.
            reissue_every: after what time it is issued anew.
            clock: the instant now, aware UTC.
        """
        self.place = place
        self.history = history
        self.parts = PartStore(profile, publisher, place.folder)
        self.key = key
        self.clock = clock
        self.store = Versions(profile)
        self.statements = Statements(profile, reissue_every=reissue_every)
        self.publisher = publisher
        self.freshness_lifetime = freshness_lifetime

    async def versions(self) -> list[PublishedVersion]:
        """Return all versions without their files, the newest first."""
        return list(await self.store.all())

    async def current(self) -> PublishedVersion | None:
        """Return the version that is served as current, with its file."""
        return await self.store.current()

    async def of_draft(self, draft_id: str) -> PublishedVersion | None:
        """Return the version that a draft became, or None."""
        return await self.store.of_draft(draft_id)

    async def put_version(
        self, version: PublishedVersion, *, look: bool = False, tell: TellStage = tell_nobody
    ) -> None:
        """Put new parts and the immutable file (step 4; in a turn only).

        The same bytes may be there already, other bytes never.
        """
        await self.parts.publish(version.parts, look=look, tell=tell)
        path, body = self.place.version_path(version.version), version.jws.encode("ascii")
        current = await self.publisher.get(path)
        if current is None:
            await self.publisher.put(path, body, JWS_CONTENT_TYPE)
        elif current != body:
            raise ConfigurationError(
                f"another file is already published as {path}, and versions never change",
                hint="the public folder belongs to another wallet or was changed by hand: restore it",
            )

    async def is_out(self, version: PublishedVersion) -> bool:
        """Tell whether the immutable file of a version may be read by others already; if nobody can tell, it may."""
        try:
            return await self.publisher.get(self.place.version_path(version.version)) == version.jws.encode("ascii")
        except ConfigurationError:
            return True

    async def make_current(self, version: PublishedVersion, lease: Lease) -> PublishedVersion:
        """Tell the history of a version and serve it as current (steps 5 to 7); in a turn only."""
        cause = version.cause
        fact = Fact(f"version:{version.version}", cause.who, cause.action, cause.why, version.version, version.digest)
        await self.history.append(fact)  # 5
        for refusal in cause.refusals:
            key = f"refusal:{version.version}:{refusal.id}"
            why = f"{refusal.id}: {refusal.reason}"
            await self.history.append(Fact(key, cause.who, Action.REFUSAL, why, version.version, version.digest))
        await self.history.publish()  # 6
        try:
            await self._put(self.place.current_path, version.jws.encode("ascii"), version.version, lease)
            statement = await self.put_freshness(version, lease, None)
        except LeaseLostError:
            current = await self.current()
            if current is None or current.version < version.version:
                raise
            return await self.store.published(version, self.clock())  # another process has gone on from here
        published = await self.store.published(version, self.clock())  # 7
        await self.tell(statement)
        return published

    async def put_freshness(
        self, version: PublishedVersion, lease: Lease, lifetime: timedelta | None
    ) -> FreshnessStatement:
        """Sign a freshness statement about a version, and serve it; in a turn only."""
        head = await self.history.publish()
        await self.statements.read()
        statement = FreshnessStatement.for_file(
            version.ref,
            at=self.statements.not_before_the_last(self.clock()),
            lifetime=lifetime or self.freshness_lifetime,
            history=head,
        )
        jws = await sign_freshness(statement, await self.key.kid(), self.key.sign)
        await self._put(self.place.freshness_path, jws, lease.fence, lease)
        await self.statements.keep(statement, jws, lease.fence)
        return statement

    async def _put(self, path: str, body: bytes, number: int, lease: Lease) -> None:
        """Put a file, if none with a greater number is there.

        Raises:
            LeaseLostError: one is, since we slept and another process published it.
            NewerFileError: one is, although the turn is ours: the public folder is ahead of this store.
        """
        try:
            await self.publisher.put(path, body, JWS_CONTENT_TYPE, number=number)
        except NewerFileError:
            await lease.check()
            raise

    async def tell(self, statement: FreshnessStatement) -> FreshnessStatement:
        """Let the other processes know of a statement; they look for themselves every minute, too."""
        try:
            await self.statements.tell()
        except StoreError as err:
            LOGGER.warning("the other processes could not be told of a freshness statement: %s", err.message)
        return statement
