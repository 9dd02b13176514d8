"""The claims of a batch, in pages, found by number (`batch_records.row_pages`).

A claim changes only while its row has no credential, under the row's turn; its page is read and written in one
transaction, for the rows beside it.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batch_records.row_pages import PAGE_ROWS, page_at, page_name, remove_pages, write_page
from wanderbuch.agents.issuer.class_list.listed import ClassRow
from wanderbuch.store.errors import NotFoundError, StoreError

_CATEGORY: Final = "wanderbuch.batch-page"


def first_numbers(rows: Sequence[ClassRow]) -> tuple[int, ...]:
    """Return the number of the first row of each page."""
    return tuple(row.number for row in rows[::PAGE_ROWS])


async def write_claims(profile: Profile, batch_id: str, rows: Sequence[ClassRow]) -> None:
    """Keep the claims of a batch that nobody sees yet; what a crash left of the same ones is written over."""
    for page, start in enumerate(range(0, len(rows), PAGE_ROWS)):
        part = [[row.number, dict(row.claim)] for row in rows[start : start + PAGE_ROWS]]
        await write_page(profile, _CATEGORY, page_name(batch_id, page), json.dumps(part))


async def read_claim(profile: Profile, batch: Batch, number: int) -> Mapping[str, str]:
    """Return the claim of a row.

    Raises:
        NotFoundError: there is no row with this number.
    """
    async with profile.session() as session:
        return await claim_in(session.handle, batch, number)


async def claim_in(handle: Any, batch: Batch, number: int) -> Mapping[str, str]:
    """Return the claim of a row, as `read_claim` does, in a session that is open."""
    page = page_at(batch, number)
    text = b"[]" if page < 0 else await _page_text(handle, batch, page)
    rows = msgspec.json.decode(text, type=list[tuple[int, msgspec.Raw]])
    packed = next((claim for own, claim in rows if own == number), None)  # of a hundred, one is unpacked
    if packed is None:
        raise NotFoundError(f"there is no row {number} in this batch")
    return msgspec.json.decode(packed, type=dict[str, str])


def claim_digest(claim: Mapping[str, str]) -> str:
    """Return what tells whether a claim is the one that was looked at: SHA-256, hexadecimal."""
    return hashlib.sha256(json.dumps(sorted(claim.items())).encode()).hexdigest()


async def replace_claim_in(handle: Any, batch: Batch, number: int, claim: Mapping[str, str]) -> None:
    """Write another claim in place of a row's, in a transaction that is open.

    Raises:
        NotFoundError: there is no row with this number.
    """
    page = page_at(batch, number)
    place = page_name(batch.id, page)
    entry = None if page < 0 else await handle.fetch(_CATEGORY, place, for_update=True)
    rows = [] if entry is None else json.loads(entry.value)
    part = [[own, dict(claim) if own == number else kept] for own, kept in rows]
    if number not in (own for own, _ in part):
        raise NotFoundError(f"there is no row {number} in this batch")
    await handle.replace(_CATEGORY, place, json.dumps(part))


async def read_claims(profile: Profile, batch: Batch, *, after: int = 0) -> AsyncIterator[ClassRow]:
    """Yield the rows of a batch whose numbers are greater, in order, page by page."""
    for page in range(max(0, page_at(batch, after)), len(batch.numbers)):
        async with profile.session() as session:
            text = await _page_text(session.handle, batch, page)
        for row in _unpacked(text):
            if row.number > after:
                yield row


async def claims_with(profile: Profile, batch: Batch, value: str) -> AsyncIterator[ClassRow]:
    """Yield the rows of a batch in which an attribute has just this value; a page without it is not unpacked."""
    written = json.dumps(value).encode()
    for page in range(len(batch.numbers)):
        async with profile.session() as session:
            text = await _page_text(session.handle, batch, page)
        if written in text:
            for row in _unpacked(text):
                if value in row.claim.values():
                    yield row


async def remove_claims(profile: Profile, batch: Batch) -> None:
    """Remove the claims of a batch; what is gone already is left so."""
    await remove_pages(profile, _CATEGORY, batch.id, len(batch.numbers))


async def _page_text(handle: Any, batch: Batch, page: int) -> bytes:
    entry = await handle.fetch(_CATEGORY, page_name(batch.id, page))
    if entry is None:
        raise StoreError(f"page {page} of the batch {batch.id} is not there")
    return bytes(entry.value)


def _unpacked(text: bytes) -> list[ClassRow]:
    return [ClassRow(number, claim) for number, claim in json.loads(text)]
