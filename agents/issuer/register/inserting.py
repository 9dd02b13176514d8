"""A new offer is written with the entry of its number, and what goes with it, in one transaction (`numbers`, 2 and 3).

The plain rows that the register finds it by go before it; whatever is refused inside leaves the store as it was.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.register.index import RegisterIndex
from wanderbuch.agents.issuer.register.number_entries import CertificateNumber, SlipRow, WithOffer, merged_over
from wanderbuch.store.engine import Statement
from wanderbuch.store.markers import Markers
from wanderbuch.store.writing import Writing, writing


class NumberedOffers:
    """Writes the offers of one issuer with their numbers.

    Args:
        profile: whose.
        offers: its offers.
        index: what finds them.
    """

    def __init__(self, profile: Profile, offers: Markers[Offer], index: RegisterIndex) -> None:
        self._profile = profile
        self._offers = offers
        self._index = index

    async def insert(self, offer: Offer, beside: WithOffer | None) -> Offer:
        """Keep an offer whose number, if it has one, is its own already; the register finds it."""
        also = self._index.adding(offer)
        if beside is None:
            return await self._offers.insert(offer, also=also)
        since = self._offers.changes
        async with _writing_with(self._profile, offer, beside, also) as records:
            await _insert_with(records, offer, beside)
        self._offers.was_inserted(offer, since=since)
        return offer

    async def insert_of_row(self, entry_id: str, row: SlipRow, offer: Offer, beside: WithOffer | None) -> bool:
        """Keep the offer of a row whose number has an entry of its own, as it has since its batch was made.

        False: it has none, or somebody else's; nothing was kept.
        """
        since = self._offers.changes
        async with _writing_with(self._profile, offer, beside, self._index.adding(offer)) as records:
            kept = await records.get_or_none(CertificateNumber, entry_id)
            if kept is None or kept.is_erased or not kept.is_of(row):
                return False
            await records.replace(kept.model_copy(update={"offer_id": offer.id}))
            await _insert_with(records, offer, beside)
        self._offers.was_inserted(offer, since=since)
        return True

    async def replace(
        self,
        kept: CertificateNumber | None,
        mine: CertificateNumber,
        offer: Offer | None,
        *,
        also: Sequence[Statement] = (),
        beside: WithOffer | None = None,
    ) -> bool:
        """Write an entry in place of the one that was judged, with the offer; False: it is another one by now.

        `also` goes into the plain tables before the offer, whatever becomes of that.
        """
        since = self._offers.changes
        async with _writing_with(self._profile, offer, beside, also) as records:
            now = await records.get_or_none(CertificateNumber, mine.id)
            is_same = (
                now is not None and now.claim == mine.claim and not now.is_erased
            )  # offered again, by many at once
            if now != kept and not is_same:
                return False
            await put_entry(records, now, merged_over(now, mine))
            if offer is not None:
                await _insert_with(records, offer, beside)
        if offer is not None:
            self._offers.was_inserted(offer, since=since)
        return True


async def put_entry(records: Writing, kept: CertificateNumber | None, entry: CertificateNumber) -> None:
    """Write an entry in a transaction that is open, in place of the one that is there, if one is."""
    await (records.insert(entry) if kept is None else records.replace(entry))


def _writing_with(
    profile: Profile, offer: Offer | None, beside: WithOffer | None, also: Sequence[Statement]
) -> AbstractAsyncContextManager[Writing]:
    """Open the transaction in which an offer is written with what goes with it."""
    new = () if offer is None else (offer,)
    if beside is None:
        return writing(profile, new=new, also=also)
    return writing(profile, new=(*new, *beside.new), changed=beside.changed, also=also)


async def _insert_with(records: Writing, offer: Offer, beside: WithOffer | None) -> None:
    await records.insert(offer)
    if beside is not None:
        await beside.write(records)
