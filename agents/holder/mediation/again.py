"""Room for what waits to be tried again since its sender writes more than we take: little, and each key has a part.

Our mediator has at most 32 messages, or 2 MiB, on the way to a wallet that are not acknowledged; what waits here takes
at most half of either. One key of ours may take half of the room: each peer has one of its own. A message counts as
64 KiB at least.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

_LEAST: Final = 64 * 1024
_ROOM: Final = 16 * _LEAST
_ROOM_OF_A_KEY: Final = 8 * _LEAST


@dataclass(frozen=True, slots=True)
class _Waiting:
    id: str
    size: int
    over: str
    timer: asyncio.TimerHandle

    @property
    def cost(self) -> int:
        return max(_LEAST, self.size)


class AgainRoom:
    """What waits to be tried again in one talk."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._taken: Counter[str] = Counter()

    def add(self, ident: str, size: int, over: str, timer: asyncio.TimerHandle) -> list[tuple[str, int]]:
        """Have a message wait, and return those that do not any more: their ids and sizes; their timers are cancelled.

        Args:
            ident: the mediator's id of it.
            size: in bytes.
            over: our key, over which its sender writes too much.
            timer: tries again.
        """
        waiting = _Waiting(ident, size, over, timer)
        self._waiting[ident] = waiting
        self._taken[over] += waiting.cost
        dropped = list[tuple[str, int]]()
        while (key := self._crowded(over)) is not None:
            newest = next(item for item in reversed(self._waiting.values()) if item.over == key)
            newest.timer.cancel()
            self.leave(newest.id)
            dropped.append((newest.id, newest.size))
        return dropped

    def leave(self, ident: str) -> None:
        """Have a message wait no more: it is tried again now."""
        waiting = self._waiting.pop(ident, None)
        if waiting is None:
            return
        self._taken[waiting.over] -= waiting.cost
        if not self._taken[waiting.over]:
            del self._taken[waiting.over]

    def _crowded(self, over: str) -> str | None:
        """Return the key that has to give up a message; a single message has room, however large."""
        if len(self._waiting) <= 1:
            return None
        if self._taken[over] > _ROOM_OF_A_KEY:
            return over
        return self._taken.most_common(1)[0][0] if self._taken.total() > _ROOM else None
