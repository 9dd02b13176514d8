"""`versionTime`: an instant as the writer of a log put it, compared as exactly as it is written.

did:webvh 1.0, The DID Log File and Read (step 4): a valid ISO 8601 date and time with `Z` or `+00:00`. Implementations
write whole seconds, milliseconds, microseconds or seven digits; all are legal, and the text is hashed as it is.
"""

import re
from datetime import datetime, timedelta
from typing import Final

_DATE: Final = r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2})?"
_BASIC: Final = r"\d{8}[Tt]\d{4}(?:\d{2})?"
_FORM: Final = re.compile(
    rf"(?P<to_second>{_DATE}|{_BASIC})(?:[.,](?P<fraction>\d{{1,30}}))?(?:[Zz]|\+00:00)", re.ASCII
)
_DIGITS: Final = 30

type VersionTime = tuple[datetime, int]
"""Whole seconds in UTC, and the fraction of a second in units of 10^-30."""


def parse_version_time(text: object) -> VersionTime:
    """Return the instant that `text` states.

    Raises:
        ValueError: it is not one in UTC.
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected a time in UTC such as 2026-01-31T09:30:00Z")
    fraction = match["fraction"] or ""
    to_second = match["to_second"].upper()
    if fraction and not re.search(r":\d\d:|T\d{6}$", to_second):
        raise ValueError("expected a time in UTC such as 2026-01-31T09:30:00.5Z: the fraction is one of a second")
    try:
        whole = datetime.fromisoformat(f"{to_second}+00:00")
    except ValueError as err:
        raise ValueError(
            "expected a time in UTC such as 2026-01-31T09:30:00Z, found a day or hour that is none"
        ) from err
    return whole, int(fraction.ljust(_DIGITS, "0"))


def is_later_than(time: VersionTime, limit: datetime, *, by: timedelta) -> bool:
    """Tell whether `time` lies more than `by` after `limit`, which is aware."""
    whole, fraction = time
    bound = limit + by
    exact = bound.replace(microsecond=0)
    return (whole, fraction) > (exact, bound.microsecond * 10 ** (_DIGITS - 6))
