"""The invitation behind an offer: out-of-band 1.1, from the issuer's did:webvh, with the offer attached.

It asks for DID Exchange 1.1, so that a connection stays over which the wallet can be told of a revocation. The wallet
sees the issuer's DID as the service, not a label to be believed.
"""

import io
from dataclasses import dataclass

import segno
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.out_of_band.v1_0.manager import OutOfBandManager
from acapy_agent.protocols.out_of_band.v1_0.messages.invitation import HSProto

from wanderbuch.governance.identifiers import WebvhDid


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was made.

    Args:
        id: of the invitation message.
        url: the long address that holds the whole invitation.
    """

    id: str
    url: str


async def invite_to_offer(profile: Profile, did: WebvhDid, *, label: str, cred_ex_id: str) -> Invitation:
    """Return a new invitation with the offer of an exchange attached."""
    record = await OutOfBandManager(profile).create_invitation(
        my_label=label,
        auto_accept=True,
        use_did=str(did),
        hs_protos=[HSProto.DIDEX_1_1],
        attachments=[{"type": "credential-offer", "id": cred_ex_id}],
        protocol_version="1.1",
    )
    return Invitation(record.invi_msg_id, record.invitation_url)


def qr_svg(url: str) -> str:
    """Return the QR code of an address as an SVG element."""
    out = io.BytesIO()
    segno.make(url, error="m", micro=False).save(out, kind="svg", scale=4, border=4, xmldecl=False)
    return out.getvalue().decode("utf-8")
