"""What the judgement of an offer rests on.

A judgement is a pure function of the offer, of what the registry says of it, of the governance, and of the day. Where
all these are the same, the yes that was said last may be said again without going through the rules. That the
governance is fresh is asked each time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import DateSpan, GovernanceRef, Reason
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.offer import ResolvedDefinition


@dataclass(frozen=True, slots=True)
class JudgementGround:
    """What a judgement of an offer rests on, beside the offer.

    Args:
        governance: each file, whether it is fresh, and what is known of it beside.
        resolved: what the registry says.
        days: that it is somewhere on earth.
    """

    governance: tuple[tuple[GovernanceRef, bool, tuple[Reason, ...]], ...]
    resolved: ResolvedDefinition | None
    days: DateSpan

    @classmethod
    def of(cls, snapshot: GovernanceSnapshot | None, resolved: ResolvedDefinition | None, at: datetime) -> Self:
        """Return the ground of a judgement at an instant."""
        files = () if snapshot is None else (snapshot, *snapshot.recognised.values())
        return cls(tuple((file.ref, file.is_fresh(at), file.notes) for file in files), resolved, days_anywhere(at))
