"""An issuer in one process: real wallet, real keys, real registry files; only the network is missing.

What a wallet sends is made with the anoncreds library and handed to the handlers as ACA-Py's dispatcher does.
"""

import asyncio
import json
import secrets
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import anoncreds
from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.cache.base import BaseCache
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder, MockResponder
from acapy_agent.protocols.coordinate_mediation.v1_0.route_manager import (
    CoordinateMediationV1RouteManager,
    RouteManager,
)
from acapy_agent.protocols.didexchange.v1_0.messages.complete import DIDXComplete
from acapy_agent.protocols.issue_credential.v2_0.message_types import MESSAGE_TYPES
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_ack import V20CredAck
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_problem_report import V20CredProblemReport
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_request import V20CredRequest
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.utils.testing import create_test_profile
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from tests.unit.trust.ecosystem import AUTHORITY, TYPE, Authority, FileHost, accreditation, payload

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.desk import Desk
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.standing import Ground, Standing
from wanderbuch.agents.runtime.on_demand import OnDemand
from wanderbuch.governance.identifiers import CredDefId, SchemaId
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.issuing import OfferBook, setup_issuing
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.publisher import FolderPublisher, Publisher
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.store.records import RecordStore

WELDER: dict[str, Any] = {
    "credential_id": "CWC-2024-0001",
    "family_name": "Perera",
    "given_names": "Nimal",
    "birth_date": "1995-03-12",
    "occupation_isco08": "C7212",
    "qualification_title": "National Certificate, Welder",
    "awarding_body": "Colombo Welding Centre",
    "framework": "LK-NVQ",
    "framework_level": "4",
    "learning_setting": "formal",
    "awarded_on": "2024-06-10",
    "country_of_award": "LKA",
}
REGISTRY_SIZE = 6


class Workshop:
    """An issuer accredited for welders, its desk, and a wallet at the other end.

    Args:
        folder: where its public files lie.
        profile: its wallet; None: one of its own.
        beside: another process of the same issuer.
    """

    def __init__(self, folder: Path, profile: Profile | None = None, beside: "Workshop | None" = None) -> None:
        self.folder = folder
        self.given = profile
        self.host = beside.host if beside else FileHost()
        self.authority = beside.authority if beside else Authority()
        self.now = datetime.now(UTC)
        self.version = 0
        self.wallet_hears = MockResponder()
        self.link_secret = anoncreds.create_link_secret()
        self.connection = ConnRecord(my_did="did:peer:4zQmMine", their_label="phone", state=ConnRecord.State.COMPLETED)

    async def open(self) -> None:
        """Make wallet, DID, schema, credential definition and registries."""
        await self.open_wallet()
        made = await AnonCredsIssuer(self.profile).create_and_register_schema(
            self.did, TYPE.name, TYPE.version, list(TYPE.attr_names)
        )
        self.schema_id = SchemaId.parse(made.schema_state.schema_id)
        async with self.profile.session() as session:
            await self.connection.save(session)
        self.start()
        await self.standing.prepare()
        await self.publish()

    async def open_wallet(self) -> None:
        """Make wallet and DID."""
        settings = {
            "wallet.type": "askar-anoncreds",
            "preserve_exchange_records": True,
            "tails_server_base_url": "https://centre.wanderbuch.test/org/tails",
        }
        self.profile = self.given or await create_test_profile(settings)
        self.profile.settings.update(settings)
        publisher = FolderPublisher(self.folder / "public")
        self.registry = WebvhRegistry(cast(Any, None), publisher)
        self.source = GovernanceSource(
            GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
            edge=cast(HttpEdge, self.host),
            resolve_key=self.authority.resolve_key,
            clock=lambda: self.now,
        )
        self.protocols = ProtocolRegistry()
        self.protocols.register_message_types(MESSAGE_TYPES)
        for kind, instance in {
            DIDMethods: DIDMethods(),
            KeyTypes: KeyTypes(),
            Publisher: publisher,
            WebvhRegistry: self.registry,
            AnonCredsRegistry: AnonCredsRegistry([self.registry]),
            EventBus: EventBus(),
            GovernanceSource: self.source,
            ProtocolRegistry: self.protocols,
            BaseResponder: self.wallet_hears,
            OobMessageProcessor: OobMessageProcessor(lambda *_: None),
            RouteManager: CoordinateMediationV1RouteManager(),
        }.items():
            self.profile.context.injector.bind_instance(kind, instance)
        self.profile.context.injector.clear_binding(BaseCache)
        await setup_issuing(self.profile.context)
        self.did = await create_did(
            self.profile,
            host="centre.wanderbuch.test",
            path="org",
            didcomm_endpoint=None,
            publisher=publisher,
            prerotation=False,
        )

    def start(self) -> None:
        """Take the office up as a freshly started process does."""
        config = IssuerConfig(schema_id=self.schema_id, registry_size=REGISTRY_SIZE)
        self.publishes = False  # else what is asked for is only kept, as if the process ended there
        self._publishing = OnDemand("publishing", lambda: self.revocations.publish(), self._beside)
        self.standing = Standing(config, profile=self.profile, did=self.did, source=self.source, on_wanted=lambda: None)
        self.desk = Desk(
            self.profile,
            self.standing,
            label="centre",
            short_links=cast(Any, None),
            on_issued=self.standing.note_issued,
        )
        self.revocations = Revocations(self.profile, on_wanted=self._want_publishing)
        self.profile.context.injector.bind_instance(OfferBook, self.desk)

    def _want_publishing(self) -> None:
        if self.publishes:
            self._publishing.want()

    def _beside(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work, name=name)

    @property
    def ground(self) -> Ground:
        ground = self.standing.ground()
        assert ground is not None
        return ground

    @property
    def cred_def_id(self) -> CredDefId:
        return self.ground.cred_def_id

    async def publish(self, **changed: Any) -> None:
        """Publish the next version of the governance file; the accreditation as changed."""
        self.version += 1
        self.now = datetime.now(UTC)
        scope = {self.did: [accreditation([self.cred_def_id], **changed)]}
        signed = await self.authority.file(payload(scope, version=self.version))
        self.host.files = {
            "current.jws": signed.jws,
            "freshness.jws": await self.authority.statement(signed, at=self.now),
        }
        await self.source.refresh()

    async def offer(
        self, *, lifetime: timedelta = timedelta(hours=1), invitation_id: str | None = None, **changed: Any
    ) -> Offer:
        """Make an offer as the desk does; of the invitation, only the id."""
        at = datetime.now(UTC)
        draft = await self.standing.draft(WELDER | changed, at=at)
        offer = await RecordStore(self.profile, Offer).insert(
            Offer(
                cred_ex_id=str(uuid4()),
                credential_type=TYPE.id,
                cred_def_id=self.cred_def_id,
                values=dict(draft.offer.values),
                governance_version=self.version,
                answer_by=at + lifetime,
                invitation_id=invitation_id,
            )
        )
        await self.desk._make_exchange(offer, draft.offer)
        return offer

    async def exchange(self, offer: Offer) -> V20CredExRecord:
        async with self.profile.session() as session:
            return await V20CredExRecord.retrieve_by_id(session, offer.cred_ex_id)

    async def request_for(self, exchange: V20CredExRecord) -> V20CredRequest:
        """Return a fresh request for an offer, as a wallet makes it."""
        offer = exchange.cred_offer.attachment(V20CredFormat.Format.ANONCREDS)
        found = await self.registry.get_credential_definition(self.profile, offer["cred_def_id"])
        request, self.metadata = anoncreds.CredentialRequest.create(
            secrets.token_hex(8),
            None,
            anoncreds.CredentialDefinition.load(found.credential_definition.serialize()),
            self.link_secret,
            "default",
            anoncreds.CredentialOffer.load(offer),
        )
        message = V20CredRequest(
            formats=[V20CredFormat(attach_id="a", format_="anoncreds/credential-request@v1.0")],
            requests_attach=[AttachDecorator.data_base64(json.loads(request.to_json()), ident="a")],
        )
        message.assign_thread_id(exchange.thread_id)
        return message

    async def receive(self, message: Any, *, over: ConnRecord | None = None) -> None:
        """Have a message dispatched as ACA-Py does."""
        wire = message.serialize()
        kind = self.protocols.resolve_message_class(wire["@type"])
        context = RequestContext(self.profile)
        context.message = getattr(kind, "resolved", kind).deserialize(wire)
        context.message_receipt = MessageReceipt(thread_id=context.message._thread_id)
        context.connection_ready, context.connection_record = True, over or self.connection
        await context.message.Handler().handle(context, self.wallet_hears)

    async def connect(self, invitation_id: str) -> ConnRecord:
        """Return the connection of a wallet that has come as far as ending the DID exchange."""
        connection = ConnRecord(
            invitation_msg_id=invitation_id,
            my_did="did:peer:4zQmMine",
            their_did=f"did:peer:4zQm{secrets.token_hex(4)}",
            request_id=str(uuid4()),
            their_role=ConnRecord.Role.REQUESTER.rfc160,
            state=ConnRecord.State.COMPLETED.rfc160,
        )
        async with self.profile.session() as session:
            await connection.save(session)
        return connection

    def complete(self, connection: ConnRecord) -> DIDXComplete:
        complete = DIDXComplete()
        complete.assign_thread_id(thid=connection.request_id, pthid=connection.invitation_msg_id)
        return complete

    async def ask(self, offer: Offer) -> V20CredRequest:
        """Answer an offer with a request, and return it."""
        request = await self.request_for(await self.exchange(offer))
        await self.receive(request)
        return request

    async def issue(self) -> Offer:
        """Return an offer whose credential was issued."""
        offer = await self.offer()
        await self.ask(offer)
        return await self.desk.get(offer.id)

    def decline(self, exchange: V20CredExRecord) -> V20CredProblemReport:
        report = V20CredProblemReport(description={"en": "no, thank you", "code": "issuance-abandoned"})
        report.assign_thread_id(exchange.thread_id)
        return report

    def ack(self, exchange: V20CredExRecord) -> V20CredAck:
        ack = V20CredAck()
        ack.assign_thread_id(exchange.thread_id)
        return ack

    def heard(self) -> list[str]:
        """Return what the wallet was sent since the last time."""
        sent = [type(message).__name__ for message, _ in self.wallet_hears.messages]
        self.wallet_hears.messages.clear()
        return sent

    async def used(self) -> int:
        """Return how many places credentials took in all registries."""
        return sum(each.used for each in await self.standing.registries())


def values_of(message: Any) -> Mapping[str, Any]:
    """Return the values that a credential message carries."""
    values: Mapping[str, Any] = message.attachment(V20CredFormat.Format.ANONCREDS)["values"]
    return values
