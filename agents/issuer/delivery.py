"""Handing an offer over to the wallet that connected on its invitation.

An offer holds a person's claim, so it travels over an encrypted connection only, in these steps:

1. It is open, and its deadline has not passed.
2. The wallet that answers the invitation first takes it: the marker `taken` refuses every other one. There is no
   invitation by which many wallets get a certificate (docs/adr/0113-one-invitation-one-certificate.md).
3. When the connection stands the offer is sent, as the answer to the wallet's message where the wallet waits for one.

What was not delivered is sent again by the sweeps of this process; and once by a process that has just begun, or has
taken up what another left, for it may have been that one's to deliver. A wallet that gets the same offer a second time
takes it for the same. Where the handshake is not at its end the response may be what was lost, with a mediator that was
away: it is sent again, after ever longer pauses, since another wallet would be refused.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from acapy_agent.core.profile import Profile
from cachetools import LRUCache

from wanderbuch.agents.issuer.book import OfferBook
from wanderbuch.agents.issuer.offers import Offer, OfferState, taken
from wanderbuch.agents.issuer.signing import Signer
from wanderbuch.agents.issuer.wallets import connection_with, note_reused
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.connecting.inviter import answer_again
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.credential_messages import offer_message
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.exchange.sending_again import next_try

LOGGER = logging.getLogger(__name__)
_SWEEP_S: Final = 20.0
_MAX_SENT: Final = 10_000


class Delivery:
    """Hands one issuer's offers over."""

    def __init__(self, profile: Profile, book: OfferBook, signer: Signer, sending: Sending) -> None:
        """Begin to hand over.

        Args:
            profile: whose.
            book: the offers.
            signer: makes the AnonCreds offer.
            sending: the way out.
        """
        self._profile = profile
        self._book = book
        self._signer = signer
        self._sending = sending
        self._sent: LRUCache[str, None] = LRUCache(_MAX_SENT)
        self._unsent: dict[str, Offer] = {}
        self._unanswered: dict[str, str] = {}  # by connection: which invitation
        self._answered: dict[str, tuple[datetime, datetime]] = {}  # by offer: since when again, and when next
        self._rounds = Rounds("issuer.delivery")

    async def take(self, invitation_id: str, connection: Connection) -> bool:
        """Give the offer of an invitation to a connection; False: another one has it, or it is over."""
        offer = await self._book.offers.get_or_none(invitation_id)
        if offer is None:
            return False
        if offer.wallet is None and _is_open(offer):  # 1
            if connection.invitation_id != invitation_id:  # it goes on over a connection that it has
                await note_reused(self._profile, connection)
            await self._book.offers.add(offer.id, "taken", taken(connection.channel), record=offer)  # 2
            offer = await self._book.offers.get(offer.id)
        has_it = offer.wallet is not None and offer.wallet.own_key == connection.id
        if not has_it:
            LOGGER.warning("offer %s: connection %s does not get it", offer.id, connection.connection_id)
        return has_it

    async def connected(self, invitation_id: str, connection: Connection, incoming: Incoming) -> None:
        """Send the offer of an invitation over the connection that has it (3)."""
        offer = await self._book.offers.get_or_none(invitation_id)
        if offer is None or offer.wallet is None or offer.wallet.own_key != connection.id:
            LOGGER.warning("connection %s answers an invitation whose offer it does not have", connection.connection_id)
            return
        if not _is_open(offer):
            return
        if offer.id in self._sent and not incoming.way_back.is_open:  # who waits has lost the answer before
            return
        self._sent[offer.id] = None
        self._is_settled(offer.id)
        try:
            message = await self.message(offer)
            await self._sending.answer(
                incoming, offer.wallet.channel, message, on_lost=lambda: self._unsent.update({offer.id: offer})
            )
        except BaseException:
            self._sent.pop(offer.id, None)
            raise
        LOGGER.info("offer %s: sent over connection %s", offer.id, connection.connection_id)

    def unanswered(self, invitation_id: str, connection: Connection) -> None:
        """Have a wallet whose response did not arrive answered by the next sweep."""
        if len(self._unanswered) < _MAX_SENT:
            self._unanswered[connection.id] = invitation_id

    async def sweep(self, still_open: Sequence[Offer], now: datetime) -> None:
        """Send what a crash or a lost message kept from being sent; one wallet that is silent holds up no other.

        Args:
            still_open: open offers that may have to be sent; those that could not be are tried again by later sweeps.
            now: the time.
        """
        unanswered, self._unanswered = self._unanswered, {}
        for invitation_id in unanswered.values():
            if (offer := await self._book.offers.get_or_none(invitation_id)) is not None:
                self._unsent[offer.id] = offer
        for offer in still_open:
            if offer.wallet is not None and offer.id not in self._sent:
                self._unsent[offer.id] = offer
        steps = {offer_id: partial(self._send, offer_id, now) for offer_id in self._unsent}
        await self._rounds.go(steps, wait_s=_SWEEP_S)

    async def stop(self) -> None:
        """End what is still running of a sweep."""
        await self._rounds.stop()

    async def message(self, offer: Offer) -> dict[str, object]:
        """Return the message that offers it, made anew."""
        offer_json = await self._signer.offer_json(
            schema_id=offer.schema_id, cred_def_id=offer.cred_def_id, nonce=offer.nonce
        )
        return offer_message(
            message_id=offer.thread_id,
            invitation_id=offer.invitation_id,
            values=offer.values,
            offer_json=offer_json,
        )

    async def _send(self, offer_id: str, now: datetime) -> None:
        offer = await self._book.offers.get_or_none(offer_id)
        if offer is None or offer.wallet is None or not _is_open(offer):
            self._is_settled(offer_id)
            return
        connection, is_complete = await connection_with(self._profile, offer.wallet.own_key)
        if not is_complete:  # the wallet has yet to end its handshake, or never will
            if connection is not None:
                await self._answer_again(offer_id, connection, now)
            return
        channel = offer.wallet.channel
        try:
            if channel.has_address:
                await self._sending.send(self._profile, channel, await self.message(offer))
            else:
                await self._sending.send_soon(self._profile, channel, await self.message(offer))
        except WanderbuchError as err:
            LOGGER.warning("offer %s: could not be sent: %s", offer.id, describe(err))
            return
        self._sent[offer.id] = None
        self._is_settled(offer_id)
        LOGGER.info("offer %s: sent again", offer.id)

    async def _answer_again(self, offer_id: str, connection: Connection, now: datetime) -> None:
        since, due = self._answered.get(offer_id, (now, now))
        if now >= due:
            self._answered[offer_id] = (since, next_try(now, since=since))
            await answer_again(self._profile, connection)

    def _is_settled(self, offer_id: str) -> None:
        self._unsent.pop(offer_id, None)
        self._answered.pop(offer_id, None)


def _is_open(offer: Offer) -> bool:
    return offer.state is OfferState.OPEN and datetime.now(UTC) <= offer.answer_by
