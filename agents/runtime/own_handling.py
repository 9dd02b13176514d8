"""Our own handlers at work: a message in its sender's turn, in the tenant's offices, within the deadline of its budget.

The sender gets its 200 when the handler has committed. Who takes longer than a second is not kept waiting: then the
envelope is kept first (`didcomm`). What a handler refuses (`ExchangeError`) is counted; its sender learns nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from acapy_agent.transport.wire_format import DIDCOMM_V1_MIME_TYPE
from aiohttp import web

from wanderbuch.agents.runtime.gate.admission import Ticket
from wanderbuch.agents.runtime.gate.entry import Entered, incoming_of
from wanderbuch.agents.runtime.gate.served import Nearness
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.exchange.incoming import LastingRoute, ReplyRoute
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.http.lanes import work_for_strangers

type OnWritten = Callable[[], Awaitable[None]]


class HttpReply:
    """The answer to the request that brought a message: one envelope, if its sender waits for it (Aries RFC 0092).

    Args:
        is_open: whether the sender does.
        socket: the web socket that the message came over, which takes the answer; None: it was posted.
    """

    def __init__(self, *, is_open: bool, socket: LastingRoute | None = None) -> None:
        self.is_open = is_open
        self.socket = socket
        self.body: bytes | None = None
        self._written: OnWritten | None = None

    def offer(self, packed: bytes) -> bool:
        """Take an envelope; False: nobody waits, or there is one already."""
        if not self.is_open or self.body is not None:
            return False
        self.body = packed
        return True

    def offer_once(self, packed: bytes, written: OnWritten) -> bool:
        """Take an envelope as with `offer`; `written` is called when the answer with it was written."""
        if not self.offer(packed):
            return False
        self._written = written
        return True

    def answer(self) -> web.Response:
        """Return the answer with what was taken; nothing more is."""
        self.is_open = False
        if self.body is None:
            return web.Response(status=200)
        return _Answer(self.body, self._written)


class _Answer(web.Response):
    """An answer with an envelope, and who is told when it was written."""

    def __init__(self, packed: bytes, written: OnWritten | None) -> None:
        super().__init__(status=200, body=packed, headers={"Content-Type": DIDCOMM_V1_MIME_TYPE})
        self._was_written = written

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the body, and tell."""
        await super().write_eof(data)
        if self._was_written is not None:
            await self._was_written()


def offer_waiting(sending: Sending, passed: Entered, reply: HttpReply) -> None:
    """Give a sender that waits for a reply what waits for it, where there is no other reply."""
    if reply.is_open and reply.body is None:
        packed = sending.take_waiting(own_key=passed.opened.recipient, their_key=passed.opened.sender)
        if packed is not None:
            reply.offer(packed)


class NotTakenError(Exception):
    """The tenant's offices are not open: the message has to wait until they are, or until it is resumed."""


async def take(tenants: Tenants, entered: Entered, ticket: Ticket, way_back: ReplyRoute, *, handler_s: float) -> None:
    """Have a message taken by the first of our handlers that it is about.

    Args:
        tenants: whose offices work.
        entered: the message.
        ticket: its place in the queue; given back by the caller.
        way_back: takes the reply.
        handler_s: how long the handlers may take.

    Raises:
        NotTakenError: the tenant's offices are not open.
        TimeoutError: the handlers took too long.
        Exception: what a handler raised.
    """
    await ticket.turn
    is_near = entered.sender.party.standing is Nearness.CONNECTION
    try:
        tenant = await tenants.enter(entered.tenant, is_use=is_near)
    except WanderbuchError as err:
        raise NotTakenError from err
    incoming = incoming_of(
        tenant.profile,
        entered.kind,
        entered.opened,
        entered.received,
        way_back,
        entered.connection,
        entered.sender.party.network,
    )
    async with asyncio.timeout(handler_s):
        with nullcontext() if is_near else work_for_strangers():
            for handler in entered.handlers:
                if await handler.handler.take(tenant.offices[handler.role], incoming):
                    return
