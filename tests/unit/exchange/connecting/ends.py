"""Two ends of a connection with real wallets and envelopes; only the network is missing: what is posted is in a bag."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.coordinate_mediation.v1_0.route_manager import (
    CoordinateMediationV1RouteManager,
    RouteManager,
)
from acapy_agent.resolver.default.key import KeyDIDResolver
from acapy_agent.resolver.default.legacy_peer import LegacyPeerDIDResolver
from acapy_agent.resolver.default.peer2 import PeerDID2Resolver
from acapy_agent.resolver.default.peer4 import PeerDID4Resolver
from acapy_agent.resolver.did_resolver import DIDResolver
from acapy_agent.wallet.did_method import PEER2, PEER4, DIDMethods
from acapy_agent.wallet.key_type import KeyTypes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.agents.runtime.own_handling import HttpReply
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.connecting.invitations import (
    Invitation,
    invitation_message,
    read_invitation_message,
)
from wanderbuch.plugins.exchange.connecting.invitee import Invitee
from wanderbuch.plugins.exchange.connecting.inviter import Inviter
from wanderbuch.plugins.exchange.connecting.own_keys import keep_peer
from wanderbuch.plugins.exchange.connecting.peer_dids import OwnPeer, fresh_peer
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.handling import Handler, Invited
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.reports import ProblemReport
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.store.tables import Tables, bind_tables, open_tables


class Bag:
    """What was posted, by address."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []

    async def deliver(self, url: str, body: bytes, **_: Any) -> None:
        self.posted.append((url, body))


@dataclass
class Book:
    """A role at either side: notes what it is told, and gives each invitation to the first that comes, or to all."""

    invitations: dict[str, Invited] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, Connection]] = field(default_factory=list)
    no: list[ProblemReport] = field(default_factory=list)

    async def find(self, _: Profile, invitation_id: str) -> Invited | None:
        return self.invitations.get(invitation_id)

    async def take(self, _: Profile, invitation_id: str, connection: Connection) -> bool:
        invited = self.invitations.get(invitation_id)
        if invited is None or not invited.reusable:
            return self.taken.setdefault(invitation_id, connection.connection_id) == connection.connection_id
        return True

    async def connected(self, *told: Any) -> None:
        first, connection = (told[1], told[2]) if isinstance(told[0], Profile) else (told[0], told[1])
        self.told.append((first, connection))

    def unanswered(self, invitation_id: str, connection: Connection) -> None:
        """Note nothing: requests come again."""

    async def refused(self, _: str, report: ProblemReport, __: Incoming) -> None:
        self.no.append(report)


class End:
    """One end: a wallet, its role, and the bag that it posts into."""

    def __init__(self, config: AgentConfig, name: str, *, beside: "End | None" = None) -> None:
        """Make it; `beside`: another process of the same end."""
        self.config, self.name = config, name
        self.endpoint = f"https://{name}.wanderbuch.test/didcomm"
        self.book, self.bag = (beside.book, beside.bag) if beside else (Book(), Bag())
        self.public: OwnPeer | None = None

    async def start(self) -> None:
        settings = {
            "default_endpoint": self.endpoint,
            "default_label": self.name,
            "ledger.disabled": True,
            "wallet.type": "askar-anoncreds",
        }
        manager = WalletManager(self.config, StoreGuard(lambda _: None))
        self.profile = await manager.open(InjectionContext(settings=settings), {})
        await manager.started()
        self.tables: Tables | None = None
        if self.config.store.is_shared:
            self.tables = await open_tables(await open_engine(self.config), self.profile)
            bind_tables(self.profile, self.tables)
        self.keys = KeyRing()
        self.sending = Sending(cast(HttpEdge, self.bag), self.keys)
        methods = DIDMethods()
        methods.register(PEER2)
        methods.register(PEER4)
        resolvers = [PeerDID4Resolver(), PeerDID2Resolver(), LegacyPeerDIDResolver(), KeyDIDResolver()]
        for kind, instance in {
            KeyRing: self.keys,
            Sending: self.sending,
            DIDResolver: DIDResolver(resolvers),
            DIDMethods: methods,
            EventBus: EventBus(),
            KeyTypes: KeyTypes(),
            RouteManager: CoordinateMediationV1RouteManager(),
        }.items():
            self.profile.context.injector.bind_instance(kind, instance)
        for resolver in resolvers:
            await resolver.setup(self.profile.context)
        self.handlers: dict[str, Handler] = {
            **Inviter("tiny", self.book.find, lambda _: self.book).handlers(),
        }
        invitee = Invitee(lambda _: self.book).handlers()
        self.by_side = {"inviter": self.handlers, "invitee": invitee}

    async def stop(self) -> None:
        await self.sending.stop(wait_s=5.0)
        if self.tables is not None:
            await self.tables.close()
        await self.profile.close()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def invite(
        self, invitation_id: str, *, reusable: bool = False, is_open: bool = True, is_over: bool = False
    ) -> Invitation:
        """Return an invitation of this end's, as others read it."""
        if self.public is None:
            self.public = fresh_peer(self.endpoint)
            async with self.profile.session() as session:
                await keep_peer(self.profile, session, self.public)
        if is_open:
            self.book.invitations[invitation_id] = Invited(reusable, is_over=is_over)
        message = invitation_message(invitation_id=invitation_id, label=self.name, did=self.public.did)
        return read_invitation_message(json.loads(json.dumps(message)))

    async def opened(self, packed: bytes, *, waits: bool = False) -> tuple[Incoming, HttpReply]:
        """Open an envelope for this end, as the gate does."""
        envelope = read_envelope(packed, max_bytes=1 << 20)
        for recipient in envelope.recipients:
            async with self.profile.session() as session:
                entry = await session.handle.fetch_key(recipient.key)
            if entry is None:
                continue
            who = identify(recipient, entry.key)
            received = Received.read(decrypt(envelope, who), max_bytes=1 << 20)
            reply = HttpReply(is_open=waits)
            kind = received.type.removeprefix("https://didcomm.org/")
            incoming = Incoming(
                self.profile,
                kind,
                received.id,
                received.thread_id,
                received.parent_thread_id,
                received.members,
                who.sender,
                who.recipient,
                reply,
            )
            return incoming, reply
        raise LookupError("an envelope for somebody else")

    async def receive(self, packed: bytes, *, waits: bool = False) -> bytes | None:
        """Have a message taken by whichever side of this end takes it; return the reply."""
        incoming, reply = await self.opened(packed, waits=waits)
        await self.take(incoming)
        return reply.body

    async def take(self, incoming: Incoming) -> bool:
        for handlers in self.by_side.values():
            handler = handlers.get(incoming.kind)
            if handler is not None and await handler.take(None, incoming):
                return True
        return False

    async def posted(self) -> list[tuple[str, bytes]]:
        """Return what was posted since the last time."""
        await self.sending.stop(wait_s=5.0)
        posted, self.bag.posted = self.bag.posted, []
        return posted

    async def settle(self) -> None:
        """Wait for what is done beside; of ours nothing is that `posted` does not wait for."""

    async def connection(self, own_key: str) -> Connection | None:
        return await find_connection(self.profile, own_key)


async def _posted(ends: Iterable[End]) -> list[tuple[str, bytes]]:
    posted = [envelope for end in ends for envelope in await end.posted()]
    if not posted:
        for end in ends:
            await end.settle()
        posted = [envelope for end in ends for envelope in await end.posted()]
    return posted


async def carry(*ends: End) -> list[Mapping[str, Any]]:
    """Carry what was posted to whom it is for, until nothing is posted any more; return what was carried, opened."""
    carried: list[Mapping[str, Any]] = []
    while posted := await _posted(ends):
        for url, packed in posted:
            receiver = next(end for end in ends if end.endpoint == url)
            incoming, _ = await receiver.opened(packed)
            carried.append(incoming.members)
            await receiver.take(incoming)
    return carried
