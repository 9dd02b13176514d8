"""Telling the event log what became final: after it is saved, and in spite of a crash between the two.

    async with telling(profile, "offer", offer.id, before=events_of(offer)) as tell:
        changed = await offers.change(offer.id, step)
        tell(*events_of(changed))

1. Before the state is saved, a row says: the events of this subject may be incomplete; and which the state before told.
2. The state is saved.
3. In one transaction the events that are new are appended and the row goes.

Where the state has a row in the plain tables, as a marker's record has, 1 and 3 are written together with that one:
`begin`, then `Telling.before` and `Telling.after` in the caller's transactions, then one of `told`, `untold` and
`cut_off`.

Where the state's own row is due soon, and stays so until 3, and whoever looks at what is due tells again what the state
tells (`tell_again`), that row says as much as one of ours: 1 is left out.

A crash after 1 leaves the row. The sweep takes rows that are older than a minute, asks who knows that kind of subject
(`Untold.learn`) what its saved state tells, and does 3 in place of whoever was cut off. An event is told once, so it
does not matter if that one lives on, nor whether the crash came before or after 2.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import uuid4

from acapy_agent.core.profile import Profile

from wanderbuch.store.engine import Engine, Statement
from wanderbuch.store.errors import StoreError
from wanderbuch.store.event_kinds import Event
from wanderbuch.store.events import EventLog

_LOG = logging.getLogger(__name__)

_CUT_OFF_S: Final = 60.0
_OVER_S: Final = 15 * 60.0  # no step takes that long
_AT_ONCE: Final = 200

type ProfileOf = Callable[[str], Awaitable[Profile | None]]
"""Gives the profile of a tenant; None: it is not served now."""

type Look = Callable[[Profile, str], Awaitable[Sequence[Event]]]
"""Gives the events that the saved state of a subject tells: all of them, told or not; none if there is no such."""


class Tell(Protocol):
    """Takes events that are to be told."""

    def __call__(self, *events: Event) -> None:
        """Take them."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Steps 1 and 3 as statements, for transactions of the caller's.

    Args:
        row: which it is about.
        before: step 1; None: it is left out.
        after: step 3.
        has_news: whether there is anything to tell.
    """

    row: "_Row"
    before: Statement | None
    after: tuple[Statement, ...]
    has_news: bool


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    tenant: str
    about: str
    subject: str
    told: frozenset[str]


class Untold:
    """What may not have been told yet, in all tenants of one store."""

    def __init__(self, engine: Engine, log: EventLog) -> None:
        self._engine = engine
        self._log = log
        self._looks: dict[str, Look] = {}

    def learn(self, about: str, look: Look) -> None:
        """Know from now on how to find out what a kind of subject tells."""
        self._looks[about] = look

    @asynccontextmanager
    async def telling(
        self, profile: Profile, tenant: str, about: str, subject: str, *, before: Iterable[Event] = ()
    ) -> AsyncIterator[Tell]:
        """Tell what becomes final inside; see the module.

        Args:
            profile: whose state is saved.
            tenant: its name in the log.
            about: the kind of subject, as `learn` knows it.
            subject: its id.
            before: what the state before tells: none of it is told again, however long ago the log has forgotten it.

        Yields:
            What takes the events, once the state that they tell is saved.
        """
        row, begin = _beginning(tenant, about, subject, before)
        await self._engine.run(begin.sql, *begin.args)
        events = list[Event]()
        try:
            yield lambda *told: events.extend(told)
        except Exception:  # whether anything was saved, its own record says
            await self._finish(profile, row, None)
            raise
        await self._finish(profile, row, events)

    def begin(
        self,
        tenant: str,
        about: str,
        subject: str,
        *,
        before: Iterable[Event],
        events: Iterable[Event],
        is_looked_at: bool = False,
    ) -> Telling:
        """Return what tells events of a state that is about to be saved; see the module.

        Args:
            tenant: its name in the log.
            about: as with `telling`.
            subject: as with `telling`.
            before: as with `telling`.
            events: what the state will tell.
            is_looked_at: whether somebody looks at the state soon if 3 does not come, and then tells again.
        """
        row, statement = _beginning(tenant, about, subject, before)
        new = [event for event in events if event.fact not in row.told]
        told = self._log.statements(tenant, new)
        if is_looked_at:
            return Telling(row, None, tuple(told), bool(new))
        return Telling(row, statement, (*told, _end(row)), bool(new))

    def told(self, telling: Telling) -> None:
        """Announce what was told with the caller's transaction."""
        if telling.has_news:
            self._log.announce(telling.row.tenant)

    async def untold(self, profile: Profile, telling: Telling) -> None:
        """End a telling whose state was not saved: another one was there, which somebody else tells."""
        if telling.before is None:
            return
        await self._finish(profile, telling.row, ())

    async def cut_off(self, profile: Profile, telling: Telling) -> None:
        """End a telling of which it is not known whether its state was saved: the state itself says."""
        if telling.before is None:
            return
        await self._finish(profile, telling.row, None)

    async def tell_again(self, tenant: str, events: Sequence[Event]) -> None:
        """Tell what the state of a subject tells, of which nobody knows whether it was told: once changes nothing."""
        await self._log.append_all(tenant, events)

    async def sweep(self, profile_of: ProfileOf) -> int:
        """Tell what was cut off, and return how many events that were.

        A row stays until no step can be under way any more: whoever wrote it may be slow, save its state after we
        looked, and be cut off then.

        Args:
            profile_of: gives the profile of a tenant; None: it is not served now.
        """
        rows = await self._engine.run(
            "SELECT id, tenant, about, subject, told, store_now() - at FROM untold WHERE due <= store_now() "
            "ORDER BY due LIMIT ?",
            _AT_ONCE,
        )
        count = 0
        for row_id, tenant, about, subject, told, age_s in rows:
            row = _Row(row_id, tenant, about, subject, frozenset(told.split("\n")))
            profile = await profile_of(tenant)
            events = None if profile is None else await self._look(profile, row)
            if events is not None and age_s > _OVER_S:
                count += await self._tell(row, events, _end(row))
            else:
                later = Statement("UPDATE untold SET due = store_now() + ? WHERE id = ?", (_CUT_OFF_S, row_id))
                count += await self._tell(row, events or (), later)
        return count

    async def _finish(self, profile: Profile, row: _Row, events: Sequence[Event] | None) -> None:
        """Do step 3; if that fails, the sweep does it."""
        try:
            if events is None and (events := await self._look(profile, row)) is None:
                return
            await self._tell(row, events, _end(row))
        except StoreError as err:
            _LOG.warning("%s %s: could not be told yet: %s", row.about, row.subject, err.message)

    async def _look(self, profile: Profile, row: _Row) -> Sequence[Event] | None:
        """Return what the saved state of a subject tells; None if nobody can say."""
        look = self._looks.get(row.about)
        if look is None:
            return None
        try:
            return await look(profile, row.subject)
        except Exception as err:  # noqa: BLE001 (one that cannot be read holds up none of the others)
            _LOG.error("%s %s: what it tells could not be read", row.about, row.subject, exc_info=err)
            return None

    async def _tell(self, row: _Row, events: Sequence[Event], also: Statement) -> int:
        new = [event for event in events if event.fact not in row.told]
        return sum(number is not None for number in await self._log.append_all(row.tenant, new, also))


def _beginning(tenant: str, about: str, subject: str, before: Iterable[Event]) -> tuple[_Row, Statement]:
    """Return a row, and what writes it (1)."""
    row = _Row(uuid4().hex, tenant, about, subject, frozenset(event.fact for event in before))
    values = (row.id, tenant, about, subject, "\n".join(sorted(row.told)), _CUT_OFF_S)
    return row, Statement(
        "INSERT INTO untold (id, tenant, about, subject, told, at, due) "
        "VALUES (?, ?, ?, ?, ?, store_now(), store_now() + ?)",
        values,
    )


def _end(row: _Row) -> Statement:
    return Statement("DELETE FROM untold WHERE id = ?", (row.id,))
