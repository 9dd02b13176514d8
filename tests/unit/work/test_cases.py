"""A kind of case that has nothing to do with governance, on the floor that drafts stand on, on both engines."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from tests.unit.power import Power

from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.store.errors import NotFoundError

from .assessments import ANA, BEN, CRITERIA, MIA, NOE, Assessment, Assessments, AssessmentState, Judgement, judgement
from .conftest import Centre

WHY = "ten years in a shipyard"


async def submitted(assessments: Assessments, judged: Judgement | None = None) -> Assessment:
    case = await assessments.begin(ANA, "candidate-1", WHY)
    case = await assessments.edit(case.id, ANA, judged or judgement(), read=case.revision)
    return await assessments.submit(case.id, ANA)


async def agreed(assessments: Assessments, judgement: Judgement | None = None) -> Assessment:
    case = await submitted(assessments, judgement)
    await assessments.approve(case.id, MIA, revision=case.revision)
    return await assessments.approve(case.id, NOE, revision=case.revision)


async def test_what_two_moderators_agree_on_is_done_once(centre: Centre) -> None:
    assessments = centre.assessments()
    case = await submitted(assessments)
    first = await assessments.approve(case.id, MIA, revision=case.revision)
    assert (first.state, await assessments.decided()) == (AssessmentState.WITH_MODERATORS, [])
    assert (await assessments.go_on_with(case.id)).state is AssessmentState.WITH_MODERATORS
    assert await assessments.recognitions.find() == []
    second = await assessments.approve(case.id, NOE, revision=case.revision)
    assert (second.state, [step.who for step in second.approvals]) == (AssessmentState.AGREED, ["mia", "noe"])
    await assessments.go_on(assessments.go_on_with)
    done = await assessments.get(case.id)
    assert (done.state, done.recognition) == (AssessmentState.RECOGNISED, case.id)
    assert [recognition.candidate for recognition in await assessments.recognitions.find()] == ["candidate-1"]
    assert await assessments.go_on_with(case.id) == done
    assert [step.what for step in done.trail] == ["open", "submit", "approve", "approve", "recognised"]


async def test_one_moderator_who_agrees_twice_is_one(centre: Centre) -> None:
    assessments = centre.assessments()
    case = await submitted(assessments)
    once = await assessments.approve(case.id, MIA, revision=case.revision)
    assert await assessments.approve(case.id, MIA, revision=case.revision) == once
    assert once.state is AssessmentState.WITH_MODERATORS


@pytest.mark.parametrize("hand", ["begin", "edit", "schedule", "submit", "reopen"])
async def test_nobody_agrees_to_what_they_had_a_hand_in(centre: Centre, hand: str) -> None:
    assessments = centre.assessments()
    case = await assessments.begin(BEN if hand == "begin" else ANA, "candidate-1", WHY)
    case = await assessments.edit(case.id, BEN if hand == "edit" else ANA, judgement(), read=case.revision)
    if hand == "schedule":
        case = await assessments.schedule(case.id, BEN, centre.clock() + timedelta(days=1))
    if hand == "reopen":
        case = await assessments.reopen(case.id, BEN)
    case = await assessments.submit(case.id, BEN if hand == "submit" else ANA)
    with pytest.raises(ForbiddenError, match="four eyes: who had a hand in this assessment"):
        await assessments.approve(case.id, BEN, revision=case.revision)
    assert (await assessments.approve(case.id, MIA, revision=case.revision)).approved_by == "mia"


async def test_people_keep_to_their_own(centre: Centre) -> None:
    assessments = centre.assessments()
    with pytest.raises(ForbiddenError):
        await assessments.begin(MIA, "candidate-1", WHY)
    case = await submitted(assessments)
    with pytest.raises(ForbiddenError):
        await assessments.approve(case.id, ANA, revision=case.revision)
    with pytest.raises(ForbiddenError):
        await assessments.reject(case.id, ANA, "not good enough")
    for step in (assessments.submit(case.id, MIA), assessments.reopen(case.id, MIA), assessments.discard(case.id, MIA)):
        with pytest.raises(ForbiddenError):
            await step


async def test_who_submits_twice_at_once_is_told_the_same_twice(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    assessments = centre.assessments()
    case = await assessments.begin(ANA, "candidate-1", WHY)
    await assessments.edit(case.id, ANA, judgement(), read=case.revision)
    at_once: list[Assessment] = []

    async def digest(seen: Assessment, real: Any = assessments.digest) -> str:
        """Let the second call come through between the first one's look and its change."""
        real_digest: str = await real(seen)
        if not at_once:
            at_once.append(seen)
            at_once[0] = await assessments.submit(case.id, ANA)
        return real_digest

    monkeypatch.setattr(assessments, "digest", digest)
    assert await assessments.submit(case.id, ANA) == at_once[0]
    assert [step.what for step in at_once[0].trail].count("submit") == 1


async def test_what_is_agreed_to_is_what_was_read(centre: Centre) -> None:
    assessments = centre.assessments()
    case = await submitted(assessments)
    await assessments.approve(case.id, MIA, revision=case.revision, digest=case.digest)
    case = await assessments.reopen(case.id, ANA)
    assert (case.approvals, case.digest) == ((), None)
    await assessments.edit(case.id, ANA, judgement(occupation="C7223"), read=case.revision)
    again = await assessments.submit(case.id, ANA)
    with pytest.raises(RefusedError, match="revision"):
        await assessments.approve(case.id, NOE, revision=case.revision)
    with pytest.raises(RefusedError, match="other content"):
        await assessments.approve(case.id, NOE, revision=again.revision, digest=case.digest or "sha256:0")
    approved = await assessments.approve(case.id, NOE, revision=again.revision, digest=again.digest)
    assert [step.who for step in approved.approvals] == ["noe"]  # what Mia read is gone
    assert approved.state is AssessmentState.WITH_MODERATORS


async def test_nothing_is_done_with_other_content_than_was_agreed_to(centre: Centre) -> None:
    assessments = centre.assessments()
    case = await agreed(assessments)
    async with centre.profile.session() as session:  # somebody at the store itself
        swapped = judgement(occupation="C2221").model_dump_json()
        await session.handle.replace(Assessment.content_category, f"{case.id}.{case.content}", swapped)
    with pytest.raises(RefusedError, match="not what was approved"):
        await assessments.go_on_with(case.id)
    await assessments.go_on(assessments.go_on_with)  # told, and tried again at the next sweep
    assert (await assessments.get(case.id)).state is AssessmentState.AGREED
    assert await assessments.recognitions.find() == []


async def test_nobody_overwrites_what_they_have_not_read_and_every_revision_stays(centre: Centre) -> None:
    assessments = centre.assessments()
    case = await assessments.begin(ANA, "candidate-1", WHY)
    edits = [judgement(occupation="C7212"), judgement(occupation="C7223")]
    here, there = assessments, await centre.elsewhere()
    answers = await asyncio.gather(
        here.edit(case.id, ANA, edits[0], read=0), there.edit(case.id, BEN, edits[1], read=0), return_exceptions=True
    )
    [won] = [answer for answer in answers if isinstance(answer, Assessment)]
    [lost] = [answer for answer in answers if not isinstance(answer, Assessment)]
    assert isinstance(lost, RefusedError)
    assert (won.revision, won.content) == (1, 1)
    last = await assessments.edit(case.id, ANA, judgement(CRITERIA[0]), read=1)
    assert await assessments.content(last) == judgement(CRITERIA[0])
    assert await assessments.content(last, number=1) in edits
    with pytest.raises(NotFoundError):
        await assessments.content(last, number=3)


async def test_the_kind_says_what_is_ready(centre: Centre) -> None:
    assessments = centre.assessments()
    case = await assessments.begin(ANA, "candidate-1", WHY)
    with pytest.raises(RefusedError) as refused:
        await assessments.submit(case.id, ANA)
    assert refused.value.members["missing"] == list(CRITERIA)
    case = await assessments.edit(case.id, ANA, judgement(*CRITERIA[:2]), read=case.revision)
    with pytest.raises(RefusedError, match="works safely"):
        await assessments.submit(case.id, ANA)
    await assessments.edit(case.id, ANA, judgement(), read=case.revision)
    assert (await assessments.submit(case.id, ANA)).state is AssessmentState.WITH_MODERATORS


async def test_what_is_planned_waits_for_its_day_and_what_no_longer_fits_is_sent_back(centre: Centre) -> None:
    assessments = centre.assessments()
    cases = []
    for seen_on in (date(2026, 10, 1), date(2023, 12, 1)):
        case = await assessments.begin(ANA, "candidate-1", WHY)
        await assessments.edit(case.id, ANA, judgement(seen_on=seen_on), read=0)
        await assessments.schedule(case.id, ANA, centre.clock() + timedelta(days=30))
        case = await assessments.submit(case.id, ANA)
        for moderator in (MIA, NOE):
            await assessments.approve(case.id, moderator, revision=case.revision)
        cases.append(case)
    await assessments.go_on(assessments.go_on_with)
    assert {case.state for case in await assessments.decided()} == {AssessmentState.WAITS_FOR_ITS_DAY}
    centre.clock.advance(days=29, hours=23)
    await assessments.go_on(assessments.go_on_with)
    assert await assessments.recognitions.find() == []
    centre.clock.advance(hours=1)
    await centre.assessments().go_on(assessments.go_on_with)
    fresh, old = [await assessments.get(case.id) for case in cases]
    assert (fresh.state, old.state) == (AssessmentState.RECOGNISED, AssessmentState.TOO_OLD)
    assert old.trail[-1].why == "older than three years: film"
    assert [made.id for made in await assessments.recognitions.find()] == [fresh.id]
    assert (await assessments.reopen(old.id, ANA)).state is AssessmentState.IN_ASSESSMENT


async def test_steps_repeated_after_a_lost_answer_answer_as_before(centre: Centre) -> None:
    assessments = centre.assessments()
    case_id = "0" * 32
    first = await assessments.begin(ANA, "candidate-1", WHY, case_id=case_id)
    assert await assessments.begin(ANA, "candidate-1", f" {WHY} ", case_id=case_id) == first
    with pytest.raises(RefusedError, match="another assessment's"):
        await assessments.begin(ANA, "candidate-2", WHY, case_id=case_id)
    await assessments.edit(case_id, ANA, judgement(), read=0)
    once = await assessments.submit(case_id, ANA)
    assert await assessments.submit(case_id, ANA) == once
    sent_back = await assessments.reject(case_id, MIA, "the film is cut")
    assert await assessments.reject(case_id, MIA, "the film is cut") == sent_back
    with pytest.raises(RefusedError):
        await assessments.reject(case_id, MIA, "another reason")
    dropped = await assessments.discard(case_id, ANA)
    assert await assessments.discard(case_id, ANA) == dropped


async def test_what_was_dropped_stays_in_the_store_and_is_not_taken_up_again(centre: Centre) -> None:
    assessments = centre.assessments()
    case = await submitted(assessments)
    with pytest.raises(ForbiddenError, match="only who had a hand"):
        await assessments.discard(case.id, BEN)
    dropped = await assessments.discard(case.id, ANA)
    assert dropped.state is AssessmentState.DROPPED
    assert await assessments.content(dropped) == judgement()
    with pytest.raises(RefusedError):
        await assessments.reopen(case.id, ANA)
    with pytest.raises(RefusedError):
        await assessments.approve(case.id, MIA, revision=case.revision)
    approved = await agreed(assessments)
    with pytest.raises(RefusedError):
        await assessments.discard(approved.id, ANA)


async def test_two_who_agree_at_once_in_two_processes_are_two(centre: Centre) -> None:
    assessments, elsewhere = centre.assessments(), await centre.elsewhere()
    case = await submitted(assessments)
    await asyncio.gather(
        *(
            process.approve(case.id, moderator, revision=case.revision)
            for process, moderator in ((assessments, MIA), (elsewhere, NOE), (elsewhere, MIA), (assessments, NOE))
        )
    )
    agreed_on = await elsewhere.get(case.id)
    assert agreed_on.state is AssessmentState.AGREED
    assert sorted(step.who for step in agreed_on.approvals) == ["mia", "noe"]


async def test_two_processes_carry_out_a_case_once(centre: Centre) -> None:
    assessments, elsewhere = centre.assessments(), await centre.elsewhere()
    case = await agreed(assessments)
    done = await asyncio.gather(*(assessment.go_on_with(case.id) for assessment in (assessments, elsewhere) * 2))
    assert {assessment.state for assessment in done} == {AssessmentState.RECOGNISED}
    assert len(await assessments.recognitions.find()) == 1
    assert [step.what for step in (await assessments.get(case.id)).trail].count("recognised") == 1


async def test_a_case_is_carried_out_once_wherever_the_power_fails(centre: Centre, power: Power) -> None:
    for steps in power.cuts():
        assessments = centre.assessments()
        case = await submitted(assessments)
        await assessments.approve(case.id, MIA, revision=case.revision)

        async def agree(assessments: Assessments = assessments, case: Assessment = case) -> None:
            await assessments.approve(case.id, NOE, revision=case.revision)
            await assessments.go_on_with(case.id)

        cut = await power.lasts(steps, agree)
        if cut:
            await centre.end_leases()
            assessments = centre.assessments()
            await agree(assessments, case)  # who saw no answer asks again
        done = await assessments.get(case.id)
        assert done.state is AssessmentState.RECOGNISED, f"cut after {steps} steps"
        assert [step.what for step in done.trail] == ["open", "submit", "approve", "approve", "recognised"]
        assert len([made for made in await assessments.recognitions.find() if made.id == case.id]) == 1
        if not cut:
            break
    assert steps > 4
