"""That somebody under age, or with somebody's help, agreed to a certificate: who helps them, and who consented.

The centre writes down what it has seen, for a row of a batch or for one offer. No more is promised: it is checked by
nobody, opens and stops nothing, and stands in no credential, tag, event or log. Whoever acts for the person is a
relation here, never a name; a signed form stays on the centre's own paper.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from acapy_agent.core.profile import Profile

from wanderbuch.store.once import own_id
from wanderbuch.store.records import Record, RecordStore


class Because(StrEnum):
    """Why somebody else has a part in it."""

    UNDER_AGE = "under-age"
    ASSISTED = "assisted"


class Relation(StrEnum):
    """What the one who acts for a person, or helps them, is to them."""

    PARENT = "parent"
    GUARDIAN = "guardian"
    RELATIVE = "relative"
    APPOINTED = "appointed"
    """By a court or an office."""
    HELPER = "helper"
    """A social worker, an interpreter, a friend."""


class Consenting(StrEnum):
    """Who agreed."""

    PERSON = "person"
    REPRESENTATIVE = "representative"
    BOTH = "both"


class Consent(Record):
    """What a centre has written down of a consent. No plain table shows of whom there is one.

    Args:
        batch_id: the row's batch; None: it is about an offer.
        because, relation, consenting: as the centre saw it.
        given_on: the day of the consent.
        by: id of who wrote it down.
        withdrawn_at: when it was taken back.
    """

    category: ClassVar[str] = "wanderbuch.consent"
    tag_names: ClassVar[tuple[str, ...]] = ("batch_id",)
    is_listed: ClassVar[bool] = False

    batch_id: str | None = None
    because: Because
    relation: Relation
    consenting: Consenting
    given_on: date
    by: str
    withdrawn_at: datetime | None = None


def consent_of_row(batch_id: str, number: int) -> str:
    """Return the id of the record about a row."""
    return own_id("consent-row", batch_id, str(number))


def consent_of_offer(offer_id: str) -> str:
    """Return the id of the record about an offer."""
    return own_id("consent-offer", offer_id)


async def forget_consent_of_row(profile: Profile, batch_id: str, number: int) -> None:
    """Remove what is written down of a row; again changes nothing."""
    await RecordStore(profile, Consent).remove(consent_of_row(batch_id, number))


async def remove_consents(profile: Profile, batch_id: str) -> None:
    """Remove what is written down of the rows of a batch."""
    records = RecordStore(profile, Consent)
    for consent in await records.find(batch_id=batch_id):
        await records.remove(consent.id)
