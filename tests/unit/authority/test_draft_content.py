"""What a draft changed, how it is given up, and that what is published is what was approved."""

from datetime import UTC, datetime
from typing import Any

import pytest

from wanderbuch.agents.authority.changes import Change, PartKind
from wanderbuch.agents.authority.draft import Draft, DraftChange, DraftState, change_id, changes_digest
from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.governance.signed.history import Action
from wanderbuch.store.records import RecordStore

from .conftest import CENTRE, HEADER, World, centre_record, hire, registry
from .flow import FIRST, published, served, submitted

WHY = "assessments were not supervised"


async def test_what_a_published_draft_changed_is_still_told_after_later_versions(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    first = await published(desk, people, header=HEADER, records={str(CENTRE): centre_record(name="First")})
    second = await published(desk, people, records={str(CENTRE): centre_record(name="Second")})
    await published(desk, people, records={str(CENTRE): centre_record(name="Third")})

    async def told(draft: Draft) -> list[tuple[str, Any, Any, bool]]:
        differences = await desk.drafts.diff(draft.id, base=await desk.compared_with(draft))
        return [
            (
                difference.key,
                (difference.before or {}).get("description"),
                difference.after.get("description"),
                difference.conflict,
            )
            for difference in differences
            if difference.kind is PartKind.RECORD
        ]

    assert await told(first) == [(str(CENTRE), None, {"name": "First"}, False)]
    assert await told(second) == [(str(CENTRE), {"name": "First"}, {"name": "Second"}, False)]
    assert (await desk.compared_with(first)).version is None
    assert (await desk.compared_with(second)).version == 1


async def test_a_draft_that_is_not_published_is_compared_with_what_is(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await submitted(desk, people, header={"description": "x"})
    assert (await desk.compared_with(draft)).version == 1


async def test_what_a_suspension_changed_is_told_too(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.suspend(str(CENTRE), people.approver, why=WHY, statuses=[registry()])
    [difference] = await desk.drafts.diff(draft.id, base=await desk.compared_with(draft))
    assert "status" not in difference.before["accreditations"][0]
    assert difference.after["accreditations"][0]["status"][-1]["status"] == "suspended"


@pytest.mark.parametrize("state", [DraftState.OPEN, DraftState.SUBMITTED, DraftState.REJECTED])
async def test_an_editor_gives_up_an_own_draft_for_good(world: World, state: DraftState) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "new centre")
    await desk.drafts.edit(draft.id, people.editor, **FIRST)
    if state is not DraftState.OPEN:
        await desk.drafts.submit(draft.id, people.editor)
    if state is DraftState.REJECTED:
        await desk.reject(draft.id, people.approver, "not now")
    for somebody in (people.second_editor, people.approver):
        with pytest.raises(ForbiddenError):
            await desk.drafts.discard(draft.id, somebody)
    discarded = await desk.drafts.discard(draft.id, people.editor)
    assert (discarded.state, discarded.trail[-1].what) == (DraftState.DISCARDED, "discard")
    assert await desk.drafts.discard(draft.id, people.editor) == discarded
    assert len(await desk.drafts.changes(draft.id)) == 3  # nothing is deleted
    with pytest.raises(RefusedError):
        await desk.drafts.rebase(draft.id, people.editor)
    with pytest.raises(RefusedError):
        await desk.drafts.edit(draft.id, people.editor, header=HEADER)
    with pytest.raises(RefusedError):
        await desk.approve(draft.id, people.approver, revision=discarded.revision)


async def test_what_is_approved_or_published_is_not_given_up(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await submitted(desk, people)
    await desk.drafts.approve(draft.id, people.approver, revision=draft.revision)
    with pytest.raises(RefusedError, match="APPROVED"):
        await desk.drafts.discard(draft.id, people.editor)
    await desk.go_on()
    with pytest.raises(RefusedError, match="PUBLISHED"):
        await desk.drafts.discard(draft.id, people.editor)


async def test_the_trail_says_which_content_was_submitted_and_approved(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await submitted(desk, people)
    digest = changes_digest(await desk.drafts.changes(draft.id))
    assert draft.digest == digest
    with pytest.raises(RefusedError, match="other content"):
        await desk.approve(draft.id, people.approver, revision=draft.revision, digest="sha256:00")
    done = await desk.approve(draft.id, people.approver, revision=draft.revision, digest=digest)
    steps = [(step.what, step.revision, step.digest) for step in done.trail if step.digest]
    assert steps == [("submit", draft.revision, digest), ("approve", draft.revision, digest)]
    again = await submitted(desk, people, header={"description": "x"})
    assert again.digest != digest
    assert (await desk.drafts.rebase(again.id, people.editor)).digest is None


@pytest.mark.parametrize("swap", ["value", "one more", "one less"])
async def test_changes_that_nobody_approved_are_not_published(world: World, swap: str) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await submitted(desk, people, header={"description": "as read"})
    await desk.drafts.approve(draft.id, people.approver, revision=draft.revision)
    place = change_id(draft.id, PartKind.HEADER, "description")
    async with world.profile.session() as session:  # somebody at the store itself
        if swap == "value":
            kept = DraftChange.read(await session.handle.fetch(DraftChange.category, place))
            other = kept.model_copy(update={"value": "as nobody read"})
            await session.handle.replace(DraftChange.category, place, other.model_dump_json(), other.tags())
        elif swap == "one more":
            more = DraftChange.of(draft.id, Change(PartKind.HEADER, "docs_uri", "https://other.example.test/", None))
            await session.handle.insert(DraftChange.category, more.id, more.model_dump_json(), more.tags())
        else:
            await session.handle.remove(DraftChange.category, place)
    await desk.go_on()
    assert (await desk.drafts.get(draft.id)).state is DraftState.APPROVED
    assert (await served(world)).file.version == 1
    with pytest.raises(RefusedError, match="not what was approved"):
        await desk.approve(draft.id, people.approver, revision=draft.revision)
    await desk.reject(draft.id, people.approver, "the store was changed")
    assert (await desk.drafts.rebase(draft.id, people.editor)).state is DraftState.OPEN


def test_the_digest_is_that_of_the_changes_in_whichever_order_and_form() -> None:
    one = Change(PartKind.RECORD, "did:x:1", {"a": 1, "b": [2]}, None)
    other = Change(PartKind.HEADER, "name", "x", "0" * 64)
    same = Change(PartKind.RECORD, "did:x:1", {"b": [2], "a": 1}, None)
    assert changes_digest([one, other]) == changes_digest([other, same])
    removed = Change(PartKind.RECORD, "did:x:1", None, None)
    assert len({changes_digest(changes) for changes in ([], [one], [other], [removed], [one, other])}) == 5


async def test_a_draft_that_was_kept_before_there_were_several_approvals_is_read(world: World) -> None:
    """Source: what the store held up to the commit before the floor of work."""
    at = datetime(2026, 11, 22, 9, 0, tzinfo=UTC).isoformat()
    trail = [{"at": at, "who": who, "what": what, "why": None} for who, what in (("ed", "submit"), ("ann", "approve"))]
    kept = {
        "id": "1" * 32,
        "created_at": at,
        "why": "new centre",
        "state": "SCHEDULED",
        "action": Action.PUBLICATION.value,
        "rotated_from": None,
        "revision": 2,
        "base_version": 1,
        "opened_by": "ed",
        "editors": ["ed"],
        "not_before": at,
        "approved_by": "ann",
        "approved_revision": 2,
        "version": None,
        "conflicts": [],
        "trail": trail,
    }
    draft = Draft.model_validate(kept)
    assert (draft.approved_by, [step.revision for step in draft.approvals]) == ("ann", [2])
    await RecordStore(world.profile, Draft).insert(draft)
    assert await RecordStore(world.profile, Draft).get(draft.id) == draft
    assert Draft.model_validate(kept | {"approved_by": None, "approved_revision": None}).approvals == ()
