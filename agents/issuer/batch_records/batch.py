"""A batch: so many claims of one class list, offered one by one as their slips are claimed.

    WRITING ──all rows are kept──► READY ──start──► RUNNING ◄──pause, resume──► PAUSED
                                     └──────────────────┴─────── cancel ──────────┴──► CANCELLED

From READY, RUNNING and PAUSED it may also be handed over, for good: HANDED_OVER (`issuer.succession`).

While it is WRITING nobody sees it; what a crash leaves in this state is removed an hour later. Only a RUNNING batch
makes offers, and only until its last day.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Final

from pydantic import Field

from wanderbuch.errors import ExchangeError
from wanderbuch.store.category_writes import BATCHES
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.records import Record

ABANDONED: Final = timedelta(hours=1)
FORGOTTEN: Final = timedelta(days=7)
"""So long after the last day of a batch it is still known how its people are reached."""
OFFERS_SKIPPED: Final = 10_000
"""So many numbers of offers of a slip a restore leaves out."""
MOST_BATCHES: Final = 1000
"""So many a tenant may have."""


class BatchState(Enum):
    """Where a batch stands."""

    WRITING = "WRITING"
    READY = "READY"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLED = "CANCELLED"
    HANDED_OVER = "HANDED_OVER"  # another issuer goes on with what was open


class Access(Enum):
    """What a person shows, beside the slip, before they may claim."""

    IN_PERSON = "in-person"  # the slip is handed over by somebody who knows them
    FACT = "fact"  # a value of their own claim
    PIN = "pin"  # given apart from the slip


class BatchStateError(ExchangeError):
    """The batch is in a state in which that cannot be done."""

    code = "exchange.batch_state"


class SameListError(ExchangeError):
    """The same claims are in a batch already."""

    code = "exchange.same_list"

    def __init__(self, batch_id: str) -> None:
        super().__init__(
            f"a batch with exactly these claims is there already: {batch_id}",
            hint="look at that one; to issue all of them once more, send `again`: true",
        )
        self.members = {"batch": batch_id}


class Batch(Record):
    """A batch without its claims.

    Args:
        title: for those who work with it.
        credential_type: what is issued.
        numbers: of the first row of each page of claims, as the list counts them.
        count: how many rows there are.
        digest: of the claims (`ClassList.digest`).
        access: what a person shows beside the slip.
        fact: the attribute that they tell, with `FACT`.
        secret: what slips and PINs are made from, hexadecimal.
        claim_until: after this nothing is offered.
        changes: how often its state has changed.
        contacts: how many rows say how their person is reached.
        handed_to: the DID of who goes on with what was open.
        taken_from: the DID of the centre whose open rows these are.
        offers_from: after which number the offers of its slips are counted; a restore goes on far above those that may
            have been made after the backup, since wallets know these by their ids.
    """

    category: ClassVar[str] = BATCHES
    tag_names: ClassVar[tuple[str, ...]] = ("digest",)

    title: str = Field(repr=False)
    credential_type: str
    numbers: tuple[int, ...]
    count: int
    digest: str
    access: Access
    fact: str | None = None
    secret: str = Field(repr=False)
    claim_until: datetime
    state: BatchState = BatchState.WRITING
    changes: int = 0
    contacts: int = 0
    handed_to: str | None = None
    taken_from: str | None = None
    offers_from: int = 0

    def index_state(self) -> str:
        """Return the state."""
        return self.state.value

    def due_at(self) -> datetime | None:
        """Return when nobody can be writing it any more, or when nobody is written to any more."""
        if self.state is BatchState.WRITING:
            return self.created_at + ABANDONED
        if not self.contacts:
            return None
        return self.created_at if self.state is BatchState.CANCELLED else self.claim_until + FORGOTTEN

    def moved(self, state: BatchState, *, of: Sequence[BatchState]) -> "Batch | None":
        """Return it in another state; None: it is in that one.

        Args:
            state: the new one.
            of: the states in which that can be done.

        Raises:
            BatchStateError: it is in none of these.
        """
        if self.state is state:
            return None
        if self.state not in of:
            wanted = " or ".join(one.value for one in of)
            raise BatchStateError(f"expected a batch that is {wanted}, found one that is {self.state.value}")
        return self.model_copy(update={"state": state, "changes": self.changes + 1})


SEEN: Final = tuple(state.value for state in BatchState if state is not BatchState.WRITING)
"""The states in which a batch is shown."""


def batch_events(batch: Batch) -> Sequence[Event]:
    """Return what a batch tells: its state, once for each change."""
    if batch.state is BatchState.WRITING:
        return ()
    body = {"state": batch.state.value}
    return (Event(EventKind.BATCH_CHANGED, batch.id, body, occasion=str(batch.changes)),)
