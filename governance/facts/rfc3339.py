"""Instants as RFC 3339 writes them, parsed in one place.

Its §5.6 leaves T and Z in small letters legal, and any number of digits of a fraction; of these, microseconds are kept.
A leap second (§5.7) is legal at the end of a month in UTC only, and means the last microsecond of that day: clocks of
this program have no such second, and it must not fall on the day after.
"""

import re
from calendar import monthrange
from datetime import UTC, datetime
from typing import Final

PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
_FORM: Final = re.compile(PATTERN)


def parse_instant(text: str) -> datetime | None:
    """Return an instant in UTC; None if the text has another form, or names none that exists.

    >>> parse_instant("2022-06-30t20:00:00.25z")
    datetime.datetime(2022, 6, 30, 20, 0, 0, 250000, tzinfo=datetime.timezone.utc)
    >>> parse_instant("2016-12-31T23:59:60Z").second, parse_instant("2016-12-30T23:59:60Z")
    (59, None)
    """
    if not _FORM.fullmatch(text):
        return None
    if text[-3] == ":" and text[-2:] > "59":  # Python takes +05:60 for +06:00
        return None
    is_leap = text[17:19] == "60"
    try:
        instant = datetime.fromisoformat(f"{text[:17]}59{text[19:]}".upper() if is_leap else text.upper())
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if not is_leap:
        return instant
    ends_month = instant.day == monthrange(instant.year, instant.month)[1] and (instant.hour, instant.minute) == (
        23,
        59,
    )
    return instant.replace(microsecond=999_999) if ends_month else None
