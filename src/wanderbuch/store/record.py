"""What a record is: small, typed, frozen, kept encrypted in the wallet store, beside ACA-Py's own.

    class Offer(Record):
        category: ClassVar[str] = "wanderbuch.offer"
        tag_names: ClassVar[tuple[str, ...]] = ("thread_id",)
        state: OfferState
        thread_id: str
        claim: dict[str, str]

        def index_state(self) -> str:
            return self.state.value

        def due_at(self) -> datetime | None:
            return self.answer_by if self.state is OfferState.OPEN else None

A record's id, `index_state`, `due_at` and a keyed hash of each tag stand in the plain tables, unencrypted: identifiers
that say nothing, states and instants only, never anything personal. A kind whose ids somebody chooses is not listed.
"""

import secrets
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar, Self

from aries_askar import Entry
from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.store.rebuild import Reader
from wanderbuch.store.rows import Indexed


def new_id() -> str:
    """Return a fresh random identifier (128 bits, hexadecimal)."""
    return secrets.token_hex(16)


def utc_now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return datetime.now(UTC)


class Record(BaseModel):
    """Base of the records: frozen, so a change is a `model_copy(update=…)` inside `RecordStore.change`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: ClassVar[str]
    """Name of the kind in the store; `wanderbuch.` and a word."""

    tag_names: ClassVar[tuple[str, ...]] = ()
    """Fields one can search by (equality); identifiers only."""

    index_version: ClassVar[int] = 1
    """Grows whenever `index_state` or `due_at` says something else than before: the rows are made anew then."""

    is_listed: ClassVar[bool] = True
    """False where somebody chooses the ids, which may be names then: no plain table has anything of these records.
    There are few of them: `find` reads them all, and there is neither `page` nor `due`."""

    id: str = Field(default_factory=new_id)
    created_at: datetime = Field(default_factory=utc_now)

    def index_state(self) -> str:
        """Return what listings filter by."""
        return ""

    def due_at(self) -> datetime | None:
        """Return the earliest instant at which somebody has to look at it, None if nobody has to."""
        return None

    def due_again(self, now: datetime) -> datetime | None:
        """Return when somebody has to look at it again after it was looked at just now, although it is unchanged.

        So what is tried again and again, ever less often, is not written each time: its row alone moves.
        """
        return self.due_at()

    def tags(self) -> dict[str, str]:
        """Return the searchable fields that have a value, as text."""
        values = ((name, getattr(self, name)) for name in self.tag_names)
        return {name: as_tag(value) for name, value in values if value is not None}

    @classmethod
    def read(cls, entry: Entry) -> Self:
        """Return the record in a store entry."""
        return cls.model_validate_json(entry.value)


def index_of(record: Record) -> Indexed:
    """Return what the plain tables hold of a record."""
    return Indexed(record.id, record.index_state(), record.due_at(), record.tags())


def reader_of(kind: type[Record]) -> Reader:
    """Return how the rows of a kind are made anew."""
    version = f"{kind.index_version}:{','.join(kind.tag_names)}"
    return Reader(kind.category, version, lambda entry: index_of(kind.read(entry)))


def as_tag(value: object) -> str:
    """Return a field's value as tag text."""
    match value:
        case Enum():
            return str(value.value)
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
