"""What an answer is in one word, for which day it holds, and until when it is good. Pure.

It holds for the day of the decision, in UTC. It is good until that day ends, or until the first of its sources does.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Final

from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome

DATE_NEEDED: Final = "award.date_needed"
"""Code of the one refusal that says that what was shown is not enough to tell."""


class AnswerCategory(Enum):
    """What an answer is, in one word: what was checked and refused is never what could not be checked."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_CHECKED = "not_checked"
    TOO_OLD = "too_old"  # it could not be checked, since what is known is too old

    @classmethod
    def of(cls, decision: TrustDecision) -> "AnswerCategory":
        """Return the category of a decision."""
        if decision.verdict is Verdict.NOT_TRUSTED:
            needs_date = any(reason.code == DATE_NEEDED for reason in decision.reasons)
            return cls.NOT_CHECKED if needs_date else cls.REFUSED
        return {Verdict.TRUSTED: cls.ACCEPTED, Verdict.UNKNOWN: cls.NOT_CHECKED, Verdict.STALE: cls.TOO_OLD}[
            decision.verdict
        ]


class EndsWith(Enum):
    """What ends the time for which an answer is good."""

    DAY = "day"
    SOURCES = "sources"  # the authority vouches for its list no longer than that


def holds_on(decision: TrustDecision) -> date:
    """Return the day that an answer is about, in UTC."""
    return decision.decided_at.astimezone(UTC).date()


def good_until(decision: TrustDecision, grounds: AnswerGrounds) -> tuple[datetime, EndsWith] | None:
    """Return until when an answer is good, and what ends that; None: it is good for nothing."""
    if decision.verdict is not Verdict.TRUSTED:
        return None
    day_ends = datetime.combine(holds_on(decision) + timedelta(days=1), time(), UTC)
    lasts = grounds.lasts_until
    return (lasts, EndsWith.SOURCES) if lasts is not None and lasts < day_ends else (day_ends, EndsWith.DAY)


def not_checked(facts: Sequence[AnswerFact]) -> list[FactKind]:
    """Return the facts about which nothing follows."""
    open_ones = (FactOutcome.COULD_NOT_CHECK, FactOutcome.NOT_LOOKED_AT)
    return list(dict.fromkeys(fact.kind for fact in facts if fact.outcome in open_ones))
