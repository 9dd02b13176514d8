"""An answer fact by fact, as the REST API shows it: what holds, on what evidence, for which day, what to do next."""

from datetime import date, datetime
from enum import Enum
from typing import Self

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import (
    AnswerFact,
    AnswerGrounds,
    AnswerSource,
    FactKind,
    FactOutcome,
    SourceKind,
)
from wanderbuch.plugins.trust.verifying.answer_terms import (
    DATE_NEEDED,
    AnswerCategory,
    EndsWith,
    good_until,
    holds_on,
    not_checked,
)

# Reasons that go away by themselves.
_PASSING = frozenset({"revocation.old_list", "judgement.too_slow", "judgement.interrupted"})


class AskAgain(Enum):
    """Whether asking again may lead to another answer, and how."""

    SAME = "same"  # something could not be fetched or checked, or was replaced meanwhile
    WITH_DAY = "with_day"  # with award_precision "day"
    LATER = "later"  # the answer holds for its day: ask again when it matters on another


def ask_again(decision: TrustDecision | None) -> AskAgain | None:
    """Return whether asking again may help."""
    if decision is None or decision.verdict is Verdict.TRUSTED:
        return None
    codes = {reason.code for reason in decision.reasons}
    if lacks_day(decision):
        return AskAgain.WITH_DAY
    if decision.verdict in (Verdict.UNKNOWN, Verdict.STALE) or codes & _PASSING:
        return AskAgain.SAME
    return None


def lacks_day(decision: TrustDecision | None) -> bool:
    """Return whether a decision lacked the day of the award."""
    return decision is not None and any(reason.code == DATE_NEEDED for reason in decision.reasons)


class FactOut(ApiModel):
    """One fact.

    `evidence` names what it rests on: ids, versions, and what was asked; never a name or a value of the credential.
    `credential` is the name of the credential that it is about, where several were asked for.
    """

    fact: FactKind
    outcome: FactOutcome
    evidence: dict[str, str]
    as_of: datetime | None
    until: datetime | None
    credential: str | None

    @classmethod
    def of(cls, fact: AnswerFact) -> Self:
        """Return a fact for the wire."""
        return cls(
            fact=fact.kind,
            outcome=fact.outcome,
            evidence=fact.evidence,
            as_of=fact.as_of,
            until=fact.until,
            credential=fact.part or None,
        )


class SourceOut(ApiModel):
    """One source, and how old it was at the decision: not older than `age_s` seconds."""

    source: SourceKind
    id: str
    version: int | None
    digest: str | None
    as_of: datetime | None
    until: datetime | None
    age_s: int | None

    @classmethod
    def of(cls, source: AnswerSource, *, at: datetime) -> Self:
        """Return a source for the wire."""
        age = None if source.as_of is None else max(0, int((at - source.as_of).total_seconds()))
        return cls(
            source=source.kind,
            id=source.id,
            version=source.version,
            digest=source.digest,
            as_of=source.as_of,
            until=source.until,
            age_s=age,
        )


class ReasonedAnswerOut(ApiModel):
    """What the decision comes to.

    It is about `holds_on` (UTC) and good until `good_until`; nothing is watched afterwards. `not_checked` names the
    facts about which nothing follows, since they could not be checked or were not looked at. `redress` says whom to
    turn to if it seems wrong. `facts` is empty for a decision that was made before facts were kept.
    """

    category: AnswerCategory
    holds_on: date
    good_until: datetime | None
    good_until_ends_with: EndsWith | None
    facts: list[FactOut]
    sources: list[SourceOut]
    not_checked: list[FactKind]
    redress: list[str]
    ask_again: AskAgain | None

    @classmethod
    def of(cls, decision: TrustDecision, grounds: AnswerGrounds | None) -> Self:
        """Return an answer for the wire."""
        known = grounds or AnswerGrounds()
        ends = good_until(decision, known)
        return cls(
            category=AnswerCategory.of(decision),
            holds_on=holds_on(decision),
            good_until=None if ends is None else ends[0],
            good_until_ends_with=None if ends is None else ends[1],
            facts=[FactOut.of(fact) for fact in known.facts],
            sources=[SourceOut.of(source, at=decision.decided_at) for source in known.sources],
            not_checked=not_checked(known.facts),
            redress=list(decision.redress),
            ask_again=AskAgain.LATER if decision.verdict is Verdict.TRUSTED else ask_again(decision),
        )
