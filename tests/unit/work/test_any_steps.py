"""Whatever people do, in whichever order: what is approved was approved by enough others, and the trail only grows."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples

from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.agents.work.case import Stage, Step
from wanderbuch.agents.work.rules import Rules

from .assessments import ANA, BEN, MIA, NOE, Assessment, AssessmentState, Colleague, Duty

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
EVE = Colleague("eve", frozenset({Duty.ASSESSOR, Duty.MODERATOR}))
DAYS = (None, NOW, datetime(2027, 1, 1, tzinfo=UTC))

steps = st.tuples(
    st.sampled_from(["edit", "schedule", "submit", "approve", "approve", "reject", "discard", "reopen", "go on"]),
    st.sampled_from([ANA, BEN, EVE, MIA, NOE]),
    st.integers(min_value=0, max_value=2),
)


def take(rules: Rules, case: Assessment, what: str, who: Colleague, number: int) -> Assessment | None:
    """Return the case after a step; None if nothing changes."""
    read = case.revision - number % 2  # now and then what was read is old
    match what:
        case "edit":
            return rules.edited(case, who, read=read)
        case "schedule":
            return rules.scheduled(case, who, DAYS[number], NOW)
        case "submit":
            if rules.was_submitted(case, who):
                return None
            return rules.submitted(case, who, read=read, digest=f"sha256:{case.revision}", at=NOW)
        case "approve":
            return rules.approved(case, who, read=read, at=NOW)
        case "reject":
            return rules.rejected(case, who, f"reason {number}", NOW)
        case "discard":
            return rules.discarded(case, who, NOW)
        case "reopen":
            return rules.reopened(case, who, at=NOW)
        case _:
            to = (AssessmentState.WAITS_FOR_ITS_DAY, AssessmentState.RECOGNISED, AssessmentState.TOO_OLD)[number]
            return case.moved(to, Step(at=NOW, who="agent", what=to.value))


@settings(max_examples=examples(400), deadline=None)
@given(taken=st.lists(steps, max_size=25), needed=st.integers(min_value=1, max_value=3))
def test_what_is_approved_was_approved_by_enough_others_as_it_is(
    taken: list[tuple[str, Colleague, int]], needed: int
) -> None:
    rules = Rules(edits=Duty.ASSESSOR, approves=Duty.MODERATOR, approvals=needed)
    opened = Assessment(why="why", opened_by="ana", editors=("ana",), candidate="candidate-1")
    case = rules.edited(opened, ANA)
    for what, who, number in taken:
        before = case
        try:
            after = take(rules, before, what, who, number)
        except (ForbiddenError, RefusedError):
            continue
        if after is None:
            continue
        case = after
        assert case.trail[: len(before.trail)] == before.trail
        assert case.revision >= before.revision
        assert set(before.editors) <= set(case.editors)
        assert before.stage not in (Stage.DONE, Stage.DISCARDED)
        if case.revision > before.revision:
            assert before.stage in (Stage.OPEN, Stage.SUBMITTED, Stage.RETURNED)
        if case.stage in (Stage.APPROVED, Stage.DONE):
            approvers = {step.who for step in case.approvals}
            assert len(approvers) >= needed
            assert not approvers & set(case.editors)
            assert {(step.revision, step.digest) for step in case.approvals} == {(case.revision, case.digest)}
        if what in ("submit", "approve", "reject", "discard", "schedule") and number % 2 == 0:
            assert take(rules, case, what, who, number) is None  # the answer was lost
