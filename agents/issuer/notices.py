"""Telling a wallet that its credential is revoked (Aries RFC 0721), until it has heard or a week has passed.

1. The notice is kept as a payload, then the marker `published`; so whoever finds the marker finds the notice.
2. It is sent, and sent again after 30 s, 1 min, 2 min and so on, at last every 12 hours, and once by a process that has
   begun.
3. When the wallet acknowledges it, or after a week, the payload goes, and the issuer is told which of the two it was.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.book import OfferBook, is_its_wallet
from wanderbuch.agents.issuer.intents import GIVE_UP, RevocationIntent, RevocationState, intent_id_of, open_intents
from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.resending import send_payload
from wanderbuch.agents.issuer.telling import revocation_events
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.plugins.exchange.acknowledgements import AckStatus, read_ack
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.packing import PREFIX
from wanderbuch.plugins.exchange.payloads import Payload, keeping, removing
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.fellows import lost_since
from wanderbuch.store.markers import Markers
from wanderbuch.store.telling import MarkTeller

LOGGER = logging.getLogger(__name__)

ACK: Final = "revocation_notification/2.0/ack"
_REVOKE: Final = f"{PREFIX}revocation_notification/2.0/revoke"
_FORMAT: Final = "indy-anoncreds"  # Aries RFC 0721; the only one that ACA-Py knows
_SWEEP_S: Final = 20.0


class Notices:
    """The notices of one issuer's revocations."""

    def __init__(self, profile: Profile, book: OfferBook, intents: Markers[RevocationIntent], sending: Sending) -> None:
        """Prepare.

        Args:
            profile: whose.
            book: the offers, which know the wallets.
            intents: the revocations.
            sending: the way out.
        """
        self._profile = profile
        self._book = book
        self._intents = intents
        self._sending = sending
        self._teller = MarkTeller(open_intents, profile, revocation_events, markers=intents)
        self._began = datetime.now(UTC)
        self._looked_since: datetime | None = None
        self._rounds = Rounds("issuer.notices")

    async def note(self, offer: Offer, intent: RevocationIntent, published: Mapping[str, Any]) -> None:
        """Note that a revocation is public, and tell the wallet (1, 2)."""
        payload = Payload(notice_message(intent))
        try:
            first = keeping(intent.thread_id, payload)
            is_new = await self._intents.add(intent.id, "published", published, record=intent, first=first)
        except DuplicateError:  # a crash came between the two
            is_new = await self._intents.add(intent.id, "published", published, record=intent)
        if is_new and offer.wallet is not None:
            await self._sending.send_soon(self._profile, offer.wallet.channel, payload.message)

    async def acknowledged(self, incoming: Incoming) -> bool:
        """Take the word that the wallet has heard (3); one that could not take the notice, or not yet, gets it again.

        Raises:
            ExchangeError: it says neither (`read_ack`).
        """
        intent = await intent_of(self._intents, incoming)
        offer = None if intent is None else await self._book.offers.get_or_none(intent.id)
        if intent is None or offer is None or not is_its_wallet(offer, incoming):
            return False
        if (status := read_ack(incoming.members)) is not AckStatus.OK:
            LOGGER.info("the wallet has not taken the notice of revocation %s: %s", intent.id, status.value)
            return True
        if intent.state is RevocationState.PUBLISHED and intent.told_at is None:
            value = {"told_at": datetime.now(UTC).isoformat()}
            await self._teller.add(intent, "told", value, then=removing(intent.thread_id))
        return True

    async def sweep(self, now: datetime) -> None:
        """Send again what nobody has acknowledged; end what has been told for long enough."""
        began = lost_since(self._profile, self._began)
        is_first, self._looked_since = began != self._looked_since, began
        async with self._intents.claiming(now + GIVE_UP if is_first else now, also_early=True) as claimed:
            published = [
                revocation_intent async for revocation_intent in claimed if revocation_intent.published_at is not None
            ]
            steps = {
                revocation_intent.id: partial(self._tell, revocation_intent, now) for revocation_intent in published
            }
            await self._rounds.go(steps, wait_s=_SWEEP_S)

    async def stop(self) -> None:
        """End what is still running of a sweep."""
        await self._rounds.stop()

    async def _tell(self, intent: RevocationIntent, now: datetime) -> None:
        if intent.is_over:  # a crash came between that word and the payload's end
            await self._book.payloads.remove(intent.thread_id)
            return
        if intent.published_at is not None and intent.published_at + GIVE_UP < now:
            LOGGER.info("the wallet did not acknowledge the notice of revocation %s", intent.id)
            value = {"given_up_at": now.isoformat()}
            await self._teller.add(intent, "given_up", value, then=removing(intent.thread_id))
            return
        payload = await self._book.payloads.find(intent.thread_id)
        if payload is not None:
            await send_payload(self._profile, self._sending, await self._book.offers.get(intent.id), payload)


def notice_message(intent: RevocationIntent) -> dict[str, Any]:
    """Return the notice that a credential is revoked; it asks for an acknowledgement (Aries RFC 0317)."""
    told = {} if intent.reason is None else {"comment": intent.reason.sentence}
    return {
        "@type": _REVOKE,
        "@id": intent.thread_id,
        "~please_ack": {"on": ["RECEIPT"]},
        "revocation_format": _FORMAT,
        "credential_id": f"{intent.registry}::{intent.index}",
        **told,
    }


async def intent_of(intents: Markers[RevocationIntent], incoming: Incoming) -> RevocationIntent | None:
    """Return the revocation that a message is about, None if there is none."""
    intent_id = intent_id_of(incoming.thread_id)
    return None if intent_id is None else await intents.get_or_none(intent_id)


async def knows_notice(incoming: Incoming) -> bool:
    """Tell whether a message is about a revocation of ours, from the wallet that was told of it."""
    intent = await intent_of(open_intents(incoming.profile), incoming)
    if intent is None:
        return False
    offer = await OfferBook(incoming.profile).offers.get_or_none(intent.id)
    return offer is not None and is_its_wallet(offer, incoming)
