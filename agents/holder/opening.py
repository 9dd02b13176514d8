"""Taking what an invitation brings: once, however often it is opened, and whatever cut the opening short.

Every invitation makes a connection of its own, also where one with the same peer exists: two visits to one verifier are
not linked by the wallet's own doing. What a step leaves is found by the next opening:

1. Attached, without a connection: the offer or request is kept under a name that follows from its thread, with a key
   made for it alone and the way back. A second opening finds it.
2. With a connection: one that has begun goes on (`plugins.exchange.connecting.invitee`). What comes over it, in
   whichever process, is announced (`arrivals`); what came before is found by the connection.
3. A thread is its sender's: anybody who sees an invitation can send something of their own on the same thread, and that
   is never taken for what the invitation brings.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, hear
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.held_offer import held_offers
from wanderbuch.agents.holder.peers import Origin
from wanderbuch.agents.holder.receiving import arrived_offer, take_offer
from wanderbuch.agents.holder.request_book import open_requests
from wanderbuch.agents.holder.request_messages import keep_request
from wanderbuch.agents.holder.way_back import forget_key, new_origin
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.connecting.invitations import Invitation
from wanderbuch.plugins.exchange.connecting.invitee import begin
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.store.once import one_step, own_id

_LOOK_WITHOUT_NEWS_S: Final = 5.0


class InvitationKind(Enum):
    """What an invitation brings."""

    OFFER = "offer"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened invitation: its kind, and the id of the exchange that it brought."""

    kind: InvitationKind
    id: str


async def take_attached(
    profile: Profile, config: HolderConfig, invitation: Invitation, kind: InvitationKind, message: Received
) -> Opened:
    """Take what is attached to an invitation.

    Raises:
        AttachedError: it is not an offer of one credential, or not a request for one proof.
        ResolutionError: the inviter cannot be answered, or another sender's is there on the same thread.
    """
    if invitation.handshakes:
        connection = await _connected(profile, invitation)
        over = await _take(profile, config, kind, message, Origin.over(connection))
        return Opened(kind, over.id)
    async with one_step(profile, own_id("thread", message.thread_id)):
        taken = await _find_attached(profile, kind, message.thread_id)
        if taken is None:
            origin = await new_origin(profile, invitation)
            try:
                taken = await _take(profile, config, kind, message, origin)
            except BaseException:
                await forget_key(profile, origin.own_key)
                raise
            if taken.origin.own_key != origin.own_key:  # another process was faster
                await forget_key(profile, origin.own_key)
        if taken.origin.services != invitation.service_digest:  # 3
            raise ResolutionError(
                "another sender's invitation was opened before, and brought something under the same number",
                hint="decline what that one brought, or ask this inviter for a new invitation",
            )
        return Opened(kind, taken.id)


async def meet(profile: Profile, invitation: Invitation) -> Opened:
    """Connect on an invitation, unless that was done, and wait for what comes over the connection."""
    with _arrivals(profile, invitation.handshake_id) as arrivals:
        if opened := await _arrived(profile, invitation.handshake_id):  # it was opened before
            return opened
        await begin(profile, invitation)
        while True:
            await arrivals.news(_LOOK_WITHOUT_NEWS_S)
            if opened := arrivals.opened or await _arrived(profile, invitation.handshake_id):
                return opened


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is kept of what an invitation brought."""

    id: str
    origin: Origin


async def _take(
    profile: Profile, config: HolderConfig, kind: InvitationKind, message: Received, origin: Origin
) -> _Taken:
    if kind is InvitationKind.REQUEST:
        request = await keep_request(profile, config, message.members, message.thread_id, origin)
        return _Taken(request.id, request.origin)
    offer = await held_offers(profile).get(await take_offer(profile, config, message.members, origin))
    return _Taken(offer.id, offer.origin)


async def _find_attached(profile: Profile, kind: InvitationKind, thread_id: str) -> _Taken | None:
    """Return what an invitation without a connection brought on a thread, None if none did."""
    if kind is InvitationKind.REQUEST:
        request = await open_requests(profile).get_or_none(own_id("question", None, thread_id))
        return None if request is None else _Taken(request.id, request.origin)
    offer = await held_offers(profile).get_or_none(own_id("offer", None, thread_id))
    return None if offer is None else _Taken(offer.id, offer.origin)


async def _connected(profile: Profile, invitation: Invitation) -> Connection:
    """Connect and wait until the connection stands."""
    with _arrivals(profile, invitation.handshake_id, also_connection=True) as arrivals:
        begun = await begin(profile, invitation)
        connection = begun.connection
        while connection is None:  # looked for, not begun again: that would end the handshake a second time
            await arrivals.news(_LOOK_WITHOUT_NEWS_S)
            connection = await find_connection(profile, begun.own_key, adopts=False)
    return connection


async def _arrived(profile: Profile, connection_id: str) -> Opened | None:
    """Return what came over a connection, None if nothing did yet."""
    if offer_id := await arrived_offer(profile, connection_id):
        return Opened(InvitationKind.OFFER, offer_id)
    received_requests = await open_requests(profile).find(connection_id=connection_id, limit=1)
    return Opened(InvitationKind.REQUEST, received_requests[0].id) if received_requests else None


class _Arrivals:
    """What comes over one connection, in whichever process, as it is told."""

    def __init__(self, over: str, *, also_connection: bool) -> None:
        self._over = over
        self._also_connection = also_connection
        self.opened: Opened | None = None
        self._changed = asyncio.Event()

    async def news(self, wait_s: float) -> None:
        """Wait until something comes, or may have; at most so long."""
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:  # another process may have taken what came, and ended before it told
            return
        self._changed.clear()

    def take(self, arrival: Arrival | None) -> None:
        """Take what was told; None: something may have been missed."""
        if arrival is not None:
            if arrival.connection_id != self._over:
                return
            if arrival.kind is not ArrivalKind.CONNECTION:
                self.opened = self.opened or Opened(InvitationKind(arrival.kind.value), arrival.exchange_id)
            elif not self._also_connection:  # nothing has come over it yet
                return
        self._changed.set()


@contextmanager
def _arrivals(profile: Profile, connection_id: str, *, also_connection: bool = False) -> Iterator[_Arrivals]:
    """Give what comes over a connection while the context lasts; perhaps also that it stands."""
    arrivals = _Arrivals(connection_id, also_connection=also_connection)
    end_hearing = hear(profile, arrivals.take)
    try:
        yield arrivals
    finally:
        end_hearing()
