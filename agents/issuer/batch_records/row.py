"""What has become of one row of a batch. There is no record of a row that nobody has touched.

    WAITING ──claim──► OPEN ──the wallet has it──► ISSUED
       ▲  ▲             └──declined, late, refused──► WAITING
       │  └──clerk── LOCKED ◄──five wrong tries, or too many offers── WAITING, OPEN
       └──new slip── ISSUED, OPEN        WAITING, LOCKED, OPEN ──left out──► LEFT_OUT

`state` is what was last found: an offer is its own record, and how it ended is looked up there. What must still be
revoked or withdrawn stands in `to_end` until that was asked for, so that a crash forgets none of it, and nothing new is
offered before. An offer that was open when its row was locked stays open, and may bring a credential.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Final

from pydantic import Field

from wanderbuch.agents.issuer.batch_records.slips import Slip
from wanderbuch.store.category_writes import BATCH_ROWS
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.once import own_id
from wanderbuch.store.records import Record

MOST_TRIES: Final = 5
"""So often a fact or a PIN may be wrong before a clerk must lift the lock."""
MOST_OFFERS: Final = 20
"""So often a slip may become an offer that nobody ends before a clerk must lift the lock."""
_LOOKED_AT: Final = timedelta(minutes=1)


class RowState(Enum):
    """Where a row stands."""

    WAITING = "WAITING"
    OPEN = "OPEN"
    ISSUED = "ISSUED"
    LOCKED = "LOCKED"
    LEFT_OUT = "LEFT_OUT"


MAY_HAVE_OPEN: Final = (RowState.OPEN, RowState.LOCKED)
"""The states of a row whose last offer may be open; in this order, as a row that is open may get locked meanwhile."""


class BatchRow(Record):
    """A row that somebody has touched.

    Args:
        batch_id, number: which row.
        turn: which slip of the row is good.
        attempts: so many offers its slips have become.
        offer_id: the last one.
        opened_at: when that was.
        tries: wrong facts or PINs in a row, those that are being looked at too.
        begun: offers since the slip was given out, or the lock was lifted.
        locks: how often it was locked.
        to_end: offers that are to be revoked, or withdrawn.
        ended: offers that were.
        lost: offers that brought a credential which the store lost, as a log told after a restore.
        gone_to: the DID of who has the row for good, of a batch that was handed over to one and then to another.
    """

    category: ClassVar[str] = BATCH_ROWS

    batch_id: str
    number: int
    state: RowState = RowState.WAITING
    turn: int = 0
    attempts: int = 0
    offer_id: str | None = None
    opened_at: datetime | None = None
    tries: int = 0
    begun: int = 0
    locks: int = 0
    to_end: tuple[str, ...] = ()
    ended: tuple[str, ...] = Field(default=())
    lost: tuple[str, ...] = ()
    gone_to: str | None = None

    @property
    def is_untouched(self) -> bool:
        """Return whether it says nothing that a row without a record does not."""
        counted = (self.turn, self.attempts, self.tries, self.locks)
        return self.state is RowState.WAITING and not any(counted) and self.gone_to is None

    @property
    def slip(self) -> Slip:
        """Return the slip that is good."""
        return Slip(self.batch_id, self.number, self.turn)

    def index_state(self) -> str:
        """Return batch and state: rows are listed and counted batch by batch."""
        return state_in(self.batch_id, self.state)

    def due_at(self) -> datetime | None:
        """Return when its offer is looked at, or at once where something is to be ended."""
        if self.to_end:
            return self.created_at
        if self.state not in MAY_HAVE_OPEN or self.opened_at is None:
            return None
        return self.opened_at + _LOOKED_AT

    def due_again(self, now: datetime) -> datetime | None:
        """Return when its offer is looked at next: ever less often."""
        if self.to_end:
            return now + _LOOKED_AT
        if self.state not in MAY_HAVE_OPEN or self.opened_at is None:
            return None
        return now + max(_LOOKED_AT, now - self.opened_at)


def row_id(batch_id: str, number: int) -> str:
    """Return the id of the record of a row."""
    return own_id("batch-row", batch_id, str(number))


def untouched(batch_id: str, number: int) -> BatchRow:
    """Return a row as it is before anybody has touched it."""
    return BatchRow(id=row_id(batch_id, number), batch_id=batch_id, number=number)


def state_in(batch_id: str, state: RowState) -> str:
    """Return the word under which the rows of a batch in one state are listed."""
    return f"{batch_id}.{state.value}"


def row_events(row: BatchRow) -> Sequence[Event]:
    """Return what a row tells: that it is locked, once for each time."""
    if row.state is not RowState.LOCKED:
        return ()
    return (Event(EventKind.BATCH_ROW_LOCKED, row.batch_id, {"row": row.number}, occasion=f"{row.number}.{row.locks}"),)
