"""A wallet that a verifier asks, on our own path: real store, keys, envelopes, credentials and proofs; only the network
is missing.

The verifier has an address and a key of its own. What it asks comes with an invitation, or over a connection. What
leaves for it is opened with its key and kept in `heard`, with the address that it went to.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from aries_askar import Key, KeyAlg
from tests.unit.holder.offered import CONFIG, NoRoute, OfferedWallet, Post, base58_key
from tests.unit.power import Power

from wanderbuch.agents.holder import setup
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.agents.holder.invitations import open_invitation
from wanderbuch.agents.holder.opening import Opened
from wanderbuch.agents.holder.proving import Prover
from wanderbuch.agents.holder.request_book import ReceivedRequest, open_requests
from wanderbuch.agents.holder.request_messages import REQUEST_HANDLERS
from wanderbuch.agents.holder.request_sweep import RequestSweep
from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.connections import acapy_connection, keep_connection
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.exchange.proof_messages import PROBLEM, ack_message, request_message
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import UnreachableError
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.store.tables import tables_of

SHIPYARD = "https://shipyard.wanderbuch.test/didcomm"
ELSEWHERE = "https://elsewhere.wanderbuch.test/didcomm"


@dataclass(frozen=True, slots=True)
class Heard:
    """A message that the verifier got, and where."""

    message: Mapping[str, Any]
    to: str

    @property
    def kind(self) -> str:
        return str(self.message["@type"]).rsplit("/", 1)[-1]


class Roads:
    """Delivers to the issuer and to the verifier."""

    def __init__(self, post: Post, verifier: Key, power: Power | None) -> None:
        self.post, self.verifier, self.power = post, verifier, power
        self.heard: list[Heard] = []
        self.reply = b""
        self.is_down = False

    async def deliver(self, url: str, body: bytes, **options: Any) -> Any:
        if url not in (SHIPYARD, ELSEWHERE):
            return await self.post.deliver(url, body, **options)
        if self.power is not None:
            self.power.look()
        if self.is_down:
            raise UnreachableError(f"nobody is at {url}")
        envelope = read_envelope(body, max_bytes=1_000_000)
        opened = identify(envelope.recipients[0], self.verifier)
        self.heard.append(Heard(json.loads(decrypt(envelope, opened)), url))
        if self.power is not None:
            self.power.step()
        return SimpleNamespace(body=self.reply)


class AskedWallet(OfferedWallet):
    """A holder's process, its issuer, and a verifier."""

    def __init__(self, *args: Any, verifier_key: Key | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.verifier = verifier_key or Key.generate(KeyAlg.ED25519)
        self.roads = Roads(self.post, self.verifier, self.power)
        self.connection: Connection | None = None

    async def start(self) -> None:
        """Open the wallet and do what an agent does at its start."""
        await super().start()
        self.profile.settings["default_endpoint"] = "https://worker.wanderbuch.test/didcomm"
        keys = KeyRing()
        self.profile.context.injector.bind_instance(KeyRing, keys)
        self.sending._edge = cast(HttpEdge, self.roads)
        self.sending._keys = keys
        await setup(self.profile.context)
        self.request_sweeper = RequestSweep(self.profile, CONFIG, began=self.began)

    async def stop(self) -> None:
        """Close the wallet; nothing of this process goes on."""
        if self.profile.opened is not None:
            await self.profile.inject(Prover).stop(self.profile)
            await super().stop()

    def copied(self, folder: Path) -> "AskedWallet":
        """Return a stopped process on a copy of this one's data, this one being stopped too."""
        plain = super().copied(folder)
        made = AskedWallet(
            plain._config,
            self.issuers,
            self._authority,
            self.power,
            issuer_key=self.post.key,
            verifier_key=self.verifier,
        )
        made.own_key, made.connection = self.own_key, self.connection
        return made

    async def sweep(self, now: datetime | None = None) -> None:
        """Sweep as the role does."""
        await self.request_sweeper.sweep(now or datetime.now(UTC))
        await super().sweep(now)

    async def connect_verifier(self) -> Connection:
        """Have a connection with the verifier."""
        peer = fresh_peer("https://worker.wanderbuch.test/didcomm")
        made = Connection(
            id=peer.name,
            connection_id=str(uuid4()),
            own_did=peer.did,
            their_did="did:peer:4zQmTheirs",
            their_key=base58_key(self.verifier),
            endpoint=SHIPYARD,
            invitation_id=str(uuid4()),
            request_id=str(uuid4()),
            protocol="didexchange/1.1",
            label="Shipyard",
        )
        async with self.profile.session() as session:
            await session.handle.insert_key(peer.name, peer.key)
            await keep_connection(session, made)
            await acapy.add_record(session, acapy_connection(made), acapy.COMPLETED)
        self.connection = made
        return made

    @property
    def heard(self) -> list[Heard]:
        return self.roads.heard

    def heard_kinds(self) -> list[str]:
        """Return the kinds of what the verifier got, in order."""
        return [message.kind for message in self.heard]

    async def open(self, invitation: Mapping[str, Any]) -> Opened:
        """Open an invitation as the REST API does."""
        opened = await open_invitation(self.profile, cast(HttpEdge, None), CONFIG, link(invitation))
        await self.settled()
        return opened

    def question(self, *, thread: str | None = None, asked: Any = None, **changed: Any) -> dict[str, Any]:
        """Return a question that the issuer's credential answers; `asked`: another proof request."""
        plain: dict[str, Any] = {
            "name": "Shipyard",
            "version": "1.0",
            "nonce": str(secrets.randbits(80)),
            "requested_attributes": {
                "q": {"names": ["occupation_isco08"], "restrictions": [{"cred_def_id": self.issuer.cred_def_id}]}
            },
            "requested_predicates": {},
            **changed,
        }
        text = json.dumps(plain if asked is None else asked)
        return request_message(message_id=thread or str(uuid4()), proof_request_json=text)

    def invitation(self, message: Mapping[str, Any], *, endpoint: str = SHIPYARD, **changed: Any) -> dict[str, Any]:
        """Return the verifier's invitation that carries a message, to be answered without a connection."""
        invitation_id = str(uuid4())
        carried = {**message, "~thread": {**message.get("~thread", {}), "pthid": invitation_id}}
        service = {
            "id": "#inline",
            "type": "did-communication",
            "recipientKeys": [f"did:key:{to_multikey(self.verifier.get_public_bytes())}"],
            "serviceEndpoint": endpoint,
        }
        return {
            "@type": f"{PREFIX}out-of-band/1.1/invitation",
            "@id": invitation_id,
            "label": "Shipyard",
            "services": [service],
            "requests~attach": [{"@id": "request-0", "mime-type": "application/json", "data": {"json": carried}}],
            **changed,
        }

    async def asked(self, message: Mapping[str, Any] | None = None) -> ReceivedRequest:
        """Return a question that came with an invitation."""
        opened = await self.open(self.invitation(message or self.question()))
        return await self.request(opened.id)

    async def request(self, request_id: str) -> ReceivedRequest:
        return await open_requests(self.profile).get(request_id)

    async def requests(self) -> list[ReceivedRequest]:
        return [open_request async for open_request in open_requests(self.profile).every()]

    async def take(
        self, message: Mapping[str, Any], *, recipient: str, sender: str | None = "", thread: str | None = None
    ) -> bool:
        """Have a message taken as the gate does; return whether it was about anything.

        Args:
            message: ready for JSON.
            recipient: our key.
            sender: theirs; empty: the verifier's.
            thread: of the message, where it says none.
        """
        kind = str(message["@type"]).removeprefix(PREFIX)
        thread_of = message.get("~thread", {}).get("thid")
        incoming = Incoming(
            profile=self.profile,
            kind=kind,
            id=message["@id"],
            thread_id=thread or thread_of or message["@id"],
            parent_thread_id=None,
            members=message,
            sender=base58_key(self.verifier) if sender == "" else sender,
            recipient=recipient,
            way_back=NoRoute(),
        )
        taken = await REQUEST_HANDLERS[kind].take(cast(Any, self), incoming)
        await self.settled()
        return taken

    async def hear_ack(self, request: ReceivedRequest, **changed: Any) -> bool:
        """Have the verifier's word that it accepted the proof."""
        return await self.take(
            {**ack_message(thread_id=request.thread_id), **changed}, recipient=request.origin.own_key
        )

    async def hear_problem(self, request: ReceivedRequest, text: str = "no", **how: Any) -> bool:
        """Have the verifier's word that it is over."""
        report = problem_report(PROBLEM, thread_id=request.thread_id, code="abandoned", text=text)
        return await self.take(report, recipient=request.origin.own_key, **how)

    async def profile_rows_free(self) -> None:
        """Let the time pass, by the database's clock, for which a process that was cut off had claimed what was due."""
        await tables_of(self.profile).engine.run("UPDATE row SET owner = NULL, until = 0")

    async def credential_id(self) -> str:
        """Have a credential in the wallet and return its id."""
        offer = await self.received()
        assert offer.state is OfferState.RECEIVED
        return offer.id


def link(invitation: Mapping[str, Any]) -> str:
    """Return the address that holds an invitation."""
    text = base64.urlsafe_b64encode(json.dumps(invitation).encode()).rstrip(b"=").decode()
    return f"https://shipyard.wanderbuch.test/didcomm?oob={text}"
