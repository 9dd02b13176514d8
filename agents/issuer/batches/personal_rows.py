"""In which rows of batches a certificate's data stand, so that they can be shown and erased."""

from collections.abc import AsyncIterator
from contextlib import suppress

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import SEEN, Batch
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState
from wanderbuch.agents.issuer.batches.claims import read_claims, replace_claim_in
from wanderbuch.agents.issuer.batches.reached import forget_contact
from wanderbuch.agents.issuer.class_list.listed import NUMBER, ClassRow
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.register.offer_words import claim_of, present
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
        issued, named = set(), set()
        async for row in self._rows.every():
            if offer.id in (row.offer_id, *row.ended, *row.to_end):
                named.add((row.batch_id, row.number))
                if row.offer_id == offer.id and row.state is RowState.ISSUED:
                    issued.add((row.batch_id, row.number))
        wanted = claim_of(offer)
        same = set()
        async for batch, claimed in self.every_claim():
            place = (batch.id, claimed.number)
            may_be = (NUMBER in wanted or place in named) and batch.credential_type == offer.credential_type
            if may_be and present(load_credential_type(batch.credential_type), claimed.claim) == wanted:
                same.add(place)
        return frozenset(issued | same)

    async def every_claim(self) -> AsyncIterator[tuple[Batch, ClassRow]]:
        """Yield the rows of all batches that are whole."""
        async for batch in self._batches.every(state=SEEN):
            async for row in read_claims(self._profile, batch):
                yield batch, row

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
