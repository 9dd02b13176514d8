"""An issuer in one process: real wallet, real keys, real registry files and envelopes; only the network is missing.

What a wallet sends is made with the anoncreds library and handed to the issuer's handlers as the gate does; what it is
sent is opened with its own key.
"""

import asyncio
import json
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import anoncreds
import base58
from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.cache.base import BaseCache
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from aries_askar import Key, KeyAlg
from tests.memory_wallet import memory_wallet
from tests.quick_requests import ask_for
from tests.unit.trust.ecosystem import AUTHORITY, TYPE, Authority, FileHost, payload
from tests.welders import CLAIM as WELDER
from tests.welders import accreditation, certificate

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.holding.reports import Reports
from wanderbuch.agents.issuer.holding.superseding import Superseding
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.role import HANDLERS
from wanderbuch.agents.issuer.standing import Ground, Standing
from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.agents.runtime.on_demand import OnDemand
from wanderbuch.agents.runtime.own_handling import HttpReply
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId, SchemaId
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.exchange.attached import attach, decode_attached
from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.connections import acapy_connection, find_connection, keep_connection
from wanderbuch.plugins.exchange.connecting.own_keys import keep_peer
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.credential_messages import ack_message, request_message
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.publisher import FolderPublisher, Publisher
from wanderbuch.plugins.webvh.registry import WebvhRegistry
from wanderbuch.store import at_hand

REGISTRY_SIZE = 6
ENDPOINT = "https://centre.wanderbuch.test/didcomm"

type Message = Mapping[str, Any]


class Phone:
    """A wallet at the other end, with a connection to the issuer.

    Args:
        connection: as the issuer has it.
        key: its own.
    """

    def __init__(self, connection: Connection, key: Key) -> None:
        self.connection = connection
        self.key = key

    def opens(self, packed: bytes) -> Message:
        """Return the message in an envelope for this wallet."""
        envelope = read_envelope(packed, max_bytes=1 << 20)
        message: Message = json.loads(decrypt(envelope, identify(envelope.recipients[0], self.key)))
        return message


class Network:
    """Takes what is posted; to a wallet that is away it delivers nothing."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        self.away: set[str] = set()

    async def deliver(self, url: str, body: bytes, **_: Any) -> None:
        if url in self.away:
            raise ResolutionError("nobody is there")
        self.posted.append((url, body))


@dataclass
class Office:
    """What the handlers work on."""

    desk: OfferDesk
    revocations: Revocations
    superseding: Superseding
    reports: Reports


@dataclass
class Wallets:
    """The wallets at the other end of all processes of an issuer."""

    link_secret: str = field(default_factory=anoncreds.create_link_secret)
    by_endpoint: dict[str, Phone] = field(default_factory=dict)
    by_offer: dict[str, Phone] = field(default_factory=dict)


class Workshop:
    """An issuer accredited for welders, its desk, and wallets at the other end.

    Args:
        folder: where its public files lie.
        profile: its wallet; None: one of its own.
        beside: another process of the same issuer.
    """

    did: WebvhDid
    standing: Standing
    revocations: Revocations

    def __init__(self, folder: Path, profile: Profile | None = None, beside: "Workshop | None" = None) -> None:
        self.folder = folder
        self.given = profile
        self.host: FileHost = beside.host if beside else FileHost()
        self.authority: Authority = beside.authority if beside else Authority()
        self.wallets: Wallets = beside.wallets if beside else Wallets()
        self.now = datetime.now(UTC)
        self.version = 0
        self.network = Network()

    async def open(self) -> None:
        """Make wallet, DID, schema, credential definition and registries."""
        await self.open_wallet()
        made = await AnonCredsIssuer(self.profile).create_and_register_schema(
            self.did, TYPE.name, TYPE.version, list(TYPE.attr_names)
        )
        self.schema_id = SchemaId.parse(made.schema_state.schema_id)
        self.start()
        await self.standing.prepare()
        await self.publish()

    async def open_wallet(self) -> None:
        """Make wallet and DID."""
        settings = {
            "wallet.type": "askar-anoncreds",
            "default_endpoint": ENDPOINT,
            "tails_server_base_url": "https://centre.wanderbuch.test/org/tails",
        }
        self.profile = self.given or await memory_wallet(settings)
        self.profile.settings.update(settings)
        publisher = FolderPublisher(self.folder / "public")
        self.registry = WebvhRegistry(cast(Any, None), publisher)
        self.source = GovernanceSource(
            GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
            edge=cast(HttpEdge, self.host),
            resolve_key=self.authority.resolve_key,
            clock=lambda: self.now,
        )
        for kind, instance in {
            DIDMethods: DIDMethods(),
            KeyTypes: KeyTypes(),
            Publisher: publisher,
            WebvhRegistry: self.registry,
            AnonCredsRegistry: AnonCredsRegistry([self.registry]),
            EventBus: EventBus(),
            GovernanceSource: self.source,
        }.items():
            self.profile.context.injector.bind_instance(kind, instance)
        self.profile.context.injector.clear_binding(BaseCache)
        self.did = await create_did(
            self.profile,
            host="centre.wanderbuch.test",
            path="org",
            didcomm_endpoint=None,
            publisher=publisher,
            prerotation=False,
        )

    def start(self) -> None:
        """Take the office up as a freshly started process does: with nothing at hand."""
        config = IssuerConfig(schema_id=self.schema_id, registry_size=REGISTRY_SIZE)
        self.publishes = False  # else what is asked for is only kept, as if the process ended there
        self._publishing = OnDemand("publishing", lambda: self.revocations.publish(), self._beside)
        keys = KeyRing()
        self.short_links = ShortLinks(self.profile, "https://centre.wanderbuch.test")
        at_hand._OF_STORE.clear()
        self.sending = Sending(cast(HttpEdge, self.network), keys)
        self.standing = Standing(config, profile=self.profile, did=self.did, source=self.source, on_wanted=lambda: None)
        self.desk = OfferDesk(
            self.profile,
            self.standing,
            did=self.did,
            label="centre",
            base_url=ENDPOINT,
            shorten=lambda _, url, lifetime: self.short_links.add(url, lifetime=lifetime),
            sending=self.sending,
        )
        self.revocations = Revocations(
            self.profile,
            self.desk.book,
            self.sending,
            on_wanted=self._want_publishing,
            on_listed=self.standing.places.list_changed,
        )
        self.superseding = Superseding(self.profile, self.desk, self.revocations)
        self.reports = Reports(self.profile, self.desk.book)
        self.office = Office(self.desk, self.revocations, self.superseding, self.reports)
        for kind, instance in {OfferBook: self.desk.book, Sending: self.sending, KeyRing: keys}.items():
            self.profile.context.injector.bind_instance(kind, instance)

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

    async def connect(self, invitation_id: str, *, state: str = acapy.COMPLETED) -> Phone:
        """Return a wallet that has come as far as ending the handshake on an invitation."""
        key, peer = Key.generate(KeyAlg.ED25519), fresh_peer(ENDPOINT)
        connection = Connection(
            id=peer.name,
            connection_id=secrets.token_hex(16),
            own_did=peer.did,
            their_did=f"did:peer:4zQm{secrets.token_hex(4)}",
            their_key=base58.b58encode(key.get_public_bytes()).decode(),
            endpoint=f"https://phone-{secrets.token_hex(4)}.wanderbuch.test/didcomm",
            invitation_id=invitation_id,
            request_id=secrets.token_hex(16),
            protocol="didexchange/1.1",
            inviter_role="issuer",
            invitation_key=peer.name,
        )
        async with self.profile.session() as session:
            await keep_peer(self.profile, session, peer)
            await keep_connection(session, connection)
            await acapy.add_record(session, acapy_connection(connection), state)
        phone = self.wallets.by_endpoint[connection.endpoint] = Phone(connection, key)
        return phone

    async def make(self, *, lifetime: timedelta = timedelta(hours=1), **changed: Any) -> Offer:
        """Make an offer at the desk."""
        return await self.desk.make(certificate(WELDER, **changed), lifetime=lifetime)

    async def offer(self, *, lifetime: timedelta = timedelta(hours=1), **changed: Any) -> Offer:
        """Return an offer that a wallet has, and that it was sent."""
        offer = await self.make(lifetime=lifetime, **changed)
        await self.hand_over(offer)
        return await self.desk.book.offers.get(offer.id)

    async def hand_over(self, offer: Offer, *, invitation_id: str | None = None) -> Phone:
        """Have a wallet connect on the invitation of an offer, which it then has."""
        phone = await self.connect(invitation_id or offer.id)
        self.wallets.by_offer[offer.id] = phone
        assert await self.take(phone)
        await self.complete(phone)
        return phone

    async def take(self, phone: Phone, *, invitation_id: str | None = None) -> bool:
        """Have a wallet ask for what its invitation is for."""
        return await self.desk.delivery.take(invitation_id or phone.connection.invitation_id, phone.connection)

    async def complete(self, phone: Phone, *, invitation_id: str | None = None) -> None:
        """Have a wallet end its handshake."""
        message = {"@type": "https://didcomm.org/didexchange/1.1/complete", "@id": secrets.token_hex(8)}
        await self.desk.delivery.connected(
            invitation_id or phone.connection.invitation_id, phone.connection, self.incoming(phone, message)
        )

    def phone_of(self, offer: Offer) -> Phone:
        return self.wallets.by_offer[offer.id]

    async def request_for(self, offer: Offer) -> dict[str, Any]:
        """Return a fresh request for an offer, as a wallet makes it."""
        told = await self.desk.delivery.message(offer)
        offered = decode_attached(cast(Any, told)["offers~attach"][0], "offers~attach", max_bytes=1 << 20)
        credential_definition = await self.registry.get_credential_definition(
            self.profile, offered.content["cred_def_id"]
        )
        request, self.metadata = ask_for(
            anoncreds.CredentialDefinition.load(credential_definition.credential_definition.serialize()),
            anoncreds.CredentialOffer.load(offered.text),
            self.wallets.link_secret,
        )
        return request_message(thread_id=offer.thread_id, request_json=request.to_json())

    def incoming(self, phone: Phone, message: Message, *, waits: bool = False) -> Incoming:
        """Return a message of a wallet as it passes the gate."""
        kind, thread = message["@type"].removeprefix("https://didcomm.org/"), message.get("~thread") or {}
        return Incoming(
            self.profile,
            kind,
            message["@id"],
            thread.get("thid") or message["@id"],
            thread.get("pthid"),
            message,
            phone.connection.their_key,
            phone.connection.own_key,
            HttpReply(is_open=waits),
        )

    async def receive(self, message: Message, phone: Phone) -> bool:
        """Have a message taken as the gate does; return whether it was."""
        incoming = self.incoming(phone, message)
        handler = HANDLERS[incoming.kind]
        connection = await find_connection(self.profile, incoming.recipient)
        is_near = connection is not None and connection.their_key == incoming.sender
        if not (is_near or await handler.knows(incoming)):
            return False
        return await handler.take(self.office, incoming)

    async def ask(self, offer: Offer) -> dict[str, Any]:
        """Answer an offer with a request, and return it."""
        request = await self.request_for(offer)
        await self.receive(request, self.phone_of(offer))
        return request

    async def issue(self, **changed: Any) -> Offer:
        """Return an offer whose credential was issued."""
        offer = await self.offer(**changed)
        await self.ask(offer)
        return await self.desk.get(offer.id)

    async def decline(self, offer: Offer) -> bool:
        """Decline an offer, or what came of it."""
        kind = "issue-credential/2.0/problem-report"
        report = problem_report(kind, thread_id=offer.thread_id, code="issuance-abandoned", text="no, thank you")
        return await self.receive(report, self.phone_of(offer))

    async def acknowledge(self, offer: Offer, *, status: object = "OK") -> bool:
        """Say that the credential of an offer is kept, or what else the status says."""
        ack = ack_message(thread_id=offer.thread_id) | {"status": status}
        return await self.receive(ack, self.phone_of(offer))

    async def messages(self) -> list[tuple[Phone, Message]]:
        """Return what wallets were sent since the last time."""
        await self.sending.stop(wait_s=10)
        posted, self.network.posted = self.network.posted, []
        phones = [(self.wallets.by_endpoint[url], packed) for url, packed in posted]
        return [(phone, phone.opens(packed)) for phone, packed in phones]

    async def heard(self) -> list[str]:
        """Return the kinds of what wallets were sent since the last time."""
        return [message["@type"].rpartition("/")[2] for _, message in await self.messages()]

    async def used(self) -> int:
        """Return how many places credentials took in all registries, or are reserved for them."""
        return sum(registry.used for registry in await self.standing.registries())


def values_of(message: Message) -> Mapping[str, Any]:
    """Return the values that a credential message carries."""
    values: Mapping[str, Any] = credential_of(message)["values"]
    return values


def credential_of(message: Message) -> Mapping[str, Any]:
    """Return the credential that a message carries."""
    return decode_attached(message["credentials~attach"][0], "credentials~attach", max_bytes=1 << 20).content


def with_request(message: Message, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request message with another request attached."""
    attached = attach(
        json.dumps(content), attach_id="a", of_format="anoncreds/credential-request@v1.0", name="requests~attach"
    )
    return {**message, **attached}
