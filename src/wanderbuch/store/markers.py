"""Immutable records, and markers for what happens to them later.

    exchanges = Markers(profile, Exchange, names=("taken", "issued", "kept"))
    await exchanges.insert(exchange)
    if not await exchanges.add(exchange.id, "taken", {"connection_id": …}):
        …                                  # another one has taken it, in this process or another
    exchange = await exchanges.merged(exchange.id)

A marker is an entry of its own, `<id>.<name>`, with values for fields of the record. The name is unique: a second one
is refused by Askar, across processes and without a transaction. Readers put the markers over the record, in the order
of `names`. A marker carries the row that the record needs once it is there, so that the plain tables can be made anew;
so of markers that can come at the same time, one alone decides what `index_state`, `due_at` and the tags say.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Entry
from pydantic import BaseModel, ConfigDict

from wanderbuch.store.errors import StoreError
from wanderbuch.store.rebuild import Reader
from wanderbuch.store.record import Record, index_of, reader_of
from wanderbuch.store.records import RecordStore
from wanderbuch.store.rows import Indexed
from wanderbuch.store.tables import Tables


class ImmutableRecordError(StoreError):
    """This kind of record is never replaced: what happens to it later is a marker."""

    code = "immutable"


class _Marker(BaseModel):
    """A marker, as it is kept.

    Args:
        record_id: whose marker it is.
        state, due, tags: what the plain tables hold of the record with it.
        value: fields of the record.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    record_id: str
    state: str
    due: datetime | None
    tags: dict[str, str]
    value: dict[str, Any]


class Markers[R: Record](RecordStore[R]):
    """The records of one kind in one profile, each with the markers it has by now."""

    def __init__(self, profile: Profile, kind: type[R], *, names: Sequence[str]) -> None:
        """Open them.

        Args:
            profile: whose.
            kind: of the records.
            names: of all markers there are, in the order in which they are put over the record.
        """
        super().__init__(profile, kind)
        self._names = tuple(names)
        self._marker_category = f"{kind.category}.marker"

    async def add(self, record_id: str, name: str, value: Mapping[str, Any]) -> bool:
        """Add a marker, and return whether it was not there yet.

        Args:
            record_id: of the record.
            name: one of the names.
            value: fields of the record, ready for JSON.

        Raises:
            NotFoundError: there is no such record.
        """
        if name not in self._names:
            raise ValueError(f"{self._kind.__name__} has no marker {name!r}")
        held = await self.merged(record_id)
        marked = index_of(_over(held, value))
        written = (
            await self._tables.rows.add(self._tenant, self._category, marked) if marked != index_of(held) else None
        )
        marker = _Marker(
            record_id=record_id, state=marked.state, due=marked.due, tags=dict(marked.words), value=dict(value)
        )
        async with self._profile.session() as session:
            try:
                await session.handle.insert(self._marker_category, _place(record_id, name), marker.model_dump_json())
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:
                    raise
                is_new = False
            else:
                is_new = True
        if written is not None and is_new:  # another marker may have come since we read the record
            await self._tables.rows.settle(written, index_of(await self.merged(record_id)))
        elif written is not None:
            await self._take_back(written)
        return is_new

    async def merged(self, record_id: str) -> R:
        """Return a record with its markers.

        Raises:
            NotFoundError: there is none.
        """
        return await self.get(record_id)

    async def get_or_none(self, record_id: str) -> R | None:
        """Return a record with its markers, or None."""
        return (await self._fetch((record_id,))).get(record_id)

    async def find(self, *, limit: int | None = None, **tags: object) -> list[R]:
        """Return the records whose tags equal these, with their markers; at least one tag."""
        if not tags:
            raise ValueError("use `every` for all of them")
        return await super().find(limit=limit, **tags)

    async def change(self, record_id: str, step: Callable[[R], R | None]) -> R:
        """Refuse.

        Raises:
            ImmutableRecordError: always.
        """
        raise ImmutableRecordError(f"a {self._kind.__name__} is never changed: add a marker")

    async def put(self, record: R) -> R:
        """Refuse.

        Raises:
            ImmutableRecordError: always.
        """
        raise ImmutableRecordError(f"a {self._kind.__name__} is never replaced: add a marker")

    async def remove(self, record_id: str) -> bool:
        """Remove a record and its markers, all or nothing, and return whether it was there."""
        written = await self._tables.rows.touch(self._tenant, self._category, record_id)
        async with self._profile.transaction() as session:
            was_there = await session.handle.fetch(self._category, record_id) is not None
            if was_there:
                await session.handle.remove(self._category, record_id)
            for name in self._names:
                place = _place(record_id, name)
                if await session.handle.fetch(self._marker_category, place) is not None:
                    await session.handle.remove(self._marker_category, place)
            await session.commit()
        await self._tables.rows.remove(written)
        return was_there

    async def _fetch(self, ids: Iterable[str]) -> dict[str, R]:
        records = await super()._fetch(ids)
        merged: dict[str, R] = {}
        async with self._profile.session() as session:
            for record_id, record in records.items():
                value: dict[str, Any] = {}
                for name in self._names:
                    entry = await session.handle.fetch(self._marker_category, _place(record_id, name))
                    value |= _read(entry).value if entry is not None else {}
                merged[record_id] = _over(record, value) if value else record
        return merged

    async def _complete(self) -> Tables:
        tables = self._tables
        base = reader_of(self._kind)
        marked = Reader(self._marker_category, base.version, _index_in, rows_of=self._category)
        await tables.rebuild.ensure(self._profile, self._tenant, base, marked)
        return tables


def _place(record_id: str, name: str) -> str:
    return f"{record_id}.{name}"


def _read(entry: Entry) -> _Marker:
    return _Marker.model_validate_json(entry.value)


def _index_in(entry: Entry) -> Indexed:
    marker = _read(entry)
    return Indexed(marker.record_id, marker.state, marker.due, marker.tags)


def _over[R: Record](record: R, value: Mapping[str, Any]) -> R:
    return type(record).model_validate(record.model_dump(mode="json") | dict(value))
