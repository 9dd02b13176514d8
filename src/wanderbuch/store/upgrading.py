"""Records that an older version wrote become records of this version, before anybody reads them.

Each kind says which of its entries are old and what becomes of them (`OlderRecords`). A tenant's are looked through
once, when it is first opened by a version that knows of them; `built` notes that. A record and its markers are written
in one transaction, so a crash leaves an entry old or new, and the next start goes on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from acapy_agent.core.profile import Profile
from aries_askar import Entry, Session

from wanderbuch.store.markers import marker_entries
from wanderbuch.store.rebuild import Rebuild, pages_of
from wanderbuch.store.record import Record

type Kept = dict[str, Any]
"""A record as an older version kept it, read from JSON."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """What becomes of an old record.

    Args:
        record: as it is kept from now on, without what has become of it.
        markers: what has become of it, by name.
        beside: further entries: category, name and value. One that is there already stays.
    """

    record: Record
    markers: Mapping[str, Mapping[str, Any]]
    beside: Sequence[tuple[str, str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class OlderRecords:
    """How the records of a kind that an older version wrote are brought up.

    Args:
        category: of the entries.
        mark: the name of a member that old ones have and new ones have not.
        renew: returns what becomes of one; None: it goes.
    """

    category: str
    mark: str
    renew: Callable[[Kept], Renewed | None]


async def upgrade_records(profile: Profile, tenant: str, rebuild: Rebuild, older: Sequence[OlderRecords]) -> int:
    """Bring up what older versions wrote, once a tenant, and return how many records that were."""
    upgraded = 0
    for kind in older:
        if await rebuild.is_noted(tenant, _note(kind), kind.mark):
            continue
        async for page in pages_of(profile, kind.category):
            if names := [entry.name for entry in page if _is_old(entry, kind)]:
                upgraded += await _renew(profile, kind, names)
        await rebuild.note(tenant, _note(kind), kind.mark)
    return upgraded


async def _renew(profile: Profile, kind: OlderRecords, names: Sequence[str]) -> int:
    renewed = 0
    async with profile.transaction() as session:
        for name in names:
            entry = await session.handle.fetch(kind.category, name, for_update=True)
            if entry is None or not _is_old(entry, kind):  # another process was faster
                continue
            await _write(session.handle, kind, name, kind.renew(json.loads(entry.value)))
            renewed += 1
        await session.commit()
    return renewed


async def _write(handle: Session, kind: OlderRecords, name: str, new: Renewed | None) -> None:
    if new is None:
        await handle.remove(kind.category, name)
        return
    for category, beside, value in new.beside:
        if await handle.fetch(category, beside) is None:
            await handle.insert(category, beside, value)
    for category, place, text in marker_entries(new.record, new.markers):
        await handle.insert(category, place, text)
    if new.record.id == name:
        await handle.replace(kind.category, name, new.record.model_dump_json())
        return
    await handle.remove(kind.category, name)
    await handle.insert(kind.category, new.record.id, new.record.model_dump_json())


def _is_old(entry: Entry, kind: OlderRecords) -> bool:
    value = bytes(entry.value)
    return f'"{kind.mark}"'.encode() in value and kind.mark in json.loads(value)


def _note(kind: OlderRecords) -> str:
    return f"{kind.category}{_NOTE}"


_NOTE: Final = ".older"
