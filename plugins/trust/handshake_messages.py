"""A handshake that a crash cut goes on: the same message again gets the same answer again.

ACA-Py takes a request or a response of DID Exchange (Aries RFC 0023) in one state of the connection only, and keeps
that state before it answers. A crash in between, or an answer that is lost, leaves a message that is refused for ever
however often it is sent, and an invitation that nobody can use any more. So:

- a request that was taken is answered again, to the wallet that it came from: only that one can read the answer;
- a response that was accepted is answered with `complete` again;
- what a step wrote before it was cut does not keep it from being taken again (`shorten_again`).

Any other message goes to ACA-Py's handlers. One message is handled once at a time, however often it comes at once, and
so are the requests on one invitation: ACA-Py looks whether it is free, then asks about the wallet's DID for as long as
that takes, and then writes, over whatever another wallet has begun or ended meanwhile.
"""

from collections.abc import Mapping
from typing import Final

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.base_handler import BaseHandler
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.didcomm_prefix import DIDCommPrefix
from acapy_agent.protocols.didexchange.v1_0.handlers.request_handler import DIDXRequestHandler
from acapy_agent.protocols.didexchange.v1_0.handlers.response_handler import DIDXResponseHandler
from acapy_agent.protocols.didexchange.v1_0.manager import LONG_PATTERN, DIDXManager, long_to_short
from acapy_agent.protocols.didexchange.v1_0.message_types import DIDEX_1_0, DIDX_REQUEST, DIDX_RESPONSE
from acapy_agent.protocols.didexchange.v1_0.messages.complete import DIDXComplete
from acapy_agent.protocols.didexchange.v1_0.messages.request import DIDXRequest, DIDXRequestSchema
from acapy_agent.protocols.didexchange.v1_0.messages.response import DIDXResponse, DIDXResponseSchema
from acapy_agent.storage.error import StorageDuplicateError, StorageNotFoundError
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.error import WalletNotFoundError

from wanderbuch.plugins.trust.once import one_step, own_id

_ASKED: Final = ConnRecord.State.REQUEST.rfc160
_ANSWERED: Final = ConnRecord.State.RESPONSE.rfc160


class _RequestHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Answers a wallet's request to connect, again if it comes again."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        request = context.message
        request_id, invitation_id = request._id, request._thread.pthid  # noqa: SLF001  (ACA-Py's names)
        profile = context.profile
        invited, handshake = own_id("invited", invitation_id), own_id("handshake", request_id)
        async with one_step(profile, invited), one_step(profile, handshake):
            begun = await find_begun(profile, request_id, ConnRecord.Role.REQUESTER)
            if begun is None:
                await DIDXRequestHandler().handle(context, responder)
            elif begun.accept == ConnRecord.ACCEPT_AUTO and begun.state in (_ASKED, _ANSWERED):
                begun.state = _ASKED
                response = await DIDXManager(profile).create_response(begun)
                await responder.send_reply(response, connection_id=begun.connection_id)


class _ResponseHandler(BaseHandler):  # type: ignore[misc]  # acapy_agent has no types
    """Ends the handshake on the inviter's response, again if it comes again."""

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        thread_id = context.message._thread_id  # noqa: SLF001  (ACA-Py's name)
        async with one_step(context.profile, own_id("handshake", thread_id)):
            begun = await find_begun(context.profile, thread_id, ConnRecord.Role.RESPONDER)
            if begun is None or not begun.is_ready:
                await shorten_again(context.profile, begun)
                await DIDXResponseHandler().handle(context, responder)
            else:
                await responder.send_reply(completing(begun), connection_id=begun.connection_id)


def completing(connection: ConnRecord) -> DIDXComplete:
    """Return the message that ends a wallet's handshake; it may be sent as often as one likes."""
    complete = DIDXComplete()
    if connection.connection_protocol == DIDEX_1_0:
        complete.assign_version("1.0")
    complete.assign_thread_id(thid=connection.request_id, pthid=connection.invitation_msg_id)
    return complete


async def shorten_again(profile: Profile, connection: ConnRecord | None) -> None:
    """Note the short form of our did:peer:4 in a connection, where a crash came before that.

    ACA-Py keeps the short form first and the connection after it, and fails where it finds the short form there.
    """
    if connection is None or not LONG_PATTERN.match(connection.my_did or ""):
        return
    short = long_to_short(connection.my_did)
    async with profile.session() as session:
        try:
            await session.inject(BaseWallet).get_local_did(short)
        except WalletNotFoundError:
            return
        connection.my_did = short
        await connection.save(session, reason="our DID in its short form")


async def find_begun(profile: Profile, request_id: str, their_role: ConnRecord.Role) -> ConnRecord | None:
    """Return the connection that this request began, None if it is new."""
    async with profile.session() as session:
        try:
            return await ConnRecord.retrieve_by_request_id(session, request_id, their_role=their_role.rfc160)
        except (StorageNotFoundError, StorageDuplicateError):
            return None


class AnsweredRequest(DIDXRequest):  # type: ignore[misc]  # acapy_agent has no types
    """A request to connect that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _RequestHandler
        schema_class = "AnsweredRequestSchema"
        message_type = DIDX_REQUEST


class AnsweredRequestSchema(DIDXRequestSchema):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(DIDXRequestSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = AnsweredRequest


class AnsweredResponse(DIDXResponse):  # type: ignore[misc]  # acapy_agent has no types
    """A response of an inviter that goes to our handler."""

    class Meta:
        """ACA-Py's description of the message."""

        handler_class = _ResponseHandler
        schema_class = "AnsweredResponseSchema"
        message_type = DIDX_RESPONSE


class AnsweredResponseSchema(DIDXResponseSchema):  # type: ignore[misc]  # acapy_agent has no types
    """Its wire form: ACA-Py's."""

    class Meta(DIDXResponseSchema.Meta):  # type: ignore[misc]
        """Which class it makes."""

        model_class = AnsweredResponse


INVITER_MESSAGES: Final[Mapping[str, type]] = DIDCommPrefix.qualify_all(
    {f"didexchange/{version}/request": AnsweredRequest for version in ("1.0", "1.1")}
)
INVITEE_MESSAGES: Final[Mapping[str, type]] = DIDCommPrefix.qualify_all(
    {f"didexchange/{version}/response": AnsweredResponse for version in ("1.0", "1.1")}
)
