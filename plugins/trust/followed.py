"""One authority's governance file as this agent follows it: fetched, checked, remembered. Rules 1 to 8 of `source`."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.division import part_name
from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.freshness import MAX_FRESHNESS_BYTES, FreshnessStatement, snapshot_of, verify_freshness
from wanderbuch.governance.history import Head, HistoryError
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.memory import RollbackError, Seen, accept
from wanderbuch.governance.question import Reason
from wanderbuch.governance.signing import (
    MAX_JWS_BYTES,
    KeyResolver,
    SignedGovernanceFile,
    ThresholdError,
    VersionBefore,
    verify_file,
)
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.plugins.http.edge import Fetched, HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError
from wanderbuch.plugins.trust.content_folder import ContentFolder
from wanderbuch.plugins.trust.history_check import MAX_HISTORY_BYTES, check_history
from wanderbuch.plugins.trust.kept import KeptGovernance, KeptVersion, WalletGovernanceStore
from wanderbuch.plugins.trust.parts import FileParts
from wanderbuch.plugins.trust.refreshing import (
    Attempt,
    EquivocationError,
    RefreshOutcome,
    RememberedKeys,
    WithheldError,
)

LOGGER = logging.getLogger(__name__)

ENDED: Final = "freshness.ended"
_MAX_VERSIONS_BETWEEN: Final = 64


@dataclass(frozen=True, slots=True)
class Place:
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


@dataclass(frozen=True, slots=True)
class _Held:
    """A checked file, the newest checked statement about it, and the texts and keys they were checked with."""

    signed: SignedGovernanceFile
    statement: FreshnessStatement | None
    kept: KeptGovernance


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
        place: Place,
        *,
        edge: HttpEdge,
        resolve_key: KeyResolver,
        clock: Callable[[], datetime],
        folder: ContentFolder | None = None,
        seen: Seen | None = None,
        before: VersionBefore | None = None,
    ) -> None:
        self.place = place
        self._edge = edge
        self._resolve_key = resolve_key
        self._clock = clock
        self._folder = folder
        self._parts = FileParts(edge, folder)
        self._store: WalletGovernanceStore | None = None
        self._held: _Held | None = None
        self._seen = seen
        self._before = before  # newer than the file held, or where none is: its parties must have signed the next one
        self._head: Head | None = None
        self._issued_at: datetime | None = None
        self._etags: dict[str, str] = {}
        self._proven: tuple[Head, str] | None = None  # head and file digest for which the history was checked

    @property
    def signed(self) -> SignedGovernanceFile | None:
        """The file held, None if there is none yet."""
        return self._held.signed if self._held else None

    @property
    def statement(self) -> FreshnessStatement | None:
        """The newest statement about exactly this file, None if there is none."""
        return self._held.statement if self._held else None

    @property
    def seen(self) -> Seen | None:
        """The highest version that was ever seen of this author's file."""
        return self._seen

    @property
    def before(self) -> VersionBefore | None:
        """The newest version of which it is known who must sign what follows: the file held, or one that was lost."""
        held = self._held.signed.file if self._held else None
        if held is None or (self._before is not None and self._before.version > held.version):
            return self._before
        return held

    async def files_about(self, did: Did) -> dict[str, bytes]:
        """Return the files that prove what is held about one participant, by address.

        Raises:
            ResolutionError: nothing is held, or a part is not kept any more.
        """
        if self._held is None or self._held.kept.freshness_jws is None:
            raise ResolutionError(f"no file of {self.place.author} is held that its author vouches for")
        kept, file = self._held.kept, self._held.signed.file
        files = {self.place.file_url: self._held.signed.jws, self.place.beside("freshness.jws"): kept.freshness_jws}
        if file.division is not None:
            part = file.division.part_of(did)
            files[self.place.beside(part_name(part.digest))] = await self._parts.read(part)
        return {url: body for url, body in files.items() if body is not None}

    def snapshot(self, notes: tuple[Reason, ...] = ()) -> GovernanceSnapshot | None:
        """Return what decisions may rest on now; None until a first good file is there."""
        return snapshot_of(self._held.signed, self._held.statement, notes=notes) if self._held else None

    @property
    def contents(self) -> frozenset[str]:
        """The digests of the file and of its parts: what must stay in the folder."""
        if self._held is None:
            return frozenset()
        division = self._held.signed.file.division
        return frozenset({self._held.signed.digest, *(part.digest for part in (division.parts if division else ()))})

    @property
    def is_attached(self) -> bool:
        """Whether it keeps in a wallet store."""
        return self._store is not None

    async def attach(self, profile: Profile) -> None:
        """Keep in `profile`'s wallet store from now on, and load what was kept there."""
        self._store = WalletGovernanceStore(profile, self.place.author, self._folder)
        await self.load()

    async def refresh(self) -> Attempt:
        """Fetch and check the file and its freshness statement; never raises for what the other side does."""
        await self.load()
        attempt = await self._attempt()
        if attempt.lapsed:  # perhaps a new version was published between the two downloads
            attempt = await self._attempt()
        if attempt.lapsed:
            self._drop_statement()
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
        if self._seen is None or kept.seen.version > self._seen.version:
            self._seen = kept.seen
        if kept.head is not None and (self._head is None or kept.head.size > self._head.size):
            self._head = kept.head
        if kept.issued_at is not None and (self._issued_at is None or kept.issued_at > self._issued_at):
            self._issued_at = kept.issued_at
        if kept.before is not None and (self._before is None or kept.before.version > self._before.version):
            self._before = kept.before  # it counts also if the file is lost
        if kept.file_jws is None or (self._held is not None and kept.seen.version <= self._held.signed.file.version):
            return
        try:
            self._held = await self._reopen(kept)
        except (GovernanceError, ResolutionError) as err:
            LOGGER.warning("the kept governance file can not be used any more: %s", err.message)

    async def _reopen(self, kept: KeptGovernance) -> _Held | None:
        """Check kept texts with the keys they were checked with when they came."""
        if kept.file_jws is None:
            return None
        root = await verify_file(kept.file_jws, author=self.place.author, resolve_key=kept.resolve_key)
        if self._before is None or self._before.version < root.file.version:
            self._before = root.file  # it counts also if its parts are not kept any more
        signed = await self._complete(root, None)
        statement = None
        if kept.freshness_jws is not None:
            statement = await verify_freshness(
                kept.freshness_jws, author=self.place.author, resolve_key=kept.resolve_key, at=self._clock()
            )
        return _Held(signed, statement, kept)

    async def _attempt(self) -> Attempt:
        """Fetch and check both files once."""
        attempt = Attempt()
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
        fetched = await self._fetch(self.place.file_url, MAX_JWS_BYTES, conditional=self._held is not None)
        if fetched is None:
            return False
        body = fetched.body
        if self._held is not None and body == self._held.signed.jws:
            self._note_etag(self.place.file_url, fetched)
            return False
        keys = RememberedKeys(self._resolve_key)
        root = await self._verify(body, keys)  # rule 2
        seen = accept(self._seen, root)  # rule 3
        signed = await self._complete(root, self.place.beside)  # rule 1
        self._seen = seen
        self._held = _Held(signed, None, KeptGovernance(seen=self._seen, file_jws=body, keys=keys.found))
        self._note_etag(self.place.file_url, fetched)
        return True

    async def _complete(self, root: SignedGovernanceFile, address: Callable[[str], str] | None) -> SignedGovernanceFile:
        place = self.place
        return await self._parts.complete(root, address, timeout_s=place.timeout_s, about=place.about)

    async def _verify(self, body: bytes, keys: RememberedKeys) -> SignedGovernanceFile:
        """Check a file that came after the one held, step by step where its parties changed in between."""
        previous = self.before
        try:
            return await verify_file(body, author=self.place.author, resolve_key=keys, previous=previous)
        except ThresholdError:
            if previous is None:
                raise
        newest = await verify_file(body, author=self.place.author, resolve_key=keys)
        between = range(previous.version + 1, newest.file.version)
        if len(between) > _MAX_VERSIONS_BETWEEN:
            raise ThresholdError(
                f"version {newest.file.version} is not signed by the parties of version {previous.version}, and there "
                f"are more than {_MAX_VERSIONS_BETWEEN} versions between them"
            )
        for version in between:
            previous = await self._between(version, previous)
        return await verify_file(body, author=self.place.author, resolve_key=keys, previous=previous)

    async def _between(self, version: int, previous: VersionBefore) -> VersionBefore:
        """Return the file of a version that was missed, or `previous` if there is none of that number."""
        try:
            fetched = await self._get(self.place.beside(f"versions/{version}.jws"), MAX_JWS_BYTES)
        except NotFoundError:
            return previous
        signed = await verify_file(
            fetched.body, author=self.place.author, resolve_key=self._resolve_key, previous=previous
        )
        if signed.ref.id != previous.id or signed.file.version != version:
            raise RollbackError(f"expected version {version}, found version {signed.file.version}")
        return signed.file

    async def _refresh_statement(self) -> bool:
        """Take over a newer freshness statement (rules 4-8). Returns whether there was one."""
        held = self._held
        if held is None:
            return False
        url = self.place.beside("freshness.jws")
        fetched = await self._fetch(url, MAX_FRESHNESS_BYTES, conditional=held.statement is not None)
        if fetched is None:
            return False
        body = fetched.body
        keys = RememberedKeys(self._resolve_key)
        statement = await verify_freshness(body, author=self.place.author, resolve_key=keys, at=self._clock())
        self._check_current(statement, held.signed)
        if self._issued_at is not None and statement.iat < self._issued_at:  # rule 6
            raise RollbackError("the freshness statement served is older than the one held")
        if held.statement is not None and statement.iat == held.statement.iat:
            return False
        try:
            await self._check_history(statement, held.signed)  # rules 7, 8
        except EquivocationError:
            self._issued_at = statement.iat
            raise
        self._issued_at = statement.iat
        self._note_etag(url, fetched)
        kept = replace(held.kept, freshness_jws=body, keys={**held.kept.keys, **keys.found})
        self._held = _Held(held.signed, statement, kept)
        return True

    def _check_current(self, statement: FreshnessStatement, signed: SignedGovernanceFile) -> None:
        """Refuse a statement that does not speak of the file held (rules 4, 5)."""
        ref = signed.ref
        if statement.id == ref.id and statement.version > ref.version:  # rule 4
            if self._seen is None or statement.version > self._seen.version:
                self._seen = Seen(statement.id, statement.version, statement.digest)
            raise WithheldError(
                f"the author says that version {statement.version} is current, but version {ref.version} is served"
            )
        if self._seen is not None and self._seen.version > ref.version:  # rule 4
            raise WithheldError(
                f"the author has said that version {self._seen.version} is current, but version {ref.version} is served"
            )
        if statement.ref != ref:  # rule 5
            raise RollbackError(
                f"expected a freshness statement about version {ref.version}, found one about other bytes"
            )

    async def _check_history(self, statement: FreshnessStatement, signed: SignedGovernanceFile) -> None:
        """Refuse a history that does not go on from the one seen before (rules 7, 8)."""
        head, seen = statement.history, self._head
        if head is None:
            if seen is None:
                return
            raise EquivocationError(f"the author no longer names the history, of which {seen.size} entries were seen")
        if (head, signed.digest) == self._proven:
            return
        if not self.place.history:
            return
        url = self.place.beside("history/entries.jsonl")
        entries = (await self._get(url, MAX_HISTORY_BYTES)).body
        try:
            await asyncio.to_thread(check_history, entries, head=head, seen=seen, ref=signed.ref)
        except HistoryError as err:  # rule 1: what is served is not a history at all
            raise ResolutionError(f"the author's history could not be checked: {err.message}") from err
        self._head, self._proven = head, (head, signed.digest)

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

    def _drop_statement(self) -> None:
        """Make the file held no longer fresh (rules 4, 7, 8)."""
        if self._held is not None:
            self._held = _Held(self._held.signed, None, replace(self._held.kept, freshness_jws=None))

    async def _save(self) -> None:
        if self._held is None or self._seen is None:
            return
        kept = replace(
            self._held.kept,
            seen=self._seen,
            head=self._head,
            issued_at=self._issued_at,
            before=_who_must_sign_next(self._held.signed.file),
        )
        self._held = replace(self._held, kept=kept)
        if self._store is not None:
            await self._store.save(kept)


def _who_must_sign_next(file: GovernanceFile) -> KeptVersion | None:
    return None if file.signatories is None else KeptVersion(file.id, file.version, file.signatories)
