"""The instant now, for what several processes of an agent date one after another.

A status list, an entry of a DID's log, a freshness statement must not be dated before the last one, nor in the future:
others refuse it then, or go on with the older one. Two processes whose clocks are a minute apart would do both. So
where processes share a database, its clock counts for all of them: it is asked now and then, and goes on from there by
a clock of this machine that nobody sets.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from wanderbuch.store.elapsing import elapsing
from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import StoreUnreachableError

_LOG = logging.getLogger(__name__)
_EVERY_S: Final = 60.0


class StoreClock:
    """A clock that goes by the database's where processes share one; else this machine's.

    Args:
        engine: of the store.
        elapsed: seconds that only grow, the machine's sleep included.
    """

    def __init__(self, engine: Engine, *, elapsed: Callable[[], float] = elapsing) -> None:
        self._engine = engine
        self._elapsed = elapsed
        self._ahead_s: float | None = None

    async def ask(self) -> None:
        """Ask the database for its time, where it has a clock of its own.

        Raises:
            StoreUnreachableError: it does not answer; what it said last goes on to count.
        """
        if self._engine.is_shared:
            before = self._elapsed()
            theirs = await self._engine.clock()
            self._ahead_s = theirs - (before + self._elapsed()) / 2

    async def run(self) -> None:
        """Ask again and again, until cancelled; where there is nobody to ask, return."""
        while self._engine.is_shared:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.ask()
            except StoreUnreachableError as err:
                _LOG.warning("the store does not tell its time: %s", err.message)

    def seconds(self) -> float:
        """Return the instant now, in seconds since 1970."""
        return time.time() if self._ahead_s is None else self._elapsed() + self._ahead_s

    def now(self) -> datetime:
        """Return the instant now, aware, in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)
