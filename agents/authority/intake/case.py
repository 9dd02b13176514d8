"""An application as officials work on it: what was received, what was asked back, what was decided.

    RECEIVED ──propose──► PROPOSED ──approve──► APPROVED ──► DECIDED        (approved: a draft of the file; refused)
      ▲  │ ask back           │ reject
      │  └─► (answered by a later revision of the application)
      └──reopen── SENT_BACK ◄─┘

Who checks in with the code of an invitation is APPROVED at once: an official invited it, and another one approves the
draft that it becomes. An editor's approval of any other issuer's application becomes the draft at once, for the same
reason: two look at the exact change of the file. What became of that draft is what became of the application.

While it is RECEIVED and a question is open, it waits for the applicant; else for the authority. How long it waited, and
for whom, follows from the trail.
"""

from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.agents.work.case import Course, Stage, Step
from wanderbuch.agents.work.content import RevisedCase
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.formats import Link, StatementId, Text
from wanderbuch.governance.signed.application import Application, IntendedUse
from wanderbuch.store.once import own_id

APPLICANT = "applicant"
"""Who takes the applicant's steps in the trail; officials' ids have no such name."""
RECEIVE, ASK_BACK, ANSWER, CHECK_IN = "receive", "ask-back", "answer", "check-in"


class ApplicationState(Enum):
    """How far an application has come."""

    RECEIVED = "RECEIVED"
    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    SCHEDULED = "SCHEDULED"
    DECIDED = "DECIDED"
    SENT_BACK = "SENT_BACK"
    DISCARDED = "DISCARDED"


class AskedBack(BaseModel):
    """A question to the applicant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime
    who: str
    question: str
    answered_at: datetime | None = None


class GrantedScope(BaseModel):
    """One of the scopes that an issuer applied for, granted under a number of the authority's own.

    Args:
        scope: which of the application's, from 0.
        number: becomes the id of the accreditation.
        decision: where the decision can be read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: int = Field(ge=0)
    number: StatementId
    decision: Link


class ProposedDecision(BaseModel):
    """What an editor proposes, and an approver approves.

    Args:
        reason: for the applicant; nothing about workers.
        redress: whom to appeal to.
        grants: what a verifier may ask; empty in a refusal.
        accreditations: what an issuer that was not invited is accredited for, if it is not accredited already.
        ends_on: the last day on which it may; None: no end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Literal["approve", "refuse"]
    reason: Text
    redress: Link
    grants: tuple[IntendedUse, ...] = ()
    accreditations: tuple[GrantedScope, ...] = ()
    ends_on: date | None = None


class ApplicationCase(RevisedCase[ApplicationState]):
    """An application.

    Args:
        applicant: the DID that signed it.
        application: its newest revision.
        jws: the same as it was signed.
        network: from which it came, hashed with a key; "" once it waits no more, and where it is not known.
        asked_back: the questions to the applicant, the newest last.
        invitation_id: of the invitation with whose code it came; None: with none.
        outcome: what was decided; None: nothing yet.
        draft_id: the draft that an approval became.
    """

    category: ClassVar[str] = "wanderbuch.application"
    content_category: ClassVar[str] = "wanderbuch.application-decision"
    tag_names: ClassVar[tuple[str, ...]] = ("applicant",)
    noun: ClassVar[str] = "application"
    course: ClassVar[Course[Any]] = Course(
        open=ApplicationState.RECEIVED,
        submitted=ApplicationState.PROPOSED,
        approved=ApplicationState.APPROVED,
        scheduled=ApplicationState.SCHEDULED,
        done=ApplicationState.DECIDED,
        rejected=ApplicationState.SENT_BACK,
        discarded=ApplicationState.DISCARDED,
    )

    state: ApplicationState = ApplicationState.RECEIVED
    applicant: str
    application: Application
    jws: str
    network: str = ""
    asked_back: tuple[AskedBack, ...] = ()
    invitation_id: str | None = None
    outcome: Literal["approve", "refuse"] | None = None
    draft_id: str | None = None

    @property
    def open_question(self) -> AskedBack | None:
        """The question that the applicant has not answered."""
        last = self.asked_back[-1] if self.asked_back else None
        is_waiting = self.stage is Stage.OPEN and last is not None and last.answered_at is None
        return last if is_waiting else None

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was done with it since it came."""
        return len(self.trail) == 1

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.stage not in (Stage.DONE, Stage.DISCARDED)

    def moved(self, to: ApplicationState, step: Step, **update: Any) -> Self:
        """Return it in another state; errors as `Case.moved`. One that waits no more forgets its network."""
        moved = super().moved(to, step, **update)
        return moved if moved.is_open else moved.model_copy(update={"network": ""})


def case_id(applicant: Did, application_id: str) -> str:
    """Return the id of an application's case: nobody can take the one of somebody else's application."""
    return own_id("application", applicant, application_id)


class WaitsFor(Enum):
    """For whom an application waits."""

    AUTHORITY = "authority"
    APPLICANT = "applicant"


def waiting(case: ApplicationCase, at: datetime) -> dict[WaitsFor, timedelta]:
    """Return how long an application has waited, by for whom: until the decision, or until now."""
    waited = dict.fromkeys(WaitsFor, timedelta())
    ends = [step.at for step in case.trail[1:]] + ([at] if case.is_open else [])
    for step, until in zip(case.trail, ends, strict=False):
        whom = WaitsFor.APPLICANT if step.what == ASK_BACK else WaitsFor.AUTHORITY
        waited[whom] += max(until - step.at, timedelta())
    return waited
