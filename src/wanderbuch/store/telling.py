"""Telling the event log of a profile's tenant what became final; the rules are those of `untold`."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from acapy_agent.core.profile import Profile

from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.event_kinds import Event
from wanderbuch.store.markers import Also, Beside, Markers, over, puts_off
from wanderbuch.store.record import index_of
from wanderbuch.store.records import Record, RecordStore
from wanderbuch.store.tables import tables_of, tenant_of
from wanderbuch.store.untold import Look, Tell


@asynccontextmanager
async def telling(profile: Profile, about: str, subject: str, *, before: Iterable[Event] = ()) -> AsyncIterator[Tell]:
    """Tell what becomes final inside.

    Args:
        profile: whose state is saved inside.
        about: the kind of subject, as `Untold.learn` knows it.
        subject: its id.
        before: what the state before tells.

    Yields:
        What takes the events, once the state that they tell is saved.
    """
    untold, tenant = tables_of(profile).untold, tenant_of(profile)
    async with untold.telling(profile, tenant, about, subject, before=before) as tell:
        yield tell


class Teller[R: Record]:
    """Changes records of one kind and tells what became final.

    Args:
        profile: whose records.
        kind: which.
        events_of: all that the state of a record tells.
        records: their store; by default made here.
    """

    def __init__(
        self,
        profile: Profile,
        kind: type[R],
        events_of: Callable[[R], Sequence[Event]],
        *,
        records: RecordStore[R] | None = None,
    ) -> None:
        self._profile = profile
        self._records = records or RecordStore(profile, kind)
        self._kind = kind
        self._events_of = events_of
        tables_of(profile).untold.learn(kind.category, look_up(kind, events_of))

    async def insert(self, record: R) -> R:
        """Keep a new record, as `RecordStore.insert` does, and tell.

        Raises:
            DuplicateError: its id is taken.
        """
        taken: DuplicateError | None = None
        async with telling(self._profile, self._kind.category, record.id) as tell:
            try:
                tell(*self._events_of(await self._records.insert(record)))
            except DuplicateError as err:  # what the other record tells was told when it was made
                taken = err
        if taken is not None:
            raise taken
        return record

    async def change(self, record: R, step: Callable[[R], R | None]) -> R:
        """Change a record as `RecordStore.change` does, and tell.

        Args:
            record: as it was read before.
            step: see there.

        Raises:
            NotFoundError: there is no such record.
        """
        before = self._events_of(record)
        async with telling(self._profile, self._kind.category, record.id, before=before) as tell:
            changed = await self._records.change(record.id, step)
            tell(*self._events_of(changed))
        return changed


class MarkTeller[R: Record]:
    """Adds markers to records of one kind and tells what became final by them.

    Args:
        open_markers: gives the records of any profile.
        profile: whose records.
        events_of: all that a record with its markers tells.
        markers: their store; by default it is opened here.
    """

    def __init__(
        self,
        open_markers: Callable[[Profile], Markers[R]],
        profile: Profile,
        events_of: Callable[[R], Sequence[Event]],
        *,
        markers: Markers[R] | None = None,
    ) -> None:
        self._profile = profile
        self._markers = markers or open_markers(profile)
        self._category = self._markers.kind.category
        self._events_of = events_of

        async def look(profile: Profile, record_id: str) -> Sequence[Event]:
            record = await open_markers(profile).get_or_none(record_id)
            return () if record is None else events_of(record)

        tables_of(profile).untold.learn(self._category, look)

    async def add(
        self,
        record: R,
        name: str,
        value: Mapping[str, Any],
        *,
        first: Beside | None = None,
        then: Beside | None = None,
        beside: Beside | None = None,
        is_looked_at: bool = False,
    ) -> R | None:
        """Add a marker as `Markers.add` does, and tell.

        Args:
            record: the record as it was read before.
            name: see there.
            value: see there.
            first: see there.
            then: see there.
            beside: see there.
            is_looked_at: if a crash comes before it is told, whoever looks at the record when it is due tells `again`;
                so it needs no note of its own where the marker does no more than put that off.

        Returns:
            The record with the marker; None if there was one already, which somebody else has told.
        """
        untold, tenant = tables_of(self._profile).untold, tenant_of(self._profile)
        marked = over(record, value)
        made = untold.begin(
            tenant,
            self._category,
            record.id,
            before=self._events_of(record),
            events=self._events_of(marked),
            is_looked_at=is_looked_at and puts_off(index_of(record), index_of(marked)),
        )
        also = Also(made.before, made.after)
        try:
            is_new = await self._markers.add(
                record.id, name, value, record=record, made=marked, first=first, then=then, beside=beside, also=also
            )
        except Exception:
            await untold.cut_off(self._profile, made)
            raise
        if not is_new:
            await untold.untold(self._profile, made)
            return None
        untold.told(made)
        return marked

    async def again(self, record: R) -> None:
        """Tell what a record tells that was looked at because it is due: its own telling may have been cut off."""
        await tables_of(self._profile).untold.tell_again(tenant_of(self._profile), self._events_of(record))


def look_up[R: Record](kind: type[R], events_of: Callable[[R], Sequence[Event]]) -> Look:
    """Return what gives the events that a kept record of this kind tells."""

    async def look(profile: Profile, record_id: str) -> Sequence[Event]:
        record = await RecordStore(profile, kind).get_or_none(record_id)
        return () if record is None else events_of(record)

    return look
