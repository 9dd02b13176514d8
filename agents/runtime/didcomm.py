"""ACA-Py's inbound transport on our public site: a message passes the gate and is kept before it is acknowledged.

For each message that arrives:

1. it passes the gate (`gate`): an envelope for one of our keys, a message that can be relied on, of a type that we
   serve, from somebody who may send it, within their budget. Else it is refused (400), or told to come again (503), and
   nothing of it is written: anybody can encrypt to our public keys;
2. the envelope, still encrypted, is kept in the wallet store;
3. the sender gets 200 (and, if it asked for a reply on the same connection, the reply);
4. when its turn comes it is handed to a handler, if the agent is ready; else it waits for the next replay;
5. when the handler has ended, however it did, the kept envelope is removed; it stays only if the handler failed because
   the wallet store did not answer, or did not come to its end before the agent stopped.

Where several processes share the store, each kept envelope is one process's at a time; another takes up what a dead one
had, or what one that ends gives back (`gate.claims`).

Whatever was left kept is replayed beside the work of a ready agent, through the same gate and within the same budgets,
at most `MAX_ATTEMPTS` times. So a message may be handled twice, and handlers must take that; it is never lost. What a
replay brings does not decide whether an agent starts.

ACA-Py loads the alphabetically first transport class of this module, so no other may be imported by name here.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from acapy_agent.core.profile import Profile
from acapy_agent.messaging.base_message import DIDCommVersion
from acapy_agent.messaging.util import time_now
from acapy_agent.transport.inbound import base as inbound
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.transport.inbound.session import InboundSession
from acapy_agent.transport.wire_format import DIDCOMM_V1_MIME_TYPE
from aiohttp import web
from aries_askar import AskarError

from wanderbuch.agents.runtime.conductor import GatedMessage, failure_of, is_store_failure
from wanderbuch.agents.runtime.gate.admission import Admission, BusyError, Ticket
from wanderbuch.agents.runtime.gate.brake import Brake
from wanderbuch.agents.runtime.gate.claims import FREED, RENEW_S, Claims
from wanderbuch.agents.runtime.gate.entry import Entry
from wanderbuch.agents.runtime.gate.envelope import Opened
from wanderbuch.agents.runtime.gate.kept import MAX_ATTEMPTS, KeptEnvelope, KeptEnvelopes
from wanderbuch.agents.runtime.gate.received import Received
from wanderbuch.agents.runtime.gate.senders import Sender
from wanderbuch.agents.runtime.gate.served import Served
from wanderbuch.agents.runtime.gate.tally import Tally
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.public import PublicSite
from wanderbuch.agents.runtime.store import StoreGuard
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.errors import ConfigurationError, ExchangeError, WanderbuchError
from wanderbuch.store.errors import NotFoundError, StoreUnreachableError
from wanderbuch.store.records import new_id
from wanderbuch.store.tables import tables_of, tenant_of

__all__ = ["MAX_ATTEMPTS", "KeepingTransport", "KeptEnvelope"]

_LOG = logging.getLogger(__name__)
_REPLY_DEADLINE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Passed:
    """A message that passed the gate."""

    tenant: str
    opened: Opened
    received: Received
    sender: Sender
    opens: bool


class KeepingTransport(inbound.BaseInboundTransport):  # type: ignore[misc]  # acapy_agent has no types
    """Receives DIDComm messages from the public site."""

    def __init__(self, host: str, port: int, create_session: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__("https", create_session, **kwargs)
        self.host = host
        self.port = port
        self.tally = Tally(_LOG)
        self.admission = Admission()
        self._brake = Brake()
        self._gate: Entry
        self._tenants: Tenants
        self._site: PublicSite
        self._kept = KeptEnvelopes(self._profile_of)
        self._counted: set[str] = set()
        self._arriving: set[str] = set()
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._dispatching = False
        self._replay_lock = asyncio.Lock()
        self._replaying: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """Return how many messages are being processed."""
        return len(self._in_flight)

    async def start(self) -> None:
        """Find the public site; what comes before `serve` is told to come again."""
        self._site = self.root_profile.inject(PublicSite)

    def serve(self, tenants: Tenants) -> None:
        """Receive and keep for these tenants from now on; nothing is dispatched before `open`."""
        self._tenants = tenants
        share = tenants.default.parts.shares.share
        self.admission = Admission(share=share)
        self._kept = KeptEnvelopes(self._profile_of, share=share)
        served = Served(part for role in tenants.roles.values() for part in role.speaks)
        tables = tables_of(self.root_profile)
        if tables.engine.is_shared:
            self._kept = KeptEnvelopes(self._profile_of, Claims(tables.engine), share=share)
        self._gate = Entry(tables.keys, self._profile_of, served, max_bytes=self.max_message_size)
        self._site.connect(self.receive)

    async def stop(self) -> None:
        """Receive nothing more; what is not finished stays kept."""
        self._dispatching = False
        self._site.connect(None)

    def open(self) -> None:
        """Dispatch from now on; `replay` takes up what was kept before."""
        self._dispatching = True

    def hold(self) -> None:
        """Dispatch nothing more; what still arrives is only kept."""
        self._dispatching = False

    def abandon(self) -> None:
        """Leave what is in flight kept, however its handler ends: it is replayed at the next start."""
        for task in list(self._in_flight.values()):
            task.cancel()

    async def run(self) -> None:
        """Keep what is ours and take up what other processes leave, until cancelled; where there are none, return."""
        engine, freed = tables_of(self.root_profile).engine, asyncio.Event()
        if not engine.is_shared:
            return
        end_hearing = engine.hear(FREED, lambda _: freed.set())
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RENEW_S):
                        await freed.wait()
                freed.clear()
                try:
                    await self._kept.renew()
                except StoreUnreachableError as err:
                    log_event(_LOG, logging.WARNING, "didcomm.not_renewed", code=err.code)
                self.replay_soon()
        finally:
            end_hearing()

    def replay_soon(self) -> None:
        """Replay beside, unless that is being done."""
        if self._dispatching and (self._replaying is None or self._replaying.done()):
            self._replaying = asyncio.create_task(self.replay(), name="didcomm.replay")

    async def free(self) -> None:
        """Leave what is not finished to other processes, if there are any."""
        await self._kept.free_all()

    async def receive(self, body: bytes, network: str = "") -> web.Response:
        """Take one message in, by the steps above.

        Args:
            body: what was posted.
            network: where it came from, as far as that is known.
        """
        kept_id, size = new_id(), len(body)
        self._arriving.add(kept_id)
        try:
            answer = await self._taken_in(kept_id, body, network)
        finally:
            self._arriving.discard(kept_id)
        if answer.status != web.HTTPOk.status_code:
            del body  # nobody waits with megabytes in hand
            await asyncio.sleep(self._brake.refused(size))
        return answer

    async def _taken_in(self, kept_id: str, body: bytes, network: str) -> web.Response:
        ticket: Ticket | None = None
        try:
            passed = await self._passed(body, network)  # 1
            ticket = self.admission.enter(passed.sender.party, len(body), opens=passed.opens, tenant=passed.tenant)
            await self._kept.keep(passed.tenant, kept_id, body)  # 2
        except BusyError as err:
            self._leave(ticket)
            self.tally.note("didcomm.busy", err.message, level=logging.WARNING)
            return web.Response(status=503, headers={"Retry-After": "5"})
        except ExchangeError as err:
            self.tally.note("didcomm.refused", f"{err.code}: {err.message}")
            return web.Response(status=400)
        except StoreUnreachableError as err:
            self._leave(ticket)
            self.tally.note("didcomm.not_kept", err.code, level=logging.WARNING)
            return web.Response(status=503, headers={"Retry-After": "5"})
        except NotFoundError:  # its tenant was suspended or removed just now: as if the key were nobody's
            self._leave(ticket)
            self.tally.note("didcomm.refused", "its tenant is not served any more")
            return web.Response(status=400)
        except ConfigurationError as err:  # of its tenant, which the log of its opening describes
            self._leave(ticket)
            self.tally.note("didcomm.not_kept", err.code, level=logging.WARNING)
            return web.Response(status=503, headers={"Retry-After": "5"})
        except BaseException:
            self._leave(ticket)
            raise
        if not self._dispatching:
            self._leave(ticket)
            log_event(_LOG, logging.INFO, "didcomm.waiting", envelope=kept_id)
            return web.Response(status=200)
        try:
            session = await self._session(passed.tenant, can_respond=True)
        except BaseException as err:
            self._leave(ticket)
            if isinstance(err, NotFoundError):  # suspended since: it stays kept until its tenant is resumed
                return web.Response(status=200)
            raise
        async with session:
            message = self._dispatch(session, passed, ticket, kept_id)
            self._arriving.discard(kept_id)
            return await self._answer(session, message)  # 3

    async def replay(self) -> None:
        """Take up what is kept and not in flight, each in its turn; return when all of it has ended or waits again."""
        async with self._replay_lock:
            opened = {tenant.id for tenant in self._tenants.opened()}
            self._counted &= opened  # one that was closed and is open again may have kept envelopes
            for tenant in opened - self._counted:
                await self._kept.count(tenant)
                self._counted.add(tenant)
            await self._kept.take_over(opened)
            tasks = []
            for kept_id in self._kept.ids:
                if kept_id in self._in_flight or kept_id in self._arriving:
                    continue
                if (task := await self._taken_up(kept_id)) is not None:
                    tasks.append(task)
        await asyncio.gather(*(asyncio.shield(task) for task in tasks), return_exceptions=True)

    async def _taken_up(self, kept_id: str) -> asyncio.Task[None] | None:
        """Begin to handle a kept envelope; None if that is not to be done, or not now."""
        ticket: Ticket | None = None
        try:
            kept = await self._kept.get(kept_id) if self._dispatching else None
            if kept is None:
                return None
            body = kept.envelope.encode()
            passed = await self._passed(body, "")
            ticket = self.admission.enter(passed.sender.party, len(body), tenant=passed.tenant)
            if (begun := await self._kept.begin(kept_id)) is None:
                self._leave(ticket)
                return None
            log_event(_LOG, logging.INFO, "didcomm.replayed", envelope=kept_id, attempts=begun.attempts)
            session = await self._session(passed.tenant, can_respond=False)
            self._dispatch(session, passed, ticket, kept_id)
            return self._in_flight.get(kept_id)
        except BusyError:  # a later sweep takes it up
            self._leave(ticket)
        except Exception as err:  # noqa: BLE001 (whatever an envelope is, it must not keep the others from their turn)
            self._leave(ticket)
            await self._end(kept_id, err)
        return None

    async def _passed(self, body: bytes, network: str) -> _Passed:
        """Return the message in `body` if it may pass; errors as with `Entry.open`."""
        entered = await self._gate.open(body, network)
        return _Passed(entered.tenant, entered.opened, entered.received, entered.sender, entered.row.opens)

    async def _profile_of(self, tenant: str) -> Profile:
        return (await self._tenants.profile(tenant)).profile

    async def _session(self, tenant: str, *, can_respond: bool) -> InboundSession:
        """Return ACA-Py's session for messages of a tenant, which it makes for the root alone."""
        profile = await self._profile_of(tenant)
        session: InboundSession = await self.create_session(can_respond=can_respond)
        session.profile = profile
        return session

    def _dispatch(self, session: InboundSession, passed: _Passed, ticket: Ticket, kept_id: str) -> GatedMessage:
        message = _message(session, passed, self.admission.handler_s(ticket.party))
        task = asyncio.create_task(self._handle(session, message, ticket, kept_id), name=f"didcomm.{kept_id}")
        self._in_flight[kept_id] = task
        task.add_done_callback(lambda _: self._in_flight.pop(kept_id, None))
        return message

    async def _handle(self, session: InboundSession, message: GatedMessage, ticket: Ticket, kept_id: str) -> None:
        """Have a message handled in its turn (4), and end its envelope (5)."""
        try:
            await ticket.turn
            if not self._dispatching:
                return
            try:
                await self._tenants.enter(tenant_of(session.profile))
            except WanderbuchError:  # it stays kept until its tenant opens, or is resumed
                return
            with self._kept.handling(kept_id):
                session.receive_inbound(message)
            await message.wait_processing_complete()
            failure = failure_of(message)
        except Exception as err:  # noqa: BLE001 (any end but the store's is the end of the envelope)
            failure = err
        finally:
            self._leave(ticket)
            message.dispatch_processing_complete()
        await self._end(kept_id, failure)

    async def _end(self, kept_id: str, failure: BaseException | None) -> None:
        """Remove an envelope whose handling ended, unless the store can not be relied on (5)."""
        if self._kept.is_lost(kept_id):  # we slept; another process goes on with it
            log_event(_LOG, logging.WARNING, "didcomm.lost", envelope=kept_id)
            await self._kept.forget(kept_id)
            return
        if failure is not None and is_store_failure(failure):
            log_event(_LOG, logging.WARNING, "didcomm.store_failed", envelope=kept_id)
            return
        if isinstance(failure, asyncio.CancelledError) or self.root_profile.inject(StoreGuard).fatal is not None:
            return
        if isinstance(failure, ExchangeError):
            self.tally.note("didcomm.refused", f"{failure.code}: {failure.message}")
        elif failure is not None:
            self.tally.note("didcomm.failed", type(failure).__name__, level=logging.ERROR, error=failure)
        try:
            await self._kept.forget(kept_id)
        except AskarError as err:
            _LOG.error("didcomm.not_removed", exc_info=err)

    def _leave(self, ticket: Ticket | None) -> None:
        if ticket is not None:
            self.admission.leave(ticket)

    async def _answer(self, session: InboundSession, message: GatedMessage) -> web.Response:
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


def _message(session: InboundSession, passed: _Passed, handler_s: float) -> GatedMessage:
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
