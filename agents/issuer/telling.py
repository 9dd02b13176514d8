"""What the state of an offer, of a revocation, or of an erasure tells the event log."""

from collections.abc import Sequence

from wanderbuch.agents.issuer.intents import RevocationIntent
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.store.event_kinds import Event, EventKind


def offer_events(offer: Offer) -> Sequence[Event]:
    """Return all that an offer tells: how it ended or, once the credential was signed, what became of that."""
    if offer.state is OfferState.OPEN:
        return ()
    if not offer.state.has_credential:
        return (Event(EventKind.OFFER_ENDED, offer.id, {"state": offer.state.value}),)
    events = [Event(EventKind.CREDENTIAL_ISSUED, offer.id, {"credential_type": offer.credential_type})]
    if offer.receipt is Receipt.UNANSWERED:
        events.append(Event(EventKind.CREDENTIAL_UNANSWERED, offer.id))
    elif offer.receipt is not Receipt.NONE:
        events.append(Event(EventKind.CREDENTIAL_ANSWERED, offer.id, {"receipt": offer.receipt.value}))
    if offer.state is OfferState.REVOKED:
        events.append(Event(EventKind.CREDENTIAL_REVOKED, offer.id))
    return events


def revocation_events(intent: RevocationIntent) -> Sequence[Event]:
    """Return what became of the notice of a revocation; that it is public, its offer tells."""
    events = []
    if intent.given_up_at is not None:
        events.append(Event(EventKind.REVOCATION_UNANSWERED, intent.id))
    if intent.told_at is not None:
        events.append(Event(EventKind.REVOCATION_TOLD, intent.id))
    return events


def erasure_events(offer_id: str) -> Sequence[Event]:
    """Return what is told of a certificate that was erased."""
    return (Event(EventKind.CREDENTIAL_ERASED, offer_id),)
