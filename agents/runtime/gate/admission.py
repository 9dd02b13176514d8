"""Who may make us wait: budgets and turns, without any I/O.

Rules:

1. Whoever stands as an `EXCHANGE` or a `CONNECTION` is known; whoever only names an invitation, or a DID exchange that
   it began itself, is not. Known and unknown senders have rooms of their own, with places and bytes of their own: a
   known one never waits behind an unknown one.
2. In a room, those who wait take turns by party: a connection, a thread, an invitation; and within a party by network.
   So a flood over one of them holds up that one.
3. A party has a few places at once, and may have a bounded number of messages and bytes waiting. Where it is not a
   connection, a network has of that what is its part among the networks that are there and one that may yet come.
4. Messages are counted by party over time; so, more strictly, is what begins something that is kept (a connection, an
   exchange). Where anybody may begin for ever (a mediator's invitation), one network has a part of that pace, and so
   many a day: nobody keeps newcomers out, or takes all places by patience.
5. Where there are several tenants, those who wait take turns by tenant first, the one of whom least is being handled
   before others. A tenant may have its share of the bytes and places of a room, and is sent its share of messages over
   time. What a party is called is its tenant's affair: a thread of the same name at two tenants is two parties.
6. Where a budget is used up, the sender is told to come again (503); nothing is written, nothing is looked up.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from cachetools import LRUCache

from wanderbuch.agents.runtime.gate.room import BusyError, Party, Room, RoomLimits, Share, ShareNow, Ticket
from wanderbuch.agents.runtime.gate.served import Nearness

__all__ = ["Admission", "BusyError", "Party", "Room", "RoomLimits", "Share", "ShareNow", "Ticket"]

_MB: Final = 1024 * 1024
_MAX_METERS: Final = 10_000
_DAY_S: Final = 86_400.0
_BURST_S: Final = 10.0  # so many seconds' worth of a tenant's messages may come at once


KNOWN: Final = RoomLimits(32, 96 * _MB, 4, 64, 8 * _MB, 180.0)
# They mostly wait for the network (plugins/http/lanes bounds that), so places are many and each party has few.
UNKNOWN: Final = RoomLimits(64, 16 * _MB, 2, 16, 4 * _MB, 60.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """So many at once, and one more each so many seconds."""

    most: int
    every_s: float


# By party: messages, and beginnings. An organisation's wallet may have a hundred exchanges over one connection at once.
_CONNECTION: Final = (Pace(200, 0.05), Pace(60, 15.0))
_EXCHANGE: Final = (Pace(50, 0.5), Pace(20, 30.0))
_INVITATION: Final = (Pace(20, 3.0), Pace(5, 60.0))
_REUSABLE: Final = (Pace(300, 0.05), Pace(100, 1.0))
_OF_NETWORK: Final = Pace(60, 5.0)  # of the beginnings over an invitation for all: a class, in one building


class Admission:
    """All budgets of one process.

    Args:
        known, unknown: the rooms.
        share: what one tenant may take now.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        known: RoomLimits = KNOWN,
        unknown: RoomLimits = UNKNOWN,
        *,
        share: ShareNow = Share,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known, self._unknown = Room(known, share), Room(unknown, share)
        self._share = share
        self._meters = _Meters(clock)
        self._networks = _Meters(clock)

    def enter(self, party: Party, size: int, *, opens: bool = False, tenant: str = "") -> Ticket:
        """Return a place for a message of `size` bytes to a tenant.

        Raises:
            BusyError: a budget is used up.
        """
        room = self._room(party)
        room.check(party, size, tenant)
        if opens and party.network_a_day is not None and not self._may_begin(party, party.network_a_day, tenant):
            raise BusyError("too much was begun over this invitation by one network")  # before what all share
        messages, beginnings = _paces_of(party)
        if not self._meters.take((tenant, party.standing, party.key, False), messages):
            raise BusyError("too many messages came over this connection or invitation")
        if opens and not self._meters.take((tenant, party.standing, party.key, True), beginnings):
            raise BusyError("too much was begun over this connection or invitation")
        if (pace := self._pace()) is not None and not self._meters.take((tenant,), pace):
            raise BusyError("too many messages came for this tenant")
        return room.enter(party, size, tenant)

    def _may_begin(self, party: Party, a_day: int, tenant: str) -> bool:
        """Take one of what a network may begin over an invitation, if there is one now and one today."""
        whose = (tenant, party.key, party.network)
        day = Pace(a_day, _DAY_S / a_day)
        return self._networks.has((*whose, "day"), day) and (
            self._networks.take((*whose, "now"), _OF_NETWORK) and self._networks.take((*whose, "day"), day)
        )

    def check_tenant(self, tenant: str) -> None:
        """Raise `BusyError` if a tenant has been sent its share by now: before anything is decrypted for it."""
        if (pace := self._pace()) is not None and not self._meters.has((tenant,), pace):
            raise BusyError("too many messages came for this tenant")

    def leave(self, ticket: Ticket) -> None:
        """Give a place back; the next ones have their turn."""
        self._room(ticket.party).leave(ticket)

    def handler_s(self, party: Party) -> float:
        """Return how long a handler of this party's message may take, in seconds."""
        return self._room(party).limits.handler_s

    def is_idle(self, party: Party, tenant: str = "") -> bool:
        """Return whether nothing of this party waits or is handled."""
        return not self._room(party).holds(party, tenant)

    def _pace(self) -> Pace | None:
        rate = self._share().messages_per_s
        return None if rate is None else Pace(max(1, int(rate * _BURST_S)), 1 / rate)

    def _room(self, party: Party) -> "Room":
        return self._known if party.is_known else self._unknown


def _paces_of(party: Party) -> tuple[Pace, Pace]:
    match party.standing:
        case Nearness.CONNECTION:
            return _CONNECTION
        case Nearness.EXCHANGE:
            return _EXCHANGE
        case _:
            return _REUSABLE if party.reusable else _INVITATION


class _Meters:
    """Buckets that fill with time; the ones unused for longest are forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._spent: LRUCache[Hashable, tuple[float, float]] = LRUCache(_MAX_METERS)  # when, how much

    def has(self, key: Hashable, pace: Pace) -> bool:
        """Return whether there is one in the bucket of this key."""
        now = self._clock()
        at, spent = self._spent.get(key, (now, 0.0))
        return spent - (now - at) / pace.every_s + 1 <= pace.most

    def take(self, key: Hashable, pace: Pace) -> bool:
        """Take one from the bucket of this key; return whether there was one."""
        now = self._clock()
        at, spent = self._spent.get(key, (now, 0.0))
        spent = max(0.0, spent - (now - at) / pace.every_s)
        allowed = spent + 1 <= pace.most
        self._spent[key] = (now, spent + 1 if allowed else spent)
        return allowed
