"""How many arenas malloc takes from in an agent: as many as there are processors.

glibc gives threads arenas of their own, up to eight a processor. An agent has some fifty threads, of which as many work
at once as there are processors, and what one arena has free no other uses: after 20,000 credentials half of what malloc
had was free, and it grew on (ADR 125).

    use_few_arenas()     # before there is a second thread
"""

import ctypes
import os
from typing import Final

_M_ARENA_MAX: Final = -8  # <malloc.h>
_LEAST: Final = 2
VARIABLE: Final = "MALLOC_ARENA_MAX"
"""Who has set it has decided."""


def use_few_arenas() -> bool:
    """Bound malloc's arenas from now on; return whether it is. No other C library than glibc has the call."""
    if VARIABLE in os.environ:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_ARENA_MAX, max(_LEAST, os.process_cpu_count() or 1)) == 1
