"""The rules of cases without a store: which state leads where, instants, reasons, and how many must approve."""

from datetime import UTC, datetime
from itertools import product

import pytest

from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.agents.work.case import MAX_WHY, Case, Stage, Step, check_why
from wanderbuch.agents.work.rules import Rules
from wanderbuch.governance.signed.history import MAX_WHY as MAX_HISTORY_WHY

from .assessments import ANA, BEN, MIA, NOE, Assessment, AssessmentState, Duty

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
RULES = Rules(edits=Duty.ASSESSOR, approves=Duty.MODERATOR)

WAYS = {
    DraftState.OPEN: {"SUBMITTED", "REJECTED", "DISCARDED"},
    DraftState.SUBMITTED: {"OPEN", "APPROVED", "REJECTED", "DISCARDED"},
    DraftState.APPROVED: {"SIGNING", "SCHEDULED", "PUBLISHED", "OUTDATED", "REJECTED"},
    DraftState.SIGNING: {"SCHEDULED", "PUBLISHED", "OUTDATED", "REJECTED"},
    DraftState.SCHEDULED: {"SIGNING", "PUBLISHED", "OUTDATED", "REJECTED"},
    DraftState.REJECTED: {"OPEN", "DISCARDED"},
    DraftState.OUTDATED: {"OPEN", "DISCARDED"},
    DraftState.PUBLISHED: set(),
    DraftState.DISCARDED: set(),
}


def assessment(state: AssessmentState = AssessmentState.IN_ASSESSMENT, **changes: object) -> Assessment:
    case = Assessment(why="why", opened_by="ana", editors=("ana",), candidate="candidate-1", state=state)
    return case.model_copy(update=changes)


@pytest.mark.parametrize(("now", "to"), list(product(DraftState, DraftState)))
def test_a_draft_goes_these_ways_and_no_others(now: DraftState, to: DraftState) -> None:
    assert Draft.course.leads(now, to) is (to.value in WAYS[now])


@pytest.mark.parametrize("kind", [Draft, Assessment])
def test_from_each_state_that_is_no_end_a_case_can_come_to_one(kind: type[Case]) -> None:
    states = type(kind.course.open)
    for state in states:
        seen = {state}
        while more := {to for now in seen for to in states if kind.course.leads(now, to)} - seen:
            seen |= more
        assert kind.course.stage(state) in (Stage.DONE, Stage.DISCARDED) or kind.course.done in seen


@pytest.mark.parametrize(("needed", "state"), [(1, "AGREED"), (2, "WITH_MODERATORS"), (3, "WITH_MODERATORS")])
def test_a_case_is_approved_by_as_many_as_the_kind_asks_for(needed: int, state: str) -> None:
    rules = Rules(edits=Duty.ASSESSOR, approves=Duty.MODERATOR, approvals=needed)
    case = assessment(AssessmentState.WITH_MODERATORS, revision=3, digest="sha256:0")
    approved = rules.approved(case, MIA, read=3, at=NOW)
    assert approved is not None
    assert approved.state.value == state
    assert rules.approved(approved, MIA, read=3, at=NOW) is None
    if needed == 2:
        both = rules.approved(approved, NOE, read=3, at=NOW)
        assert both is not None
        assert both.state is AssessmentState.AGREED


def test_a_kind_that_nobody_approves_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rules(edits=Duty.ASSESSOR, approves=Duty.MODERATOR, approvals=0)


def test_where_four_eyes_are_switched_off_who_edited_approves() -> None:
    case = assessment(AssessmentState.WITH_MODERATORS, editors=("ana", "ben"))
    lenient = Rules(edits=Duty.ASSESSOR, approves=Duty.MODERATOR, four_eyes=False)
    approved = lenient.approved(case, BEN, read=0, at=NOW)
    assert approved is not None
    assert approved.state is AssessmentState.AGREED


def test_an_approval_of_what_was_sent_back_is_not_taken_for_a_lost_answer() -> None:
    step = Step(at=NOW, who="mia", what="approve", revision=0)
    case = assessment(AssessmentState.SENT_BACK, approvals=(step,), trail=(step,))
    with pytest.raises(RefusedError, match="SENT_BACK"):
        RULES.approved(case, MIA, read=0, at=NOW)


def test_an_editor_who_sends_back_an_open_case_may_ask_again() -> None:
    sent_back = RULES.rejected(assessment(), ANA, "begun twice", NOW)
    assert sent_back is not None
    assert RULES.rejected(sent_back, ANA, "begun twice", NOW) is None
    with pytest.raises(ForbiddenError):
        RULES.rejected(sent_back, ANA, "another reason", NOW)


def test_planning_the_same_day_again_changes_nothing() -> None:
    once = RULES.scheduled(assessment(), ANA, NOW, NOW)
    assert once is not None
    assert (once.revision, once.not_before, once.is_early(NOW)) == (1, NOW, False)
    assert RULES.scheduled(once, ANA, NOW, NOW) is None
    assert RULES.scheduled(once, ANA, None, NOW) == once.model_copy(
        update={
            "revision": 2,
            "not_before": None,
            "trail": (*once.trail, Step(at=NOW, who="ana", what="schedule", why="at once")),
        }
    )


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00"])
def test_refuses_instants_that_no_calendar_has(instant: str) -> None:
    with pytest.raises(MalformedError):
        RULES.scheduled(assessment(), ANA, datetime.fromisoformat(instant), NOW)


def test_a_reason_fits_the_history() -> None:
    assert MAX_WHY <= MAX_HISTORY_WHY
    assert check_why("  two \n lines ") == "two lines"
    assert check_why("x" * MAX_WHY) == "x" * MAX_WHY
    for refused in ("", " \n", "x" * (MAX_WHY + 1)):
        with pytest.raises(MalformedError):
            check_why(refused)
