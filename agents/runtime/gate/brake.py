"""Slowing down those who are refused: the more is refused at a time, the longer each of them waits for the answer.

An answer costs us little, but asking again at once costs its sender less. Whoever floods has a bounded number of
connections (the sockets see to that), so a wait bounds the rate; and a wait holds nothing but a timer. Somebody who is
refused once does not notice.
"""

import math
import time
from collections.abc import Callable
from typing import Final

LONGEST_S: Final = 3.0
_A_SECOND: Final = 40.0  # refusals, of small messages, that make each wait for a second
_FORGETS_S: Final = 5.0
_UNIT_BYTES: Final = 64 * 1024


class Brake:
    """Tells how long a refused sender waits.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._recent = 0.0

    def refused(self, size: int) -> float:
        """Note the refusal of a message of `size` bytes, and return how long its sender is to wait, in seconds."""
        now = self._clock()
        self._recent = self._recent * math.exp(-(now - self._at) / _FORGETS_S) + 1 + size / _UNIT_BYTES
        self._at = now
        return min(LONGEST_S, self._recent / _FORGETS_S / _A_SECOND)
