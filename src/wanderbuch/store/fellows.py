"""The processes that share a store: who is there, and when one was lost.

What a process has queued to send, and had begun, ends with it. A process that starts takes up what was left before it;
but where one ends and none starts, another must. So each process says every few seconds that it lives, and of those
that are left *one* notes that it is gone: for that one `lost_since` is later then, and its next sweep takes up what the
lost one may have left.

While at it, a process compares its clock with the database's. Leases and claims go by the database's alone; deadlines
and the order of what people see go by each process's own.
"""

import asyncio
import logging
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import StoreUnreachableError

_LOG = logging.getLogger(__name__)
_LIVES_S: Final = 30.0
_EVERY_S: Final = 5.0
_CLOCKS: Final = timedelta(minutes=1)  # what a lost process wrote may bear times that are so far ahead of ours
_CLOCK_TOLERANCE_S: Final = 5.0
_SAID_AGAIN_S: Final = 600.0


class Fellows:
    """This process among those that share its store.

    Args:
        engine: of the store.
        group: what kind of processes: only those of one kind can take up what one of them left.
        clock: seconds since 1970, by this machine.
    """

    def __init__(self, engine: Engine, group: str, *, clock: type[float] | None = None) -> None:
        self._engine = engine
        self._prefix = f"process/{group}/"
