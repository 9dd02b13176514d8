"""Asking an issuer for a credential: one request for each accepted offer, the same one however often it is sent.

That an offer is accepted is a marker; the request is made before it, and kept in one transaction with it.

The request and its secrets stay until the credential is in the wallet. They never change: the last ones are at hand
until their offer has ended, since the credential often follows within a second.
"""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

from acapy_agent.core.profile import Profile, ProfileSession
from anoncreds import AnoncredsError
from aries_askar import AskarError, AskarErrorCode
from cachetools import LRUCache

from wanderbuch.agents.holder.checked_keys import request_for
from wanderbuch.agents.holder.held_offer import ANSWER, HeldOffer, OfferState, held_offers
from wanderbuch.agents.holder.judging import definition_of
from wanderbuch.agents.holder.link_secret import link_secret
from wanderbuch.agents.holder.offer_text import OfferText
from wanderbuch.errors import CredentialError, ExchangeError, ResolutionError
from wanderbuch.plugins.exchange.credential_messages import request_message
from wanderbuch.plugins.exchange.own_way import reached_at
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.once import own_id
from wanderbuch.store.tables import tenant_of

_LOG = logging.getLogger(__name__)
_MOST_AT_HAND: Final = 64  # of all wallets of a store; 4 KB each
FORGOTTEN_WITH_OFFER: Final = "wanderbuch.held_offer.request"


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """A request for a credential.

    Args:
        request: AnonCreds JSON, for the issuer.
        metadata: AnonCreds JSON, secret: what the credential is completed with.
    """

    request: str = field(repr=False)
    metadata: str = field(repr=False)


async def make_request(profile: Profile, text: OfferText) -> OwnRequest:
    """Return a fresh request for what is offered.

    Raises:
        CredentialError: the offer cannot be answered; it says nothing of why.
        ResolutionError: its credential definition could not be fetched or checked.
    """
    definition = await definition_of(profile, text.typed())
    secret = await link_secret(profile)

    def make() -> OwnRequest:
        request, metadata = request_for(definition.handle, text.offer_json, secret)
        return OwnRequest(request.to_json(), metadata.to_json())

    try:
        return await asyncio.to_thread(make)
    except AnoncredsError as err:
        raise CredentialError("the offer cannot be answered: its issuer's proof of its key does not hold") from err


async def ask(profile: Profile, offer: HeldOffer, text: OfferText, *, at: datetime) -> HeldOffer:
    """Accept an open offer that was judged TRUSTED: ask for the credential; one accepted before stays so.

    Raises:
        ExchangeError: it ended meanwhile.
        CredentialError, ResolutionError: no request could be made.
    """
    own = await make_request(profile, text)

    async def keep(handle: Any) -> None:
        await _add(handle, offer.id, own)

    value = {"answer": OfferState.ACCEPTED.value, "answered_at": at.isoformat()}
    if not await held_offers(profile).add(offer.id, ANSWER, value, record=offer, beside=keep):
        offer = await held_offers(profile).merged(offer.id)
        if not offer.is_accepted:
            raise not_open(offer)
        return offer
    _at_hand_of(profile)[tenant_of(profile), offer.id] = own
    await _send_soon(profile, offer, own)
    return offer.model_copy(update={"answer": OfferState.ACCEPTED, "answered_at": at})


async def ask_again(profile: Profile, offer: HeldOffer, text: OfferText) -> None:
    """Send the request of an accepted offer once more; if there is none, make it.

    Raises:
        ResolutionError: it did not arrive.
        CredentialError, ExchangeError: it cannot be made, or sent.
    """
    own = await own_request(profile, offer.id)
    if own is None:
        made = await make_request(profile, text)
        async with profile.session() as session:
            try:
                await _add(session.handle, offer.id, made)
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:
                    raise
        if (own := await own_request(profile, offer.id)) is None:
            return  # it was completed, or forgotten, meanwhile
    message = await _message(profile, offer, own)
    await profile.inject(Sending).send(profile, offer.origin.channel, message, wants_reply=True)


async def own_request(profile: Profile, offer_id: str) -> OwnRequest | None:
    """Return our request for an offer, None if there is none, or none any more."""
    async with profile.session() as session:
        return await read_request(session, offer_id)


async def read_request(session: ProfileSession, offer_id: str) -> OwnRequest | None:
    """Return our request for an offer, None if there is none, or none any more, in a session that is open."""
    own = _at_hand_of(session.profile).get((tenant_of(session.profile), offer_id))
    if own is not None:
        return own
    entry = await session.handle.fetch(FORGOTTEN_WITH_OFFER, offer_id)
    return None if entry is None else OwnRequest(*json.loads(entry.value))


async def drop_request(handle: Any, offer_id: str) -> None:
    """Remove our request for an offer, with the handle of an open session."""
    try:
        await handle.remove(FORGOTTEN_WITH_OFFER, offer_id)
    except AskarError as err:
        if err.code != AskarErrorCode.NOT_FOUND:
            raise


def have_request_no_more(profile: Profile, offer_id: str) -> None:
    """Have our request for an offer no more at hand: the offer is over."""
    _at_hand_of(profile).pop((tenant_of(profile), offer_id), None)


def forget_requests_at_hand(profile: Profile) -> None:
    """Have no request of a wallet at hand any more: it is being closed."""
    at_hand = _at_hand_of(profile)
    for place in [place for place in at_hand if place[0] == tenant_of(profile)]:
        del at_hand[place]


def not_open(offer: HeldOffer) -> ExchangeError:
    """Return the error for what can be done with an open offer only."""
    return ExchangeError(f"expected an open offer, found one that is {offer.state.value}")


type _AtHand = LRUCache[tuple[str, str], OwnRequest]

_AT_HAND: WeakKeyDictionary[object, _AtHand] = WeakKeyDictionary()
"""By Askar's store; by tenant and offer."""


def _at_hand_of(profile: Profile) -> _AtHand:
    return _AT_HAND.setdefault(profile.store, LRUCache(_MOST_AT_HAND))


async def _add(handle: Any, offer_id: str, own: OwnRequest) -> None:
    await handle.insert(FORGOTTEN_WITH_OFFER, offer_id, json.dumps([own.request, own.metadata]))


async def _send_soon(profile: Profile, offer: HeldOffer, own: OwnRequest) -> None:
    try:
        message = await _message(profile, offer, own)
    except ResolutionError as err:  # the sweep asks again
        _LOG.warning("holder: the request of offer %s is not sent yet: %s", offer.id, err.message)
        return
    await profile.inject(Sending).send_soon(profile, offer.origin.channel, message, wants_reply=True)


async def _message(profile: Profile, offer: HeldOffer, own: OwnRequest) -> dict[str, Any]:
    """Return the request as a message: the same one each time, its id too."""
    message = request_message(thread_id=offer.thread_id, request_json=own.request) | {"@id": own_id("asked", offer.id)}
    if offer.origin.connection_id is not None:
        return message
    # Without a connection the issuer knows neither who asks nor where to answer (Aries RFC 0056).
    thread = {"thid": offer.thread_id, "pthid": offer.origin.invitation_id}
    service = await reached_at(profile, offer.origin.own_key)
    return message | {"~thread": thread, "~service": service}
