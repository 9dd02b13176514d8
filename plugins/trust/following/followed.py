"""One authority's governance file as this agent follows it: fetched, verified and kept.

All that waits for a network, a store or a clock is here; what newer files and statements change is said by the rules in
`trusted`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.divided.division import part_name
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.question import GovernanceRef, Reason
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.freshness import (
    MAX_FRESHNESS_BYTES,
    FreshnessStatement,
    verify_freshness,
)
from wanderbuch.governance.signed.history import Head, HistoryError
from wanderbuch.governance.signed.memory import RollbackError, SeenVersion
from wanderbuch.governance.signed.signing import (
    MAX_JWS_BYTES,
    KeyResolver,
    SignedGovernanceFile,
    ThresholdError,
    VersionBefore,
    verify_file,
)
from wanderbuch.plugins.http.answers import Fetched
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.trust.following.content_folder import ContentFolder
from wanderbuch.plugins.trust.following.history_check import MAX_HISTORY_BYTES, CheckedHistory, check_history
from wanderbuch.plugins.trust.following.kept import KeptGovernance, KeptVersion, WalletGovernanceStore
from wanderbuch.plugins.trust.following.parts import FileParts
from wanderbuch.plugins.trust.following.refreshing import (
    EquivocationError,
    RefreshAttempt,
    RefreshOutcome,
    RememberedKeys,
    WithheldError,
)
from wanderbuch.plugins.trust.following.trusted import TrustedFile, check_missed

LOGGER = logging.getLogger(__name__)

ENDED: Final = "freshness.ended"


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a governance file lies, and whose it must be.

    Args:
        file_url: address of the current signed file; its other files lie beside it.
        author: the pinned DID.
        timeout_s: for each download.
        about: of a divided file, read only the parts in which these stand; None reads all.
        history: whether to fetch and check the author's history; a staple carries none.
    """

    file_url: str
    author: Did
    timeout_s: float = 10.0
    about: tuple[Did, ...] | None = None
    history: bool = True

    def beside(self, path: str) -> str:
        """Return the address of another file of the same folder."""
        return f"{self.file_url.rpartition('/')[0]}/{path}"


class FollowedFile:
    """The newest good copy of one authority's file.

    Args:
        place: what to fetch and whose it must be; may be set anew, the memory is the author's.
        edge: the way out to the network.
        resolve_key: gives the key of a DID URL that stands in the DID's assertionMethod now.
        clock: the instant now, aware UTC.
        folder: where large files lie; None keeps them in the wallet store.
        seen: the highest version that somebody else has seen of this author's file.
        before: the newest file of this author that somebody else has checked: its parties have a say in what follows.
    """

    def __init__(
        self,
        place: FilePlace,
        *,
        edge: HttpEdge,
        resolve_key: KeyResolver,
        clock: Callable[[], datetime],
        folder: ContentFolder | None = None,
        seen: SeenVersion | None = None,
        before: VersionBefore | None = None,
    ) -> None:
        self.place = place
        self._edge = edge
        self._resolve_key = resolve_key
        self._clock = clock
        self._folder = folder
        self._parts = FileParts(edge, folder)
        self._store: WalletGovernanceStore | None = None
        self._trusted = TrustedFile(seen=seen, before=before, checks_history=place.history)
        self._keys: dict[DidUrl, bytes] = {}  # with which the file held, and the statement about it, were checked
        self._freshness_jws: bytes | None = None
        self._etags: dict[str, str] = {}

    @property
    def signed(self) -> SignedGovernanceFile | None:
        """The file held, None if there is none yet."""
        return self._trusted.file

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest statement about exactly this file, None if there is none."""
        return self._trusted.statement

    @property
    def snapshot(self) -> GovernanceSnapshot | None:
        """What decisions may rest on, the same object until something changes; None until a first good file is held."""
        return self._trusted.snapshot

    @property
    def seen(self) -> SeenVersion | None:
        """The highest version that was ever seen of this author's file."""
        return self._trusted.seen

    @property
    def before(self) -> VersionBefore | None:
        """The newest version of which it is known who must sign what follows."""
        return self._trusted.before

    async def files_about(self, did: Did) -> dict[str, bytes]:
        """Return the files that prove what is held about one participant, by address.

        Raises:
            ResolutionError: nothing is held, or a part is not kept any more.
        """
        signed, freshness_jws = self.signed, self._freshness_jws
        if signed is None or freshness_jws is None:
            raise ResolutionError(f"no file of {self.place.author} is held that its author vouches for")
        files = {self.place.file_url: signed.jws, self.place.beside("freshness.jws"): freshness_jws}
        if signed.file.division is not None:
            part = signed.file.division.part_of(did)
            files[self.place.beside(part_name(part.digest))] = await self._parts.read(part)
        return files

    @property
    def contents(self) -> frozenset[str]:
        """The digests of the file and of its parts: what must stay in the folder."""
        if self.signed is None:
            return frozenset()
        division = self.signed.file.division
        return frozenset({self.signed.digest, *(part.digest for part in (division.parts if division else ()))})

    @property
    def is_attached(self) -> bool:
        """Whether it keeps in a wallet store."""
        return self._store is not None

    async def attach(self, profile: Profile) -> None:
        """Keep in `profile`'s wallet store from now on, and load what was kept there."""
        self._store = WalletGovernanceStore(profile, self.place.author, self._folder)
        await self.load()

    async def refresh(self) -> RefreshAttempt:
        """Fetch and check the file and its freshness statement; never raises for what the other side does."""
        await self.load()
        attempt = await self._attempt()
        if attempt.lapsed:  # perhaps a new version was published between the two downloads
            attempt = await self._attempt()
        if attempt.lapsed:
            self._trusted.lapse()
            self._freshness_jws = None
        if attempt.changed or attempt.lapsed:
            await self._save()
        if attempt.failure is None and (ended := self._ended()):
            attempt.reasons.append(ended)
        return attempt

    def _ended(self) -> Reason | None:
        """Say so where even the newest statement is over: the author is silent, or this machine's clock is ahead."""
        if self.statement is None or self._clock() < self.statement.exp:
            return None
        until = f"{self.statement.exp:%Y-%m-%d %H:%M} UTC"
        text = f"The newest statement served ended on {until}: it is not renewed, or this machine's clock is ahead."
        return Reason(ENDED, text)

    async def load(self) -> None:
        """Take over what the wallet store holds, if it is newer: another process of this agent may have been faster."""
        if self._store is None or (kept := await self._store.load()) is None:
            return
        self._trusted.remember(seen=kept.seen, head=kept.head, issued_at=kept.issued_at, before=kept.before)
        if kept.file_jws is None or (self.signed is not None and kept.seen.version <= self.signed.file.version):
            return
        try:
            await self._reopen(kept, kept.file_jws)
        except (GovernanceError, ResolutionError) as err:
            LOGGER.warning("the kept governance file cannot be used any more: %s", err.message)

    async def _reopen(self, kept: KeptGovernance, file_jws: bytes) -> None:
        """Check kept texts with the keys they were checked with when they came, and hold them."""
        author = self.place.author
        root = await verify_file(file_jws, author=author, resolve_key=kept.resolve_key)
        self._trusted.remember(before=root.file)  # it counts also if its parts are not kept any more
        signed = await self._complete(root, None)
        statement = None
        if kept.freshness_jws is not None:
            statement = await verify_freshness(
                kept.freshness_jws, author=author, resolve_key=kept.resolve_key, at=self._clock()
            )
        self._trusted.restore(signed, statement)
        self._keys, self._freshness_jws = dict(kept.keys), kept.freshness_jws

    async def _attempt(self) -> RefreshAttempt:
        """Fetch and check both files once."""
        attempt = RefreshAttempt()
        for step in (self._refresh_file, self._refresh_statement):
            try:
                attempt.changed |= await step()
            except ResolutionError as err:  # rule 1
                attempt.note(RefreshOutcome.UNREACHABLE, "governance.unreachable", err)
            except RollbackError as err:
                attempt.note(RefreshOutcome.REFUSED, "governance.rollback", err)
            except (WithheldError, EquivocationError) as err:
                attempt.lapsed = True
                attempt.note(RefreshOutcome.REFUSED, err.code, err)
            except GovernanceError as err:
                attempt.note(RefreshOutcome.REFUSED, "governance.refused", err)
        return attempt

    async def _refresh_file(self) -> bool:
        """Take over a newer file (rules 1-3). Returns whether there was one."""
        fetched = await self._fetch(self.place.file_url, MAX_JWS_BYTES, conditional=self.signed is not None)
        if fetched is None:
            return False
        body = fetched.body
        if self.signed is not None and body == self.signed.jws:
            self._note_etag(self.place.file_url, fetched)
            return False
        keys = RememberedKeys(self._resolve_key)
        root = await self._verify(body, keys)  # rule 2
        self._trusted.check_file(root)  # rule 3
        signed = await self._complete(root, self.place.beside)  # rule 1
        self._trusted.update_file(signed)
        self._keys, self._freshness_jws = keys.by_url, None
        self._note_etag(self.place.file_url, fetched)
        return True

    async def _complete(self, root: SignedGovernanceFile, address: Callable[[str], str] | None) -> SignedGovernanceFile:
        place = self.place
        return await self._parts.complete(root, address, timeout_s=place.timeout_s, about=place.about)

    async def _verify(self, body: bytes, keys: RememberedKeys) -> SignedGovernanceFile:
        """Check a file that came after the one held, step by step where its parties changed in between."""
        author, before = self.place.author, self.before
        try:
            return await verify_file(body, author=author, resolve_key=keys, previous=before)
        except ThresholdError:
            if before is None:
                raise
        newest = await verify_file(body, author=author, resolve_key=keys)
        for version in self._trusted.missed_versions(newest.file):
            before = await self._missed(version, before)
        return await verify_file(body, author=author, resolve_key=keys, previous=before)

    async def _missed(self, version: int, before: VersionBefore) -> VersionBefore:
        """Return the file of a version that was missed, or `before` if there is none of that number."""
        try:
            fetched = await self._get(self.place.beside(f"versions/{version}.jws"), MAX_JWS_BYTES)
        except NotFoundError:
            return before
        signed = await verify_file(
            fetched.body, author=self.place.author, resolve_key=self._resolve_key, previous=before
        )
        check_missed(signed, version=version, before=before)
        return signed.file

    async def _refresh_statement(self) -> bool:
        """Take over a newer freshness statement (rules 4-8). Returns whether there was one."""
        if self.signed is None:
            return False
        url = self.place.beside("freshness.jws")
        fetched = await self._fetch(url, MAX_FRESHNESS_BYTES, conditional=self.statement is not None)
        if fetched is None:
            return False
        keys = RememberedKeys(self._resolve_key)
        statement = await verify_freshness(fetched.body, author=self.place.author, resolve_key=keys, at=self._clock())
        if not self._trusted.is_newer(statement):  # rules 4-6
            return False
        head = self._trusted.history_to_check(statement)  # rule 8
        history = None if head is None else await self._check_history(statement, head, self.signed.ref)  # rule 7
        self._trusted.update_statement(statement, history)
        self._note_etag(url, fetched)
        self._keys |= keys.by_url
        self._freshness_jws = fetched.body
        return True

    async def _check_history(self, statement: FreshnessStatement, head: Head, ref: GovernanceRef) -> CheckedHistory:
        """Return the author's history after all checks; refuse one that does not go on from the one seen before."""
        url = self.place.beside("history/entries.jsonl")
        entries = (await self._get(url, MAX_HISTORY_BYTES)).body
        seen = self._trusted.head
        try:
            return await asyncio.to_thread(check_history, entries, head=head, seen=seen, ref=ref)
        except HistoryError as err:  # rule 1: what is served is not a history at all
            raise ResolutionError(f"the author's history could not be checked: {err.message}") from err
        except EquivocationError:
            self._trusted.refuse_history(statement)
            raise

    async def _fetch(self, url: str, max_bytes: int, *, conditional: bool) -> Fetched | None:
        """Return a file; None if it is as it was when it was last taken over.

        Raises:
            ResolutionError: it could not be had.
        """
        etag = self._etags.get(url) if conditional else None
        fetched = await self._get(url, max_bytes, etag)
        return None if fetched.status == 304 and etag is not None else fetched

    async def _get(self, url: str, max_bytes: int, etag: str | None = None) -> Fetched:
        return await self._edge.get(url, max_bytes=max_bytes, timeout_s=self.place.timeout_s, etag=etag)

    def _note_etag(self, url: str, fetched: Fetched) -> None:
        """Ask only for changes from now on: called for what was taken over, never for what was refused."""
        self._etags.pop(url, None)
        if fetched.etag is not None:
            self._etags[url] = fetched.etag

    async def _save(self) -> None:
        signed, seen = self.signed, self.seen
        if signed is None or seen is None or self._store is None:
            return
        await self._store.save(
            KeptGovernance(
                seen=seen,
                file_jws=signed.jws,
                keys=self._keys,
                freshness_jws=self._freshness_jws,
                head=self._trusted.head,
                issued_at=self._trusted.issued_at,
                before=_who_must_sign_next(signed.file),
            )
        )


def _who_must_sign_next(file: GovernanceFile) -> KeptVersion | None:
    return None if file.signatories is None else KeptVersion(file.id, file.version, file.signatories)
