"""Sends what is due: a few e-mails at a time, batch by batch, and what was not taken another time.

    1. A batch whose time has come is claimed among all processes. It ends where the batch has ended.
    2. Its rows are looked at from where the last look ended; who may still claim, has an address and is due is next.
    3. So many are sent in one talk as the pace of the tenant allows; before each the mailing, the batch and the row are
       read anew, so what a clerk ended is not sent. Then the next look is in ten seconds. A round that has come to its
       end begins anew when the first of its rows is due: a reminder, or another try.

What the server does not take at all (away, wrong password) waits as a whole and is told; no row counts it as a try. Nor
does one where it refuses everybody in a talk: most likely it does not relay for us, or a quota is used up. After so
many such talks in a row, more than a day, they count.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState
from wanderbuch.agents.issuer.batch_records.slips import slip_token
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.class_list.contacts import EMAIL, LANGUAGE
from wanderbuch.agents.issuer.mailing.letter import written
from wanderbuch.agents.issuer.mailing.mailing import (
    MOST_TRIES,
    MailedRow,
    Mailing,
    MailState,
    change_mailed,
    forget_mailed,
    mailed,
)
from wanderbuch.agents.issuer.mailing.pace import MailBudget
from wanderbuch.agents.issuer.mailing.server import Given, MailServerError, MailTalk, Outcome, mail_talk
from wanderbuch.agents.issuer.pages.slip_words import Letter
from wanderbuch.agents.issuer.smtp_config import SmtpConfig
from wanderbuch.errors import WanderbuchError
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.records import RecordStore

LOGGER = logging.getLogger(__name__)
LOOK_EVERY_S: Final = 10.0
_STEP: Final = timedelta(seconds=LOOK_EVERY_S)
_TROUBLE: Final = timedelta(minutes=5)
_LONGEST: Final = timedelta(hours=2)
_MOST_DOUBTS: Final = 20
_IDLE: Final = timedelta(minutes=10)
_PAGE: Final = 100
_SOME: Final = 2
_MAY_CLAIM: Final = (RowState.WAITING, RowState.OPEN)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A row whose e-mail the server did not take, without a word about the address."""

    number: int
    before: MailedRow
    after: MailedRow


@dataclass(slots=True)
class _Look:
    """One look at a mailing: what is sent in it, and where it ended."""

    left: int
    after: int
    soonest: datetime | None
    due: list[tuple[int, MailedRow]] = field(default_factory=list)
    refused: list[_Refused] = field(default_factory=list)
    has_taken: bool = False
    is_at_end: bool = False
    is_cut: bool = False
    is_doubted: bool = False

    def next_at(self, at: datetime | None) -> None:
        if at is not None and (self.soonest is None or at < self.soonest):
            self.soonest = at


class MailRound:
    """Sends what is due of one issuer's mailings.

    Args:
        profile: of the issuer.
        batches: its batches.
        config: of the mail server; None: there is none.
        centre: its name.
        language: of whom a list says none.
        address: gives that of a slip, by its token.
        clock: the instant now, aware UTC.
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
    ) -> None:
        self._profile = profile
        self._batches = batches
        self._config = config
        self._centre = centre
        self._language = language
        self._address = address
        self._clock = clock
        self._mailings = RecordStore(profile, Mailing)
        self._pace = None if config is None else MailBudget(profile, config.a_minute)

    async def send_due(self) -> float | None:
        """Send what is due; return in how many seconds to look again, None where nothing is left."""
        now = self._clock()
        async with self._mailings.claiming(now) as due:  # 1
            async for mailing in due:
                if self._pace is not None and not await self._pace.left(self._clock()):
                    break  # those that are left come first the next time
                try:
                    await self._go_on(mailing, now)
                except WanderbuchError as err:  # the others must not wait for this one
                    LOGGER.warning("mailing of the batch %s: %s", mailing.batch_id, err.code)
                    with suppress(NotFoundError):
                        await self._looked(mailing, look_at=now + _TROUBLE, is_in_trouble=True)
        soon = await self._mailings.due(now + _STEP, limit=1)
        if not soon or self._pace is None:
            return None
        at = self._clock()
        return max(LOOK_EVERY_S, (await self._pace.free_at(at) - at).total_seconds())

    async def _go_on(self, mailing: Mailing, now: datetime) -> None:
        batch = await self._batches.find(mailing.batch_id)
        if batch is None or batch.state is BatchState.CANCELLED or not batch.contacts:
            await forget_mailed(self._profile, mailing.batch_id, mailing.pages)
            await self._mailings.remove(mailing.id)
            return
        if not mailing.is_on:
            await self._looked(mailing, look_at=now + timedelta(days=1))
            return
        if self._pace is None or not _may_claim(batch, now):
            await self._looked(mailing, look_at=now + _IDLE)
            return
        look = await self._look(mailing, batch, now, await self._pace.left(self._clock()))  # 2
        trouble = await self._send(mailing, batch, look, now) if look.due else None
        if trouble is not None:
            LOGGER.warning("mailing of the batch %s: %s (reply %d)", batch.id, trouble.message, trouble.reply)
        place: dict[str, object] = {"after": look.after, "soonest": look.soonest}
        if look.is_cut:
            place = {}
        elif look.is_at_end:
            place = {"after": 0, "soonest": None}
        if look.is_doubted:  # others get their turn, but ever less often
            place |= {"look_at": now + _doubt_wait(mailing), "is_in_trouble": True, "doubts": mailing.doubts + 1}
        elif trouble is not None:
            place = {"look_at": now + _TROUBLE, "is_in_trouble": True}
        else:
            if look.has_taken or not mailing.doubts:
                place |= {"is_in_trouble": False, "doubts": 0}
            later = look.soonest or now + _IDLE
            place["look_at"] = max(later, now + _STEP) if look.is_at_end and not look.is_cut else now + _STEP  # 3
        await self._looked(mailing, **place)

    async def _looked(self, mailing: Mailing, **changed: object) -> None:
        """Keep where a look ended; a clerk who began anew, or ended it, meanwhile, has the last word."""

        def step(kept: Mailing) -> Mailing | None:
            is_same = (kept.look_at, kept.is_on) == (mailing.look_at, mailing.is_on)
            return kept.model_copy(update=changed) if is_same else None

        await self._mailings.change(mailing.id, step)

    async def _look(self, mailing: Mailing, batch: Batch, now: datetime, left: int) -> _Look:
        """Return who is due, from where the last look ended, as many as the pace allows (2)."""
        look = _Look(left, mailing.after, mailing.soonest)
        while look.left > 0:
            rows = await self._batches.rows(batch, after=look.after, limit=_PAGE)
            if not rows:
                look.is_at_end = True
                break
            contacts = await self._batches.contacts(batch, [row.number for _, row in rows])
            for _, row in rows:
                if EMAIL in contacts.get(row.number, {}):
                    await self._consider(mailing, batch, row, look, now)
                look.after = row.number
                if not look.left:
                    break
        return look

    async def _consider(self, mailing: Mailing, batch: Batch, row: BatchRow, look: _Look, now: datetime) -> None:
        row = await self._batches.claiming.looked_at(row)
        if row.state not in _MAY_CLAIM:
            return
        kept = await mailed(self._profile, batch, row.number)
        if kept.state == MailState.SENDING.value:  # a crash cut it, and the batch is ours now
            await self._note(batch, row.number, kept, replace(kept, state=MailState.UNKNOWN.value))
            return
        at = mailing.next_of(kept, row.turn)
        if at is None and kept.state == MailState.LATER.value:  # it is not tried again: another slip, or too often
            await self._note(batch, row.number, kept, replace(kept, state=MailState.REFUSED.value))
        if at is None or at > now:
            look.next_at(at)
            return
        look.due.append((row.number, kept))
        look.left -= 1

    async def _send(self, mailing: Mailing, start: Batch, look: _Look, now: datetime) -> MailServerError | None:
        """Send what is due in one talk (3); return what is wrong with the server, if anything is."""
        assert self._config is not None  # noqa: S101  (for the type checker)
        assert self._pace is not None  # noqa: S101
        granted = await self._pace.take(len(look.due), self._clock())
        look.is_cut = granted < len(look.due)  # another process took it
        if not granted:
            return None
        trouble: MailServerError | None = None
        try:
            async with mail_talk(self._config) as talk:
                for number, kept in look.due[:granted]:
                    batch = await self._still(mailing, now)
                    if batch is None:
                        look.is_cut = True
                        break
                    sent = await self._one(talk, mailing, batch, look, number, kept, now)
                    if sent is not None and sent.state == MailState.UNKNOWN.value:
                        look.is_cut = True  # the talk was cut: the others in another one
                        break
        except MailServerError as err:
            look.is_cut, trouble = True, err
        is_alone = len(look.refused) < _SOME and not mailing.doubts
        if look.has_taken or not look.refused or is_alone or mailing.doubts >= _MOST_DOUBTS:
            return trouble
        look.is_doubted = True
        for one in look.refused:
            await self._note(start, one.number, one.after, one.before)
        look.next_at(now + _doubt_wait(mailing))
        return trouble or MailServerError("refuses everybody", look.refused[-1].after.reply)

    async def _still(self, mailing: Mailing, now: datetime) -> Batch | None:
        """Return the batch if its people are still written to: a clerk may have ended it since the look."""
        kept, batch = await self._mailings.get_or_none(mailing.id), await self._batches.find(mailing.batch_id)
        is_on = kept is not None and kept.is_on and batch is not None and _may_claim(batch, now)
        return batch if is_on else None

    async def _one(
        self,
        talk: MailTalk,
        mailing: Mailing,
        batch: Batch,
        look: _Look,
        number: int,
        kept: MailedRow,
        now: datetime,
    ) -> MailedRow | None:
        """Send one e-mail, and return what has become of it; None: it is not due any more, or somebody else's."""
        assert self._config is not None  # noqa: S101  (for the type checker)
        row = await self._batches.claiming.looked_at(await self._batches.claiming.row(batch.id, number))
        contact = (await self._batches.contacts(batch, [number])).get(number, {})
        due_at = mailing.next_of(kept, row.turn)
        if row.state not in _MAY_CLAIM or EMAIL not in contact or due_at is None or due_at > now:
            return None
        link = self._address(slip_token(row.slip, batch.secret))
        language = contact.get(LANGUAGE, self._language)
        letter = Letter(self._centre, language, link, batch.access, batch.claim_until, kept.sent > 0)
        key = (batch.id, str(number), str(row.turn), str(kept.sent))
        message = written(letter, sender=self._config.sender, to=contact[EMAIL], at=now, key=key)
        begun = replace(kept, state=MailState.SENDING.value, turn=row.turn, tries=kept.tries + 1, at=now.isoformat())
        if not await self._note(batch, number, kept, begun):
            return None
        try:
            given = await talk.give(contact[EMAIL], message)
        except MailServerError:  # it had nothing of this one
            await self._note(batch, number, begun, kept)
            raise
        ended = _ended(begun, given)
        await self._note(batch, number, begun, ended)
        if ended.state in (MailState.LATER.value, MailState.REFUSED.value):
            if not given.is_about_address:
                look.refused.append(_Refused(number, kept, ended))
        else:
            look.has_taken |= ended.state == MailState.SENT.value
        look.next_at(mailing.next_of(ended, row.turn))
        return ended

    async def _note(self, batch: Batch, number: int, seen: MailedRow, row: MailedRow) -> bool:
        """Keep what a person was sent; False: somebody else has written something since it was seen."""
        return await change_mailed(self._profile, batch, number, lambda kept: row if kept == seen else None)


def _may_claim(batch: Batch, now: datetime) -> bool:
    return batch.state is BatchState.RUNNING and now <= batch.claim_until


def _doubt_wait(mailing: Mailing) -> timedelta:
    return min(_TROUBLE * (1 << mailing.doubts), _LONGEST)


def _ended(begun: MailedRow, given: Given) -> MailedRow:
    """Return what has become of an e-mail that the server was given."""
    ended = replace(begun, state=given.outcome.value, reply=given.reply)
    match given.outcome:
        case Outcome.SENT:
            return replace(ended, sent=begun.sent + 1, tries=0)
        case Outcome.LATER if begun.tries >= MOST_TRIES:
            return replace(ended, state=MailState.REFUSED.value)
        case _:
            return ended
