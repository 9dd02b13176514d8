"""Handing an offer over to the wallet that connected on its invitation.

An offer holds a person's claim, so it travels over an encrypted connection only, in these steps:

1. It is open, and its deadline has not passed.
2. It takes the connection, unless it has another: the first wallet to connect is the one that gets it.
3. ACA-Py's exchange takes the connection too, so that nobody else's request is heard.
4. It is sent, by one process at a time, and that is noted.

A crash may come between any two of them, and a message that ACA-Py queued is lost with its process: so the sweep looks
for open offers whose invitation has a connection and that were not sent since the last process began or was lost. A
wallet that gets the same offer a second time takes it for the same.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.issuer import offers
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.runtime.at_once import Rounds
from wanderbuch.faults import describe
from wanderbuch.plugins.trust.issuing import SendOffer
from wanderbuch.plugins.trust.once import one_step
from wanderbuch.store.fellows import lost_since
from wanderbuch.store.records import RecordStore
from wanderbuch.store.telling import Teller

LOGGER = logging.getLogger(__name__)
_SWEEP_S: Final = 20.0


class Delivery:
    """Hands offers over."""

    def __init__(self, profile: Profile, store: RecordStore[Offer], teller: Teller[Offer]) -> None:
        """Begin to hand over.

        Args:
            profile: whose wallet.
            store: the offers.
            teller: changes one that ends.
        """
        self._profile = profile
        self._offers = store
        self._teller = teller
        self._began = datetime.now(UTC)
        self._unsent: dict[str, Offer] = {}
        self._rounds = Rounds("issuer.delivery")

    async def connected(self, invitation_id: str, connection_id: str, send: SendOffer) -> None:
        """Send the offer of an invitation over the connection that it brought, by the steps above."""
        for offer in await self._offers.find(invitation_id=invitation_id):
            await self._hand_over(offer, connection_id, send)

    async def sweep(self, still_open: Sequence[Offer]) -> None:
        """Send what a crash or a lost message kept from being sent; one wallet that is silent holds up no other.

        Args:
            still_open: open offers that may have to be sent; those that could not be are tried again by later sweeps.
        """
        for offer in still_open:
            if not self._was_sent(offer):
                self._unsent[offer.id] = offer
        await self._rounds.go(
            {offer.id: partial(self._send, offer) for offer in self._unsent.values()}, wait_s=_SWEEP_S
        )

    async def stop(self) -> None:
        """End what is still running of a sweep."""
        await self._rounds.stop()

    async def _send(self, offer: Offer) -> None:
        connection_id = offer.connection_id or await self._connection(offer)
        if connection_id is None or await self._hand_over(offer, connection_id, self._sender(connection_id)):
            self._unsent.pop(offer.id, None)

    async def _hand_over(self, held: Offer, connection_id: str, send: SendOffer) -> bool:
        """Send an offer; return whether that is done with: it was sent, or does not go to this connection."""
        async with one_step(self._profile, f"delivery.{held.id}"):
            at = datetime.now(UTC)
            step = offers.connect(connection_id, at=at)
            ends = at > held.answer_by
            offer = await (self._teller.change(held, step) if ends else self._offers.change(held.id, step))
            if offer.state is not OfferState.OPEN or offer.connection_id != connection_id:  # 1, 2
                LOGGER.warning("offer %s: connection %s does not get it", offer.id, connection_id)
                return True
            if self._was_sent(offer):
                return True
            try:
                exchange = await self._bound_exchange(offer, connection_id)  # 3
                if exchange is None:
                    return True
                message = exchange.cred_offer
                message.assign_thread_id(thid=exchange.thread_id, pthid=offer.invitation_id)
                await send(message)  # 4
            except (BaseError, RuntimeError) as err:
                LOGGER.warning("offer %s: could not be sent: %s", offer.id, describe(err))
                return False
            await self._offers.change(offer.id, offers.hand_over(at=datetime.now(UTC)))
            LOGGER.info("offer %s: sent over connection %s", offer.id, connection_id)
            return True

    def _was_sent(self, offer: Offer) -> bool:
        """Return whether the offer was sent, by a process that has not ended since."""
        return offer.offered_at is not None and offer.offered_at >= lost_since(self._profile, self._began)

    async def _bound_exchange(self, offer: Offer, connection_id: str) -> V20CredExRecord | None:
        """Return the exchange of an offer, bound to the connection; None if there is nothing to offer any more."""
        async with self._profile.session() as session:
            try:
                exchange = await V20CredExRecord.retrieve_by_id(session, offer.cred_ex_id)
            except StorageNotFoundError:
                return None
            if exchange.state != V20CredExRecord.STATE_OFFER_SENT:
                return None
            if exchange.connection_id is None:
                exchange.connection_id = connection_id
                await exchange.save(session, reason="a wallet connected")
        return exchange if exchange.connection_id == connection_id else None

    async def _connection(self, offer: Offer) -> str | None:
        """Return the connection that the invitation of an offer brought, if there is one."""
        if offer.invitation_id is None:
            return None
        async with self._profile.session() as session:
            found = await ConnRecord.query(
                session,
                {"invitation_msg_id": offer.invitation_id, "state": ConnRecord.State.COMPLETED.rfc160},
                post_filter_positive={"their_role": ConnRecord.Role.REQUESTER.rfc160},
            )
        return str(found[0].connection_id) if found else None

    def _sender(self, connection_id: str) -> SendOffer:
        async def send(message: V20CredOffer) -> None:
            await self._profile.inject(BaseResponder).send(message, connection_id=connection_id)

        return send
