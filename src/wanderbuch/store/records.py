"""The typed record store: one for every kind of record, in every profile.

    offers = RecordStore(profile, Offer)
    await offers.insert(offer)
    await offers.find(thread_id=thread_id)
    await offers.change(offer.id, lambda kept: kept.model_copy(update={"state": OfferState.ISSUED}))
    page = await offers.page(state="ISSUED", limit=50, cursor=cursor)
    async with offers.claiming(now) as due:
        async for offer in due: ...

Askar keeps the records, encrypted, and finds them by name. Everything else is looked up in the plain tables (`rows`,
`words`, `due`): Askar's own searches by tag read the whole profile. In which order the two are written, and why nothing
is ever missing, stands in `rows`; what is read there is compared here with the record that it names.

`change` is the one way to move a state: it reads, applies a pure function and writes in one short transaction, so of
two that race one sees what the other wrote. The function must not wait for anything. `writing` does the same for
several records of several kinds.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Entry

from wanderbuch.store.claiming import Claiming
from wanderbuch.store.engine import Statement
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.record import Record, as_tag, index_of, new_id, reader_of, utc_now
from wanderbuch.store.rows import MOST_ROWS, Row, Written
from wanderbuch.store.tables import Tables, tables_of, tenant_of
from wanderbuch.store.writing import writing

__all__ = ["DuplicateError", "NotFoundError", "Page", "Record", "RecordStore", "new_id", "utc_now"]

FEW: Final = 32
"""More records are read in another thread: a list must not hold up everybody else."""
_EVERY: Final = 100


@dataclass(frozen=True, slots=True)
class Page[R: Record]:
    """A part of a list; `next_cursor` is None where it ends."""

    items: tuple[R, ...]
    next_cursor: str | None


class RecordStore[R: Record]:
    """The records of one kind in one profile."""

    def __init__(self, profile: Profile, kind: type[R]) -> None:
        self._profile = profile
        self._kind = kind
        self._category = kind.category

    @property
    def kind(self) -> type[R]:
        """What the records are."""
        return self._kind

    async def insert(self, record: R, *, also: Sequence[Statement] = ()) -> R:
        """Keep a new record and return it.

        Args:
            record: is new.
            also: is written with its row, before it; only for what is listed.

        Raises:
            DuplicateError: its id is taken.
        """
        rows = self._tables.rows
        written: Written | None = None
        if self._kind.is_listed:
            written = await rows.add(self._tenant, self._category, index_of(record), is_new=True, also=also)
        try:
            async with self._profile.session() as session:
                await session.handle.insert(self._category, record.id, record.model_dump_json())
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise
            if written is not None:
                await self._take_back(written)
            raise DuplicateError(f"a {self._kind.__name__} with the id {record.id} is already there") from err
        if written is not None:
            await rows.inserted(written)
        return record

    async def get(self, record_id: str) -> R:
        """Return the record with this id.

        Raises:
            NotFoundError: there is none.
        """
        record = await self.get_or_none(record_id)
        if record is None:
            raise self._missing(record_id)
        return record

    async def get_or_none(self, record_id: str) -> R | None:
        """Return the record with this id, or None."""
        async with self._profile.session() as session:
            entry = await session.handle.fetch(self._category, record_id)
        return self._kind.read(entry) if entry else None

    async def find(self, *, limit: int | None = None, **tags: object) -> list[R]:
        """Return the records whose tags equal these, oldest first; without tags all that there are."""
        wanted = {name: as_tag(value) for name, value in tags.items()}
        unknown = wanted.keys() - set(self._kind.tag_names)
        if unknown:
            raise ValueError(f"{self._kind.__name__} has no tag {', '.join(sorted(unknown))}")
        if not wanted or not self._kind.is_listed:
            async with self._profile.session() as session:
                entries = await fetch_entries(session, self._category, limit=None if wanted else limit, order_by="id")
            return [record for record in await self._read(entries) if wanted.items() <= record.tags().items()][:limit]
        tables = await self._complete()
        ids = await tables.words.find(self._tenant, self._category, wanted)
        records = [record for record in (await self._fetch(ids)).values() if wanted.items() <= record.tags().items()]
        return records if limit is None else records[:limit]

    async def page(
        self,
        *,
        state: str | Collection[str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
        newest_first: bool = True,
        skip: int = 0,
    ) -> Page[R]:
        """Return a part of the records, in the order in which they were made.

        Args:
            state: only those whose `index_state` is this, or one of these.
            limit: at most so many.
            cursor: `next_cursor` of the part before.
            newest_first: or else oldest first.
            skip: so many are left out first, without reading them: for lists that count instead of using a cursor.

        Raises:
            CursorError: the cursor was not given out for this list.
        """
        tables, states = await self._complete(), _states(state)
        items: list[R] = []
        while skip > 0:
            left_out = await tables.rows.page(
                self._tenant,
                self._category,
                states=states,
                limit=min(skip, MOST_ROWS),
                cursor=cursor,
                newest_first=newest_first,
            )
            skip, cursor = skip - len(left_out.rows), left_out.next_cursor
            if cursor is None:
                return Page((), None)
        while True:
            part = await tables.rows.page(
                self._tenant,
                self._category,
                states=states,
                limit=limit - len(items),
                cursor=cursor,
                newest_first=newest_first,
            )
            cursor = part.next_cursor
            items += await self._checked(part.rows, states)
            if cursor is None or len(items) >= limit:
                return Page(tuple(items), cursor)

    async def count(self, *, state: str | Collection[str] | None = None) -> int:
        """Return how many there are, without reading one; a write that was cut off may count for some minutes."""
        tables = await self._complete()
        return await tables.rows.count(self._tenant, self._category, states=_states(state))

    async def states(self, *, most: int, **tags: object) -> Mapping[str, int]:
        """Return in which states how many records with these tags are, without reading one.

        Args:
            most: so many are looked at, whichever.
            tags: at least one. A write that was cut off may count for some minutes.
        """
        wanted = {name: as_tag(value) for name, value in tags.items()}
        tables = await self._complete()
        return await tables.words.states(self._tenant, self._category, wanted, most=most)

    async def every(self, *, state: str | Collection[str] | None = None) -> AsyncIterator[R]:
        """Yield the records (in this state), oldest first, read page by page."""
        cursor: str | None = None
        while True:
            page = await self.page(state=state, limit=_EVERY, cursor=cursor, newest_first=False)
            for record in page.items:
                yield record
            if (cursor := page.next_cursor) is None:
                return

    async def due(self, at: datetime, *, state: str | None = None, limit: int = 500) -> list[R]:
        """Return records that somebody has to look at by an instant, the most urgent first; nobody claims them."""
        tables = await self._complete()
        ids = await tables.due.listed(self._tenant, self._category, before=at, state=state, limit=limit)
        records = (await self._fetch(ids)).values()
        return [record for record in records if (due := record.due_at()) is not None and due <= at]

    @asynccontextmanager
    async def claiming(
        self,
        at: datetime,
        *,
        limit: int = 10_000,
        due_of: Callable[[R], datetime | None] | None = None,
        also_early: bool = False,
    ) -> AsyncGenerator[AsyncIterator[R]]:
        """Give the records that are due, the most urgent first: nobody else is given them meanwhile.

        Whatever is still due at the end, or where the process dies, is given to whoever asks next. What a crash left in
        the plain tables is tidied up, too.

        Args:
            at: what is due by this instant.
            limit: at most so many.
            due_of: says at the end when a record is due next, where that is another time than its `due_at`: what is
                tried again and again is put off without a change of the record. The tables alone hold it: where they
                are made anew, or a record changes, its `due_at` counts.
            also_early: give also what its row alone says is due: perhaps its last writer was cut off in the middle, and
                something beside the record is left to be done.
        """
        tables = await self._complete()
        async with Claiming(tables, self._tenant, self._category, at, limit=limit) as claiming:

            async def records() -> AsyncIterator[R]:
                async for ids in claiming.batches():
                    for record in (await self._fetch(ids)).values():
                        if also_early or ((due := record.due_at()) is not None and due <= at):
                            yield record

            await self._tidy(tables)
            yield records()
            for ids in claiming.claimed_ids():
                candidates, now = (await self._fetch(ids)).values(), utc_now()
                due = {record.id: record.due_again(now) if due_of is None else due_of(record) for record in candidates}
                await claiming.release(ids, due)

    async def change(self, record_id: str, step: Callable[[R], R | None]) -> R:
        """Apply a pure step to a record in one transaction and return what is kept then.

        The step is tried before, so that the row that its result needs is not written under the profile's lock, and
        what changes nothing, or is refused, takes no lock at all. It is applied again if somebody changed the record
        meanwhile: then that counts.

        Args:
            record_id: which record.
            step: gets the record as it stands; returns the new one, or None to leave it; may raise to refuse.

        Raises:
            NotFoundError: there is no such record.
        """
        before = await self.get(record_id)
        changed = step(before)
        if changed is None:
            return before
        async with writing(self._profile, changed=[(before, changed)]) as records:
            record = await records.get(self._kind, record_id)
            if record != before:
                changed = step(record)
                if changed is None:
                    return record
            await records.replace(changed)
        return changed

    async def put(self, record: R) -> R:
        """Insert the record, or replace the one with its id, in one transaction."""
        before = await self.get_or_none(record.id)
        new, changed = ([record], []) if before is None else ([], [(before, record)])
        async with writing(self._profile, new=new, changed=changed) as records:
            if await records.get_or_none(self._kind, record.id) is None:
                await records.insert(record)
            else:
                await records.replace(record)
        return record

    async def remove(self, record_id: str) -> bool:
        """Remove the record and return whether it was there."""
        rows = self._tables.rows
        written = await rows.touch(self._tenant, self._category, record_id) if self._kind.is_listed else None
        async with self._profile.session() as session:
            try:
                await session.handle.remove(self._category, record_id)
            except AskarError as err:
                if err.code != AskarErrorCode.NOT_FOUND:
                    raise
                was_there = False
            else:
                was_there = True
        if written is not None:
            await rows.remove(written)
        return was_there

    @property
    def _tables(self) -> Tables:
        return tables_of(self._profile)

    @property
    def _tenant(self) -> str:
        return tenant_of(self._profile)

    async def _complete(self) -> Tables:
        """Return the plain tables, with a row for every record of this kind."""
        if not self._kind.is_listed:
            raise TypeError(f"{self._kind.__name__} is not listed: use find")
        tables = self._tables
        await tables.rebuild.ensure(self._profile, self._tenant, reader_of(self._kind))
        return tables

    async def _tidy(self, tables: Tables) -> None:
        """Do the last step of writes that were cut off more than ten minutes ago (`rows`)."""
        rows = tables.rows
        for record_id in await rows.unsettled_of(self._tenant, self._category, limit=_EVERY):
            await self._settle(record_id)

    async def _checked(self, rows: Sequence[Row], states: Collection[str] | None) -> list[R]:
        """Return the records that rows name, as far as they are what the rows say."""
        records = await self._fetch(row.id for row in rows)
        checked: list[R] = []
        for row in rows:
            record = records.get(row.id)
            if record is None or record.index_state() != row.state:
                await self._tables.rows.doubt(self._tenant, self._category, row)
            if record is not None and (states is None or record.index_state() in states):
                checked.append(record)
        return checked

    async def _fetch(self, ids: Iterable[str]) -> dict[str, R]:
        """Return the records with these ids, as far as they are there, in this order."""
        async with self._profile.session() as session:
            fetched = [await session.handle.fetch(self._category, record_id) for record_id in dict.fromkeys(ids)]
        entries = [entry for entry in fetched if entry is not None]
        return {record.id: record for record in await self._read(entries)}

    async def _read(self, entries: Sequence[Entry]) -> list[R]:
        if len(entries) <= FEW:
            return [self._kind.read(entry) for entry in entries]
        return await asyncio.to_thread(lambda: [self._kind.read(entry) for entry in entries])

    async def _settle(self, record_id: str) -> None:
        """Set the rows of a record right by what it is now."""
        rows = self._tables.rows
        written = await rows.touch(self._tenant, self._category, record_id)
        record = await self.get_or_none(record_id)
        await (rows.remove(written) if record is None else rows.settle(written, index_of(record)))

    async def _take_back(self, written: Written) -> None:
        """Set the rows of a record right that was not written by us; with nobody else in the middle, at once."""
        rows, record_id = self._tables.rows, written.indexed.id
        if (again := await rows.failed(written)) is not None:
            record = await self.get_or_none(record_id)
            await (rows.remove(again) if record is None else rows.settle(again, index_of(record)))

    def _missing(self, record_id: str) -> NotFoundError:
        return NotFoundError(f"there is no {self._kind.__name__} with the id {record_id[:64]!r}")


def _states(state: str | Collection[str] | None) -> Collection[str] | None:
    return (state,) if isinstance(state, str) else state
