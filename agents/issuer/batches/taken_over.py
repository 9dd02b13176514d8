"""Which rows of other centres are here already, so that each goes on once (`issuer.succession`).

A row is here while the batch that took it over may still issue it, and for good once it brought a credential, or a
clerk has left it out. Of a batch that was cancelled nothing else is here: the same file brings it again. Whoever makes
sure of that has each of these rows in its turn, so a claim that was under way when the batch was cancelled has ended.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import RowState, state_in
from wanderbuch.agents.issuer.batch_records.taken_rows import TakenRows, claim_mark
from wanderbuch.agents.issuer.batches.claiming import SlipDesk
from wanderbuch.agents.issuer.batches.row_desk import RowDesk
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import RecordStore

_OVER = (RowState.ISSUED, RowState.LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Taken:
    """Whose rows are taken over.

    Args:
        centre: the DID of the other centre.
        of_batch: id of their batch there.
        claims: number of a row there -> its claim there.
    """

    centre: str
    of_batch: str
    claims: Mapping[int, Mapping[str, str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TakenMark:
    """That a row was taken over.

    Args:
        batch: ours; None: it is gone, and nothing tells its claim from another.
        mark: what its claim was (`claim_mark`).
        is_here: nobody takes it over again; else its batch was cancelled before anything came of it.
    """

    batch: Batch | None
    mark: str
    is_here: bool


class TakenOver:
    """The rows that one issuer has taken over.

    Args:
        profile: of the issuer.
        claiming: where their slips are claimed.
        row_desk: has rows in their turn.
    """

    def __init__(self, profile: Profile, claiming: SlipDesk, row_desk: RowDesk) -> None:
        self._profile = profile
        self._taken = RecordStore(profile, TakenRows)
        self._batches = RecordStore(profile, Batch)
        self._claiming = claiming
        self._row_desk = row_desk

    def step(self, centre: str) -> AbstractAsyncContextManager[None]:
        """Return what is held, by one of all processes, while something is done with what was a centre's."""
        return one_step(self._profile, f"take-over.{centre}")

    async def note(self, batch: Batch, taken: Taken) -> None:
        """Keep which rows a batch takes over, before it is whole; again changes nothing."""
        marks = {number: claim_mark(batch, claim) for number, claim in taken.claims.items()}
        record = TakenRows(id=batch.id, centre=taken.centre, of_batch=taken.of_batch, rows=marks)
        with suppress(DuplicateError):
            await self._taken.insert(record)

    async def forget(self, batch_id: str) -> None:
        """Forget a batch that was never whole."""
        await self._taken.remove(batch_id)

    async def centres(self) -> Sequence[str]:
        """Return the DIDs of the centres of which rows were taken over."""
        return sorted({taken.centre async for taken in self._taken.every()})

    async def half_taken(self, centre: str) -> Sequence[Batch]:
        """Return the batches with rows of a centre that a crash left half written."""
        batches = [await self._batches.get_or_none(taken.id) for taken in await self._taken.find(centre=centre)]
        return [batch for batch in batches if batch is not None and batch.state is BatchState.WRITING]

    async def marks(
        self, centre: str, of_batch: str, numbers: Collection[int], *, for_good: bool
    ) -> Mapping[int, TakenMark]:
        """Return which rows of a centre's batch were taken over; what is half taken does not count.

        Args:
            centre: its DID.
            of_batch: id of the batch there.
            numbers: of the rows there.
            for_good: whoever asks holds the step of that centre, and goes by what is no longer here; else it is only
                looked at.
        """
        marks: dict[int, TakenMark] = {}
        for taken in await self._taken.find(centre=centre):
            batch = await self._batches.get_or_none(taken.id)
            if taken.of_batch != of_batch or (batch is not None and batch.state is BatchState.WRITING):
                continue
            named = [number for number in taken.rows if number in numbers]
            gone = await self._gone(taken, batch, named, for_good=for_good)
            for number in named:
                if number not in marks or not marks[number].is_here:
                    marks[number] = TakenMark(batch, taken.rows[number], number not in gone)
        return marks

    async def here(self, centre: str) -> Mapping[str, Sequence[int]]:
        """Return all rows of a centre that are here, by batch there; whoever asks holds the step of that centre."""
        here: dict[str, set[int]] = {}
        for taken in await self._taken.find(centre=centre):
            marks = await self.marks(centre, taken.of_batch, taken.rows.keys(), for_good=True)
            here.setdefault(taken.of_batch, set()).update(number for number, mark in marks.items() if mark.is_here)
        return {of_batch: sorted(numbers) for of_batch, numbers in sorted(here.items()) if numbers}

    async def let_go(self, batch: Batch) -> None:
        """Keep of a batch that was cancelled, and is about to be removed, only what is here for good.

        Whoever calls holds the step of its centre: nobody looks at rows that are half removed.
        """
        taken = await self._taken.get_or_none(batch.id)
        if taken is None or taken.is_last or batch.state is not BatchState.CANCELLED:
            return
        gone = await self._gone(taken, batch, list(taken.rows), for_good=True)
        left = {number: mark for number, mark in taken.rows.items() if number not in gone}
        await self._taken.change(batch.id, lambda kept: kept.model_copy(update={"rows": left, "is_last": True}))

    async def _gone(
        self, taken: TakenRows, batch: Batch | None, numbers: Sequence[int], *, for_good: bool
    ) -> Collection[int]:
        """Return which rows nothing came of: of a batch that was cancelled, and is still kept whole."""
        if batch is None or batch.state is not BatchState.CANCELLED or taken.is_last:
            return ()
        if for_good:
            return {number for number in numbers if await self._row_desk.is_let_go(batch, number)}
        over = [
            row.number for state in _OVER async for row in self._claiming.rows.every(state=state_in(batch.id, state))
        ]
        return set(numbers).difference(over)
