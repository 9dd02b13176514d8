"""What decisions mean for award dates, of accreditations and recognitions alike.

A suspension lasts until a later decision says "active", a withdrawal for ever. Suspended, then withdrawn: both hold, so
a later decision never widens what an earlier one left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from wanderbuch.governance.facts.file import Status
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LapsedDays:
    """Award dates that do not count, and the positions of the decisions that began and ended this."""

    days: DateSpan
    begun_by: int
    ended_by: int | None


def lapsed_days(decisions: Sequence[tuple[Status, date]]) -> Iterator[LapsedDays]:
    """Yield the days that do not count after `decisions` (oldest first), each a status and the day it took effect.

    >>> list(lapsed_days([(Status.SUSPENDED, date(2026, 1, 1)), (Status.ACTIVE, date(2026, 2, 1))]))[0].days.last
    datetime.date(2026, 1, 31)
    """
    for begun_by, (status, first) in enumerate(decisions):
        if status is Status.ACTIVE:
            continue
        later = range(begun_by + 1, len(decisions)) if status is Status.SUSPENDED else ()
        ended_by = next((place for place in later if decisions[place][0] is Status.ACTIVE), None)
        if ended_by is None:
            yield LapsedDays(DateSpan(first, OPEN_END), begun_by, None)
        elif decisions[ended_by][1] > first:  # else it was lifted from its first day on: it never was
            yield LapsedDays(DateSpan(first, decisions[ended_by][1] - _DAY), begun_by, ended_by)
