"""Entries of the wallet store, as lists.

What Askar's `fetch_all` returns can be iterated once by a plain `for`, but not by a comprehension of every Python 3.13:
its iterator has no `__iter__`, and from 3.13.4 on a comprehension asks for it. So our code fetches several entries here
and nowhere else (a test holds that), whatever session it was given: an agent's, or one of somebody else's ACA-Py.
"""

from collections.abc import Mapping

from acapy_agent.core.profile import ProfileSession
from aries_askar import Entry, KeyEntry, Session


async def fetch_entries(
    session: ProfileSession,
    category: str | None,
    tags: Mapping[str, object] | None = None,
    *,
    limit: int | None = None,
    order_by: str | None = None,
    newest_first: bool = False,
) -> list[Entry]:
    """Return the entries of a category whose tags equal these.

    Args:
        session: an open session or transaction of the wallet.
        category: kind of entries; None: of every kind.
        tags: to be equal, by name; None or empty: whatever the tags are.
        limit: at most so many.
        order_by: "id" for the order in which they were inserted.
        newest_first: turns that order round.
    """
    wanted = dict(tags) if tags else None
    return list(await session.handle.fetch_all(category, wanted, limit, order_by=order_by, descending=newest_first))


async def fetch_keys(handle: Session) -> list[KeyEntry]:
    """Return all keys of a profile; ACA-Py names a key by its public key, in base58."""
    return list(await handle.fetch_all_keys())
