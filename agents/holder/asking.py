"""May this verifier ask that? Told with every request, and enforced before the person's consent is taken.

A verifier that the governance file lists, and that asks for more than it may, gets no answer from this agent. One that
is not listed is shown as unknown, and the person decides. What could not be checked is told as such. What it would
learn by a restriction, or by bounds on either side, counts as shown (`ProofRequest.learnt`).
"""

from collections.abc import Collection
from datetime import UTC, datetime

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.asked import ProofRequest
from wanderbuch.agents.holder.peers import Peer
from wanderbuch.governance.deciding.asking_rules import may_ask
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Purpose, Reason, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.following.source import GovernanceSource
from wanderbuch.schemas.credential_type import list_credential_types


def may_be_asked(request: ProofRequest) -> tuple[str, ...]:
    """Return the credential types that could answer a request: those that have every attribute it names."""
    named = request.shown | {predicate.name for predicate in request.predicates}
    return tuple(known.id for known in list_credential_types() if named <= set(known.attr_names))


async def judge_asking(
    profile: Profile,
    request: ProofRequest,
    peer: Peer,
    *,
    types: Collection[str],
    ask_again: bool = True,
    anew: bool = False,
) -> TrustDecision:
    """Decide whether the verifier may ask this of credentials of one of these types, on the governance in force.

    Args:
        profile: whose governance.
        request: what is asked.
        peer: who asks.
        types: of the credential that would answer, or of all that could; empty if none could.
        ask_again: whether to ask the authority first where the copy held is no longer fresh.
        anew: whether to ask it also before a no, which may rest on what it no longer says.
    """
    source = profile.inject_or(GovernanceSource)
    snapshot = None
    if source is not None:
        snapshot = await source.current() if ask_again else source.snapshot()
    decision = decide_asking(snapshot, request, peer, types=types, at=datetime.now(UTC))
    if anew and source is not None and decision.verdict is Verdict.NOT_TRUSTED:
        decision = decide_asking(await source.ask(), request, peer, types=types, at=datetime.now(UTC))
    return decision


def decide_asking(
    snapshot: GovernanceSnapshot | None,
    request: ProofRequest,
    peer: Peer,
    *,
    types: Collection[str],
    at: datetime,
) -> TrustDecision:
    """Do as `judge_asking`, on a given governance. Pure.

    Where several types could answer, it is enough that one fits. Where the verifier states no purpose, all must fit:
    else nobody knows whether it may, as it may for some purposes only.
    """
    if peer.did is None:
        text = "The verifier does not say who it is. Answer only if you know it from elsewhere."
        rests_on = None if snapshot is None else snapshot.ref
        return TrustDecision(Verdict.UNKNOWN, (Reason("verifier.nameless", text),), rests_on, at)
    decisions = [
        _decide_for(snapshot, request, peer.did, types, purpose, at)
        for purpose in ((peer.purpose,) if peer.purpose is not None else tuple(Purpose))
    ]
    allowed = [decision for decision in decisions if decision.verdict is Verdict.TRUSTED]
    if not allowed:
        return decisions[0]
    if len(allowed) < len(decisions):
        text = "The verifier does not say what it asks for, and may ask this for some purposes only."
        reasons = (Reason("verifier.no_purpose", text), *allowed[0].reasons[1:])
        return TrustDecision(Verdict.UNKNOWN, reasons, allowed[0].governance, at, redress=allowed[0].redress)
    return allowed[0]


def _decide_for(
    snapshot: GovernanceSnapshot | None,
    request: ProofRequest,
    verifier: Did,
    types: Collection[str],
    purpose: Purpose,
    at: datetime,
) -> TrustDecision:
    """Decide for one purpose."""
    decisions = [
        may_ask(
            snapshot,
            verifier=verifier,
            credential_type=credential_type,
            revealed=request.learnt,
            predicates={predicate.name for predicate in request.predicates},
            purpose=purpose,
            at=at,
        )
        for credential_type in types or ("",)
    ]
    return next((decision for decision in decisions if decision.verdict is Verdict.TRUSTED), decisions[0])
