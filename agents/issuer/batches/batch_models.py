"""Batches over REST: what is sent, and what is shown."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState
from wanderbuch.agents.issuer.batches.batch_desk import Counts
from wanderbuch.agents.issuer.batches.batch_plan import BatchPlan
from wanderbuch.agents.issuer.class_list.models import ClassListIn
from wanderbuch.agents.issuer.typed_claims import TypedClaim
from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.store.records import utc_now

_YEAR = timedelta(days=366)
_LONGEST = 3 * 366 * 24 * 3600


class NewBatch(ApiModel):
    """A batch to make of a class list.

    `access` is in-person, fact or pin: what a person shows beside the slip. `fact` names the attribute, such as
    birth_date. `leave_out` are the rows to look at that are left out. `digest` is that of the list as it was read: if a
    row has changed since, nothing is made. `again` issues claims that another batch has.
    """

    title: str = Field(min_length=1, max_length=200)
    list: ClassListIn
    access: Access
    fact: str | None = Field(default=None, max_length=64)
    claim_in_s: int = Field(default=int(_YEAR.total_seconds()), ge=60, le=_LONGEST)
    leave_out: tuple[int, ...] = Field(default=(), max_length=20_000)
    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    again: bool = False

    def plan(self) -> BatchPlan:
        """Return how the slips are to be given out."""
        until = utc_now() + timedelta(seconds=self.claim_in_s)
        leave_out = frozenset(self.leave_out)
        return BatchPlan(self.title, self.access, self.fact, until, leave_out, self.digest, self.again)


class LastDay(ApiModel):
    """Until when slips may be claimed from now on."""

    claim_until: AwareDatetime


class Renewal(ApiModel):
    """How many slips the row has had, as it was shown: so two clicks give one new slip."""

    slips: int = Field(ge=1, le=256)


class RowEdit(ApiModel):
    """The whole claim of a row as it is to be, attribute -> value.

    `digest` is that of the claim as it was shown: if somebody has changed it since, nothing is written.
    """

    claim: TypedClaim = Field(min_length=1, max_length=100)
    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class BatchLine(ApiModel):
    """A batch in a list; nothing personal."""

    id: str
    title: str
    state: BatchState
    credential_type: str
    created_at: datetime
    claim_until: datetime
    rows: int
    access: Access
    fact: str | None

    @classmethod
    def of(cls, batch: Batch) -> "BatchLine":
        """Return a batch for a list."""
        return cls(
            id=batch.id,
            title=batch.title,
            state=batch.state,
            credential_type=batch.credential_type,
            created_at=batch.created_at,
            claim_until=batch.claim_until,
            rows=batch.count,
            access=batch.access,
            fact=batch.fact,
        )


class BatchesOut(ApiModel):
    """Batches, the newest first; `next_cursor` is null where the list ends."""

    items: list[BatchLine]
    next_cursor: str | None


class CountsOut(ApiModel):
    """How many rows stand where."""

    waiting: int
    open: int
    issued: int
    locked: int
    left_out: int


class BatchOut(ApiModel):
    """A batch and how far it has come."""

    batch: BatchLine
    counts: CountsOut

    @classmethod
    def of(cls, batch: Batch, counts: Counts) -> "BatchOut":
        """Return a batch with its counts."""
        return cls(
            batch=BatchLine.of(batch),
            counts=CountsOut(
                waiting=counts.waiting,
                open=counts.open,
                issued=counts.issued,
                locked=counts.locked,
                left_out=counts.left_out,
            ),
        )


class SlipOut(ApiModel):
    """A row and its slip. `number` is the row's in the list; `tries_left` before it is locked; `slips` how many it had.

    `address` is a bearer token: whoever has it may claim, as far as `access` lets them. `offer_id` is that of the last
    offer: `/offers/{id}` shows the rest.
    """

    number: int
    state: RowState
    credential_id: str
    address: str
    slips: int
    tries: int
    offer_id: str | None
    ended: list[str]


class SlipsOut(ApiModel):
    """Rows by number; `next_cursor` is null where the list ends."""

    items: list[SlipOut]
    next_cursor: str | None


class RowOut(ApiModel):
    """A row with its claim; `digest` goes with a correction."""

    slip: SlipOut
    claim: TypedClaim
    digest: str


class PinOut(ApiModel):
    """The PIN of a row's slip."""

    number: int
    pin: str


class PinsOut(ApiModel):
    """PINs by number of the row; to be given apart from the slips."""

    items: list[PinOut]
    next_cursor: str | None


class ResultOut(ApiModel):
    """What has become of the rows, as a file: `csv` is its text, with a line for each row from the cursor on."""

    filename: str
    csv: str
    next_cursor: str | None


def slip_view(row: BatchRow, claim: Mapping[str, str], address: str) -> SlipOut:
    """Return a row for the wire."""
    return SlipOut(
        number=row.number,
        state=row.state,
        credential_id=claim.get("credential_id", ""),
        address=address,
        slips=row.turn + 1,
        tries=row.tries,
        offer_id=row.offer_id,
        ended=list(row.ended),
    )
