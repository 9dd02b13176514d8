"""A verifier with everything real but the hosts it fetches from, and the wallet that answers it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import base58
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from aries_askar import Key, KeyAlg
from tests.unit.trust.ecosystem import (
    AUTHORITY,
    WELDER,
    Authority,
    FileHost,
    Issuer,
    Registry,
    message,
    payload,
    webvh,
)
from tests.welders import accreditation

from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.governance.facts.question import Requirement, Verdict
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.exchange.connecting.at_hand import ConnectionsAtHand, changes_of, put_at_hand
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.proof_messages import ACK, PRESENTATION, PROBLEM
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential, AwardPrecision
from wanderbuch.plugins.trust.verifying.asking import Asker
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState, open_verifications
from wanderbuch.plugins.trust.verifying.receiving import HANDLERS
from wanderbuch.plugins.trust.verifying.verifier import VerificationDesk

SHIPYARD = webvh("shipyard")
BASE_URL = "https://shipyard.wanderbuch.test"
MAX_BYTES = 1024 * 1024


@dataclass
class AnsweringWallet:
    """A wallet's key, and what it hears on the connection on which it waits for a reply."""

    key: Key = field(default_factory=lambda: Key.generate(KeyAlg.ED25519))
    messages: list[dict[str, Any]] = field(default_factory=list)
    waits: bool = True

    @property
    def verkey(self) -> str:
        return str(base58.b58encode(self.key.get_public_bytes()), "ascii")

    @property
    def is_open(self) -> bool:
        return self.waits

    def offer(self, packed: bytes) -> bool:
        """Take a reply, if it waits for one."""
        if self.waits:
            self.hear(packed)
        return self.waits

    def hear(self, packed: bytes) -> None:
        """Open an envelope and note what it says."""
        self.messages.append(opened_by(self.key, packed)[0])


@dataclass
class Post:
    """The way out; notes what is delivered where."""

    delivered: list[tuple[str, bytes]] = field(default_factory=list)

    async def deliver(self, url: str, body: bytes, **_: Any) -> None:
        self.delivered.append((url, body))


@dataclass
class Employer:
    """A verifier with everything real but the hosts it fetches from."""

    profile: Profile
    desk: VerificationDesk
    source: GovernanceSource
    registry: Registry
    host: FileHost
    wallet: AnsweringWallet
    post: Post
    own_key: str
    now: datetime

    def clock(self) -> datetime:
        return self.now

    async def ask(
        self, requirement: Requirement = WELDER, precision: AwardPrecision = AwardPrecision.YEAR
    ) -> Verification:
        """Put a question."""
        return await self.desk.ask(
            self.profile,
            AskedCredential(ONLY_GROUP, requirement, precision),
            asker=Asker(SHIPYARD, "Employer", BASE_URL),
            answer_in=timedelta(minutes=10),
        )

    async def ask_several(self, **requirements: Requirement) -> Verification:
        """Put a question about several credentials, by what each is called."""
        asked = [AskedCredential(group, requirement) for group, requirement in requirements.items()]
        return await self.desk.ask(
            self.profile, *asked, asker=Asker(SHIPYARD, "Employer", BASE_URL), answer_in=timedelta(minutes=10)
        )

    async def ask_otherwise(self, asked: Verification, **changed: Any) -> Verification:
        """Put a question once more, changed in a way that nobody else can."""
        again = asked.model_copy(update={"id": uuid4().hex, **changed})
        await open_verifications(self.profile).insert(again)
        return again

    def incoming(
        self, kind: str, thread_id: str, members: Mapping[str, Any], *, sender: str | None = "the wallet"
    ) -> Incoming:
        """Return a message of the wallet's as the gate gives it."""
        return Incoming(
            profile=self.profile,
            kind=kind,
            id=str(uuid4()),
            thread_id=thread_id,
            parent_thread_id=None,
            members=members,
            sender=self.wallet.verkey if sender == "the wallet" else sender,
            recipient=self.own_key,
            way_back=self.wallet,
        )

    def connect(self) -> None:
        """Have a live connection with the wallet."""
        at_hand = ConnectionsAtHand()
        self.profile.context.injector.bind_instance(ConnectionsAtHand, at_hand)
        made = Connection(
            id=self.own_key,
            connection_id="connection",
            own_did="did:peer:4z1",
            their_did="did:peer:4z2",
            their_key=self.wallet.verkey,
            endpoint="",
            invitation_id="link",
            request_id="request",
            protocol="didexchange/1.1",
        )
        put_at_hand(self.profile, made, since=changes_of(self.profile))

    async def take(self, incoming: Incoming) -> bool:
        """Hand a message to the role's handler."""
        return await HANDLERS[incoming.kind].take(SimpleNamespace(desk=self.desk), incoming)

    async def receive(self, thread_id: str, proof: Mapping[str, Any], **members: Any) -> None:
        """Receive an answer."""
        assert await self.take(self.incoming(PRESENTATION, thread_id, message(proof) | members))

    async def get(self, asked: Verification, proof: Mapping[str, Any]) -> Verification:
        """Receive an answer and return how the verification stands then."""
        await self.receive(asked.id, proof)
        return await self.desk.status(self.profile, asked.id)

    async def decline(self, thread_id: str, code: str = "abandoned", text: str = "No.") -> bool:
        """Receive a decline; return whether it was about a verification."""
        report = problem_report(PROBLEM, thread_id=thread_id, code=code, text=text)
        return await self.take(self.incoming(PROBLEM, thread_id, report))

    async def seen(self, asked: Verification) -> dict[str, str] | None:
        """Return what was seen, as far as it is not forgotten."""
        return await self.desk.seen(self.profile, await self.desk.status(self.profile, asked.id))

    def heard(self) -> list[str]:
        """Return what the wallet was told, message by message: "ack" or "problem-report"."""
        return [
            message["@type"].removeprefix("https://didcomm.org/present-proof/2.0/") for message in self.wallet.messages
        ]


ACKED = ACK.rpartition("/")[2]
REPORTED = PROBLEM.rpartition("/")[2]


def opened_by(key: Key, packed: bytes) -> tuple[dict[str, Any], str | None]:
    """Return the message in an envelope, and the key of its sender."""
    envelope = read_envelope(packed, max_bytes=MAX_BYTES)
    mine = next(
        recipient
        for recipient in envelope.recipients
        if recipient.key == base58.b58encode(key.get_public_bytes()).decode()
    )
    identified = identify(mine, key)
    return json.loads(decrypt(envelope, identified)), identified.sender


async def open_employer(
    profile: Profile,
    authority: Authority,
    training_centre: Issuer,
    cooking_school: Issuer,
    now: datetime,
    *,
    wallet: AnsweringWallet | None = None,
) -> Employer:
    """Return a verifier that knows both."""
    registry, host, post, keys = Registry(training_centre, cooking_school), FileHost(), Post(), KeyRing()
    bind: Callable[[type, object], None] = profile.context.injector.bind_instance
    bind(AnonCredsRegistry, AnonCredsRegistry([registry]))
    bind(EventBus, EventBus())
    bind(Objects, Objects())
    bind(Sending, Sending(cast(HttpEdge, post), keys))
    own = Key.generate(KeyAlg.ED25519)
    own_key = str(base58.b58encode(own.get_public_bytes()), "ascii")
    async with profile.session() as session:
        await session.handle.insert_key(own_key, own)
    signed = await authority.file(
        payload(
            {
                training_centre.did: [
                    accreditation([training_centre.cred_def_id], occupations=["C72", "C22"]),
                ],
                cooking_school.did: [accreditation([cooking_school.cred_def_id], id="acc-2", occupations=["C512"])],
            }
        )
    )
    host.files = {"current.jws": signed.jws, "freshness.jws": await authority.statement(signed, at=now)}
    made: Employer | None = None

    def clock() -> datetime:
        return now if made is None else made.now

    source = GovernanceSource(
        GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=AUTHORITY),
        edge=cast(HttpEdge, host),
        resolve_key=authority.resolve_key,
        clock=clock,
    )
    desk = VerificationDesk(source, clock=clock)
    bind(VerificationDesk, desk)
    made = Employer(profile, desk, source, registry, host, wallet or AnsweringWallet(), post, own_key, now)
    await source.refresh()
    return made


def codes(ended: Verification) -> list[str]:
    assert ended.decision is not None
    return [reason.code for reason in ended.decision.reasons]


def verdict(ended: Verification) -> Verdict:
    assert ended.state is VerificationState.DECIDED
    assert ended.decision is not None
    return ended.decision.verdict
