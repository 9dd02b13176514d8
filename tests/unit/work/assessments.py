"""A second kind of case, beside drafts of a governance file: recognition of what somebody learnt at work.

An assessor looks at a candidate's evidence and says, criterion by criterion, which piece shows it. Two moderators who
had no hand in it must agree. On its day the recognition is made; evidence that has grown too old by then is assessed
again.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, ClassVar

from acapy_agent.core.profile import Profile
from pydantic import BaseModel, ConfigDict

from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.agents.work.case import Course, Step, check_why
from wanderbuch.agents.work.cases import Outcome
from wanderbuch.agents.work.content import RevisedCase, RevisedCases
from wanderbuch.agents.work.rules import Rules
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.record import new_id
from wanderbuch.store.records import Record, RecordStore

CRITERIA = ("sets up the machine", "welds in three positions", "works safely")
OLDEST = timedelta(days=3 * 365)


class Duty(Enum):
    ASSESSOR = "assessor"
    MODERATOR = "moderator"


@dataclass(frozen=True)
class Colleague:
    """Somebody of the assessment centre."""

    id: str
    duties: frozenset[Duty]

    def must(self, role: Duty) -> None:
        if role not in self.duties:
            raise ForbiddenError(f"this is for {role.value}s only")


class Piece(BaseModel):
    """A piece of evidence: a certificate of work, a film, a reference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seen_on: date
    shows: tuple[str, ...]


class Judgement(BaseModel):
    """What the assessor found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    occupation: str
    pieces: tuple[Piece, ...]


class AssessmentState(Enum):
    IN_ASSESSMENT = "IN_ASSESSMENT"
    WITH_MODERATORS = "WITH_MODERATORS"
    AGREED = "AGREED"
    WAITS_FOR_ITS_DAY = "WAITS_FOR_ITS_DAY"
    RECOGNISED = "RECOGNISED"
    SENT_BACK = "SENT_BACK"
    TOO_OLD = "TOO_OLD"
    DROPPED = "DROPPED"


class Assessment(RevisedCase[AssessmentState]):
    category: ClassVar[str] = "test.assessment"
    content_category: ClassVar[str] = "test.judgement"
    noun: ClassVar[str] = "assessment"
    course: ClassVar[Course[Any]] = Course(
        open=AssessmentState.IN_ASSESSMENT,
        submitted=AssessmentState.WITH_MODERATORS,
        approved=AssessmentState.AGREED,
        scheduled=AssessmentState.WAITS_FOR_ITS_DAY,
        done=AssessmentState.RECOGNISED,
        rejected=AssessmentState.SENT_BACK,
        discarded=AssessmentState.DROPPED,
        returned=frozenset({AssessmentState.TOO_OLD}),
    )

    state: AssessmentState = AssessmentState.IN_ASSESSMENT
    candidate: str
    recognition: str | None = None

    def is_asked_again(self, asked: "Assessment") -> bool:  # type: ignore[override]
        return super().is_asked_again(asked) and self.candidate == asked.candidate


class Recognition(Record):
    """What the candidate gets. Its id is the assessment's, so that one assessment makes one."""

    category: ClassVar[str] = "test.recognition"
    is_listed: ClassVar[bool] = False

    candidate: str
    occupation: str


class Assessments(RevisedCases[Assessment, Judgement]):
    """The assessments of one centre."""

    def __init__(self, profile: Profile, clock: Any, *, four_eyes: bool = True, approvals: int = 2) -> None:
        rules = Rules(edits=Duty.ASSESSOR, approves=Duty.MODERATOR, four_eyes=four_eyes, approvals=approvals)
        super().__init__(profile, Assessment, Judgement, rules, clock=clock)
        self.recognitions = RecordStore(profile, Recognition)

    async def begin(self, assessor: Colleague, candidate: str, why: str, *, case_id: str | None = None) -> Assessment:
        checked, now = check_why(why), self.clock()
        asked = Assessment(
            id=case_id or new_id(),
            created_at=now,
            why=checked,
            opened_by=assessor.id,
            editors=(assessor.id,),
            candidate=candidate,
            trail=(Step(at=now, who=assessor.id, what="open", why=checked),),
        )
        return await self.open_case(asked, assessor)

    async def must_be_ready(self, case: Assessment) -> None:
        judgement = await self.content(case)
        shown = {criterion for piece in judgement.pieces for criterion in piece.shows} if judgement else set()
        if missing := [criterion for criterion in CRITERIA if criterion not in shown]:
            raise RefusedError(f"nothing shows that the candidate {missing[0]}", members={"missing": missing})

    async def go_on_with(self, case_id: str) -> Assessment:
        return await self.carry_out(case_id, self._recognise)

    async def _recognise(self, case: Assessment) -> Outcome:
        judgement = await self.content(case)
        assert judgement is not None
        today = self.clock().date()
        if old := [piece.name for piece in judgement.pieces if today - piece.seen_on > OLDEST]:
            return Outcome(AssessmentState.TOO_OLD, f"older than three years: {', '.join(old)}")
        made = Recognition(id=case.id, candidate=case.candidate, occupation=judgement.occupation)
        try:
            await self.recognitions.insert(made)
        except DuplicateError:  # made before a crash
            made = await self.recognitions.get(case.id)
        return Outcome(AssessmentState.RECOGNISED, update={"recognition": made.id})


ANA = Colleague("ana", frozenset({Duty.ASSESSOR}))
BEN = Colleague("ben", frozenset({Duty.ASSESSOR, Duty.MODERATOR}))
MIA = Colleague("mia", frozenset({Duty.MODERATOR}))
NOE = Colleague("noe", frozenset({Duty.MODERATOR}))


def judgement(*shown: str, seen_on: date = date(2026, 10, 1), occupation: str = "C7212") -> Judgement:
    """Return what an assessor found; by default everything is shown."""
    film = Piece(name="film", seen_on=seen_on, shows=shown or CRITERIA)
    return Judgement(occupation=occupation, pieces=(film,))


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)
