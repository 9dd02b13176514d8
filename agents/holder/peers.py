"""Who is at the other end of an exchange, and by what right we say so.

An exchange keeps its `Origin`: what it needs to answer, and what its sender said of itself when it began. So showing it
looks up nothing, and whoever else writes under the same thread is recognised as another.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict

from wanderbuch.governance.facts.identifiers import Did, IdentifierError, WebvhDid
from wanderbuch.governance.facts.question import Purpose
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.plugins.trust.purposes import stated_purpose

if TYPE_CHECKING:
    from wanderbuch.plugins.exchange.connection import Connection


class Origin(BaseModel):
    """Where an offer or a request came from; a field of the record of it.

    Args:
        own_key: our key of this exchange, base58: what is sent to it belongs here.
        their_key: theirs, base58; nobody else may go on with the exchange.
        endpoint, routing_keys: where they listen, as in `Channel`.
        connection_id: of the connection that it came over; None if it came with an invitation and without one.
        invitation_id: of the invitation that brought it, or the connection.
        service_did: the DID that the invitation names as its service, as text; proves nothing before somebody answers
            from its keys.
        unverified_label: what the sender calls itself.
        goal_code: what the invitation or, over a connection, the request says that it is for.
        services: SHA-256 of the invitation's services as canonical JSON, hexadecimal; empty over a connection.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    own_key: str
    their_key: str
    endpoint: str
    routing_keys: tuple[str, ...] = ()
    connection_id: str | None = None
    invitation_id: str | None = None
    service_did: str | None = None
    unverified_label: str | None = None
    goal_code: str | None = None
    services: str = ""

    @classmethod
    def over(cls, connection: "Connection") -> Self:
        """Return where what comes over a connection comes from."""
        channel = connection.channel
        return cls(
            own_key=channel.own_key,
            their_key=channel.their_key,
            endpoint=channel.endpoint,
            routing_keys=channel.routing_keys,
            connection_id=connection.connection_id,
            invitation_id=connection.invitation_id,
            service_did=connection.their_public_did,
            unverified_label=connection.label,
        )

    def is_between(self, incoming: Incoming) -> bool:
        """Return whether a message came from them to our key of this exchange."""
        return (self.own_key, self.their_key) == (incoming.recipient, incoming.sender)

    @property
    def channel(self) -> Channel:
        """Return how to write to them."""
        return Channel(self.own_key, self.their_key, self.endpoint, self.routing_keys, self.connection_id)


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of an exchange.

    Args:
        did: the did:webvh that the invitation named; only who holds its keys can read what we send. None: nameless.
        name: what the governance file calls that DID; None if it does not know it.
        unverified_label: what the other end calls itself; proves nothing.
        purpose: what its invitation says that it asks for, if it says so.
    """

    did: WebvhDid | None
    name: str | None
    unverified_label: str | None
    purpose: Purpose | None = None

    @property
    def is_known(self) -> bool:
        """Whether the governance file names this peer."""
        return self.name is not None


def peer_of(profile: Profile, origin: Origin) -> Peer:
    """Return who is at the other end of an exchange, named by the governance in force now."""
    label, purpose = origin.unverified_label, stated_purpose(origin.goal_code)
    try:
        did = WebvhDid.parse(origin.service_did)
    except IdentifierError:
        return Peer(None, None, label, purpose)
    return Peer(did, governance_name(profile, did), label, purpose)


def governance_name(profile: Profile, did: Did) -> str | None:
    """Return what the governance file in force calls a DID, None if it does not know it."""
    source = profile.inject_or(GovernanceSource)
    snapshot = source.snapshot() if source else None
    return snapshot.file.participant_name(did) if snapshot else None
