"""ACA-Py's conductor, which hands messages over by our gate and tells how the handling of each ended.

ACA-Py calls a message processed whatever became of its handler. A handler that failed because the wallet store did not
answer in time has done nothing that lasts, and the message must be handled again; any other end is final.

ACA-Py's own dispatcher would look for the sender once more, by rules of its own; what `GatedMessage` says is used in
its place. A handler runs within the deadline of its sender's budget, and what it asks of other hosts is asked for a
stranger unless the sender has a connection (`plugins/http/lanes`).
"""

import asyncio
from contextlib import nullcontext
from typing import Any, Final
from weakref import WeakKeyDictionary

from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.conductor import Conductor
from acapy_agent.core.dispatcher import DispatcherResponder
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.transport.inbound.message import InboundMessage
from acapy_agent.utils.task_queue import CompletedTask

from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.agents.runtime.gate.senders import Sender
from wanderbuch.agents.runtime.gate.served import Nearness, NotServedError, Served
from wanderbuch.plugins.http.lanes import work_for_strangers

_ATTACHED_S: Final = 180.0


class GatedMessage(InboundMessage):  # type: ignore[misc]  # acapy_agent has no types
    """A message that has passed the gate.

    Args:
        received: the message.
        sender: who sent it.
        handler_s: how long its handler may take, in seconds.
        options: ACA-Py's own.
    """

    def __init__(self, received: Received, sender: Sender, handler_s: float, **options: Any) -> None:
        connection = sender.connection
        super().__init__(received.members, connection_id=connection and connection.connection_id, **options)
        self.sender = sender
        self.handler_s = handler_s


class TellingConductor(Conductor):  # type: ignore[misc]
    """Hands over what passed the gate, and remembers how it ended.

    What a tenant serves (`Served`, bound in its profile) is also what an invitation may carry to it.
    """

    def inbound_message_router(self, profile: Profile, message: InboundMessage, can_respond: bool = False) -> None:
        """Begin to handle a message: of the transport, or attached to an invitation that was opened."""
        self.dispatcher.run_task(
            self._handled(profile, message), lambda completed: self.dispatch_complete(message, completed)
        )

    def dispatch_complete(self, message: InboundMessage, completed: CompletedTask) -> None:
        """Take the end of a handler, before the message is called processed."""
        if completed.exc_info:
            _failures[message] = completed.exc_info[1]
        super().dispatch_complete(message, completed)

    async def _handled(self, profile: Profile, message: InboundMessage) -> None:
        gated = message if isinstance(message, GatedMessage) else None
        if gated is None and profile.inject(Served).row(Received.of(message.payload, size=0).type) is None:
            raise NotServedError("an invitation that brings a message of a type that is not served here")
        near = gated is None or gated.sender.party.standing is Nearness.CONNECTION
        async with asyncio.timeout(gated.handler_s if gated else _ATTACHED_S):
            with nullcontext() if near else work_for_strangers():
                await self._handle(profile, message, gated)

    async def _handle(self, profile: Profile, message: InboundMessage, gated: GatedMessage | None) -> None:
        """Do what ACA-Py's `Dispatcher.handle_v1_message` does, for a message whose sender is known already.

        A message that its class cannot read is not answered: its handler has not begun, and a wallet can do nothing
        about it.
        """
        context = RequestContext(profile)
        context.message = await self.dispatcher.make_message(profile, message.payload)
        context.message_receipt = message.receipt
        connection = gated.sender.connection if gated else await _connection(profile, message.connection_id)
        context.connection_record = connection
        context.connection_ready = connection and connection.is_ready
        responder = DispatcherResponder(
            context,
            message,
            self.outbound_message_router,
            reply_session_id=message.session_id,
            reply_to_verkey=message.receipt.sender_verkey,
        )
        responder.connection_id = connection and connection.connection_id
        context.injector.bind_instance(BaseResponder, responder)
        await context.message.Handler().handle(context, responder)


def failure_of(message: InboundMessage) -> BaseException | None:
    """Return what the handling of a message that ACA-Py calls processed ended with; None if it went well."""
    return _failures.get(message)


async def _connection(profile: Profile, connection_id: str | None) -> ConnRecord | None:
    if connection_id is None:
        return None
    async with profile.session() as session:
        return await ConnRecord.retrieve_by_id(session, connection_id)


_failures: WeakKeyDictionary[Any, BaseException] = WeakKeyDictionary()
