"""Wallets that hold a web socket open to this process: what comes for them goes out at once.

1. A wallet has one such socket, among all processes: a new one takes over, and the one before is closed.
2. In live mode (Aries RFC 0685) messages go out in `delivery`, and stay kept until `messages-received`. Else they go
   as they came (implicit pickup), and are removed once the other end has answered a ping that was sent after them.
3. So much may be on its way and not acknowledged; beyond that a wallet gets no more until it acknowledges, to
   whichever process. What it never acknowledges stays kept until it is too old, and is delivered again over the next
   socket; what could not be sent because the store was away, again over this one.
4. A socket costs nothing while nothing comes: who delivers is a task that ends when all has gone out.
"""

import asyncio
import base64
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from acapy_agent.core.profile import Profile

from wanderbuch.agents.mediator.queue import CAME, Queue, Waiting
from wanderbuch.errors import WanderbuchError
from wanderbuch.faults import describe
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.compact import compacted
from wanderbuch.plugins.exchange.incoming import LastingRoute
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.packing import PREFIX, pack
from wanderbuch.store.tables import tables_of, tenant_of

_LOG = logging.getLogger(__name__)

TAKEN: Final = "mediated-taken"
"""Topic: "<tenant> <wallet> <number>", whose socket of that number is the one from now on."""

_WINDOW: Final = 32
_WINDOW_BYTES: Final = 2 * 1024 * 1024
_AT_ONCE: Final = 8
_MESSAGE_BYTES: Final = 512 * 1024
_DELIVERING: Final = 32
_AGAIN_S: Final = 2.0


@dataclass(slots=True, eq=False)
class LiveWallet:
    """One wallet's socket.

    Args:
        wallet: whose.
        channel: to it.
        route: the socket.
        number: greater than that of any socket before it.
        is_live: in live mode; else messages go as they came.
        as_text: whether it takes envelopes as text in `delivery`.
    """

    wallet: str
    channel: Channel
    route: LastingRoute
    number: int
    is_live: bool
    as_text: bool = False
    on_the_way: dict[str, int] = field(default_factory=dict)
    is_woken: bool = False
    is_held_back: bool = False
    """More may wait than may be on the way: what is acknowledged makes room."""
    task: asyncio.Task[None] | None = None
    leave_route: Callable[[], None] = lambda: None
    """Tells the socket that nobody here asks any more when it ends."""


class LiveWallets:
    """The wallets with a socket to this process, of one tenant.

    Args:
        profile: the tenant's.
        queue: what waits.
    """

    def __init__(self, profile: Profile, queue: Queue) -> None:
        self._profile = profile
        self._tenant = tenant_of(profile)
        self._engine = tables_of(profile).engine
        self._keys = profile.inject(KeyRing)
        self._queue = queue
        self._wallets: dict[str, LiveWallet] = {}
        self._turns = asyncio.Semaphore(_DELIVERING)
        self._end_hearing: tuple[Callable[[], None], ...] = (
            self._engine.hear(CAME, self._came),
            self._engine.hear(TAKEN, self._taken),
        )

    def __len__(self) -> int:
        return len(self._wallets)

    def has(self, wallet: str) -> bool:
        """Return whether a wallet has a socket to this process."""
        return wallet in self._wallets

    def is_live(self, wallet: str) -> bool:
        """Return whether a wallet is in live mode, in this process."""
        live = self._wallets.get(wallet)
        return live is not None and live.is_live

    async def begin(
        self, wallet: str, channel: Channel, route: LastingRoute, *, is_live: bool, as_text: bool = False
    ) -> None:
        """Deliver over a socket from now on (1, 2)."""
        if self._goes_on(wallet, route, is_live=is_live, as_text=as_text):
            return
        number = int((await self._engine.run("SELECT store_next()"))[0][0])
        if self._goes_on(wallet, route, is_live=is_live, as_text=as_text):  # begun by another message meanwhile
            return
        before = self._wallets.get(wallet)
        if before is not None and before.number > number:  # a newer one was faster
            route.give_up()
            return
        live = LiveWallet(wallet, channel, route, number, is_live, as_text)
        self._wallets[wallet] = live
        if before is not None:
            before.leave_route()
            before.route.give_up()
        live.leave_route = route.on_end(lambda: self._ended(live))
        if self._engine.is_shared:
            await self._engine.announce(TAKEN, f"{self._tenant} {wallet} {number}")
        self.wake(wallet)

    def end(self, wallet: str, route: LastingRoute) -> None:
        """Deliver no more over a socket; it stays open."""
        live = self._wallets.get(wallet)
        if live is not None and live.route is route:
            live.leave_route()
            del self._wallets[wallet]

    async def acknowledged(self, wallet: str, ids: Collection[str]) -> None:
        """Note that a wallet has messages: there is room for others (3)."""
        live = self._wallets.get(wallet)
        if live is not None:
            for ident in ids:
                live.on_the_way.pop(ident, None)
            if live.is_held_back:
                self.wake(wallet)
        elif ids and self._engine.is_shared:  # the process that has its socket may wait for this
            await self._engine.announce(CAME, f"{self._tenant} {wallet}")

    def wake(self, wallet: str) -> None:
        """Deliver what waits for a wallet, if its socket is this process's (4)."""
        live = self._wallets.get(wallet)
        if live is None:
            return
        live.is_woken = True
        if live.task is None:
            live.task = asyncio.create_task(self._deliver(live), name="mediator.deliver")

    def _goes_on(self, wallet: str, route: LastingRoute, *, is_live: bool, as_text: bool) -> bool:
        """Tell whether a wallet's socket is this one already, which then goes on."""
        live = self._wallets.get(wallet)
        if live is None or live.route is not route:
            return False
        live.is_live = live.is_live or is_live
        live.as_text = live.as_text or as_text
        self.wake(wallet)
        return True

    async def stop(self) -> None:
        """Deliver no more."""
        for end_hearing in self._end_hearing:
            end_hearing()
        tasks = [live.task for live in self._wallets.values() if live.task is not None]
        self._wallets.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _came(self, text: str) -> None:
        if not text:  # something may have been missed
            for wallet in list(self._wallets):
                self.wake(wallet)
            return
        tenant, _, wallet = text.partition(" ")
        if tenant == self._tenant:
            self.wake(wallet)

    def _taken(self, text: str) -> None:
        tenant, wallet, number = text.split(" ") if text else ("", "", "0")
        live = self._wallets.get(wallet) if tenant == self._tenant else None
        if live is not None and live.number < int(number):
            live.route.give_up()

    def _ended(self, live: LiveWallet) -> None:
        if self._wallets.get(live.wallet) is live:
            del self._wallets[live.wallet]

    async def _deliver(self, live: LiveWallet) -> None:
        try:
            while live.is_woken and self._wallets.get(live.wallet) is live:
                live.is_woken = False
                async with self._turns:
                    waiting, is_all = await self._next(live)
                if waiting:
                    live.is_woken = live.is_woken or not is_all
                    await self._send(live, waiting)
        except ConnectionError:
            self._ended(live)
        except WanderbuchError as err:
            _LOG.warning("mediator.not_delivered: %s", describe(err))
            live.is_woken = True
            await asyncio.sleep(_AGAIN_S)
        finally:
            live.task = None
            if live.is_woken and self._wallets.get(live.wallet) is live:
                self.wake(live.wallet)

    async def _next(self, live: LiveWallet) -> tuple[Sequence[Waiting], bool]:
        """Return what may go out now, and whether that is all that waits."""
        live.is_held_back = False
        if len(live.on_the_way) >= _WINDOW or sum(live.on_the_way.values()) >= _WINDOW_BYTES:
            there = await self._queue.still(live.wallet, live.on_the_way)  # it may acknowledge to another process
            live.on_the_way = {ident: size for ident, size in live.on_the_way.items() if ident in there}
        room = min(_AT_ONCE, _WINDOW - len(live.on_the_way))
        if room <= 0 or sum(live.on_the_way.values()) >= _WINDOW_BYTES:
            live.is_held_back = True
            return (), False
        return await self._queue.part(live.wallet, limit=room, but=tuple(live.on_the_way))

    async def _send(self, live: LiveWallet, waiting: Sequence[Waiting]) -> None:
        for message in waiting:
            live.on_the_way[message.id] = len(message.envelope)
        try:
            if live.is_live:
                own = await self._keys.secret(self._profile, live.channel.own_key)
                for part in parts_of(waiting):
                    tail = b""
                    if live.route.is_compact:
                        delivery, tail = compact_delivery(part)
                    else:
                        delivery = delivery_message(part, as_text=live.as_text)
                    packed = pack(delivery, to=live.channel.their_key, own=own, tail=tail, is_between_us=True)
                    await live.route.send(packed)
                return
            for message in waiting:
                await live.route.send(message.envelope)
            await live.route.seen()
            await self._queue.remove(live.wallet, [message.id for message in waiting])
        except WanderbuchError:  # they are to be sent again (3)
            for message in waiting:
                live.on_the_way.pop(message.id, None)
            raise
        for message in waiting:
            live.on_the_way.pop(message.id, None)


def delivery_message(
    waiting: Sequence[Waiting], *, thread_id: str | None = None, as_text: bool = False
) -> dict[str, Any]:
    """Return `delivery` (Aries RFC 0685); shorter with the envelopes as text, which wallets of ours ask for."""
    message: dict[str, Any] = {
        "@type": f"{PREFIX}messagepickup/2.0/delivery",
        "@id": str(uuid4()),
        "~attach": [{"@id": item.id, "data": _data(item.envelope, as_text=as_text)} for item in waiting],
    }
    if thread_id is not None:
        message["~thread"] = {"thid": thread_id}
    return message


def compact_delivery(waiting: Sequence[Waiting]) -> tuple[dict[str, Any], bytes]:
    """Return `delivery` with its envelopes behind it, one after the other, each as compact as it can be (ADR 120)."""
    envelopes = [compacted(item.envelope) for item in waiting]
    message = delivery_message(waiting, as_text=True)
    for attached, envelope in zip(message["~attach"], envelopes, strict=True):
        attached["data"] = {"follows": len(envelope)}
    return message, b"".join(envelopes)


def _data(envelope: bytes, *, as_text: bool) -> dict[str, str]:
    if as_text and envelope.isascii():
        return {"text": envelope.decode("ascii")}
    return {"base64": base64.b64encode(envelope).decode("ascii")}


def parts_of(waiting: Sequence[Waiting]) -> list[list[Waiting]]:
    """Return messages in parts, each of which makes one `delivery` of bounded size."""
    parts: list[list[Waiting]] = []
    size = 0
    for item in waiting:
        size += len(item.envelope)
        if not parts or size > _MESSAGE_BYTES:
            parts.append([])
            size = len(item.envelope)
        parts[-1].append(item)
    return parts
