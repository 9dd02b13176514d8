"""E-mail of slips' links: the REST routes."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from pydantic import Field

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.mailing.mailing import MOST_DAYS, MOST_REMINDERS, MailedRow, Mailing, MailState
from wanderbuch.agents.issuer.mailing.postman import MailPlan, Postman
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.listing import LISTED, asked_part
from wanderbuch.agents.runtime.problems import MalformedError

_NUMBER_CHARS: Final = 7


class MailWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches."""

    @property
    def postman(self) -> Postman:
        """Return what writes to the people of its batches."""


class MailIn(ApiModel):
    """How often people are reminded: after so many days without the certificate, and so often at most.

    With `again`, those whose e-mail was refused are written to once more, as after a server that was set up wrongly.
    """

    remind_days: int = Field(default=14, ge=1, le=MOST_DAYS)
    most_reminders: int = Field(default=2, ge=0, le=MOST_REMINDERS)
    again: bool = False


class MailedOut(ApiModel):
    """What the person of a row was sent; `reply` is the mail server's number, 0 where it gave none.

    `state` is none, sending, sent, later (it is tried again), refused or unknown (perhaps sent: not again by itself).
    """

    number: int
    state: MailState
    sent: int
    at: datetime | None
    reply: int

    @classmethod
    def of(cls, number: int, row: MailedRow) -> "MailedOut":
        """Return a row for the wire."""
        at = datetime.fromisoformat(row.at) if row.at else None
        return cls(number=number, state=MailState(row.state), sent=row.sent, at=at, reply=row.reply)


class MailingOut(ApiModel):
    """Whether the people of a batch are written to, how many e-mails stand where, and row by row; no addresses.

    `is_in_trouble` says that the mail server took nothing the last time.
    """

    is_on: bool
    is_in_trouble: bool
    remind_days: int | None
    most_reminders: int | None
    counts: dict[MailState, int]
    items: list[MailedOut]
    next_cursor: str | None


async def _show(office: MailWork, call: Call[None]) -> MailingOut:
    batch, asked = await office.batches.get(call.path["id"]), asked_part(call.query)
    after = _number(asked.cursor or "0", "a cursor of this list")
    return await _view(office, batch, await office.postman.of(batch.id), after=after, limit=asked.limit)


async def _begin(office: MailWork, call: Call[MailIn]) -> MailingOut:
    batch = await office.batches.get(call.path["id"])
    plan = MailPlan(call.body.remind_days, call.body.most_reminders, call.body.again)
    return await _view(office, batch, await office.postman.begin(batch, plan, by=manager(call)))


async def _end(office: MailWork, call: Call[None]) -> MailingOut:
    batch = await office.batches.get(call.path["id"])
    await office.postman.end(batch, by=manager(call))
    return await _view(office, batch, await office.postman.of(batch.id))


async def _again(office: MailWork, call: Call[None]) -> MailedOut:
    batch, number = await office.batches.get(call.path["id"]), _number(call.path["number"], "the number of a row")
    await office.postman.again(batch, number, by=manager(call))
    return MailedOut.of(number, await office.postman.row(batch, number))


MAIL_ROUTES: Final[Sequence[Route]] = (
    get("/batches/{id}/mail", _show, result=MailingOut, summary="Show what people were sent by e-mail", query=LISTED),
    post("/batches/{id}/mail", _begin, body=MailIn, result=MailingOut, summary="Send the links by e-mail, and remind"),
    post("/batches/{id}/mail/end", _end, result=MailingOut, summary="Write to nobody of a batch any more"),
    post("/batches/{id}/rows/{number}/mail", _again, result=MailedOut, summary="Write to one person once more"),
)


async def _view(
    office: MailWork, batch: Batch, mailing: Mailing | None, *, after: int = 0, limit: int = 50
) -> MailingOut:
    rows = await office.postman.rows(batch)
    counts = Counter(MailState(row.state) for _, row in rows)
    items = [MailedOut.of(number, row) for number, row in rows if number > after][: limit + 1]
    return MailingOut(
        is_on=mailing is not None and mailing.is_on,
        is_in_trouble=mailing is not None and mailing.is_in_trouble,
        remind_days=None if mailing is None else mailing.remind_days,
        most_reminders=None if mailing is None else mailing.most_reminders,
        counts=dict(counts),
        items=items[:limit],
        next_cursor=str(items[limit - 1].number) if len(items) > limit else None,
    )


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_CHARS) or str(int(text)) != text:
        raise MalformedError(f"expected {what}")
    return int(text)
