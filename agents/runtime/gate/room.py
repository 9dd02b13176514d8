"""A room: places and bytes for messages that wait or are handled, with turns for those who wait."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.agents.runtime.gate.served import Nearness
from wanderbuch.errors import ExchangeError

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
        network_a_day: how many beginnings over the invitation one network has a day; None: any number.
    """

    standing: Nearness
    key: str
    network: str = ""
    reusable: bool = False
    is_stranger: bool = False
    network_a_day: int | None = None

    @property
    def is_known(self) -> bool:
        """Return whether it is more than somebody who names an invitation."""
        return self.standing >= Nearness.EXCHANGE and not self.is_stranger


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


@dataclass(frozen=True, slots=True)
class Share:
    """What one tenant may take of what all tenants of a process share.

    Args:
        part: of each budget, above 0, at most 1; a tenant that holds nothing may always take what there is room for.
        messages_per_s: in the long run; None: as many as can be handled.
    """

    part: float = 1.0
    messages_per_s: float | None = None


type ShareNow = Callable[[], Share]


@dataclass(slots=True, eq=False)
class Ticket:
    """A message's place; it holds its share of the budgets until `Admission.leave`."""

    party: Party
    size: int
    tenant: str = ""
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_running: bool = False
    has_left: bool = False


@dataclass(slots=True)
class _Shares:
    """What one party has waiting, and how many of its messages are handled."""

    waiting: OrderedDict[str, deque[Ticket]] = field(default_factory=OrderedDict)
    counts: dict[str, int] = field(default_factory=dict)  # by network
    at_once: int = 1
    bytes: int = 0
    running: int = 0

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @property
    def may_run(self) -> bool:
        return bool(self.waiting) and self.running < self.at_once


@dataclass(slots=True)
class _Tenant:
    """The parties of one tenant, in turns, and what they hold together."""

    parties: OrderedDict[str, _Shares] = field(default_factory=OrderedDict)
    bytes: int = 0
    running: int = 0

    def next(self) -> tuple[str, _Shares] | None:
        """Return the party whose turn it is."""
        return next(((key, shares) for key, shares in self.parties.items() if shares.may_run), None)


class Room:
    """One budget, with turns for those who wait in it: by tenant, then by party, then by network.

    Args:
        limits: its size.
        share: what one tenant may take of it.
    """

    def __init__(self, limits: RoomLimits, share: ShareNow = Share) -> None:
        self.limits = limits
        self._share = share
        self._tenants: OrderedDict[str, _Tenant] = OrderedDict()
        self._bytes = 0
        self._running = 0

    def check(self, party: Party, size: int, tenant: str = "") -> None:
        """Raise `BusyError` if there is no room (rules 3 and 5)."""
        if self._bytes + size > self.limits.bytes:
            raise BusyError("too much waits")
        of_tenant = self._tenants.get(tenant)
        if of_tenant is None:
            return
        if of_tenant.bytes + size > self.limits.bytes * self._share().part:
            raise BusyError("too much of this tenant waits")
        shares = of_tenant.parties.get(party.key)
        if shares is None:
            return
        most = self.limits.party_waiting * (_CROWD if party.reusable else 1)
        if shares.bytes + size > self.limits.party_bytes or shares.count >= most:
            raise BusyError("too much of this connection or invitation waits")
        if party.standing is Nearness.CONNECTION:
            return  # one sender, whose phone changes networks
        networks = len(shares.counts.keys() | {party.network})
        if shares.counts.get(party.network, 0) >= max(1, most // (networks + 1)):
            raise BusyError("too much of this network waits")

    def enter(self, party: Party, size: int, tenant: str = "") -> Ticket:
        """Return a place, whether there is room or not: `check` comes first."""
        ticket = Ticket(party, size, tenant)
        of_tenant = self._tenants.setdefault(tenant, _Tenant())
        shares = of_tenant.parties.setdefault(party.key, _Shares(at_once=self._at_once(party)))
        shares.waiting.setdefault(party.network, deque()).append(ticket)
        shares.counts[party.network] = shares.counts.get(party.network, 0) + 1
        shares.bytes += size
        of_tenant.bytes += size
        self._bytes += size
        self._call_next()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place back; doing it again does nothing."""
        if ticket.has_left:
            return
        ticket.has_left = True
        party, of_tenant = ticket.party, self._tenants[ticket.tenant]
        shares = of_tenant.parties[party.key]
        if ticket.is_running:
            shares.running -= 1
            of_tenant.running -= 1
            self._running -= 1
        else:
            queue = shares.waiting[party.network]
            queue.remove(ticket)
            if not queue:
                del shares.waiting[party.network]
            ticket.turn.cancel()
        shares.bytes -= ticket.size
        of_tenant.bytes -= ticket.size
        self._bytes -= ticket.size
        shares.counts[party.network] -= 1
        if not shares.counts[party.network]:
            del shares.counts[party.network]
        if not shares.counts:
            del of_tenant.parties[party.key]
        if not of_tenant.parties:
            del self._tenants[ticket.tenant]
        self._call_next()

    def holds(self, party: Party, tenant: str = "") -> bool:
        """Return whether anything of this party waits or is handled."""
        return tenant in self._tenants and party.key in self._tenants[tenant].parties

    def _at_once(self, party: Party) -> int:
        return self.limits.party_at_once * (_CROWD if party.reusable else 1)

    def _call_next(self) -> None:
        """Give free places to those who wait, in turns (rules 2 and 5)."""
        most = max(1, int(self.limits.at_once * self._share().part))
        while self._running < self.limits.at_once:
            waiting = [
                (tenant, of_tenant, turn)
                for tenant, of_tenant in self._tenants.items()
                if of_tenant.running < most and (turn := of_tenant.next()) is not None
            ]
            if not waiting:
                return
            # Of those for whom least is handled now, whose turn it is.
            tenant, of_tenant, (key, shares) = min(waiting, key=lambda entry: entry[1].running)
            network, queue = next(iter(shares.waiting.items()))
            ticket = queue.popleft()
            if queue:
                shares.waiting.move_to_end(network)
            else:
                del shares.waiting[network]
            of_tenant.parties.move_to_end(key)
            self._tenants.move_to_end(tenant)
            shares.running += 1
            of_tenant.running += 1
            self._running += 1
            ticket.is_running = True
            if not ticket.turn.done():
                ticket.turn.set_result(None)
