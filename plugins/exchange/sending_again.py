"""When to send once more what somebody has not acknowledged: after ever longer pauses, none longer than twelve hours.

So a mediator that was away for days has what waits for it within half a day after it came back, and a wallet that never
acknowledges gets few copies.
"""

from datetime import datetime, timedelta
from typing import Final

FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=12)

SEND_FOR: Final = timedelta(days=7)
"""So long a credential, or the notice of a revocation, is sent again; then its issuer is told that nobody answered."""


def next_try(now: datetime, *, since: datetime) -> datetime:
    """Return when to send once more what was just sent again, and first at `since`.

    >>> from datetime import UTC
    >>> start = datetime(2026, 1, 1, tzinfo=UTC)
    >>> [(next_try(start + timedelta(seconds=s), since=start) - start).seconds for s in (0, 30, 60, 120)]
    [30, 60, 120, 240]
    >>> next_try(start + timedelta(days=3), since=start) - start
    datetime.timedelta(days=3, seconds=43200)
    """
    return now + min(LONGEST_PAUSE, max(FIRST_PAUSE, now - since))
