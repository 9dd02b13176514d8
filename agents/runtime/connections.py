"""Who holds a connection of a site open, for how long and with how much; and who goes when there is no room.

Anybody may connect, so a connection costs its holder something only while it is in use. The rules:

1. There are at most `connections`, and at most `per_network` from one network of addresses (a /24, or a /48 of IPv6);
   proxies that we trust stand for many people and have no limit of their own.
2. A newcomer always gets a place while somebody holds one without using it. First goes who has not asked anything yet,
   the oldest first; then the web socket over which nobody whom we know has written yet, whatever it sends; then who
   keeps a connection for later; then who sends a body slowly or does not read an answer.
3. Headers have a deadline, and so has the time between two requests. Who does not read an answer is given up.
4. What has come of requests that are not complete takes at most `unfinished_bytes` in total; then the oldest body goes.
   Who sends further requests before the last one is answered may send a little ahead, not much. Frames of web sockets
   count, too, until they are taken; where no body is left to go, the web socket with the most goes.
5. No deadline ends an answer that is being written and read, however long it lasts (events, web sockets). They may fill
   half of the places; beyond that the youngest of the largest network goes when a newcomer finds no place.
"""

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

import aiohttp
from aiohttp import web

type AnyNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_IPV4_PREFIX: Final = 24
_IPV6_PREFIX: Final = 48  # what one customer is commonly given
_LOOK_AGAIN_S: Final = 0.1
_NO_LONGER_PROMPT_S: Final = 0.5
_WRITE_BUFFER_BYTES: Final = 64 * 1024
_MAX_AHEAD_BYTES: Final = 16 * 1024
_FRAME_HEADER_BYTES: Final = 14
_FRAME_REMAINS_BYTES: Final = 1024
_CONTROL_HEADER_BYTES: Final = 2  # RFC 6455, section 5.2; then the mask, which aiohttp does not insist on
_MASK_BYTES: Final = 4
_MASKS_AN_HOUR_BYTES: Final = 4096
_HOUR_S: Final = 3600.0
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What the connections of one site may take.

    Args:
        connections: in total.
        per_network: from one network of addresses.
        unfinished_bytes: of requests that are not complete, in total; half of it for one network.
        handshake_s: for the TLS handshake.
        headers_s: from the first byte of a request, or from the connection, to the end of its headers.
        idle_s: between two requests.
        stalled_s: without reading anything of an answer that waits.
        lasting_s: an answer that takes longer is one of those that last (rule 5).
    """

    connections: int
    per_network: int
    unfinished_bytes: int
    handshake_s: float = 10.0
    headers_s: float = 15.0
    idle_s: float = 75.0  # longer than the 60 s after which common proxies give up theirs
    stalled_s: float = 30.0
    lasting_s: float = 60.0


class Stage(Enum):
    """What a connection is doing."""

    NEW = "new"  # nothing was asked on it yet; the handshake may be under way
    KEPT = "kept"  # it waits for a further request
    BODY = "body"  # a body is being read
    STRANGER = "stranger"  # a web socket over which nobody whom we know has written
    WORKING = "working"  # a request is being answered


class Network:
    """The connections from one network of addresses, by stage, each in the order in which they came to it."""

    def __init__(self, name: str, *, is_trusted: bool) -> None:
        self.name = name
        self.is_trusted = is_trusted
        self.size = 0
        self.bytes = 0
        self.stages: dict[Stage, dict[SocketConnection, None]] = {stage: {} for stage in Stage}


class SocketConnection(asyncio.Protocol):
    """One connection: stands between the transport and aiohttp's protocol, and counts what passes."""

    def __init__(self, table: "Connections", network: Network, make: Callable[[], asyncio.Protocol]) -> None:
        self._table = table
        self.network = network
        self._make = make
        self._inner: asyncio.Protocol | None = None
        self.handshake: asyncio.Task[None] | None = None
        """Set while the connection is being made."""
        self.transport: asyncio.Transport | None = None
        self.stage = Stage.NEW
        self.since = table.now()
        self.bytes = 0
        self.stalled_since: float | None = None
        self.clock: asyncio.Timeout | None = None
        """The deadline of the body that is being read."""
        self._body: aiohttp.StreamReader | None = None
        self._ahead = 0
        self._has_frames = False
        self._masks = _MASKS_AN_HOUR_BYTES
        self._masks_since = self.since

    @staticmethod
    def of(request: web.Request) -> "SocketConnection | None":
        """Return the connection that a request came on; None if it is gone, or not one of ours."""
        transport = request.transport
        protocol = None if transport is None else transport.get_protocol()
        return protocol if isinstance(protocol, SocketConnection) else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the handshake is done."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (for the type checker)
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self.transport, self.since = transport, self._table.now()
        self._inner = self._make()
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._table.remove(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what came; outside a request it is the beginning of one."""
        is_next = self._body is not None and self._body.is_eof()  # else it is of a body that is thrown away, say
        if self.stage is Stage.NEW or (self.stage is Stage.KEPT and is_next):
            if not self.bytes:
                self.since = self._table.now()
            self.count(len(data))
        elif self.stage is Stage.WORKING and is_next:
            self._ahead += len(data)
            if self._ahead > _MAX_AHEAD_BYTES:
                self.give_up()
                return
        elif self._has_frames:
            self.count(len(data))
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        """Note that the answer is not being read."""
        self.stalled_since = self._table.now()
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Note that it is being read again."""
        self.stalled_since = None
        if self._inner is not None:
            self._inner.resume_writing()

    def begin(self, request: web.Request) -> None:
        """Begin to answer a request; after an upgrade there are no requests, but there may be frames."""
        self._body = None if "Upgrade" in request.headers else request.content
        self._ahead = 0
        self.enter(Stage.WORKING)

    def begin_frames(self) -> None:
        """Count what comes as frames of a web socket from now on, a stranger's until `know`."""
        self._has_frames = True
        self._table.place(self, Stage.STRANGER)

    def know(self) -> None:
        """Note that somebody whom we know writes over this web socket."""
        if self.stage is Stage.STRANGER:
            self._table.place(self, Stage.WORKING)

    def took_frame(self, size: int) -> None:
        """Forget what was counted of a data message that came whole, with the headers of its fragments."""
        left = self.bytes - size - _FRAME_HEADER_BYTES
        self._table.uncount(self)
        self._masks = _MASKS_AN_HOUR_BYTES
        if left > _FRAME_REMAINS_BYTES:  # of a further one; less may be what headers of fragments took
            self.count(left)

    def took_control(self, size: int) -> None:
        """Forget what was counted of a control frame, and no more: it may stand between fragments (RFC 6455, 5.4).

        Whether it had a mask nobody tells, so masks are forgotten up to a bound between two data messages.
        """
        now = self._table.now()
        if now - self._masks_since > _HOUR_S:
            self._masks, self._masks_since = _MASKS_AN_HOUR_BYTES, now
        mask = min(self._masks, _MASK_BYTES)
        self._masks -= mask
        self.forget(size + _CONTROL_HEADER_BYTES + mask)

    def forget(self, size: int) -> None:
        """Forget so many bytes, exactly."""
        left = self.bytes - size
        self._table.uncount(self)
        if left > 0:
            self.count(left)

    def enter(self, stage: Stage) -> None:
        """Go to a stage; what was counted of the last one is not unfinished any more."""
        self._table.move(self, stage)

    def count(self, size: int) -> None:
        """Count bytes of a request that is not complete."""
        self._table.count(self, size)

    def is_busy(self) -> bool:
        """Return whether some of an answer still waits to be read."""
        return self.transport is not None and (
            self.stalled_since is not None or self.transport.get_write_buffer_size() > 0
        )

    def has_stalled(self, now: float) -> bool:
        """Return whether nothing of an answer has been read for longer than an ordinary pause."""
        return self.stalled_since is not None and now - self.stalled_since > _NO_LONGER_PROMPT_S

    def give_up(self) -> None:
        """End it at once: its place is free when this returns."""
        if self.transport is not None:
            self.transport.abort()
        elif self.handshake is not None:
            self.handshake.cancel()
        self._table.remove(self)

    def refuse_body(self) -> None:
        """Read no more of its body, and say so; other than that it goes on."""
        self._table.uncount(self)
        if self.clock is not None:
            self.clock.reschedule(0.0)
            self.clock = None
        else:
            self.give_up()

    def too_slow(self) -> None:
        """End it because its headers did not come in time."""
        if self.transport is not None and self.bytes and not self.is_busy():
            self.transport.write(_TOO_SLOW)
            self.transport.close()
            self._table.remove(self)
        else:
            self.give_up()


class Connections:
    """The connections of one site.

    Args:
        limits: what they may take.
        trusted: networks of proxies that we trust.
    """

    def __init__(self, limits: SocketLimits, *, trusted: Iterable[AnyNetwork] = ()) -> None:
        self.limits = limits
        self._trusted = tuple(trusted)
        self._networks: dict[str, Network] = {}
        self._held: set[SocketConnection] = set()
        self._bytes = 0
        self._released = asyncio.Event()
        self.given_up = 0
        """How many were given up to make room."""

    def __len__(self) -> int:
        return len(self._held)

    @property
    def unfinished_bytes(self) -> int:
        """Return how much has come of requests that are not complete."""
        return self._bytes

    @staticmethod
    def now() -> float:
        """Return the loop's clock."""
        return asyncio.get_running_loop().time()

    async def admit(self, address: str, make: Callable[[], asyncio.Protocol]) -> SocketConnection | None:
        """Return a place for a newcomer; None if its network holds all of its places and uses them.

        Waits while nobody can be given up: meanwhile nothing more is accepted.
        """
        name, is_trusted = self._network_of(address)
        while len(self._held) >= self.limits.connections and not self._give_up_one():
            self._released.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):  # time alone may make somebody one who can be given up
                    await self._released.wait()
        network = self._networks.get(name) or Network(name, is_trusted=is_trusted)
        if not is_trusted and network.size >= self.limits.per_network and not self._give_up_one_of(network):
            return None
        self._networks[name] = network
        connection = SocketConnection(self, network, make)
        self._held.add(connection)
        network.size += 1
        network.stages[Stage.NEW][connection] = None
        return connection

    def trusts(self, address: str) -> bool:
        """Return whether an address is that of a proxy that we trust."""
        return self._network_of(address)[1]

    def remove(self, connection: SocketConnection) -> None:
        """Forget a connection that ended."""
        if connection not in self._held:
            return
        self._held.discard(connection)
        self.uncount(connection)
        network = connection.network
        network.stages[connection.stage].pop(connection, None)
        network.size -= 1
        if not network.size:
            self._networks.pop(network.name, None)
        self._released.set()

    def move(self, connection: SocketConnection, stage: Stage) -> None:
        """Take a connection to another stage; what was counted of the last one is not unfinished any more."""
        self.uncount(connection)
        self.place(connection, stage)

    def place(self, connection: SocketConnection, stage: Stage) -> None:
        """Take a connection to another stage; what was counted stays."""
        if connection in self._held:
            connection.network.stages[connection.stage].pop(connection, None)
            connection.network.stages[stage][connection] = None
        connection.stage, connection.since = stage, self.now()

    def count(self, connection: SocketConnection, size: int) -> None:
        """Count bytes of a request that is not complete, and give up what is too much (rule 4)."""
        if connection not in self._held:
            return
        connection.bytes += size
        connection.network.bytes += size
        self._bytes += size
        network, limit = connection.network, self.limits.unfinished_bytes
        while not network.is_trusted and network.bytes > limit // 2 and self._give_up_bytes(network):
            pass
        while self._bytes > limit and self._give_up_bytes(
            max(self._networks.values(), key=lambda network: network.bytes)
        ):
            pass

    def look(self) -> None:
        """End what is over its deadline (rule 3)."""
        limits, now = self.limits, self.now()
        for socket_connection in list(self._held):
            waited = now - socket_connection.since
            if socket_connection.stalled_since is not None:
                if now - socket_connection.stalled_since > limits.stalled_s:
                    socket_connection.give_up()
            elif socket_connection.stage is Stage.NEW or (
                socket_connection.stage is Stage.KEPT and socket_connection.bytes
            ):
                if socket_connection.transport is not None and waited > limits.headers_s:
                    socket_connection.too_slow()
            elif socket_connection.stage is Stage.KEPT and waited > limits.idle_s:
                socket_connection.give_up()

    def close(self) -> None:
        """End what is not being answered."""
        for socket_connection in list(self._held):
            if socket_connection.handshake is not None:
                socket_connection.handshake.cancel()

    def uncount(self, connection: SocketConnection) -> None:
        """Forget what was counted of a connection: it is complete, or gone."""
        connection.network.bytes -= connection.bytes
        self._bytes -= connection.bytes
        connection.bytes = 0

    def _give_up_one(self) -> bool:
        """Make one place free, the largest network first, and return whether that was possible (rules 2 and 5)."""
        largest = max(self._networks.values(), key=lambda network: network.size)
        if self._give_up_one_of(largest):
            return True
        others = sorted(self._networks.values(), key=lambda network: network.size, reverse=True)
        return any(self._give_up_one_of(network) for network in others) or self._give_up_lasting(others)

    def _give_up_one_of(self, network: Network) -> bool:
        now, stages = self.now(), network.stages
        victim = (
            next(
                (socket_connection for socket_connection in stages[Stage.NEW] if not socket_connection.is_busy()), None
            )
            or next(iter(stages[Stage.STRANGER]), None)
            or next(
                (socket_connection for socket_connection in stages[Stage.KEPT] if not socket_connection.is_busy()), None
            )
            or next(
                (
                    socket_connection
                    for socket_connection in stages[Stage.BODY]
                    if now - socket_connection.since > _NO_LONGER_PROMPT_S
                ),
                None,
            )
            or next(
                (
                    socket_connection
                    for socket_connection in stages[Stage.WORKING]
                    if socket_connection.has_stalled(now)
                ),
                None,
            )
            or next(
                (socket_connection for socket_connection in stages[Stage.KEPT] if socket_connection.has_stalled(now)),
                None,
            )
        )
        if victim is None:
            return False
        self.given_up += 1
        victim.give_up()
        return True

    def _give_up_lasting(self, networks: list[Network]) -> bool:
        before = self.now() - self.limits.lasting_s
        lasting = [
            [
                socket_connection
                for socket_connection in network.stages[Stage.WORKING]
                if socket_connection.since < before
            ]
            for network in networks
        ]
        if sum(map(len, lasting)) <= self.limits.connections // 2:
            return False
        self.given_up += 1
        next(group for group in lasting if group)[-1].give_up()
        return True

    def _give_up_bytes(self, network: Network) -> bool:
        for stage in (Stage.BODY, Stage.NEW, Stage.KEPT):
            for socket_connection in network.stages[stage]:
                if socket_connection.bytes:
                    self.given_up += 1
                    socket_connection.refuse_body()
                    return True
        sockets = (*network.stages[Stage.STRANGER], *network.stages[Stage.WORKING])
        most = max(sockets, key=lambda connection: connection.bytes, default=None)
        if most is None or not most.bytes:
            return False
        self.given_up += 1
        most.give_up()
        return True

    def _network_of(self, address: str) -> tuple[str, bool]:
        """Return the network that an address counts for, and whether it is a trusted proxy's."""
        parsed, name = _parsed(address)
        if parsed is None:
            return name, False
        if any(parsed in network for network in self._trusted if network.version == parsed.version):
            return f"proxies {name}", True
        return name, False


@lru_cache(maxsize=4096)
def _parsed(address: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address | None, str]:
    """Return an address and the name of its network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None, address[:64]
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    prefix = _IPV4_PREFIX if parsed.version == 4 else _IPV6_PREFIX
    return parsed, str(ipaddress.ip_network((parsed, prefix), strict=False))
