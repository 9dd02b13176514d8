"""Short ways through the desk, for tests about what comes after."""

from typing import Any

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import Draft
from wanderbuch.governance.signed.freshness import FreshnessStatement, verify_freshness
from wanderbuch.governance.signed.history import HistoryEntry, entries_match, read_entries
from wanderbuch.governance.signed.signing import SignedGovernanceFile, verify_file

from .conftest import AUTHORITY, CENTRE, HEADER, People, World, centre_record

FIRST: dict[str, Any] = {"header": HEADER, "records": {str(CENTRE): centre_record()}}


async def submitted(desk: Desk, people: People, *, why: str = "new centre", **edits: Any) -> Draft:
    """Return a draft with these edits, submitted by the first editor."""
    draft = await desk.drafts.open(people.editor, why)
    await desk.drafts.edit(draft.id, people.editor, **(edits or FIRST))
    return await desk.drafts.submit(draft.id, people.editor)


async def published(desk: Desk, people: People, *, why: str = "new centre", **edits: Any) -> Draft:
    """Return a draft with these edits after its approval."""
    draft = await submitted(desk, people, why=why, **edits)
    return await desk.approve(draft.id, people.approver, revision=draft.revision)


async def served(world: World) -> SignedGovernanceFile:
    """Return what a consumer reads, checked as a consumer checks it."""
    return await verify_file(world.file("current.jws"), author=AUTHORITY, resolve_key=world.resolve)


async def fresh(world: World) -> FreshnessStatement:
    """Return the freshness statement, checked; it speaks of what is served."""
    statement = await verify_freshness(
        world.file("freshness.jws"), author=AUTHORITY, resolve_key=world.resolve, at=world.clock()
    )
    assert statement.ref == (await served(world)).ref
    return statement


async def told(world: World) -> list[HistoryEntry]:
    """Return the published history, checked against the signed head; the served version is among it."""
    statement = await fresh(world)
    assert statement.history is not None
    entries = read_entries(world.file("history/entries.jsonl"), size=statement.history.size)
    assert entries_match(entries, statement.history)
    assert statement.digest in [entry.digest for entry in entries]
    return entries
