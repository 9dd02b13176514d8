"""One certificate a number: across class lists, offers at the counter and what programs issue.

A number names one certificate: the same claim may be offered again under it (the slip was lost, the offer ran out), and
no other may, as long as the first one stands. What stands for a number is an entry of the wallet's store under its
keyed hash, so the store itself refuses a second one, from whichever process, on both engines:

1. An offer with a number that has no entry: the entry is written first, then the offer. A crash between leaves an entry
   whose offer is not there; it is free after ten minutes. Who slept between the two looks once more.
2. A row of a batch has had its entry since the batch was made; its offers find it there, and are written with it in
   one transaction, if it still is the row's. What is kept of the row is written in that transaction, too.
3. Any other number with an entry: whether it is free is looked up, then entry and offer are written in one transaction,
   unless the entry has changed meanwhile; then it is looked up again.

Only what was judged, or is a row's, is written to what the register finds offers by, just before the offer.

A number is free again when all that was offered with it is over without a credential, or revoked, and its row is left
out or its batch cancelled. Of a certificate that was erased it is never free, nor of one that a restored store lost.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.intents import open_intents
from wanderbuch.agents.issuer.offers import Offer, OfferState, ended
from wanderbuch.agents.issuer.register.index import RegisterIndex
from wanderbuch.agents.issuer.register.inserting import NumberedOffers, put_entry
from wanderbuch.agents.issuer.register.number_entries import (
    CertificateNumber,
    SlipRow,
    SlipRows,
    WithOffer,
    row_of,
    stub,
)
from wanderbuch.agents.issuer.register.number_hashes import NumberHashes
from wanderbuch.agents.issuer.register.offer_words import claim_of, number_of
from wanderbuch.errors import ExchangeError
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.markers import Markers
from wanderbuch.store.record import utc_now
from wanderbuch.store.records import RecordStore
from wanderbuch.store.writing import writing

_IN_THE_MIDDLE: Final = timedelta(minutes=10)
_TRIES: Final = 5
_SHOWN: Final = 20
_PAGE: Final = 100


class NumberTakenError(ExchangeError):
    """Another certificate has this number.

    Args:
        offer_id: of that one; None: it is a row of a batch that nobody has claimed, or was erased.
        batch_id: of its batch, if it is of one.
        rows: of a list whose numbers are taken.
    """

    code = "exchange.number_taken"

    def __init__(self, offer_id: str | None = None, batch_id: str | None = None, rows: Sequence[int] = ()) -> None:
        shown = ", ".join(str(row) for row in rows[:_SHOWN])
        where = f": of {len(rows)} row(s) of this list: {shown}" if rows else ""
        super().__init__(
            f"another certificate has this number{where}",
            hint="give it a number of its own; if it is to replace that one, end or revoke that one first",
        )
        self.offer_id, self.batch_id, self.rows = offer_id, batch_id, rows
        self.members = {"offer": offer_id, "batch": batch_id, "rows": list(rows)}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a row of a batch wants."""

    row: int
    text: str
    mine: CertificateNumber


class CertificateNumbers:
    """The numbers of one issuer's certificates.

    Args:
        profile: whose.
        offers: its offers.
    """

    def __init__(self, profile: Profile, offers: Markers[Offer]) -> None:
        self._profile = profile
        self._offers = offers
        self._entries = RecordStore(profile, CertificateNumber)
        self.index = RegisterIndex(profile, offers, self._adopt, self._batch_of_offers)
        self._writes = NumberedOffers(profile, offers, self.index)
        self.hashes = NumberHashes(profile)
        self.rows: SlipRows | None = None
        """The batches' own word; without them every row is live."""

    async def insert(
        self,
        offer: Offer,
        *,
        row: SlipRow | None = None,
        instead_of: str | None = None,
        beside: WithOffer | None = None,
    ) -> Offer:
        """Keep a new offer and return it; its number is its own from then on.

        Args:
            offer: is new.
            row: of whose slip it is.
            beside: is written with it.
            instead_of: id of an offer whose number it may have, whatever it claims: it takes that one's place.

        Raises:
            NumberTakenError: another certificate has the number.
            DuplicateError: the offer's id is taken.
        """
        await self.index.complete()
        if not (number := number_of(claim_of(offer))):
            return await self._writes.insert(offer, beside)
        mine = await self.hashes.entry_for(offer, row)
        is_found = row is not None  # else only once it was judged: an offer that was refused is not to hide others
        if row is not None and await self._writes.insert_of_row(mine.id, row, offer, beside):  # 2
            return offer
        kept = await self._kept(mine.id)
        if kept is None:
            kept = await self._insert(mine)  # 1
            if kept is None:
                made = await self._writes.insert(offer, beside)
                await self._check_awake(mine, made)
                return made
        elif kept.is_of(row):
            mine = kept.model_copy(update={"offer_id": offer.id})
        for _ in range(_TRIES):  # 2, 3
            if kept is not None and not await self._may_have(kept, mine, number, instead_of):
                break
            also = () if is_found else self.index.adding(offer)
            is_found = True
            if await self._writes.replace(kept, mine, offer, also=also, beside=beside):
                return offer
            kept = await self._kept(mine.id)
        if is_found and await self._offers.get_or_none(offer.id) is None:
            await self.index.remove(offer.id)
        raise NumberTakenError if kept is None else NumberTakenError(kept.offer_id, kept.batch_id)

    async def _check_awake(self, mine: CertificateNumber, offer: Offer) -> None:
        """Take an offer back that came so long after its entry that others may have got the number meanwhile (1).

        Else the entry is written anew, so that who has judged the old one looks again, and finds the offer.

        Raises:
            NumberTakenError: they have.
        """
        at = utc_now()
        if at <= mine.created_at + _IN_THE_MIDDLE / 2:
            return
        if not await self._writes.replace(mine, mine.model_copy(update={"created_at": at}), None):
            await self._offers.add(offer.id, "outcome", ended(OfferState.WITHDRAWN, at=at))
            raise NumberTakenError

    async def check(self, claim: Mapping[str, str], *, instead_of: str) -> None:
        """Refuse a claim whose number another certificate has than the one whose place it is to take.

        Args:
            claim: as applications write it.
            instead_of: id of the offer of that one.

        Raises:
            NumberTakenError: it has.
        """
        if not (number := number_of(claim)):
            return
        await self.index.complete()
        mine = await self.hashes.entry(claim, None)
        kept = await self._kept(mine.id)
        if kept is not None and not await self._may_have(kept, mine, number, instead_of):
            raise NumberTakenError(kept.offer_id, kept.batch_id)

    async def taken(
        self, batch_id: str, rows: Sequence[tuple[int, Mapping[str, str]]]
    ) -> Mapping[int, CertificateNumber]:
        """Return whose numbers rows of a list have, row -> entry; rows whose numbers are free are left out.

        Args:
            batch_id: of the batch that the list is to become; "": it is only looked at.
            rows: number and claim.
        """
        taken: dict[int, CertificateNumber] = {}
        await self.index.complete()
        for part in await self._parts(batch_id, rows):
            async with self._profile.session() as session:
                fetched = [(entry, await session.handle.fetch(entry.mine.category, entry.mine.id)) for entry in part]
            for wanted, entry in fetched:
                if entry is None:
                    continue
                kept = CertificateNumber.read(entry)
                if not await self._may_have(kept, wanted.mine, wanted.text):
                    taken[wanted.row] = kept
        return taken

    async def reserve(self, batch_id: str, rows: Sequence[tuple[int, Mapping[str, str]]]) -> None:
        """Have the numbers of rows be theirs; again changes nothing.

        Raises:
            NumberTakenError: another certificate has got one of them since they were checked.
        """
        for part in await self._parts(batch_id, rows):
            if await self._insert_all(part):
                continue
            others: list[tuple[_Wanted, CertificateNumber]] = []
            async with writing(self._profile) as records:
                for wanted in part:
                    kept = await records.get_or_none(CertificateNumber, wanted.mine.id)
                    if kept is None:
                        await records.insert(wanted.mine)
                    elif kept.claim != wanted.mine.claim and not kept.is_of(SlipRow(batch_id, wanted.row)):
                        others.append((wanted, kept))
            for wanted, kept in others:
                is_free = await self._may_have(kept, wanted.mine, wanted.text)
                if not is_free or not await self._writes.replace(kept, wanted.mine, None):
                    raise NumberTakenError(kept.offer_id, kept.batch_id, (wanted.row,))

    async def _insert_all(self, part: "Sequence[_Wanted]") -> bool:
        """Write the entries of rows; False: there is one already, and nothing was written."""
        try:
            async with writing(self._profile) as records:
                for wanted in part:
                    await records.insert(wanted.mine)
        except DuplicateError:
            return False
        return True

    async def move(self, row: SlipRow, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Have a row's entry follow its corrected claim; before the claim is written.

        Raises:
            NumberTakenError: another certificate has the number.
        """
        if not number_of(after):
            return
        mine = await self.hashes.entry(after, row)
        kept = await self._kept(mine.id)
        if kept is None:
            kept = await self._insert(mine)
        while kept is not None and (kept.claim, kept.is_of(row)) != (mine.claim, True):
            if not kept.is_of(row) and not await self._may_have(kept, mine, number_of(after)):
                raise NumberTakenError(kept.offer_id, kept.batch_id)
            if await self._writes.replace(kept, mine, None):
                break
            kept = await self._kept(mine.id)
        if number_of(before) and await self.hashes.id_of(number_of(before)) != mine.id:
            await self.release(row.batch_id, [(row.number, before)])

    async def release(self, batch_id: str, rows: Sequence[tuple[int, Mapping[str, str]]]) -> None:
        """Let go of the numbers of rows; what was offered with them keeps its own."""
        for part in await self._parts(batch_id, rows):
            for wanted in part:
                kept = await self._kept(wanted.mine.id)
                if kept is None or not kept.is_of(SlipRow(batch_id, wanted.row)):
                    continue
                newest = await anext(self.index.each_with_number(wanted.text), None)
                async with writing(self._profile) as records:
                    if await records.get_or_none(CertificateNumber, kept.id) != kept:
                        continue
                    if newest is not None:
                        await records.replace(
                            kept.model_copy(update={"batch_id": None, "row": None, "offer_id": newest.id})
                        )
                    elif kept.places:  # an erased certificate had this number before
                        await records.replace(stub(kept.id, kept.places, kept.ends_on))
                    else:
                        await records.remove(CertificateNumber, kept.id)

    async def erase(
        self, offer: Offer, *, ends_on: date | None, rows: Collection[tuple[str, int]] = frozenset()
    ) -> None:
        """Leave of a certificate the hash of its number, its place and its end; again changes nothing.

        Without a number it is the hash of its offer's id. Who else has the number by now keeps it.

        Args:
            offer: of the certificate.
            ends_on: until when it is valid, if that is said.
            rows: batch and number of each row that is this certificate's.
        """
        mine = await self.hashes.entry_for(offer)
        if not number_of(claim_of(offer)):
            mine = mine.model_copy(update={"id": await self.hashes.id_without_number(offer.id)})
        own = () if offer.registry is None else (f"{offer.registry}::{offer.index}",)
        while True:
            kept = await self._kept(mine.id)
            is_others = kept is not None and await self._is_others(kept, mine, offer, rows)
            places = tuple(dict.fromkeys((*(() if kept is None else kept.places), *own)))
            async with writing(self._profile) as records:
                if await records.get_or_none(CertificateNumber, mine.id) != kept:
                    continue  # somebody was given the number meanwhile
                if kept is not None and is_others:
                    await records.replace(kept.model_copy(update={"places": places, "ends_on": ends_on}))
                else:
                    await put_entry(records, kept, stub(mine.id, places, ends_on))
                return

    async def close(self, claim: Mapping[str, str]) -> None:
        """Give the number of a claim, which a certificate has that this store lost, to nobody; again changes nothing.

        Whoever has got it meanwhile keeps what was offered, and is offered nothing more with it.
        """
        if number := number_of(claim):
            await self.close_entry(await self.hashes.id_of(number))

    async def close_entry(self, entry_id: str) -> None:
        """Do what `close` does by what stands for the number (`NumberHashes.id_of`)."""
        async with writing(self._profile) as records:
            kept = await records.get_or_none(CertificateNumber, entry_id)
            if kept is None or not kept.is_erased:
                places, ends_on = ((), None) if kept is None else (kept.places, kept.ends_on)
                await put_entry(records, kept, stub(entry_id, places, ends_on))

    async def is_closed(self, entry_id: str) -> bool:
        """Return whether nobody gets a number any more, by what stands for it."""
        kept = await self._kept(entry_id)
        return kept is not None and kept.is_erased

    async def beside(self, offer: Offer) -> Sequence[Offer]:
        """Return the other offers that have the number of a certificate: what is open or valid.

        Once it is not valid itself, also each credential that came after it, which may be followed by another one.
        """
        if not (number := number_of(claim_of(offer))):
            return ()
        is_over = await self._is_over(offer)
        return [
            other
            async for other in self.index.each_with_number(number)
            if other.id != offer.id
            and (
                not await self._is_over(other)
                or (is_over and other.state.has_credential and other.created_at > offer.created_at)
            )
        ]

    async def _is_others(
        self, kept: CertificateNumber, mine: CertificateNumber, offer: Offer, rows: Collection[tuple[str, int]]
    ) -> bool:
        """Return whether the number of a certificate is another one's by now."""
        if kept.is_erased:
            return False
        if await self.beside(offer):
            return True
        is_valid = not await self._is_over(offer)  # then no other may have got it
        is_its = kept.claim == mine.claim or kept.offer_id == offer.id or (kept.batch_id or "", kept.row or 0) in rows
        return not is_its and not is_valid

    async def find(self, number: str) -> CertificateNumber | None:
        """Return what stands for a number, None if nothing does."""
        return await self._kept(await self.hashes.id_of(number))

    async def find_erased(self, number: str) -> CertificateNumber | None:
        """Return what stands for the number of certificates that were erased, or for an offer's id if one had none."""
        for entry_id in (await self.hashes.id_of(number), await self.hashes.id_without_number(number.strip())):
            kept = await self._kept(entry_id)
            if kept is not None and (kept.is_erased or kept.places):
                return kept
        return None

    async def _adopt(self, offer: Offer) -> None:
        """Have an offer that is older than the register keep its number; of two that have one, the older one."""
        if number_of(claim_of(offer)) and not await self._is_over(offer):
            with suppress(DuplicateError):
                await self._entries.insert(await self.hashes.entry_for(offer))

    async def _parts(self, batch_id: str, rows: Sequence[tuple[int, Mapping[str, str]]]) -> "list[list[_Wanted]]":
        """Return the entries that rows with numbers want, so many at a time."""
        wanted = [
            _Wanted(row, number_of(claim), await self.hashes.entry(claim, SlipRow(batch_id, row)))
            for row, claim in rows
            if number_of(claim)
        ]
        return [wanted[start : start + _PAGE] for start in range(0, len(wanted), _PAGE)]

    async def _kept(self, entry_id: str) -> CertificateNumber | None:
        async with self._profile.session() as session:
            entry = await session.handle.fetch(CertificateNumber.category, entry_id)
        return None if entry is None else CertificateNumber.read(entry)

    async def _insert(self, mine: CertificateNumber) -> CertificateNumber | None:
        """Write an entry, and return None; the one that is there, if another one was faster."""
        try:
            await self._entries.insert(mine)
        except DuplicateError:
            return await self._kept(mine.id)
        return None

    async def _may_have(
        self, kept: CertificateNumber, mine: CertificateNumber, number: str, instead_of: str | None = None
    ) -> bool:
        """Return whether a certificate may have a number that has an entry."""
        if kept.is_erased:
            return False
        if kept.claim == mine.claim or kept.is_of(row_of(mine)):
            return True
        is_its = instead_of is not None and kept.offer_id == instead_of  # then its row's slip was claimed
        row = None if is_its else row_of(kept)
        if row is not None and (self.rows is None or await self.rows.is_live(row)):
            return False
        if kept.offer_id is not None and not is_its:
            newest = await self._offers.get_or_none(kept.offer_id)
            if newest is None and kept.created_at + _IN_THE_MIDDLE > utc_now():
                return False
            if newest is not None and not await self._is_over(newest):
                return False
        async for offer in self.index.each_with_number(number):
            if offer.id != instead_of and not await self._is_over(offer):
                return False
        return True

    async def _batch_of_offers(self) -> Mapping[str, str]:
        return {} if self.rows is None else await self.rows.batch_of_offers()

    async def _is_over(self, offer: Offer) -> bool:
        if offer.state is OfferState.OPEN:
            return datetime.now(UTC) > offer.answer_by
        if offer.state is OfferState.ISSUED:
            return await open_intents(self._profile).get_or_none(offer.id) is not None
        return True
