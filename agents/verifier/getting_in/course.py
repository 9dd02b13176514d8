"""The course of an application, as its applicant reads it: what happened, and for whom it waits how long. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from wanderbuch.agents.runtime.own_applications import ApplicationStanding, OwnApplication
from wanderbuch.governance.signed.application import VerifierWants

_DAY: Final = timedelta(days=1)
_DAY_S: Final = 86_400


class CourseStep(Enum):
    """What happened; its words are `course.<value>`."""

    SENT = "sent"
    RECEIVED = "received"
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


class CourseWait(Enum):
    """For whom it waits; the words are `course.waits.<value>`."""

    REACHING = "reaching"  # the authority has not been reached yet
    AUTHORITY = "authority"
    APPLICANT = "applicant"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class CourseEntry:
    """One thing that happened.

    Args:
        days: whole days since what happened before it.
        text: in the authority's words, or "".
    """

    step: CourseStep
    at: datetime
    days: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationCourse:
    """An application, from beginning to end.

    Args:
        id: of the application.
        revision: its newest; an answer makes the next one.
        aims: what is applied for, in the applicant's own words.
        days: whole days that it has waited for whom it waits now.
        authority_days, applicant_days: whole days that it has waited for each, by the authority's word.
        question: the one that waits for an answer; "": none does.
        reason, redress: of a decision; "" before it.
        is_old: the authority could not be reached just now, so this is how it stood.
    """

    id: str
    revision: int
    aims: tuple[str, ...]
    entries: tuple[CourseEntry, ...]
    waits_for: CourseWait
    days: int
    authority_days: int
    applicant_days: int
    question: str
    reason: str
    redress: str
    is_old: bool


def course_of(own: OwnApplication, *, at: datetime, is_old: bool = False) -> ApplicationCourse:
    """Return the course of an application.

    Args:
        own: as it stands, as far as we know.
        at: the instant now, aware.
        is_old: whether the authority could not be reached just now.
    """
    standing, wants = own.standing, own.application.wants
    uses = wants.uses if isinstance(wants, VerifierWants) else ()
    entries, question = _entries(own, standing), ""
    if standing is not None and standing.state == "ASKED_BACK":
        question = next((one.question for one in reversed(standing.questions) if not one.is_answered), "")
    waits_for = _waits_for(standing)
    waited = {} if standing is None else standing.waited_s
    return ApplicationCourse(
        id=own.id,
        revision=own.application.revision,
        aims=tuple(dict.fromkeys(use.aim for use in uses)),
        entries=entries,
        waits_for=waits_for,
        days=0 if waits_for is CourseWait.NOBODY else _days(entries[-1].at, at),
        authority_days=waited.get("authority", 0) // _DAY_S,
        applicant_days=waited.get("applicant", 0) // _DAY_S,
        question=question,
        reason="" if standing is None else standing.reason or "",
        redress="" if standing is None else standing.redress or "",
        is_old=is_old,
    )


def _entries(own: OwnApplication, standing: ApplicationStanding | None) -> tuple[CourseEntry, ...]:
    happened = [(own.created_at, CourseStep.SENT, "")]
    if standing is not None:
        happened.append((standing.received_at, CourseStep.RECEIVED, ""))
        happened += [(one.asked_at, CourseStep.ASKED, one.question) for one in standing.questions]
        if standing.decided_at is not None:
            step = CourseStep.APPROVED if standing.state == "APPROVED" else CourseStep.REFUSED
            happened.append((standing.decided_at, step, ""))
    before = [happened[0][0], *(at for at, _, _ in happened)]
    return tuple(
        CourseEntry(step, at, _days(since, at), text) for since, (at, step, text) in zip(before, happened, strict=False)
    )


def _waits_for(standing: ApplicationStanding | None) -> CourseWait:
    if standing is None:
        return CourseWait.REACHING
    if standing.state == "ASKED_BACK":
        return CourseWait.APPLICANT
    return CourseWait.AUTHORITY if standing.state == "RECEIVED" else CourseWait.NOBODY


def _days(since: datetime, until: datetime) -> int:
    """Return whole days; 0 where two clocks do not agree on what came first."""
    return max((until - since) // _DAY, 0)
