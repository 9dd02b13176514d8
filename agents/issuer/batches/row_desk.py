"""What a clerk does with one row of a batch: unlock it, leave it out, correct it, give it another slip.

Whatever is done is done alone, in the row's turn, once its offer was looked at, and is written down by whom.

"The wrong person took it" is `renew`: in one write the row gets another slip, and what the old one brought is noted to
be ended; then a credential is asked to be revoked, and an offer withdrawn. A crash between is taken up by the sweep.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchState, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import MAY_HAVE_OPEN, BatchRow, RowState, untouched
from wanderbuch.agents.issuer.batch_records.slips import MOST_SLIPS
from wanderbuch.agents.issuer.batches.claiming import TURN_S, SlipDesk
from wanderbuch.agents.issuer.batches.claims import claim_digest, read_claim, read_claims, replace_claim_in
from wanderbuch.agents.issuer.class_list.listed import NUMBER
from wanderbuch.agents.issuer.register.number_entries import SlipRow
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.lists.statuses import folded
from wanderbuch.schemas.claims import validate_claim
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.once import one_step

ENDED: Final = (BatchState.CANCELLED, BatchState.HANDED_OVER)
"""The states of a batch in which no offer of it stays open."""
_NOTHING_CAME: Final = (RowState.WAITING, RowState.LOCKED)
_WITHOUT_CREDENTIAL: Final = (RowState.WAITING, RowState.OPEN, RowState.LOCKED, RowState.LEFT_OUT)


class RowChangedError(ExchangeError):
    """The row is not the one that was looked at."""

    code = "exchange.row_changed"


class HandedOverError(BatchStateError):
    """Another issuer goes on with the row."""

    code = "exchange.handed_over"

    def __init__(self, successor: str | None) -> None:
        super().__init__(f"this row was handed over: {successor} goes on with it", hint="ask there")


@dataclass(frozen=True, slots=True)
class LostCertificates:
    """What a row had brought, and a restored store does not know, as a log told.

    Args:
        offers: ids of the offers that were issued, the oldest first.
        slip: which slip of the row brought the last of them, from 0.
    """

    offers: tuple[str, ...]
    slip: int


class RowDesk:
    """The rows of one issuer's batches, one by one.

    Args:
        profile: of the issuer.
        claiming: where slips are claimed.
        log: of who did what.
    """

    def __init__(self, profile: Profile, claiming: SlipDesk, log: ActLog) -> None:
        self._profile = profile
        self._claiming = claiming
        self._log = log

    async def retry(self, batch: Batch, number: int, *, by: str) -> BatchRow:
        """Let a row be claimed again with the same slip: its lock is lifted, an offer that is open is withdrawn.

        Raises:
            NotFoundError: there is no such row.
            BatchStateError: it has a credential; or its number is that of a certificate which the store lost.
        """
        await self._check_lost(batch, number)
        return await self._act(batch, number, _retried, Act.ROW_RETRIED, by=by)

    async def leave_out(self, batch: Batch, number: int, *, by: str, lost: LostCertificates | None = None) -> BatchRow:
        """Let nobody claim a row; `retry` takes that back.

        Args:
            batch: whose row.
            number: of the row.
            by: id of who.
            lost: what the row had brought that the store lost: then nobody gets its certificate number any more, and
                `retry` needs another one first; slips before the one that brought it are worth nothing. So it is of a
                row with a credential, too: that of an earlier slip, which is revoked; and of one that was handed over.

        Raises:
            NotFoundError: there is no such row.
            BatchStateError: it has a credential.
            HandedOverError: another issuer goes on with it.
        """
        if lost is None:
            return await self._act(batch, number, _left_out, Act.ROW_LEFT_OUT, by=by)
        # First: a crash between leaves a row that can be claimed, and a number that it does not get.
        await self._claiming.numbers.close(await read_claim(self._profile, batch, number))
        step, states = partial(_lost, lost=lost), tuple(RowState)
        return await self._act(batch, number, step, Act.ROW_LEFT_OUT, by=by, states=states, is_anywhere=True)

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
        if batch.state is BatchState.CANCELLED:
            raise BatchStateError("expected a batch that is not cancelled")
        kind = load_credential_type(batch.credential_type)
        checked = validate_claim(kind, claim, at=days_anywhere(datetime.now(UTC)).last).plain
        claiming = self._claiming
        if checked != await read_claim(self._profile, batch, number):
            await claiming.check(checked)  # the authority may be asked: nobody waits for that with the row's turn
        async with one_step(self._profile, f"batch-edit.{batch.id}"):  # so no two rows get one number
            before = await read_claim(self._profile, batch, number)
            if checked == before:  # sent again: what the slip has become since stays
                return await claiming.looked_at(await claiming.row(batch.id, number))
            if digest not in (None, claim_digest(before)):
                raise RowChangedError(
                    "somebody has changed this row since you looked at it", hint="look at it again, then correct it"
                )
            if checked.get(NUMBER) != before.get(NUMBER):
                await self._check_number(batch, number, checked.get(NUMBER, ""))
            async with claiming.turn(batch.id, number):
                row = await claiming.settled(await claiming.row(batch.id, number))
                await self._check_here(row)
                row = await claiming.withdraw(row)
                if row.state is RowState.ISSUED:
                    raise BatchStateError(
                        "expected a row without a credential, found one that is ISSUED",
                        hint="renew it: that revokes the credential and gives out a new slip",
                    )
                await claiming.numbers.move(SlipRow(batch.id, number), before, checked)
                names = sorted(name for name in {*before, *checked} if before.get(name) != checked.get(name))
                unlocked = _retried(row) if row.state is RowState.LOCKED else row
                await self._log.note(
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
            BatchStateError: it has had another number of slips, or as many as may be; or its certificate number is that
                of a certificate which the store lost.
        """
        await self._check_lost(batch, number)
        step = partial(_renewed, slips=slips)
        return await self._act(batch, number, step, Act.ROW_RENEWED, by=by, states=tuple(RowState), withdraws=False)

    async def look(self, batch: Batch, number: int, *, wait_s: float = TURN_S) -> None:
        """Look at what a row's offer has become, and end what must; where the batch was cancelled, withdraw it.

        Raises:
            LeaseBusyError: somebody is at work on the row, and was for so long.
        """
        claiming = self._claiming
        async with claiming.turn(batch.id, number, wait_s=wait_s):
            row = await claiming.end_what_must(await claiming.row(batch.id, number))
            if batch.state in ENDED and row.state in MAY_HAVE_OPEN:
                await claiming.withdraw(row)
            else:
                await claiming.settled(row)

    async def open_row(self, batch: Batch, number: int) -> Mapping[str, str] | None:
        """Return the claim of a row of a batch that was handed over, once nobody can claim it here any more.

        Whoever was claiming it has ended when this has its turn: an offer that was open is withdrawn, what must end is
        asked to. None: it has a credential, was left out, or another issuer has it for good.

        Raises:
            BatchStateError: the batch was not handed over.
        """
        async with self._claiming.turn(batch.id, number):
            row = await self._closed(batch, number, BatchState.HANDED_OVER)
            is_open = row.state in _NOTHING_CAME and row.gone_to is None
            return await read_claim(self._profile, batch, number) if is_open else None

    async def is_let_go(self, batch: Batch, number: int) -> bool:
        """Return whether nothing came of a row of a batch that was cancelled, and nothing can any more.

        Raises:
            BatchStateError: the batch was not cancelled.
        """
        async with self._claiming.turn(batch.id, number):
            return (await self._closed(batch, number, BatchState.CANCELLED)).state in _NOTHING_CAME

    async def give_up(self, batch: Batch, number: int, successor: str) -> None:
        """Note that an issuer to which a batch was handed over has one of its rows for good; again changes nothing."""
        async with self._claiming.turn(batch.id, number):
            row = await self._closed(batch, number, BatchState.HANDED_OVER)
            if row.state in _NOTHING_CAME and row.gone_to is None:
                await self._claiming.change(row, lambda kept: kept.model_copy(update={"gone_to": successor}))

    async def _closed(self, batch: Batch, number: int, state: BatchState) -> BatchRow:
        """Return a row of a batch that has ended, what was open withdrawn; whoever calls has its turn."""
        claiming = self._claiming
        if (await claiming.batch(batch.id)).state is not state:
            raise BatchStateError(f"expected a batch that is {state.value}")
        row = await claiming.end_what_must(await claiming.row(batch.id, number))
        return await claiming.withdraw(await claiming.settled(row))

    async def _check_here(self, row: BatchRow) -> None:
        """Refuse to work on a row that is another issuer's by now; what has a credential of ours stays ours."""
        batch = await self._claiming.batch(row.batch_id)
        if batch.state is BatchState.HANDED_OVER and row.state is not RowState.ISSUED:
            raise HandedOverError(batch.handed_to)

    async def _check_lost(self, batch: Batch, number: int) -> None:
        """Refuse to have a row claimed whose number is that of a certificate which the store lost."""
        if not (await self._claiming.row(batch.id, number)).lost:
            return
        text = (await read_claim(self._profile, batch, number)).get(NUMBER, "")
        kept = await self._claiming.numbers.find(text)
        if kept is not None and kept.is_erased:
            raise BatchStateError(
                "this person took a certificate with this number after the backup that was restored; it is still good",
                hint="if a second one is meant, give the row another certificate number first, then unlock it",
            )

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
        is_anywhere: bool = False,
    ) -> BatchRow:
        """Do something with a row, alone, once its offer was looked at; `is_anywhere`: also if it was handed over."""
        await read_claim(self._profile, batch, number)
        claiming = self._claiming
        async with claiming.turn(batch.id, number):
            row = await claiming.settled(await claiming.row(batch.id, number))
            if not is_anywhere:
                await self._check_here(row)
            if row.state in states and step(row) not in (None, row):
                await self._log.note(act, by=by, what=f"{batch.id} {number}")
            if withdraws:
                row = await claiming.withdraw(row)
            if row.state not in states:
                raise BatchStateError(
                    f"expected a row without a credential, found one that is {row.state.value}",
                    hint="renew it: that revokes the credential and gives out a new slip",
                )
            row = await claiming.change(row, step)
            return await claiming.settled(await claiming.end_what_must(row))


def _retried(row: BatchRow) -> BatchRow:
    return row.model_copy(update={"state": RowState.WAITING, "tries": 0, "begun": 0})


def _left_out(row: BatchRow) -> BatchRow:
    return row.model_copy(update={"state": RowState.LEFT_OUT})


def _lost(row: BatchRow, *, lost: LostCertificates) -> BatchRow:
    """Leave a row out; where it had got another slip, do what that did (`_renewed`)."""
    further = tuple(one for one in lost.offers if one not in row.lost)
    row = row.model_copy(update={"lost": (*row.lost, *further)})
    if lost.slip <= row.turn:  # what came of the slip since the restore stands beside it
        return row if row.state is RowState.ISSUED else _left_out(row)
    ended = () if row.offer_id is None else (row.offer_id,)
    renewed = {"turn": lost.slip, "offer_id": None, "opened_at": None, "to_end": (*row.to_end, *ended)}
    return _left_out(row).model_copy(update=renewed)


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
            "lost": row.lost,
        }
    )
