"""What a verification's end tells the event log."""

from collections.abc import Sequence

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.trust.verifying.exchange import Verification, open_verifications
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.markers import Markers
from wanderbuch.store.telling import MarkTeller


def verification_events(verification: Verification) -> Sequence[Event]:
    """Return what a verification tells: the decision, or that none was to be made."""
    if verification.decision is not None:
        body = {"verdict": verification.decision.verdict.value}
        return (Event(EventKind.REQUEST_DECIDED, verification.id, body),)
    if verification.state.is_final:
        return (Event(EventKind.REQUEST_ENDED, verification.id, {"state": verification.state.value}),)
    return ()


def teller(profile: Profile, *, markers: Markers[Verification] | None = None) -> MarkTeller[Verification]:
    """Return what ends a profile's verifications; from now on what a crash left is told too."""
    return MarkTeller(open_verifications, profile, verification_events, markers=markers)
