"""What strangers may ask for without an account: a budget for each network, and one for all of them together.

It is this process's own, and taken before anything is read, written or fetched.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from wanderbuch.agents.runtime.gate.rate_limit import RateLimit
from wanderbuch.errors import WanderbuchError

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0


class TooOftenError(WanderbuchError):
    """Somebody, or everybody together, has asked too often.

    Args:
        wait_s: after so many seconds it is worth another try.
    """

    code = "too-many"

    def __init__(self, wait_s: int) -> None:
        minutes, hours = math.ceil(wait_s / _MINUTE_S), math.ceil(wait_s / _HOUR_S)
        wait = f"{hours} hours" if hours > 1 else f"{minutes} minute(s)"
        super().__init__("this was asked for too often just now", hint=f"try again in {wait}")
        self.wait_s = wait_s


class Budget:
    """How often something may be asked for.

    Args:
        network_a_minute: by one network (`Networks.of`), in the long run; as many again at once.
        all_a_minute: by all of them.
        network_a_day: by one network, where what is asked for stays: so nobody takes all places by patience.
        timer: seconds that only grow.
    """

    def __init__(
        self,
        *,
        network_a_minute: float,
        all_a_minute: float,
        network_a_day: int | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._networks = _limit(network_a_minute)
        self._all = _limit(all_a_minute)
        self._days = (
            None if network_a_day is None else RateLimit(per_second=network_a_day / _DAY_S, burst=network_a_day)
        )
        self._timer = timer

    def take(self, network: str) -> None:
        """Take one.

        Raises:
            TooOftenError: there is none.
        """
        now_s = self._timer()
        wait_s = self._networks.wait_s(network, now_s) or self._all.wait_s("", now_s)
        if not wait_s and self._days is not None:
            wait_s = self._days.wait_s(network, now_s)
        if wait_s:
            raise TooOftenError(wait_s)


def _limit(a_minute: float) -> RateLimit:
    return RateLimit(per_second=a_minute / _MINUTE_S, burst=max(1, math.ceil(a_minute)))
