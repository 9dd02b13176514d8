"""ACA-Py's exchange records, read aside and page by page.

Strangers fill them, each with up to hundreds of kilobytes: reading them all on the event loop would hold up everybody.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from acapy_agent.core.profile import Profile
from acapy_agent.messaging.models.base import BaseModelError
from aries_askar import AskarError, Entry

from wanderbuch.agents.runtime.store import StoreGuard

LOGGER = logging.getLogger(__name__)

MAX_PAGE: Final = 500
_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: `limit` of the newest, after leaving out `offset` of them."""

    limit: int = 200
    offset: int = 0


async def read_page[T](profile: Profile, kind: Any, page: Page, read: Callable[[Any], T | None]) -> tuple[list[T], int]:
    """Return what `read` makes of the newest records of a kind, and how many records there are.

    Args:
        profile: whose.
        kind: ACA-Py's class of the records.
        page: which of them.
        read: is called in another thread; returns None for a record that is not meant.
    """
    async with profile.session() as session:
        total = await session.handle.count(kind.RECORD_TYPE)
    found: list[T] = []
    begin = page.offset
    while begin < page.offset + page.limit:
        number = min(_BATCH, page.offset + page.limit - begin)
        entries = await _batch(profile, kind, tags=None, offset=begin, limit=number, newest_first=True)
        found += await asyncio.to_thread(_read_all, kind, entries, read)
        begin += number
        if len(entries) < number:
            break
    return found, total


async def read_all[T](
    profile: Profile, kind: Any, read: Callable[[Any], T | None], *, tags: Mapping[str, str] | None = None
) -> list[T]:
    """Return what `read` makes of every record of a kind that has these tags, oldest first; else as `read_page`.

    What `read` returns should be small: it is all held at once.
    """
    found: list[T] = []
    begin = 0
    while entries := await _batch(profile, kind, tags=tags, offset=begin, limit=_BATCH, newest_first=False):
        found += await asyncio.to_thread(_read_all, kind, entries, read)
        begin += _BATCH
    return found


async def _batch(
    profile: Profile, kind: Any, *, tags: Mapping[str, str] | None, offset: int, limit: int, newest_first: bool
) -> list[Entry]:
    scan = profile.store.scan(
        kind.RECORD_TYPE,
        kind.prefix_tag_filter(tags),
        offset=offset,
        limit=limit,
        profile=profile.settings.get("wallet.askar_profile"),
        order_by="id",
        descending=newest_first,
    )
    try:
        return list(await scan.fetch_all())
    except AskarError as err:
        if (guard := profile.inject_or(StoreGuard)) is not None:
            guard.look(err)
        raise


def _read_all[T](kind: Any, entries: Sequence[Entry], read: Callable[[Any], T | None]) -> list[T]:
    found: list[T] = []
    for entry in entries:
        try:
            made = read(kind.from_storage(entry.name, json.loads(entry.value)))
        except (BaseModelError, ValueError, TypeError, RecursionError) as err:
            LOGGER.warning("holder: the exchange %s cannot be read: %s", entry.name, type(err).__name__)
            continue
        if made is not None:
            found.append(made)
    return found
