"""What a clerk does with batches: make, start, pause, resume, cancel, look; one row of them is `row_desk`'s.

A batch is made in these steps; nobody sees it before the last, and each may be done again:

1. The list has nothing left to look at, but for rows that the clerk names to be left out; and it is the list that was
   looked at, if its digest was given.
2. No other batch has exactly these claims, unless that is wanted.
3. The batch is noted as being written, its claims are kept, then it is READY.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.batch_records.batch import (
    MOST_BATCHES,
    SEEN,
    Access,
    Batch,
    BatchState,
    BatchStateError,
    SameListError,
    batch_events,
)
from wanderbuch.agents.issuer.batch_records.row import MAY_HAVE_OPEN, BatchRow, RowState, state_in
from wanderbuch.agents.issuer.batch_records.slips import own_number
from wanderbuch.agents.issuer.batches.batch_plan import BatchPlan, check_fact
from wanderbuch.agents.issuer.batches.claiming import SlipDesk
from wanderbuch.agents.issuer.batches.claims import (
    first_numbers,
    read_claim,
    read_claims,
    remove_claims,
    write_claims,
)
from wanderbuch.agents.issuer.batches.gateway import must_reach_from_afar
from wanderbuch.agents.issuer.batches.reached import (
    Contacts,
    read_contacts,
    remove_contacts,
    write_contacts,
)
from wanderbuch.agents.issuer.batches.row_desk import ENDED, RowDesk
from wanderbuch.agents.issuer.batches.slip_rows import KeptSlipRows
from wanderbuch.agents.issuer.batches.taken_over import Taken, TakenOver
from wanderbuch.agents.issuer.class_list.contacts import is_reached
from wanderbuch.agents.issuer.class_list.listed import NUMBER, ClassList, ClassRow, claims_digest
from wanderbuch.agents.issuer.consent import remove_consents
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.errors import ExchangeError
from wanderbuch.faults import describe
from wanderbuch.schemas.credential_type import CredentialType
from wanderbuch.store.errors import DuplicateError, LeaseBusyError, NotFoundError, StoreError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import Page, RecordStore, new_id, utc_now
from wanderbuch.store.telling import Teller

LOGGER = logging.getLogger(__name__)
_SECRET_BYTES: Final = 32
_NO_WAIT: Final = 0.0
_PAGE: Final = 200


class ListNotReadyError(ExchangeError):
    """A list has rows that must be looked at, or nothing that is ready."""

    code = "exchange.list_not_ready"
    members: Mapping[str, Any] = MappingProxyType({})
    """The findings, where whoever asked is told them."""


class ListChangedError(ExchangeError):
    """The list is not the one that was looked at."""

    code = "exchange.list_changed"


class OtherSuccessorError(BatchStateError):
    """The batch was handed over to another issuer than the one that the authority names now."""

    code = "exchange.other_successor"

    def __init__(self, handed_to: str | None) -> None:
        super().__init__(
            f"this batch was handed over to {handed_to}, and the authority names another issuer now",
            hint="hand it over anew, with what that issuer says that it has taken over",
        )
        self.members = {"handed_to": handed_to}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of a batch stand where."""

    waiting: int
    open: int
    issued: int
    locked: int
    left_out: int


class BatchDesk:
    """The batches of one issuer. What people do with them is written down by their ids (`ActLog`).

    Args:
        profile: of the issuer.
        claiming: where slips are claimed.
        log: of who did what; by default it is opened here.
    """

    def __init__(self, profile: Profile, claiming: SlipDesk, log: ActLog | None = None) -> None:
        self.log = log or ActLog(profile)
        self._profile = profile
        self._batches = RecordStore(profile, Batch)
        self._teller = Teller(profile, Batch, batch_events, records=self._batches)
        self.claiming = claiming
        self.row_desk = RowDesk(profile, claiming, self.log)
        self.taken = TakenOver(profile, claiming, self.row_desk)
        claiming.numbers.rows = KeptSlipRows(profile)

    async def make(
        self, listed: ClassList, kind: CredentialType, plan: BatchPlan, batch_id: str | None, *, by: str | None = None
    ) -> Batch:
        """Make a batch of a class list.

        Args:
            listed: the list, as it is now.
            kind: the credential type.
            plan: how it is given out.
            batch_id: its id; None: a fresh one.
            by: id of who makes it.

        Raises:
            ListNotReadyError: rows are left to look at, or none is ready.
            ListChangedError: it is another list than the one that was looked at.
            SameListError: another batch has these claims.
            NumberTakenError: other certificates have numbers of these rows.
            BatchStateError: there are as many batches as may be.
            ExchangeError: the fact is none that a person knows.
        """
        batch_id = batch_id or new_id()
        check_fact(plan, kind)
        open_rows = [number for number in listed.to_look_at if number not in plan.leave_out]
        if not listed.is_whole or open_rows or not listed.rows:  # 1
            shown = ", ".join(str(number) for number in open_rows[:20])
            left = f"{len(open_rows)} row(s): {shown}" if listed.is_whole else "mistakes that are about all of its rows"
            raise ListNotReadyError(
                f"expected a list with nothing left to look at, found {left}",
                hint="correct the list, answer its questions, or name the rows in leave_out",
            )
        if plan.digest is not None and plan.digest != listed.seen_digest:
            raise ListChangedError(
                "the list is not the one that was looked at: a row, or what may be attested, has changed",
                hint="look at it again",
            )
        async with one_step(self._profile, f"batch-list.{listed.digest}"):
            batch = await self._kept(batch_id, listed.rows, kind, plan)
        if by is not None:
            await self.log.note(Act.BATCH_MADE, by=by, what=batch.id, key=f"{Act.BATCH_MADE}.{batch.id}")
        return batch

    async def take(
        self, batch_id: str, rows: Sequence[ClassRow], kind: CredentialType, plan: BatchPlan, taken: Taken, *, by: str
    ) -> Batch:
        """Make a batch of open rows of another centre; whoever does holds the step of that centre.

        Args:
            batch_id: its id, as `new_id` makes them.
            rows: what is taken over, as it is issued here.
            kind: the credential type.
            plan: how it is given out.
            taken: whose rows they are, and what they were there.
            by: id of who.

        Raises:
            NumberTakenError: other certificates have numbers of these rows.
            BatchStateError: there are as many batches as may be.
            ExchangeError: the fact is none that a person knows.
        """
        check_fact(plan, kind)
        return await self._kept(batch_id, rows, kind, plan, taken, by=by)

    async def clear_half_taken(self, centre: str) -> None:
        """Remove what a crash left half taken of a centre; whoever calls holds the step of that centre."""
        for batch in await self.taken.half_taken(centre):
            await self._remove(batch)

    async def _kept(
        self,
        batch_id: str,
        listed: Sequence[ClassRow],
        kind: CredentialType,
        plan: BatchPlan,
        taken: Taken | None = None,
        *,
        by: str = "",
    ) -> Batch:
        digest = claims_digest(listed)
        await self._check_room(batch_id, digest, again=plan.again)  # 2
        rows = [_numbered(row, batch_id, kind) for row in listed]
        claims, numbers = [(row.number, row.claim) for row in rows], self.claiming.numbers
        if others := await numbers.taken(batch_id, claims):
            raise NumberTakenError(rows=tuple(others))
        batch = Batch(
            id=batch_id,
            title=plan.title,
            credential_type=kind.id,
            numbers=first_numbers(rows),
            count=len(rows),
            digest=digest,
            access=plan.access,
            fact=plan.fact,
            secret=secrets.token_hex(_SECRET_BYTES),
            claim_until=plan.claim_until,
            contacts=0 if plan.access is Access.IN_PERSON else sum(is_reached(row.contact) for row in rows),
            taken_from=None if taken is None else taken.centre,
        )
        with suppress(DuplicateError):
            await self._batches.insert(batch)  # 3
        kept = await self._batches.get(batch_id)
        if kept.state is not BatchState.WRITING:
            return kept
        if kept.digest != digest:
            raise ListChangedError("a crash cut this call, and the list has changed since", hint="take a new key")
        if taken is not None:
            await self.taken.note(kept, taken)
        await numbers.reserve(batch_id, claims)
        await write_claims(self._profile, batch_id, rows)
        if kept.access is not Access.IN_PERSON:  # nobody may write to them: collected for nothing
            await write_contacts(self._profile, batch_id, rows)
        if taken is not None:
            what = f"{kept.id}: {len(rows)} of {taken.centre} {taken.of_batch}"
            await self.log.note(Act.TAKEN_OVER, by=by, what=what, key=f"{Act.TAKEN_OVER}.{kept.id}")
        return await self._moved(kept, BatchState.READY, of=(BatchState.WRITING,))

    async def get(self, batch_id: str) -> Batch:
        """Return a batch; NotFoundError: there is none."""
        batch = await self.find(batch_id)
        if batch is None:
            raise NotFoundError(f"there is no batch with the id {batch_id[:64]!r}")
        return batch

    async def find(self, batch_id: str) -> Batch | None:
        """Return a batch that is whole, None if there is none."""
        batch = await self._batches.get_or_none(batch_id)
        return None if batch is None or batch.state is BatchState.WRITING else batch

    async def page(self, *, limit: int, cursor: str | None) -> Page[Batch]:
        """Return a part of the batches, the newest first."""
        return await self._batches.page(state=SEEN, limit=limit, cursor=cursor)

    async def live(self, states: Collection[BatchState]) -> AsyncIterator[Batch]:
        """Yield all batches in one of these states, the newest first."""
        cursor = None
        while True:
            page = await self.page(limit=_PAGE, cursor=cursor)
            for batch in page.items:
                if batch.state in states:
                    yield batch
            if (cursor := page.next_cursor) is None:
                return

    async def start(self, batch_id: str, *, by: str) -> Batch:
        """Have its slips claimed from now on."""
        return await self._move(batch_id, BatchState.RUNNING, Act.STARTED, of=(BatchState.READY,), by=by)

    async def pause(self, batch_id: str, *, by: str) -> Batch:
        """Make no further offer; who has one may go on with it."""
        return await self._move(batch_id, BatchState.PAUSED, Act.PAUSED, of=(BatchState.RUNNING,), by=by)

    async def resume(self, batch_id: str, *, by: str) -> Batch:
        """Go on."""
        return await self._move(batch_id, BatchState.RUNNING, Act.RESUMED, of=(BatchState.PAUSED,), by=by)

    async def cancel(self, batch_id: str, *, by: str) -> Batch:
        """End it for good, and withdraw what is open; credentials that were issued stay.

        A row on which somebody is at work all the while is left to them (they find the batch cancelled) and the sweep.
        """
        live = (BatchState.READY, BatchState.RUNNING, BatchState.PAUSED)
        batch = await self._move(batch_id, BatchState.CANCELLED, Act.CANCELLED, of=live, by=by)
        for state in MAY_HAVE_OPEN:
            async for row in self._rows(batch_id, state):
                with suppress(LeaseBusyError):
                    await self.row_desk.look(batch, row.number)
        return batch

    async def hand_over(self, batch_id: str, successor: str, *, by: str, instead_of: str | None = None) -> Batch:
        """End it here for good: another issuer goes on with what is open. Again changes nothing.

        Args:
            batch_id: its id.
            successor: the DID of who goes on.
            by: id of who.
            instead_of: the DID of to whom it was handed over before, if that one does not go on any more.

        Raises:
            NotFoundError: there is no such batch.
            BatchStateError: it was cancelled, or is another's to go on with (`OtherSuccessorError`).
        """
        batch = await self.get(batch_id)
        if batch.handed_to is None:
            live = (BatchState.READY, BatchState.RUNNING, BatchState.PAUSED)
            if batch.moved(BatchState.HANDED_OVER, of=live) is not None:
                key = f"{Act.HANDED_OVER}.{batch.id}"
                await self.log.note(Act.HANDED_OVER, by=by, what=f"{batch.id} to {successor}", key=key)
            batch = await self._teller.change(batch, lambda kept: _handed_over(kept, successor, live))
        elif batch.handed_to == instead_of != successor:
            await self.log.note(Act.HANDED_OVER, by=by, what=f"{batch.id} to {successor}")
            batch = await self._teller.change(batch, lambda kept: _handed_anew(kept, successor, instead_of))
        if batch.handed_to != successor:
            raise OtherSuccessorError(batch.handed_to)
        return batch

    async def extend(self, batch_id: str, claim_until: datetime, *, by: str) -> Batch:
        """Let its slips be claimed for longer, or for less long."""
        kept = await self.get(batch_id)
        if kept.claim_until == claim_until:
            return kept
        await self.log.note(Act.EXTENDED, by=by, what=kept.id)
        return await self._batches.change(kept.id, lambda batch: batch.model_copy(update={"claim_until": claim_until}))

    async def remove(self, batch_id: str, *, by: str) -> Batch:
        """Remove a cancelled batch, with its claims; offers and credentials that came of it stay.

        Raises:
            BatchStateError: it is not cancelled.
        """
        batch = await self.get(batch_id)
        is_over = batch.state is BatchState.HANDED_OVER and utc_now() > batch.claim_until
        if batch.state is not BatchState.CANCELLED and not is_over:
            raise BatchStateError(
                f"expected a batch that is CANCELLED, found one that is {batch.state.value}",
                hint="one that was handed over stays until its last day: its slips say where to go",
            )
        await self.log.note(Act.REMOVED, by=by, what=batch.id, key=f"{Act.REMOVED}.{batch.id}")
        async with nullcontext() if batch.taken_from is None else self.taken.step(batch.taken_from):
            await self._remove(batch)
        return batch

    async def counts(self, batch: Batch) -> Counts:
        """Return how many rows stand where, by what their offers are now."""
        await self._settle(self._rows(batch.id, RowState.OPEN))
        rows, left = self.claiming.rows, batch.count
        counted: dict[RowState, int] = {}
        for state in (RowState.OPEN, RowState.ISSUED, RowState.LOCKED, RowState.LEFT_OUT):
            counted[state] = await rows.count(state=state_in(batch.id, state))
            left -= counted[state]
        return Counts(max(0, left), *(counted[state] for state in counted))

    async def rows(self, batch: Batch, *, after: int, limit: int) -> list[tuple[ClassRow, BatchRow]]:
        """Return so many rows of a batch whose numbers are greater, with what has become of them."""
        rows: list[tuple[ClassRow, BatchRow]] = []
        async for claimed in read_claims(self._profile, batch, after=after):
            rows.append((claimed, await self.claiming.row(batch.id, claimed.number)))
            if len(rows) == limit:
                break
        return rows

    async def contacts(self, batch: Batch, numbers: Sequence[int]) -> Contacts:
        """Return how the people of these rows are reached; who is not is left out.

        Raises:
            BatchStateError: the slips of the batch are handed over in person.
        """
        must_reach_from_afar(batch)
        return await read_contacts(self._profile, batch, numbers)

    async def row(self, batch: Batch, number: int) -> tuple[Mapping[str, str], BatchRow]:
        """Return the claim of a row, and what has become of it.

        Raises:
            NotFoundError: there is no such row.
        """
        claim = await read_claim(self._profile, batch, number)
        return claim, await self.claiming.looked_at(await self.claiming.row(batch.id, number))

    async def sweep(self, now: datetime) -> None:
        """Look at rows whose offers may have ended, end what must, and remove what was left half written."""
        async with self._batches.claiming(now) as due:
            async for batch in due:
                if batch.state is BatchState.WRITING:
                    await self._remove(batch)
                else:  # nobody is written to any more
                    await remove_contacts(self._profile, batch)
                    await self._batches.change(batch.id, lambda kept: kept.model_copy(update={"contacts": 0}))
        batches: dict[str, Batch | None] = {}  # who stops one meanwhile looks at its rows (`cancel`), or the next sweep
        async with self.claiming.rows.claiming(now, also_early=True) as rows:

            async def to_settle() -> AsyncIterator[BatchRow]:
                """Look at each row of which something else is to be done, and yield the others."""
                async for row in rows:
                    if row.batch_id not in batches:
                        batches[row.batch_id] = await self._batches.get_or_none(row.batch_id)
                    if (of := batches[row.batch_id]) is None:
                        continue
                    if row.state is RowState.OPEN and not row.to_end and of.state not in ENDED:
                        yield row
                        continue
                    try:
                        await self.row_desk.look(of, row.number, wait_s=_NO_WAIT)
                    except LeaseBusyError:  # whoever is at work on it; the next sweep looks again
                        continue
                    except (ExchangeError, NotFoundError) as err:
                        LOGGER.warning("batch %s, row %d: %s", row.batch_id, row.number, describe(err))

            await self._settle(to_settle())

    async def _settle(self, rows: AsyncIterator[BatchRow]) -> None:
        """Have rows be kept as their offers have them by now, so many at once."""
        part: list[BatchRow] = []
        async for row in rows:
            part.append(row)
            if len(part) == _PAGE:
                await self.claiming.settle_all(part)
                part = []
        await self.claiming.settle_all(part)

    async def _move(self, batch_id: str, state: BatchState, act: Act, *, of: Collection[BatchState], by: str) -> Batch:
        batch = await self._batches.get(batch_id)
        if batch.moved(state, of=tuple(of)) is not None:
            await self.log.note(act, by=by, what=batch.id, key=f"{act}.{batch.id}.{batch.changes + 1}")
        return await self._moved(batch, state, of=of)

    async def _moved(self, batch: Batch, state: BatchState, *, of: Collection[BatchState]) -> Batch:
        return await self._teller.change(batch, lambda kept: kept.moved(state, of=tuple(of)))

    async def _check_room(self, batch_id: str, digest: str, *, again: bool) -> None:
        same = [batch for batch in await self._batches.find(digest=digest) if batch.id != batch_id]
        kept = [batch for batch in same if batch.state not in (BatchState.WRITING, BatchState.CANCELLED)]
        if kept and not again:
            raise SameListError(kept[0].id)
        if await self._batches.count() >= MOST_BATCHES:
            raise BatchStateError(
                f"expected fewer than {MOST_BATCHES} batches", hint="remove those that were cancelled"
            )

    async def _rows(self, batch_id: str, state: RowState) -> AsyncIterator[BatchRow]:
        async for row in self.claiming.rows.every(state=state_in(batch_id, state)):
            yield row

    async def _remove(self, batch: Batch) -> None:
        if batch.state is BatchState.WRITING:  # else it stays known which rows are here for good
            await self.taken.forget(batch.id)
        else:
            await self.taken.let_go(batch)
        with suppress(StoreError):  # its claims were never written, or are gone already
            claims = [(row.number, row.claim) async for row in read_claims(self._profile, batch)]
            await self.claiming.numbers.release(batch.id, claims)
        await remove_claims(self._profile, batch)
        await remove_contacts(self._profile, batch)
        await remove_consents(self._profile, batch.id)
        for state in RowState:
            while rows := (await self.claiming.rows.page(state=state_in(batch.id, state), limit=_PAGE)).items:
                for row in rows:
                    await self.claiming.rows.remove(row.id)
        await self._batches.remove(batch.id)
        await remove_consents(self._profile, batch.id)  # written down meanwhile; later ones find no batch


def _handed_over(batch: Batch, successor: str, live: Collection[BatchState]) -> Batch | None:
    moved = batch.moved(BatchState.HANDED_OVER, of=tuple(live))
    return None if moved is None else moved.model_copy(update={"handed_to": successor})


def _handed_anew(batch: Batch, successor: str, instead_of: str) -> Batch | None:
    if batch.handed_to != instead_of:  # somebody else was faster: that stands
        return None
    return batch.model_copy(update={"handed_to": successor, "changes": batch.changes + 1})


def _numbered(row: ClassRow, batch_id: str, kind: CredentialType) -> ClassRow:
    if NUMBER in row.claim or NUMBER not in kind.attr_names:
        return row
    return replace(row, claim={NUMBER: own_number(batch_id, row.number), **row.claim})
