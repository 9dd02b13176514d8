"""The one HTTP edge: every request that leaves an agent goes through here.

What it guarantees: https with checked certificates, only addresses that `addresses.py` allows, no redirect is followed,
no cookie and no proxy, one deadline for the whole exchange, no more bytes than the caller accepts (`answers`), a
bounded number of connections. Lanes keep one kind of work from holding up another (`edge_lanes`; their sessions:
`edge_sessions`).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from wanderbuch.plugins.http.addresses import ConnectionMap, checked_url
from wanderbuch.plugins.http.answers import (
    Fetched,
    Redirect,
    Relayed,
    check_status,
    fetched,
    fetched_or_location,
    fetched_or_refusal,
    relayed,
)
from wanderbuch.plugins.http.edge_lanes import CONNECT_S, FIXED, Lane, LaneLimits
from wanderbuch.plugins.http.edge_sessions import LaneSessions, tls_context
from wanderbuch.plugins.http.errors import (
    AddressRefusedError,
    DeadlineError,
    NoConnectionError,
    UnreachableError,
)
from wanderbuch.plugins.http.lanes import STRANGERS_DEADLINE_S, Host, StrangersLane, is_for_strangers

_MAX_FIELD_BYTES: Final = 8190  # of one header, as aiohttp has it
_HTTPS: Final = 443


@dataclass(frozen=True, slots=True)
class HttpEdgeConfig:
    """How an agent reaches other hosts.

    Args:
        connect: names that are reached at another address than the one they resolve to.
        ca_file: PEM file of the certificate authorities to trust; None trusts those of the operating system.
        max_connections: how many connections may be open at once.
        max_connections_per_host: how many of them to one host.
        max_deliveries: how many connections may be open at once for deliveries to other agents.
        max_deliveries_per_host: how many of them to one host.
    """

    connect: ConnectionMap = field(default_factory=ConnectionMap)
    ca_file: Path | None = None
    max_connections: int = 100
    max_connections_per_host: int = 20
    max_deliveries: int = 256
    max_deliveries_per_host: int = 8


class HttpEdge:
    """Sends requests to other hosts; one a process, closed by whoever opened it.

    Args:
        config: where to connect and whom to trust.
        resolver: who looks names up; the operating system by default. Its answers are checked all the same.
        has_network: False for an edge that never sends anything itself: whom to trust need not be read then, which
            takes as long as a proof.

    Raises:
        ConfigurationError: the CA file cannot be read.
    """

    def __init__(
        self,
        config: HttpEdgeConfig | None = None,
        *,
        resolver: AbstractResolver | None = None,
        has_network: bool = True,
    ) -> None:
        self._config = config or HttpEdgeConfig()
        self._tls = tls_context(self._config.ca_file) if has_network else None
        self._sessions = LaneSessions(self._config.connect, partial(_limits, self._config), resolver)
        self._strangers = StrangersLane()
        self._is_party: Callable[[str], bool] = lambda _: False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def get(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*", etag: str | None = None
    ) -> Fetched:
        """Fetch `url`.

        Args:
            url: an https address.
            max_bytes: the largest body to accept.
            timeout_s: deadline for the whole exchange, in seconds.
            accept: value of the Accept header.
            etag: of an earlier answer; the answer may then be 304 with an empty body.

        Raises:
            HttpError: refused, unreachable, late, too large, redirected, or any status but success.
        """
        headers = {"Accept": accept}
        if etag is not None:
            headers["If-None-Match"] = etag

        read = partial(fetched, max_bytes=max_bytes, conditional=etag is not None)
        return await self._send("GET", url, None, headers, timeout_s, read)

    async def get_or_location(
        self, url: str, *, max_bytes: int, timeout_s: float, accept: str = "*/*"
    ) -> Fetched | Redirect:
        """Fetch `url`, or return where it redirects to: for those to whom the Location itself is the answer.

        Arguments and errors as with `get`; the Location may be as long as a body.
        """
        read = partial(fetched_or_location, max_bytes=max_bytes)
        field_bytes = max(max_bytes, _MAX_FIELD_BYTES)
        return await self._send("GET", url, None, {"Accept": accept}, timeout_s, read, max_field_bytes=field_bytes)

    async def post(
        self, url: str, body: bytes, *, content_type: str, max_bytes: int, timeout_s: float, hears_why: bool = False
    ) -> Fetched:
        """Send `body` to `url`; arguments and errors as with `get`.

        Args:
            url: https address.
            body: what is sent.
            content_type: of that.
            max_bytes: of the answer.
            timeout_s: for all of it.
            hears_why: whether a refusal with problem details (RFC 9457) is read into the error's `body`.
        """
        read = partial(fetched_or_refusal if hears_why else fetched, max_bytes=max_bytes)
        return await self._send("POST", url, body, {"Content-Type": content_type}, timeout_s, read)

    async def post_form(
        self, url: str, form: bytes, *, authorization: str | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        """Send a form with this `Authorization`, if there is one; arguments and errors as with `get`."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        return await self._send("POST", url, form, headers, timeout_s, partial(fetched, max_bytes=max_bytes))

    def new_trust(self) -> ssl.SSLContext:
        """Return a client's context that trusts whom the configuration says now; blocks while it reads.

        Raises:
            ConfigurationError: the CA file cannot be read.
        """
        return tls_context(self._config.ca_file)

    def reload_trust(self) -> None:
        """Trust from the next connection on whom the configuration says now; on an error whom it trusted before.

        Raises:
            ConfigurationError: the CA file cannot be read.
        """
        self._tls = self.new_trust()

    async def deliver(self, url: str, body: bytes, *, content_type: str, max_bytes: int, timeout_s: float) -> Fetched:
        """Send `body` to another agent: as `post`, in the lane of deliveries."""
        headers, read = {"Content-Type": content_type}, partial(fetched, max_bytes=max_bytes)
        return await self._send("POST", url, body, headers, timeout_s, read, lane=Lane.DELIVERIES)

    async def push(
        self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float, is_operators: bool
    ) -> int:
        """Send JSON to a webhook, in a lane of its own, and return the status, 200 to 299; the answer is not read.

        Args:
            url: an https address.
            body: the JSON.
            headers: beside those that every request has.
            timeout_s: deadline until the status is there, in seconds.
            is_operators: it is the operator's own, who may name hosts of the connection map.

        Raises:
            HttpError: as with `get`.
        """

        async def read(response: aiohttp.ClientResponse, shown: str) -> int:
            check_status(response, shown)
            return response.status

        sent = {**headers, "Content-Type": "application/json"}
        lane = Lane.WEBHOOKS if is_operators else Lane.TENANTS_WEBHOOKS
        return await self._send("POST", url, body, sent, timeout_s, read, lane=lane)

    async def tell(self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float) -> None:
        """Send a push to a push service (RFC 8030); its answer is not read.

        Args:
            url: an https address; the caller knows its host.
            body: what is pushed.
            headers: beside those that every request has.
            timeout_s: deadline until the status is there, in seconds.

        Raises:
            HttpError: as with `get`; `NotFoundError`: the subscription is over.
        """

        async def read(response: aiohttp.ClientResponse, shown: str) -> None:
            check_status(response, shown)

        await self._send("POST", url, body, dict(headers), timeout_s, read, lane=Lane.PUSHES)

    async def relay(
        self,
        method: str,
        url: str,
        body: bytes | None,
        *,
        headers: Mapping[str, str],
        max_bytes: int,
        timeout_s: float,
        mapped_hosts: Collection[str] = (),
    ) -> Relayed:
        """Send what a wallet asks to have sent, and return what is answered, whatever its status.

        A host of the connection map is looked up like any other, unless it is one of `mapped_hosts`. A name that leads
        inside fails like one that leads nowhere: a wallet is not told which names there are inside.

        Args:
            method: GET or POST.
            url: an https address, on port 443.
            body: of a POST.
            headers: beside those that every request has.
            max_bytes: the largest body to accept.
            timeout_s: deadline for the whole exchange, in seconds.
            mapped_hosts: which hosts of the connection map wallets may reach, in small letters.

        Raises:
            AddressRefusedError: the text of the address shows that it is none that we talk to.
            HttpError: unreachable, late or too large.
        """
        host, port = _host_of(checked_url(url))
        if port != _HTTPS:
            raise AddressRefusedError("expected an address on port 443, found another port")

        read = partial(relayed, max_bytes=max_bytes)
        lane = Lane.WALLETS_MAPPED if host in mapped_hosts else Lane.WALLETS
        try:
            return await self._send(method, url, body, dict(headers), timeout_s, read, lane=lane)
        except AddressRefusedError as err:  # where the name leads
            raise NoConnectionError(f"could not reach {host}") from err

    def know_parties(self, is_party: Callable[[str], bool]) -> None:
        """Take requests to hosts of which `is_party` is true as our own work, whoever caused them."""
        self._is_party = is_party

    async def close(self) -> None:
        """Close all connections; later requests are refused."""
        await self._sessions.close()

    async def _send[A](
        self,
        method: str,
        address: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float,
        read: Callable[[aiohttp.ClientResponse, str], Awaitable[A]],
        *,
        max_field_bytes: int = _MAX_FIELD_BYTES,
        lane: Lane | None = None,
    ) -> A:
        url = checked_url(address)
        host = _host_of(url)
        lane = lane or (Lane.STRANGERS if is_for_strangers() and not self._is_party(host[0]) else Lane.OWN)

        async def request(limit_s: float) -> A:
            async with self._answer(lane, method, url, body, headers, limit_s, max_field_bytes) as (response, shown):
                return await read(response, shown)

        if lane is not Lane.STRANGERS:
            return await request(timeout_s)
        async with self._strangers.place(host):
            return await request(min(timeout_s, STRANGERS_DEADLINE_S))

    @asynccontextmanager
    async def _answer(
        self,
        lane: Lane,
        method: str,
        url: URL,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float,
        max_field_bytes: int,
    ) -> AsyncIterator[tuple[aiohttp.ClientResponse, str]]:
        """Give the answer to a request, and how to show its address; what fails while it is read is named too."""
        shown = f"https://{url.host}{url.raw_path}"[:200]
        try:
            async with (
                self._watched(_host_of(url), lane) as watch,
                asyncio.timeout(timeout_s),
                self._sessions.get(lane).request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    allow_redirects=False,
                    max_redirects=0,
                    max_field_size=max_field_bytes,
                    ssl=self._tls or _no_network(),
                    trace_request_ctx=watch,
                ) as response,
            ):
                watch.connected = True
                yield response, shown
        except aiohttp.ConnectionTimeoutError as err:
            raise NoConnectionError(f"could not reach {shown}: no connection in time") from err
        except TimeoutError as err:
            raise DeadlineError(f"no complete answer from {shown} within {timeout_s:g} s") from err
        except aiohttp.InvalidURL as err:
            raise AddressRefusedError(f"expected an https address, found {shown}") from err
        except (aiohttp.ClientError, OSError) as err:
            kind = NoConnectionError if isinstance(err, aiohttp.ClientConnectorError) else UnreachableError
            raise kind(
                f"could not reach {shown}: {type(err).__name__}",
                hint=f"check that {url.host} is up and that its certificate is from an authority we trust",
            ) from err

    @asynccontextmanager
    async def _watched(self, host: Host, lane: Lane) -> AsyncIterator[SimpleNamespace]:
        """Note whether a connection was made: a host is silent only where that failed, for strangers' work alone.

        Only for that is it told before there is an answer (`edge_sessions`).

        A name that could not be looked up is no silence: others may keep our threads waiting for names of theirs.
        """
        watch = SimpleNamespace(resolved=False, connected=False)
        try:
            yield watch
        except (TimeoutError, aiohttp.ClientError, OSError):
            if lane is Lane.STRANGERS and watch.resolved and not watch.connected:
                self._strangers.note_silence(host)
            raise
        finally:
            if watch.connected:
                self._strangers.note_answer(host)


def _host_of(url: URL) -> Host:
    """Return host and port as others compare them: in ASCII, as the host of a DID is."""
    return str(url.raw_host).lower(), int(url.port or 0)


def _limits(config: HttpEdgeConfig, lane: Lane) -> LaneLimits:
    match lane:
        case Lane.OWN:
            return LaneLimits(config.max_connections, config.max_connections_per_host, 8, None)
        case Lane.DELIVERIES:
            return LaneLimits(config.max_deliveries, config.max_deliveries_per_host, 8, CONNECT_S)
        case _:
            return FIXED[lane]


def _no_network() -> ssl.SSLContext:
    raise UnreachableError("there is no network here")
