"""A slip becomes an offer: who may claim, once, and what a crash leaves.

A claim is taken in these steps, one claim of a row at a time among all processes:

1. The link was made by us, and its slip was not replaced; the batch runs, and its last day is not over.
2. Where the batch asks for a fact or a PIN: a try is counted before it is looked at, so a crash or two calls at once
   give no try more. After five wrong ones the row is locked until a clerk lifts it. The right thing ends the count:
   with the write of the offer, or at once where none could be made. A process that dies in between costs one try.
3. What must end first ends: a credential of an earlier slip is asked to be revoked, an offer of one withdrawn.
4. An offer that is open is shown again. One that brought a credential ends it: the slip was used, even if that was
   found only since step 1 by somebody who looked at the row.
5. Else its next offer is made, judged by the authority's file as it is now; that the row has it is written with it, all
   or nothing. (Older versions wrote the row first: where a crash came between, the next claim makes the offer.)

So a row never has two offers that could both bring a credential: the next one is made only when the last one has ended,
and an offer ends once (`offers`). What the authority does not let the issuer attest makes no offer; the row waits.
Who looks at a row without its turn writes only that its last offer has ended, and how: that stays true whoever comes
between. All else, a lock too, is written in the row's turn (`turn`). `look` changes nothing. A batch is not read again
while nobody has written to any (`store.category_writes`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any, Final

from acapy_agent.core.profile import Profile
from cachetools import LRUCache

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import (
    MOST_OFFERS,
    MOST_TRIES,
    BatchRow,
    RowState,
    row_events,
    row_id,
    untouched,
)
from wanderbuch.agents.issuer.batch_records.slips import Slip, is_sealed, offer_id_of_slip, read_token
from wanderbuch.agents.issuer.batches import row_steps
from wanderbuch.agents.issuer.batches.claims import claim_in
from wanderbuch.agents.issuer.batches.told import is_right
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.number_entries import SlipRow, WithOffer
from wanderbuch.agents.issuer.register.numbers import CertificateNumbers
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.errors import ExchangeError, WanderbuchError
from wanderbuch.store.category_writes import CategoryWrites, writes_of
from wanderbuch.store.errors import DuplicateError, LeaseBusyError, NotFoundError, StoreError
from wanderbuch.store.once import one_step
from wanderbuch.store.records import RecordStore
from wanderbuch.store.tables import tenant_of
from wanderbuch.store.telling import Teller
from wanderbuch.store.writing import Writing, writing

TURN_S: Final = 20.0
"""So long who wants to do something with a row waits for its turn."""
_NO_WAIT: Final = 0.0
_SETTLED_AT_ONCE: Final = 25
_MOST_SECRETS: Final = 64  # batches of which slips are claimed these days
_MOST_SEEN: Final = 256  # rows of which somebody looks at the page


class SlipUnknownError(NotFoundError):
    """A link is none of ours."""


class ClaimRefusedError(ExchangeError):
    """A slip cannot be claimed now.

    Args:
        look: which of the states in which a slip may be.
    """

    code = "exchange.claim_refused"

    def __init__(self, look: "SlipLook") -> None:
        super().__init__(f"this slip cannot be claimed now: {look.why}")
        self.look = look


@dataclass(frozen=True, slots=True)
class SlipLook:
    """What a slip looks like from outside: nothing of whose it is.

    Args:
        why: "" if it may be claimed; else replaced, taken, handed-over, locked, left-out, paused, cancelled, late, or
            wrong.
        asks: what must be told to claim it.
        fact: the attribute that is asked for, with `FACT`.
        tries_left: before it is locked.
        credential_type: what it is for.
        handed_to: the DID of who goes on, where it was handed over.
    """

    why: str
    asks: Access
    fact: str | None
    tries_left: int
    credential_type: str
    handed_to: str | None = None

    @property
    def is_open(self) -> bool:
        """Return whether it may be claimed."""
        return not self.why


class SlipDesk:
    """Turns slips into offers, for one issuer."""

    def __init__(
        self,
        profile: Profile,
        desk: OfferDesk,
        revocations: Revocations,
        *,
        lifetime: timedelta,
        end_successors: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """Begin.

        Args:
            profile: whose.
            desk: makes the offers.
            revocations: of what went to the wrong person.
            lifetime: how long a wallet has to take an offer.
            end_successors: ends what took the place of an offer's credential; None: nothing ever does.
        """
        self._profile = profile
        self._desk = desk
        self._revocations = revocations
        self._lifetime = lifetime
        self._end_successors = end_successors
        self._batches = RecordStore(profile, Batch)
        self._secrets: LRUCache[str, str] = LRUCache(_MOST_SECRETS)
        self._at_hand: LRUCache[str, tuple[Batch, int]] = LRUCache(_MOST_SECRETS)  # as of so many writes to batches
        self._seen: LRUCache[str, tuple[BatchRow | None, int]] = LRUCache(_MOST_SEEN)  # as of so many writes
        self.rows = RecordStore(profile, BatchRow)
        self._teller = Teller(profile, BatchRow, row_events, records=self.rows)

    @property
    def numbers(self) -> CertificateNumbers:
        """Return the numbers of the issuer's certificates."""
        return self._desk.numbers

    async def look(self, token: str) -> SlipLook:
        """Return what a slip looks like; nothing is changed.

        Raises:
            SlipUnknownError: it is none of ours.
        """
        slip = await self._genuine(token)
        batch = await self._batch(slip)
        async with self._profile.session() as session:
            row = await self._row_in(session.handle, slip)
        return _look(batch, row, turn=slip.turn, at=datetime.now(UTC))

    async def expect_genuine(self, token: str) -> None:
        """Refuse a token that we have not made, as `look` does, without looking at its row.

        Raises:
            SlipUnknownError: it is none of ours.
        """
        await self._genuine(token)

    async def claim(self, token: str, told: str = "") -> Offer:
        """Return the offer that a slip becomes, or has become.

        Args:
            token: of the slip.
            told: the fact or the PIN, as the person writes it.

        Raises:
            SlipUnknownError: it is none of ours.
            ClaimRefusedError: it cannot be claimed, or what was told is wrong.
            OfferRefusedError: the issuer may not attest that now; the row waits.
            NotReadyError: the issuer cannot issue yet; the row waits.
        """
        slip = await self._genuine(token)
        async with self.turn(slip.batch_id, slip.number):
            batch, row, claim = await self._named(slip)
            row = await self.settled(row)
            look = _look(batch, row, turn=slip.turn, at=datetime.now(UTC))  # 1
            if not look.is_open:
                raise ClaimRefusedError(look)
            row = await self._proven(batch, row, claim, told)  # 2
            offer: Offer | None = None
            try:
                row = await self.end_what_must(row)  # 3
                if row.state not in row_steps.CLAIMABLE or row.turn != slip.turn:  # who looked has found how it ended
                    raise ClaimRefusedError(_look(batch, row, turn=slip.turn, at=datetime.now(UTC)))
                offer = await self._offer(batch, row, claim)  # 4, 5
                return offer
            finally:
                if offer is None:
                    await self._proven_in_vain(row)

    async def check(self, claim: Mapping[str, str]) -> None:
        """Refuse a claim that may not be offered now, as `OfferDesk.check` does."""
        await self._desk.check(claim)

    def turn(self, batch_id: str, number: int, *, wait_s: float = TURN_S) -> AbstractAsyncContextManager[None]:
        """Return what is held while something is done with a row, by whichever process."""
        return one_step(self._profile, f"batch.{batch_id}.{number}", wait_s=wait_s)

    async def batch(self, batch_id: str) -> Batch:
        """Return a batch as it is kept now; NotFoundError: it is gone."""
        return await self._batches.get(batch_id)

    async def row(self, batch_id: str, number: int) -> BatchRow:
        """Return a row as it was last found."""
        return await self.rows.get_or_none(row_id(batch_id, number)) or untouched(batch_id, number)

    async def change(self, row: BatchRow, step: Callable[[BatchRow], BatchRow | None]) -> BatchRow:
        """Change a row, whether anybody has touched it or not; that it is locked is told."""
        kept = None if row.is_untouched else await self.rows.get_or_none(row.id)
        if kept is None:
            fresh = untouched(row.batch_id, row.number)
            with suppress(DuplicateError):
                return await self._insert(step(fresh) or fresh)
            kept = await self.rows.get(row.id)
        made = step(kept) or kept
        if row_events(made) == row_events(kept):
            return await self.rows.change(row.id, step)
        return await self._teller.change(kept, step)

    async def _insert(self, row: BatchRow) -> BatchRow:
        return await (self._teller.insert(row) if row_events(row) else self.rows.insert(row))

    async def settled(self, row: BatchRow) -> BatchRow:
        """Return a row as its offer and its tries have it by now; whoever calls has its turn."""
        return await self._moved(row, (await self._state(row))[0])

    async def looked_at(self, row: BatchRow) -> BatchRow:
        """Return a row as `settled` does, for who has not its turn.

        What its offer alone does not tell is written only if nobody is at work on it: else the row stays as it is. A
        try that is being looked at may be the right one.
        """
        state, is_told_by_offer = await self._state(row)
        if state is row.state or is_told_by_offer:
            return await self._moved(row, state)
        with suppress(LeaseBusyError):
            async with self.turn(row.batch_id, row.number, wait_s=_NO_WAIT):
                return await self.settled(await self.row(row.batch_id, row.number))
        return row

    async def _moved(self, row: BatchRow, state: RowState) -> BatchRow:
        if state is row.state:
            return row
        return await self.change(row, lambda kept: row_steps.moved(kept, state) if row_steps.is_as(kept, row) else None)

    async def settle_all(self, rows: Sequence[BatchRow]) -> None:
        """Have rows be kept as `looked_at` returns them; so many are written in one transaction."""
        ended: dict[str, tuple[BatchRow, RowState]] = {}
        for row in rows:
            state, is_told_by_offer = await self._state(row)
            if state is not row.state and is_told_by_offer:
                ended[row.id] = (row, state)
            elif state is not row.state:
                await self.looked_at(row)
        for part in batched(sorted(ended), _SETTLED_AT_ONCE, strict=False):  # in the same order for all who do this
            changed = [(row, row_steps.moved(row, state)) for row, state in (ended[one] for one in part)]
            async with writing(self._profile, changed=changed) as records:
                for one in part:
                    seen, state = ended[one]
                    kept = await records.get_or_none(BatchRow, one)
                    if kept is not None and row_steps.is_as(kept, seen):
                        await records.replace(row_steps.moved(kept, state))

    async def _state(self, row: BatchRow) -> tuple[RowState, bool]:
        """Return the state of a row by now, and whether its last offer, which has ended, tells it."""
        if row.state in (RowState.ISSUED, RowState.LEFT_OUT):
            return row.state, False
        is_locked = row.state is RowState.LOCKED or row.tries >= MOST_TRIES
        state = RowState.LOCKED if is_locked else row.state
        if row.offer_id is None or row.opened_at is None:
            return state, False
        try:
            offer = await self._desk.get(row.offer_id)
        except NotFoundError:  # a crash came before it was made
            is_late = datetime.now(UTC) >= row.opened_at + self._lifetime
            return (RowState.WAITING if is_late and state is RowState.OPEN else state), False
        by_offer = row_steps.state_of(offer)
        if by_offer is RowState.ISSUED or not is_locked:
            return by_offer, by_offer is not RowState.OPEN
        return RowState.LOCKED, False

    async def end_what_must(self, row: BatchRow) -> BatchRow:
        """Ask for the end of what went to the wrong person, and note that it was asked for (3)."""
        for offer_id in row.to_end:
            await self._end(offer_id)
            row = await self.change(row, partial(row_steps.ended, offer_id=offer_id))
        return row

    async def withdraw(self, row: BatchRow) -> BatchRow:
        """Withdraw the offer of a row, and return the row as it is then; a credential that came first stays.

        Whoever calls has its turn.
        """
        if row.offer_id is not None and row.state is not RowState.ISSUED:
            await self._withdraw(row.offer_id)
        return await self.settled(row)

    async def _withdraw(self, offer_id: str) -> None:
        """Withdraw an offer that is open; a credential that came first stays."""
        with suppress(NotFoundError, ExchangeError):
            await self._desk.withdraw(offer_id)

    async def _end(self, offer_id: str) -> None:
        try:
            offer = await self._desk.get(offer_id)
        except NotFoundError:  # it was never made
            return
        if offer.state is OfferState.OPEN:
            try:
                await self._desk.withdraw(offer_id)
            except ExchangeError:  # a credential came first
                offer = await self._desk.get(offer_id)
        if offer.state.has_credential:
            await self._revocations.request(offer, wait_s=_NO_WAIT, reason=RevocationReason.REPLACED)  # first
            if self._end_successors is not None:
                await self._end_successors(offer_id)

    async def _genuine(self, token: str) -> Slip:
        """Return the slip that a token names, once its seal was checked; nothing else is read for a forged one."""
        named = read_token(token)
        if named is not None:
            slip, seal = named
            if (secret := self._secrets.get(slip.batch_id)) is None:
                batch = await self._batch_or_none(slip.batch_id)
                secret = "" if batch is None or batch.state is BatchState.WRITING else batch.secret
            if secret and is_sealed(slip, seal, secret):
                self._secrets[slip.batch_id] = secret
                return slip
        raise _unknown()

    async def _named(self, slip: Slip) -> tuple[Batch, BatchRow, Mapping[str, str]]:
        """Return the batch, the row and the claim of a slip that is genuine."""
        batch = await self._batch(slip)
        async with self._profile.session() as session:
            return batch, await self._row_in(session.handle, slip), await claim_in(session.handle, batch, slip.number)

    async def _batch(self, slip: Slip) -> Batch:
        """Return the batch of a slip that is genuine."""
        if (batch := await self._batch_or_none(slip.batch_id)) is None:  # it was removed
            raise _unknown()
        return batch

    async def _batch_or_none(self, batch_id: str) -> Batch | None:
        """Return a batch as it is kept now; what was read is that as long as nobody has written to any."""
        since = writes_of(self._profile, Batch.category)
        batch, as_of = self._at_hand.get(batch_id, (None, None))
        if batch is not None and as_of == since:
            return batch
        batch = await self._batches.get_or_none(batch_id)
        if batch is not None and since is not None and writes_of(self._profile, Batch.category) == since:
            self._at_hand[batch_id] = (batch, since)
        return batch

    async def _row_in(self, handle: Any, slip: Slip) -> BatchRow:
        """Return the row of a slip that is genuine, without the claims beside it; it is read once until it is written.

        So who opens the page and then presses the button has it read once.
        """
        writes, tenant = self._profile.inject_or(CategoryWrites), tenant_of(self._profile)
        place = row_id(slip.batch_id, slip.number)
        row, as_of = self._seen.get(place, (None, None))
        if writes is None or as_of is None or writes.came(tenant, BatchRow.category, place, as_of):
            since = None if writes is None else writes.all
            entry = await handle.fetch(BatchRow.category, place)
            row = None if entry is None else BatchRow.read(entry)
            if writes is not None and since is not None and not writes.came(tenant, BatchRow.category, place, since):
                self._seen[place] = (row, since)
        return row or untouched(slip.batch_id, slip.number)

    async def _proven(self, batch: Batch, row: BatchRow, claim: Mapping[str, str], told: str) -> BatchRow:
        """Return the row once what was told is what is asked for; a try is counted first.

        Raises:
            ClaimRefusedError: it is not.
        """
        if batch.access is Access.IN_PERSON:
            return row

        row = await self.change(row, row_steps.tried)
        if is_right(batch, row, claim, told):
            if row.state is not RowState.OPEN:  # else the write of its next offer says it
                return row
            return await self.change(row, row_steps.proven_open)
        if row.tries >= MOST_TRIES:
            row = await self.change(row, row_steps.locked)
        look = _look(batch, row, turn=row.turn, at=datetime.now(UTC))
        raise ClaimRefusedError(look if look.why else _with_why(look, "wrong"))

    async def _proven_in_vain(self, row: BatchRow) -> None:
        """Forget the tries of a row for which the right thing was told, and no offer was made."""
        if row.tries and row.state is RowState.WAITING:
            with suppress(StoreError):  # it costs a try; why nothing was offered is what to say
                await self.change(row, partial(row_steps.proven_in_vain, seen=row))

    async def _offer(self, batch: Batch, row: BatchRow, claim: Mapping[str, str]) -> Offer:
        """Return the offer of a row that waits or has one: if it waits, its last one has ended without a credential."""
        if row.state is RowState.WAITING:
            if row.begun >= MOST_OFFERS:
                row = await self.change(row, row_steps.locked)
                raise ClaimRefusedError(_look(batch, row, turn=row.turn, at=datetime.now(UTC)))
            offer, is_new = await self._next_offer(batch, row, claim), True  # 5
        else:
            assert row.offer_id is not None  # noqa: S101  (for the type checker)
            kept = await self._desk.find(row.offer_id)  # 4
            offer, is_new = kept or await self._missing_offer(batch, row, claim), kept is None
        now = await self._batch_or_none(batch.id)
        if now is None or now.state is not BatchState.RUNNING:  # it was stopped, and who did has not seen this one
            if is_new or now is None or now.state is not BatchState.PAUSED:  # what was there stays while it is paused
                await self._withdraw(offer.id)
            raise ClaimRefusedError(_look(now or batch, await self.settled(row), turn=row.turn, at=datetime.now(UTC)))
        return offer

    async def _next_offer(self, batch: Batch, row: BatchRow, claim: Mapping[str, str]) -> Offer:
        """Make the next offer of a row; that the row has it is written with it."""
        at, offer_id = datetime.now(UTC), offer_id_of_slip(row.slip, batch.secret, batch.offers_from + row.attempts + 1)

        async def write(records: Writing, *, is_new: bool) -> None:
            kept = None if is_new else await records.get_or_none(BatchRow, row.id)
            if kept is None:
                await records.insert(row_steps.begun(row, offer_id, at))
            elif row_steps.is_as(kept, row) and kept.turn == row.turn:
                await records.replace(row_steps.begun(kept, offer_id, at))
            else:  # our turn has run out
                raise LeaseBusyError("somebody else has gone on with this row", hint="try again")

        for is_new in (True, False) if row.is_untouched else (False,):
            after = row_steps.begun(row, offer_id, at)
            beside = WithOffer(
                partial(write, is_new=is_new),
                new=(after,) if is_new else (),
                changed=() if is_new else ((row, after),),
            )
            try:
                return await self._make(batch, row, claim, offer_id, beside)
            except DuplicateError:  # the row was touched, and says nothing; or somebody else has made the offer
                if (offer := await self._desk.find(offer_id)) is not None:
                    return offer
        raise LeaseBusyError("somebody else has gone on with this row", hint="try again")

    async def _missing_offer(self, batch: Batch, row: BatchRow, claim: Mapping[str, str]) -> Offer:
        """Make the offer that a row of an older version names; a crash came before it was made."""
        assert row.offer_id is not None  # noqa: S101  (for the type checker)
        try:
            return await self._make(batch, row, claim, row.offer_id, None)
        except DuplicateError:
            return await self._desk.get(row.offer_id)
        except WanderbuchError:  # nothing was offered, or `settled` finds what was; it is not counted
            await self.change(row, partial(row_steps.not_begun, offer_id=row.offer_id))
            raise

    async def _make(
        self, batch: Batch, row: BatchRow, claim: Mapping[str, str], offer_id: str, beside: WithOffer | None
    ) -> Offer:
        of = SlipRow(batch.id, row.number)
        return await self._desk.make(claim, lifetime=self._lifetime, offer_id=offer_id, row=of, beside=beside)


def _look(batch: Batch, row: BatchRow, *, turn: int, at: datetime) -> SlipLook:
    why = ""
    if turn != row.turn and batch.state is not BatchState.HANDED_OVER:
        why = "replaced"
    elif row.state is RowState.ISSUED:
        why = "taken"
    elif row.state is RowState.LEFT_OUT:
        why = "left-out"
    elif batch.state is BatchState.CANCELLED:
        why = "cancelled"
    elif batch.state is BatchState.HANDED_OVER:
        why = "handed-over"
    elif row.state is RowState.LOCKED or (batch.access is not Access.IN_PERSON and row.tries >= MOST_TRIES):
        why = "locked"
    elif at > batch.claim_until:
        why = "late"
    elif batch.state is not BatchState.RUNNING:
        why = "paused"
    left, handed_to = max(0, MOST_TRIES - row.tries), row.gone_to or batch.handed_to
    return SlipLook(why, batch.access, batch.fact, left, batch.credential_type, handed_to)


def _with_why(look: SlipLook, why: str) -> SlipLook:
    return replace(look, why=why)


def _unknown() -> SlipUnknownError:
    return SlipUnknownError("there is no such slip", hint="type the link again, or ask who gave it to you")
