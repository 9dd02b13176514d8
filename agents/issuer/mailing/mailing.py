"""The mailing of a batch, and what has become of each person's e-mail.

    a row:  none ──noted as being sent──► SENDING ──the server took it──► SENT ──days later, not claimed──► SENDING …
                                             ├──not now──► LATER ──ever less often──► SENDING
                                             ├──never, or too often──► REFUSED
                                             └──a crash, a cut──► UNKNOWN: perhaps sent, so not by itself again

`SENDING` is written before anything is said to the server: an e-mail goes out once rather than twice. What has become
of a page of rows is one entry of the wallet's store, without addresses; it goes with these (`forget_mailed`). Whoever
changes it says what they saw: a clerk's word in between stands, and of two senders one writes.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batch_records.row_pages import page_at, page_name, remove_pages
from wanderbuch.store.once import one_step, own_id
from wanderbuch.store.records import Record

MOST_TRIES: Final = 8
MOST_REMINDERS: Final = 5
MOST_DAYS: Final = 90
_CATEGORY: Final = "wanderbuch.batch-mails"
_FIRST_WAIT: Final = timedelta(minutes=5)
_AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)


class MailState(Enum):
    """What has become of an e-mail."""

    NONE = "none"
    SENDING = "sending"
    SENT = "sent"
    LATER = "later"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MailedRow:
    """What a person was sent.

    Args:
        state: of the last e-mail.
        turn: of which slip of the row it was.
        sent: so many went out.
        tries: of the one that is to go out.
        at: when that was tried last, or sent; ISO 8601.
        reply: the server's number; 0 where it gave none.
    """

    state: str = MailState.NONE.value
    turn: int = 0
    sent: int = 0
    tries: int = 0
    at: str = ""
    reply: int = 0

    @property
    def is_given_up(self) -> bool:
        """Return whether the server took it at no try, and there is none left."""
        is_over = self.state == MailState.LATER.value and self.tries >= MOST_TRIES
        return is_over or self.state == MailState.REFUSED.value

    def due_at(self, *, turn: int, remind_after: timedelta, most_reminders: int) -> datetime | None:
        """Return when this person is to be written to next, as long as the slip is not claimed; None: not any more.

        Args:
            turn: of the slip that is good; another one than was sent is sent by nobody but a clerk.
            remind_after: so long after the last e-mail.
            most_reminders: so many at most.
        """
        if self.state == MailState.NONE.value:
            return _AT_ONCE
        if turn != self.turn:
            return None
        at = datetime.fromisoformat(self.at)
        if self.state == MailState.LATER.value:
            return at + _FIRST_WAIT * 2 ** (self.tries - 1) if self.tries < MOST_TRIES else None
        if self.state == MailState.SENT.value and self.sent <= most_reminders:
            return at + remind_after
        return None


class Mailing(Record):
    """That the people of a batch are written to.

    Args:
        batch_id: of which.
        pages: so many the batch has.
        is_on: whether they are.
        remind_days: so many days after an e-mail that brought nobody.
        most_reminders: so many at most.
        after: the number of the row that was looked at last, in this round.
        soonest: when the first of those looked at in this round is due next.
        look_at: when to go on.
        is_in_trouble: whether the server took nothing the last time.
        doubts: so many talks in a row in which it refused everybody.
    """

    category: ClassVar[str] = "wanderbuch.mailing"

    batch_id: str
    pages: int
    is_on: bool = True
    remind_days: int
    most_reminders: int
    after: int = 0
    soonest: datetime | None = None
    look_at: datetime
    is_in_trouble: bool = False
    doubts: int = 0

    def due_at(self) -> datetime | None:
        """Return when to go on, or to see whether the batch has gone."""
        return self.look_at

    def next_of(self, row: MailedRow, turn: int) -> datetime | None:
        """Return when somebody is to be written to next (`MailedRow.due_at`)."""
        remind_after = timedelta(days=self.remind_days)
        return row.due_at(turn=turn, remind_after=remind_after, most_reminders=self.most_reminders)


def mailing_id(batch_id: str) -> str:
    """Return the id of the mailing of a batch."""
    return own_id("mailing", batch_id)


async def mailed(profile: Profile, batch: Batch, number: int) -> MailedRow:
    """Return what the person of a row was sent."""
    async with profile.session() as session:
        entry = await session.handle.fetch(_CATEGORY, _place(batch, number))
    told = {} if entry is None else json.loads(entry.value)
    return MailedRow(**told[str(number)]) if str(number) in told else MailedRow()


async def mailed_rows(profile: Profile, batch: Batch) -> Mapping[int, MailedRow]:
    """Return what everybody was sent, by number of the row; to whom nothing was, is left out."""
    kept: dict[int, MailedRow] = {}
    for page in range(len(batch.numbers)):
        async with profile.session() as session:
            entry = await session.handle.fetch(_CATEGORY, page_name(batch.id, page))
        told = {} if entry is None else json.loads(entry.value)
        kept |= {int(number): MailedRow(**row) for number, row in told.items()}
    return kept


async def change_mailed(
    profile: Profile, batch: Batch, number: int, step: Callable[[MailedRow], MailedRow | None]
) -> bool:
    """Change what the person of a row was sent, for the rows beside it in one transaction.

    Args:
        profile: of the issuer.
        batch: whose row.
        number: of the row.
        step: gets what stands there; returns what is kept from now on, or None to leave it.

    Returns:
        Whether anything was written.
    """

    def change(told: dict[str, MailedRow]) -> None:
        changed = step(told.get(str(number), MailedRow()))
        if changed == MailedRow():  # as if nothing had been tried
            told.pop(str(number), None)
        elif changed is not None:
            told[str(number)] = changed

    return await _change_page(profile, _place(batch, number), change)


async def retry_mailed(profile: Profile, batch: Batch, numbers: Collection[int]) -> None:
    """Have the people of these rows written to once more, as far as that was given up."""
    pages: dict[str, set[str]] = {}
    for number in numbers:
        pages.setdefault(_place(batch, number), set()).add(str(number))

    for place, wanted in pages.items():

        def change(told: dict[str, MailedRow], wanted: set[str] = wanted) -> None:
            for number in wanted & told.keys():
                if told[number].is_given_up:
                    told[number] = replace(told[number], state=MailState.NONE.value, tries=0)

        await _change_page(profile, place, change)


async def forget_mailed_row(profile: Profile, batch: Batch, number: int) -> None:
    """Remove what the person of a row was sent."""
    await _change_page(profile, _place(batch, number), lambda told: told.pop(str(number), None))


async def _change_page(profile: Profile, place: str, change: Callable[[dict[str, MailedRow]], object]) -> bool:
    async with one_step(profile, f"mailed.{place}"), profile.transaction() as session:  # a clerk may write, too
        entry = await session.handle.fetch(_CATEGORY, place, for_update=True)
        told = {} if entry is None else {number: MailedRow(**row) for number, row in json.loads(entry.value).items()}
        before = dict(told)
        change(told)
        if told == before:
            return False
        value = json.dumps({number: asdict(row) for number, row in told.items()})
        if entry is None:
            await session.handle.insert(_CATEGORY, place, value)
        else:
            await session.handle.replace(_CATEGORY, place, value)
        await session.commit()
        return True


async def forget_mailed(profile: Profile, batch_id: str, pages: int) -> None:
    """Remove what the people of a batch were sent."""
    await remove_pages(profile, _CATEGORY, batch_id, pages)


def _place(batch: Batch, number: int) -> str:
    return page_name(batch.id, page_at(batch, number))
