"""How an offer ends: one end, kept before anybody is told, and told to the event log and to the issuer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.held_offer import ANSWER, END, HeldOffer, OfferState, held_offers
from wanderbuch.agents.holder.offer_text import have_no_more
from wanderbuch.agents.holder.requesting import have_request_no_more
from wanderbuch.plugins.exchange.credential_messages import PROBLEM
from wanderbuch.plugins.exchange.reports import problem_report
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.exchange.wrong import items_of
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.markers import Beside
from wanderbuch.store.once import own_id
from wanderbuch.store.tables import tables_of
from wanderbuch.store.telling import MarkTeller

_ABANDONED: Final = "issuance-abandoned"  # Aries RFC 0453
_GOES_ON: Final = (OfferState.OPEN, OfferState.ACCEPTED)


def learn_telling(profile: Profile) -> None:
    """Let what a crash kept from being told be told by the sweep of the event log."""
    tables_of(profile).untold.learn(HeldOffer.category, _look)


def events_of_offer(offer: HeldOffer) -> Sequence[Event]:
    """Return what an offer tells: its end."""
    if offer.state in _GOES_ON:
        return ()
    if offer.state is OfferState.RECEIVED:
        return (Event(EventKind.WALLET_CREDENTIAL_KEPT, offer.id),)
    return (Event(EventKind.WALLET_OFFER_ENDED, offer.id, {"state": offer.state.value}),)


async def end_offer(
    profile: Profile,
    offer: HeldOffer,
    state: OfferState,
    note: str | None,
    *,
    at: datetime | None = None,
    first: Beside | None = None,
    then: Beside | None = None,
    beside: Beside | None = None,
    **more: Any,
) -> HeldOffer | None:
    """Write the end of an offer and tell the event log; None if it has gone on, or ended in another way, meanwhile.

    Args:
        profile: whose wallet.
        offer: as it was read: open or accepted.
        state: the end.
        note: why, in words.
        at: when; None: now.
        first: writes before the marker, as in `Markers.add`.
        then: writes behind it.
        beside: the same; if it is given, all of this is one transaction.
        more: further fields of the record.
    """
    ended = (at or datetime.now(UTC)).isoformat()
    value: dict[str, Any]
    if offer.state is OfferState.OPEN:
        name, value = ANSWER, {"answer": state.value, "answered_at": ended}
    else:
        name, value = END, {"end": state.value, "ended_at": ended}
    value |= {"note": note, **more}
    made = await MarkTeller(held_offers, profile, events_of_offer).add(
        offer, name, value, first=first, then=then, beside=beside
    )
    if made is not None:
        have_no_more(profile, offer.id)
        have_request_no_more(profile, offer.id)
    return made


async def end_and_tell(
    profile: Profile, offer: HeldOffer, state: OfferState, note: str, *, at: datetime | None = None, **more: Any
) -> HeldOffer | None:
    """End an offer for good and tell the issuer why, in words that may travel; else as `end_offer`."""
    ended = await end_offer(profile, offer, state, note, at=at, **more)
    if ended is not None:
        await profile.inject(Sending).send_soon(profile, offer.origin.channel, ending_report(ended))
    return ended


def ending_report(offer: HeldOffer) -> dict[str, Any]:
    """Return what the issuer is told about an offer that ended here."""
    parent = None if offer.origin.connection_id is not None else offer.origin.invitation_id
    report = problem_report(
        PROBLEM,
        thread_id=offer.thread_id,
        code=_ABANDONED,
        text=offer.note or "",
        parent_thread_id=parent,
        items=items_of(offer.wrong),
    )
    return report | {"@id": own_id("offer-ended", offer.id)}  # sent again, it is the same message


async def _look(profile: Profile, offer_id: str) -> Sequence[Event]:
    held_offer = await held_offers(profile).get_or_none(offer_id)
    return () if held_offer is None else events_of_offer(held_offer)
