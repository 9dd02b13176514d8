"""A day has a place: which day is it at an instant? The one rule for every place where an instant meets a day.

At any instant two calendar days are current on earth, for two hours of the day three: from UTC-12, where a day ends
last, to UTC+14, where it begins first. 2022-06-30T20:00:00Z is 30 June in Valletta and 1 July in Colombo. A governance
file does not say in which place its days are meant, so:

- What grants counts as long as it is one of its days anywhere: a mandate, a recognition, a crosswalk, what a verifier
  may ask, the last day of a credential.
- What takes away counts as soon as it is one of its days anywhere, and until it is none of them anywhere: a suspension,
  a withdrawal, the regulation of a profession.
- An award day is compared as it is written: with the days of the file, never with an instant. Only an award that has
  not begun anywhere is still to come.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from wanderbuch.governance.facts.question import DateSpan

_FIRST_PLACE: Final = 14  # hours: in UTC+14 a day begins 14 hours before it begins in UTC
_LAST_PLACE: Final = 12  # hours: in UTC-12 a day ends 12 hours after it ends in UTC
_DAY: Final = timedelta(days=1)


def days_anywhere(at: datetime) -> DateSpan:
    """Return the days that it is somewhere on earth at the instant `at` (aware).

    >>> days_anywhere(datetime(2022, 6, 30, 20, tzinfo=UTC))
    DateSpan(first=datetime.date(2022, 6, 30), last=datetime.date(2022, 7, 1))
    """
    try:
        utc = at.astimezone(UTC)
    except OverflowError:  # beyond the end of time, or before its beginning
        return DateSpan(at.date(), at.date())
    return _days(utc.date(), utc.hour)


def each_day(span: DateSpan) -> Iterator[date]:
    """Yield the days of a span, in order."""
    for number in range((span.last - span.first).days + 1):
        yield span.first + timedelta(days=number)


def has_begun(day: date, at: datetime) -> bool:
    """Return whether `day` has begun somewhere on earth at the instant `at` (aware)."""
    return day <= days_anywhere(at).last


def is_over(day: date, at: datetime) -> bool:
    """Return whether `day` is over everywhere on earth at the instant `at` (aware)."""
    return day < days_anywhere(at).first


def begins_at(day: date) -> datetime:
    """Return the instant at which a day begins somewhere on earth, UTC.

    >>> begins_at(date(2022, 7, 1)).isoformat(), ends_at(date(2022, 7, 1)).isoformat()
    ('2022-06-30T10:00:00+00:00', '2022-07-02T12:00:00+00:00')
    """
    midnight = datetime.combine(day, time(), UTC)
    return midnight if day == date.min else midnight - timedelta(hours=_FIRST_PLACE)


def ends_at(day: date) -> datetime:
    """Return the instant at which a day is over everywhere on earth, UTC; for the last of all days the end of time."""
    if day >= date.max - _DAY:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day + _DAY, time(), UTC) + timedelta(hours=_LAST_PLACE)


def taken_with(days: DateSpan, lapse: DateSpan) -> DateSpan:
    """Return the days that a lapse takes from an instant, which is `days`: all of them if it is one of its own."""
    if lapse.last < days.first or days.last < lapse.first:
        return lapse
    return DateSpan(min(days.first, lapse.first), max(days.last, lapse.last))


@lru_cache(maxsize=1024)
def _days(day: date, hour: int) -> DateSpan:
    first = day - _DAY if hour < _LAST_PLACE and day > date.min else day
    last = day + _DAY if hour >= 24 - _FIRST_PLACE and day < date.max else day
    return DateSpan(first, last)
