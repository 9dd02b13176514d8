"""A holder in one process that can be cut off and started again: the wallet file, ACA-Py's managers, our handlers and
real credentials; only the network is missing.

What leaves is kept in `sent`, with where it would go; what comes is dispatched as ACA-Py does.
"""

import asyncio
import base64
import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import anoncreds
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.anoncreds.util import indy_client_dir
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.did.did_key import DIDKey
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.coordinate_mediation.v1_0.route_manager import (
    CoordinateMediationV1RouteManager,
    RouteManager,
)
from acapy_agent.protocols.issue_credential.v2_0.message_types import MESSAGE_TYPES as CREDENTIAL_MESSAGES
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_issue import V20CredIssue
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredAttrSpec, V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import InvitationMessage
from acapy_agent.protocols.out_of_band.v1_0.messages.service import Service
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.protocols.present_proof.v2_0.message_types import MESSAGE_TYPES as PROOF_MESSAGES
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.transport.outbound.message import OutboundMessage
from acapy_agent.transport.outbound.status import OutboundSendStatus
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from tests.unit.power import Power, PowerCutError
from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER_VALUES,
    Authority,
    FileHost,
    Issuer,
    Registry,
    accreditation,
    payload,
)

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.doubles import heal_doubles
from wanderbuch.agents.holder.invitations import open_invitation
from wanderbuch.agents.holder.offers import OfferState, sweep_offers
from wanderbuch.agents.holder.opening import Opened
from wanderbuch.agents.holder.requests import sweep_requests
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.holding import setup_holding
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.telling import Accepted

CONFIG = HolderConfig(offer_deadline_s=6000, request_deadline_s=6000, keep_ended_days=1)
VERIFIER_KEY = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was handed over to be sent: its JSON, and the address, or the id of the connection."""

    message: Mapping[str, Any]
    to: str

    @property
    def kind(self) -> str:
        """The last word of its type."""
        return str(self.message["@type"]).rsplit("/", 1)[-1]


class _Post(BaseResponder):  # type: ignore[misc]  # acapy_agent has no types
    """Finds out where a message goes, as ACA-Py's conductor does, and keeps it."""

    def __init__(self, process: "HolderProcess") -> None:
        super().__init__()
        self._process = process

    async def send_outbound(self, message: OutboundMessage, **_: Any) -> OutboundSendStatus:
        """Keep a message; without an address nothing leaves."""
        profile, power = self._process.profile, self._process.power
        power.look()
        to = message.connection_id
        if to is None:
            finder = profile.inject(OobMessageProcessor)
            target = await finder.find_oob_target_for_outbound_message(profile, message)
            if target is None:
                return OutboundSendStatus.UNDELIVERABLE
            to = target.endpoint
        self._process.sent.append(Sent(json.loads(message.payload), to))
        power.step()
        return OutboundSendStatus.QUEUED_FOR_DELIVERY

    async def send_webhook(self, topic: str, payload: dict[str, Any]) -> None:
        """Send nothing."""


class _HolderRegistry(Registry):
    async def get_schema_info_by_id(self, profile: Any, schema_id: str) -> Any:
        return SimpleNamespace(issuer_id=AUTHORITY, name="qualification", version="1.0")


class HolderProcess:
    """A wallet's agent, its issuer at the other end of one connection, and a verifier that it never met before.

    Args:
        config: of the agent.
        issuer, authority: who they are.
        power: may fail.
        given: the wallet, open; None: the one in the agent's folder is opened at each start.
    """

    def __init__(
        self, config: AgentConfig, issuer: Issuer, authority: Authority, power: Power, given: Profile | None = None
    ) -> None:
        self._given = given
        self.power = power
        self.issuer = issuer
        self.sent: list[Sent] = []
        self.failed: list[BaseException] = []  # handlers
        self._config = config
        self._authority = authority
        self._running: set[asyncio.Task[None]] = set()
        self.connection_id = ""
        self.issued: V20CredIssue | None = None

    async def start(self) -> None:
        """Open the wallet and do what an agent does at its start."""
        settings = {
            "default_endpoint": "https://worker.wanderbuch.test/didcomm",
            "default_label": "wallet",
            "ledger.disabled": True,
            "preserve_exchange_records": True,
            "wallet.type": "askar-anoncreds",
        }
        manager = WalletManager(self._config, StoreGuard(lambda _: None))
        self.profile = self._given or await manager.open(InjectionContext(settings=settings), {})
        self.profile.settings.update(settings)
        host, protocols = FileHost(), ProtocolRegistry()
        protocols.register_message_types(CREDENTIAL_MESSAGES)
        protocols.register_message_types(PROOF_MESSAGES)
        source = GovernanceSource(
            GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
            edge=cast(HttpEdge, host),
            resolve_key=self._authority.resolve_key,
            clock=lambda: datetime.now(UTC),
        )
        for kind, instance in {
            AnonCredsRegistry: AnonCredsRegistry([_HolderRegistry(self.issuer)]),
            BaseResponder: _Post(self),
            DIDMethods: DIDMethods(),
            EventBus: EventBus(),
            GovernanceSource: source,
            KeyTypes: KeyTypes(),
            OobMessageProcessor: OobMessageProcessor(self._route),
            ProtocolRegistry: protocols,
            RouteManager: CoordinateMediationV1RouteManager(),
        }.items():
            self.profile.context.injector.bind_instance(kind, instance)
        await setup_holding(self.profile.context)
        signed = await self._authority.file(
            payload({self.issuer.did: [accreditation([self.issuer.cred_def_id])]}, version=1)
        )
        host.files = {
            "current.jws": signed.jws,
            "freshness.jws": await self._authority.statement(signed, at=datetime.now(UTC)),
        }
        await source.refresh()
        self._began = datetime.now(UTC)
        await heal_doubles(self.profile)

    async def stop(self) -> None:
        """Close the wallet; nothing of this process goes on."""
        if self.profile.opened is None:
            return
        if self._running:
            _, still = await asyncio.wait(self._running, timeout=5)
            for task in still:
                task.cancel()
            await asyncio.gather(*still, return_exceptions=True)
        await self.profile.close()

    async def restart(self) -> None:
        """Start again after a cut, and sweep as every start does."""
        await self.stop()
        await self.start()
        await self.sweep()

    async def sweep(self, now: datetime | None = None) -> None:
        """Sweep as the role does."""
        at = now or datetime.now(UTC)
        await sweep_offers(self.profile, CONFIG, at, began=self._began)
        await sweep_requests(self.profile, CONFIG, at, began=self._began)

    def copied(self, folder: Path) -> "HolderProcess":
        """Return a stopped process on a copy of this one's data, this one being stopped too."""
        shutil.copytree(self._config.data, folder)
        config = self._config.model_copy(update={"data": folder})
        made = HolderProcess(config, self.issuer, self._authority, self.power)
        made.connection_id = self.connection_id
        return made

    async def connect(self) -> None:
        """Have a connection with the issuer."""
        connection = ConnRecord(
            my_did="did:peer:4zQmMine", their_label="centre", state=ConnRecord.State.COMPLETED.rfc160
        )
        async with self.profile.session() as session:
            self.connection_id = await connection.save(session)

    async def receive(self, message: Any, *, connection_id: str | None = None) -> None:
        """Have a message dispatched that came from the issuer."""
        await self._handle(message.serialize(), connection_id or self.connection_id, MessageReceipt())

    async def open(self, invitation: Mapping[str, Any]) -> Opened:
        """Open an invitation as the REST API does."""
        try:
            return await open_invitation(self.profile, cast(HttpEdge, None), link(invitation), wait_s=5)
        except ResolutionError as err:
            raise (self.failed[-1] if self.failed else err) from err

    async def hear_ack(self, thread_id: str) -> None:
        """Have the verifier's word that it accepted the proof, sent to the address of the last answer."""
        answer = [each for each in self.sent if each.kind == "presentation"][-1].message
        ack = Accepted()
        ack.assign_thread_id(thread_id)
        receipt = MessageReceipt(recipient_verkey=answer["~service"]["recipientKeys"][0])
        receipt.sender_verkey = DIDKey.from_did(VERIFIER_KEY).public_key_b58
        await self._handle(ack.serialize(), None, receipt)

    def kinds(self) -> list[str]:
        """Return the kinds of what was sent, in order."""
        return [each.kind for each in self.sent]

    def _route(self, profile: Profile, inbound: Any, can_respond: bool) -> None:
        """Take what is attached to an invitation, beside whoever opens it."""
        task = asyncio.ensure_future(self._handle(inbound.payload, inbound.connection_id, inbound.receipt))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (failed := task.exception()) and not isinstance(failed, PowerCutError):
            self.failed.append(failed)

    async def _handle(self, wire: Mapping[str, Any], connection_id: str | None, receipt: MessageReceipt) -> None:
        self.power.look()
        kind = self.profile.inject(ProtocolRegistry).resolve_message_class(wire["@type"])
        context = RequestContext(self.profile)
        context.message = getattr(kind, "resolved", kind).deserialize(wire)
        receipt.thread_id = context.message._thread_id
        receipt.parent_thread_id = context.message._thread.pthid if context.message._thread else None
        context.message_receipt = receipt
        if connection_id:
            async with self.profile.session() as session:
                context.connection_record = await ConnRecord.retrieve_by_id(session, connection_id)
            context.connection_ready = True
        await context.message.Handler().handle(context, self.profile.inject(BaseResponder))

    async def offers(self) -> list[V20CredExRecord]:
        """Return the exchanges of offers."""
        async with self.profile.session() as session:
            return list(await V20CredExRecord.query(session))

    async def questions(self) -> list[V20PresExRecord]:
        """Return the exchanges of questions."""
        async with self.profile.session() as session:
            return list(await V20PresExRecord.query(session))

    async def invitations(self) -> list[OobRecord]:
        """Return what is kept of invitations."""
        async with self.profile.session() as session:
            return list(await OobRecord.query(session))

    def offer(self) -> V20CredOffer:
        """Return an offer of the issuer."""
        made = anoncreds.CredentialOffer.create(self.issuer.schema_id, self.issuer.cred_def_id, self.issuer._proof)
        return V20CredOffer(
            credential_preview=V20CredPreview(attributes=V20CredAttrSpec.list_plain(dict(WELDER_VALUES))),
            formats=[V20CredFormat(attach_id="a", format_="anoncreds/credential-offer@v1.0")],
            offers_attach=[AttachDecorator.data_base64(json.loads(made.to_json()), ident="a")],
        )

    def credential(self, offer: V20CredOffer, request: Mapping[str, Any]) -> V20CredIssue:
        """Return the credential for a request that the wallet sent."""
        issuer = self.issuer
        asked = AttachDecorator.deserialize(request["requests~attach"][0]).content
        issuer._next += 1
        signed = anoncreds.Credential.create(
            issuer.cred_def,
            issuer._private,
            offer.attachment(V20CredFormat.Format.ANONCREDS),
            asked,
            dict(WELDER_VALUES),
            None,
            anoncreds.CredentialRevocationConfig(
                issuer.registry, issuer._registry_private, issuer.list_in_force, issuer._next
            ),
        )
        message = V20CredIssue(
            formats=[V20CredFormat(attach_id="a", format_="anoncreds/credential@v1.0")],
            credentials_attach=[AttachDecorator.data_base64(json.loads(signed.to_json()), ident="a")],
        )
        message.assign_thread_id(offer._thread_id)
        return message

    def question(self) -> V20PresRequest:
        """Return a question that the issuer's credential answers."""
        asked = {
            "name": "Shipyard",
            "version": "1.0",
            "nonce": str(secrets.randbits(80)),
            "requested_attributes": {
                "q": {"names": ["occupation_isco08"], "restrictions": [{"cred_def_id": self.issuer.cred_def_id}]}
            },
            "requested_predicates": {},
        }
        return V20PresRequest(
            will_confirm=True,
            formats=[V20PresFormat(attach_id="a", format_="anoncreds/proof-request@v1.0")],
            request_presentations_attach=[AttachDecorator.data_base64(asked, ident="a")],
        )

    async def receive_credential(self) -> str:
        """Have a credential in the wallet and return its id."""
        offer = self.offer()
        await self.receive(offer)
        (record,) = [each for each in await self.offers() if each.thread_id == offer._thread_id]
        await offers.accept(self.profile, CONFIG, record.cred_ex_id)
        await self.receive(self.credential(offer, self.sent[-1].message))
        assert (await offers.get_offer(self.profile, CONFIG, record.cred_ex_id)).state is OfferState.RECEIVED
        return str(record.cred_ex_id)

    def place_tails(self) -> None:
        """Put the tails file where a download would put it."""
        folder = Path(indy_client_dir("tails", create=True))
        shutil.copy(self.issuer.registry.tails_location, folder / self.issuer.registry.tails_hash)


def invitation_with(message: Any) -> dict[str, Any]:
    """Return a verifier's invitation that carries a message, to be answered without a connection."""
    invitation_id = str(uuid4())
    message.assign_thread_id(message._id, pthid=invitation_id)
    made = InvitationMessage(
        _id=invitation_id,
        label="Shipyard",
        requests_attach=[AttachDecorator.data_json(message.serialize(), ident="request-0")],
        services=[
            Service(
                _id="#inline",
                _type="did-communication",
                recipient_keys=[VERIFIER_KEY],
                routing_keys=[],
                service_endpoint="https://shipyard.wanderbuch.test/didcomm",
            )
        ],
        version="1.1",
    )
    wire: dict[str, Any] = made.serialize()
    return wire


def link(invitation: Mapping[str, Any]) -> str:
    """Return the address that holds an invitation."""
    text = base64.urlsafe_b64encode(json.dumps(invitation).encode()).rstrip(b"=").decode()
    return f"https://shipyard.wanderbuch.test/didcomm?oob={text}"
