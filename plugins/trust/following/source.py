"""Where an agent gets its governance from: fetch, check, remember, offer.

One `GovernanceSource` an agent. It fetches the signed governance file and its freshness statement, and those of the
authorities that it recognises (`recognised`), and keeps the last good copies in the wallet store, so an agent that
starts without a network still knows what it knew.

    config = GovernanceSourceConfig(url=..., author=...)
    source = GovernanceSource(config, edge=edge, resolve_key=documents.assertion_key)
    await source.attach(profile)      # loads what was kept; no network
    report = await source.refresh()   # never raises for what the network does; the report says how it went
    snapshot = source.snapshot()      # None until a first good file is there
    await source.run()                # refreshes for ever; cancel the task to stop
    await source.first_round()        # with `run` beside: until it has tried once, or takes too long

Rules for each file, in this order (applied by `trusted`, what they need fetched by `followed`):

1. What could not be fetched or checked leaves everything as it was. A divided file (`parts`) counts when all its parts
   have come.
2. A file that is not validly signed by the pinned author, and by enough of the parties that it and the version held
   name, is refused. Where versions were missed in between, each is fetched and must follow from the one before.
3. A file with a lower version than the highest seen, or with the same version and another digest, is refused.
4. A valid statement about a newer file than the one held means that a newer file is being withheld: the held one is no
   longer fresh, whatever older statements say, until the newer one comes: the version it names is the highest seen.
   (Both are fetched again first: perhaps one came before the other.)
5. Freshness counts only for the very file held: same id, version and digest.
6. A statement issued before the one seen last is refused; one from the future is refused by `verify_freshness`.
7. Where a statement names the author's history, its entries are fetched and must go on from the history seen before,
   and the version held must stand in it (`history_check`): else the file held is no longer fresh.
8. An author who once named a history does not stop doing so.

Nothing depends on who starts first. What could not be had is asked for again after about a second, then ever less often
(`pacing`), each authority's file at its own pace; and at once when a decision needs it, or when another process of this
agent has found something newer of the own authority.

So a clock that is a day behind refuses every statement, and one that is a day ahead finds every statement over: both
are told, and neither makes anything fresh. What must not go back survives a restart in the wallet store.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Reason
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.memory import SeenVersion
from wanderbuch.governance.signed.signing import KeyResolver, VersionBefore
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.lanes import own_work
from wanderbuch.plugins.trust.following.content_folder import ContentFolder
from wanderbuch.plugins.trust.following.followed import ENDED, FilePlace, FollowedFile
from wanderbuch.plugins.trust.following.news import News
from wanderbuch.plugins.trust.following.pacing import FIRST_PAUSE_S, Backoff, RefreshPace, SharedRounds
from wanderbuch.plugins.trust.following.recognised import CYCLE, TOO_SLOW, RecognisedFiles, Visit
from wanderbuch.plugins.trust.following.refreshing import RefreshAttempt, RefreshOutcome, RefreshReport

LOGGER = logging.getLogger(__name__)

__all__ = ["GovernanceSource", "GovernanceSourceConfig", "RefreshOutcome", "RefreshReport"]

_SWEEP: Final = timedelta(hours=1)
_FIRST_ROUND_S: Final = 10.0
# How soon after the last try another authority's file is asked for again because a decision needs it.
_HURRY_S: Final = 30.0
# The same where news of other processes may have been missed: while nothing can be heard, that is so each second.
_MISSED_S: Final = 10.0
_FOR_THE_REPORT: Final = frozenset({CYCLE, ENDED})  # neither tells a reader of a decision anything that it does not say


@dataclass(frozen=True, slots=True)
class GovernanceSourceConfig:
    """Where the governance file lies and whose signature it must carry.

    Args:
        url: the folder of the files, without a trailing slash; `current.jws` and `freshness.jws` lie in it.
        author: the pinned DID; a file by anyone else is refused.
        refresh_every: the longest time between two refreshes; a statement that ends sooner brings the next one forward.
        timeout_s: for each download.
        folder: where large files and parts are kept; None keeps them in the wallet store and in memory.
        about: of divided files, read only the parts in which these stand: for questions about these alone.
        history: whether to fetch and check the authors' histories; a staple carries none.
        ask_again: how often the author is asked, at most, because somebody needs what is not held.
    """

    url: str
    author: Did
    refresh_every: timedelta = timedelta(minutes=5)
    timeout_s: float = 10.0
    folder: Path | None = None
    about: tuple[Did, ...] | None = None
    history: bool = True
    ask_again: timedelta = timedelta(seconds=1)


class GovernanceSource:
    """The governance an agent rests its decisions on."""

    def __init__(
        self,
        config: GovernanceSourceConfig,
        *,
        edge: HttpEdge,
        resolve_key: KeyResolver,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seen: Mapping[Did, SeenVersion] | None = None,
        before: Mapping[Did, VersionBefore] | None = None,
    ) -> None:
        """Prepare a source; nothing is read yet.

        Args:
            config: what to fetch and whose it must be.
            edge: the way out to the network; stays open, its owner closes it.
            resolve_key: gives the key of a DID URL that stands in the DID's assertionMethod now.
            clock: the instant now, aware UTC.
            seen: the highest versions that another source has seen, by author.
            before: the versions that another source knows, by author: their parties have a say in newer versions.
        """
        self._seen_elsewhere = dict(seen or {})
        self._held_elsewhere = dict(before or {})
        self.config = config
        self._edge = edge
        self._resolve_key = resolve_key
        self._clock = clock
        self._folder = ContentFolder(config.folder) if config.folder is not None else None
        self._profile: Profile | None = None
        self._news: News | None = None
        self._home = self._follow(config.author, f"{config.url}/current.jws")
        self._recognised = RecognisedFiles(self._follow, clock=clock)
        self._snapshot: GovernanceSnapshot | None = None
        self._made_of: tuple[object, object, object] = (None, None, None)  # what `_snapshot` was made of
        self._report: RefreshReport | None = None
        self._swept_at: datetime | None = None
        self._told: tuple[Reason, ...] = ()
        self._lock = asyncio.Lock()
        self._following = asyncio.Lock()  # taken before the other, where both are
        self._pace = self._new_pace()
        self._paces: dict[Did, RefreshPace] = {}  # of the others
        self._wake = asyncio.Event()
        self._tried = asyncio.Event()  # every file, once
        apart_s = config.ask_again.total_seconds()
        self._needed = SharedRounds(self._refresh_if_needed, apart_s=apart_s)
        self._asked = SharedRounds(self._refresh_own, apart_s=apart_s)

    @property
    def last_report(self) -> RefreshReport | None:
        """How the latest refresh went; None before the first."""
        return self._report

    def snapshot(self) -> GovernanceSnapshot | None:
        """Return what decisions may rest on now; None until a first good file is there.

        It is the same object until something changes.
        """
        reasons = self._report.reasons if self._report else ()
        home, recognised = self._home.snapshot, self._recognised.snapshots()
        made_of = (home, recognised, reasons)
        if any(new is not old for new, old in zip(made_of, self._made_of, strict=True)):
            notes = tuple(reason for reason in reasons if reason.code not in _FOR_THE_REPORT)
            self._made_of = made_of
            self._snapshot = home and replace(home, notes=notes, recognised=recognised)
        return self._snapshot

    @property
    def seen(self) -> Mapping[Did, SeenVersion]:
        """The highest versions that were ever seen, by author: what nobody can make us go back behind."""
        home = self._home.seen
        return self._recognised.seen | ({} if home is None else {self.config.author: home})

    @property
    def before(self) -> Mapping[Did, VersionBefore]:
        """By author, the newest version of which it is known who must sign what follows."""
        home = self._home.before
        return self._recognised.before | ({} if home is None else {self.config.author: home})

    async def files_about(self, author: Did, did: Did) -> dict[str, bytes]:
        """Return the files of one authority that prove what is held about a participant, by address.

        Raises:
            ResolutionError: they are not held.
        """
        followed = self._home if author == self.config.author else self._recognised.get(author)
        if followed is None:
            raise ResolutionError(f"no file of {author} is held")
        return await followed.files_about(did)

    async def current(self) -> GovernanceSnapshot | None:
        """Return what decisions may rest on now, asked for again first if there is none or it is no longer fresh.

        However many ask at once, the authority is asked once, and not more often than once a second. Only an answer to
        what was asked after this call counts as a no: the authority may have published meanwhile. Other authorities are
        waited for only the first time: one that cannot be reached must not delay every decision. It is asked again
        beside.
        """
        if not self._is_fresh():
            await self._in_time(self._needed.join())
        if not self._tried.is_set() and self._following.locked():
            await self._in_time(self._tried.wait())
        if self._hurry_others():
            self._wake.set()
        return self.snapshot()

    async def ask(self) -> GovernanceSnapshot | None:
        """Ask the own authority now, also if what is held is fresh: it may have changed its mind since.

        As with `current`, many that ask at once make one request, and not more often than once a second.
        """
        await self._in_time(self._asked.join())
        return self.snapshot()

    async def first_round(self) -> None:
        """Wait until every file was asked for once, but no longer than a silent host may hold up a start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_ROUND_S):
                await self._tried.wait()

    async def attach(self, profile: Profile) -> None:
        """Keep in `profile`'s wallet store from now on, and load what was kept there."""
        async with self._following, self._lock:
            self._profile = profile
            self._news = News(profile, self.config.author, self._heard)
            await self._home.attach(profile)
            if self._home.signed is not None:
                await self._recognised.visit(self._home.signed.file, self._load)

    async def refresh(self) -> RefreshReport:
        """Fetch and check the files and their freshness statements.

        Never raises for what the network or the other side does: a failed refresh leaves the good copies in place.
        """
        return await self._refresh(self._update)

    async def run(self) -> None:
        """Fetch each file again when it is due: sooner as its freshness runs out and after a failure.

        Ends only by cancellation: whatever a file sets off is logged, and tried again later.
        """
        faults = Backoff(longest_s=self.config.refresh_every.total_seconds())
        while True:
            self._wake.clear()
            try:
                if self._pace.due_at <= asyncio.get_running_loop().time():
                    await self._refresh(self._update_due)
                else:
                    await self._follow_others(self._update_due)
                pause_s = self._until_due()
                faults.succeeded()
            except Exception:
                LOGGER.exception("governance refresh failed")
                pause_s = faults.failed()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def _refresh(self, visit: Visit | None) -> RefreshReport:
        """Fetch the own file, then with `visit` those of the others; None: leave them."""
        with own_work():  # also where a stranger's message made us ask
            return await self._fetch(visit)

    async def _fetch(self, visit: Visit | None) -> RefreshReport:
        began = asyncio.get_running_loop().time()
        with own_work():  # also where a stranger's message made us ask
            async with self._lock:
                attempt = await self._home.refresh()
                self._note(self._pace, self._home, attempt, began)
            if attempt.changed and self._news is not None:
                await self._news.tell(self._known())
        if visit is None:
            if attempt.changed:  # it may name others
                self._wake.set()
            return self._conclude(attempt)
        # Not under the same lock: a recognised authority that is slow must not keep the own file from being fresh.
        await self._visit(visit)
        report = self._conclude(attempt)
        self._tried.set()
        return report

    async def _follow_others(self, visit: Visit) -> None:
        await self._visit(visit)
        if self._report is not None:
            own = RefreshAttempt(reasons=list(self._pace.reasons))
            self._conclude(own, outcome=self._report.outcome)

    async def _visit(self, visit: Visit) -> None:
        home = self._home.signed
        if home is None:
            return
        async with self._following:
            with own_work():
                self._told = await self._recognised.visit(home.file, visit)
            self._paces = {did: pace for did, pace in self._paces.items() if self._recognised.get(did) is not None}
            async with self._lock:
                await self._sweep()

    async def _refresh_if_needed(self) -> None:
        async with self._lock:  # a refresh that is under way may bring what is needed
            is_fresh = self._is_fresh()
        if not is_fresh:
            await self._refresh(self._update_due if self._home.signed is None else None)

    async def _refresh_own(self) -> None:
        await self._refresh(None)

    async def _in_time(self, waited_for: Awaitable[object]) -> None:
        """Wait, but no longer than for both files of a host that says nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * self.config.timeout_s):
                await waited_for

    async def _sweep(self) -> None:
        """Remove from the folder, once an hour, what no file held needs any more."""
        at = self._clock()
        if self._folder is None or (self._swept_at is not None and self._swept_at <= at < self._swept_at + _SWEEP):
            return
        self._swept_at = at
        await self._folder.sweep(self._home.contents | self._recognised.contents, at)

    async def _load(self, followed: FollowedFile) -> tuple[Reason, ...]:
        if self._profile is not None:
            await followed.attach(self._profile)
        return ()

    async def _update(self, followed: FollowedFile) -> tuple[Reason, ...]:
        if not followed.is_attached:
            await self._load(followed)
        pace = self._paces.setdefault(followed.place.author, self._new_pace())
        at = asyncio.get_running_loop().time()
        try:
            attempt = await followed.refresh()
        except asyncio.CancelledError:  # it takes too long
            pace.failed(asyncio.get_running_loop().time(), (TOO_SLOW,))
            raise
        self._note(pace, followed, attempt, at)
        return pace.reasons

    async def _update_due(self, followed: FollowedFile) -> tuple[Reason, ...]:
        pace = self._paces.get(followed.place.author)
        if pace is not None and pace.due_at > asyncio.get_running_loop().time():
            return pace.reasons
        return await self._update(followed)

    def _note(self, pace: RefreshPace, followed: FollowedFile, attempt: RefreshAttempt, at: float) -> None:
        """Say when a file is due again: after half of its remaining freshness or, without any, as `Backoff` does."""
        reasons, now = tuple(attempt.reasons), self._clock()
        if attempt.failure is not None or followed.statement is None or followed.statement.exp <= now:
            pace.failed(at, reasons)
            return
        half = (followed.statement.exp - now) / 2
        again = min(self.config.refresh_every, max(half, timedelta(seconds=FIRST_PAUSE_S)))
        pace.succeeded(at, reasons, again_s=again.total_seconds())

    def _new_pace(self) -> RefreshPace:
        return RefreshPace(Backoff(longest_s=self.config.refresh_every.total_seconds()))

    def _until_due(self) -> float:
        """Return for how many seconds nothing is due."""
        due_at = min(pace.due_at for pace in (self._pace, *self._paces.values()))
        return max(0.0, due_at - asyncio.get_running_loop().time())

    def _known(self) -> tuple[int, int]:
        """Return what grows with each file and each statement of the own authority."""
        home = self._home
        until = 0 if home.statement is None else int(home.statement.exp.timestamp())
        return 0 if home.signed is None else home.signed.file.version, until

    def _heard(self, known: tuple[int, int] | None) -> None:
        """Take it that another process knows this; None: something that was not heard."""
        if known is None or known > self._known():
            self._pace.hurry(apart_s=_MISSED_S if known is None else 0.0)
            self._wake.set()

    def _is_fresh(self) -> bool:
        snapshot = self._home.snapshot
        return snapshot is not None and snapshot.is_fresh(self._clock())

    def _hurry_others(self) -> bool:
        """Bring forward the others of whom nothing is held that can be rested on; return whether there are any."""
        at, snapshots, are_some_stale = self._clock(), self._recognised.snapshots(), False
        for did, pace in self._paces.items():
            if did not in snapshots or not snapshots[did].is_fresh(at):
                pace.hurry(apart_s=_HURRY_S)
                are_some_stale = True
        return are_some_stale

    def _follow(self, author: Did, file_url: str) -> FollowedFile:
        return FollowedFile(
            FilePlace(file_url, author, self.config.timeout_s, self.config.about, self.config.history),
            edge=self._edge,
            resolve_key=self._resolve_key,
            clock=self._clock,
            folder=self._folder,
            seen=self._seen_elsewhere.get(author),
            before=self._held_elsewhere.get(author),
        )

    def _conclude(self, attempt: RefreshAttempt, *, outcome: RefreshOutcome | None = None) -> RefreshReport:
        at, home = self._clock(), self._home
        others = (other.fresh_until for other in self._recognised.snapshots().values() if other.is_fresh(at))
        before = self._report.reasons if self._report else ()
        self._report = RefreshReport(
            outcome=outcome or attempt.outcome,
            reasons=(*attempt.reasons, *self._told),
            governance=home.signed.ref if home.signed else None,
            fresh_until=home.statement.exp if home.statement else None,
            at=at,
            recognised_fresh_until=min((until for until in others if until is not None), default=None),
        )
        for reason in self._report.reasons:
            if reason not in before:  # once, when it begins
                LOGGER.warning("governance refresh: %s: %s", reason.code, reason.text)
        return self._report
