"""What the register says of an institution now, and how it came to that: for people.

Now is the days that it is somewhere on earth (`governance.anywhere`). State of an accreditation, first match: 1. a
withdrawal holds on one of them; 2. a suspension does; 3. a mandate does: it counts; 4. a mandate begins later: not yet
(or again later, if there was one before); 5. it has ended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum

from wanderbuch.governance.facts.file import Accreditation, GovernanceFile, Status
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.spans import OPEN_END, touches


class State(Enum):
    """What an accreditation, or an institution, is; the best first."""

    COUNTS = "counts"
    LATER = "later"
    SUSPENDED = "suspended"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    NONE = "none"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Mandate:
    """A state and the day that belongs to it.

    Args:
        day: the last day of COUNTS, the first day of LATER, SUSPENDED and WITHDRAWN, the last day before ENDED.
    """

    state: State
    day: date | None = None


class StandingEventKind(Enum):
    """What happened at a point of the timeline."""

    BEGAN = "began"
    BEGINS = "begins"
    ENDED = "ended"
    ENDS = "ends"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    REINSTATED = "reinstated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StandingEvent:
    """One point of the timeline.

    Args:
        day: when it was so; for a decision, when it was decided.
        statement: id of the accreditation or refusal.
        effective_from: from which award date on, where a decision says so.
        decision: where it can be read; redress: whom to appeal to.
    """

    day: date
    kind: StandingEventKind
    statement: str
    title: str | None
    effective_from: date | None = None
    decision: str | None = None
    reason: str | None = None
    redress: str | None = None


def mandate_on(accreditation: Accreditation, days: DateSpan) -> Mandate:
    """Return what the accreditation is while it is these days somewhere."""
    for state, status in ((State.WITHDRAWN, Status.WITHDRAWN), (State.SUSPENDED, Status.SUSPENDED)):  # 1, 2
        for lapse in accreditation.lapses:
            if lapse.status is status and touches((lapse.days,), days):
                return Mandate(state, lapse.days.first)
    for span in reversed(accreditation.intervals):  # 3
        if touches((span,), days):
            return Mandate(State.COUNTS, span.last)
    later = [span.first for span in accreditation.intervals if span.first > days.last]  # 4
    if later:
        return Mandate(State.LATER, min(later))
    return Mandate(State.ENDED, max((span.last for span in accreditation.intervals), default=None))  # 5


def state_of(
    file: GovernanceFile, did: Did, days: DateSpan, relevant: Iterable[Accreditation] | None = None
) -> Mandate:
    """Return the best state of an institution's accreditations (all, or the relevant ones) while it is these days."""
    among = file.index.by_issuer.get(did, ()) if relevant is None else tuple(relevant)
    order = list(State)
    mandates = [mandate_on(accreditation, days) for accreditation in among]
    if mandates:
        return min(mandates, key=lambda mandate: (order.index(mandate.state), -(mandate.day or OPEN_END).toordinal()))
    return Mandate(State.REFUSED) if any(refusal.applicant == did for refusal in file.refusals) else Mandate(State.NONE)


def timeline(file: GovernanceFile, did: Did, days: DateSpan) -> tuple[StandingEvent, ...]:
    """Return everything that happened, or will, to an institution in this file; the newest first.

    Args:
        file: what is published.
        did: the institution.
        days: those that it is somewhere now.
    """
    events: list[StandingEvent] = []
    for accreditation in file.index.by_issuer.get(did, ()):
        events += _of_accreditation(accreditation, days)
    events += [
        StandingEvent(
            day=refusal.decided_on,
            kind=StandingEventKind.REFUSED,
            statement=refusal.id,
            title=None,
            decision=refusal.decision,
            reason=refusal.reason,
            redress=refusal.redress,
        )
        for refusal in file.refusals
        if refusal.applicant == did
    ]
    return tuple(
        sorted(events, key=lambda standing_event: (standing_event.day, standing_event.statement), reverse=True)
    )


_OF_STATUS = {
    Status.SUSPENDED: StandingEventKind.SUSPENDED,
    Status.WITHDRAWN: StandingEventKind.WITHDRAWN,
    Status.ACTIVE: StandingEventKind.REINSTATED,
}


def _of_accreditation(accreditation: Accreditation, days: DateSpan) -> Iterable[StandingEvent]:
    name, title = accreditation.id, accreditation.title
    for span in accreditation.intervals:
        began = StandingEventKind.BEGAN if span.first <= days.last else StandingEventKind.BEGINS
        yield StandingEvent(span.first, began, name, title, decision=accreditation.decision)
        if span.last != OPEN_END:
            ended = StandingEventKind.ENDED if span.last < days.first else StandingEventKind.ENDS
            yield StandingEvent(
                span.last, ended, name, title, decision=accreditation.decision, redress=accreditation.redress
            )
    for change in accreditation.changes:
        yield StandingEvent(
            change.decided_on,
            _OF_STATUS[change.status],
            name,
            title,
            effective_from=change.effective_from,
            decision=change.decision,
            reason=change.reason,
            redress=accreditation.redress,
        )
