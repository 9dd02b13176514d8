"""Decided drafts and published versions are told to the event log."""

from tests.unit.told import tell_what_was_cut, told

from .conftest import CENTRE, HEADER, World, centre_record, hire
from .flow import published, submitted


async def test_what_is_published_is_told_with_its_version(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    first = await published(desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    second = await published(desk, people, header={"description": "Two centres"})
    assert await told(world.profile) == [
        ("version.published", "1", {"version": 1}),
        ("draft.decided", first.id, {"state": "PUBLISHED"}),
        ("version.published", "2", {"version": 2}),
        ("draft.decided", second.id, {"state": "PUBLISHED"}),
    ]
    await desk.publication.repair()
    await desk.go_on()
    assert len(await told(world.profile)) == 4
    assert await tell_what_was_cut(world.profile) == 0


async def test_a_draft_that_is_sent_back_twice_is_told_twice(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await submitted(desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    for _ in range(2):
        await desk.reject(draft.id, people.approver, "not yet")
        await desk.reject(draft.id, people.approver, "not yet")  # the answer was lost
        await desk.drafts.rebase(draft.id, people.editor)
        await desk.drafts.submit(draft.id, people.editor)
    assert await told(world.profile) == [("draft.decided", draft.id, {"state": "REJECTED"})] * 2
