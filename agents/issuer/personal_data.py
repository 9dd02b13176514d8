"""A person's data at a centre: shown to them in one file, and erased, unless the law has the centre keep it.

Erasing leaves of a certificate the keyed hash of its number (of its offer's id if it has none), its place in a
revocation registry and its end date, so that it can still be revoked, and its number is given to nobody else. It is
done in these steps, each of which may be done again; whoever asks again after a crash goes on:

1. The number's entry gets place and end date, and loses the hash of the claim and who it belonged to, unless it is
   another certificate's by now.
2. The claims of its rows in batches are emptied; how its person is reached, and what they were sent, are removed. Which
   rows these are is read from the offer, as often as it is asked; one that says what a certificate says that has the
   number by now is that one's.
3. What was signed and is still kept to be sent, what its worker said is wrong, what took its place, who consented to
   it, and what the register finds it by, go.
4. The offer goes, with all that became of it.
"""

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.acts import Act, ActLog
from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batches.batch_desk import BatchDesk
from wanderbuch.agents.issuer.batches.personal_rows import PersonalRows
from wanderbuch.agents.issuer.batches.reached import read_contacts
from wanderbuch.agents.issuer.class_list.listed import ClassRow
from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.consent import Consent
from wanderbuch.agents.issuer.consenting.consents import Consents
from wanderbuch.agents.issuer.desk import OfferDesk
from wanderbuch.agents.issuer.holding.reports import Reports
from wanderbuch.agents.issuer.holding.superseding import Superseding
from wanderbuch.agents.issuer.intents import RevocationIntent
from wanderbuch.agents.issuer.mailing.mailing import MailedRow, forget_mailed_row, mailed
from wanderbuch.agents.issuer.offers import Offer, open_offers
from wanderbuch.agents.issuer.register.offer_words import MOST_WORDS, claim_of, name_words, word_fields
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.issuer.revocations import Revocations
from wanderbuch.agents.issuer.telling import erasure_events
from wanderbuch.errors import ExchangeError
from wanderbuch.schemas.claims import plain_values
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.event_kinds import Event
from wanderbuch.store.hashing import normalised
from wanderbuch.store.tables import tables_of
from wanderbuch.store.telling import telling

_PERSON: Final = ("family_name", "given_names", "birth_date")
_PART: Final = 200
_ERASURE: Final = "wanderbuch.issuer-erasure"


@dataclass(frozen=True, slots=True)
class CertificateErasure:
    """What became of a request to erase.

    Args:
        reason: why it was refused; "" if it was done.
        until: the first day on which it may be done.
    """

    id: str
    is_erased: bool
    reason: str = ""
    until: date | None = None


class PersonalData:
    """The personal data of one centre.

    Args:
        profile: whose.
        desk: its offers.
        batches: its batches, and the log of who did what.
        revocations: its revocations.
        superseding: what takes the place of its credentials.
        reports: what workers say is wrong.
        consents: who consented.
        config: how long the law has it keep certificates, and which law.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self,
        profile: Profile,
        desk: OfferDesk,
        batches: BatchDesk,
        revocations: Revocations,
        superseding: Superseding,
        reports: Reports,
        consents: Consents,
        config: IssuerConfig,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._profile = profile
        self._desk = desk
        self._batches = batches
        self.rows = PersonalRows(profile)
        self._revocations = revocations
        self._superseding = superseding
        self._reports = reports
        self._consents = consents
        self._config = config
        self._clock = clock
        tables_of(profile).untold.learn(_ERASURE, _look_for_erasure)

    async def erase(self, offer_id: str, *, by: str) -> CertificateErasure:
        """Erase a certificate's data, or say why the law has it kept.

        Raises:
            NotFoundError: there is no such certificate.
            ExchangeError: it is an offer that no credential came of yet, or another one is taking its place just now.
        """
        offer = await self._desk.get(offer_id)
        if not offer.state.has_credential:
            raise ExchangeError(f"expected a certificate that was issued, found an offer that is {offer.state.value}")
        if (until := self._kept_until(offer)) is not None:
            await self._batches.log.note(Act.ERASURE_REFUSED, by=by, what=offer.id)
            return CertificateErasure(offer.id, is_erased=False, reason=self._config.keeps_because, until=until)
        async with self._superseding.settled(offer), telling(self._profile, _ERASURE, offer.id) as tell:
            await self._erase(offer, by=by)
            tell(*erasure_events(offer.id))
        return CertificateErasure(offer.id, is_erased=True)

    async def _erase(self, offer: Offer, *, by: str) -> None:
        await self._batches.log.note(Act.ERASED, by=by, what=offer.id, key=f"{Act.ERASED}.{offer.id}")
        rows = await self.rows.rows_of(offer)
        for other in await self._desk.numbers.beside(offer):
            rows -= await self.rows.rows_of(other)
        await self._desk.numbers.erase(offer, ends_on=_end_of(offer), rows=rows)  # 1
        for batch_id, row in rows:
            await self._forget_row(batch_id, row)  # 2
        await self._desk.book.payloads.remove(offer.id)  # 3
        await self._desk.book.payloads.remove(f"{offer.id}.r")
        await self._reports.forget(offer.id)
        await self._superseding.forget(offer.id)
        await self._desk.numbers.index.remove(offer.id)
        await self._desk.book.offers.remove(offer.id)  # 4
        await self._reports.forget(offer.id)  # that came meanwhile; later ones find no offer
        await self._consents.forget_offer(offer.id)

    async def _forget_row(self, batch_id: str, number: int) -> None:
        if (batch := await self._batches.find(batch_id)) is not None:
            await forget_mailed_row(self._profile, batch, number)
        await self.rows.forget(batch_id, number)

    async def revoke_erased(
        self, number: str, reason: RevocationReason, *, by: str, wait_s: float
    ) -> list[RevocationIntent]:
        """Revoke a certificate that was erased, by its number, or its offer's id if it had none; nobody can be told.

        Raises:
            NotFoundError: no certificate with this number was erased, or its place is not known.
        """
        entry = await self._desk.numbers.find_erased(number)
        if entry is None:
            raise NotFoundError("there is no erased certificate with this number")
        if not entry.places:  # it could not be revoked, or a restored store lost it: nothing would be done
            raise NotFoundError("no place in a registry is known of the certificate with this number")
        await self._batches.log.note(Act.REVOKED, by=by, what=entry.id, key=f"{Act.REVOKED}.{entry.id}")
        return await self._revocations.request_places(entry.id, entry.places, reason, wait_s=wait_s)

    async def access(self, offer_id: str, *, by: str) -> dict[str, Any]:
        """Return all that is kept of the person whose certificate this is, for one file.

        Raises:
            NotFoundError: there is no such certificate.
        """
        offer = await self._desk.get(offer_id)
        person = _person(claim_of(offer))
        offers = {offer.id: offer}
        if person["birth_date"]:  # without it, namesakes are not told apart
            offers |= {one.id: one async for one in self._of_name(person["family_name"]) if _is(claim_of(one), person)}
        await self._batches.log.note(Act.ACCESS_ANSWERED, by=by, what=offer.id)
        lines = [line for line in await self._batches.log.entries() if line.what.split(" ")[0] in offers]
        return {
            "at": self._clock().isoformat(timespec="seconds"),
            "person": person,
            "certificates": [await self._shown(one) for one in offers.values()],
            "rows": await self._rows(person, await self.rows.rows_of(offer)),
            "log": [{"at": line.at.isoformat(), "act": line.act.value, "about": line.what} for line in lines],
            "kept": self._config.keeps_because or "until erasure is asked for",
        }

    async def _shown(self, offer: Offer) -> dict[str, Any]:
        intent = await self._revocations.get_or_none(offer.id)
        report, successor = await self._reports.find(offer.id), await self._superseding.find(offer.id)
        return {
            "id": offer.id,
            "state": offer.state.value,
            "credential_type": offer.credential_type,
            "values": plain_values(load_credential_type(offer.credential_type), offer.values),
            "offered_at": offer.created_at.isoformat(timespec="seconds"),
            "issued_at": None if offer.issued_at is None else offer.issued_at.isoformat(timespec="seconds"),
            "receipt": offer.receipt.value,
            "batch": offer.batch_id,
            "registry": offer.registry,
            "index": offer.index,
            "connection": None if offer.wallet is None else offer.wallet.connection_id,
            "supersedes": offer.supersedes,
            "superseded_by": None if successor is None else successor.next_id,
            "to_be_offered": None if successor is None else successor.claim,
            "consent": _consent(await self._consents.of_offer(offer.id)),
            "report": None
            if report is None
            else {
                "what": [one.value for one in report.what],
                "text": report.text,
                "said_at": report.said_at.isoformat(timespec="seconds"),
                "state": report.state.value,
            },
            "revocation": None
            if intent is None
            else {
                "requested_at": intent.created_at.isoformat(timespec="seconds"),
                "reason": None if intent.reason is None else intent.reason.value,
                "state": intent.state.value,
            },
        }

    async def _rows(self, person: Mapping[str, str], own: Collection[tuple[str, int]]) -> list[dict[str, Any]]:
        """Return rows of batches that are this person's, whether or not anybody has claimed them.

        Args:
            person: who.
            own: rows of the certificate that they show.
        """
        claims = {(batch.id, claimed.number): (batch, claimed) async for batch, claimed in self.rows.claims_at(own)}
        if born := person["birth_date"]:
            async for batch, claimed in self.rows.claims_with(born):
                if _is(claimed.claim, person):
                    claims[batch.id, claimed.number] = batch, claimed
        return [await self._shown_row(batch, claimed) for batch, claimed in claims.values()]

    async def _shown_row(self, batch: Batch, claimed: ClassRow) -> dict[str, Any]:
        contacts = await read_contacts(self._profile, batch, [claimed.number])
        sent = await mailed(self._profile, batch, claimed.number)
        return {
            "batch": batch.id,
            "row": claimed.number,
            "claim": dict(claimed.claim),
            "contact": dict(contacts.get(claimed.number, {})),
            "mail": None if sent == MailedRow() else asdict(sent),
            "consent": _consent(await self._consents.of_row(batch.id, claimed.number)),
        }

    async def _of_name(self, family_name: str) -> AsyncIterator[Offer]:
        words = word_fields(name_words(family_name)[:MOST_WORDS])
        cursor: str | None = None
        while words:
            offers, cursor = await self._desk.numbers.index.page(words, limit=_PART, cursor=cursor)
            for offer in offers:
                yield offer
            if cursor is None:
                return

    def _kept_until(self, offer: Offer) -> date | None:
        """Return the first day on which a certificate may be erased, None if it may be now."""
        issued = (offer.issued_at or offer.created_at).date()
        year = issued.year + self._config.keeps_years
        until = date(year, 3, 1) if (issued.month, issued.day) == (2, 29) else issued.replace(year=year)
        return until if self._config.keeps_years and self._clock().date() < until else None


async def _look_for_erasure(profile: Profile, offer_id: str) -> Sequence[Event]:
    """Return what is told of an offer that is gone because it was erased."""
    if await open_offers(profile).get_or_none(offer_id) is not None:
        return ()
    lines = [json.loads(line) for line in await ActLog(profile).lines()]
    is_erased = any((line["action"], line["what"]) == (Act.ERASED.value, offer_id) for line in lines)
    return erasure_events(offer_id) if is_erased else ()


def _consent(consent: Consent | None) -> dict[str, Any] | None:
    if consent is None:
        return None
    return consent.model_dump(mode="json", include={"because", "relation", "consenting", "given_on", "withdrawn_at"})


def _end_of(offer: Offer) -> date | None:
    text = claim_of(offer).get("expires_on", "").replace("-", "")
    return date(int(text[:4]), int(text[4:6]), int(text[6:])) if len(text) == len("20241231") else None


def _person(claim: Mapping[str, str]) -> dict[str, str]:
    return {name: claim.get(name, "") for name in _PERSON}


def _is(claim: Mapping[str, str], person: Mapping[str, str]) -> bool:
    """Return whether a claim is a person's: one whose day of birth is not known is nobody else's namesake."""
    is_same = all(normalised(claim.get(name, "")) == normalised(person[name]) for name in _PERSON)
    return is_same and person["birth_date"] != ""
