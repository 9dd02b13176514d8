"""The way of a message that no handler of ours takes: ACA-Py's session and dispatcher, and its reply to who waits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from acapy_agent.core.profile import Profile
from acapy_agent.messaging.base_message import DIDCommVersion
from acapy_agent.messaging.util import time_now
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.transport.inbound.session import InboundSession
from aiohttp import web

from wanderbuch.agents.runtime.conductor import GatedMessage
from wanderbuch.agents.runtime.gate.entry import Entered
from wanderbuch.agents.runtime.own_handling import HttpReply, offer_waiting
from wanderbuch.plugins.exchange.sending import Sending

REPLY_DEADLINE_S: Final = 30.0


class AcapyDispatch:
    """Makes what ACA-Py's dispatcher takes, and answers with what it gives.

    Args:
        create_session: of the transport; it makes sessions of the root profile alone.
        profile_of: returns the profile of a tenant.
        sending: holds what waits for wallets without an address.
    """

    def __init__(
        self,
        create_session: Callable[..., Any],
        profile_of: Callable[[str], Awaitable[Profile]],
        sending: Sending,
    ) -> None:
        self._create_session = create_session
        self._profile_of = profile_of
        self._sending = sending

    async def session(self, tenant: str, *, can_respond: bool) -> InboundSession:
        """Return ACA-Py's session for messages of a tenant.

        Raises:
            NotFoundError: the tenant is suspended or removed.
        """
        profile = await self._profile_of(tenant)
        session: InboundSession = await self._create_session(can_respond=can_respond)
        session.profile = profile
        return session

    async def answer(self, session: InboundSession, message: GatedMessage, passed: Entered) -> web.Response:
        """Return 200, with the reply if the sender asked for one on this connection (Aries RFC 0092)."""
        if not message.receipt.direct_response_requested:
            return web.Response(status=200)
        try:
            async with asyncio.timeout(REPLY_DEADLINE_S):
                await message.wait_processing_complete()
                reply = await session.wait_response() if session.response_buffer else None
        except TimeoutError:
            reply = None
        session.can_respond = False
        way_back = HttpReply(is_open=True)
        # A wallet without an address polls with a ping: what waits goes first.
        offer_waiting(self._sending, passed, way_back)
        if reply is not None:
            session.clear_response()
            body = reply if isinstance(reply, bytes) else reply.encode()
            if not way_back.offer(body):
                own, theirs = passed.opened.recipient, passed.opened.sender
                self._sending.put_waiting(body, own_key=own, their_key=theirs)
        return way_back.answer()


def gated_message(session: InboundSession, passed: Entered, handler_s: float) -> GatedMessage:
    """Return a message as ACA-Py's handlers expect it."""
    received = passed.received
    receipt = MessageReceipt(
        direct_response_mode=received.return_route,
        in_time=time_now(),
        recipient_verkey=passed.opened.recipient,
        sender_verkey=passed.opened.sender,
        thread_id=received.thread_id,
        parent_thread_id=received.parent_thread_id,
        didcomm_version=DIDCommVersion.v1,
    )
    passed.sender.note(receipt)
    return GatedMessage(
        received,
        passed.sender,
        handler_s,
        receipt=receipt,
        session_id=session.session_id,
        transport_type=session.transport_type,
    )
