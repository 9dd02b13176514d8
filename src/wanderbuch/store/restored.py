"""After a restore: what the plain tables of a backup say that does not hold any more.

1. Nobody holds a lease, a claim or a row: who did is gone. Fences begin at the clock, so new ones are greater.
2. Nothing counts as complete: what can be read from the wallet is read again.
3. Event numbers skip ahead, far enough that no number that was given out after the backup is given again: what was told
   since cannot be known, and readers tell repeats by number. Each log says so by an event of its own.
"""

from typing import Final

from wanderbuch.store.engine import Statement
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.tables import Tables

_EVENTS_A_SECOND: Final = 1000
"""More than a tenant's log takes (docs/adr/0028-events-and-webhooks.md)."""
_AT_LEAST_S: Final = 3600.0


async def take_up_tables(tables: Tables, *, made_at: float, name: str) -> dict[str, int]:
    """Make the plain tables of a backup fit to go on with; may be done again.

    Args:
        tables: are open.
        made_at: when the backup was made, in seconds since 1970.
        name: of this restore; the subject of the event.

    Returns:
        tenant -> how many event numbers were left out.
    """
    engine = tables.engine
    await engine.together(
        Statement("DELETE FROM lease"),
        Statement("UPDATE row SET owner = NULL, until = 0, held = 0, writers = 0"),
        Statement("UPDATE envelope SET owner = NULL, until = 0"),
        Statement("UPDATE work SET owner = NULL, until = 0"),
    )
    await tables.rebuild.forget()
    since_s = max(await engine.clock() - made_at, 0.0) + _AT_LEAST_S
    gap = int(since_s * _EVENTS_A_SECOND)
    skipped: dict[str, int] = {}
    for tenant, number in await engine.run("SELECT tenant, number FROM counter"):
        event = Event(EventKind.STORE_RESTORED, name, {"after": int(number)})
        told = await engine.run("SELECT 1 FROM event WHERE tenant = ? AND fact = ?", tenant, event.fact)
        if told:
            continue
        await engine.together(
            Statement("UPDATE counter SET number = number + ? WHERE tenant = ?", (gap, tenant)),
            *tables.events.statements(str(tenant), [event]),
        )
        skipped[str(tenant)] = gap
    return skipped
