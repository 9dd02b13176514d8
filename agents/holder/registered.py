"""What a verifier is registered to ask, beside what it asks: so that a person can compare the two. Pure.

All that the governance file says of the verifier and that is in force now is shown, whether it fits or not. What goes
beyond is told against the one statement that comes nearest, as `asking_rules` decides: statements are never added up.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from wanderbuch.agents.holder.asked import ProofRequest
from wanderbuch.agents.holder.asking import may_be_asked
from wanderbuch.agents.holder.peers import Peer
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.question import Purpose
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.spans import touches
from wanderbuch.governance.facts.statements import VerifierAuthorization


@dataclass(frozen=True, slots=True)
class Beyond:
    """Where a question goes beyond what is registered.

    Args:
        shown: attributes that would be shown, or told without that (`ProofRequest.learnt`), and may not be asked for.
        bounds: attributes about which a bound is asked, and may not be.
        purpose: the purpose that the verifier gives, where it is not registered for it.
        credential_types: types that could answer, where it is registered for none of them.
    """

    shown: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    purpose: Purpose | None = None
    credential_types: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether all that is asked is registered."""
        return self == Beyond()

    @property
    def weight(self) -> int:
        """How far it goes: to compare two."""
        return len(self.shown) + len(self.bounds) + 100 * (self.purpose is not None) + 1000 * len(self.credential_types)


@dataclass(frozen=True, slots=True)
class Registered:
    """What a verifier is registered for.

    Args:
        statements: that are in force now.
        beyond: what goes beyond, by the credential that is asked for; as many as are asked for.
    """

    statements: tuple[VerifierAuthorization, ...]
    beyond: tuple[Beyond, ...]


def registered_for(
    snapshot: GovernanceSnapshot | None, request: ProofRequest, peer: Peer, *, at: datetime
) -> Registered | None:
    """Return what the verifier is registered for beside what it asks.

    Args:
        snapshot: the governance of the wallet; None if there is none.
        request: what is asked.
        peer: who asks.
        at: now.

    Returns:
        None where nothing is known of it: there is no governance file, or none that is fresh, so that nobody stays
        registered on an old one; it says nothing of the verifier; or the verifier does not say who it is.
    """
    if snapshot is None or not snapshot.is_fresh(at) or peer.did is None or not snapshot.file.holds(peer.did):
        return None
    today = days_anywhere(at)
    listed = snapshot.file.verifications_of(peer.did)
    if not listed:
        return None
    statements = tuple(one for one in listed if touches(one.intervals, today))
    return Registered(statements, tuple(_nearest(part, peer, statements) for part in request.of_each))


def _nearest(part: ProofRequest, peer: Peer, statements: Sequence[VerifierAuthorization]) -> Beyond:
    types = may_be_asked(part)
    bounds = {predicate.name for predicate in part.predicates}
    candidates = [_beyond(one, part.learnt, bounds, peer.purpose, types) for one in statements]
    nothing_registered = Beyond(tuple(sorted(part.learnt)), tuple(sorted(bounds)), peer.purpose, types)
    return min(candidates, key=lambda beyond: beyond.weight, default=nothing_registered)


def _beyond(
    given: VerifierAuthorization,
    shown: Collection[str],
    bounds: Collection[str],
    purpose: Purpose | None,
    types: tuple[str, ...],
) -> Beyond:
    is_of_type = given.credential_type in types
    return Beyond(
        tuple(sorted(set(shown) - given.attributes)),
        tuple(sorted(set(bounds) - given.predicates - given.attributes)),
        None if purpose is None or purpose in given.purposes else purpose,
        () if is_of_type else types,
    )
