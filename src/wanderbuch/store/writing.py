"""One short transaction over records of any kinds of one profile: all of it is kept, or nothing.

    async with writing(profile) as records:
        draft = await records.get(Draft, draft_id)
        await records.replace(draft.model_copy(update=…))
        await records.insert(DraftChange(…))

The rows that the records will need are written before Askar's commit, the stale ones go after it (`rows`). Other
writers of the profile wait meanwhile: nothing but the store may be awaited inside, and where it is known what records
will be, new or changed, their rows are written before it begins (`new`, `changed`). What was not changed costs no row.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.store.engine import Statement
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.record import Record, index_of
from wanderbuch.store.rows import Indexed, Written
from wanderbuch.store.tables import tables_of, tenant_of


class Writing:
    """The records of an open transaction."""

    handle: Any
    """Askar's own, for entries of the same transaction that are no records: those need no row."""

    def __init__(self, profile: Profile) -> None:
        self._rows = tables_of(profile).rows
        self._tenant = tenant_of(profile)
        self._ahead: dict[tuple[str, str], _Ahead] = {}
        self._held: dict[tuple[str, str], Indexed] = {}
        self._added: dict[tuple[str, str], Written] = {}
        self._removed: dict[tuple[str, str], Written] = {}
        self._inserted: dict[tuple[str, str], Written] = {}
        self._kinds: dict[tuple[str, str], type[Record]] = {}
        self.has_written = False

    async def announce(
        self, new: Sequence[Record], changed: Sequence[tuple[Record, Record]], *, also: Sequence[Statement] = ()
    ) -> None:
        """Write the rows of records that are to be inserted, or replaced, in one go before the transaction begins."""
        ahead = [(record, True) for record in new if record.is_listed]
        for before, after in changed:
            if after.is_listed and index_of(before) != index_of(after):
                ahead.append((after, False))
        if not ahead and not also:
            return
        ahead.sort(key=lambda record_and_new: _place_of(record_and_new[0]))  # so that no two wait for each other
        wanted = [(record.category, index_of(record), is_new) for record, is_new in ahead]
        all_written = await self._rows.add_all(self._tenant, wanted, also=also)
        for (record, is_new), written in zip(ahead, all_written, strict=True):
            self._kinds[_place_of(record)] = type(record)
            self._ahead[_place_of(record)] = _Ahead(written, is_new)

    async def get_or_none[R: Record](self, kind: type[R], record_id: str) -> R | None:
        """Return a record, None if there is none; nobody else changes it before this ends."""
        entry = await self.handle.fetch(kind.category, record_id, for_update=True)
        if entry is None:
            return None
        record = kind.read(entry)
        self._held[kind.category, record_id] = index_of(record)
        return record

    async def get[R: Record](self, kind: type[R], record_id: str) -> R:
        """Return a record; nobody else changes it before this ends.

        Raises:
            NotFoundError: there is none.
        """
        record = await self.get_or_none(kind, record_id)
        if record is None:
            raise NotFoundError(f"there is no {kind.__name__} with the id {record_id[:64]!r}")
        return record

    async def insert(self, record: Record) -> None:
        """Add a new record.

        Raises:
            DuplicateError: its id is taken.
        """
        await self._add(record, is_new=True)
        try:
            await self.handle.insert(record.category, record.id, record.model_dump_json())
        except AskarError as err:
            if err.code == AskarErrorCode.DUPLICATE:
                raise DuplicateError(f"a {type(record).__name__} with the id {record.id} is already there") from err
            raise
        self.has_written = True

    async def replace(self, record: Record) -> None:
        """Replace a record that is there."""
        if self._held.get((record.category, record.id)) != index_of(record):
            await self._add(record, is_new=False)
        await self.handle.replace(record.category, record.id, record.model_dump_json())
        self.has_written = True

    async def remove(self, kind: type[Record], record_id: str) -> None:
        """Remove a record that is there."""
        place = (kind.category, record_id)
        if kind.is_listed:
            self._removed[place] = await self._rows.touch(self._tenant, *place)
            self._kinds[place] = kind
        self._added.pop(place, None)
        self._inserted.pop(place, None)
        await self.handle.remove(*place)
        self.has_written = True

    async def settle(self, profile: Profile) -> None:
        """Remove what no record says any more, after the commit."""
        for written in self._removed.values():
            await self._rows.remove(written)
        await self._rows.settle_all([self._added[place] for place in sorted(self._added)])
        for written in self._inserted.values():
            await self._rows.inserted(written)
        await self._take_back(profile, tuple(self._ahead))

    async def take_back(self, profile: Profile) -> None:
        """Set the rows right of what was certainly not written."""
        await self._take_back(profile, tuple(self._kinds))

    async def _take_back(self, profile: Profile, places: Iterable[tuple[str, str]]) -> None:
        for place in places:
            (category, record_id), kind = place, self._kinds[place]
            by_end = (self._removed, self._added, self._inserted)
            written = next((by_place[place] for by_place in by_end if place in by_place), None)
            written = written or self._ahead[place].written
            if (again := await self._rows.failed(written)) is not None:
                async with profile.session() as session:
                    entry = await session.handle.fetch(category, record_id)
                if entry is None:
                    await self._rows.remove(again)
                else:
                    await self._rows.settle(again, index_of(kind.read(entry)))

    async def _add(self, record: Record, *, is_new: bool) -> None:
        if not record.is_listed:
            return
        place = (record.category, record.id)
        index, ahead = index_of(record), self._ahead.get(place)
        if ahead is not None and (ahead.written.indexed, ahead.is_new) == (index, is_new):
            written, before = ahead.written, None
        else:
            written = await self._rows.add(self._tenant, record.category, index, is_new=is_new)
            before = self._added.get(place) if ahead is None else ahead.written
        if before is not None and written.fence == before.fence + 1:
            written = replace(written, is_alone=before.is_alone)  # whoever is in the middle is ourselves
        self._ahead.pop(place, None)
        self._kinds[place] = type(record)
        self._removed.pop(place, None)
        if is_new and before is None and place not in self._held:
            self._inserted[place] = written
        else:
            self._added[place] = written
            self._inserted.pop(place, None)
        self._held[place] = index


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A row that was written before the transaction, for a record that is new or changed."""

    written: Written
    is_new: bool


def _place_of(record: Record) -> tuple[str, str]:
    return record.category, record.id


@asynccontextmanager
async def writing(
    profile: Profile,
    *,
    new: Sequence[Record] = (),
    changed: Sequence[tuple[Record, Record]] = (),
    also: Sequence[Statement] = (),
) -> AsyncGenerator[Writing]:
    """Open a transaction; it is kept if the block ends without an error and has written something.

    Args:
        profile: whose records.
        new: what the block is to insert, unless it finds that it may not.
        changed: records as they were read just now, each with what it is to become. The block reads each again, and
            writes what it becomes by then, or leaves it.
        also: is run together with what writes the rows of `new`, and of what the tables will say otherwise than before
            of `changed`: all of them are written before the transaction begins.
    """
    records = Writing(profile)
    is_open = True
    try:
        await records.announce(new, changed, also=also)
        async with profile.transaction() as session:
            records.handle = session.handle
            yield records
            if records.has_written:
                is_open = False  # from here on an error does not say whether it was written
                await session.commit()
    except Exception:
        if is_open:
            with suppress(Exception):  # else the sweep does it
                await records.take_back(profile)
        raise
    await records.settle(profile)
