"""The sessions of the HTTP edge: one a lane, made when it is first used, with that lane's limits and nobody else's."""

import ssl
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.addresses import CheckedResolver, ConnectionMap
from wanderbuch.plugins.http.edge_lanes import UNMAPPED, Lane, LaneLimits
from wanderbuch.plugins.http.errors import UnreachableError
from wanderbuch.plugins.http.names import NameLookup

_USER_AGENT: Final = "wanderbuch"
_KEPT_OPEN_S: Final = 45.0  # a new one costs either side 1 ms; common proxies give one up after 60 s


class LaneSessions:
    """The open sessions of one edge.

    Args:
        connect: names that are reached at another address than the one they resolve to.
        limits: of each lane.
        resolver: who looks names up, None: the operating system.
    """

    def __init__(
        self, connect: ConnectionMap, limits: Callable[[Lane], LaneLimits], resolver: AbstractResolver | None
    ) -> None:
        self.by_lane: dict[Lane, aiohttp.ClientSession] = {}
        self.resolver = resolver
        self._connect = connect
        self._limits = limits
        self._closed = False

    def get(self, lane: Lane) -> aiohttp.ClientSession:
        """Return the session of a lane.

        Raises:
            UnreachableError: they are closed.
        """
        if self._closed:
            raise UnreachableError("the HTTP edge is closed")
        session = self.by_lane.get(lane)
        if session is None:
            # Made on first use: a session belongs to the running loop.
            limits = self._limits(lane)
            connect = ConnectionMap() if lane in UNMAPPED else self._connect
            connector = aiohttp.TCPConnector(
                resolver=CheckedResolver(connect, self.resolver or NameLookup(limits.threads)),
                limit=limits.connections,
                limit_per_host=limits.connections_a_host,
                keepalive_timeout=_KEPT_OPEN_S,
            )
            session = self.by_lane[lane] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_s),
                headers={"Accept-Encoding": "identity", "User-Agent": _USER_AGENT},
                trace_configs=[_watching()] if lane is Lane.STRANGERS else [],
            )
        return session

    async def close(self) -> None:
        """Close them all; none is made again."""
        self._closed = True
        sessions, self.by_lane = self.by_lane, {}
        for session in sessions.values():
            await session.close()


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a client's context; blocks while it reads.

    Args:
        ca_file: PEM file of the certificate authorities to trust; None trusts those of the operating system.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError) as err:
        raise ConfigurationError(
            f"expected PEM certificates in {ca_file}, found a file that cannot be read",
            hint="set ca_file to the certificate of the authority that signed the other agents' certificates",
        ) from err
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _watching() -> aiohttp.TraceConfig:
    """Return what notes in a request's own context how far it came."""

    async def resolved(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.resolved = True

    async def connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connected = True

    watching = aiohttp.TraceConfig()
    watching.on_dns_resolvehost_end.append(resolved)
    watching.on_dns_cache_hit.append(resolved)
    watching.on_connection_create_end.append(connected)
    watching.on_connection_reuseconn.append(connected)
    return watching
