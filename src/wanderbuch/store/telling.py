"""Telling the event log of a profile's tenant what became final; the rules are those of `untold`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from acapy_agent.core.profile import Profile

from wanderbuch.store.tables import tables_of, tenant_of


@asynccontextmanager
async def telling(profile: Profile, about: str, subject: str) -> AsyncIterator[Callable[..., None]]:
    """Tell what becomes final inside.

    Args:
        profile: whose state is saved inside.
        about: the kind of subject, as `Untold.learn` knows it.
        subject: its id.

    Yields:
        What takes the events, once the state that they tell is saved.
    """
    untold, tenant = tables_of(profile).untold, tenant_of(profile)
    async with untold.telling(profile, tenant, about, subject) as tell:
        yield tell
