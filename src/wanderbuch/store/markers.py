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

**What a look costs.** Reading is by name: the record, and each marker that may be there. Which those are is said in
`follows`: a marker that only comes after others, or after one with a certain value, is not looked for before. What was
read once never changes, so the parts of the records used last are kept at hand (`at_hand`), and of these only what was
not there is looked for again; nothing, where no other process has the store. Who has read a record lately hands it to
`add` (`record`), which then reads nothing before it writes, and afterwards only the markers that may have come since.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Entry
from pydantic import BaseModel, ConfigDict, TypeAdapter

from wanderbuch.store.at_hand import AtHand, Parts, at_hand_of
from wanderbuch.store.engine import Statement
from wanderbuch.store.errors import StoreError
from wanderbuch.store.rebuild import Reader
from wanderbuch.store.record import Record, index_of, reader_of
from wanderbuch.store.records import FEW, RecordStore
from wanderbuch.store.rows import Indexed, Written
from wanderbuch.store.tables import Tables

type Beside = Callable[[Any], Awaitable[None]]
"""Writes further entries with the handle of an open session."""

type Follows = Mapping[str, Callable[[Mapping[str, Any]], bool]]
"""By the name of a marker: whether it may be there, given the values of the markers before it in `names`."""


MARKERS: Final = ".marker"
"""What the category of markers has after that of their records."""


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


@dataclass(frozen=True, slots=True)
class Also:
    """Statements of the plain tables that go with a marker, so that they need no transactions of their own.

    Args:
        before: is run with the row that the record needs, before the marker is there; None: nothing is, and a marker
            that does no more than put its record off (`puts_off`) is written without a word before.
        after: are run with what settles that row, once the marker is there; not if there was one already.
    """

    before: Statement | None
    after: tuple[Statement, ...]


type _Read[R: Record] = tuple[Parts[R] | Entry, dict[str, dict[str, Any]], dict[str, Any]]
"""A record at hand or its entry, its markers, and the values that these put over it."""


class Markers[R: Record](RecordStore[R]):
    """The records of one kind in one profile, each with the markers it has by now."""

    def __init__(
        self,
        profile: Profile,
        kind: type[R],
        *,
        names: Sequence[str],
        follows: Follows | None = None,
        in_turn: bool = False,
        at_hand: int = 0,
    ) -> None:
        """Open them.

        Args:
            profile: whose.
            kind: of the records.
            names: of all markers there are, in the order in which they are put over the record.
            follows: which markers may be there only after others; one that is not named may be there at any time.
            in_turn: none of them is ever added before the one before it is there.
            at_hand: of so many records what was read is kept; only where no other process removes any. All who have
                records of this kind at hand share them.
        """
        super().__init__(profile, kind)
        self._names = tuple(names)
        self._follows = dict(follows or {})
        self._in_turn = in_turn
        self._marker_category = kind.category + MARKERS
        self._at_hand: AtHand[R] = at_hand_of(profile, kind.category)
        self._most_at_hand = at_hand

    @property
    def kind(self) -> type[R]:
        """Return the kind of the records."""
        return self._kind

    async def insert(self, record: R, *, also: Sequence[Statement] = ()) -> R:
        """Keep a new record and return it, `also` as there; DuplicateError: its id is taken."""
        since = self._at_hand.changes  # somebody may know it, and write a marker, before we go on
        inserted = await super().insert(record, also=also)
        self._keep(Parts(record, {}), since)
        return inserted

    @property
    def changes(self) -> int:
        """Return what `was_inserted` is to be told of the time before a record was written."""
        return self._at_hand.changes

    def was_inserted(self, record: R, *, since: int) -> None:
        """Have a new record at hand that was written with others (`writing`), once that has ended well.

        Args:
            record: as it was written.
            since: `changes` before that.
        """
        self._keep(Parts(record, {}), since)

    async def add(
        self,
        record_id: str,
        name: str,
        value: Mapping[str, Any],
        *,
        record: R | None = None,
        made: R | None = None,
        first: Beside | None = None,
        then: Beside | None = None,
        beside: Beside | None = None,
        also: Also | None = None,
    ) -> bool:
        """Add a marker, and return whether it was not there yet.

        Args:
            record_id: of the record.
            name: one of the names.
            value: fields of the record, ready for JSON.
            record: the record as it was read lately, if it was: then it is not read again.
            made: `over(record, value)`, if that was worked out.
            first: writes what has to be there before the marker, in the same session; what it raises is raised.
            then: writes, or removes, what depends on the marker, in the same session; not if there was one already.
            beside: writes further entries in one transaction with the marker: all or nothing. Dearer than the other
                two: on PostgreSQL a transaction locks the whole profile.
            also: goes into the plain tables with it.

        Raises:
            NotFoundError: there is no such record.
        """
        if name not in self._names:
            raise ValueError(f"{self._kind.__name__} has no marker {name!r}")
        record = record or await self.merged(record_id)
        made = made or over(record, value)
        marked = index_of(made)
        before, written = index_of(record), None
        is_put_off = also is not None and also.before is None and puts_off(before, marked)
        if not is_put_off:
            noted = () if also is None or also.before is None else (also.before,)
            written = await self._announce(before, marked, noted)
        marker = _Marker(
            record_id=record_id, state=marked.state, due=marked.due, tags=dict(marked.words), value=dict(value)
        )
        try:
            is_new = await self._insert(_place(record_id, name), marker, first, then, beside)
        except BaseException as err:  # whether it is there, or still comes, nobody knows
            self._at_hand.forget(record_id, is_in_doubt=True)
            if written is not None and isinstance(err, Exception):
                with suppress(Exception):  # else the sweep does it
                    await self._take_back(written)
            raise
        if not is_new:
            self._at_hand.forget(record_id)
            if written is not None:
                await self._take_back(written)
            return False
        self._at_hand.note(record_id, name, marker.value, made if self._is_last(record, name) else None)
        after = () if also is None else also.after
        if is_put_off:
            after = (*after, self._tables.rows.putting_off(self._tenant, self._category, before, marked))
        if written is not None:  # another marker may have come since we read the record
            await self._tables.rows.settle(written, index_of(await self.merged(record_id)), also=after)
        elif after:
            await self._tables.engine.together(*after)
        return True

    async def postpone(self, record: R, due: datetime | None) -> None:
        """Have a record looked at at another time than it says itself; only its row is written.

        Where rows are made anew, the record's own time counts again.
        """
        await self._tables.rows.postpone(self._tenant, self._category, record.id, record.index_state(), due)

    async def merged(self, record_id: str) -> R:
        """Return a record with its markers.

        Raises:
            NotFoundError: there is none.
        """
        return await self.get(record_id)

    async def get_or_none(self, record_id: str) -> R | None:
        """Return a record with its markers, or None."""
        return (await self._fetch((record_id,))).get(record_id)

    async def knows(self, record_id: str) -> bool:
        """Return whether there is such a record, with or without markers; what is at hand is not looked up."""
        if record_id in self._at_hand:
            return True
        async with self._profile.session() as session:
            return await session.handle.fetch(self._category, record_id) is not None

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
        self._at_hand.forget(record_id)
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
        self._at_hand.forget(record_id)  # somebody may have read it meanwhile
        await self._tables.rows.remove(written)
        return was_there

    def _is_last(self, record: R, name: str) -> bool:
        """Return whether a marker that was put over `record` is put over the record after all that are at hand."""
        parts = self._at_hand.get(record.id)
        if parts is None or parts.merged is not record:
            return False
        place = self._names.index(name)
        return all(self._names.index(other) < place for other in parts.markers)

    async def _announce(self, before: Indexed, marked: Indexed, also: Sequence[Statement]) -> Written | None:
        """Write the row that a record needs with its marker; None: nothing is to be done once the marker is there."""
        if marked == before:
            await self._tables.engine.together(*also)
            return None
        rows, this = self._tables.rows, (self._tenant, self._category)
        if marked.due is not None and (marked.state, marked.words) == (before.state, before.words):
            is_earlier = before.due is None or marked.due <= before.due
            if is_earlier:
                if await rows.sooner(*this, marked.id, marked.state, marked.due, also=also):
                    return None
                also = ()
        return await rows.add(*this, marked, also=also)

    async def _insert(
        self, place: str, marker: _Marker, first: Beside | None, then: Beside | None, beside: Beside | None
    ) -> bool:
        session = self._profile.session() if beside is None else self._profile.transaction()
        async with session as opened:
            if first is not None:
                await first(opened.handle)
            try:
                await opened.handle.insert(self._marker_category, place, marker.model_dump_json())
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:
                    raise
                return False
            for further in (then, beside):
                if further is not None:
                    await further(opened.handle)
            if beside is not None:
                await opened.commit()
        return True

    async def _fetch(self, ids: Iterable[str]) -> dict[str, R]:
        wanted, since = tuple(dict.fromkeys(ids)), None if self._tables.engine.is_shared else self._at_hand.changes
        at_hand = {record_id: None if not self._most_at_hand else self._at_hand.get(record_id) for record_id in wanted}
        reads: list[_Read[R]] = []
        missing: list[str] = []
        for record_id, parts in at_hand.items():
            if parts is not None and parts.is_whole:
                reads.append((parts, parts.markers, self._noted(parts) if parts.merged is None else {}))
            else:
                missing.append(record_id)
        if missing:
            async with self._profile.session() as session:
                for record_id in missing:
                    parts = at_hand[record_id]
                    entry = parts or await session.handle.fetch(self._category, record_id)
                    if entry is not None:
                        markers = {} if parts is None else parts.markers
                        reads.append((entry, markers, await self._values(session.handle, record_id, markers)))
        merged = self._merge(reads) if len(reads) <= FEW else await asyncio.to_thread(self._merge, reads)
        for parts, _ in merged:
            if not parts.is_whole:
                self._keep(parts, since)
        by_id = {record.id: record for _, record in merged}
        return {record_id: by_id[record_id] for record_id in wanted if record_id in by_id}

    def _noted(self, parts: Parts[R]) -> dict[str, Any]:
        """Return the values of the markers of a record that are at hand."""
        values: dict[str, Any] = {}
        for name in self._names:
            values |= parts.markers.get(name, {})
        return values

    def _merge(self, reads: Sequence["_Read[R]"]) -> list[tuple[Parts[R], R]]:
        merged: list[tuple[Parts[R], R]] = []
        for entry, markers, values in reads:
            parts = entry if isinstance(entry, Parts) else Parts(self._kind.read(entry), markers)
            if parts.merged is None or not parts.is_whole:
                parts.merged = over(parts.record, values) if values else parts.record
            merged.append((parts, parts.merged))
        return merged

    async def _values(self, handle: Any, record_id: str, markers: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Return the values of the markers that a record has by now; those that are new are added to `markers`."""
        values: dict[str, Any] = {}
        for name in self._names:
            value = markers.get(name)
            if value is None and (name not in self._follows or self._follows[name](values)):
                entry = await handle.fetch(self._marker_category, _place(record_id, name))
                if entry is not None:
                    value = markers[name] = _read(entry).value
                elif self._in_turn:
                    break
            values |= value or {}
        return values

    def _keep(self, parts: Parts[R], since: int | None) -> None:
        if self._most_at_hand:
            is_alone = not self._tables.engine.is_shared
            self._at_hand.keep(parts, most=self._most_at_hand, since=since if is_alone else None)

    async def _complete(self) -> Tables:
        tables = self._tables
        base = reader_of(self._kind)
        marked = Reader(self._marker_category, base.version, _index_in, rows_of=self._category, settle=self._settle)
        await tables.rebuild.ensure(self._profile, self._tenant, base, marked)
        return tables


def _place(record_id: str, name: str) -> str:
    return f"{record_id}.{name}"


def _read(entry: Entry) -> _Marker:
    return _Marker.model_validate_json(entry.value)


def _index_in(entry: Entry) -> Indexed:
    marker = _read(entry)
    return Indexed(marker.record_id, marker.state, marker.due, marker.tags)


def marker_entries(record: Record, markers: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the entries of markers as they are written: category, name and value, in the order of `markers`."""
    entries: list[tuple[str, str, str]] = []
    for name, value in markers.items():
        record = over(record, value)
        marked = index_of(record)
        marker = _Marker(
            record_id=record.id, state=marked.state, due=marked.due, tags=dict(marked.words), value=dict(value)
        )
        entries.append((record.category + MARKERS, _place(record.id, name), marker.model_dump_json()))
    return entries


def puts_off(before: Indexed, marked: Indexed) -> bool:
    """Return whether a marker changes nothing of a record's row but that it is due later, or not any more.

    Until the row says so it is due too early, which does no harm: whoever looks at the record finds the marker. So it
    stays where anybody has moved it meanwhile.
    """
    is_later = before.due is not None and (marked.due is None or marked.due >= before.due)
    return is_later and (marked.state, marked.words) == (before.state, before.words)


def over[R: Record](record: R, values: Mapping[str, Any]) -> R:
    """Return a record with fields as markers have them; only those are validated, the rest was."""
    kind = type(record)
    return record.model_copy(
        update={name: _adapter(kind, name).validate_python(value) for name, value in values.items()}
    )


@cache
def _adapter(kind: type[Record], name: str) -> TypeAdapter[Any]:
    field = kind.model_fields[name]
    wanted: Any = Annotated[field.annotation, field] if field.metadata else field.annotation
    return TypeAdapter(wanted)
