"""What is kept for the rows of a batch stands in pages: a hundred rows are one encrypted entry of the wallet's store.

So ten thousand rows are a hundred entries, and one row costs a page to read. What its people attest, how they are
reached, and what they were sent are pages of a category each, under the same names.
"""

from bisect import bisect_right
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.agents.issuer.batch_records.batch import Batch

PAGE_ROWS: Final = 100


def page_at(batch: Batch, number: int) -> int:
    """Return which page a row stands in, from 0; -1: there is no row with so low a number."""
    return bisect_right(batch.numbers, number) - 1


def page_name(batch_id: str, page: int) -> str:
    """Return the name of the entry of a page."""
    return f"{batch_id}.{page}"


async def write_page(profile: Profile, category: str, name: str, value: str) -> None:
    """Keep a page that nobody sees yet; what a crash left of the same one is written over."""
    async with profile.session() as session:
        try:
            await session.handle.insert(category, name, value)
        except AskarError as err:
            if err.code != AskarErrorCode.DUPLICATE:
                raise
            await session.handle.replace(category, name, value)


async def remove_pages(profile: Profile, category: str, batch_id: str, count: int) -> None:
    """Remove the pages of a batch, of which there are so many at most; what is gone already is left so."""
    for page in range(count):
        async with profile.session() as session:
            try:
                await session.handle.remove(category, page_name(batch_id, page))
            except AskarError as err:
                if err.code != AskarErrorCode.NOT_FOUND:
                    raise
