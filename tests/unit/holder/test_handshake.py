"""A handshake goes on wherever the power fails, and whatever is lost with it: by the person opening it again.

Two real ends with ACA-Py's managers and our handlers; what one hands over to be sent the other gets. In four acts the
wallet asks, the inviter answers, the wallet ends the handshake, and the inviter hears of it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.coordinate_mediation.v1_0.route_manager import (
    CoordinateMediationV1RouteManager,
    RouteManager,
)
from acapy_agent.protocols.didexchange.v1_0.message_types import MESSAGE_TYPES
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import HSProto, InvitationMessage
from acapy_agent.resolver.default.key import KeyDIDResolver
from acapy_agent.resolver.default.peer4 import PeerDID4Resolver
from acapy_agent.resolver.did_resolver import DIDResolver
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.transport.outbound.message import OutboundMessage
from acapy_agent.transport.outbound.status import OutboundSendStatus
from acapy_agent.wallet.did_method import PEER4, DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from tests.unit.power import Power

from wanderbuch.agents.holder.opening import _connect
from wanderbuch.agents.runtime.config import AgentConfig, WalletConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.plugins.trust.connection_messages import CONNECTION_MESSAGES
from wanderbuch.plugins.trust.handshake_messages import INVITEE_MESSAGES, INVITER_MESSAGES
from wanderbuch.plugins.trust.issuing import IssuedCredential, OfferBook, SendOffer
from wanderbuch.plugins.trust.offer import ReceivedOffer

SMALL = WalletConfig(busy_timeout_ms=20_000, max_connections=8)  # opened again and again


class Post(BaseResponder):  # type: ignore[misc]  # acapy_agent has no types
    """Holds what is handed over to be sent, in memory, as ACA-Py does."""

    def __init__(self, power: Power) -> None:
        super().__init__()
        self.waiting: list[str] = []
        self._power = power

    @property
    def send_fn(self) -> Any:
        """How ACA-Py's own responders send."""
        return self._send

    async def _send(self, _: Profile, message: OutboundMessage) -> OutboundSendStatus:
        return await self.send_outbound(message)

    async def send_outbound(self, message: OutboundMessage, **_: Any) -> OutboundSendStatus:
        """Hold a message."""
        self._power.look()
        self.waiting.append(message.payload)
        self._power.step()
        return OutboundSendStatus.QUEUED_FOR_DELIVERY

    async def send_webhook(self, topic: str, payload: dict[str, Any]) -> None:
        """Send nothing."""


class Book(OfferBook):
    """Notes which connections it is told of."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def connected(self, invitation_id: str, connection_id: str, send: SendOffer) -> None:
        self.told.append(connection_id)

    async def reason_to_refuse(self, cred_ex_id: str, offer: ReceivedOffer, *, at: Any) -> None: ...

    async def issued(self, cred_ex_id: str, credential: IssuedCredential) -> None: ...

    async def refused(self, cred_ex_id: str, reasons: Any) -> None: ...

    async def declined(self, cred_ex_id: str) -> None: ...

    async def acknowledged(self, cred_ex_id: str) -> None: ...


class End:
    """One end of a handshake."""

    def __init__(self, config: AgentConfig, power: Power, *, inviter: bool) -> None:
        self.config, self.power, self.inviter = config, power, inviter
        self.book = Book()

    async def start(self) -> None:
        settings = {
            "default_endpoint": "https://agent.wanderbuch.test/didcomm",
            "default_label": "agent",
            "ledger.disabled": True,
            "wallet.type": "askar-anoncreds",
        }
        manager = WalletManager(self.config, StoreGuard(lambda _: None))
        self.profile = await manager.open(InjectionContext(settings=settings), {})
        self.post = Post(self.power)
        protocols, methods = ProtocolRegistry(), DIDMethods()
        methods.register(PEER4)
        protocols.register_message_types(MESSAGE_TYPES)
        protocols.register_message_types(
            {**CONNECTION_MESSAGES, **INVITER_MESSAGES} if self.inviter else INVITEE_MESSAGES
        )
        resolvers = [PeerDID4Resolver(), KeyDIDResolver()]
        for kind, instance in {
            BaseResponder: self.post,
            DIDMethods: methods,
            DIDResolver: DIDResolver(resolvers),
            EventBus: EventBus(),
            KeyTypes: KeyTypes(),
            OobMessageProcessor: OobMessageProcessor(lambda *_: None),
            ProtocolRegistry: protocols,
            RouteManager: CoordinateMediationV1RouteManager(),
        }.items():
            self.profile.context.injector.bind_instance(kind, instance)
        if self.inviter:
            self.profile.context.injector.bind_instance(OfferBook, self.book)
        for resolver in resolvers:
            await resolver.setup(self.profile.context)

    async def restart(self) -> None:
        await self.profile.close()
        await self.start()

    async def receive(self, text: str) -> None:
        """Have a message dispatched; its handler finds the connection by the thread."""
        self.power.look()
        wire = json.loads(text)
        kind = self.profile.inject(ProtocolRegistry).resolve_message_class(wire["@type"])
        context = RequestContext(self.profile)
        context.message = getattr(kind, "resolved", kind).deserialize(wire)
        context.message_receipt = MessageReceipt(recipient_verkey="any", thread_id=context.message._thread_id)
        await context.message.Handler().handle(context, self.post)

    async def connections(self) -> list[ConnRecord]:
        async with self.profile.session() as session:
            return list(await ConnRecord.query(session))


class Handshake:
    """A wallet and an inviter, and the invitation between them."""

    def __init__(self, wallet: End, inviter: End) -> None:
        self.wallet, self.inviter = wallet, inviter

    async def invite(self) -> None:
        made = await OutOfBandManager(self.inviter.profile).create_invitation(
            use_did_method="did:peer:4",
            create_unique_did=True,
            hs_protos=[HSProto.DIDEX_1_1],
            auto_accept=True,
            protocol_version="1.1",
        )
        self.invitation = InvitationMessage.deserialize(made.invitation.serialize())

    async def open(self) -> None:
        await _connect(self.wallet.profile, self.invitation)

    async def deliver(self) -> None:
        """Carry what waits to the other end, until nothing waits."""
        ends = ((self.wallet, self.inviter), (self.inviter, self.wallet))
        while any(sender.post.waiting for sender, _ in ends):
            for sender, receiver in ends:
                while sender.post.waiting:
                    await receiver.receive(sender.post.waiting.pop(0))

    async def play(self, act: int, steps: int, power: Power) -> bool:
        """Play up to an act, which is cut after some steps; the message that was being handled is handled again."""
        if act == 0:
            cut = await power.lasts(steps, self.open)
            if cut:
                await self.wallet.restart()
            return cut
        await self.open()
        ends = (self.wallet, self.inviter)
        for each in range(1, act):
            text = ends[(each - 1) % 2].post.waiting.pop(0)
            await ends[each % 2].receive(text)
        sender, receiver = ends[(act - 1) % 2], ends[act % 2]
        text = sender.post.waiting.pop(0)
        cut = await power.lasts(steps, lambda: receiver.receive(text))
        if cut:
            await receiver.restart()
            await receiver.receive(text)  # its envelope was kept
        return cut


@pytest.fixture
async def handshake(agent_config: AgentConfig, power: Power, tmp_path: Path) -> AsyncIterator[Handshake]:
    ends = [
        End(
            agent_config.model_copy(update={"data": tmp_path / name, "wallet": SMALL}), power, inviter=name == "inviter"
        )
        for name in ("wallet", "inviter")
    ]
    for end in ends:
        await end.start()
    yield Handshake(*ends)
    for end in ends:
        await end.profile.close()


@pytest.mark.parametrize("act", range(4))
@pytest.mark.parametrize("lost", [False, True])
async def test_a_handshake_ends_with_one_connection_wherever_the_power_fails(
    handshake: Handshake, power: Power, act: int, lost: bool
) -> None:
    wallet, inviter = handshake.wallet, handshake.inviter
    for steps in count():
        for end in (wallet, inviter):
            async with end.profile.session() as session:
                for connection in await end.connections():
                    await connection.delete_record(session)
            end.post.waiting.clear()
            end.book.told.clear()
        await handshake.invite()
        cut = await handshake.play(act, steps, power)
        if lost:  # with the process that held it
            wallet.post.waiting.clear()
            inviter.post.waiting.clear()
        with suppress(ValueError):
            await handshake.deliver()
        if cut or lost:
            await handshake.open()  # the person saw no answer, and scans again
            await handshake.deliver()
        (ours,), (theirs,) = await wallet.connections(), await inviter.connections()
        where = f"act {act}, cut after {steps} steps"
        assert ours.is_ready, where
        assert theirs.state == ConnRecord.State.COMPLETED.rfc160, where
        assert (ours.request_id, ours.their_did) == (theirs.request_id, theirs.my_did), where
        assert set(inviter.book.told) == {theirs.connection_id}, where
        if not cut:
            break
    assert steps > 2


async def test_another_wallets_request_on_a_used_invitation_is_refused(handshake: Handshake, power: Power) -> None:
    await handshake.invite()
    await handshake.open()
    await handshake.deliver()
    (before,) = await handshake.inviter.connections()
    await handshake.wallet.connections()
    async with handshake.wallet.profile.session() as session:
        for connection in await handshake.wallet.connections():
            await connection.delete_record(session)
    await handshake.open()  # as a wallet that never met the inviter
    await handshake.deliver()
    (after,) = await handshake.inviter.connections()
    assert (after.their_did, after.request_id) == (before.their_did, before.request_id)
    assert set(handshake.inviter.book.told) == {before.connection_id}


class SlowResolver(PeerDID4Resolver):  # type: ignore[misc]  # acapy_agent has no types
    """Takes its time over the first DID that it is asked for, as a stranger's host does."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def _resolve(self, *args: Any, **options: Any) -> Any:
        if not self.asked.is_set():
            self.asked.set()
            await self.go_on.wait()
        return await super()._resolve(*args, **options)


async def test_two_wallets_on_one_invitation_do_not_take_one_anothers_connection(handshake: Handshake) -> None:
    """Looking at a wallet's DID takes time; the other wallet comes meanwhile."""
    wallet, inviter = handshake.wallet, handshake.inviter
    await handshake.invite()
    requests = []
    for _ in range(2):
        await handshake.open()
        requests.append(wallet.post.waiting.pop(0))
        async with wallet.profile.session() as session:  # the next one is a wallet that knows nothing of this one
            for connection in await wallet.connections():
                await connection.delete_record(session)
    slow = SlowResolver()
    inviter.profile.context.injector.bind_instance(DIDResolver, DIDResolver([slow, KeyDIDResolver()]))
    first = asyncio.create_task(inviter.receive(requests[0]))
    await slow.asked.wait()
    second = asyncio.create_task(inviter.receive(requests[1]))
    await asyncio.sleep(0.3)
    slow.go_on.set()
    await asyncio.gather(first, second, return_exceptions=True)
    told = [json.loads(each) for each in inviter.post.waiting]
    answered = [each["~thread"]["thid"] for each in told if each["@type"].endswith("/response")]
    (connection,) = await inviter.connections()
    assert answered == [connection.request_id]
