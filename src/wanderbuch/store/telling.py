"""Telling the event log of a profile's tenant what became final; the rules are those of `untold`."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from acapy_agent.core.profile import Profile

from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.event_kinds import Event
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

    async def change(self, held: R, step: Callable[[R], R | None]) -> R:
        """Change a record as `RecordStore.change` does, and tell.

        Args:
            held: as it was read before.
            step: see there.

        Raises:
            NotFoundError: there is no such record.
        """
        before = self._events_of(held)
        async with telling(self._profile, self._kind.category, held.id, before=before) as tell:
            changed = await self._records.change(held.id, step)
            tell(*self._events_of(changed))
        return changed


def look_up[R: Record](kind: type[R], events_of: Callable[[R], Sequence[Event]]) -> Look:
    """Return what gives the events that a kept record of this kind tells."""

    async def look(profile: Profile, record_id: str) -> Sequence[Event]:
        record = await RecordStore(profile, kind).get_or_none(record_id)
        return () if record is None else events_of(record)

    return look
