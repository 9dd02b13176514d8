"""Counting what was refused, without a log line for each: a flood must not fill the disk either."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from wanderbuch.agents.runtime.logs import log_event

_EVERY_S: Final = 10.0


class Tally:
    """Counts by kind and reason; the first of each reason is logged at once, then their number now and again.

    Args:
        logger: says it.
        clock: seconds that only grow.
    """

    def __init__(self, logger: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self.counts: Counter[str] = Counter()
        """How often since the start, by event."""
        self._unsaid: Counter[tuple[str, str]] = Counter()
        self._said_at: dict[tuple[str, str], float] = {}

    def note(self, event: str, reason: str, *, level: int = logging.INFO, error: BaseException | None = None) -> None:
        """Count one event.

        Args:
            event: such as `didcomm.refused`.
            reason: a fixed word, or a sentence without contents.
            level: of the line.
            error: where it came from.
        """
        self.counts[event] += 1
        key = (event, reason)
        self._unsaid[key] += 1
        now = self._clock()
        if now < self._said_at.get(key, -_EVERY_S) + _EVERY_S:
            return
        if len(self._said_at) > 1_000:
            self._said_at.clear()
        self._said_at[key] = now
        times, total = self._unsaid.pop(key), self.counts[event]
        log_event(self._logger, level, event, error=error, reason=reason, times=times, total=total)
