"""The invitation behind an offer: out-of-band 1.1 (Aries RFC 0434), from the issuer's did:webvh, nothing attached.

Whoever sees its QR code, its address or a log of addresses can read an invitation, so it says who invites and no more.
What is offered, and to whom, follows over the encrypted connection (`delivery`). DID Exchange 1.1 makes that one; it
stays, so that the wallet can be told of a revocation. The wallet sees the issuer's DID as the service, not a label to
be believed.
"""

from dataclasses import dataclass

from acapy_agent.core.profile import Profile
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import HSProto

from wanderbuch.governance.identifiers import WebvhDid


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was made.

    Args:
        id: of the invitation message.
        oob_id: of ACA-Py's record of it.
        url: the long address that holds the whole invitation.
    """

    id: str
    oob_id: str
    url: str


async def invite(profile: Profile, did: WebvhDid, *, label: str) -> Invitation:
    """Return a new invitation to connect, good for one wallet."""
    record = await OutOfBandManager(profile).create_invitation(
        my_label=label,
        auto_accept=True,
        use_did=str(did),
        hs_protos=[HSProto.DIDEX_1_1],
        protocol_version="1.1",
    )
    return Invitation(record.invi_msg_id, record.oob_id, record.invitation_url)
