"""Trust decisions as every role's REST API shows them."""

from datetime import datetime

from wanderbuch.agents.runtime.app import ApiModel
from wanderbuch.governance.facts.question import ChainLink, GovernanceRef, Reason, TrustDecision, Verdict


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


class ChainLinkOut(ApiModel):
    """One recognition between authorities that a decision rests on."""

    authority: str
    name: str
    recognition: str
    governance: GovernanceRefOut

    @classmethod
    def of(cls, link: ChainLink) -> "ChainLinkOut":
        """Return a link for the wire."""
        governance = GovernanceRefOut.of(link.governance)
        return cls(authority=link.authority, name=link.name, recognition=link.recognition, governance=governance)


class DecisionOut(ApiModel):
    """The answer to a trust question, why, by way of which other authorities, and whom to appeal to."""

    verdict: Verdict
    reasons: list[ReasonOut]
    governance: GovernanceRefOut | None
    decided_at: datetime
    chain: list[ChainLinkOut]
    redress: list[str]

    @classmethod
    def of(cls, decision: TrustDecision) -> "DecisionOut":
        """Return a decision for the wire."""
        return cls(
            verdict=decision.verdict,
            reasons=[ReasonOut.of(reason) for reason in decision.reasons],
            governance=GovernanceRefOut.of(decision.governance) if decision.governance else None,
            decided_at=decision.decided_at,
            chain=[ChainLinkOut.of(link) for link in decision.chain],
            redress=list(decision.redress),
        )
