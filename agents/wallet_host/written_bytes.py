"""How many bytes each network has written lately: what is kept stays, so nobody fills the disk by patience. Pure."""

import math
from collections.abc import Callable
from typing import Final

from cachetools import LRUCache

_DAY_S: Final = 86_400.0
_MOST_NETWORKS: Final = 10_000


class WrittenBytes:
    """A budget of bytes by network; the network that wrote longest ago is forgotten first.

    >>> now_s = 0.0
    >>> budget = WrittenBytes(1_000, lambda: now_s)
    >>> budget.wait_s("a", 1_000), budget.wait_s("a", 100), budget.wait_s("b", 100)
    (0, 8640, 0)
    >>> now_s = 8_640.0
    >>> budget.wait_s("a", 100)
    0

    Args:
        a_day: how many; as many at once.
        timer: seconds that only grow.
    """

    def __init__(self, a_day: int, timer: Callable[[], float]) -> None:
        self._a_day = a_day
        self._timer = timer
        self._spent: LRUCache[str, tuple[float, float]] = LRUCache(_MOST_NETWORKS)  # when, how many

    def wait_s(self, network: str, size: int) -> int:
        """Count bytes of a network; return 0, or after how many whole seconds it may write so many if not now."""
        now_s = self._timer()
        at, spent = self._spent.get(network, (now_s, 0.0))
        spent = max(0.0, spent - (now_s - at) * self._a_day / _DAY_S)
        over = spent + size - self._a_day
        if over > 0:
            return max(1, math.ceil(over * _DAY_S / self._a_day))
        self._spent[network] = (now_s, spent + size)
        return 0
