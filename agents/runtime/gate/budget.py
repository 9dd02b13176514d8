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


class TooOftenError(WanderbuchError):
    """Somebody, or everybody together, has asked too often.

    Args:
        wait_s: after so many seconds it is worth another try.
    """

    code = "too-many"

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            "this was asked for too often just now", hint=f"try again in {math.ceil(wait_s / _MINUTE_S)} minute(s)"
        )
        self.wait_s = wait_s


class Budget:
    """How often something may be asked for.

    Args:
        network_a_minute: by one network (`Networks.of`), in the long run; as many again at once.
        all_a_minute: by all of them.
        timer: seconds that only grow.
    """

    def __init__(
        self, *, network_a_minute: float, all_a_minute: float, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._networks = _limit(network_a_minute)
        self._all = _limit(all_a_minute)
        self._timer = timer

    def take(self, network: str) -> None:
        """Take one.

        Raises:
            TooOftenError: there is none.
        """
        now_s = self._timer()
        if wait_s := self._networks.wait_s(network, now_s) or self._all.wait_s("", now_s):
            raise TooOftenError(wait_s)


def _limit(a_minute: float) -> RateLimit:
    return RateLimit(per_second=a_minute / _MINUTE_S, burst=max(1, math.ceil(a_minute)))
