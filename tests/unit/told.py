"""What the event log of a profile's tenant says, and the sweep that tells what a crash left."""

from typing import Any

from acapy_agent.core.profile import Profile

from wanderbuch.store.tables import tables_of, tenant_of


async def told(profile: Profile, *, after: int = 0) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, subject and body of every event."""
    events = await tables_of(profile).events.read(tenant_of(profile), after, 10_000)
    return [(event.kind, event.subject, dict(event.body)) for event in events]


async def tell_what_was_cut(profile: Profile) -> int:
    """Do what the sweep does once a cut is a minute old, and return what is left to be told."""
    tables = tables_of(profile)

    async def profile_of(_: str) -> Profile | None:
        return profile

    for minutes in (1, 20):
        await tables.engine.run("UPDATE untold SET due = 0, at = at - ?", 60.0 * minutes)
        await tables.untold.sweep(profile_of)
    return int((await tables.engine.run("SELECT count(*) FROM untold"))[0][0])
