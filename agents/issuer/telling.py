"""What an offer's state tells the event log."""

from collections.abc import Sequence

from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.store.event_kinds import Event, EventKind


def offer_events(offer: Offer) -> Sequence[Event]:
    """Return all that an offer tells: how it ended or, once the credential was signed, what became of that."""
    if offer.state is OfferState.OPEN:
        return ()
    if not offer.state.has_credential:
        return (Event(EventKind.OFFER_ENDED, offer.id, {"state": offer.state.value}),)
    events = [Event(EventKind.CREDENTIAL_ISSUED, offer.id, {"credential_type": offer.credential_type})]
    if offer.receipt is not Receipt.NONE:
        events.append(Event(EventKind.CREDENTIAL_ANSWERED, offer.id, {"receipt": offer.receipt.value}))
    if offer.state is OfferState.REVOKED:
        events.append(Event(EventKind.CREDENTIAL_REVOKED, offer.id))
    return events
