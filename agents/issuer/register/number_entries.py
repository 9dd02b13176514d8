"""What stands for the number of a certificate, also of one that was erased, and what is written with a new offer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Protocol

from pydantic import Field

from wanderbuch.store.record import Record, utc_now
from wanderbuch.store.writing import Writing


@dataclass(frozen=True, slots=True)
class SlipRow:
    """A row of a batch."""

    batch_id: str
    number: int


@dataclass(frozen=True, slots=True)
class WithOffer:
    """What is written with a new offer: all of it is kept, or nothing.

    Args:
        write: writes it, in the transaction that is open; what it raises is raised, and the offer is not kept.
        new: the records that it inserts.
        changed: those that it replaces: each as it was read, and as it becomes.
    """

    write: Callable[[Writing], Awaitable[None]]
    new: tuple[Record, ...] = ()
    changed: tuple[tuple[Record, Record], ...] = ()


class SlipRows(Protocol):
    """What the batches say of their rows."""

    async def is_live(self, row: SlipRow) -> bool:
        """Return whether somebody may still claim a row."""

    async def batch_of_offers(self) -> Mapping[str, str]:
        """Return of which batch each offer is that came of a slip, as far as that is still known."""


class CertificateNumber(Record):
    """Which certificate has a number. Its id is the keyed hash of the number; nothing personal is in it.

    Args:
        claim: keyed hash of what the certificate says; "" once it was erased.
        offer_id: of the newest offer with it.
        batch_id, row: whose number it is, if it came with a batch.
        places: of credentials that were erased, each <registry>::<index>.
        ends_on: until when the last of them is valid, if that is said.
        is_erased: nobody may have the number any more: its certificate was erased, or a restored store lost it. Places
            may stand without it, beside the next one's certificate.
    """

    category: ClassVar[str] = "wanderbuch.certificate-number"
    is_listed: ClassVar[bool] = False

    claim: str = Field(repr=False)
    offer_id: str | None = None
    batch_id: str | None = None
    row: int | None = None
    places: tuple[str, ...] = ()
    ends_on: date | None = None
    is_erased: bool = False

    def is_of(self, row: SlipRow | None) -> bool:
        """Return whether it is the number of a row."""
        return row is not None and (self.batch_id, self.row) == (row.batch_id, row.number)


def merged_over(kept: CertificateNumber | None, mine: CertificateNumber) -> CertificateNumber:
    """Return an entry that goes over another one: a row that is live keeps its number, what was erased its place."""
    if kept is None:
        return mine
    mine = mine.model_copy(update={"places": kept.places, "ends_on": kept.ends_on})
    if kept.claim != mine.claim or mine.batch_id is not None:
        return mine
    return mine.model_copy(update={"batch_id": kept.batch_id, "row": kept.row})


def stub(entry_id: str, places: tuple[str, ...], ends_on: date | None) -> CertificateNumber:
    """Return what is left of certificates that were erased, or lost by a restore."""
    return CertificateNumber(
        id=entry_id, created_at=utc_now(), claim="", places=places, ends_on=ends_on, is_erased=True
    )


def row_of(entry: CertificateNumber) -> SlipRow | None:
    """Return the row whose number it is, None if it is no row's."""
    return None if entry.batch_id is None or entry.row is None else SlipRow(entry.batch_id, entry.row)
