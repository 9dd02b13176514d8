"""The numbered event log of each tenant, appended by all processes.

Rules:

1. Numbers grow in the order of commits: the row that counts is locked until the transaction that appends has ended, so
   who has seen n never finds a smaller number later. They begin at 1; one may be left out.
2. An event is told once a kind, subject and occasion: who appends it again, because a crash left it open whether it had
   been, changes nothing.
3. Others hear of it by the topic `events`, whose text is the tenant; who misses that finds it by looking.
4. Pruned: what is older than 30 days, and all but the newest 100,000 of a tenant. `Extent.pruned` says up to where, so
   that a reader who was away for longer knows that it missed something.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from wanderbuch.store.engine import Engine, Statement
from wanderbuch.store.event_kinds import BodyValue, Event, EventKind

_LOG = logging.getLogger(__name__)

TOPIC: Final = "events"
KEEP_S: Final = 30 * 24 * 3600.0
KEEP_EVENTS: Final = 100_000
_PRUNED_AT_ONCE: Final = 5_000

_COUNT: Final = """
    INSERT INTO counter AS counted (tenant, number) SELECT ?, 1
    WHERE NOT EXISTS (SELECT 1 FROM event WHERE tenant = ? AND fact = ?)
    ON CONFLICT (tenant) DO UPDATE SET number = counted.number + 1
"""
_INSERT: Final = """
    INSERT INTO event (tenant, number, at, kind, subject, body, fact)
    SELECT tenant, number, store_now(), ?, ?, ?, ? FROM counter
    WHERE tenant = ? AND NOT EXISTS (SELECT 1 FROM event WHERE tenant = ? AND fact = ?)
    RETURNING number
"""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as the log has it.

    Args:
        at: when it was appended, by the database's clock.
    """

    number: int
    at: datetime
    kind: str
    subject: str
    body: Mapping[str, BodyValue]


@dataclass(frozen=True, slots=True)
class Extent:
    """Which numbers the log of a tenant has: those above `pruned`, up to `last`."""

    pruned: int
    last: int


@dataclass(frozen=True, slots=True)
class TenantEvents:
    """The event log of one tenant.

    Args:
        tenant: whose.
        log: of all tenants.
    """

    tenant: str
    log: "EventLog"

    async def append(self, *events: Event) -> None:
        """Append events, in one transaction; one that was told before changes nothing."""
        await self.log.append_all(self.tenant, events)

    async def read(self, after: int = 0, limit: int = 100) -> list[LoggedEvent]:
        """Return the events with a number greater than `after`, in order."""
        return await self.log.read(self.tenant, after, limit)

    async def extent(self) -> Extent:
        """Return which numbers there are."""
        return await self.log.extent(self.tenant)


class EventLog:
    """The event logs of all tenants of one store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unannounced: dict[str, asyncio.Task[None]] = {}
        self.wakes: Callable[[str], Awaitable[None]] | None = None
        """Wakes who works on the events of a tenant, wherever in the store; called where they were appended."""

    async def append(
        self,
        tenant: str,
        kind: EventKind,
        subject: str,
        body: Mapping[str, BodyValue] | None = None,
        *,
        occasion: str = "",
    ) -> int:
        """Append an event and return its number; of one that was told before, the number it has.

        Raises:
            ValueError: subject or body hold something that has no place there.
        """
        event = Event(kind, subject, body or {}, occasion)
        number = (await self.append_all(tenant, [event]))[0]
        if number is not None:
            return number
        rows = await self._engine.run("SELECT number FROM event WHERE tenant = ? AND fact = ?", tenant, event.fact)
        return int(rows[0][0]) if rows else (await self.extent(tenant)).pruned

    async def append_all(self, tenant: str, events: Sequence[Event], *also: Statement) -> list[int | None]:
        """Append events in one transaction, with other statements of it.

        Args:
            tenant: whose log.
            events: in order.
            also: are run after them in the same transaction.

        Returns:
            The number of each, None for one that was told before.
        """
        answers = await self._engine.together(*self.statements(tenant, events), *also)
        numbers = [int(answer[0][0]) if answer else None for answer in answers[1 : 2 * len(events) : 2]]
        if any(number is not None for number in numbers):
            self.announce(tenant)
        return numbers

    def statements(self, tenant: str, events: Sequence[Event]) -> list[Statement]:
        """Return what appends these events: for a transaction of the caller's, who then calls `announce`.

        Others who append to the same log wait until that transaction has ended: put them last, and keep it short.
        """
        made: list[Statement] = []
        for event in events:
            fact = event.fact
            made.append(Statement(_COUNT, (tenant, tenant, fact)))
            values = (event.kind.value, event.subject, event.text(), fact, tenant, tenant, fact)
            made.append(Statement(_INSERT, values))
        return made

    def announce(self, tenant: str) -> None:
        """Tell all processes that the log of a tenant has grown; returns at once, several calls may become one.

        Not in the transaction that appends: PostgreSQL lets those that announce commit one after the other.
        """
        if tenant not in self._unannounced:
            self._unannounced[tenant] = asyncio.create_task(self._announce(tenant), name="events.announce")

    async def read(
        self, tenant: str, after: int, limit: int, *, kinds: Collection[str] | None = None
    ) -> list[LoggedEvent]:
        """Return the events with a number greater than `after`, in order.

        Args:
            tenant: whose log.
            after: 0 for the beginning.
            limit: how many at the most.
            kinds: only these; None for all.
        """
        where, values = "", list[str]()
        if kinds is not None:
            values = sorted(kinds)
            where = f"AND kind IN ({', '.join('?' for _ in values)})" if values else "AND 1 = 0"
        rows = await self._engine.run(
            f"SELECT number, at, kind, subject, body FROM event WHERE tenant = ? AND number > ? {where} "  # noqa: S608 (marks only)
            "ORDER BY number LIMIT ?",
            tenant,
            after,
            *values,
            limit,
        )
        return [
            LoggedEvent(int(number), datetime.fromtimestamp(at, UTC), kind, subject, json.loads(body))
            for number, at, kind, subject, body in rows
        ]

    async def extent(self, tenant: str) -> Extent:
        """Return which numbers a tenant's log has."""
        return (await self.extents([tenant])).get(tenant, Extent(0, 0))

    async def extents(self, tenants: Collection[str]) -> dict[str, Extent]:
        """Return which numbers the logs of these tenants have; a log without any event is left out."""
        if not tenants:
            return {}
        marks = ", ".join("?" for _ in tenants)
        rows = await self._engine.run(
            f"SELECT tenant, pruned, number FROM counter WHERE tenant IN ({marks})",  # noqa: S608 (marks only)
            *tenants,
        )
        return {str(tenant): Extent(int(pruned), int(last)) for tenant, pruned, last in rows}

    async def prune(self, *, keep_s: float = KEEP_S, keep_events: int = KEEP_EVENTS) -> int:
        """Remove what the policy does not keep, in short transactions; return how many events went."""
        rows = await self._engine.run(
            "SELECT tenant, MAX(number) FROM event WHERE at < store_now() - ? GROUP BY tenant", keep_s
        )
        bounds = {str(tenant): int(number) for tenant, number in rows}
        rows = await self._engine.run("SELECT tenant, number FROM counter WHERE number - pruned > ?", keep_events)
        for tenant, _ in rows:
            if beyond := await self._number_at(str(tenant), keep_events, newest_first=True):
                bounds[str(tenant)] = max(bounds.get(str(tenant), 0), beyond)
        return sum([await self._prune(tenant, bound) for tenant, bound in bounds.items()])

    async def _prune(self, tenant: str, bound: int) -> int:
        gone, upto = 0, (await self.extent(tenant)).pruned
        while upto < bound:
            upto = min(await self._number_at(tenant, _PRUNED_AT_ONCE - 1) or bound, bound)
            answers = await self._engine.together(
                Statement("UPDATE counter SET pruned = ? WHERE tenant = ? AND pruned < ?", (upto, tenant, upto)),
                Statement("DELETE FROM event WHERE tenant = ? AND number <= ? RETURNING number", (tenant, upto)),
            )
            gone += len(answers[1])
        return gone

    async def _number_at(self, tenant: str, place: int, *, newest_first: bool = False) -> int | None:
        """Return the number of the event at a place, from 0; after a restore there are large gaps between numbers."""
        order = "DESC" if newest_first else "ASC"
        rows = await self._engine.run(
            f"SELECT number FROM event WHERE tenant = ? ORDER BY number {order} LIMIT 1 OFFSET ?",  # noqa: S608
            *(tenant, place),
        )
        return int(rows[0][0]) if rows else None

    async def _announce(self, tenant: str) -> None:
        await asyncio.sleep(0)
        del self._unannounced[tenant]  # what is appended from here on is announced anew
        try:
            await self._engine.announce(TOPIC, tenant)
            if self.wakes is not None:
                await self.wakes(tenant)
        except Exception as err:  # noqa: BLE001 (readers look by themselves all the same)
            _LOG.warning("events of %s could not be announced", tenant, exc_info=err)
