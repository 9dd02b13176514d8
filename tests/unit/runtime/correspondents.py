"""People who write to an agent, with real keys: a stranger, and somebody with a live connection."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import base58
from acapy_agent.askar.didcomm.v1 import pack_message
from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.storage.base import BaseStorage
from acapy_agent.storage.record import StorageRecord
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.did_method import SOV
from acapy_agent.wallet.key_type import ED25519
from aries_askar import Key, KeyAlg

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.gate.admission import Admission
from wanderbuch.agents.runtime.gate.brake import Brake
from wanderbuch.agents.runtime.gate.envelope import decrypt, identify, read_envelope
from wanderbuch.plugins.exchange.connecting.connections import keep_connection
from wanderbuch.plugins.exchange.connection import Connection

PING = "https://didcomm.org/trust_ping/1.0/ping"
DIDX_REQUEST = "https://didcomm.org/didexchange/1.1/request"


def verkey_of(key: Key) -> str:
    return str(base58.b58encode(key.get_public_bytes()).decode())


@dataclass
class Correspondent:
    """Somebody with a key of their own, who knows one key of the agent's."""

    agent: RunningAgent
    recipient: str
    connection_id: str | None = None
    key: Key = field(default_factory=lambda: Key.generate(KeyAlg.ED25519))

    def envelope(self, message: dict[str, Any] | bytes | None = None, *, anonymous: bool = False) -> bytes:
        """A message to the agent, a ping if none is given; bytes are taken as they are."""
        told = {"@type": PING, "@id": str(uuid4())} if message is None else message
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        return bytes(pack_message([self.recipient], None if anonymous else self.key, content))

    def opened(self, reply: bytes) -> bytes:
        """What an answer to them says."""
        envelope = read_envelope(reply, max_bytes=1_000_000)
        (recipient,) = envelope.recipients
        return decrypt(envelope, identify(recipient, self.key))


def refuse_without_waiting(agent: RunningAgent) -> None:
    """Let a test be refused often: it is no flood."""
    hours = itertools.count(step=3600)
    agent._transport._brake = Brake(clock=lambda: next(hours))


def refill_budgets_at_once(agent: RunningAgent) -> None:
    """Let a test write often over one connection or invitation: an hour passes between any two messages."""
    hours = itertools.count(step=3600)
    agent._transport.admission = Admission(clock=lambda: next(hours))


async def stranger_to(agent: RunningAgent) -> Correspondent:
    """Somebody who knows a key of the agent's, as everybody knows the public ones."""
    async with agent.profile.session() as session:
        ours = await session.inject(BaseWallet).create_key(ED25519)
    return Correspondent(agent, ours.verkey)


async def connected_to(agent: RunningAgent, *, state: str = "completed") -> Correspondent:
    """Somebody with a connection."""
    key = Key.generate(KeyAlg.ED25519)
    recipient, connection_id = await connect(agent.profile, key, state=state)
    return Correspondent(agent, recipient, connection_id, key)


async def connect(profile: Profile, key: Key, *, state: str = "completed") -> tuple[str, str]:
    """Put a connection with whoever has `key` into a wallet; give the key to write to, and the connection's id."""
    their_did = base58.b58encode(key.get_public_bytes()[:16]).decode()
    async with profile.session() as session:
        ours = await session.inject(BaseWallet).create_local_did(SOV, ED25519)
        record = ConnRecord(state=state, my_did=ours.did, their_did=their_did, their_role="invitee")
        await record.save(session)
        tags = {"did": their_did, "key": verkey_of(key)}
        await session.inject(BaseStorage).add_record(
            StorageRecord(BaseConnectionManager.RECORD_TYPE_DID_KEY, verkey_of(key), tags)
        )
    return ours.verkey, record.connection_id


async def invitation_of(agent: RunningAgent, *, multi_use: bool = False) -> str:
    """The id of an open invitation of the agent's."""
    invitation_id = str(uuid4())
    async with agent.profile.session() as session:
        await OobRecord(
            state=OobRecord.STATE_AWAIT_RESPONSE,
            invi_msg_id=invitation_id,
            role=OobRecord.ROLE_SENDER,
            invitation={
                "@type": "https://didcomm.org/out-of-band/1.1/invitation",
                "@id": invitation_id,
                "handshake_protocols": ["https://didcomm.org/didexchange/1.1"],
                "services": ["did:example:inviter"],
            },
            multi_use=multi_use,
        ).save(session)
    return invitation_id


async def known_on_our_path(peer: Correspondent) -> None:
    """Let our own path know the connection that ACA-Py's records hold."""
    connection = Connection(
        id=peer.recipient,
        connection_id=str(peer.connection_id),
        own_did="did:example:us",
        their_did="did:example:them",
        their_key=verkey_of(peer.key),
        endpoint="",
        invitation_id="nowhere",
        request_id="nowhere",
        protocol="didexchange/1.1",
    )
    async with peer.agent.profile.session() as session:
        assert await keep_connection(session, connection)
