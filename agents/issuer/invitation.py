"""The invitation behind an offer: out-of-band 1.1 (Aries RFC 0434), from the issuer's did:webvh, nothing attached.

Whoever sees its QR code, its address or a log of addresses can read an invitation, so it says who invites and no more.
What is offered, and to whom, follows over the encrypted connection (`delivery`). DID Exchange 1.1 makes that one; it
stays, so that the wallet can be told of a revocation. The wallet sees the issuer's DID as the service, not a label to
be believed.

An invitation is not kept by itself: its id is that of the offer. It is for one wallet: whoever else answers it is told
that it is taken.
"""

import re
from datetime import UTC, datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.book import book_of
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.exchange.connecting.invitations import invitation_address, invitation_message
from wanderbuch.plugins.exchange.handling import Invited

_ID: Final = re.compile(r"[0-9a-f]{32}")


def invite(base_url: str, did: WebvhDid, *, invitation_id: str, label: str) -> str:
    """Return the long address of an invitation to connect.

    Args:
        base_url: what it begins with.
        did: the issuer's.
        invitation_id: its own.
        label: how the issuer calls itself.
    """
    return invitation_address(base_url, invitation_message(invitation_id=invitation_id, label=label, did=str(did)))


async def find_invitation(profile: Profile, invitation_id: str) -> Invited | None:
    """Return an open invitation of a tenant by its id; None: there is none, or it is over.

    One that a wallet has taken is found too, so that a second wallet can be told.
    """
    if not _ID.fullmatch(invitation_id):
        return None
    offer = await book_of(profile).offers.get_or_none(invitation_id)
    if offer is None or offer.state is not OfferState.OPEN or datetime.now(UTC) > offer.answer_by:
        return None
    return Invited(reusable=False, is_untouched=offer.wallet is None, is_over=offer.wallet is not None)


async def find_invitation_url(profile: Profile, invitation_id: str) -> str | None:
    """Return the address of an invitation until its deadline, also of an offer that another wallet has."""
    offer = await book_of(profile).offers.get_or_none(invitation_id)
    return None if offer is None or datetime.now(UTC) > offer.answer_by else offer.invitation_url
