"""The changes of drafts in the wallet store, and how they stand beside the file that is published now."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.changes import Change, PartKind, fingerprint, header_part, in_conflict
from wanderbuch.agents.authority.draft import DraftChange, change_id
from wanderbuch.governance.form.records import ParticipantRecord, Payload
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.writing import Writing


class Base(Protocol):
    """A version of the governance file, such as the one that is published now; empty before the first version."""

    @property
    def version(self) -> int | None:
        """Its version, None if there is none yet."""
        ...

    @property
    def header(self) -> Payload:
        """Everything but the records."""
        ...

    async def record(self, did: str) -> ParticipantRecord | None:
        """Return the record of one participant, None if there is none."""
        ...

    async def records_of(self, dids: Iterable[str]) -> Mapping[str, ParticipantRecord]:
        """Return the records of these participants, as far as there are any."""
        ...

    async def records(self) -> Mapping[str, ParticipantRecord]:
        """Return all records by DID."""
        ...


@dataclass(frozen=True, slots=True)
class PartDifference:
    """What a draft makes of one part.

    Args:
        before, after: the part without the draft and as the draft has it; None where there is none.
        conflict: whether the value before is not the one that the change was made against.
    """

    kind: PartKind
    key: str
    before: Any
    after: Any
    conflict: bool


async def read_changes(profile: Profile, draft_id: str) -> list[Change]:
    """Return the changes of a draft, in the order in which their parts were first changed."""
    async with profile.session() as session:
        entries = await fetch_entries(session, DraftChange.category, {"draft_id": draft_id}, order_by="id")
    return await asyncio.to_thread(lambda: [DraftChange.read(entry).change for entry in entries])


async def insert_change(store: Writing, draft_id: str, change: Change) -> None:
    """Add a change of a part that the draft did not change before."""
    kept = DraftChange.of(draft_id, change)
    await store.handle.insert(kept.category, kept.id, kept.model_dump_json(), kept.tags())


async def put_change(store: Writing, draft_id: str, change: Change) -> None:
    """Add a change, or put it in the place of the one of the same part; one that changes nothing is taken out."""
    place = change_id(draft_id, change.kind, change.key)
    entry = await store.handle.fetch(DraftChange.category, place)
    if entry is None:
        if fingerprint(change.value) != change.was:
            await insert_change(store, draft_id, change)
        return
    was = DraftChange.read(entry).was  # a conflict is ended by `Drafts.rebase` only
    if fingerprint(change.value) == was:
        await store.handle.remove(DraftChange.category, place)
    else:
        await _replace(store, DraftChange.of(draft_id, replace(change, was=was)))


async def take_out(store: Writing, draft_id: str, keys: Collection[str]) -> None:
    """Take the changes of the parts with these names out of a draft, as far as there are any."""
    for kind in PartKind:
        for key in keys:
            place = change_id(draft_id, kind, key)
            if await store.handle.fetch(DraftChange.category, place) is not None:
                await store.handle.remove(DraftChange.category, place)


async def make_against(store: Writing, draft_id: str, change: Change, now: Any) -> None:
    """Let a change count as made against the value `now`, if it still is in the draft."""
    place = change_id(draft_id, change.kind, change.key)
    entry = await store.handle.fetch(DraftChange.category, place)
    if entry is not None:
        await _replace(store, DraftChange.read(entry).model_copy(update={"was": fingerprint(now)}))


async def beside(base: Base, changes: Sequence[Change]) -> list[tuple[Change, Any]]:
    """Return each change beside the value that its part has in a version."""
    records = await base.records_of(change.key for change in changes if change.kind is PartKind.RECORD)
    return [
        (change, records.get(change.key) if change.kind is PartKind.RECORD else header_part(base.header, change.key))
        for change in changes
    ]


async def conflicting(base: Base, changes: Sequence[Change]) -> list[Change]:
    """Return the changes whose parts were changed meanwhile in `base`, too."""
    return [change for change, now in await beside(base, changes) if in_conflict(change, now)]


async def _replace(store: Writing, kept: DraftChange) -> None:
    await store.handle.replace(kept.category, kept.id, kept.model_dump_json(), kept.tags())
