"""Where an agent gets its governance from: fetch, check, remember, offer.

One `GovernanceSource` an agent. It fetches the signed governance file and its freshness statement, and keeps the last
good copy in the wallet store, so an agent that starts without a network still knows what it knew.

    config = GovernanceSourceConfig(url=..., author=...)
    source = GovernanceSource(config, edge=edge, resolve_key=documents.assertion_key)
    await source.attach(profile)      # loads what was kept; no network
    report = await source.refresh()   # never raises for what the network does; the report says how it went
    snapshot = source.snapshot()      # None until a first good file is there
    await source.run()                # refreshes for ever; cancel the task to stop

Rules, in this order:

1. What could not be fetched or checked leaves everything as it was.
2. A file that is not validly signed by the pinned author is refused.
3. A file with a lower version than the highest seen, or with the same version and another digest, is refused.
4. A valid statement about a newer file than the one held means that a newer file is being withheld: the held one is no
   longer fresh, whatever older statements say, until the newer one comes: the version it names is the highest seen.
   (Both are fetched again first: perhaps one came before the other.)
5. Freshness counts only for the very file held: same id, version and digest.
6. A statement issued before the one held is refused; one from the future is refused by `verify_freshness`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

from acapy_agent.core.profile import Profile

from wanderbuch.errors import GovernanceError, ResolutionError, WanderbuchError
from wanderbuch.governance.freshness import MAX_FRESHNESS_BYTES, FreshnessStatement, snapshot_of, verify_freshness
from wanderbuch.governance.identifiers import Did, DidUrl
from wanderbuch.governance.memory import RollbackError, Seen, accept
from wanderbuch.governance.question import GovernanceRef, Reason
from wanderbuch.governance.signing import MAX_JWS_BYTES, KeyResolver, SignedGovernanceFile, verify_file
from wanderbuch.governance.snapshot import GovernanceSnapshot
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.kept import KeptGovernance, WalletGovernanceStore

LOGGER = logging.getLogger(__name__)

_FIRST_RETRY = timedelta(seconds=5)
_ASK_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class GovernanceSourceConfig:
    """Where the governance file lies and whose signature it must carry.

    Args:
        url: the folder of the files, without a trailing slash; `current.jws` and `freshness.jws` lie in it.
        author: the pinned DID; a file by anyone else is refused.
        refresh_every: the longest time between two refreshes; a statement that ends sooner brings the next one forward.
        timeout_s: for each download.
    """

    url: str
    author: Did
    refresh_every: timedelta = timedelta(minutes=5)
    timeout_s: float = 10.0


class RefreshOutcome(Enum):
    """How a refresh ended."""

    UPDATED = "UPDATED"  # a newer file, or a newer statement about the file held
    UNCHANGED = "UNCHANGED"
    UNREACHABLE = "UNREACHABLE"  # could not be fetched or checked
    REFUSED = "REFUSED"  # fetched, checked and refused


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did, and what the agent holds after it."""

    outcome: RefreshOutcome
    reasons: tuple[Reason, ...]
    governance: GovernanceRef | None
    fresh_until: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class _Held:
    """A checked file, the newest checked statement about it, and the texts and keys they were checked with."""

    signed: SignedGovernanceFile
    statement: FreshnessStatement | None
    kept: KeptGovernance


class GovernanceSource:
    """The governance file an agent rests its decisions on."""

    def __init__(
        self,
        config: GovernanceSourceConfig,
        *,
        edge: HttpEdge,
        resolve_key: KeyResolver,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Prepare a source; nothing is read yet.

        Args:
            config: what to fetch and whose it must be.
            edge: the way out to the network; stays open, its owner closes it.
            resolve_key: gives the key of a DID URL that stands in the DID's assertionMethod now.
            clock: the instant now, aware UTC.
        """
        self.config = config
        self._edge = edge
        self._resolve_key = resolve_key
        self._clock = clock
        self._store: WalletGovernanceStore | None = None
        self._held: _Held | None = None
        self._seen: Seen | None = None
        self._etag: str | None = None
        self._report: RefreshReport | None = None
        self._lock = asyncio.Lock()
        self._asking = asyncio.Lock()

    @property
    def last_report(self) -> RefreshReport | None:
        """How the latest refresh went; None before the first."""
        return self._report

    def snapshot(self) -> GovernanceSnapshot | None:
        """Return what decisions may rest on now; None until a first good file is there."""
        if self._held is None:
            return None
        notes = self._report.reasons if self._report else ()
        return snapshot_of(self._held.signed, self._held.statement, notes=notes)

    async def current(self) -> GovernanceSnapshot | None:
        """Return what decisions may rest on now, asked for again first if there is none or it is no longer fresh.

        However many ask at once, the authority is asked once, and not again within a second of the last answer.
        """
        if self._must_ask():
            async with self._asking:
                if self._must_ask():
                    await self.refresh()
        return self.snapshot()

    async def attach(self, profile: Profile) -> None:
        """Keep in `profile`'s wallet store from now on, and load what was kept there."""
        async with self._lock:
            self._store = WalletGovernanceStore(profile, self.config.author)
            await self._load()

    async def refresh(self) -> RefreshReport:
        """Fetch and check the file and its freshness statement.

        Never raises for what the network or the other side does: a failed refresh leaves the good copy in place.
        """
        async with self._lock:
            await self._load()
            attempt = await self._attempt()
            if attempt.withheld:  # rule 4: perhaps a new version was published between the two downloads
                attempt = await self._attempt()
            if attempt.withheld:
                self._drop_statement()
            if attempt.changed or attempt.withheld:
                await self._save()
            return self._conclude(attempt)

    def _must_ask(self) -> bool:
        """Say whether what is held can not be rested on, and the last answer is old enough to ask again."""
        at, held = self._clock(), self.snapshot()
        if held is not None and held.is_fresh(at):
            return False
        return self._report is None or not self._report.at <= at < self._report.at + _ASK_AGAIN

    async def run(self) -> None:
        """Refresh again and again, sooner as freshness runs out and after a failure; ends only by cancellation."""
        failures = 0
        while True:
            report = await self.refresh()
            failures = failures + 1 if report.outcome in (RefreshOutcome.UNREACHABLE, RefreshOutcome.REFUSED) else 0
            await asyncio.sleep(self._pause(report, failures).total_seconds())

    def _pause(self, report: RefreshReport, failures: int) -> timedelta:
        """Return how long to wait: half of the remaining freshness; after failures a time that doubles."""
        limit = self.config.refresh_every
        if failures:
            return min(limit, _FIRST_RETRY * (1 << min(failures - 1, 10)))
        if report.fresh_until is None:
            return min(limit, _FIRST_RETRY)
        remaining = (report.fresh_until - report.at) / 2
        return min(limit, max(remaining, timedelta(seconds=1)))

    async def _attempt(self) -> "_Attempt":
        """Fetch and check both files once."""
        attempt = _Attempt()
        for step in (self._refresh_file, self._refresh_statement):
            try:
                attempt.changed |= await step()
            except ResolutionError as err:  # rule 1
                attempt.note(RefreshOutcome.UNREACHABLE, "governance.unreachable", err)
            except RollbackError as err:
                attempt.note(RefreshOutcome.REFUSED, "governance.rollback", err)
            except _WithheldError as err:
                attempt.withheld = True
                attempt.note(RefreshOutcome.REFUSED, "governance.withheld", err)
            except GovernanceError as err:
                attempt.note(RefreshOutcome.REFUSED, "governance.refused", err)
        return attempt

    async def _refresh_file(self) -> bool:
        """Take over a newer file (rules 1-3). Returns whether there was one."""
        fetched = await self._fetch("current.jws", MAX_JWS_BYTES, self._etag if self._held else None)
        if fetched is None:
            return False
        body, etag = fetched
        if self._held is not None and body == self._held.signed.jws:
            self._etag = etag
            return False
        keys = _RememberedKeys(self._resolve_key)
        signed = await verify_file(body, author=self.config.author, resolve_key=keys)  # rule 2
        self._seen = accept(self._seen, signed)  # rule 3
        self._etag = etag
        kept = KeptGovernance(seen=self._seen, file_jws=body, keys=keys.found)
        self._held = _Held(signed, None, kept)
        return True

    async def _refresh_statement(self) -> bool:
        """Take over a newer freshness statement (rules 4-6). Returns whether there was one."""
        if self._held is None:
            return False
        fetched = await self._fetch("freshness.jws", MAX_FRESHNESS_BYTES, None)
        if fetched is None:
            return False
        body, _ = fetched
        held = self._held
        keys = _RememberedKeys(self._resolve_key)
        statement = await verify_freshness(body, author=self.config.author, resolve_key=keys, at=self._clock())
        ref = held.signed.ref
        if statement.id == ref.id and statement.version > ref.version:  # rule 4
            if self._seen is None or statement.version > self._seen.version:
                self._seen = Seen(statement.id, statement.version, statement.digest)
            raise _WithheldError(
                f"the author says that version {statement.version} is current, but version {ref.version} is served"
            )
        if self._seen is not None and self._seen.version > ref.version:  # rule 4
            raise _WithheldError(
                f"the author has said that version {self._seen.version} is current, but version {ref.version} is served"
            )
        if statement.ref != ref:  # rule 5
            raise RollbackError(
                f"expected a freshness statement about version {ref.version}, found one about other bytes"
            )
        if held.statement is not None and statement.iat <= held.statement.iat:  # rule 6
            if statement.iat < held.statement.iat:
                raise RollbackError("the freshness statement served is older than the one held")
            return False
        kept = replace(held.kept, freshness_jws=body, keys={**held.kept.keys, **keys.found})
        self._held = _Held(held.signed, statement, kept)
        return True

    async def _fetch(self, name: str, max_bytes: int, etag: str | None) -> tuple[bytes, str | None] | None:
        """Return a file's bytes and etag; None if it is as it was.

        Raises:
            ResolutionError: it could not be had.
        """
        url = f"{self.config.url}/{name}"
        fetched = await self._edge.get(url, max_bytes=max_bytes, timeout_s=self.config.timeout_s, etag=etag)
        if fetched.status == 304 and etag is not None:
            return None
        return fetched.body, fetched.etag

    async def _load(self) -> None:
        """Take over what the wallet store holds, if it is newer: another process of this agent may have been faster."""
        if self._store is None or (kept := await self._store.load()) is None:
            return
        if self._seen is None or kept.seen.version > self._seen.version:
            self._seen = kept.seen
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
        signed = await verify_file(kept.file_jws, author=self.config.author, resolve_key=kept.resolve_key)
        statement = None
        if kept.freshness_jws is not None:
            statement = await verify_freshness(
                kept.freshness_jws, author=self.config.author, resolve_key=kept.resolve_key, at=self._clock()
            )
        return _Held(signed, statement, kept)

    def _drop_statement(self) -> None:
        """Make the file held no longer fresh (rule 4)."""
        if self._held is not None and self._seen is not None:
            kept = replace(self._held.kept, seen=self._seen, freshness_jws=None)
            self._held = _Held(self._held.signed, None, kept)

    async def _save(self) -> None:
        if self._store is not None and self._held is not None:
            await self._store.save(self._held.kept)

    def _conclude(self, attempt: "_Attempt") -> RefreshReport:
        changed = RefreshOutcome.UPDATED if attempt.changed else RefreshOutcome.UNCHANGED
        held = self._held
        self._report = RefreshReport(
            outcome=attempt.failure or changed,
            reasons=tuple(attempt.reasons),
            governance=held.signed.ref if held else None,
            fresh_until=held.statement.exp if held and held.statement else None,
            at=self._clock(),
        )
        for reason in attempt.reasons:
            LOGGER.warning("governance refresh: %s: %s", reason.code, reason.text)
        return self._report


@dataclass(slots=True)
class _Attempt:
    """What one round of downloads led to."""

    changed: bool = False
    withheld: bool = False
    failure: RefreshOutcome | None = None
    reasons: list[Reason] = field(default_factory=list)

    def note(self, outcome: RefreshOutcome, code: str, err: WanderbuchError) -> None:
        """Remember what went wrong; a refusal weighs more than a failure to reach."""
        self.failure = RefreshOutcome.REFUSED if RefreshOutcome.REFUSED in (self.failure, outcome) else outcome
        self.reasons.append(Reason(code, err.message))


class _WithheldError(GovernanceError):
    """A valid statement names a newer file than the one that is served."""


class _RememberedKeys:
    """A key resolver that remembers what it found, so that a kept file can be opened again without a network."""

    def __init__(self, resolve_key: KeyResolver) -> None:
        self._resolve_key = resolve_key
        self.found: dict[DidUrl, bytes] = {}

    async def __call__(self, did_url: DidUrl) -> bytes:
        key = await self._resolve_key(did_url)
        self.found[did_url] = key
        return key
