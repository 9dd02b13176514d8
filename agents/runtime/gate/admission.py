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
   exchange).
5. Where a budget is used up, the sender is told to come again (503); nothing is written, nothing is looked up.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.agents.runtime.gate.served import Standing
from wanderbuch.errors import ExchangeError

_MB: Final = 1024 * 1024
_MAX_METERS: Final = 10_000
_CROWD: Final = 8  # how many times the share of an invitation for one an invitation for many has


class BusyError(ExchangeError):
    """A budget is used up; the sender may come again."""

    code = "exchange.busy"


@dataclass(frozen=True, slots=True)
class Party:
    """Whose budget a message uses.

    Args:
        standing: how near it stands.
        key: of the connection, thread or invitation.
        network: the network that it came from, "" if that is not known.
        reusable: whether the invitation is for many.
        is_stranger: whether all that ties it to us is what it began itself, such as a DID exchange.
    """

    standing: Standing
    key: str
    network: str = ""
    reusable: bool = False
    is_stranger: bool = False

    @property
    def is_known(self) -> bool:
        """Return whether it is more than somebody who names an invitation."""
        return self.standing >= Standing.EXCHANGE and not self.is_stranger


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """The budget of a room.

    Args:
        at_once: how many messages are handled at once.
        bytes: how much may wait or be handled.
        party_at_once: the same for one party.
        party_waiting: how many messages of one party may wait or be handled.
        party_bytes: how many bytes of one party may.
        handler_s: how long one handler may take, in seconds.
    """

    at_once: int
    bytes: int
    party_at_once: int
    party_waiting: int
    party_bytes: int
    handler_s: float


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


@dataclass(slots=True, eq=False)
class Ticket:
    """A message's place; it holds its share of the budgets until `Admission.leave`."""

    party: Party
    size: int
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_running: bool = False
    has_left: bool = False


class Admission:
    """All budgets of one agent."""

    def __init__(
        self,
        known: RoomLimits = KNOWN,
        unknown: RoomLimits = UNKNOWN,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known, self._unknown = Room(known), Room(unknown)
        self._meters = _Meters(clock)

    def enter(self, party: Party, size: int, *, opens: bool = False) -> Ticket:
        """Return a place for a message of `size` bytes.

        Raises:
            BusyError: a budget is used up.
        """
        room = self._room(party)
        room.check(party, size)
        messages, beginnings = _paces_of(party)
        if not self._meters.take((party.standing, party.key, False), messages):
            raise BusyError("too many messages came over this connection or invitation")
        if opens and not self._meters.take((party.standing, party.key, True), beginnings):
            raise BusyError("too much was begun over this connection or invitation")
        return room.enter(party, size)

    def leave(self, ticket: Ticket) -> None:
        """Give a place back; the next ones have their turn."""
        self._room(ticket.party).leave(ticket)

    def handler_s(self, party: Party) -> float:
        """Return how long a handler of this party's message may take, in seconds."""
        return self._room(party).limits.handler_s

    def is_idle(self, party: Party) -> bool:
        """Return whether nothing of this party waits or is handled."""
        return party.key not in self._room(party).parties

    def _room(self, party: Party) -> "Room":
        return self._known if party.is_known else self._unknown


def _paces_of(party: Party) -> tuple[Pace, Pace]:
    match party.standing:
        case Standing.CONNECTION:
            return _CONNECTION
        case Standing.EXCHANGE:
            return _EXCHANGE
        case _:
            return _REUSABLE if party.reusable else _INVITATION


@dataclass(slots=True)
class _Shares:
    """What one party has waiting, and how many of its messages are handled."""

    waiting: OrderedDict[str, deque[Ticket]] = field(default_factory=OrderedDict)
    held: dict[str, int] = field(default_factory=dict)  # by network
    at_once: int = 1
    bytes: int = 0
    running: int = 0

    @property
    def count(self) -> int:
        return sum(self.held.values())


class Room:
    """One budget, with turns for those who wait in it.

    Args:
        limits: its size.
    """

    def __init__(self, limits: RoomLimits) -> None:
        self.limits = limits
        self.parties: OrderedDict[str, _Shares] = OrderedDict()
        self._bytes = 0
        self._running = 0

    def check(self, party: Party, size: int) -> None:
        """Raise `BusyError` if there is no room (rule 3)."""
        if self._bytes + size > self.limits.bytes:
            raise BusyError("too much waits")
        shares = self.parties.get(party.key)
        if shares is None:
            return
        most = self.limits.party_waiting * (_CROWD if party.reusable else 1)
        if shares.bytes + size > self.limits.party_bytes or shares.count >= most:
            raise BusyError("too much of this connection or invitation waits")
        if party.standing is Standing.CONNECTION:
            return  # one sender, whose phone changes networks
        networks = len(shares.held.keys() | {party.network})
        if shares.held.get(party.network, 0) >= max(1, most // (networks + 1)):
            raise BusyError("too much of this network waits")

    def _at_once(self, party: Party) -> int:
        return self.limits.party_at_once * (_CROWD if party.reusable else 1)

    def enter(self, party: Party, size: int) -> Ticket:
        """Return a place, whether there is room or not: `check` comes first."""
        ticket = Ticket(party, size)
        shares = self.parties.setdefault(party.key, _Shares(at_once=self._at_once(party)))
        shares.waiting.setdefault(party.network, deque()).append(ticket)
        shares.held[party.network] = shares.held.get(party.network, 0) + 1
        shares.bytes += size
        self._bytes += size
        self._call_next()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place back; doing it again does nothing."""
        if ticket.has_left:
            return
        ticket.has_left = True
        party = ticket.party
        shares = self.parties[party.key]
        if ticket.is_running:
            shares.running -= 1
            self._running -= 1
        else:
            queue = shares.waiting[party.network]
            queue.remove(ticket)
            if not queue:
                del shares.waiting[party.network]
            ticket.turn.cancel()
        shares.bytes -= ticket.size
        self._bytes -= ticket.size
        shares.held[party.network] -= 1
        if not shares.held[party.network]:
            del shares.held[party.network]
        if not shares.held:
            del self.parties[party.key]
        self._call_next()

    def _call_next(self) -> None:
        """Give free places to those who wait, in turns (rule 2)."""
        while self._running < self.limits.at_once:
            found = next(
                (
                    (key, shares)
                    for key, shares in self.parties.items()
                    if shares.waiting and shares.running < shares.at_once
                ),
                None,
            )
            if found is None:
                return
            key, shares = found
            network, queue = next(iter(shares.waiting.items()))
            ticket = queue.popleft()
            if queue:
                shares.waiting.move_to_end(network)
            else:
                del shares.waiting[network]
            self.parties.move_to_end(key)
            shares.running += 1
            self._running += 1
            ticket.is_running = True
            if not ticket.turn.done():
                ticket.turn.set_result(None)


class _Meters:
    """Buckets that fill with time; the ones unused for longest are forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._spent: OrderedDict[tuple[Standing, str, bool], tuple[float, float]] = OrderedDict()  # when, how much

    def take(self, key: tuple[Standing, str, bool], pace: Pace) -> bool:
        """Take one from the bucket of this key; return whether there was one."""
        now = self._clock()
        at, spent = self._spent.pop(key, (now, 0.0))
        spent = max(0.0, spent - (now - at) / pace.every_s)
        allowed = spent + 1 <= pace.most
        self._spent[key] = (now, spent + 1 if allowed else spent)
        while len(self._spent) > _MAX_METERS:
            self._spent.popitem(last=False)
        return allowed
