"""When to ask again what could not be had: soon, then ever less often, and never everybody at the same moment.

Nothing may depend on who starts first: whoever asks before the other side is there asks again, a second later first.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from wanderbuch.governance.facts.question import Reason

FIRST_PAUSE_S: Final = 1.0
# The part of each pause that chance may take away: thousands of wallets must not come back in the same second.
_JITTER: Final = 0.25
_MAX_DOUBLINGS: Final = 16
_CHANCE: Final = random.SystemRandom()


class Backoff:
    """Pauses between failed tries: about a second after the first one, then twice as long each time.

    Args:
        longest_s: no pause is longer, in seconds.
    """

    def __init__(self, *, longest_s: float) -> None:
        self._longest_s = longest_s
        self._failures = 0

    def failed(self) -> float:
        """Note a failure and return how many seconds to wait before the next try."""
        doublings = min(self._failures, _MAX_DOUBLINGS)
        self._failures += 1
        return jittered(min(self._longest_s, FIRST_PAUSE_S * (1 << doublings)))

    def succeeded(self) -> None:
        """Begin anew with the shortest pause."""
        self._failures = 0


def jittered(pause_s: float) -> float:
    """Return a pause that is up to a quarter shorter, by chance."""
    return pause_s * (1 - _JITTER * _CHANCE.random())


@dataclass(slots=True)
class RefreshPace:
    """When one thing that is fetched again and again is due. Instants are those of the running loop, in seconds.

    Args:
        backoff: the pauses after failures.
        tried_at: when it was last tried.
        due_at: when to try again.
        reasons: what went wrong the last time.
    """

    backoff: Backoff
    tried_at: float = float("-inf")
    due_at: float = float("-inf")
    reasons: tuple[Reason, ...] = ()

    def failed(self, at: float, reasons: tuple[Reason, ...]) -> None:
        """Note a try that failed."""
        self.tried_at, self.due_at, self.reasons = at, at + self.backoff.failed(), reasons

    def succeeded(self, at: float, reasons: tuple[Reason, ...], *, again_s: float) -> None:
        """Note a try that succeeded, and when to look for news."""
        self.backoff.succeeded()
        self.tried_at, self.due_at, self.reasons = at, at + jittered(again_s), reasons

    def hurry(self, *, apart_s: float) -> None:
        """Bring the next try forward, as somebody needs it, but not closer to the last one than `apart_s`."""
        self.due_at = min(self.due_at, self.tried_at + apart_s)


class SharedRounds:
    """Does one thing for all who need it at the same time.

    A round counts for whoever came before it began: what was asked for while the other side was not there yet says
    nothing to those who come later.

    Args:
        do: a round.
        apart_s: rounds begin at least that long after one another, in seconds.
    """

    def __init__(self, do: Callable[[], Awaitable[None]], *, apart_s: float) -> None:
        self._do = do
        self._apart_s = apart_s
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._began_at = float("-inf")

    async def join(self) -> None:
        """Return when a round that began after this call has ended; it goes on if this waiter gives up."""
        if self._next is None:
            self._next = asyncio.create_task(self._round())
            self._next.add_done_callback(_seen)
        await asyncio.shield(self._next)

    async def _round(self) -> None:
        try:
            async with self._turn:
                now = asyncio.get_running_loop().time()
                await asyncio.sleep(max(0.0, self._began_at + self._apart_s - now))
                self._next, self._began_at = None, asyncio.get_running_loop().time()
                await self._do()
        finally:
            if self._next is asyncio.current_task():  # cancelled before it began
                self._next = None


def _seen(task: asyncio.Task[None]) -> None:
    """Look at the end of a round, also if every waiter has gone."""
    if not task.cancelled():
        task.exception()
