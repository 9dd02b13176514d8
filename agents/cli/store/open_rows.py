"""Open rows are handed over from the store of an issuer whose agent does not run: its people, or its machine, are gone.

Whoever has the store, its key and its configuration may do what an administrator does at the console (ADR 104), and
nothing else: what an office hands over with is opened on the store, without sockets, sweeps or a publisher. Nothing is
offered, signed or revoked, and no public file changes. No process of the agent can start meanwhile.

1. The store is locked, the tenant and its DID are found in it.
2. The authority is asked now. It must have named the successor, in a file that is fresh.
3. `look` says what would be handed over; nothing is changed.
4. `hand_over` ends a batch for good and writes its open rows, signed and sealed, as files. Again gives the same rows.
   It goes by what was looked at and confirmed: to that successor, and from that former one, or not at all.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from wanderbuch.agents.cli.governance.output import write_file
from wanderbuch.agents.cli.store.stopped_issuer import StoppedIssuer, batch_desk_of, opened_issuer
from wanderbuch.agents.issuer.batch_records.batch import BatchState, BatchStateError
from wanderbuch.agents.issuer.succession.handing_over import HandingOver, NoSuccessorError
from wanderbuch.agents.runtime.app import OPERATOR
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import ConfigurationError
from wanderbuch.store.records import utc_now
from wanderbuch.visible_text import visible

_LIVE: Final = (BatchState.READY, BatchState.RUNNING, BatchState.PAUSED, BatchState.HANDED_OVER)


@dataclass(frozen=True, slots=True)
class LiveBatch:
    """A batch that is not over.

    Args:
        batch: its id.
        title: what those who work with it call it.
        open_rows: how many rows have brought no credential and were not left out.
        handed_to: the DID to which it was handed over before; None: to nobody.
    """

    batch: str
    title: str
    open_rows: int
    handed_to: str | None


@dataclass(frozen=True, slots=True)
class HandOverPlan:
    """What would be handed over.

    Args:
        centre: the DID whose rows these are.
        successor: the DID of who goes on.
        name: what the authority's file calls that one.
        batches: the newest first.
    """

    centre: str
    successor: str
    name: str
    batches: tuple[LiveBatch, ...]

    @property
    def moved(self) -> tuple[LiveBatch, ...]:
        """Return the batches that were handed over to an issuer that the authority names no more."""
        return tuple(one for one in self.batches if one.handed_to not in (None, self.successor))

    def word(self) -> list[str]:
        """Return, as lines of a terminal, what somebody answers for who says that the former issuers have no row."""
        if not self.moved:
            return []
        return [
            "You answer for it that",
            *(f"  {one.handed_to} has taken over no row of {one.batch}  {visible(one.title)}" for one in self.moved),
            "Where one has taken over a row, its certificate comes twice, from two issuers.",
        ]

    def lines(self) -> list[str]:
        """Return it as lines of a terminal; names and titles are others' words, so they steer nothing there."""
        told = [f"{visible(self.name)} ({self.successor}) goes on for {self.centre}."]
        for one in self.batches:
            before = "" if one.handed_to in (None, self.successor) else f"; it was handed over to {one.handed_to}"
            told.append(f"  {one.batch}  {one.open_rows} open rows  {visible(one.title)}{before}")
        return told


@dataclass(frozen=True, slots=True)
class HandedBatch:
    """What became of a batch.

    Args:
        batch: its id.
        successor: the DID to which it was handed over.
        rows: how many open rows are in its files.
        files: where they are; none where no row is open.
    """

    batch: str
    successor: str
    rows: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Anew:
    """What lets a batch go on at another issuer than the one to which it was handed over before.

    Args:
        rows_here: what that one says that it has; None: whoever hands over says that it has none.
    """

    rows_here: bytes | None


async def plan_hand_over(config: AgentConfig, tenant: str, batches: Collection[str]) -> HandOverPlan:
    """Return what would be handed over; nothing is changed.

    Args:
        config: of the agent, which does not run.
        tenant: the issuer's.
        batches: ids of those that are wanted; none: all that are not over.

    Raises:
        ConfigurationError: as with `opened_issuer`; or a batch is none, or is over.
        WanderbuchError: as with `OpenRowsDesk.look`.
    """
    async with opened_issuer(config, tenant) as issuer:
        plan = await OpenRowsDesk(issuer).look()
    if unknown := sorted(set(batches).difference(one.batch for one in plan.batches)):
        raise ConfigurationError(
            f"{unknown[0][:64]} is no batch that could be handed over", hint="leave --batch out: then all are listed"
        )
    if not batches:
        return plan
    return replace(plan, batches=tuple(one for one in plan.batches if one.batch in batches))


async def hand_over_rows(
    config: AgentConfig, tenant: str, confirmed: HandOverPlan, to: Path, *, anew: Anew | None = None
) -> list[HandedBatch]:
    """Hand over what was confirmed, and return what became of each batch.

    Args:
        config: of the agent, which does not run.
        tenant: the issuer's.
        confirmed: what was shown to whoever hands over.
        to: a folder for the files.
        anew: as with `OpenRowsDesk.hand_over`, whose errors are these.
    """
    try:
        await asyncio.to_thread(to.mkdir, mode=0o700, parents=True, exist_ok=True)
    except OSError as err:
        raise ConfigurationError(f"the folder {to} cannot be made: {err.strerror}") from err
    async with opened_issuer(config, tenant) as issuer:
        desk = OpenRowsDesk(issuer)
        return [await desk.hand_over(one, to, successor=confirmed.successor, anew=anew) for one in confirmed.batches]


class OpenRowsDesk:
    """Hands the open rows of an issuer over whose agent does not run.

    Args:
        issuer: whose.
    """

    def __init__(self, issuer: StoppedIssuer) -> None:
        self.did = issuer.own.did
        self._standing = issuer.standing
        self._batches = batch_desk_of(issuer)
        self._handing = HandingOver(
            issuer.profile, self.did, issuer.standing, self._batches, issuer.documents.assertion_key
        )

    async def look(self) -> HandOverPlan:
        """Return what would be handed over; nothing is changed.

        Raises:
            NotReadyError: what the authority says now cannot be had.
            NoSuccessorError: it has named nobody.
        """
        snapshot = await self._standing.ask()
        if snapshot is None or not snapshot.is_fresh(utc_now()):
            raise NotReadyError("it is not known whom the authority names now: its file cannot be had")
        named = self._handing.successor()
        if named is None:
            raise NoSuccessorError
        live = []
        async for batch in self._batches.live(_LIVE):
            counts = await self._batches.counts(batch)
            open_rows = counts.waiting + counts.open + counts.locked
            live.append(LiveBatch(batch.id, batch.title, open_rows, batch.handed_to))
        successor = str(named.successor)
        return HandOverPlan(str(self.did), successor, self._handing.called(successor) or successor, tuple(live))

    async def hand_over(
        self, confirmed: LiveBatch, to: Path, *, successor: str, anew: Anew | None = None
    ) -> HandedBatch:
        """End a batch for good, and write its open rows into files in a folder; again gives the same rows.

        Args:
            confirmed: the batch as it was looked at.
            to: the folder, which is there.
            successor: the DID of who was confirmed to go on.
            anew: what lets it go on elsewhere, if it was handed over before and the authority names another one now.

        Raises:
            BatchStateError: it was handed over to another one since it was looked at.
            WanderbuchError: as with `HandingOver.hand_over` and `hand_over_anew`.
            ConfigurationError: a file cannot be written; the same again writes it.
        """
        by, batch_id = OPERATOR.id, confirmed.batch
        before = (await self._batches.get(batch_id)).handed_to
        if before not in (None, successor, confirmed.handed_to):
            raise BatchStateError(f"{batch_id} was handed over to {before} since it was looked at", hint="look again")
        if anew is not None and before not in (None, successor):
            await self._handing.hand_over_anew(batch_id, anew.rows_here, by=by, only_to=successor)
        files, rows, after = [], 0, 0
        while True:
            part = await self._handing.hand_over(batch_id, by=by, after=after, only_to=successor)
            if part.rows:
                file = to / f"open-rows-{batch_id}-{after}.json"
                write_file(file, part.sealed)
                files.append(str(file))
                rows += part.rows
            if part.next_after is None:
                return HandedBatch(batch_id, part.successor, rows, tuple(files))
            after = part.next_after
