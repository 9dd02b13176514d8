"""Lists of what strangers sent: newest first, a page at a time; what is left out is not read."""

from dataclasses import dataclass
from typing import Final

from wanderbuch.store.records import Record, RecordStore

MAX_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: `limit` of the newest, after leaving out `offset` of them."""

    limit: int = 200
    offset: int = 0


async def newest[R: Record](store: RecordStore[R], page: Page) -> tuple[tuple[R, ...], int]:
    """Return a page of records, newest first, and how many there are; what is left out is not read."""
    return (await store.page(limit=page.limit, skip=page.offset)).items, await store.count()
