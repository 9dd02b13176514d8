"""What a clerk does with batches: make, start, pause, resume, cancel, look; and, row by row, unlock, leave out, renew.

A batch is made in these steps; nobody sees it before the last, and each may be done again:

1. The list has nothing left to look at, but for rows that the clerk names to be left out; and it is the list that was
   looked at, if its digest was given.
2. No other batch has exactly these claims, unless that is wanted.
3. The batch is noted as being written, its claims are kept, then it is READY.

"The wrong person took it" is `renew`: in one write the row gets another slip, and what the old one brought is noted to
be ended; then a credential is asked to be revoked, and an offer withdrawn. A crash between is taken up by the sweep.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
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
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState, state_in, untouched
from wanderbuch.agents.issuer.batch_records.slips import MOST_SLIPS, own_number
from wanderbuch.agents.issuer.batches.claiming import SlipDesk
from wanderbuch.agents.issuer.batches.claims import (
    claim_digest,
    first_numbers,
    read_claim,
    read_claims,
    remove_claims,
    replace_claim_in,
    write_claims,
)
from wanderbuch.agents.issuer.batches.gateway import must_reach_from_afar
from wanderbuch.agents.issuer.batches.reached import (
    Contacts,
    forget_contact,
    read_contacts,
    remove_contacts,
    write_contacts,
)
from wanderbuch.agents.issuer.batches.slip_rows import KeptSlipRows
from wanderbuch.agents.issuer.class_list.contacts import is_reached
from wanderbuch.agents.issuer.class_list.listed import NUMBER, ClassList, ClassRow
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.register.numbers import NumberTakenError, SlipRow
from wanderbuch.agents.issuer.register.offer_words import claim_of, present
from wanderbuch.errors import ExchangeError
from wanderbuch.faults import describe
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.schemas.claims import validate_claim
from wanderbuch.schemas.credential_type import CredentialType, load_credential_type
from wanderbuch.store.errors import DuplicateError, NotFoundError, StoreError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import Page, RecordStore, new_id
from wanderbuch.store.telling import Teller

LOGGER = logging.getLogger(__name__)
FACTS: Final = ("birth_date", NUMBER)
"""What a person may be asked for: what they know, and what no slip shows."""
_SECRET_BYTES: Final = 32
_PAGE: Final = 200
_STOPPED: Final = (BatchState.CANCELLED,)
_WITHOUT_CREDENTIAL: Final = (RowState.WAITING, RowState.OPEN, RowState.LOCKED, RowState.LEFT_OUT)


class ListNotReadyError(ExchangeError):
    """A list has rows that must be looked at, or nothing that is ready."""

    code = "exchange.list_not_ready"
    members: Mapping[str, Any] = MappingProxyType({})
    """The findings, where whoever asked is told them."""


class ListChangedError(ExchangeError):
    """The list is not the one that was looked at."""

    code = "exchange.list_changed"


class RowChangedError(ExchangeError):
    """The row is not the one that was looked at."""

    code = "exchange.row_changed"


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How the slips of a batch are to be given out.

    Args:
        title: for those who work with it.
        access: what a person shows beside the slip.
        fact: the attribute that they tell, with `FACT`.
        claim_until: after this nothing is offered.
        leave_out: numbers of rows to look at that are left out.
        digest: of the list as it was looked at; None: it was not.
        again: whether claims that another batch has may be issued once more.
    """

    title: str
    access: Access
    fact: str | None
    claim_until: datetime
    leave_out: Collection[int] = ()
    digest: str | None = None
    again: bool = False


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
        _check_fact(plan, kind)
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
            batch = await self._kept(batch_id, listed, kind, plan)
        if by is not None:
            await self.log.note(Act.BATCH_MADE, by=by, what=batch.id, key=f"{Act.BATCH_MADE}.{batch.id}")
        return batch

    async def _kept(self, batch_id: str, listed: ClassList, kind: CredentialType, plan: BatchPlan) -> Batch:
        await self._check_room(batch_id, listed.digest, again=plan.again)  # 2
        rows = [_numbered(row, batch_id, kind) for row in listed.rows]
        claims, numbers = [(row.number, row.claim) for row in rows], self.claiming.numbers
        if taken := await numbers.check_rows(batch_id, claims):
            raise NumberTakenError(rows=taken)
        batch = Batch(
            id=batch_id,
            title=plan.title,
            credential_type=kind.id,
            numbers=first_numbers(rows),
            count=len(rows),
            digest=listed.digest,
            access=plan.access,
            fact=plan.fact,
            secret=secrets.token_hex(_SECRET_BYTES),
            claim_until=plan.claim_until,
            contacts=0 if plan.access is Access.IN_PERSON else sum(is_reached(row.contact) for row in rows),
        )
        with suppress(DuplicateError):
            await self._batches.insert(batch)  # 3
        kept = await self._batches.get(batch_id)
        if kept.state is not BatchState.WRITING:
            return kept
        if kept.digest != listed.digest:
            raise ListChangedError("a crash cut this call, and the list has changed since", hint="take a new key")
        await numbers.reserve(batch_id, claims)
        await write_claims(self._profile, batch_id, rows)
        if kept.access is not Access.IN_PERSON:  # nobody may write to them: collected for nothing
            await write_contacts(self._profile, batch_id, rows)
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
        """End it for good, and withdraw what is open; credentials that were issued stay."""
        live = (BatchState.READY, BatchState.RUNNING, BatchState.PAUSED)
        batch = await self._move(batch_id, BatchState.CANCELLED, Act.CANCELLED, of=live, by=by)
        async for row in self._rows(batch_id, RowState.OPEN):
            await self._stop(row)
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
        if batch.state is not BatchState.CANCELLED:
            raise BatchStateError(f"expected a batch that is CANCELLED, found one that is {batch.state.value}")
        await self.log.note(Act.REMOVED, by=by, what=batch.id, key=f"{Act.REMOVED}.{batch.id}")
        await self._remove(batch)
        return batch

    async def counts(self, batch: Batch) -> Counts:
        """Return how many rows stand where, by what their offers are now."""
        async for row in self._rows(batch.id, RowState.OPEN):
            await self.claiming.settled(row)
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
        return claim, await self.claiming.settled(await self.claiming.row(batch.id, number))

    async def retry(self, batch: Batch, number: int, *, by: str) -> BatchRow:
        """Let a row be claimed again with the same slip: its lock is lifted, an offer that is open is withdrawn.

        Raises:
            NotFoundError: there is no such row.
            BatchStateError: it has a credential.
        """
        return await self._act(batch, number, _retried, Act.ROW_RETRIED, by=by)

    async def leave_out(self, batch: Batch, number: int, *, by: str) -> BatchRow:
        """Let nobody claim a row; `retry` takes that back. Errors as with `retry`."""
        return await self._act(batch, number, _left_out, Act.ROW_LEFT_OUT, by=by)

    async def edit(
        self, batch: Batch, number: int, claim: Mapping[str, str], *, by: str, digest: str | None = None
    ) -> BatchRow:
        """Correct the claim of a row that nobody has claimed; its slip stays good. An open offer is withdrawn first.

        A lock is lifted: what was told may have been right, and the claim wrong. The same claim changes nothing.

        Args:
            batch: whose row.
            number: of the row.
            claim: the whole of it, as applications write it.
            by: id of who.
            digest: of the claim as it was looked at (`claim_digest`); None: it was not.

        Raises:
            NotFoundError: there is no such row.
            BatchStateError: it has a credential, or the batch is cancelled.
            ClaimError: it is no claim of the batch's type.
            OfferRefusedError: the issuer may not attest it now.
            RowChangedError: somebody has changed it since it was looked at.
            ExchangeError: another row has its certificate number.
            NumberTakenError: a certificate that is not of this batch has it.
        """
        if batch.state in _STOPPED:
            raise BatchStateError("expected a batch that is not cancelled")
        kind = load_credential_type(batch.credential_type)
        checked = validate_claim(kind, claim, at=days_anywhere(datetime.now(UTC)).last).plain
        claiming = self.claiming
        if checked != await read_claim(self._profile, batch, number):
            await claiming.check(checked)  # the authority may be asked: nobody waits for that with the row's turn
        async with one_step(self._profile, f"batch-edit.{batch.id}"):  # so no two rows get one number
            before = await read_claim(self._profile, batch, number)
            if checked == before:  # sent again: what the slip has become since stays
                return await claiming.settled(await claiming.row(batch.id, number))
            if digest not in (None, claim_digest(before)):
                raise RowChangedError(
                    "somebody has changed this row since you looked at it", hint="look at it again, then correct it"
                )
            if checked.get(NUMBER) != before.get(NUMBER):
                await self._check_number(batch, number, checked.get(NUMBER, ""))
            async with claiming.turn(batch.id, number):
                row = await claiming.settled(await claiming.row(batch.id, number))
                row = await claiming.withdraw(row)
                if row.state is RowState.ISSUED:
                    raise BatchStateError(
                        "expected a row without a credential, found one that is ISSUED",
                        hint="renew it: that revokes the credential and gives out a new slip",
                    )
                await claiming.numbers.move(SlipRow(batch.id, number), before, checked)
                names = sorted(name for name in {*before, *checked} if before.get(name) != checked.get(name))
                unlocked = _retried(row) if row.state is RowState.LOCKED else row
                await self.log.note(
                    Act.ROW_EDITED,
                    by=by,
                    what=f"{batch.id} {number}: {', '.join(names)}",
                    changed=() if unlocked is row else ((row, unlocked),),
                    also=lambda handle: replace_claim_in(handle, batch, number, checked),
                )
                return unlocked

    async def _check_number(self, batch: Batch, number: int, wanted: str) -> None:
        async for row in read_claims(self._profile, batch):
            if row.number != number and folded(row.claim.get(NUMBER, "")) == folded(wanted):
                raise ExchangeError(
                    f"row {row.number} has this certificate number", hint="give each a number of its own"
                )

    async def renew(self, batch: Batch, number: int, *, slips: int, by: str) -> BatchRow:
        """Give a row a new slip; the old one is worth nothing, and what it brought is revoked or withdrawn.

        Args:
            batch: whose row.
            number: of the row.
            slips: how many it has had, as the clerk saw it: whoever asks twice gets one new slip.
            by: id of who.

        Raises:
            NotFoundError: there is no such row.
            BatchStateError: it has had another number of slips, or as many as may be.
        """
        step = partial(_renewed, slips=slips)
        return await self._act(batch, number, step, Act.ROW_RENEWED, by=by, states=tuple(RowState), withdraws=False)

    async def forget_claim(self, batch_id: str, number: int) -> None:
        """Empty the claim of a row whose certificate was erased, and remove how its person is reached.

        A batch or a row that is gone is left so.
        """
        batch = await self._batches.get_or_none(batch_id)
        if batch is None:
            return
        await forget_contact(self._profile, batch, number)
        with suppress(NotFoundError):
            async with self._profile.transaction() as session:
                await replace_claim_in(session.handle, batch, number, {})
                await session.commit()

    async def rows_of(self, offer: Offer) -> frozenset[tuple[str, int]]:
        """Return batch and number of the rows that a certificate's data stand in.

        These are the row that it was issued from, and each row that says just the same with a number. Without one, two
        people may have the same claim: only a row that names the offer counts. A row that was corrected, or was given
        to somebody else, is not the certificate's any more.
        """
        issued, named = set(), set()
        async for row in self.claiming.rows.every():
            if offer.id in (row.offer_id, *row.ended, *row.to_end):
                named.add((row.batch_id, row.number))
                if row.offer_id == offer.id and row.state is RowState.ISSUED:
                    issued.add((row.batch_id, row.number))
        wanted = claim_of(offer)
        same = set()
        async for batch, claimed in self.every_claim():
            place = (batch.id, claimed.number)
            may_be = (NUMBER in wanted or place in named) and batch.credential_type == offer.credential_type
            if may_be and present(load_credential_type(batch.credential_type), claimed.claim) == wanted:
                same.add(place)
        return frozenset(issued | same)

    async def every_claim(self) -> AsyncIterator[tuple[Batch, ClassRow]]:
        """Yield the rows of all batches that are whole."""
        async for batch in self._batches.every(state=SEEN):
            async for row in read_claims(self._profile, batch):
                yield batch, row

    async def sweep(self, now: datetime) -> None:
        """Look at rows whose offers may have ended, end what must, and remove what was left half written."""
        async with self._batches.claiming(now) as due:
            async for batch in due:
                if batch.state is BatchState.WRITING:
                    await self._remove(batch)
                else:  # nobody is written to any more
                    await remove_contacts(self._profile, batch)
                    await self._batches.change(batch.id, lambda kept: kept.model_copy(update={"contacts": 0}))
        async with self.claiming.rows.claiming(now, also_early=True) as rows:
            async for row in rows:
                try:
                    await self._look(row)
                except ExchangeError as err:
                    LOGGER.warning("batch %s, row %d: %s", row.batch_id, row.number, describe(err))

    async def _look(self, row: BatchRow) -> None:
        batch = await self._batches.get_or_none(row.batch_id)
        if batch is None:
            return
        if batch.state in _STOPPED and row.state is RowState.OPEN:
            await self._stop(row)
            return
        async with self.claiming.turn(row.batch_id, row.number):
            kept = await self.claiming.row(row.batch_id, row.number)
            await self.claiming.settled(await self.claiming.end_what_must(kept))

    async def _stop(self, row: BatchRow) -> None:
        """Withdraw the open offer of a row whose batch was cancelled."""
        async with self.claiming.turn(row.batch_id, row.number):
            await self.claiming.withdraw(await self.claiming.row(row.batch_id, row.number))

    async def _act(
        self,
        batch: Batch,
        number: int,
        step: Callable[[BatchRow], BatchRow | None],
        act: Act,
        *,
        by: str,
        states: Collection[RowState] = _WITHOUT_CREDENTIAL,
        withdraws: bool = True,
    ) -> BatchRow:
        """Do something with a row, alone, once its offer was looked at."""
        await read_claim(self._profile, batch, number)
        claiming = self.claiming
        async with claiming.turn(batch.id, number):
            row = await claiming.settled(await claiming.row(batch.id, number))
            if row.state in states and step(row) not in (None, row):
                await self.log.note(act, by=by, what=f"{batch.id} {number}")
            if withdraws:
                row = await claiming.withdraw(row)
            if row.state not in states:
                raise BatchStateError(
                    f"expected a row without a credential, found one that is {row.state.value}",
                    hint="renew it: that revokes the credential and gives out a new slip",
                )
            row = await claiming.change(row, step)
            return await claiming.settled(await claiming.end_what_must(row))

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
        with suppress(StoreError):  # its claims were never written, or are gone already
            claims = [(row.number, row.claim) async for row in read_claims(self._profile, batch)]
            await self.claiming.numbers.release(batch.id, claims)
        await remove_claims(self._profile, batch)
        await remove_contacts(self._profile, batch)
        for state in RowState:
            while rows := (await self.claiming.rows.page(state=state_in(batch.id, state), limit=_PAGE)).items:
                for row in rows:
                    await self.claiming.rows.remove(row.id)
        await self._batches.remove(batch.id)


def _check_fact(plan: BatchPlan, kind: CredentialType) -> None:
    """Refuse a plan whose fact is none."""
    if plan.access is not Access.FACT:
        if plan.fact is not None:
            raise ExchangeError("a fact was named, and none is asked for", hint="set access to fact, or leave it out")
        return
    facts = [name for name in FACTS if name in kind.attr_names]
    if plan.fact not in facts:
        raise ExchangeError(f"expected one of {', '.join(facts)} for fact", hint="birth_date is what people know best")


def _numbered(row: ClassRow, batch_id: str, kind: CredentialType) -> ClassRow:
    if NUMBER in row.claim or NUMBER not in kind.attr_names:
        return row
    return replace(row, claim={NUMBER: own_number(batch_id, row.number), **row.claim})


def _retried(row: BatchRow) -> BatchRow:
    return row.model_copy(update={"state": RowState.WAITING, "tries": 0, "begun": 0})


def _left_out(row: BatchRow) -> BatchRow:
    return row.model_copy(update={"state": RowState.LEFT_OUT})


def _renewed(row: BatchRow, *, slips: int) -> BatchRow | None:
    if row.turn == slips:  # it was asked for before
        return None
    if row.turn + 1 != slips:
        raise BatchStateError(f"expected a row that has had {slips} slip(s), found {row.turn + 1}", hint="look again")
    if row.turn == MOST_SLIPS:
        raise BatchStateError(f"a row has at most {MOST_SLIPS} slips", hint="issue to this person without a slip")
    fresh = untouched(row.batch_id, row.number)
    ended = () if row.offer_id is None else (row.offer_id,)
    return fresh.model_copy(
        update={
            "created_at": row.created_at,
            "turn": row.turn + 1,
            "attempts": row.attempts,
            "locks": row.locks,
            "to_end": (*row.to_end, *ended),
            "ended": row.ended,
        }
    )
