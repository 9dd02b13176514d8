"""ACA-Py's inbound transport on our public site: a message is kept before it is acknowledged.

For each message that arrives:

1. it is unpacked in memory; what is not an encrypted envelope for one of our keys is refused (400) and never written;
   so is what comes while `MAX_HELD_BYTES` wait to be processed (503): anybody can encrypt to our public keys;
2. the envelope, still encrypted, is kept in the wallet store;
3. it is handed to ACA-Py's dispatcher, if the agent is ready; else it waits for the next replay;
4. the sender gets 200 (and, if it asked for a reply on the same connection, the reply);
5. when the dispatcher has finished with it, the kept envelope is removed; it stays if the handler failed because the
   wallet store did not answer.

Whatever was left kept is replayed at the next start and by every sweep, at most `MAX_ATTEMPTS` times. So a message
may be handled twice, and handlers must take that; it is never lost.

ACA-Py loads the alphabetically first transport class of this module, so no other may be imported by name here.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, ClassVar, Final

from acapy_agent.transport.error import WireFormatParseError
from acapy_agent.transport.inbound import base as inbound
from acapy_agent.transport.inbound.message import InboundMessage
from acapy_agent.transport.inbound.session import InboundSession
from acapy_agent.transport.wire_format import DIDCOMM_V1_MIME_TYPE
from aiohttp import web
from aries_askar import AskarError

from wanderbuch.agents.runtime.conductor import was_handled
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.public import PublicSite
from wanderbuch.agents.runtime.records import NotFoundError, Record, RecordStore
from wanderbuch.agents.runtime.store import StoreGuard

MAX_ATTEMPTS: Final = 5
MAX_HELD_BYTES: Final = 128 * 1024 * 1024  # some thousand presentations
_LOG = logging.getLogger(__name__)
_REPLY_DEADLINE_S: Final = 30.0
_REPLAYED_AT_ONCE: Final = 8


class KeptEnvelope(Record):
    """An encrypted envelope that is not yet fully processed."""

    category: ClassVar[str] = "wanderbuch.envelope"
    envelope: str
    attempts: int = 0


class KeepingTransport(inbound.BaseInboundTransport):  # type: ignore[misc]  # acapy_agent has no types
    """Receives DIDComm messages from the public site."""

    def __init__(self, host: str, port: int, create_session: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__("https", create_session, **kwargs)
        self.host = host
        self.port = port
        self._kept = RecordStore(self.root_profile, KeptEnvelope)
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, int] = {}  # what came since the start and is not finished: id -> bytes
        self._dispatching = False
        self._replay_lock = asyncio.Lock()

    @property
    def in_flight(self) -> int:
        """Return how many messages are being processed."""
        return len(self._in_flight)

    async def start(self) -> None:
        """Receive and keep from now on; nothing is dispatched before `open`."""
        self.root_profile.inject(PublicSite).connect(self.receive)

    async def stop(self) -> None:
        """Receive nothing more; what is not finished stays kept."""
        self._dispatching = False
        self.root_profile.inject(PublicSite).connect(None)

    async def open(self) -> None:
        """Dispatch from now on, first what was kept."""
        self._dispatching = True
        await self.replay()

    def hold(self) -> None:
        """Dispatch nothing more; what still arrives is only kept."""
        self._dispatching = False

    def abandon(self) -> None:
        """Leave what is in flight kept, however its handler ends: it is replayed at the next start."""
        for task in list(self._in_flight.values()):
            task.cancel()

    async def receive(self, body: bytes) -> web.Response:
        """Take one message in, by the steps above."""
        session: InboundSession = await self.create_session(can_respond=True)
        async with session:
            message = await self._unpacked(session, body)  # 1
            if message is None:
                log_event(_LOG, logging.INFO, "didcomm.refused", bytes=len(body))
                return web.Response(status=400)
            if sum(self._held.values()) + len(body) > MAX_HELD_BYTES:
                log_event(_LOG, logging.WARNING, "didcomm.full", held=len(self._held))
                return web.Response(status=503, headers={"Retry-After": "5"})
            envelope = KeptEnvelope(envelope=body.decode())
            self._held[envelope.id] = len(body)
            try:
                kept = await self._kept.insert(envelope)  # 2
            except BaseException:
                self._held.pop(envelope.id, None)
                raise
            if not self._dispatching:
                log_event(_LOG, logging.INFO, "didcomm.waiting", envelope=kept.id)
                return web.Response(status=200)
            self._dispatch(session, message, kept.id)  # 3
            return await self._answer(session, message)  # 4

    async def replay(self) -> None:
        """Process what is kept and not in flight."""
        async with self._replay_lock:
            waiting = [kept for kept in await self._kept.find() if kept.id not in self._in_flight]
            limit = asyncio.Semaphore(_REPLAYED_AT_ONCE)

            async def one(kept: KeptEnvelope) -> None:
                async with limit:
                    await self._replay_one(kept)

            await asyncio.gather(*(one(kept) for kept in waiting if kept.attempts < MAX_ATTEMPTS))

    async def _replay_one(self, kept: KeptEnvelope) -> None:
        if not self._dispatching:
            return
        try:
            kept = await self._kept.change(
                kept.id, lambda held: held.model_copy(update={"attempts": held.attempts + 1})
            )
        except NotFoundError:
            return  # finished meanwhile
        if kept.attempts >= MAX_ATTEMPTS:
            log_event(_LOG, logging.ERROR, "didcomm.given_up", envelope=kept.id, attempts=kept.attempts)
        session: InboundSession = await self.create_session(can_respond=False)
        async with session:
            message = await self._unpacked(session, kept.envelope.encode())
            if message is None:  # its key is gone: nobody will ever read it
                await self._forget(kept.id)
                return
            log_event(_LOG, logging.INFO, "didcomm.replayed", envelope=kept.id, attempts=kept.attempts)
            await asyncio.shield(self._dispatch(session, message, kept.id))

    async def _unpacked(self, session: InboundSession, body: bytes) -> InboundMessage | None:
        """Return the message in an envelope for one of our keys, or None if it is not one."""
        try:
            if self.root_profile.settings.get("multitenant.enabled"):
                await session.handle_relay_context(body)
            message: InboundMessage = await session.parse_inbound(body)
        except (WireFormatParseError, ValueError, KeyError, TypeError, AttributeError):
            return None
        # ACA-Py takes plain text, and envelopes that it could not open, as messages without a recipient: we do not.
        return message if message.receipt.recipient_verkey else None

    def _dispatch(self, session: InboundSession, message: InboundMessage, kept_id: str) -> asyncio.Task[None]:
        session.receive_inbound(message)
        task = asyncio.create_task(self._finish(message, kept_id), name=f"didcomm.{kept_id}")
        self._in_flight[kept_id] = task
        task.add_done_callback(lambda _: self._in_flight.pop(kept_id, None))
        return task

    async def _finish(self, message: InboundMessage, kept_id: str) -> None:
        """Remove the kept envelope once its message is processed (5), unless the store can not be relied on."""
        await message.wait_processing_complete()
        if not was_handled(message):
            log_event(_LOG, logging.WARNING, "didcomm.store_failed", envelope=kept_id)
            return
        if self.root_profile.inject(StoreGuard).fatal is None:
            try:
                await self._forget(kept_id)
            except AskarError as err:
                _LOG.error("didcomm.not_removed", exc_info=err)

    async def _forget(self, kept_id: str) -> None:
        await self._kept.remove(kept_id)
        self._held.pop(kept_id, None)

    async def _answer(self, session: InboundSession, message: InboundMessage) -> web.Response:
        """Return 200, with the reply if the sender asked for one on this connection (Aries RFC 0092)."""
        if not message.receipt.direct_response_requested:
            return web.Response(status=200)
        try:
            async with asyncio.timeout(_REPLY_DEADLINE_S):
                await message.wait_processing_complete()
                reply = await session.wait_response() if session.response_buffer else None
        except TimeoutError:
            reply = None
        session.can_respond = False
        if reply is None:
            return web.Response(status=200)
        session.clear_response()
        body = reply if isinstance(reply, bytes) else reply.encode()
        return web.Response(status=200, body=body, headers={"Content-Type": DIDCOMM_V1_MIME_TYPE})
