"""Sends what is due: a few e-mails at a time, batch by batch, and what was not taken another time.

    1. A batch whose time has come is claimed among all processes. It ends where the batch has ended.
    2. Its rows are looked at from where the last look ended; who may still claim, has an address and is due is next.
    3. So many are sent in one talk as the pace allows; then the next look is in ten seconds. A round that has come to
       its end begins anew when the first of its rows is due: a reminder, or another try.

What the server does not take at all (away, wrong password) waits as a whole and is told; no row counts it as a try.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act
from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchState, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState
from wanderbuch.agents.issuer.batch_records.slips import slip_token
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.gateway import must_reach_from_afar
from wanderbuch.agents.issuer.class_list.contacts import EMAIL, LANGUAGE
from wanderbuch.agents.issuer.mailing.letter import written
from wanderbuch.agents.issuer.mailing.mailing import (
    MailedRow,
    Mailing,
    MailState,
    forget_mailed,
    mailed,
    mailed_rows,
    mailing_id,
    note_mailed,
)
from wanderbuch.agents.issuer.mailing.server import MailServerError, MailTalk, mail_talk
from wanderbuch.agents.issuer.pages.slip_words import Letter
from wanderbuch.agents.issuer.smtp_config import SmtpConfig
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.records import RecordStore

if TYPE_CHECKING:
    from wanderbuch.agents.issuer.batches.reached import Contacts

LOGGER = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 10.0
_STEP: Final = timedelta(seconds=LOOK_EVERY_S)
_TROUBLE: Final = timedelta(minutes=5)
_IDLE: Final = timedelta(minutes=10)
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class MailPlan:
    """How often the people of a batch are reminded.

    Args:
        remind_days: after so many days.
        most_reminders: so often at most; 0: never.
    """

    remind_days: int = 14
    most_reminders: int = 2


@dataclass(slots=True)
class _Look:
    """One look at a mailing: what is sent in it, and where it ended."""

    left: int
    after: int
    soonest: datetime | None
    due: list[tuple[BatchRow, str, str, MailedRow]] = field(default_factory=list)
    is_at_end: bool = False
    is_cut: bool = False

    def next_at(self, at: datetime | None) -> None:
        if at is not None and (self.soonest is None or at < self.soonest):
            self.soonest = at


class Postman:
    """Writes to the people of one issuer's batches.

    Args:
        profile: of the issuer.
        batches: its batches.
        config: of the mail server; None: there is none.
        centre: its name.
        language: of whom a list says none.
        address: gives that of a slip, by its token.
        clock: the instant now, aware UTC.
        on_wanted: called when there is something to send.
    """

    def __init__(
        self,
        profile: Profile,
        batches: BatchDesk,
        config: SmtpConfig | None,
        *,
        centre: str,
        language: str,
        address: Callable[[str], str],
        clock: Callable[[], datetime],
        on_wanted: Callable[[], None],
    ) -> None:
        self.config = config
        self._profile = profile
        self._batches = batches
        self._centre = centre
        self._language = language
        self._address = address
        self._clock = clock
        self._wanted = on_wanted
        self._mailings = RecordStore(profile, Mailing)

    async def begin(self, batch: Batch, plan: MailPlan, *, by: str) -> Mailing:
        """Have the people of a batch written to, or go on with it; who was written to is not again.

        Raises:
            BatchStateError: there is no mail server, the batch is handed over in person, or nobody can be reached.
        """
        if self.config is None:
            raise BatchStateError("expected a mail server", hint="the operator names it in [issuer.smtp]")
        must_reach_from_afar(batch)
        if not batch.contacts:
            raise BatchStateError("expected a batch whose list says how people are reached")
        fresh = Mailing(
            id=mailing_id(batch.id),
            batch_id=batch.id,
            pages=len(batch.numbers),
            remind_days=plan.remind_days,
            most_reminders=plan.most_reminders,
            look_at=self._clock(),
        )
        await self._batches.log.note(Act.MAIL_STARTED, by=by, what=batch.id)
        try:
            kept = await self._mailings.insert(fresh)
        except DuplicateError:
            again = {"is_on": True, "after": 0, "soonest": None, "look_at": fresh.look_at}
            plan_of = {"remind_days": plan.remind_days, "most_reminders": plan.most_reminders}
            kept = await self._mailings.change(fresh.id, lambda one: one.model_copy(update=again | plan_of))
        self._wanted()
        return kept

    async def end(self, batch: Batch, *, by: str) -> None:
        """Write to nobody of a batch any more; whoever is being written to is."""
        await self._batches.log.note(Act.MAIL_ENDED, by=by, what=batch.id)
        try:
            await self._mailings.change(mailing_id(batch.id), lambda one: one.model_copy(update={"is_on": False}))
        except NotFoundError:
            return

    async def again(self, batch: Batch, number: int, *, by: str) -> None:
        """Have one person written to once more: with a new slip, or where it is not known whether they were.

        Raises:
            NotFoundError: there is no such row.
            BatchStateError: nobody is written to, or this person cannot be reached.
        """
        await self._batches.row(batch, number)
        contact = (await self._batches.contacts(batch, [number])).get(number, {})
        mailing = await self.of(batch.id)
        if mailing is None or not mailing.is_on or EMAIL not in contact:
            raise BatchStateError("expected a batch whose people are written to, and a person with an e-mail address")
        await self._batches.log.note(Act.ROW_MAILED, by=by, what=f"{batch.id} {number}")
        kept = await mailed(self._profile, batch, number)
        await note_mailed(self._profile, batch, number, replace(kept, state=MailState.NONE.value, tries=0))
        at = self._clock()
        await self._mailings.change(mailing.id, lambda one: one.model_copy(update={"after": 0, "look_at": at}))
        self._wanted()

    async def of(self, batch_id: str) -> Mailing | None:
        """Return the mailing of a batch, if it has one."""
        return await self._mailings.get_or_none(mailing_id(batch_id))

    async def row(self, batch: Batch, number: int) -> MailedRow:
        """Return what the person of a row was sent."""
        return await mailed(self._profile, batch, number)

    async def rows(self, batch: Batch) -> Sequence[tuple[int, MailedRow]]:
        """Return what everybody was sent, by number of the row; to whom nothing was, is left out."""
        return sorted((await mailed_rows(self._profile, batch)).items())

    async def send_due(self) -> float | None:
        """Send what is due; return in how many seconds to look again, None where nothing is left."""
        if self.config is None:
            return None
        now = self._clock()
        async with self._mailings.claiming(now) as due:  # 1
            async for mailing in due:
                await self._go_on(mailing, now)
        soon = await self._mailings.due(now + _STEP, limit=1)
        return LOOK_EVERY_S if soon else None

    async def _go_on(self, mailing: Mailing, now: datetime) -> None:
        batch = await self._batches.find(mailing.batch_id)
        if batch is None or batch.state is BatchState.CANCELLED or not batch.contacts:
            await forget_mailed(self._profile, mailing.batch_id, mailing.pages)
            await self._mailings.remove(mailing.id)
            return
        if not mailing.is_on:
            await self._looked(mailing, look_at=now + timedelta(days=1))
            return
        if batch.state is not BatchState.RUNNING or now > batch.claim_until:
            await self._looked(mailing, look_at=now + _IDLE)
            return
        look = await self._look(mailing, batch, now)  # 2
        trouble = await self._send(mailing, batch, look, now) if look.due else None
        if trouble is not None:
            LOGGER.warning("mailing of the batch %s: %s (reply %d)", batch.id, trouble.message, trouble.reply)
            await self._looked(mailing, look_at=now + _TROUBLE, is_in_trouble=True)
        elif look.is_cut:
            await self._looked(mailing, look_at=now + _STEP, is_in_trouble=False)
        elif look.is_at_end:  # 3
            later = look.soonest or now + _IDLE
            await self._looked(mailing, look_at=max(later, now + _STEP), after=0, soonest=None, is_in_trouble=False)
        else:
            await self._looked(
                mailing, look_at=now + _STEP, after=look.after, soonest=look.soonest, is_in_trouble=False
            )

    async def _looked(self, mailing: Mailing, **changed: object) -> None:
        """Keep where a look ended; a clerk who began anew, or ended it, meanwhile, has the last word."""

        def step(kept: Mailing) -> Mailing | None:
            is_same = (kept.look_at, kept.is_on) == (mailing.look_at, mailing.is_on)
            return kept.model_copy(update=changed) if is_same else None

        await self._mailings.change(mailing.id, step)

    async def _look(self, mailing: Mailing, batch: Batch, now: datetime) -> _Look:
        """Return who is due, from where the last look ended, as many as the pace allows (2)."""
        assert self.config is not None  # noqa: S101  (for the type checker)
        look = _Look(max(1, int(self.config.a_minute * LOOK_EVERY_S / 60)), mailing.after, mailing.soonest)
        while look.left > 0:
            rows = await self._batches.rows(batch, after=look.after, limit=_PAGE)
            if not rows:
                look.is_at_end = True
                break
            contacts = await self._batches.contacts(batch, [row.number for _, row in rows])
            for _, row in rows:
                await self._consider(mailing, batch, row, contacts, look, now)
                look.after = row.number
                if not look.left:
                    break
        return look

    async def _consider(
        self, mailing: Mailing, batch: Batch, row: BatchRow, contacts: "Contacts", look: _Look, now: datetime
    ) -> None:
        contact = contacts.get(row.number, {})
        if EMAIL not in contact:
            return
        row = await self._batches.claiming.settled(row)
        if row.state not in (RowState.WAITING, RowState.OPEN):
            return
        kept = await mailed(self._profile, batch, row.number)
        if kept.state == MailState.SENDING.value:  # a crash cut it, and the batch is ours now
            await note_mailed(self._profile, batch, row.number, replace(kept, state=MailState.UNKNOWN.value))
            return
        at = mailing.next_of(kept, row.turn)
        if at is None or at > now:
            look.next_at(at)
            return
        look.due.append((row, contact[EMAIL], contact.get(LANGUAGE, self._language), kept))
        look.left -= 1

    async def _send(self, mailing: Mailing, batch: Batch, look: _Look, now: datetime) -> MailServerError | None:
        """Send what is due in one talk (3); return what is wrong with the server, if anything is."""
        assert self.config is not None  # noqa: S101  (for the type checker)
        try:
            async with mail_talk(self.config) as talk:
                for row, to, language, kept in look.due:
                    sent = await self._one(talk, batch, row, to, language, kept, now)
                    look.next_at(mailing.next_of(sent, row.turn))
                    if sent.state == MailState.UNKNOWN.value:  # the talk was cut: the others in another one
                        look.is_cut = True
                        break
        except MailServerError as err:
            return err
        return None

    async def _one(
        self, talk: MailTalk, batch: Batch, row: BatchRow, to: str, language: str, kept: MailedRow, now: datetime
    ) -> MailedRow:
        """Send one e-mail, and return what has become of it."""
        link = self._address(slip_token(row.slip, batch.secret))
        letter = Letter(self._centre, language, link, batch.access, batch.claim_until, kept.sent > 0)
        assert self.config is not None  # noqa: S101  (for the type checker)
        key = (batch.id, str(row.number), str(row.turn), str(kept.sent))
        message = written(letter, sender=self.config.sender, to=to, at=now, key=key)
        begun = replace(kept, state=MailState.SENDING.value, turn=row.turn, tries=kept.tries + 1, at=now.isoformat())
        await note_mailed(self._profile, batch, row.number, begun)
        try:
            outcome, reply = await talk.give(to, message)
        except MailServerError:  # it had nothing of this one
            await note_mailed(self._profile, batch, row.number, kept)
            raise
        state = MailState(outcome.value)
        ended = replace(begun, state=state.value, reply=reply)
        if state is MailState.SENT:
            ended = replace(ended, sent=kept.sent + 1, tries=0)
        await note_mailed(self._profile, batch, row.number, ended)
        return ended
