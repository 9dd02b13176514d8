"""Drafts: who may do what, four eyes, and changes that meet."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from wanderbuch.agents.authority.changes import ChangeError
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.drafts import Drafts
from wanderbuch.agents.authority.published import Published
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.findings import Finding
from wanderbuch.governance.form.model import ACCREDITATION, CROSSWALK
from wanderbuch.governance.form.records import ParticipantRecord
from wanderbuch.store.records import NotFoundError

from .conftest import AUTHORITY, CENTRE, HEADER, REDRESS, SCID, World, centre_record, hire
from .flow import FIRST, published, served, submitted

OTHER = f"did:webvh:{SCID}:galle.example.test:org"


async def test_a_draft_becomes_the_next_version_with_what_the_agent_fills_in(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    first = await published(desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    second = await published(desk, people, header={"description": "Two centres"})
    file = (await served(world)).file
    assert (first.state, first.version, second.version) == (DraftState.PUBLISHED, 1, 2)
    assert (file.version, file.description, file.last_updated) == (2, "Two centres", world.clock())
    assert [accreditation.id for accreditation in file.accreditations] == ["TVEC-1"]
    payload = await (await desk.publication.published()).payload()
    assert payload is not None
    assert payload["uri"].endswith("/governance/sri-lanka/current.jws")
    assert payload["current_version"].endswith("/versions/2.jws")
    assert [previous_version["version"] for previous_version in payload["previous_versions"]] == [1]


async def test_nobody_approves_what_they_had_a_hand_in(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "new centre")
    await desk.drafts.edit(draft.id, people.both, **FIRST)
    draft = await desk.drafts.submit(draft.id, people.editor)
    with pytest.raises(ForbiddenError, match="four eyes"):
        await desk.approve(draft.id, people.both, revision=draft.revision)
    with pytest.raises(ForbiddenError):
        await desk.approve(draft.id, people.second_editor, revision=draft.revision)
    assert (await desk.approve(draft.id, people.approver, revision=draft.revision)).state is DraftState.PUBLISHED


@pytest.mark.parametrize("hand", ["open", "schedule", "submit", "rebase"])
async def test_every_way_to_have_a_hand_in_a_draft_counts(world: World, hand: str) -> None:
    desk = world.desk()
    people = await hire(desk)
    both, editor = people.both, people.editor
    draft = await desk.drafts.open(both if hand == "open" else editor, "new centre")
    await desk.drafts.edit(draft.id, editor, **FIRST)
    if hand == "schedule":
        await desk.drafts.schedule(draft.id, both, world.clock() - timedelta(days=1))
    if hand == "rebase":
        await desk.drafts.rebase(draft.id, both)
    draft = await desk.drafts.submit(draft.id, both if hand == "submit" else editor)
    with pytest.raises(ForbiddenError, match="four eyes"):
        await desk.approve(draft.id, both, revision=draft.revision)


async def test_one_person_is_enough_only_where_four_eyes_are_switched_off(world: World) -> None:
    desk = world.desk(four_eyes=False)
    people = await hire(desk)
    draft = await desk.drafts.open(people.both, "new centre")
    await desk.drafts.edit(draft.id, people.both, **FIRST)
    draft = await desk.drafts.submit(draft.id, people.both)
    assert (await desk.approve(draft.id, people.both, revision=draft.revision)).state is DraftState.PUBLISHED


async def test_editors_and_approvers_keep_to_their_own(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    with pytest.raises(ForbiddenError):
        await desk.drafts.open(people.approver, "new centre")
    draft = await desk.drafts.open(people.editor, "new centre")
    for step in (
        desk.drafts.edit(draft.id, people.approver, **FIRST),
        desk.drafts.schedule(draft.id, people.approver, None),
        desk.drafts.submit(draft.id, people.approver),
        desk.drafts.rebase(draft.id, people.approver),
        desk.drafts.reject(draft.id, people.second_editor, "not mine"),
    ):
        with pytest.raises(ForbiddenError):
            await step
    await desk.officials.remove("ed")
    with pytest.raises(ForbiddenError):
        await desk.drafts.edit(draft.id, await desk.officials.get("ed"), header=HEADER)


async def test_what_is_approved_is_what_was_read(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await submitted(desk, people)
    with pytest.raises(RefusedError, match="revision"):
        await desk.approve(draft.id, people.approver, revision=draft.revision - 1)
    with pytest.raises(RefusedError, match="SUBMITTED"):
        await desk.drafts.edit(draft.id, people.editor, header={"name": "Swapped under the approver's eyes"})
    taken_back = await desk.drafts.rebase(draft.id, people.editor)
    assert taken_back.revision > draft.revision
    with pytest.raises(RefusedError):
        await desk.approve(draft.id, people.approver, revision=draft.revision)


async def test_two_who_approve_at_once_publish_one_version(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await submitted(desk, people)
    answers = await asyncio.gather(
        *(
            desk.approve(draft.id, official, revision=draft.revision)
            for official in (people.approver, people.second_approver) * 3
        ),
        return_exceptions=True,
    )
    done = [answer for answer in answers if isinstance(answer, Draft)]
    assert len(done) == 3
    assert {draft.approved_by for draft in done} in ({"ann"}, {"abe"})
    assert all(isinstance(answer, RefusedError) for answer in answers if not isinstance(answer, Draft))
    assert [version.version for version in await desk.publication.versions()] == [1]


async def test_steps_repeated_after_a_lost_answer_answer_as_before(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    request_id = "0" * 32
    first = await desk.drafts.open(people.editor, "new centre", draft_id=request_id)
    assert await desk.drafts.open(people.editor, "new  centre ", draft_id=request_id) == first
    with pytest.raises(RefusedError):
        await desk.drafts.open(people.second_editor, "new centre", draft_id=request_id)
    await desk.drafts.edit(first.id, people.editor, **FIRST)
    once = await desk.drafts.submit(first.id, people.editor)
    assert await desk.drafts.submit(first.id, people.editor) == once
    done = await desk.approve(first.id, people.approver, revision=once.revision)
    assert await desk.approve(first.id, people.approver, revision=once.revision) == done
    assert len(await desk.publication.versions()) == 1
    other = await submitted(desk, people, header={"description": "x"})
    rejected = await desk.reject(other.id, people.approver, "not now")
    assert await desk.reject(other.id, people.approver, "not now") == rejected


async def test_drafts_that_change_different_parts_are_both_published(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    one = await submitted(desk, people, header={"description": "From the first draft"})
    other = await submitted(desk, people, records={OTHER: {"description": {"name": "Galle Centre"}}})
    await desk.approve(other.id, people.approver, revision=other.revision)
    done = await desk.approve(one.id, people.approver, revision=one.revision)
    file = (await served(world)).file
    assert (done.state, file.version) == (DraftState.PUBLISHED, 3)
    assert (file.description, file.participant_name(OTHER)) == ("From the first draft", "Galle Centre")


async def test_drafts_that_change_one_part_are_told_and_nothing_is_lost(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people, header=HEADER, records={str(CENTRE): centre_record()})
    one = await submitted(
        desk, people, header={"description": "kept"}, records={str(CENTRE): centre_record(1, 2, name="One")}
    )
    await published(desk, people, records={str(CENTRE): centre_record(name="Other")})
    outdated = await desk.approve(one.id, people.approver, revision=one.revision)
    assert (outdated.state, outdated.conflicts) == (DraftState.OUTDATED, (str(CENTRE),))
    assert (await served(world)).file.version == 2
    assert [difference.key for difference in await desk.drafts.diff(one.id) if difference.conflict] == [str(CENTRE)]

    reopened = await desk.drafts.rebase(one.id, people.editor)
    with pytest.raises(RefusedError) as refused:
        await desk.drafts.submit(one.id, people.editor)
    assert refused.value.members["findings"][0]["rule"] == "changed-meanwhile"
    assert reopened.state is DraftState.OPEN

    await desk.drafts.rebase(one.id, people.editor, keep=[str(CENTRE)])
    again = await desk.drafts.submit(one.id, people.editor)
    done = await desk.approve(one.id, people.approver, revision=again.revision)
    file = (await served(world)).file
    assert (done.state, file.version, file.description) == (DraftState.PUBLISHED, 3, "kept")
    assert file.participant_name(CENTRE) == "One"


async def test_a_conflict_may_end_with_the_published_value(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    one = await submitted(desk, people, header={"name": "Mine", "description": "kept"})
    await published(desk, people, header={"name": "Theirs"})
    await desk.drafts.rebase(one.id, people.editor, drop=["name"])
    again = await desk.drafts.submit(one.id, people.editor)
    await desk.approve(one.id, people.approver, revision=again.revision)
    file = (await served(world)).file
    assert (file.name, file.description) == ("Theirs", "kept")


async def test_the_same_change_in_two_drafts_is_no_conflict(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    one = await submitted(desk, people, header={"description": "same"})
    await published(desk, people, header={"description": "same"})
    assert (await desk.approve(one.id, people.approver, revision=one.revision)).state is DraftState.PUBLISHED


async def test_an_edit_is_whole_or_not_at_all_and_can_be_taken_back(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "new centre")
    with pytest.raises(ChangeError):
        await desk.drafts.edit(draft.id, people.editor, header={"name": "New", "version": 9})
    assert await desk.drafts.changes(draft.id) == []
    first = await desk.drafts.edit(draft.id, people.editor, **FIRST)
    with pytest.raises(RefusedError, match="meanwhile"):
        await desk.drafts.edit(draft.id, people.editor, header={"name": "Late"}, revision=first.revision - 1)
    await desk.drafts.edit(draft.id, people.editor, undo=["schemas", str(CENTRE)], revision=first.revision)
    assert [change.key for change in await desk.drafts.changes(draft.id)] == ["name"]
    await desk.drafts.edit(draft.id, people.editor, header={"name": None})
    assert await desk.drafts.changes(draft.id) == []
    with pytest.raises(RefusedError, match="changes nothing"):
        await desk.drafts.submit(draft.id, people.editor)


@pytest.mark.parametrize(
    "edits",
    [
        {"header": {"participants": {}}},
        {"header": {"id": "another"}},
        {"header": {DESCRIPTION: {}}},
        {"header": {ACCREDITATION: {}}},
        {"header": {"name": 1.5e400}},
        {"header": {"name": 2**60}},
        {"records": {"not a did": {}}},
        {"records": {str(CENTRE): {"accreditation": []}}},
        {"records": {str(CENTRE): {"did": OTHER}}},
    ],
)
async def test_refuses_edits_of_what_is_no_part(world: World, edits: dict[str, Any]) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "new centre")
    with pytest.raises(ChangeError):
        await desk.drafts.edit(draft.id, people.editor, **edits)


async def test_a_draft_with_mistakes_is_not_submitted_and_says_where(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "new centre")
    wrong = centre_record()
    wrong["accreditations"][0]["occupations"] = ["C9999"]
    await desk.drafts.edit(draft.id, people.editor, header=HEADER, records={str(CENTRE): wrong})
    with pytest.raises(RefusedError) as refused:
        await desk.drafts.submit(draft.id, people.editor)
    assert "occupation-known" in [finding["rule"] for finding in refused.value.members["findings"]]


async def test_whom_to_appeal_to_is_written_where_nobody_says_it(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    silent = centre_record(1, 2)
    del silent["accreditations"][0]["redress"]
    silent["accreditations"][1]["redress"] = "https://other.example.test/"
    await published(desk, people, header=HEADER, records={str(CENTRE): silent})
    assert [accreditation.redress for accreditation in (await served(world)).file.accreditations] == [
        REDRESS,
        "https://other.example.test/",
    ]


async def test_a_scheduled_draft_is_published_when_it_is_due_and_not_before(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.drafts.open(people.editor, "from the new year on")
    await desk.drafts.edit(draft.id, people.editor, header={"description": "New rules"})
    await desk.drafts.schedule(draft.id, people.editor, world.clock() + timedelta(hours=2))
    draft = await desk.drafts.submit(draft.id, people.editor)
    waiting = await desk.approve(draft.id, people.approver, revision=draft.revision)
    world.clock.advance(hours=1, minutes=59)
    await desk.go_on()
    assert (waiting.state, (await served(world)).file.version) == (DraftState.SCHEDULED, 1)
    world.clock.advance(minutes=1)
    await world.desk().go_on()
    file = (await served(world)).file
    assert (file.version, file.description, file.last_updated) == (2, "New rules", world.clock())


async def test_a_scheduled_draft_can_be_stopped_by_an_approver_and_a_published_one_not(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    done = await published(desk, people)
    with pytest.raises(RefusedError, match="published as version 1"):
        await desk.reject(done.id, people.approver, "too late")
    draft = await desk.drafts.open(people.editor, "later")
    await desk.drafts.edit(draft.id, people.editor, header={"description": "New rules"})
    await desk.drafts.schedule(draft.id, people.editor, world.clock() + timedelta(hours=2))
    draft = await desk.drafts.submit(draft.id, people.editor)
    await desk.approve(draft.id, people.approver, revision=draft.revision)
    stopped = await desk.reject(draft.id, people.second_approver, "the law was changed")
    world.clock.advance(hours=3)
    await desk.go_on()
    assert (stopped.state, (await served(world)).file.version) == (DraftState.REJECTED, 1)


async def test_statements_of_the_author_are_parts_of_the_header(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    crosswalk = {
        "version": "nvq-eqf-2024",
        "framework": "LK-NVQ",
        "valid_from": "2024-01-01",
        "levels": [{"level": "3", "eqf": 3}],
        "source": "Example table",
    }
    await published(desk, people)
    await published(desk, people, header={CROSSWALK: {str(AUTHORITY): {"crosswalks": [crosswalk]}}})
    assert [crosswalk.version for crosswalk in (await served(world)).file.crosswalks] == ["nvq-eqf-2024"]
    await published(desk, people, header={CROSSWALK: None})
    assert (await served(world)).file.crosswalks == ()


@pytest.mark.parametrize("why", ["", "  ", "x" * 2001])
async def test_refuses_a_reason_that_is_none_or_too_long(world: World, why: str) -> None:
    desk = world.desk()
    people = await hire(desk)
    with pytest.raises(MalformedError):
        await desk.drafts.open(people.editor, why)


async def test_refuses_what_is_not_there(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    with pytest.raises(NotFoundError):
        await desk.drafts.edit("nothing", people.editor, header=HEADER)
    with pytest.raises(NotFoundError):
        await desk.approve("nothing", people.approver, revision=0)


class _Interrupted:
    """The file that is published now; whoever reads records of it gives others the time to act."""

    def __init__(self, published: Published, act: Callable[[], Awaitable[object]]) -> None:
        self._held = published
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held, name)

    async def records_of(self, dids: Iterable[str]) -> Mapping[str, ParticipantRecord]:
        await self._act()
        return await self._held.records_of(dids)


async def test_what_was_approved_does_not_change_under_a_rebase_that_takes_its_time(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "new centre")
    await desk.drafts.edit(draft.id, people.editor, **FIRST)

    async def approve() -> None:
        given = await desk.drafts.submit(draft.id, people.second_editor)
        await desk.drafts.approve(draft.id, people.approver, revision=given.revision)

    async def base() -> Any:
        return _Interrupted(await desk.publication.published(), approve)

    async def check(*_: object) -> list[Finding]:
        return []

    slow = Drafts(world.profile, base=base, check=check, four_eyes=True, redress=REDRESS, clock=world.clock)
    approved = await desk.drafts.changes(draft.id)
    with pytest.raises(RefusedError):
        await slow.rebase(draft.id, people.editor, drop=["name"])
    assert (await desk.drafts.get(draft.id)).state is DraftState.APPROVED
    assert await desk.drafts.changes(draft.id) == approved


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00"])
async def test_a_draft_is_not_scheduled_for_an_instant_that_no_calendar_has(world: World, instant: str) -> None:
    desk = world.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "some day")
    with pytest.raises(MalformedError):
        await desk.drafts.schedule(draft.id, people.editor, datetime.fromisoformat(instant))
