"""A clock for how long something takes, also while the machine sleeps."""

import time
from typing import Final

_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsing() -> float:
    """Return seconds since some instant, the machine's sleep included where the system tells (Linux)."""
    return time.clock_gettime(_CLOCK)
