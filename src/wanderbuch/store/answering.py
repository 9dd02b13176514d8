"""Whether a store answers, at a cost that does not grow with what is in it."""

from acapy_agent.core.profile import Profile

from wanderbuch.store.tables import tables_of

_CATEGORY = "wanderbuch.store"
_NAME = "ready"


async def look_into(profile: Profile) -> None:
    """Look into the wallet by a name, which need not be there, and into the plain tables.

    Raises:
        Exception: whatever keeps one of them from answering.
    """
    async with profile.session() as session:
        await session.handle.fetch(_CATEGORY, _NAME)
    await tables_of(profile).engine.run("SELECT 1")
