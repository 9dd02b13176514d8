"""Handing open rows over and taking them over, over REST."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal, Protocol

from pydantic import AwareDatetime, Field

from wanderbuch.agents.issuer.batch_records.batch import Access
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.batch_models import BatchLine
from wanderbuch.agents.issuer.batches.batch_plan import BatchPlan
from wanderbuch.agents.issuer.succession.handing_over import HandingOver
from wanderbuch.agents.issuer.succession.open_rows import MAX_FILE_BYTES
from wanderbuch.agents.issuer.succession.rows_here import MAX_ROWS_HERE_BYTES
from wanderbuch.agents.issuer.succession.taking_over import LeftRow, TakeOver, TakingOver
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.store.records import utc_now

_YEAR: Final = timedelta(days=366)
_LONGEST: Final = 3 * 366 * 24 * 3600


class SuccessionWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches."""

    @property
    def handing(self) -> HandingOver:
        """Return what hands its open rows over."""

    @property
    def taking(self) -> TakingOver:
        """Return what takes over those of others."""


class SuccessionOut(ApiModel):
    """What the authority says: who goes on with what this issuer leaves open, null: nobody; and for whom it goes on."""

    successor: str | None
    goes_on_for: list[str]


class HandOver(ApiModel):
    """Which part of a batch to hand over: the rows with numbers greater than `after`."""

    after: int = Field(default=0, ge=0, lt=2**24)


class HandedOver(ApiModel):
    """A file for the successor, to be given to it as it is; "" where no row of this part is open.

    Nobody else can read it. `rows` are in it; `next_after` begins the next part, null where this is the last one.
    """

    successor: str
    file: str
    rows: int
    next_after: int | None


class HandOverAnew(ApiModel):
    """What the issuer to which a batch was handed over says that it has of it: `rows_here`, as that one gave it out.

    Null with `it_has_none`: you say that it has taken over none, and answer for it; else a certificate may come twice.
    """

    rows_here: str | None = Field(default=None, min_length=2, max_length=MAX_ROWS_HERE_BYTES)
    it_has_none: bool = False


class AskedCentre(ApiModel):
    """The DID of a centre."""

    centre: str = Field(min_length=5, max_length=2000)


class RowsHereOut(ApiModel):
    """Which rows of a centre are here, signed, to be given to that centre as it is; by number there, nobody's data."""

    rows_here: str


class OpenRowsIn(ApiModel):
    """A file of open rows, as the other centre gave it out."""

    file: str = Field(min_length=2, max_length=MAX_FILE_BYTES)


class NewTakeOver(OpenRowsIn):
    """A file of open rows, and how their slips are given out here: the members mean what they mean for a batch.

    Without `title` the batch is called as at the other centre. Slips and PINs are new.
    """

    title: str = Field(default="", max_length=200)
    access: Access
    fact: str | None = Field(default=None, max_length=64)
    claim_in_s: int = Field(default=int(_YEAR.total_seconds()), ge=60, le=_LONGEST)

    def plan(self) -> BatchPlan:
        """Return how the slips are to be given out."""
        return BatchPlan(self.title, self.access, self.fact, utc_now() + timedelta(seconds=self.claim_in_s))


class LeftRowOut(ApiModel):
    """A row that is not taken over, by its number at the centre.

    `why`: again (it is here already), altered (it is, and said something else), claim (it is none of this type), centre
    (the centre was not accredited for it on the day of its award), here (this issuer may not attest it now). `batch` is
    the id of the batch that has it already, null where it is in none, or that was removed.
    """

    number: int
    batch: str | None
    why: Literal["again", "altered", "claim", "centre", "here"]
    text: str


class TakeOverOut(ApiModel):
    """What a file brings: how many rows are (or would be) taken over, as which batch, and what is left.

    `renumbered` are rows whose certificates get numbers of their own, since other certificates have theirs here.
    `made_at` is when the centre made the file, by its own word.
    """

    centre: str
    centre_name: str
    made_at: AwareDatetime
    rows: int
    batch: BatchLine | None
    left: list[LeftRowOut]
    renumbered: list[int]


async def _show(office: SuccessionWork, _: Call[None]) -> SuccessionOut:
    named = office.handing.successor()
    return SuccessionOut(
        successor=None if named is None else str(named.successor),
        goes_on_for=[str(one.centre) for one in office.taking.centres()],
    )


async def _hand_over(office: SuccessionWork, call: Call[HandOver]) -> HandedOver:
    part = await office.handing.hand_over(call.path["id"], by=manager(call), after=call.body.after)
    return HandedOver(
        successor=part.successor, file=part.sealed.decode("ascii"), rows=part.rows, next_after=part.next_after
    )


async def _hand_over_anew(office: SuccessionWork, call: Call[HandOverAnew]) -> BatchLine:
    told = call.body
    if (told.rows_here is None) is not told.it_has_none:
        raise MalformedError("expected either rows_here, or it_has_none: true")
    rows_here = None if told.rows_here is None else told.rows_here.encode()
    return BatchLine.of(await office.handing.hand_over_anew(call.path["id"], rows_here, by=manager(call)))


async def _rows_here(office: SuccessionWork, call: Call[AskedCentre]) -> RowsHereOut:
    try:
        centre = Did.parse(call.body.centre)
    except IdentifierError as err:
        raise MalformedError(f"centre: {err.message}") from err
    return RowsHereOut(rows_here=(await office.taking.rows_here(centre)).decode("ascii"))


async def _read(office: SuccessionWork, call: Call[OpenRowsIn]) -> TakeOverOut:
    return _view(await office.taking.read(call.body.file.encode()), None)


async def _take(office: SuccessionWork, call: Call[NewTakeOver]) -> TakeOverOut:
    batch, take_over = await office.taking.take(call.body.file.encode(), call.body.plan(), by=manager(call))
    return _view(take_over, None if batch is None else BatchLine.of(batch))


SUCCESSION_ROUTES: Final[Sequence[Route]] = (
    get("/succession", _show, result=SuccessionOut, summary="Show who goes on with what is left open, and for whom"),
    post(
        "/batches/{id}/hand-over",
        _hand_over,
        body=HandOver,
        result=HandedOver,
        summary="End a batch for good, and give its open rows to the successor that the authority named",
    ),
    post(
        "/batches/{id}/hand-over-anew",
        _hand_over_anew,
        body=HandOverAnew,
        result=BatchLine,
        summary="Have a batch that was handed over go on at another issuer, which the authority names now",
    ),
    post(
        "/take-overs/rows-here",
        _rows_here,
        body=AskedCentre,
        result=RowsHereOut,
        summary="Say which rows of a centre are here, once the authority names another issuer for it",
    ),
    post(
        "/take-overs/read",
        _read,
        body=OpenRowsIn,
        result=TakeOverOut,
        summary="Say what a file of open rows would bring; nothing is kept",
    ),
    post(
        "/take-overs",
        _take,
        body=NewTakeOver,
        result=TakeOverOut,
        status=201,
        summary="Take over open rows of another centre, each once, as a batch of this issuer's",
    ),
)


def _left(row: LeftRow) -> LeftRowOut:
    return LeftRowOut.model_validate({"number": row.number, "batch": row.batch, "why": row.why, "text": row.text})


def _view(take_over: TakeOver, batch: BatchLine | None) -> TakeOverOut:
    return TakeOverOut(
        centre=take_over.centre,
        centre_name=take_over.centre_name,
        made_at=take_over.made_at,
        rows=len(take_over.rows),
        batch=batch,
        left=[_left(row) for row in take_over.left],
        renumbered=list(take_over.renumbered),
    )
