"""An authority whose wallet went back, beside a public folder that did not."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.memory_wallet import memory_wallet

from wanderbuch.agents.authority.after_restore import AuthorityTakenUp, take_up_authority
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.work.case import Step
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.signed.jws import unverified_payload
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.store.records import RecordStore

from .conftest import HEADER, Key, World, hire, payload
from .flow import published, submitted

HISTORY = "history/entries.jsonl"


async def as_it_is(world: World) -> World:
    """The same world, with a copy of the wallet as it is now."""
    copy = await memory_wallet()
    async with world.profile.session() as session, copy.session() as target:
        for entry in list(await session.handle.fetch_all(None)):
            await target.handle.insert(entry.category, entry.name, entry.value, entry.tags)
    return replace(world, profile=copy)


async def taken_up(world: World) -> AuthorityTakenUp:
    publication = world.publication()
    return await take_up_authority(world.profile, publication.place, FolderPublisher(world.folder), world.key.resolve)


@pytest.mark.parametrize("divide_above_bytes", [1024 * 1024, 1])
async def test_versions_and_history_that_were_published_since_are_taken_up(
    world: World, divide_above_bytes: int
) -> None:
    world.divide_above_bytes = divide_above_bytes
    await world.publication().publish(payload(1))
    restored = await as_it_is(world)
    for number in (2, 3):
        world.clock.advance(minutes=1)
        await world.publication().publish(payload(number))
    history, current = world.file(HISTORY), world.file("current.jws")

    assert await taken_up(restored) == AuthorityTakenUp(2, (2, 3))
    assert await taken_up(restored) == AuthorityTakenUp(0, ())

    publication = restored.publication()
    await publication.repair()
    assert (world.file(HISTORY), world.file("current.jws")) == (history, current)
    assert [version.version for version in await publication.versions()] == [3, 2, 1]
    read = await (await publication.published()).payload()
    assert read is not None
    assert read["version"] == 3
    assert (await publication.publish(payload(4)))[0].version == 4
    assert world.file(HISTORY).startswith(history)
    assert json.loads(unverified_payload(world.file("current.jws")))["version"] == 4


async def test_nothing_is_taken_up_where_nothing_is_newer(world: World) -> None:
    assert await taken_up(world) == AuthorityTakenUp(0, ())
    await world.publication().publish(payload(1))
    assert await taken_up(world) == AuthorityTakenUp(0, ())


async def test_another_history_is_refused(world: World) -> None:
    await world.publication().publish(payload(1))
    restored = await as_it_is(world)
    await world.publication().publish(payload(2))
    path = world.folder / "governance" / "sri-lanka" / HISTORY
    path.write_bytes(path.read_bytes().replace(b"operator", b"somebody", 1))
    with pytest.raises(ConfigurationError, match="history is another one"):
        await taken_up(restored)


async def test_a_version_that_another_key_signed_is_refused(world: World) -> None:
    await world.publication().publish(payload(1))
    restored = replace(await as_it_is(world), key=Key())
    await world.publication().publish(payload(2))
    with pytest.raises(ConfigurationError, match="version 2 as it is published is not ours"):
        await taken_up(restored)
    assert [version.version for version in await restored.publication().versions()] == [1]


async def test_a_version_that_the_folder_has_lost_is_refused(world: World) -> None:
    await world.publication().publish(payload(1))
    restored = await as_it_is(world)
    await world.publication().publish(payload(2))
    (world.folder / "governance" / "sri-lanka" / "versions" / "2.jws").unlink()
    with pytest.raises(ConfigurationError, match=r"has lost governance/sri-lanka/versions/2\.jws"):
        await taken_up(restored)


async def test_another_version_of_the_same_number_is_refused(world: World) -> None:
    """As after two stores went on from one backup: the histories are as long, and not the same."""
    await world.publication().publish(payload(1))
    restored = await as_it_is(world)
    theirs = payload(2)
    await world.publication().publish(theirs | {"description": "theirs"})
    path = world.folder / "governance" / "sri-lanka" / "versions" / "2.jws"
    kept, history = path.read_bytes(), world.file(HISTORY)
    path.unlink()
    (world.folder / "governance" / "sri-lanka" / HISTORY).write_bytes(history.splitlines(keepends=True)[0])
    await restored.publication().publish(payload(2))
    assert await taken_up(restored) == AuthorityTakenUp(0, ())
    path.write_bytes(kept)
    with pytest.raises(ConfigurationError, match="another version 2 is published than the wallet's"):
        await taken_up(restored)


@pytest.mark.parametrize("state", Draft.course.approved_states)
async def test_what_was_approved_is_not_published_by_itself_beside_versions_of_since(
    world: World, state: DraftState
) -> None:
    await world.publication().publish(payload(1))
    drafts = RecordStore(world.profile, Draft)
    members = {"opened_by": "ed", "editors": ("ed",), "trail": (Step(at=world.clock(), who="ann", what="approve"),)}
    draft = Draft(id="a" * 32, created_at=world.clock(), why="approved", state=state, **members)
    await drafts.insert(draft)
    assert await taken_up(world) == AuthorityTakenUp(0, ())
    assert (await drafts.get(draft.id)).state is state
    restored = await as_it_is(world)
    await world.publication().publish(payload(2))
    assert await taken_up(restored) == AuthorityTakenUp(1, (2,), sent_back=1)
    sent_back = await RecordStore(restored.profile, Draft).get(draft.id)
    assert sent_back.state is DraftState.OUTDATED
    assert "restored from a backup" in str(sent_back.trail[-1].why)
    assert await taken_up(restored) == AuthorityTakenUp(0, ())


async def test_what_was_under_review_is_discarded_beside_its_version_and_the_next_one_follows(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    reviewed = await submitted(desk, people, header={"description": "Reviewed"})
    restored = await as_it_is(world)
    world.clock.advance(minutes=1)
    assert (await desk.approve(reviewed.id, people.approver, revision=reviewed.revision)).version == 2
    history = world.file(HISTORY)

    assert await taken_up(restored) == AuthorityTakenUp(1, (2,))
    later = restored.desk()
    assert (await later.drafts.get(reviewed.id)).state is DraftState.SUBMITTED
    await later.drafts.discard(reviewed.id, people.editor)
    assert (await published(later, people, header={"description": "Next"})).version == 3
    assert world.file(HISTORY).startswith(history)
    assert len(world.file(HISTORY).splitlines()) == len(history.splitlines()) + 1


async def test_a_decision_that_was_undone_since_is_not_taken_again(world: World) -> None:
    """Approved before the backup and not due yet; published, and taken back by a later version, after it."""
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.drafts.open(people.editor, "for a day")
    await desk.drafts.edit(draft.id, people.editor, header={"name": "For a day"})
    await desk.drafts.schedule(draft.id, people.editor, world.clock() + timedelta(hours=1))
    draft = await desk.drafts.submit(draft.id, people.editor)
    assert (await desk.approve(draft.id, people.approver, revision=draft.revision)).state is DraftState.SCHEDULED
    restored = await as_it_is(world)
    world.clock.advance(hours=2)
    await desk.go_on()
    assert (await published(desk, people, header={"name": HEADER["name"]})).version == 3

    assert await taken_up(restored) == AuthorityTakenUp(2, (2, 3), sent_back=1)
    await restored.desk().go_on()
    assert json.loads(unverified_payload(world.file("current.jws")))["version"] == 3
