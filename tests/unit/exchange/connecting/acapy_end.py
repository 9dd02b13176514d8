"""The other end of a connection as ACA-Py's own managers make it: its handlers, its records, its targets."""

import asyncio
import json
from typing import Any

from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.didexchange.definition import versions as didexchange_versions
from acapy_agent.protocols.didexchange.v1_0 import message_types as didexchange
from acapy_agent.protocols.out_of_band.definition import versions as out_of_band_versions
from acapy_agent.protocols.out_of_band.v1_0 import message_types as out_of_band
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import HSProto, InvitationMessage
from acapy_agent.protocols.trustping.v1_0 import message_types as trustping
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.transport.outbound.message import OutboundMessage
from acapy_agent.transport.outbound.status import OutboundSendStatus
from tests.unit.exchange.connecting.ends import Bag, End

from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.packing import pack

_OPENING_S = 60.0
_VERSIONS = {didexchange: didexchange_versions[0], out_of_band: out_of_band_versions[0]}


class Post(BaseResponder):  # type: ignore[misc]  # acapy_agent has no types
    """Packs what ACA-Py sends for the targets that it finds itself, and posts it into the bag."""

    def __init__(self, profile: Profile, bag: Bag) -> None:
        super().__init__()
        self.profile, self.bag = profile, bag

    @property
    def send_fn(self) -> Any:
        return self._send

    async def _send(self, _: Profile, message: OutboundMessage) -> OutboundSendStatus:
        return await self.send_outbound(message)

    async def send_outbound(self, message: OutboundMessage, **_: Any) -> OutboundSendStatus:
        targets = message.target_list or await BaseConnectionManager(self.profile).get_connection_targets(
            connection_id=message.connection_id
        )
        for target in targets:
            async with self.profile.session() as session:
                own = await session.handle.fetch_key(target.sender_key)
            wire = json.loads(message.payload)
            await self.bag.deliver(
                target.endpoint,
                pack(wire, to=target.recipient_keys[0], own=own.key, routing_keys=target.routing_keys or ()),
            )
        return OutboundSendStatus.QUEUED_FOR_DELIVERY

    async def send_webhook(self, topic: str, payload: dict[str, Any]) -> None:
        """Send nothing."""


class AcapyEnd(End):
    """An end without anything of ours but wallet and envelopes."""

    async def start(self) -> None:
        await super().start()
        add_acapy(self)
        self.waiting: set[asyncio.Task[Any]] = set()

    async def make_invitation(self, *, method: str, protocol: HSProto, many: bool = False) -> dict[str, Any]:
        made = await OutOfBandManager(self.profile).create_invitation(
            use_did_method=method,
            create_unique_did=True,
            hs_protos=[protocol],
            auto_accept=True,
            multi_use=many,
            protocol_version="1.1",
        )
        wire: dict[str, Any] = made.invitation.serialize()
        return wire

    def open(self, message: dict[str, Any], *, reuse: bool = False) -> asyncio.Task[Any]:
        """Begin to open an invitation; ACA-Py waits for an answer in it."""
        opening = asyncio.create_task(
            OutOfBandManager(self.profile).receive_invitation(
                InvitationMessage.deserialize(message), use_existing_connection=reuse, auto_accept=True
            )
        )
        self.waiting.add(opening)
        return opening

    async def settle(self) -> None:
        """Wait until ACA-Py, which opens an invitation beside, has posted something or has come to the end of it."""
        async with asyncio.timeout(_OPENING_S):
            while not self.bag.posted and any(not task.done() for task in self.waiting):  # noqa: ASYNC110 (ACA-Py tells nobody)
                await asyncio.sleep(0.01)

    async def take(self, incoming: Incoming) -> bool:
        await dispatch(self, incoming)
        return True

    async def connections(self) -> list[ConnRecord]:
        async with self.profile.session() as session:
            return list(await ConnRecord.query(session))


def add_acapy(end: End) -> None:
    """Bind what ACA-Py's handlers need at an end."""
    protocols = ProtocolRegistry()
    for module in (didexchange, out_of_band, trustping):
        protocols.register_message_types(module.MESSAGE_TYPES, _VERSIONS.get(module))
    for kind, instance in {
        BaseResponder: Post(end.profile, end.bag),
        OobMessageProcessor: OobMessageProcessor(lambda *_: None),
        ProtocolRegistry: protocols,
    }.items():
        end.profile.context.injector.bind_instance(kind, instance)


async def dispatch(end: End, incoming: Incoming) -> ConnRecord | None:
    """Have ACA-Py's handler take a message, as its dispatcher does; return the connection that it found."""
    protocols, responder = end.profile.inject(ProtocolRegistry), end.profile.inject(BaseResponder)
    kind = protocols.resolve_message_class(incoming.members["@type"])
    context = RequestContext(end.profile)
    context.message = getattr(kind, "resolved", kind).deserialize(dict(incoming.members))
    receipt = MessageReceipt(
        sender_verkey=incoming.sender,
        recipient_verkey=incoming.recipient,
        thread_id=incoming.thread_id,
        parent_thread_id=incoming.parent_thread_id,
    )
    inbound_connection = await BaseConnectionManager(end.profile).find_inbound_connection(receipt)
    context.message_receipt = receipt
    context.connection_record, context.connection_ready = (
        inbound_connection,
        inbound_connection is not None and inbound_connection.is_ready,
    )
    responder.connection_id = inbound_connection.connection_id if inbound_connection else None
    await context.message.Handler().handle(context, responder)
    return inbound_connection
