"""When a wallet has connected on an invitation, the issuer's book of offers is told, and the offer follows.

A wallet ends DID Exchange with `complete` (Aries RFC 0023), or goes on over the connection it has with
`handshake-reuse` (Aries RFC 0434). ACA-Py's handlers do their work first; then the connection's own record says which
invitation it answers.

The book is told while the message is handled, not by an event: so a wallet without an address of its own gets the offer
as the answer to its message (Aries RFC 0092), and what a crash interrupts is done when the kept envelope is replayed.
"""

import logging
from collections.abc import Mapping
from typing import Final

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.messaging.base_handler import BaseHandler
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix
from acapy_agent.protocols.didexchange.v1_0.handlers.complete_handler import DIDXCompleteHandler
from acapy_agent.protocols.didexchange.v1_0.message_types import DIDX_COMPLETE
from acapy_agent.protocols.didexchange.v1_0.messages.complete import DIDXComplete, DIDXCompleteSchema
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.out_of_band.v1_0.handlers.reuse_handler import HandshakeReuseMessageHandler
from acapy_agent.protocols.out_of_band.v1_0.message_types import MESSAGE_REUSE
from acapy_agent.protocols.out_of_band.v1_0.messages.reuse import HandshakeReuse, HandshakeReuseSchema
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.plugins.trust.handshake_messages import find_begun, shorten_again
from wanderbuch.plugins.trust.issuing import OfferBook
from wanderbuch.plugins.trust.once import one_step, own_id

LOGGER = logging.getLogger(__name__)


class _CompleteHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Takes the end of a DID exchange."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        profile, request_id = context.profile, context.message._thread_id  # noqa: SLF001  (ACA-Py's name)
        async with one_step(profile, own_id("handshake", request_id)):
            await shorten_again(profile, await find_begun(profile, request_id, ConnRecord.Role.REQUESTER))
            await DIDXCompleteHandler().handle(context, responder)
            connection = await find_begun(profile, request_id, ConnRecord.Role.REQUESTER)
        if connection is not None:
            await _tell(context, responder, connection)


class _ReuseHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Takes the wish to go on over a connection that is there."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        try:
            await HandshakeReuseMessageHandler().handle(context, responder)
        except StorageNotFoundError:  # the invitation is used up; by this connection, if the message is replayed
            LOGGER.warning("a wallet wants to go on over its connection with an invitation that is used up")
        async with context.profile.session() as session:
            connection = await ConnRecord.retrieve_by_id(session, context.connection_record.connection_id)
        if connection.invitation_msg_id == context.message._thread.pthid:  # noqa: SLF001  (ACA-Py's name)
            await _tell(context, responder, connection)


class NotedComplete(DIDXComplete):  # type: ignore[misc]  # acapy_agent has no types
    """The end of a DID exchange, which goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _CompleteHandler
        schema_class = "NotedCompleteSchema"
        message_type = DIDX_COMPLETE


class NotedCompleteSchema(DIDXCompleteSchema):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(DIDXCompleteSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = NotedComplete


class NotedReuse(HandshakeReuse):  # type: ignore[misc]  # acapy_agent has no types
    """A handshake-reuse message that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _ReuseHandler
        schema_class = "NotedReuseSchema"
        message_type = MESSAGE_REUSE


class NotedReuseSchema(HandshakeReuseSchema):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(HandshakeReuseSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = NotedReuse


CONNECTION_MESSAGES: Final[Mapping[str, type]] = DIDCommPrefix.qualify_all(
    {
        "didexchange/1.0/complete": NotedComplete,
        "didexchange/1.1/complete": NotedComplete,
        "out-of-band/1.0/handshake-reuse": NotedReuse,
        "out-of-band/1.1/handshake-reuse": NotedReuse,
    }
)


async def _tell(context: RequestContext, responder: BaseResponder, connection: ConnRecord) -> None:
    """Tell the book that a connection stands, if it answers an invitation and there is a book."""
    book = context.profile.inject_or(OfferBook)
    is_complete = connection.state == ConnRecord.State.COMPLETED.rfc160
    if book is None or not is_complete or connection.invitation_msg_id is None:
        return
    connection_id = connection.connection_id
    sender = context.connection_record.connection_id if context.connection_record else None

    async def send(message: V20CredOffer) -> None:
        if sender == connection_id:
            await responder.send_reply(message, connection_id=connection_id)
        else:  # not as a reply: what another sent is answered to the connection alone
            await context.profile.inject(BaseResponder).send(message, connection_id=connection_id)

    await book.connected(connection.invitation_msg_id, connection_id, send)
