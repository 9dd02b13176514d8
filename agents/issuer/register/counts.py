"""How many certificates a centre issued in a month or a year, by occupation, level and place; nobody is found in it.

Every cell is rounded to the nearest 5, so one or two people are none, and totals are rounded from what was counted.
What takes the place of another certificate is the same award once more, and not counted. A period that is over can be
published; from then on its figures are kept and never change, whatever is revoked or erased.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.register.offer_words import claim_of
from wanderbuch.agents.issuer.register.register import ISSUED
from wanderbuch.errors import ExchangeError
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.once import own_id
from wanderbuch.store.record import Record
from wanderbuch.store.records import RecordStore
from wanderbuch.store.telling import Teller

ROUNDED_TO: Final = 5
COLUMNS: Final = ("occupation", "framework", "level", "place", "certificates")
_PERIOD: Final = re.compile(r"(20[0-9]{2})(?:-(0[1-9]|1[0-2]))?")


class PeriodError(ExchangeError):
    """A text names no period, or one that is not over."""

    code = "exchange.period"


@dataclass(frozen=True, slots=True)
class Period:
    """A year or a month, in UTC.

    Args:
        name: 2026, or 2026-11.
    """

    name: str

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Return the period that a text names.

        Raises:
            PeriodError: it names none.
        """
        if not _PERIOD.fullmatch(text):
            raise PeriodError("expected a year or a month, such as 2026 or 2026-11")
        return cls(text)

    @property
    def first(self) -> datetime:
        """Return its first instant."""
        year, _, month = self.name.partition("-")
        return datetime(int(year), int(month or 1), 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """Return the first instant after it."""
        year, _, month = self.name.partition("-")
        if not month or month == "12":
            return datetime(int(year) + 1, 1, 1, tzinfo=UTC)
        return datetime(int(year), int(month) + 1, 1, tzinfo=UTC)


class CountCell(BaseModel):
    """So many certificates of one occupation, level and place.

    Args:
        occupation: its code.
        level: in its framework.
        place: country of the award.
        certificates: rounded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    occupation: str
    framework: str
    level: str
    place: str
    certificates: int


class IssuedCounts(Record):
    """The figures of a period; kept once they are published.

    Args:
        total: of all cells as they were counted, rounded.
        by: id of who published them.
        published_at: None: they are as they are now.
    """

    category: ClassVar[str] = "wanderbuch.issued-counts"

    period: str
    cells: tuple[CountCell, ...]
    total: int
    by: str | None = None
    published_at: datetime | None = None


def figures_events(counts: IssuedCounts) -> Sequence[Event]:
    """Return what published figures tell the event log."""
    return () if counts.published_at is None else (Event(EventKind.FIGURES_PUBLISHED, counts.period),)


class CountsDesk:
    """The figures of one centre.

    Args:
        profile: whose.
        book: its offers.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, book: OfferBook, *, clock: Callable[[], datetime]) -> None:
        self._book = book
        self._kept = RecordStore(profile, IssuedCounts)
        self._teller = Teller(profile, IssuedCounts, figures_events, records=self._kept)
        self._clock = clock

    async def published(self) -> list[IssuedCounts]:
        """Return what is published, the newest period first."""
        return sorted([one async for one in self._kept.every()], key=lambda one: one.period, reverse=True)

    async def get(self, period: Period) -> IssuedCounts:
        """Return the figures of a period: as they were published, else as they are now."""
        return await self._kept.get_or_none(_id_of(period)) or await self._counted(period)

    async def publish(self, period: Period, *, by: str) -> IssuedCounts:
        """Freeze the figures of a period that is over, and return them; what is published stays as it is.

        Raises:
            PeriodError: it is not over.
        """
        if (kept := await self._kept.get_or_none(_id_of(period))) is not None:
            return kept
        if self._clock() < period.end:
            raise PeriodError(f"expected a period that is over, found {period.name}", hint="wait until it has ended")
        counted = await self._counted(period)
        frozen = counted.model_copy(update={"by": by, "published_at": self._clock()})
        with suppress(DuplicateError):  # somebody was faster: theirs counts
            return await self._teller.insert(frozen)
        return await self._kept.get(frozen.id)

    async def _counted(self, period: Period) -> IssuedCounts:
        cells: Counter[tuple[str, str, str, str]] = Counter()
        async for offer in self._book.offers.every(state=[state.value for state in ISSUED]):
            if offer.issued_at is None or not period.first <= offer.issued_at < period.end:
                continue
            if offer.supersedes is not None:  # the same award once more
                continue
            claim, kind = claim_of(offer), load_credential_type(offer.credential_type)
            level = "" if kind.level is None else claim.get(kind.level.name, "")
            place = claim.get("country_of_award", "")
            cells[claim.get(kind.about, ""), claim.get("framework", ""), level, place] += 1
        rounded = [
            CountCell(occupation=occupation, framework=framework, level=level, place=place, certificates=_rounded(many))
            for (occupation, framework, level, place), many in sorted(cells.items())
        ]
        return IssuedCounts(
            id=_id_of(period),
            created_at=self._clock(),
            period=period.name,
            cells=tuple(rounded),
            total=_rounded(cells.total()),
        )


def counts_csv(counts: IssuedCounts) -> str:
    """Return figures as CSV."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for cell in counts.cells:
        lines.writerow([cell.occupation, cell.framework, cell.level, cell.place, str(cell.certificates)])
    return text.getvalue()


def last_periods(now: datetime) -> Sequence[Period]:
    """Return the last year and the last twelve months that are over, the newest first."""
    month, year = now.month - 1, now.year
    months = []
    for _ in range(12):
        if month == 0:
            month, year = 12, year - 1
        months.append(Period(f"{year}-{month:02}"))
        month -= 1
    return (Period(str(now.year - 1)), *months)


def _rounded(many: int) -> int:
    """Return a number rounded to the nearest 5.

    >>> [_rounded(many) for many in (0, 2, 3, 7, 8, 12)]
    [0, 0, 5, 5, 10, 10]
    """
    return (many + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def _id_of(period: Period) -> str:
    return own_id("issued-counts", period.name)
