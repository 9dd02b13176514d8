"""Sending: a message to a channel, at once or beside, by the HTTP edge or as the reply that the sender waits for.

What must arrive is kept by whoever sends it (a payload, or a record from which the message is made anew) and sent again
by a sweep until it is acknowledged or over. So nothing here is durable: a few quick tries, then the sweep has it. What
is for somebody without an address waits here, a little of it, until they write and wait for a reply.

Whoever sends a message that is answered soon may ask for that in the HTTP answer (Aries RFC 0092): it saves either side
a request. What comes so is heard as if it had been posted: it passes the gate like any message. It is lost with the
process that hears it, so only those ask for it who send their message again until they have it. No socket bounds what
comes so, whoever answers: what does not fit in with what is being heard already is dropped.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError

from wanderbuch.errors import ResolutionError, WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.attached import with_packed_numbers
from wanderbuch.plugins.exchange.beside import BesidePlaces, Place
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.incoming import Incoming, NoReplyRoute, ReplyRoute, socket_of
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.plugins.http.edge import HttpEdge

_LOG = logging.getLogger(__name__)
_ENVELOPE: Final = "application/ssi-agent-wire"  # Aries RFC 0044: the older type, which every peer takes
_MAX_ANSWER_BYTES: Final = 64 * 1024
_MAX_REPLY_BYTES: Final = 1024 * 1024
_TIMEOUT_S: Final = 30.0
_REPLY_TIMEOUT_S: Final = 40.0  # common agents give up after 30 s
_PAUSES_S: Final = (1.0, 5.0, 20.0)  # together longer than an agent, or a mediator, takes to start again
_LONG_S: Final = 10.0
_MAX_HEARD_BYTES: Final = 16 * 1024 * 1024
_NO_WAY: Final = NoReplyRoute()

_REPLY_ASKED: Final = {"~transport": {"return_route": "all"}}

type OnLost = Callable[[], object]
type Hears = Callable[[bytes], Awaitable[None]]
"""Takes an envelope that came in the answer to a message; raises nothing."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of an envelope that somebody kept for us.

    Args:
        is_done: what it changed is kept, or it is refused for good; else it is to come again.
        over: our key, over which its sender writes more than we take; None: it waits for something of ours.
    """

    is_done: bool
    over: str | None = None


type TakesIn = Callable[[bytes], Awaitable[TakenIn]]
"""Takes an envelope that somebody kept for us."""


def _nothing() -> None:
    """Do nothing."""


_MAX_WAITING: Final = 8  # for one other side
_MAX_OTHERS: Final = 1_000
_MAX_WAITING_BYTES: Final = 16 * 1024 * 1024


class Sending:
    """Sends for all tenants of a process; bound in the root injector.

    Args:
        edge: the way out.
        keys: our secret keys.
    """

    def __init__(self, edge: HttpEdge, keys: KeyRing) -> None:
        self._edge = edge
        self._keys = keys
        self.hears: Hears | None = None
        """Takes replies; None: nobody does, so none is asked for."""
        self.takes_in: TakesIn | None = None
        """Takes what a mediator kept for us; None: nobody does now."""
        self._heard_bytes = 0
        self._beside: set[asyncio.Task[None]] = set()
        self._places = BesidePlaces()
        self._resting: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._waiting: OrderedDict[tuple[str, str], deque[bytes]] = OrderedDict()
        self._waiting_bytes = 0

    @property
    def beside(self) -> int:
        """Return how many messages are being sent beside."""
        return len(self._beside)

    async def send(
        self, profile: Profile, channel: Channel, message: Mapping[str, Any], *, wants_reply: bool = False
    ) -> None:
        """Deliver a message; `wants_reply` as with `answer`.

        Raises:
            ResolutionError: there is no address to deliver it to, or it was not taken there.
            ExchangeError: a key of the other side is none.
            NotFoundError: our key is gone.
        """
        asks = wants_reply and self._can_ask(channel)
        await self._post(channel, await self._packed(profile, channel, message, asks=asks), asks=asks)

    async def answer(
        self,
        incoming: Incoming,
        channel: Channel,
        message: Mapping[str, Any],
        *,
        on_lost: OnLost = _nothing,
        wants_reply: bool = False,
    ) -> None:
        """Send a message to whoever sent `incoming`: as the reply that they wait for, else beside.

        Args:
            incoming: what is answered; only its sender gets a reply on its connection.
            channel: to the sender.
            message: ready for JSON.
            on_lost: is told, later, if it was sent beside and did not arrive; must not wait.
            wants_reply: have what they say to it come in the HTTP answer, if they do that; else they send it.
        """
        is_theirs = incoming.sender == channel.their_key  # our key may be another: that of a connection just made
        way_back = incoming.way_back if is_theirs else _NO_WAY
        await self._soon(
            incoming.profile, channel, message, way_back, on_lost, wants_reply=wants_reply, network=incoming.network
        )

    async def send_soon(
        self, profile: Profile, channel: Channel, message: Mapping[str, Any], *, wants_reply: bool = False
    ) -> None:
        """Send a message beside, with a few quick tries; returns once it is packed. What goes wrong is logged.

        `wants_reply` as with `answer`.
        """
        await self._soon(profile, channel, message, _NO_WAY, _nothing, wants_reply=wants_reply)

    def take_waiting(self, *, own_key: str, their_key: str | None) -> bytes | None:
        """Return the oldest envelope that waits for who has `their_key`, None if none does."""
        if their_key is None or (waiting := self._waiting.get((own_key, their_key))) is None:
            return None
        packed = waiting.popleft()
        self._waiting_bytes -= len(packed)
        if not waiting:
            del self._waiting[own_key, their_key]
        return packed

    def put_waiting(self, packed: bytes, *, own_key: str, their_key: str | None) -> None:
        """Have an envelope wait for who has `their_key`; the oldest goes where too many wait."""
        if their_key is not None:
            self._wait(own_key, their_key, packed)

    async def stop(self, *, wait_s: float) -> None:
        """Wait for what is being sent; the rest is sent again by a sweep of the next start."""
        self._is_stopping = True
        try:
            for task in tuple(self._resting):
                task.cancel()
            if self._beside:
                await asyncio.wait(self._beside, timeout=wait_s)
            for task in tuple(self._beside):
                task.cancel()
            await asyncio.gather(*self._beside, return_exceptions=True)
        finally:
            self._is_stopping = False

    async def _soon(
        self,
        profile: Profile,
        channel: Channel,
        message: Mapping[str, Any],
        way_back: ReplyRoute,
        on_lost: OnLost,
        *,
        wants_reply: bool,
        network: str | None = None,
    ) -> None:
        asks = wants_reply and self._can_ask(channel)
        try:
            if way_back.is_open or not channel.has_address:  # straight to them: no mediator is on that way
                straight, over_socket = replace(channel, routing_keys=()), socket_of(way_back) is not None
                packed = await self._packed(profile, straight, message, asks=asks, is_between_us=over_socket)
                if way_back.offer(packed):
                    return
                if not channel.has_address:
                    self._wait(channel.own_key, channel.their_key, packed)
                    return
            packed = await self._packed(profile, channel, message, asks=asks)
        except (WanderbuchError, AskarError) as err:
            _LOG.warning("exchange.not_sent: %s: %s", message["@type"], describe(err))
            return
        place = Place(channel.own_key, channel.their_key, network)
        if not self._places.take(place):
            _LOG.warning("exchange.not_sent: %s: too much is being sent", message["@type"])
            on_lost()
            return
        task = asyncio.create_task(self._try(channel, packed, str(message["@type"]), on_lost, asks=asks))
        task.add_done_callback(partial(self._was_sent, place))
        self._go_beside(task)

    def _was_sent(self, place: Place, _: asyncio.Task[None]) -> None:
        self._places.leave(place)

    def _go_beside(self, task: asyncio.Task[None]) -> None:
        task.set_name("exchange.send")
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def _can_ask(self, channel: Channel) -> bool:
        """Return whether a reply can come in the HTTP answer: who is asked must be who answers, not a mediator."""
        return self.hears is not None and channel.has_address and not channel.routing_keys

    def _wait(self, own_key: str, their_key: str, packed: bytes) -> None:
        pair = (own_key, their_key)
        waiting = self._waiting.setdefault(pair, deque())
        waiting.append(packed)
        self._waiting_bytes += len(packed)
        if len(waiting) > _MAX_WAITING:
            self._waiting_bytes -= len(waiting.popleft())
        self._waiting.move_to_end(pair)
        while len(self._waiting) > _MAX_OTHERS or self._waiting_bytes > _MAX_WAITING_BYTES:
            _, gone = self._waiting.popitem(last=False)
            self._waiting_bytes -= sum(map(len, gone))

    async def _try(self, channel: Channel, packed: bytes, kind: str, on_lost: OnLost, *, asks: bool) -> None:
        for pause_s in (*_PAUSES_S, None):
            try:
                await self._post(channel, packed, asks=asks)
            except WanderbuchError as err:
                if pause_s is None or (self._is_stopping and pause_s >= _LONG_S):
                    _LOG.warning("exchange.not_sent: %s: %s", kind, describe(err))
                    on_lost()
                    return
            else:
                return
            await self._rest(pause_s)

    async def _rest(self, pause_s: float) -> None:
        """Wait before the next try; nobody who stops waits for a long one."""
        task = asyncio.current_task()
        if task is None or pause_s < _LONG_S:
            await asyncio.sleep(pause_s)
            return
        self._resting.add(task)
        try:
            await asyncio.sleep(pause_s)
        finally:
            self._resting.discard(task)

    async def _packed(
        self,
        profile: Profile,
        channel: Channel,
        message: Mapping[str, Any],
        *,
        asks: bool,
        is_between_us: bool = False,
    ) -> bytes:
        own = await self._keys.secret(profile, channel.own_key)
        sent = {**message, **_REPLY_ASKED} if asks else message
        tail = b""
        if channel.takes_packed:
            sent, tail = with_packed_numbers(sent)
        return pack(
            sent,
            to=channel.their_key,
            own=own,
            routing_keys=channel.routing_keys,
            tail=tail,
            is_between_us=is_between_us,
        )

    async def _post(self, channel: Channel, packed: bytes, *, asks: bool) -> None:
        if not channel.has_address:
            raise ResolutionError(
                "the other side has no address to deliver to", hint="it takes messages when it writes"
            )
        answer = await self._edge.deliver(
            channel.endpoint,
            packed,
            content_type=_ENVELOPE,
            max_bytes=_MAX_REPLY_BYTES if asks else _MAX_ANSWER_BYTES,
            timeout_s=_REPLY_TIMEOUT_S if asks else _TIMEOUT_S,
        )
        if not asks or not answer.body or self.hears is None:
            return
        if self._heard_bytes + len(answer.body) > _MAX_HEARD_BYTES:
            _LOG.warning("exchange.not_heard: too much came in answers")
            return
        self._heard_bytes += len(answer.body)
        # In a context of its own: what it is handled under is not what the message was sent under.
        task = asyncio.create_task(self._heard(answer.body), context=Context())
        task.add_done_callback(partial(self._was_heard, len(answer.body)))
        self._go_beside(task)

    async def _heard(self, packed: bytes) -> None:
        if self.hears is not None:
            await self.hears(packed)

    def _was_heard(self, size: int, _: asyncio.Task[None]) -> None:
        self._heard_bytes -= size
