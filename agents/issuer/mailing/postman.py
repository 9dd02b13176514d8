"""Whose people are written to: a clerk has a batch written to, ends it, sends one e-mail again, sees what became of it.

What is due is sent by `mail_round`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act
from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import BatchRow
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.gateway import must_be_claimable, must_reach_from_afar
from wanderbuch.agents.issuer.class_list.contacts import EMAIL
from wanderbuch.agents.issuer.mailing.mail_round import MailRound
from wanderbuch.agents.issuer.mailing.mailing import (
    MailedRow,
    Mailing,
    MailState,
    change_mailed,
    mailed,
    mailed_rows,
    mailing_id,
    retry_mailed,
)
from wanderbuch.agents.issuer.smtp_config import SmtpConfig
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.records import RecordStore


@dataclass(frozen=True, slots=True)
class MailPlan:
    """How often the people of a batch are reminded.

    Args:
        remind_days: after so many days.
        most_reminders: so often at most; 0: never.
        again: whether those whose e-mail was given up are written to once more.
    """

    remind_days: int = 14
    most_reminders: int = 2
    again: bool = False


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
        self._clock = clock
        self._wanted = on_wanted
        self._mailings = RecordStore(profile, Mailing)
        self.round = MailRound(profile, batches, config, centre=centre, language=language, address=address, clock=clock)

    async def begin(self, batch: Batch, plan: MailPlan, *, by: str) -> Mailing:
        """Have the people of a batch written to, or go on with it; who was written to is not again.

        Whose e-mail was given up is, if the plan says so; after a new slip a clerk sends it (`again`).

        Raises:
            BatchStateError: there is no mail server, the batch is over or handed over in person, or nobody can be
                reached.
        """
        if self.config is None:
            raise BatchStateError("expected a mail server", hint="the operator names it in [issuer.smtp]")
        must_reach_from_afar(batch)
        must_be_claimable(batch, at=self._clock())
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
        if plan.again:
            await retry_mailed(self._profile, batch, await self._given_up(batch))
        try:
            kept = await self._mailings.insert(fresh)
        except DuplicateError:
            again = {"is_on": True, "after": 0, "soonest": None, "look_at": fresh.look_at, "doubts": 0}
            plan_of = {"remind_days": plan.remind_days, "most_reminders": plan.most_reminders}
            kept = await self._mailings.change(fresh.id, lambda one: one.model_copy(update=again | plan_of))
        self._wanted()
        return kept

    async def end(self, batch: Batch, *, by: str) -> None:
        """Write to nobody of a batch any more; the one e-mail that is being sent is."""
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
        await change_mailed(
            self._profile, batch, number, lambda kept: replace(kept, state=MailState.NONE.value, tries=0)
        )
        at = self._clock()
        await self._mailings.change(mailing.id, lambda one: one.model_copy(update={"after": 0, "look_at": at}))
        self._wanted()

    async def of(self, batch_id: str) -> Mailing | None:
        """Return the mailing of a batch, if it has one."""
        return await self._mailings.get_or_none(mailing_id(batch_id))

    async def row(self, batch: Batch, number: int) -> MailedRow:
        """Return what the person of a row was sent."""
        return await mailed(self._profile, batch, number)

    async def shown(self, batch: Batch, row: BatchRow) -> tuple[MailState, bool]:
        """Return what has become of a person's e-mail, and whether only a clerk can have it sent again, or may."""
        kept, mailing = await self.row(batch, row.number), await self.of(batch.id)
        state = MailState(kept.state)
        is_over = mailing is None or mailing.next_of(kept, row.turn) is None
        if state is MailState.LATER and is_over:
            state = MailState.REFUSED
        is_on = mailing is not None and mailing.is_on and state not in (MailState.NONE, MailState.SENDING)
        return state, is_on and (is_over or state is MailState.SENT)

    async def rows(self, batch: Batch) -> Sequence[tuple[int, MailedRow]]:
        """Return what everybody was sent, by number of the row; to whom nothing was, is left out."""
        return sorted((await mailed_rows(self._profile, batch)).items())

    async def send_due(self) -> float | None:
        """Send what is due; return in how many seconds to look again, None where nothing is left."""
        return await self.round.send_due()

    async def _given_up(self, batch: Batch) -> Sequence[int]:
        """Return the rows whose e-mail was given up, and whose slip is the one that it was about."""
        given_up: list[int] = []
        for number, kept in await self.rows(batch):
            if kept.is_given_up and (await self._batches.claiming.row(batch.id, number)).turn == kept.turn:
                given_up.append(number)
        return given_up
