"""The consents that one centre has written down; each goes with the row or the certificate that it is about.

What is written while its certificate is erased, or its batch removed, is taken back: what it is about is looked at
again after the write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batches.claims import read_claim
from wanderbuch.agents.issuer.consent import (
    Because,
    Consent,
    Consenting,
    Relation,
    consent_of_offer,
    consent_of_row,
)
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.store.errors import NotFoundError, StoreError
from wanderbuch.store.records import RecordStore


@dataclass(frozen=True, slots=True)
class ConsentTold:
    """A consent as somebody at the centre writes it down.

    Args:
        because: why somebody else has a part in it.
        relation: what they are to the person.
        consenting: who agreed.
        given_on: on which day.
    """

    because: Because
    relation: Relation
    consenting: Consenting
    given_on: date


class Consents:
    """Writes down, shows and forgets consents.

    Args:
        profile: of the issuer.
        log: of who did what.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, log: ActLog, *, clock: Callable[[], datetime]) -> None:
        self._profile = profile
        self._log = log
        self._clock = clock
        self._records = RecordStore(profile, Consent)

    async def of_row(self, batch_id: str, number: int) -> Consent | None:
        """Return what is written down of a row, None if nothing is."""
        return await self._records.get_or_none(consent_of_row(batch_id, number))

    async def of_offer(self, offer_id: str) -> Consent | None:
        """Return what is written down of an offer, None if nothing is."""
        return await self._records.get_or_none(consent_of_offer(offer_id))

    async def tell_of_row(self, batch: Batch, number: int, told: ConsentTold, *, by: str) -> Consent:
        """Write down a consent for a row, in the place of an earlier one; the same again changes nothing.

        Raises:
            NotFoundError: there is no such row, or its data were erased.
            ExchangeError: the day is still to come.
        """
        if not await self._is_row(batch, number):
            raise _no_row(number)
        record = self._record(consent_of_row(batch.id, number), batch.id, told, by)
        kept = await self._keep(record, f"{batch.id} {number}", by)
        if not await self._is_row(batch, number):  # erased, or removed, meanwhile
            await self._records.remove(record.id)
            raise _no_row(number)
        return kept

    async def tell_of_offer(self, offer_id: str, told: ConsentTold, *, by: str) -> Consent:
        """Write down a consent for an offer, as `tell_of_row` does.

        Raises:
            NotFoundError: there is no such offer, or it was erased.
            ExchangeError: the day is still to come.
        """
        if not await self._is_offer(offer_id):
            raise _no_offer()
        record = self._record(consent_of_offer(offer_id), None, told, by)
        kept = await self._keep(record, offer_id, by)
        if not await self._is_offer(offer_id):
            await self._records.remove(record.id)
            raise _no_offer()
        return kept

    async def withdraw_of_row(self, batch_id: str, number: int, *, by: str) -> Consent:
        """Note that a consent was taken back; nothing is revoked or left out by it. NotFoundError: there is none."""
        return await self._withdraw(consent_of_row(batch_id, number), f"{batch_id} {number}", by)

    async def withdraw_of_offer(self, offer_id: str, *, by: str) -> Consent:
        """Note that a consent was taken back, as `withdraw_of_row` does."""
        return await self._withdraw(consent_of_offer(offer_id), offer_id, by)

    async def forget_offer(self, offer_id: str) -> None:
        """Remove what is written down of an offer; again changes nothing."""
        await self._records.remove(consent_of_offer(offer_id))

    def _record(self, record_id: str, batch_id: str | None, told: ConsentTold, by: str) -> Consent:
        if told.given_on > days_anywhere(self._clock()).last:
            raise ExchangeError("expected a day of consent that has come", hint="write the day on which it was given")
        return Consent(
            id=record_id,
            batch_id=batch_id,
            because=told.because,
            relation=told.relation,
            consenting=told.consenting,
            given_on=told.given_on,
            by=by,
            created_at=self._clock(),
        )

    async def _keep(self, record: Consent, what: str, by: str) -> Consent:
        kept = await self._records.get_or_none(record.id)
        if kept is not None and kept.withdrawn_at is None and _told(kept) == _told(record):
            return kept
        await self._log.note(Act.CONSENT_NOTED, by=by, what=what)
        return await self._records.put(record)

    async def _withdraw(self, record_id: str, what: str, by: str) -> Consent:
        kept = await self._records.get_or_none(record_id)
        if kept is None:
            raise NotFoundError("no consent is written down here")
        if kept.withdrawn_at is not None:
            return kept
        await self._log.note(Act.CONSENT_WITHDRAWN, by=by, what=what)
        at = self._clock()
        return await self._records.change(
            record_id, lambda one: None if one.withdrawn_at else one.model_copy(update={"withdrawn_at": at})
        )

    async def _is_row(self, batch: Batch, number: int) -> bool:
        """Look into the store itself: another process may have erased the row, or removed its batch."""
        async with self._profile.session() as session:
            if await session.handle.fetch(Batch.category, batch.id) is None:
                return False
        try:
            return bool(await read_claim(self._profile, batch, number))
        except (NotFoundError, StoreError):  # no such row; or its claims are being removed
            return False

    async def _is_offer(self, offer_id: str) -> bool:
        async with self._profile.session() as session:
            return await session.handle.fetch(Offer.category, offer_id) is not None


def _told(record: Consent) -> ConsentTold:
    return ConsentTold(record.because, record.relation, record.consenting, record.given_on)


def _no_row(number: int) -> NotFoundError:
    return NotFoundError(f"there is no row {number} with a claim in this batch")


def _no_offer() -> NotFoundError:
    return NotFoundError("there is no such offer")
