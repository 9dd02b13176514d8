"""How the people of a batch are reached: in pages (`batch_records.row_pages`), gone before those of the claims.

A page in which nobody can be reached is not there. Whom a language alone is known of is left out, and so is everybody
where slips are handed over in person. Pages are removed a week after the last day of the batch, when it is cancelled,
and with it (`Batch.due_at`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch
from wanderbuch.agents.issuer.batch_records.row_pages import PAGE_ROWS, page_at, page_name, remove_pages, write_page
from wanderbuch.agents.issuer.class_list.contacts import is_reached
from wanderbuch.agents.issuer.class_list.listed import ClassRow

_CATEGORY: Final = "wanderbuch.batch-contacts"

type Contacts = Mapping[int, Mapping[str, str]]
"""Number of a row -> how its person is reached (`class_list.contacts`)."""


async def write_contacts(profile: Profile, batch_id: str, rows: Sequence[ClassRow]) -> None:
    """Keep how the people of a batch are reached, as `write_claims` keeps their claims."""
    for page, start in enumerate(range(0, len(rows), PAGE_ROWS)):
        part = {
            str(row.number): dict(row.contact) for row in rows[start : start + PAGE_ROWS] if is_reached(row.contact)
        }
        if part:
            await write_page(profile, _CATEGORY, page_name(batch_id, page), json.dumps(part))


async def read_contacts(profile: Profile, batch: Batch, numbers: Sequence[int]) -> Contacts:
    """Return how the people of these rows are reached; who is not is left out."""
    if not batch.contacts:
        return {}
    kept: dict[int, Mapping[str, str]] = {}
    async with profile.session() as session:
        for page in sorted({page_at(batch, number) for number in numbers}):
            entry = await session.handle.fetch(_CATEGORY, page_name(batch.id, page))
            kept |= {} if entry is None else {int(number): told for number, told in json.loads(entry.value).items()}
    return {number: kept[number] for number in numbers if number in kept}


async def forget_contact(profile: Profile, batch: Batch, number: int) -> None:
    """Remove how the person of a row is reached, for the rows beside it in one transaction."""
    place = page_name(batch.id, page_at(batch, number))
    async with profile.transaction() as session:
        entry = await session.handle.fetch(_CATEGORY, place, for_update=True)
        kept = {} if entry is None else json.loads(entry.value)
        if kept.pop(str(number), None) is None:
            return
        if kept:
            await session.handle.replace(_CATEGORY, place, json.dumps(kept))
        else:
            await session.handle.remove(_CATEGORY, place)
        await session.commit()


async def remove_contacts(profile: Profile, batch: Batch) -> None:
    """Remove how the people of a batch are reached; what is gone already is left so."""
    await remove_pages(profile, _CATEGORY, batch.id, len(batch.numbers))
