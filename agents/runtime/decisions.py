"""Trust decisions as every role's REST API shows them."""

from datetime import datetime

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.governance.question import GovernanceRef, Reason, TrustDecision, Verdict


class ReasonOut(ApiModel):
    """One finding: a stable code and a sentence."""

    code: str
    text: str

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        """Return a finding for the wire."""
        return cls(code=reason.code, text=reason.text)


class GovernanceRefOut(ApiModel):
    """Which governance file a decision rests on."""

    id: str
    version: int
    digest: str

    @classmethod
    def of(cls, ref: GovernanceRef) -> "GovernanceRefOut":
        """Return a reference for the wire."""
        return cls(id=ref.id, version=ref.version, digest=ref.digest)


class DecisionOut(ApiModel):
    """The answer to a trust question, and why."""

    verdict: Verdict
    reasons: list[ReasonOut]
    governance: GovernanceRefOut | None
    decided_at: datetime

    @classmethod
    def of(cls, decision: TrustDecision) -> "DecisionOut":
        """Return a decision for the wire."""
        return cls(
            verdict=decision.verdict,
            reasons=[ReasonOut.of(reason) for reason in decision.reasons],
            governance=GovernanceRefOut.of(decision.governance) if decision.governance else None,
            decided_at=decision.decided_at,
        )
