"""Who is at the other end of an exchange, and by what right we say so."""

from dataclasses import dataclass

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.governance.identifiers import IdentifierError, WebvhDid
from wanderbuch.governance.question import Purpose
from wanderbuch.plugins.trust.purposes import stated_purpose
from wanderbuch.plugins.trust.source import GovernanceSource


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


async def find_peer(profile: Profile, *, connection_id: str | None, thread_id: str) -> Peer:
    """Return who is at the other end of the exchange on this connection or, without one, on this thread."""
    label: str | None = None
    service: object = None
    purpose: Purpose | None = None
    try:
        async with profile.session() as session:
            if connection_id:
                connection = await ConnRecord.retrieve_by_id(session, connection_id)
                label, service = connection.their_label, connection.their_public_did
            else:
                oob = await OobRecord.retrieve_by_tag_filter(session, {"attach_thread_id": thread_id})
                label, service = oob.invitation.label, oob.invitation.services[0]
                purpose = stated_purpose(oob.invitation.goal_code)
    except StorageNotFoundError:
        pass
    try:
        did = WebvhDid.parse(service)
    except IdentifierError:
        return Peer(None, None, label, purpose)
    return Peer(did, governance_name(profile, did), label, purpose)


def governance_name(profile: Profile, did: WebvhDid) -> str | None:
    """Return what the governance file in force calls a DID, None if it does not know it."""
    source = profile.inject_or(GovernanceSource)
    snapshot = source.snapshot() if source else None
    return snapshot.file.participant_name(did) if snapshot else None
