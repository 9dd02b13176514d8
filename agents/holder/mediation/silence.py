"""How long a mediator has been silent: asked over an open web socket, it says nothing at all.

So is one that forgot this wallet, since it knows no such sender. A talk that somebody closed, or that could not begin,
tells nothing: a mediator whose store is away closes it, and so may the network. Of the silent talks of one hour one
counts, so that a bad hour is not a day, nor is a day in which no socket opened.
"""

import time
from collections.abc import Callable
from typing import Final

from wanderbuch.agents.holder.mediation.talk import Talk

_APART_S: Final = 3600.0
_MANY: Final = 24
_MANY_UNGRANTED: Final = 1  # nobody was told a key that is reached there, so no mail waits


class Silence:
    """The silence of one mediator, over one connection.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._talks = 0
        self._counted_at: float | None = None

    def note(self, talk: Talk) -> None:
        """Take note of a talk that has ended."""
        now = self._clock()
        if talk.has_heard:
            self._talks, self._counted_at = 0, None
        elif talk.is_silent and (self._counted_at is None or now >= self._counted_at + _APART_S):
            self._talks, self._counted_at = self._talks + 1, now

    def is_long(self, *, granted: bool) -> bool:
        """Tell whether the mediator may have forgotten this wallet.

        Args:
            granted: whether it granted mediation, so that mail may wait there.
        """
        return self._talks >= (_MANY if granted else _MANY_UNGRANTED)

    def shorten(self, *, granted: bool) -> None:
        """Have at least one more talk that counts come before it is long."""
        self._talks = min(self._talks, (_MANY if granted else _MANY_UNGRANTED) - 1)
