"""How many certificates were issued: the REST routes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol, Self

from wanderbuch.agents.issuer.acts import Act
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.register.counts import CountCell, CountsDesk, IssuedCounts, Period, counts_csv
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post


class FiguresOut(ApiModel):
    """The figures of a year or a month, every cell rounded to 5; `published_at` is null as long as they may change."""

    period: str
    cells: list[CountCell]
    total: int
    published_at: datetime | None
    by: str | None
    csv: str

    @classmethod
    def of(cls, counts: IssuedCounts) -> Self:
        """Return figures as the API shows them."""
        return cls(
            period=counts.period,
            cells=list(counts.cells),
            total=counts.total,
            published_at=counts.published_at,
            by=counts.by,
            csv=counts_csv(counts),
        )


class CountsWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def counts(self) -> CountsDesk:
        """Return its figures."""

    @property
    def batches(self) -> BatchDesk:
        """Return its batches, and the log of who did what."""


async def _show(office: CountsWork, call: Call[None]) -> FiguresOut:
    return FiguresOut.of(await office.counts.get(Period.parse(call.path["period"])))


async def _publish(office: CountsWork, call: Call[None]) -> FiguresOut:
    counts = await publish(office, Period.parse(call.path["period"]), by=manager(call))
    return FiguresOut.of(counts)


async def publish(office: CountsWork, period: Period, *, by: str) -> IssuedCounts:
    """Freeze the figures of a period, and write down who did.

    Raises:
        PeriodError: it is not over.
    """
    counts = await office.counts.publish(period, by=by)
    act = Act.COUNTS_PUBLISHED
    await office.batches.log.note(act, by=counts.by or by, what=period.name, key=f"{act}.{period.name}")
    return counts


COUNTS_ROUTES: Final[Sequence[Route]] = (
    get(
        "/counts/{period}",
        _show,
        result=FiguresOut,
        summary="Show how many certificates were issued in a year or a month, by occupation, level and place",
    ),
    post(
        "/counts/{period}/publish",
        _publish,
        result=FiguresOut,
        summary="Freeze the figures of a period that is over; again changes nothing",
    ),
)
