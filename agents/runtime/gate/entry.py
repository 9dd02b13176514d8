"""Steps 1 to 4 of the gate: from the bytes that were posted to a message that its sender may send.

What costs little is done at once. What costs look-ups is done at once only for pairs of keys that are known from a live
connection; everybody else waits in a queue in which networks take turns, so that those who are known never wait behind
those who are not. Large bodies are taken apart in threads, few at a time.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.gate.admission import Party, Room, RoomLimits
from wanderbuch.agents.runtime.gate.envelope import Envelope, EnvelopeError, Opened, decrypt, identify, read_envelope
from wanderbuch.agents.runtime.gate.handlers import HandlerTable, RoleHandler
from wanderbuch.agents.runtime.gate.keys import OwnKey, OwnKeys, ProfileOf
from wanderbuch.agents.runtime.gate.received import Received, ReceivedError
from wanderbuch.agents.runtime.gate.senders import NO_ENDS, Sender, Senders
from wanderbuch.agents.runtime.gate.served import Nearness, NotServedError, Row, Served
from wanderbuch.plugins.exchange.attachments import AttachmentError, check_attachments
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming, NoReplyRoute, ReplyRoute
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.v2.message_types import find_served
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.keys import OwnKeyIndex

_NOT_OURS: Final = "no recipient of the envelope is a key of ours"
_MB: Final = 1024 * 1024
_LARGE_BYTES: Final = 64 * 1024
_LARGE_AT_ONCE: Final = 2
_HEADER_BYTES: Final = 32 * 1024
_NOBODY_WAITS: Final = NoReplyRoute()
# One request costs a few milliseconds here; a whole network may have many waiting, and all of them a bounded memory.
_LOOKING: Final = RoomLimits(4, 64 * _MB, 4, 1_024, 32 * _MB, 30.0)


@dataclass(frozen=True, slots=True)
class Entered:
    """A message that its sender may send.

    Args:
        tenant: whom it is for.
        opened: whose keys it was encrypted with.
        received: the message.
        kind: its type, as the table of what is served spells it.
        row: what holds for its type.
        sender: who sent it.
        handlers: ours for it; none: it is for ACA-Py.
        connection: the live connection that it came over, where it was looked up for our handlers.
    """

    tenant: str
    opened: Opened
    received: Received
    kind: str
    row: Row
    sender: Sender
    handlers: tuple[RoleHandler, ...]
    connection: Connection | None = None


class Gate:
    """The entry to all tenants of a process.

    Args:
        index: tells whose a key is.
        profile_of: gives a tenant's profile, in which `Served` is bound.
        served: what any tenant serves.
        keys: our secret keys at hand.
        handlers: ours.
        roles_of: gives the roles of a tenant whose profile was given.
        check_tenant: raises `BusyError` if a tenant is to be sent nothing more for now.
        v2_types: message types that any tenant serves in DIDComm v2.
        max_bytes: of an envelope; less, if no message that is served is so large.
    """

    def __init__(
        self,
        index: OwnKeyIndex,
        profile_of: ProfileOf,
        served: Served,
        *,
        keys: KeyRing,
        handlers: HandlerTable,
        roles_of: Callable[[str], Collection[str]],
        check_tenant: Callable[[str], None],
        v2_types: Iterable[str],
        max_bytes: int,
    ) -> None:
        self._check_tenant = check_tenant
        self._v2_types = dict.fromkeys(v2_types, True)
        self._max_bytes = min(max_bytes, _packed_bytes(served.max_bytes))
        self._profile_of = profile_of
        self._keys = OwnKeys(index, profile_of, keys)
        self._handlers = handlers
        self._roles_of = roles_of
        self._senders = Senders()
        self._looking = Room(_LOOKING)
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def open(self, body: bytes, network: str) -> Entered:
        """Return the message in `body`, whom it is for, who sent it, and what holds for such messages.

        Raises:
            ExchangeError: it does not pass; the message says why, without a word of its contents.
            BusyError: too many wait to be looked at.
        """
        envelope = await self._aside(len(body), lambda: read_envelope(body, max_bytes=self._max_bytes))
        own_key, opened = self._keys.at_hand(envelope), None
        if own_key is not None:
            opened = identify(own_key.recipient, own_key.key)
            if self._senders.is_remembered(opened):
                return await self._looked_at(envelope, own_key.tenant, opened, len(body), network or _place(own_key))
        party = Party(Nearness.NOBODY, network, network)
        self._looking.check(party, len(body))
        ticket = self._looking.enter(party, len(body))
        try:
            await ticket.turn
            own_key = own_key or await self._keys.find(envelope)
            if own_key is None:
                raise EnvelopeError(_NOT_OURS)
            opened = opened or identify(own_key.recipient, own_key.key)
            return await self._looked_at(envelope, own_key.tenant, opened, len(body), network or _place(own_key))
        finally:
            self._looking.leave(ticket)

    async def _looked_at(self, envelope: Envelope, tenant: str, opened: Opened, size: int, network: str) -> Entered:
        self._check_tenant(tenant)
        try:
            profile = await self._profile_of(tenant)
        except NotFoundError as err:  # it was removed or suspended since its key was used last
            self._keys.forget(tenant)
            raise EnvelopeError(_NOT_OURS) from err
        received = await self._aside(size, lambda: Received.read(decrypt(envelope, opened), max_bytes=self._max_bytes))
        served = profile.inject(Served)
        kind = served.kind(received.type)
        if kind is None:
            if find_served(self._v2_types, received.type):
                raise NotServedError(
                    "a message of a DIDComm v2 protocol in a v1 envelope: it is taken in a v2 envelope"
                )
            raise NotServedError("a message of a type that is not served here")
        row, roles = served.rows[kind], self._roles_of(tenant)
        if received.size > row.max_bytes:
            raise NotServedError(f"expected at most {row.max_bytes} bytes in a message of this type")
        try:
            await self._aside(size, lambda: check_attachments(received.members))
        except AttachmentError as err:  # which says what stood there
            raise ReceivedError("expected what is attached to be strict JSON, and not very much") from err
        handlers = self._handlers.of(kind, roles)
        if received.tail and not (handlers and all(entry.handler.takes_tail for entry in handlers)):
            raise ReceivedError("expected nothing behind a message of this type")
        connection: Connection | None = None
        if handlers:
            incoming = incoming_of(profile, kind, opened, received, _NOBODY_WAITS)
            lately = self._senders.connection_of(opened)
            party, connection = await self._handlers.party(
                incoming, handlers, roles, network, needs=row.needs, lately=lately
            )
            handlers = tuple(entry for entry in handlers if _takes(entry, connection))
            sender = Sender(party, NO_ENDS, None)
            if party.standing is Nearness.CONNECTION:
                self._senders.remember(opened, party.key)
        if not handlers:
            sender = await self._senders.of(profile, opened, received, network)
        if sender.party.standing < row.needs:
            raise NotServedError(f"a message for which its sender should be known by a {row.needs.name.lower()}")
        return Entered(tenant, opened, received, kind, row, sender, handlers, connection)

    async def _aside[T](self, size: int, work: Callable[[], T]) -> T:
        """Do what takes longer the larger the message is; what is large, in a thread."""
        if size < _LARGE_BYTES:
            return work()
        async with self._large:
            return await asyncio.to_thread(work)


def incoming_of(
    profile: Profile,
    kind: str,
    opened: Opened,
    received: Received,
    way_back: ReplyRoute,
    connection: Connection | None = None,
    network: str = "",
) -> Incoming:
    """Return a message as our handlers get it."""
    return Incoming(
        profile,
        kind,
        received.id,
        received.thread_id,
        received.parent_thread_id,
        received.members,
        opened.sender,
        opened.recipient,
        way_back,
        connection,
        network,
        received.tail,
    )


def _takes(entry: RoleHandler, connection: Connection | None) -> bool:
    """Tell whether a handler takes what comes over this connection."""
    return not entry.handler.own_connections or (connection is not None and connection.inviter_role == entry.role)


def _place(own_key: OwnKey) -> str:
    """Return what counts as the network of what came by a mediator or in an answer: each peer has a key of its own."""
    return f"key {own_key.recipient.key}"


def _packed_bytes(size: int) -> int:
    """Return how large the envelope of a message of this size may be: base64, and headers for all recipients."""
    return size * 4 // 3 + _HEADER_BYTES
