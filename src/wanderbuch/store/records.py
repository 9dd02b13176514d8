"""Small typed records in the wallet store, beside ACA-Py's own.

    class Offer(Record):
        category: ClassVar[str] = "wanderbuch.offer"
        tag_names: ClassVar[tuple[str, ...]] = ("state", "thread_id")
        state: OfferState
        thread_id: str
        claim: dict[str, str]

    offers = RecordStore(agent.profile, Offer)
    await offers.insert(offer)
    await offers.find(state=OfferState.OPEN)
    await offers.change(offer.id, lambda held: held.model_copy(update={"state": OfferState.ISSUED}))

Values are encrypted at rest, tags too; still, a tag holds identifiers and states only, never anything personal.
`change` is the one way to move a state: it reads, applies a pure function and writes in one short transaction, so of
two that race one sees what the other wrote. The function must not wait for anything.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar, Final, Self

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Entry
from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.errors import WanderbuchError
from wanderbuch.store.entries import fetch_entries

_FEW: Final = 32  # more records are read in another thread: a list must not hold up everybody else


class NotFoundError(WanderbuchError):
    """There is no such record."""

    code = "not-found"


class DuplicateError(WanderbuchError):
    """A record with this id is already there."""

    code = "duplicate"


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
    """Fields one can search by (equality); identifiers and states only."""

    id: str = Field(default_factory=new_id)
    created_at: datetime = Field(default_factory=utc_now)

    def tags(self) -> dict[str, str]:
        """Return the searchable fields that have a value, as text."""
        values = ((name, getattr(self, name)) for name in self.tag_names)
        return {name: _tag(value) for name, value in values if value is not None}

    @classmethod
    def read(cls, entry: Entry) -> Self:
        """Return the record in a store entry."""
        return cls.model_validate_json(entry.value)


class RecordStore[R: Record]:
    """The records of one kind in one profile."""

    def __init__(self, profile: Profile, kind: type[R]) -> None:
        self._profile = profile
        self._kind = kind

    async def insert(self, record: R) -> R:
        """Keep a new record and return it.

        Raises:
            DuplicateError: its id is taken.
        """
        async with self._profile.session() as session:
            try:
                await session.handle.insert(self._kind.category, record.id, record.model_dump_json(), record.tags())
            except AskarError as err:
                if err.code == AskarErrorCode.DUPLICATE:
                    raise DuplicateError(f"a {self._kind.__name__} with the id {record.id} is already there") from err
                raise
        return record

    async def get(self, record_id: str) -> R:
        """Return the record with this id.

        Raises:
            NotFoundError: there is none.
        """
        found = await self.get_or_none(record_id)
        if found is None:
            raise self._missing(record_id)
        return found

    async def get_or_none(self, record_id: str) -> R | None:
        """Return the record with this id, or None."""
        async with self._profile.session() as session:
            entry = await session.handle.fetch(self._kind.category, record_id)
        return self._kind.read(entry) if entry else None

    async def find(self, *, limit: int | None = None, **tags: object) -> list[R]:
        """Return the records whose tags equal these, oldest first."""
        wanted = {name: _tag(value) for name, value in tags.items()}
        unknown = wanted.keys() - set(self._kind.tag_names)
        if unknown:
            raise ValueError(f"{self._kind.__name__} has no tag {', '.join(sorted(unknown))}")
        async with self._profile.session() as session:
            entries = await fetch_entries(session, self._kind.category, wanted, limit=limit, order_by="id")
        if len(entries) <= _FEW:
            return [self._kind.read(entry) for entry in entries]
        return await asyncio.to_thread(lambda: [self._kind.read(entry) for entry in entries])

    async def change(self, record_id: str, step: Callable[[R], R | None]) -> R:
        """Apply a pure step to a record in one transaction and return what is kept then.

        Args:
            record_id: which record.
            step: gets the record as it stands; returns the new one, or None to leave it; may raise to refuse.

        Raises:
            NotFoundError: there is no such record.
        """
        async with self._profile.transaction() as session:
            entry = await session.handle.fetch(self._kind.category, record_id, for_update=True)
            if entry is None:
                raise self._missing(record_id)
            held = self._kind.read(entry)
            changed = step(held)
            if changed is None:
                return held
            await session.handle.replace(self._kind.category, record_id, changed.model_dump_json(), changed.tags())
            await session.commit()
        return changed

    async def put(self, record: R) -> R:
        """Insert the record, or replace the one with its id, in one transaction."""
        async with self._profile.transaction() as session:
            held = await session.handle.fetch(self._kind.category, record.id, for_update=True)
            write = session.handle.replace if held else session.handle.insert
            await write(self._kind.category, record.id, record.model_dump_json(), record.tags())
            await session.commit()
        return record

    async def remove(self, record_id: str) -> bool:
        """Remove the record and return whether it was there."""
        async with self._profile.session() as session:
            try:
                await session.handle.remove(self._kind.category, record_id)
            except AskarError as err:
                if err.code == AskarErrorCode.NOT_FOUND:
                    return False
                raise
        return True

    def _missing(self, record_id: str) -> NotFoundError:
        return NotFoundError(f"there is no {self._kind.__name__} with the id {record_id[:64]!r}")


def _tag(value: object) -> str:
    """Return a field's value as tag text."""
    match value:
        case Enum():
            return str(value.value)
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
