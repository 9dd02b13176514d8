"""Sending a credential again that may be lost.

What goes out is lost with the process that sends it, and a wallet may be away. So what no wallet has acknowledged is
sent again,

1. once whenever a process begins or is lost: it may have been that one's to deliver;
2. after 30 s, 1 min, 2 min and so on, at last every 12 hours, until the wallet has said something, or a week has
   passed: then the issuer is told that nobody answered.

It is the same credential each time, its payload as it was kept. A wallet that has it already ignores it. Nothing is
written for a sending: when the next is due stands in the offer's row alone.
"""

import logging

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.payloads import Payload
from wanderbuch.plugins.exchange.sending import Sending

LOGGER = logging.getLogger(__name__)


async def send_again(profile: Profile, book: OfferBook, sending: Sending, offer_id: str) -> None:
    """Send the credential of an offer once more, if the wallet has not answered; a later sweep tries again."""
    offer = await book.offers.get_or_none(offer_id)
    payload = await book.payloads.find(offer_id) if offer is not None and offer.awaits_receipt else None
    if offer is not None and payload is not None:
        await send_payload(profile, sending, offer, payload)


async def send_payload(profile: Profile, sending: Sending, offer: Offer, payload: Payload) -> None:
    """Send what was kept for the wallet that has an offer; if that fails, a later sweep tries again."""
    if offer.wallet is None:
        return
    channel = offer.wallet.channel
    LOGGER.info("offer %s: %s is sent again", offer.id, payload.message["@type"])
    try:
        if channel.has_address:
            await sending.send(profile, channel, payload.message)
        else:
            await sending.send_soon(profile, channel, payload.message)
    except WanderbuchError as err:
        LOGGER.warning("offer %s: could not be sent again: %s", offer.id, describe(err))
