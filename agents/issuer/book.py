"""The issuer's book of offers: its records, what they tell the event log, and what must still arrive.

Bound in the tenant's injector while its office is open, so that the gate looks into the same book.
"""

from datetime import datetime
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.intents import open_intents
from wanderbuch.agents.issuer.offers import Offer, OfferState, ended, offer_id_of, open_offers
from wanderbuch.agents.issuer.revocation_reasons import LETS_ANOTHER_FOLLOW
from wanderbuch.agents.issuer.telling import offer_events
from wanderbuch.governance.facts.question import Reason
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.payloads import Payloads
from wanderbuch.store.telling import MarkTeller

NO_REASONS: Final[tuple[Reason, ...]] = ()


class OfferBook:
    """The offers of one issuer."""

    def __init__(self, profile: Profile) -> None:
        """Open it; nothing is read yet."""
        self.offers = open_offers(profile)
        self.payloads = Payloads(profile)
        self._intents = open_intents(profile)
        self.teller = MarkTeller(open_offers, profile, offer_events, markers=self.offers)

    async def of_thread(self, thread_id: str) -> Offer | None:
        """Return the offer that a thread is about; None: there is none."""
        offer_id = offer_id_of(thread_id)
        return None if offer_id is None else await self.offers.get_or_none(offer_id)

    async def sent_by_its_wallet(self, incoming: Incoming) -> Offer | None:
        """Return the offer that a message is about, if the keys are those of the wallet that took it."""
        offer = await self.of_thread(incoming.thread_id)
        return offer if offer is not None and is_its_wallet(offer, incoming) else None

    async def may_follow(self, old_id: str) -> bool:
        """Return whether something may be issued in the place of a credential: not after a fraud, or any other end.

        Args:
            old_id: of the offer that brought it.
        """
        intent = await self._intents.get_or_none(old_id)
        return intent is None or intent.reason in LETS_ANOTHER_FOLLOW

    async def end(
        self, offer: Offer, state: OfferState, *, at: datetime, reasons: tuple[Reason, ...] = NO_REASONS
    ) -> Offer:
        """End an open offer without a credential, and return it as it stands then: it may have ended otherwise."""
        if offer.state is not OfferState.OPEN:
            return offer
        marked = await self.teller.add(offer, "outcome", ended(state, at=at, reasons=reasons))
        return marked or await self.offers.get(offer.id)


def is_its_wallet(offer: Offer, incoming: Incoming) -> bool:
    """Return whether a message comes from the wallet that took an offer, to the key that we use with it."""
    wallet = offer.wallet
    return wallet is not None and (wallet.their_key, wallet.own_key) == (incoming.sender, incoming.recipient)


def book_of(profile: Profile) -> OfferBook:
    """Return the book of a tenant's open office; of a tenant that has none open, its book for this one look."""
    return profile.inject_or(OfferBook) or OfferBook(profile)


async def knows_offer(incoming: Incoming) -> bool:
    """Tell whether a message is about an offer of ours, from the wallet that took it."""
    return await book_of(incoming.profile).sent_by_its_wallet(incoming) is not None
