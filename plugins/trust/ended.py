"""What a verification's end tells the event log."""

from collections.abc import Sequence

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.trust.exchange import Verification, VerificationState
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.telling import Teller


def verification_events(verification: Verification) -> Sequence[Event]:
    """Return what a verification tells: the decision, or that none was to be made."""
    if verification.decision is not None:
        body = {"verdict": verification.decision.verdict.value}
        return (Event(EventKind.REQUEST_DECIDED, verification.id, body),)
    if verification.state in (VerificationState.DECLINED, VerificationState.NO_ANSWER):
        return (Event(EventKind.REQUEST_ENDED, verification.id, {"state": verification.state.value}),)
    return ()


def teller(profile: Profile) -> Teller[Verification]:
    """Return what changes a profile's verifications where they may end; from now on what a crash left is told too."""
    return Teller(profile, Verification, verification_events)
