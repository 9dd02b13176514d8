"""What is kept for an offer goes a day after the offer has ended; the offer's own record stays.

1. The payload of a credential that the wallet never acknowledged: it is not sent again.
2. Where no credential came of it: the connection that the invitation brought, if any: nobody will use it. Not one that
   was there before, or that brought another offer since. A connection that brought a credential stays: the wallet is
   told over it if that is revoked.

Each is found by name; doing it again does nothing.
"""

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.wallets import forget_unused


async def forget(profile: Profile, book: OfferBook, offer: Offer) -> None:
    """Remove what is kept for an offer that has ended."""
    await book.payloads.remove(offer.id)  # 1
    if not offer.state.has_credential and offer.wallet is not None:
        await forget_unused(profile, offer.wallet.own_key, invitation_id=offer.invitation_id)  # 2
