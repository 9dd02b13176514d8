"""Suspension in one action, rotation of the key, refusals, and what a crash leaves of them."""

import asyncio
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.publication import PublicationRefusedError
from wanderbuch.agents.authority.reviews import ReviewFinding, ReviewState
from wanderbuch.agents.authority.suspension import SuspensionError, reinstated
from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.errors import ConfigurationError, GovernanceError, ResolutionError
from wanderbuch.governance.facts.file import Status
from wanderbuch.governance.signed.merkle import leaf_hash, verify_consistency, verify_inclusion
from wanderbuch.governance.signed.signing import verify_file
from wanderbuch.plugins.webvh.publisher import FolderPublisher

from .conftest import AUTHORITY, CENTRE, HEADER, SCID, World, centre_record, hire, registry
from .flow import FIRST, fresh, published, served, submitted, told

WHY = "assessments were not supervised"
GALLE = f"did:webvh:{SCID}:galle.example.test:org"


class PowerCutError(Exception):
    """The power went off."""


class FailingPublisher(FolderPublisher):
    """A public folder that fails when a certain file is written for the n-th time."""

    def __init__(self, folder, failing: str, error: Exception, *, after: int = 0) -> None:
        super().__init__(folder)
        self._failing, self._error, self._after = failing, error, after

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        if path.endswith(self._failing):
            self._after -= 1
            if self._after < 0:
                raise self._error
        await super().put(path, body, content_type, number=number)


async def test_one_approver_suspends_an_issuer_at_once(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people, header=FIRST["header"], records={str(CENTRE): centre_record(1, 2)})
    draft = await desk.suspend(
        str(CENTRE), people.approver, why=WHY, effective_from=date(2026, 6, 1), statuses=[registry("R")]
    )
    file = (await served(world)).file
    assert (draft.state, draft.version, file.version) == (DraftState.PUBLISHED, 2, 2)
    assert {accreditation.status for accreditation in file.accreditations} == {Status.SUSPENDED}
    change = file.accreditations[0].changes[-1]
    assert (change.decided_on, change.effective_from) == (world.clock().date(), date(2026, 6, 1))
    assert (change.statuses, change.reason) == (frozenset({registry("R")}), WHY)
    assert (await fresh(world)).version == 2


async def test_a_suspension_without_registries_leaves_nothing_that_counts(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    await desk.suspend(str(CENTRE), people.approver, why=WHY)
    lapse = (await served(world)).file.accreditations[0].lapses[0]
    assert (lapse.lasts, lapse.statuses_before) == (True, frozenset())


@pytest.mark.parametrize(
    ("asked", "pinned"),
    [
        ({}, {registry("R"), registry("Q")}),
        ({"statuses": [registry("S")]}, {registry("S")}),
        ({"nothing_counts": True}, set()),
    ],
)
async def test_a_suspension_pins_the_registries_that_the_issuer_has_published_unless_told_otherwise(
    world: World, asked: dict[str, Any], pinned: set[str]
) -> None:
    async def find(issuer: str) -> list[str]:
        return [registry("R"), registry("Q")] if issuer == CENTRE else []

    desk = world.desk(find_statuses=find)
    people = await hire(desk)
    await published(desk, people)
    await desk.suspend(str(CENTRE), people.approver, why=WHY, **asked)
    assert (await served(world)).file.accreditations[0].changes[-1].statuses == pinned


async def test_an_issuer_cannot_stop_its_suspension_by_listing_very_many_registries(world: World) -> None:
    async def find(_: str) -> list[str]:
        some = registry("R")[:-3]
        return [some + "".join(end) for end in product("123456789ABCDEFGHJKL", repeat=3)]

    world.divide_above_bytes = 64 * 1024
    desk = world.desk(find_statuses=find)
    people = await hire(desk)
    await published(desk, people, header=HEADER, records={str(CENTRE): centre_record(*range(1, 21))})
    draft = await desk.suspend(str(CENTRE), people.approver, why=WHY)
    assert draft.state is DraftState.PUBLISHED
    record = await (await desk.publication.published()).record(str(CENTRE))
    assert record is not None
    assert [accreditation["status"][-1]["statuses"] for accreditation in record["accreditations"]] == [[]] * 20


def many_registries(count: int, issuer: str = str(CENTRE)) -> list[str]:
    ends = ("".join(end) for end in product("123456789ABCDEFGHJKL", repeat=2))
    return [f"{issuer}/resources/zQm{'R' * 42}{end}" for end, _ in zip(ends, range(count), strict=False)]


@pytest.mark.parametrize(
    ("listed", "pinned", "note"),
    [
        (many_registries(100), 100, "named as the issuer itself lists them, unchecked: 100"),
        (many_registries(101), 0, "the issuer lists 101 registries, too many to be taken unseen: none is named"),
        ([*many_registries(100), *many_registries(1)], 100, "unchecked: 100"),
        ([*many_registries(2), *many_registries(3, GALLE), "junk"], 2, "unchecked: 2; 4 that are not its own"),
        (many_registries(3, GALLE), 0, "the issuer lists no registry: none is named"),
        ([], 0, "the issuer lists no registry: none is named"),
        (None, 0, "could not be had: none is named"),
    ],
)
async def test_a_suspension_takes_few_registries_from_the_suspect_only_its_own_and_says_so(
    world: World, listed: list[str] | None, pinned: int, note: str
) -> None:
    async def find(_: str) -> list[str]:
        if listed is None:
            raise ResolutionError("nobody answers")
        return listed

    desk = world.desk(find_statuses=find)
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.suspend(str(CENTRE), people.approver, why=WHY)
    status_ids = (await served(world)).file.accreditations[0].changes[-1].statuses
    assert (draft.state, status_ids) == (
        DraftState.PUBLISHED,
        frozenset(f"anoncreds:{registry_id}" for registry_id in (listed or [])[:pinned]),
    )
    [why] = [step.why for step in draft.trail if step.what == "statuses"]
    assert note in str(why)


@pytest.mark.parametrize("asked", [{"statuses": [registry("S")]}, {"nothing_counts": True}])
async def test_what_an_official_named_is_not_said_to_be_the_issuers_word(world: World, asked: dict[str, Any]) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.suspend(str(CENTRE), people.approver, why=WHY, **asked)
    assert [step.what for step in draft.trail if step.what == "statuses"] == []


async def test_an_emergency_does_not_wait_for_an_issuer_that_cannot_be_reached(world: World) -> None:
    async def find(_: str) -> list[str]:
        raise ResolutionError("nobody answers")

    desk = world.desk(find_statuses=find)
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.suspend(str(CENTRE), people.approver, why=WHY)
    assert draft.state is DraftState.PUBLISHED
    assert (await served(world)).file.accreditations[0].changes[-1].statuses == frozenset()


async def test_a_second_official_reviews_a_suspension(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.suspend(str(CENTRE), people.approver, why=WHY)
    assert [suspension_review.id for suspension_review in await desk.reviews.all(state=ReviewState.OPEN)] == [draft.id]
    with pytest.raises(ForbiddenError, match="four eyes"):
        await desk.reviews.close(draft.id, people.approver, finding=ReviewFinding.UPHELD, note="I was right")
    with pytest.raises(ForbiddenError):
        await desk.reviews.close(draft.id, people.editor, finding=ReviewFinding.UPHELD, note="I agree")
    closed = await desk.reviews.close(draft.id, people.second_approver, finding=ReviewFinding.UPHELD, note="I agree")
    again = await desk.reviews.close(draft.id, people.second_approver, finding=ReviewFinding.UPHELD, note="I agree")
    assert (closed, closed.closed_by) == (again, "abe")
    with pytest.raises(RefusedError):
        await desk.reviews.close(draft.id, people.both, finding=ReviewFinding.TO_BE_LIFTED, note="no")
    assert (await desk.history.entries())[-1].action == "review"


async def test_suspending_again_after_a_lost_answer_changes_nothing(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    asked = {"why": WHY, "draft_id": "a" * 32}
    first = await desk.suspend(str(CENTRE), people.approver, **asked)
    assert await desk.suspend(str(CENTRE), people.approver, **asked) == first
    assert await desk.suspend(str(CENTRE), people.approver, why=WHY) == first
    assert len(await desk.publication.versions()) == 2
    with pytest.raises(RefusedError):
        await desk.suspend(str(CENTRE), people.second_approver, **asked)
    with pytest.raises(SuspensionError):
        await desk.suspend(str(CENTRE), people.second_approver, why="for another reason")


async def test_two_who_suspend_at_once_suspend_once(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    answers = await asyncio.gather(
        desk.suspend(str(CENTRE), people.approver, why=WHY),
        desk.suspend(str(CENTRE), people.second_approver, why=WHY),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Draft", "SuspensionError"]
    assert (await served(world)).file.version == 2


async def test_refuses_to_suspend_what_is_not_there_to_suspend(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    tomorrow = world.clock().date() + timedelta(days=1)
    with pytest.raises(ForbiddenError):
        await desk.suspend(str(CENTRE), people.editor, why=WHY)
    with pytest.raises(SuspensionError, match="no accreditation"):
        await desk.suspend(GALLE, people.approver, why=WHY)
    with pytest.raises(SuspensionError, match="on or before"):
        await desk.suspend(str(CENTRE), people.approver, why=WHY, effective_from=tomorrow)
    with pytest.raises(SuspensionError, match="registries of"):
        await desk.suspend(str(CENTRE), people.approver, why=WHY, statuses=[registry("R", issuer=AUTHORITY)])
    with pytest.raises(PublicationRefusedError):
        await desk.suspend(str(CENTRE), people.approver, why=WHY, decision="javascript:alert(1)")
    assert (await served(world)).file.version == 1
    assert await desk.reviews.all() == []


async def test_a_draft_about_a_suspended_issuer_does_not_lift_the_suspension_unseen(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await submitted(desk, people, records={str(CENTRE): centre_record(1, 2)})
    await desk.suspend(str(CENTRE), people.approver, why=WHY)
    outdated = await desk.approve(draft.id, people.second_approver, revision=draft.revision)
    assert (outdated.state, outdated.conflicts) == (DraftState.OUTDATED, (str(CENTRE),))
    assert (await served(world)).file.accreditations[0].status is Status.SUSPENDED


async def test_a_suspension_is_lifted_by_a_draft_like_any_other(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    await desk.suspend(str(CENTRE), people.approver, why=WHY, statuses=[registry("R")])
    record = reinstated(
        await (await desk.publication.published()).record(str(CENTRE)),
        decided_on=world.clock().date(),
        effective_from=world.clock().date(),
        statuses=[registry("R"), registry("Q")],
        reason="supervised again",
    )
    await published(desk, people, records={str(CENTRE): record})
    assert (await served(world)).file.accreditations[0].status is Status.ACTIVE
    with pytest.raises(SuspensionError):
        reinstated(record, decided_on=date.max, effective_from=date.max, statuses=[], reason="again")


@pytest.mark.parametrize("failing", ["versions/2.jws", "entries.jsonl", "current.jws", "freshness.jws"])
async def test_a_suspension_that_a_crash_cut_is_completed_by_the_next_start(world: World, failing: str) -> None:
    people = await hire(world.desk())
    await published(world.desk(), people)
    cut: Desk = world.desk(FailingPublisher(world.folder, failing, PowerCutError()))
    with pytest.raises(PowerCutError):
        await cut.suspend(str(CENTRE), people.approver, why=WHY, draft_id="a" * 32)
    after = world.desk()
    await after.publication.repair()
    await after.go_on()
    draft = await after.suspend(str(CENTRE), people.approver, why=WHY, draft_id="a" * 32)
    assert (draft.state, draft.version) == (DraftState.PUBLISHED, 2)
    assert (await served(world)).file.accreditations[0].status is Status.SUSPENDED
    assert [entry.version for entry in await told(world) if entry.version] == [1, 2]


@pytest.mark.parametrize("failing", ["versions/1.jws", "entries.jsonl", "current.jws", "freshness.jws"])
async def test_an_approval_that_a_full_disk_stopped_is_published_once_there_is_room(world: World, failing: str) -> None:
    full: Desk = world.desk(FailingPublisher(world.folder, failing, ConfigurationError("no space left")))
    people = await hire(full)
    draft = await submitted(full, people)
    with pytest.raises(ConfigurationError):
        await full.approve(draft.id, people.approver, revision=draft.revision)
    after = world.desk()
    await after.go_on()
    assert (await after.drafts.get(draft.id)).state is DraftState.PUBLISHED
    assert [(entry.version, entry.who) for entry in await told(world) if entry.version] == [(1, "ann")]


async def test_after_a_rotation_all_that_is_served_is_signed_with_the_new_key(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    old = await world.key.kid()
    draft = await desk.rotate("yearly change of the key", draft_id="b" * 32)
    signed = await served(world)
    assert (draft.state, signed.file.version, signed.kid != old) == (DraftState.PUBLISHED, 2, True)
    assert await desk.rotate("yearly change of the key", draft_id="b" * 32) == draft
    assert signed.kid == await world.key.kid()
    entries = await told(world)
    assert [(entry.action, entry.who, entry.version) for entry in entries if entry.action == "rotation"] == [
        ("rotation", "operator", 2)
    ]


@pytest.mark.parametrize("failing", ["versions/2.jws", "entries.jsonl", "current.jws", "freshness.jws"])
async def test_a_rotation_that_a_crash_cut_is_completed_and_rotates_once(world: World, failing: str) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    with pytest.raises(PowerCutError):
        await world.desk(FailingPublisher(world.folder, failing, PowerCutError())).rotate("yearly", draft_id="b" * 32)
    after_cut = await world.key.kid()
    after = world.desk()
    await after.publication.repair()
    await after.go_on()
    await after.publication.reissue()
    assert (await served(world)).file.version == 2
    assert (await served(world)).kid == await world.key.kid() == after_cut
    assert (await after.drafts.get("b" * 32)).state is DraftState.PUBLISHED
    await told(world)


async def test_a_rotation_that_was_cut_before_the_key_changed_changes_it_at_the_next_start(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    old = await world.key.kid()

    async def cut() -> None:
        raise PowerCutError

    broken = Desk(world.profile, world.publication(), four_eyes=True, redress=None, rotate_key=cut)
    with pytest.raises(PowerCutError):
        await broken.rotate("yearly")
    assert (await served(world)).kid == old
    await world.desk().go_on()
    assert (await served(world)).kid == await world.key.kid() != old


async def test_a_rotation_that_waits_for_witnesses_publishes_nothing_before_they_approved(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)

    async def held_back() -> None:
        """The log entry waits: the key stays for now."""

    waiting = Desk(world.profile, world.publication(), four_eyes=True, redress=None, rotate_key=held_back)
    draft = await waiting.rotate("yearly")
    await waiting.go_on()
    assert draft.state is DraftState.APPROVED
    assert (await served(world)).file.version == 1
    world.key.rotate()  # the witnesses approved
    await waiting.go_on()
    assert (await served(world)).file.version == 2
    assert (await waiting.drafts.get(draft.id)).state is DraftState.PUBLISHED


async def test_a_key_that_changed_by_other_ways_is_noticed_and_the_file_published_anew(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    world.key.rotate()
    await desk.go_on()
    await desk.go_on()
    signed = await served(world)
    assert (signed.file.version, signed.kid) == (2, await world.key.kid())


async def test_at_no_time_of_a_rotation_is_the_file_served_one_that_nobody_can_verify(world: World) -> None:
    people = await hire(world.desk())
    await published(world.desk(), people)

    class Watching(FolderPublisher):
        async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
            await served(world)
            await super().put(path, body, content_type, number=number)
            await served(world)

    await world.desk(Watching(world.folder)).rotate("yearly")
    signed = await served(world)
    assert (signed.file.version, signed.kid) == (2, await world.key.kid())
    with pytest.raises(GovernanceError):
        await verify_file(world.file("versions/1.jws"), author=AUTHORITY, resolve_key=world.resolve)


async def test_an_old_key_that_a_crash_left_is_dropped_by_the_next_start(world: World) -> None:
    people = await hire(world.desk())
    await published(world.desk(), people)
    old = await world.key.kid()

    async def rotate() -> None:
        world.key.begin_rotation()

    async def cut() -> None:
        raise PowerCutError

    broken = Desk(world.profile, world.publication(), four_eyes=True, redress=None, rotate_key=rotate, drop_old_key=cut)
    with pytest.raises(PowerCutError):
        await broken.rotate("yearly", draft_id="b" * 32)
    assert await world.resolve(old)
    await world.desk().go_on()
    with pytest.raises(GovernanceError):
        await world.resolve(old)
    assert (await served(world)).file.version == 2
    assert (await world.desk().drafts.get("b" * 32)).state is DraftState.PUBLISHED


async def test_before_the_first_version_only_the_key_is_rotated(world: World) -> None:
    old = await world.key.kid()
    draft = await world.desk().rotate("a fresh start")
    assert draft.state is DraftState.PUBLISHED
    assert await world.key.kid() != old
    assert not world.has("current.jws")
    assert [entry.action for entry in await world.desk().history.entries()] == ["rotation"]


async def test_a_refusal_names_whom_to_appeal_to_and_stands_in_the_history(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    draft = await desk.drafts.open(people.editor, "application of Galle")
    asked = {
        "applicant": GALLE,
        "refusal_id": "2026-017",
        "occupations": ["C7212"],
        "decision": "https://authority.example.test/decisions/17",
        "reason": "no workshop",
    }
    await desk.refuse(draft.id, people.editor, **asked)
    await desk.refuse(draft.id, people.editor, **asked)
    draft = await desk.drafts.submit(draft.id, people.editor)
    await desk.approve(draft.id, people.approver, revision=draft.revision)
    refusals = (await served(world)).file.refusals
    assert [(refusal.applicant, refusal.redress) for refusal in refusals] == [
        (GALLE, "mailto:appeals@authority.example.test")
    ]
    assert [(entry.who, entry.why) for entry in await told(world) if entry.action == "refusal"] == [
        ("ann", "2026-017: no workshop")
    ]


async def test_a_refusal_without_anybody_to_appeal_to_is_not_recorded(world: World) -> None:
    desk = world.desk(redress=None)
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "application of Galle")
    with pytest.raises(RefusedError, match="appeal"):
        await desk.refuse(
            draft.id,
            people.editor,
            applicant=GALLE,
            refusal_id="2026-017",
            occupations=["C7212"],
            decision="https://authority.example.test/decisions/17",
            reason="no workshop",
        )


async def test_the_history_only_grows_and_proves_it(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    old = await desk.history.head()
    await published(desk, people, header={"description": "More"}, why="more to say")
    new = await world.desk().history.head()
    proof = await desk.history.consistency(old.size, new.size)
    assert verify_consistency(old.size, new.size, old.root_hash, new.root_hash, proof)
    entry = (await told(world))[-1]
    assert (entry.who, entry.action, entry.why, entry.version) == ("ann", "publication", "more to say", 2)
    path = await desk.history.inclusion(entry.n, new.size)
    leaf = leaf_hash(entry.line)
    assert verify_inclusion(leaf, index=entry.n, size=new.size, proof=path, expected_root=new.root_hash)


async def test_a_history_file_that_was_lost_or_changed_is_put_back(world: World) -> None:
    desk = world.desk()
    people = await hire(desk)
    await published(desk, people)
    whole = world.file("history/entries.jsonl")
    path = world.folder / "governance/sri-lanka/history/entries.jsonl"
    for body in (None, whole[:-5], whole + b"x\n"):
        path.unlink() if body is None else path.write_bytes(body)
        await desk.publication.reissue()
        assert world.file("history/entries.jsonl") == whole
