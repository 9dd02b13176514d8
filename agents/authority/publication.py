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
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.changes import canonical
from wanderbuch.agents.authority.findings import finding_json
from wanderbuch.agents.authority.history import Fact, HistoryLog
from wanderbuch.agents.authority.published import LaidOut, PartStore, Published, lay_out, read_root
from wanderbuch.agents.authority.statements import Statements
from wanderbuch.agents.authority.versions import (
    Cause,
    PublicationPlace,
    PublishedVersion,
    Versions,
    VersionState,
)
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.findings import Finding, GovernanceFileError, Severity, error
from wanderbuch.governance.freshness import FreshnessStatement, sign_freshness
from wanderbuch.governance.history import OPERATOR, Action
from wanderbuch.governance.identifiers import DidUrl
from wanderbuch.governance.jws import KeyResolver, UnverifiedSignature, read_jws, unverified_payload
from wanderbuch.governance.model import SIGNATORIES
from wanderbuch.governance.signing import (
    FILE_TYP,
    MAX_JWS_BYTES,
    combine,
    digest_of,
    missing_parties,
    sign_file,
    verify_file,
)
from wanderbuch.governance.validation import parse_file
from wanderbuch.plugins.webvh.publisher import NewerFileError, Publisher
from wanderbuch.store.errors import DuplicateError, LeaseLostError, StoreError
from wanderbuch.store.leases import HoldLease, Lease

LOGGER = logging.getLogger(__name__)

JWS_CONTENT_TYPE: Final = "application/jose"  # RFC 7515 §9.2.1
_LONGEST_WAIT_S: Final = 120.0  # laying out and signing a very large file takes a while
WHOLE_FILE: Final = "a whole file was sent to POST /versions"

__all__ = ["JWS_CONTENT_TYPE", "Publication", "PublicationPlace", "PublicationRefusedError", "PublishedVersion"]
__all__ += ["SigningKey", "Turn", "VersionState", "finding_json"]


class PublicationRefusedError(GovernanceFileError):
    """A governance file was not published. `findings` and, for the caller of the REST API, `members` say why."""

    code = "governance.not-published"

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings)
        self.members = {"findings": [finding_json(each) for each in findings]}


class SigningKey(Protocol):
    """A key of the authority that stands in its DID document now; the secret part stays where it is."""

    async def kid(self) -> DidUrl:
        """Return the id of the verification method."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of `message`."""
        ...


class Publication:
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
        self.place = place
        self.history = history
        self.parts = PartStore(profile, publisher, place.folder)
        self.divide_above_bytes = divide_above_bytes
        self.key = key
        self.clock = clock
        self.store = Versions(profile)
        self._publisher = publisher
        self.resolve_key = resolve_key
        self._lifetime = freshness_lifetime
        self.statements = Statements(profile, reissue_every=reissue_every)
        self._lease = lease
        self._published: Published | None = None

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest freshness statement that this process knows, its own or another's; None before the first."""
        return self.statements.newest

    async def versions(self) -> list[PublishedVersion]:
        """Return all versions without their files, the newest first."""
        return list(await self.store.all())

    async def current(self) -> PublishedVersion | None:
        """Return the version that is served as current, with its file."""
        return await self.store.current()

    async def of_draft(self, draft_id: str) -> PublishedVersion | None:
        """Return the version that a draft became, or None."""
        return await self.store.of_draft(draft_id)

    async def published(self) -> Published:
        """Return the file that is published now, part by part."""
        current = await self.current()
        held = self._published
        if held is None or held.version != (current.version if current else None):
            root = None if current is None else read_root(unverified_payload(current.jws.encode("ascii")))
            held = self._published = Published(root, self.parts)
        return held

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["Turn"]:
        """Be the only one who publishes, in all processes; what was interrupted is finished first (step 1).

        Raises:
            LeaseBusyError: somebody else has been publishing for a very long time.
        """
        async with self._lease("authority/publication", wait_s=_LONGEST_WAIT_S) as lease:
            await self._finish_pending(lease)
            yield Turn(self, lease)

    async def publish(self, payload: Mapping[str, object]) -> tuple[PublishedVersion, bool]:
        """Publish a whole file as the operator gives it, with the version that it names.

        Sending the current version once more, unchanged, changes nothing: an answer may have been lost.

        Args:
            payload: the governance file as JSON, unsigned.

        Returns:
            The version, and whether it is new.

        Raises:
            PublicationRefusedError: the file has mistakes, or does not follow the current one.
            ConfigurationError: the files can not be written.
        """
        async with self.turn() as turn:
            current = await self.current()
            given = _sha256(canonical(payload))
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
            return await self._tell(await self._put_freshness(current, turn.lease, lifetime))

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
                await self._tell(await self._put_freshness(current, turn.lease, None))

    async def _is_statement_due(self) -> bool:
        kept = self.statements.kept
        if kept is None or self.clock() >= kept.reissue_at:
            return True
        return await self._publisher.get(self.place.freshness_path) is None

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
            if await self._publisher.get(self.place.current_path) != current.jws.encode("ascii"):
                LOGGER.warning("version %d is not served as current any more; putting it back", current.version)
                await self.make_current(current, turn.lease)

    async def _finish_pending(self, lease: Lease) -> None:
        for pending in await self.store.pending():
            if (version := await self.store.take_up(pending)) is not None:
                LOGGER.warning("finishing the interrupted publication of version %d", version.version)
                await self.put_version(version)
                await self.make_current(version, lease)

    async def put_version(self, version: PublishedVersion, *, look: bool = False) -> None:
        """Put new parts and the immutable file (step 4; in a turn only).

        The same bytes may be there already, other bytes never.
        """
        await self.parts.publish(version.parts, look=look)
        path, body = self.place.version_path(version.version), version.jws.encode("ascii")
        held = await self._publisher.get(path)
        if held is None:
            await self._publisher.put(path, body, JWS_CONTENT_TYPE)
        elif held != body:
            raise ConfigurationError(
                f"another file is already published as {path}, and versions never change",
                hint="the public folder belongs to another wallet or was changed by hand: restore it",
            )

    async def is_out(self, version: PublishedVersion) -> bool:
        """Tell whether the immutable file of a version may be read by others already; if nobody can tell, it may."""
        try:
            return await self._publisher.get(self.place.version_path(version.version)) == version.jws.encode("ascii")
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
            statement = await self._put_freshness(version, lease, None)
        except LeaseLostError:
            current = await self.current()
            if current is None or current.version < version.version:
                raise
            return await self.store.published(version, self.clock())  # another process has gone on from here
        published = await self.store.published(version, self.clock())  # 7
        await self._tell(statement)
        return published

    async def _put_freshness(
        self, version: PublishedVersion, lease: Lease, lifetime: timedelta | None
    ) -> FreshnessStatement:
        head = await self.history.publish()
        await self.statements.read()
        statement = FreshnessStatement.for_file(
            version.ref,
            at=self.statements.not_before_the_last(self.clock()),
            lifetime=lifetime or self._lifetime,
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
            await self._publisher.put(path, body, JWS_CONTENT_TYPE, number=number)
        except NewerFileError:
            await lease.check()
            raise

    async def _tell(self, statement: FreshnessStatement) -> FreshnessStatement:
        """Let the other processes know of a statement; they look for themselves every minute, too."""
        try:
            await self.statements.tell()
        except StoreError as err:
            LOGGER.warning("the other processes could not be told of a freshness statement: %s", err.message)
        return statement


class Turn:
    """The right to publish, for as long as `Publication.turn` lasts.

    Args:
        publication: of what.
        lease: what nobody else holds meanwhile; a process that slept for long may have lost it.
    """

    def __init__(self, publication: Publication, lease: Lease) -> None:
        self._publication = publication
        self.lease = lease

    async def check(self) -> None:
        """Go on only if the turn is still ours.

        Raises:
            LeaseLostError: this process slept, and another one publishes by now.
        """
        await self.lease.check()

    async def missing(self, body: bytes, signers: Sequence[bytes] = ()) -> tuple[str, ...]:
        """Return the DIDs of the parties who could still sign, where author and `signers` are too few.

        Args:
            body: what will be signed.
            signers: signatures of parties, each a compact JWS over `body`. They are not checked here.
        """
        previous = await self._previous(body)
        if previous is None and SIGNATORIES.encode() not in body:
            return ()
        file = parse_file(body)
        dids = [each.kid.did for part in signers for each in _signatures(part)]
        return missing_parties([file.author, *dids], file, previous)

    async def publish(
        self,
        laid_out: LaidOut,
        cause: Cause,
        *,
        signatures: Sequence[bytes] = (),
        payload_digest: str | None = None,
    ) -> PublishedVersion:
        """Publish a file as the next version (steps 2 to 7).

        Args:
            laid_out: the file.
            cause: who and why, for the history.
            signatures: of parties, each a compact JWS over the same bytes.
            payload_digest: of what was sent, where that is not what is signed.

        Raises:
            PublicationRefusedError: the file has mistakes, or does not follow the current one.
            SignatureError: a party's signature does not hold, or too few signed.
            ResolutionError: a party's key could not be checked.
            ConfigurationError: the files can not be written.
            LeaseLostError: this process slept, and another one publishes by now.
        """
        held = self._publication
        current = await held.current()
        file = self._check(laid_out, current)  # 2
        kid = await held.key.kid()  # 3
        own = await sign_file(laid_out.body, kid, held.key.sign)
        jws = combine([own, *signatures]) if signatures else own
        previous = await self._previous(laid_out.body)
        signed = await verify_file(
            jws,
            author=held.place.author,
            resolve_key=held.resolve_key,
            previous=previous,
        )
        version = PublishedVersion(
            id=str(file.version),
            version=file.version,
            governance_id=file.id,
            digest=digest_of(signed.jws),
            payload_digest=payload_digest or _sha256(laid_out.body),
            kid=str(kid),
            cause=cause,
            parts=tuple(laid_out.parts),
            jws=jws.decode("ascii"),
        )
        await held.parts.keep(laid_out.parts)
        await self.check()
        try:
            await held.store.insert(version)
        except DuplicateError as err:
            raise RefusedError("another version was published meanwhile", hint="look at it, then try again") from err
        try:
            await held.put_version(version)  # 4
        except Exception:
            # Another file could not follow under this number once it is out, even if the disk failed right after.
            if not await held.is_out(version):
                await held.store.remove(version)
            raise
        return await held.make_current(version, self.lease)  # 5 to 7

    async def _previous(self, body: bytes) -> GovernanceFile | None:
        """Return the version before, where its signatories have a say."""
        current = await self._publication.current()
        if current is None:
            return None
        payload = unverified_payload(current.jws.encode("ascii"))
        return parse_file(payload) if SIGNATORIES.encode() in payload else None

    def _check(self, laid_out: LaidOut, current: PublishedVersion | None) -> GovernanceFile:
        """Return the file if it may follow `current` (step 2)."""
        findings = list(laid_out.findings)
        if any(each.severity is Severity.ERROR for each in findings):
            raise PublicationRefusedError(findings)
        file = parse_file(laid_out.body)
        author = self._publication.place.author
        if file.author != author:
            fix = f"write {author}"
            findings.append(error("/author", "own-author", "expected this authority's DID, found another", fix))
        if current is not None and file.id != current.governance_id:
            fix = f"write {current.governance_id!r}; the id is the same in every version"
            findings.append(error("/id", "same-id", "expected the id of the versions before, found another", fix))
        if current is not None and file.version <= current.version:
            message = f"expected a version greater than {current.version}, found {file.version}"
            findings.append(error("/version", "next-version", message, f"write {current.version + 1}"))
        if any(each.severity is Severity.ERROR for each in findings):
            raise PublicationRefusedError(sorted(findings, key=lambda each: each.severity is not Severity.ERROR))
        return file


def _signatures(jws: bytes) -> Sequence[UnverifiedSignature]:
    return read_jws(jws, typ=FILE_TYP, max_bytes=MAX_JWS_BYTES).signatures


def _sha256(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
