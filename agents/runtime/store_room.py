"""Room for sessions in a pool of few connections: a session inside a session always finds one.

ACA-Py's managers open sessions inside sessions, two or three deep. If as many outer ones as there are connections wait
for an inner one, none of them ever goes on. So of eight connections three are for sessions that are opened outside of
any other, two for those inside one, and two for those further inside. The last is for transactions that find no other
place: each has its turn by then, for which sessions that fill all other places may be waiting, with a transaction of
their own inside.
"""

import asyncio
from contextvars import ContextVar
from typing import Final

_WAIT_S: Final = 60.0

_around: ContextVar[tuple["Place", ...]] = ContextVar("sessions inside which this code runs", default=())


class NoRoomError(Exception):
    """All connections were used for as long as we waited."""


class Room:
    """The connections of one pool.

    Args:
        connections: how many there are, at least 4.
    """

    def __init__(self, connections: int) -> None:
        quarter, last = connections // 4, max(connections // 8, 1)
        self._floors = [asyncio.Semaphore(size) for size in (connections - 2 * quarter - last, quarter, quarter)]
        self._last = asyncio.Semaphore(last)

    async def enter(self, *, is_transaction: bool = False) -> "Place":
        """Wait for a connection and return the place to leave in the end.

        Args:
            is_transaction: for a transaction, which has its turn.

        Raises:
            NoRoomError: none was free in time.
        """
        around = tuple(place for place in _around.get() if place.room is self and place.is_used)
        floor = self._floors[min(len(around), len(self._floors) - 1)]
        if is_transaction and floor.locked():
            floor = self._last
        try:
            async with asyncio.timeout(_WAIT_S):
                await floor.acquire()
        except TimeoutError as err:
            raise NoRoomError from err
        place = Place(self, floor)
        # Seen by what runs from here on in this task and in those that it starts; a place that was left counts no more.
        _around.set((*around, place))
        return place


class Place:
    """A connection that is used, until it is left."""

    def __init__(self, room: Room, floor: asyncio.Semaphore) -> None:
        self.room = room
        self.is_used = True
        self._floor = floor

    def leave(self) -> None:
        """Give the connection back; doing it again does nothing."""
        if self.is_used:
            self.is_used = False
            self._floor.release()
