"""In which rows of batches a certificate's data stand, so that they can be shown and erased.

All pages of claims are read for that, and only those unpacked that have the certificate's number, or the person's day
of birth, in them: of 200,000 rows a few hundred. Of the rows' records only those of the certificate's own batch are.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import SEEN, Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState, state_in
from wanderbuch.agents.issuer.batches.claims import claims_with, read_claim, replace_claim_in
from wanderbuch.agents.issuer.batches.reached import forget_contact
from wanderbuch.agents.issuer.class_list.listed import ClassRow
from wanderbuch.agents.issuer.consent import forget_consent_of_row
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.register.offer_words import claim_of, number_of, present
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.records import RecordStore


class PersonalRows:
    """The rows of one issuer's batches, by whose they are.

    Args:
        profile: of the issuer.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._batches = RecordStore(profile, Batch)
        self._rows = RecordStore(profile, BatchRow)

    async def rows_of(self, offer: Offer) -> frozenset[tuple[str, int]]:
        """Return batch and number of the rows that a certificate's data stand in.

        These are the row that it was issued from, and each row that says just the same with a number. Without one, two
        people may have the same claim: only a row that names the offer counts. A row that was corrected, or was given
        to somebody else, is not the certificate's any more.
        """
        naming = [row async for row in self._naming(offer)]
        places = {
            (row.batch_id, row.number) for row in naming if row.offer_id == offer.id and row.state is RowState.ISSUED
        }
        wanted, kind = claim_of(offer), load_credential_type(offer.credential_type)
        if number := number_of(wanted):
            same = self.claims_with(number)
        else:
            same = self.claims_at([(row.batch_id, row.number) for row in naming])
        async for batch, claimed in same:
            if batch.credential_type == kind.id and present(kind, claimed.claim) == wanted:
                places.add((batch.id, claimed.number))
        return frozenset(places)

    async def _naming(self, offer: Offer) -> AsyncIterator[BatchRow]:
        """Yield the rows that name an offer: they are of its batch; of one of an older version that is not known."""
        is_older = offer.batch_id is None and offer.made_by is None
        if offer.batch_id is None and not is_older:
            return
        parts = [None] if offer.batch_id is None else [state_in(offer.batch_id, state) for state in RowState]
        for part in parts:
            async for row in self._rows.every(state=part):
                if offer.id in (row.offer_id, *row.ended, *row.to_end):
                    yield row

    async def claims_with(self, value: str) -> AsyncIterator[tuple[Batch, ClassRow]]:
        """Yield the rows of all batches that are whole in which an attribute has just this value."""
        async for batch in self._batches.every(state=SEEN):
            async for row in claims_with(self._profile, batch, value):
                yield batch, row

    async def claims_at(self, places: Iterable[tuple[str, int]]) -> AsyncIterator[tuple[Batch, ClassRow]]:
        """Yield the rows with these batches and numbers; what is gone, or not whole yet, is left out."""
        for batch_id, number in places:
            batch = await self._batches.get_or_none(batch_id)
            if batch is not None and batch.state is not BatchState.WRITING:
                with suppress(NotFoundError):
                    yield batch, ClassRow(number, await read_claim(self._profile, batch, number))

    async def forget(self, batch_id: str, number: int) -> None:
        """Empty the claim of a row whose certificate was erased, and remove how its person is reached.

        A batch or a row that is gone is left so.
        """
        batch = await self._batches.get_or_none(batch_id)
        if batch is None:
            return
        await forget_contact(self._profile, batch, number)
        with suppress(NotFoundError):
            async with self._profile.transaction() as session:
                await replace_claim_in(session.handle, batch, number, {})
                await session.commit()
        await forget_consent_of_row(self._profile, batch_id, number)  # last: of an empty claim none is written down
