"""ACA-Py's inbound transport on our public site: nothing is acknowledged before it is done, or kept.

For each message that arrives:

1. it passes the gate (`gate`): an envelope for one of our keys, a message that can be relied on, of a type that we
   serve, from somebody who may send it, within their budget. Else it is refused (400), or told to come again (503), and
   nothing of it is written: anybody can encrypt to our public keys;
2. if a role of ours handles it and the agent is ready, that is done in the sender's turn; when the handler has
   committed the sender gets 200 (and, if it asked for a reply on the same connection, the reply). A store that does not
   answer is a 503: nothing was done, and the sender tries again;
3. where that takes longer than a second (and such a message may be kept), the agent is not ready, or the message is for
   ACA-Py's dispatcher (`acapy_dispatch`), the envelope, still encrypted, is kept in the wallet store first, and the
   sender gets 200. What its sender asks again (`Handler.asked_again`) is not kept: where it cannot be taken, the
   connection ends without an answer;
4. when its turn comes it is handled, if the agent is ready; else it waits for the next replay;
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
from typing import Any, Final

from acapy_agent.core.profile import Profile
from acapy_agent.transport.inbound import base as inbound
from acapy_agent.transport.inbound.session import InboundSession
from aiohttp import web
from aries_askar import AskarError

from wanderbuch.agents.runtime.acapy_dispatch import REPLY_DEADLINE_S, AcapyDispatch, gated_message
from wanderbuch.agents.runtime.conductor import GatedMessage, failure_of
from wanderbuch.agents.runtime.gate.admission import Admission, BusyError, Ticket
from wanderbuch.agents.runtime.gate.brake import Brake
from wanderbuch.agents.runtime.gate.claims import FREED, RENEW_S, EnvelopeClaims
from wanderbuch.agents.runtime.gate.entry import Entered, Gate
from wanderbuch.agents.runtime.gate.handlers import HandlerTable
from wanderbuch.agents.runtime.gate.kept import MAX_ATTEMPTS, KeptEnvelope, KeptEnvelopes
from wanderbuch.agents.runtime.gate.served import Nearness, Served
from wanderbuch.agents.runtime.gate.tally import Tally
from wanderbuch.agents.runtime.hanging_up import HangUp
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.message_sockets import MessageSocket, MessageSockets
from wanderbuch.agents.runtime.own_handling import HttpReply, NotTakenError, offer_waiting, take
from wanderbuch.agents.runtime.public import PublicSite
from wanderbuch.agents.runtime.store import StoreGuard, is_store_failure
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.agents.runtime.v2_own_keys import V2OwnKeys
from wanderbuch.agents.runtime.v2_receiver import V2Receiver, v2_types
from wanderbuch.errors import ConfigurationError, ExchangeError, WanderbuchError
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.sending import Sending, TakenIn
from wanderbuch.plugins.exchange.v2.asking import V2Asking
from wanderbuch.plugins.exchange.v2.contacts import V2Contacts
from wanderbuch.plugins.exchange.v2.jwe import is_v2
from wanderbuch.plugins.exchange.v2.sending import V2Sending
from wanderbuch.store.errors import NotFoundError, StoreUnreachableError
from wanderbuch.store.records import new_id
from wanderbuch.store.tables import tables_of, tenant_of

__all__ = ["MAX_ATTEMPTS", "KeepingTransport", "KeptEnvelope"]

_LOG = logging.getLogger(__name__)
_HEAR_AGAIN_S: Final = (1.0, 5.0)
_OVER: Final = web.ResponseKey("over", str)
_AT_ONCE_S: Final = 1.0
"""So long a sender waits for our handler; common wallets give up after 15 s, and a busy agent should not hold them."""


class KeepingTransport(inbound.BaseInboundTransport):  # type: ignore[misc]  # acapy_agent has no types
    """Receives DIDComm messages from the public site."""

    def __init__(self, host: str, port: int, create_session: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__("https", create_session, **kwargs)
        self.host = host
        self.port = port
        self.tally = Tally(_LOG)
        self.admission = Admission()
        self._brake = Brake()
        self._serves_wallets = False
        self._gate: Gate
        self._v2: V2Receiver
        self._tenants: Tenants
        self._acapy: AcapyDispatch
        self.sockets = MessageSockets(self.receive, max_bytes=self.max_message_size)
        self._site: PublicSite
        self._kept = KeptEnvelopes(self._profile_of)
        self._counted: set[str] = set()
        self._arriving: set[str] = set()
        self._late: set[str] = set()  # kept, and in the hands of our own handler
        self._in_flight: dict[str, asyncio.Task[Any]] = {}
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
        self._acapy = AcapyDispatch(self.create_session, self._profile_of, self.root_profile.inject(Sending))
        share = tenants.default.parts.shares.share
        self.admission = Admission(share=share)
        self._kept = KeptEnvelopes(self._profile_of, share=share)
        served = Served(part for role in tenants.roles.values() for part in role.speaks)
        tables = tables_of(self.root_profile)
        if tables.engine.is_shared:
            self._kept = KeptEnvelopes(self._profile_of, EnvelopeClaims(tables.engine), share=share)
        self._gate = Gate(
            tables.keys,
            self._profile_of,
            served,
            keys=self.root_profile.inject(KeyRing),
            handlers=HandlerTable(tenants.roles, find_connection),
            roles_of=lambda tenant: tenants.find(tenant).config.roles,
            check_tenant=self.admission.check_tenant,
            v2_types=v2_types(tenants.roles.values()),
            max_bytes=self.max_message_size,
        )
        self._v2 = V2Receiver(
            tenants,
            tables.keys,
            keys=self.root_profile.inject(KeyRing),
            own_keys=self.root_profile.inject(V2OwnKeys),
            contacts=self.root_profile.inject(V2Contacts),
            sending=self.root_profile.inject(V2Sending),
            asking=self.root_profile.inject(V2Asking),
            admission=self.admission,
            served=served,
            is_on=tenants.default.config.takes_v2,
            max_bytes=self.max_message_size,
        )
        self.sockets = MessageSockets(self.receive, max_bytes=self.max_message_size)
        self._serves_wallets = any(role.takes_sockets for role in tenants.roles.values())
        self._site.connect(self.receive, self.sockets.serve if self._serves_wallets else None)
        sending = self.root_profile.inject(Sending)
        sending.hears, sending.takes_in = self.hear, self.take_in

    async def stop(self) -> None:
        """Receive nothing more; what is not finished stays kept."""
        self._dispatching = False
        self._site.connect(None)
        await self.sockets.close()
        sending = self.root_profile.inject(Sending)
        sending.hears = sending.takes_in = None

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

    async def hear(self, body: bytes) -> None:
        """Take what came in the answer to a message of ours; where there is no room for it now, a little later."""
        for pause_s in (*_HEAR_AGAIN_S, None):
            answer = await self.receive(body, is_reply=True)
            if answer.status != web.HTTPServiceUnavailable.status_code or pause_s is None:
                return
            await asyncio.sleep(pause_s)

    async def take_in(self, body: bytes) -> TakenIn:
        """Take what a mediator kept for us; while the store cannot be relied on, nothing is done."""
        try:
            answer = await self.receive(body, is_reply=True)
        except Exception as err:
            if is_store_failure(err) or self._is_store_lost:
                self.tally.note("didcomm.not_kept", type(err).__name__, level=logging.WARNING)
                return TakenIn(is_done=False)
            raise
        is_done = answer.status != web.HTTPServiceUnavailable.status_code and not self._is_store_lost
        return TakenIn(is_done, over=None if is_done else answer.get(_OVER))

    @property
    def _is_store_lost(self) -> bool:
        return self.root_profile.inject(StoreGuard).fatal is not None

    async def receive(
        self, body: bytes, network: str = "", *, is_reply: bool = False, socket: MessageSocket | None = None
    ) -> web.Response:
        """Take one message in, by the steps above.

        Args:
            body: what was posted.
            network: where it came from, as far as that is known.
            is_reply: it came in an answer, or by a mediator, so there is no way back on which it could be answered.
            socket: the web socket that it came over; what is returned is to be sent over it.
        """
        if is_v2(body):
            return await self._v2.receive(body, network, is_reply=is_reply) if self._dispatching else _come_again()
        kept_id, size = new_id(), len(body)
        self._arriving.add(kept_id)
        try:
            answer = await self._taken_in(kept_id, body, network, is_reply=is_reply, socket=socket)
        finally:
            self._arriving.discard(kept_id)
        if answer.status != web.HTTPOk.status_code and not is_reply:  # who answered us waits for nothing
            del body  # nobody waits with megabytes in hand
            await asyncio.sleep(self._brake.refused(size))
        return answer

    async def _taken_in(
        self, kept_id: str, body: bytes, network: str, *, is_reply: bool, socket: MessageSocket | None
    ) -> web.Response:
        ticket: Ticket | None = None
        passed: Entered | None = None
        try:
            passed = await self._gate.open(body, network)  # 1
            party, opens = passed.sender.party, passed.row.opens
            if socket is not None and party.standing is Nearness.CONNECTION:
                socket.know()
            ticket = self.admission.enter(party, len(body), opens=opens, tenant=passed.tenant)
            is_kept = self._may_keep(passed)
            if passed.handlers and self._dispatching:
                waits = passed.received.return_route != "none" and not is_reply
                reply = HttpReply(is_open=waits, socket=socket)
                return await self._handled_at_once(kept_id, body, passed, ticket, reply, is_kept=is_kept)  # 2
            await self._kept.keep(passed.tenant, kept_id, body)  # 3
        except BusyError as err:
            self._leave(ticket)
            self.tally.note("didcomm.busy", err.message, level=logging.WARNING)
            return _come_again(passed, err if self._dispatching else None)
        except ExchangeError as err:
            self.tally.note("didcomm.refused", f"{err.code}: {err.message}")
            return web.Response(status=400)
        except StoreUnreachableError as err:
            self._leave(ticket)
            self.tally.note("didcomm.not_kept", err.code, level=logging.WARNING)
            return HangUp() if passed is None and self._serves_wallets else _come_again(passed)
        except NotFoundError:  # its tenant was suspended or removed just now: as if the key were nobody's
            self._leave(ticket)
            self.tally.note("didcomm.refused", "its tenant is not served any more")
            return web.Response(status=400)
        except ConfigurationError as err:  # of its tenant, which the log of its opening describes
            self._leave(ticket)
            self.tally.note("didcomm.not_kept", err.code, level=logging.WARNING)
            return _come_again(passed)
        except BaseException:
            self._leave(ticket)
            raise
        if not self._dispatching:
            self._leave(ticket)
            log_event(_LOG, logging.INFO, "didcomm.waiting", envelope=kept_id)
            return web.Response(status=200)
        try:
            session = await self._acapy.session(passed.tenant, can_respond=not is_reply)
        except BaseException as err:
            self._leave(ticket)
            if isinstance(err, NotFoundError):  # suspended since: it stays kept until its tenant is resumed
                return web.Response(status=200)
            raise
        async with session:
            message = self._dispatch(session, passed, ticket, kept_id)
            self._arriving.discard(kept_id)
            return web.Response() if is_reply else await self._acapy.answer(session, message, passed)

    async def _handled_at_once(
        self, kept_id: str, body: bytes, passed: Entered, ticket: Ticket, reply: HttpReply, *, is_kept: bool
    ) -> web.Response:
        """Have our handler take a message, and answer when it has committed (2); keep it where that takes long (3)."""
        task = self._begin(kept_id, passed, ticket, reply)
        await asyncio.wait({task}, timeout=_AT_ONCE_S if is_kept else None)
        if is_kept and (not task.done() or isinstance(task.result(), NotTakenError)):
            try:
                await self._kept.keep(passed.tenant, kept_id, body)
            except (WanderbuchError, BusyError) as err:  # it may be handled all the same
                self.tally.note("didcomm.not_kept", type(err).__name__, level=logging.WARNING)
                return _come_again(passed, err)
            self._arriving.discard(kept_id)
            if not task.done():
                self._late.add(kept_id)
                await asyncio.wait({task}, timeout=REPLY_DEADLINE_S if reply.is_open else 0)
            elif not isinstance(task.result(), NotTakenError):  # it ended while we kept it
                await self._end(kept_id, task.result())
        elif not _is_final(task.result()):
            return _come_again(passed, task.result())
        offer_waiting(self.root_profile.inject(Sending), passed, reply)
        return reply.answer()

    def _begin(
        self, kept_id: str, passed: Entered, ticket: Ticket, reply: HttpReply
    ) -> asyncio.Task[BaseException | None]:
        task = asyncio.create_task(self._taken(kept_id, passed, ticket, reply), name=f"didcomm.{kept_id}")
        self._in_flight[kept_id] = task
        task.add_done_callback(lambda _: self._in_flight.pop(kept_id, None))
        return task

    async def _taken(self, kept_id: str, passed: Entered, ticket: Ticket, reply: HttpReply) -> BaseException | None:
        """Have our handlers take a message in its turn, end its envelope if it is kept, and return how it ended."""
        failure: BaseException | None = None
        try:
            with self._kept.handling(kept_id):
                await take(self._tenants, passed, ticket, reply, handler_s=self.admission.handler_s(ticket.party))
        except (Exception, asyncio.CancelledError) as err:  # noqa: BLE001 (any end but the store's is the end of it)
            failure = err
        finally:
            self._leave(ticket)
        if kept_id in self._late:
            self._late.discard(kept_id)
            if not isinstance(failure, NotTakenError):
                await self._end(kept_id, failure)
        elif _is_final(failure):
            self._note(failure)
        return failure

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

    async def _taken_up(self, kept_id: str) -> asyncio.Task[Any] | None:
        """Begin to handle a kept envelope; None if that is not to be done, or not now."""
        ticket: Ticket | None = None
        try:
            kept = await self._kept.get(kept_id) if self._dispatching else None
            if kept is None:
                return None
            body = kept.envelope.encode()
            passed = await self._gate.open(body, "")
            ticket = self.admission.enter(passed.sender.party, len(body), tenant=passed.tenant)
            if (begun := await self._kept.begin(kept_id)) is None:
                self._leave(ticket)
                return None
            log_event(_LOG, logging.INFO, "didcomm.replayed", envelope=kept_id, attempts=begun.attempts)
            if passed.handlers:
                self._late.add(kept_id)
                return self._begin(kept_id, passed, ticket, HttpReply(is_open=False))
            session = await self._acapy.session(passed.tenant, can_respond=False)
            self._dispatch(session, passed, ticket, kept_id)
            return self._in_flight.get(kept_id)
        except BusyError:  # a later sweep takes it up
            self._leave(ticket)
        except Exception as err:  # noqa: BLE001 (whatever an envelope is, it must not keep the others from their turn)
            self._leave(ticket)
            await self._end(kept_id, err)
        return None

    async def _profile_of(self, tenant: str) -> Profile:
        return (await self._tenants.profile(tenant)).profile

    def _dispatch(self, session: InboundSession, passed: Entered, ticket: Ticket, kept_id: str) -> GatedMessage:
        message = gated_message(session, passed, self.admission.handler_s(ticket.party))
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
                is_near = ticket.party.standing is Nearness.CONNECTION
                await self._tenants.enter(tenant_of(session.profile), is_use=is_near)
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
        """Remove an envelope whose handling ended, unless the store cannot be relied on (5)."""
        if self._kept.is_lost(kept_id):  # we slept; another process goes on with it
            log_event(_LOG, logging.WARNING, "didcomm.lost", envelope=kept_id)
            await self._kept.forget(kept_id)
            return
        if failure is not None and is_store_failure(failure):
            log_event(_LOG, logging.WARNING, "didcomm.store_failed", envelope=kept_id)
            return
        if not _is_final(failure) or self._is_store_lost:
            return
        self._note(failure)
        try:
            await self._kept.forget(kept_id)
        except AskarError as err:
            _LOG.error("didcomm.not_removed", exc_info=err)

    def _note(self, failure: BaseException | None) -> None:
        if isinstance(failure, ExchangeError):
            self.tally.note("didcomm.refused", f"{failure.code}: {failure.message}")
        elif failure is not None:
            self.tally.note("didcomm.failed", type(failure).__name__, level=logging.ERROR, error=failure)

    def _may_keep(self, passed: Entered) -> bool:
        """Tell whether a message's envelope may be kept.

        Raises:
            BusyError: it may not, and the agent is not ready to handle it.
        """
        is_kept = not _is_asked_again(passed) and all(entry.handler.is_kept for entry in passed.handlers)
        if not is_kept and not self._dispatching:
            raise BusyError("not ready yet, and nothing of such a message is kept")
        return is_kept

    def _leave(self, ticket: Ticket | None) -> None:
        if ticket is not None:
            self.admission.leave(ticket)


def _is_final(failure: BaseException | None) -> bool:
    """Return whether a message whose handler ended so need not be handled again."""
    if isinstance(failure, asyncio.CancelledError | NotTakenError | BusyError):
        return False
    return failure is None or not is_store_failure(failure)


def _is_asked_again(passed: Entered | None) -> bool:
    """Return whether a message is one whose sender asks again; of one that was not looked at, nobody knows."""
    return passed is not None and bool(passed.handlers) and all(entry.handler.asked_again for entry in passed.handlers)


def _come_again(passed: Entered | None = None, failure: BaseException | None = None) -> web.Response:
    answer = HangUp() if _is_asked_again(passed) else web.Response(status=503, headers={"Retry-After": "5"})
    if isinstance(failure, BusyError):
        answer[_OVER] = passed.opened.recipient if passed is not None else ""
    return answer
