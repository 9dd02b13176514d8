"""The public site, https://<host>: DIDComm, short links, the public files, and what roles add.

The default tenant's further routes are at `/`, another's below the path of its DID; on a host of its own a tenant is as
if it were alone, its files below `hosts/<host>` in the public folder. DIDComm and short links are one for all.

Files are served as they lie in the folder or object store; hidden ones, links that lead out and listings are not. Tails
files may be cached for ever. Everything else must be asked for again, resources too: a registry definition is re-signed
with each new status list, and all of them when a key is rotated.
"""

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from wanderbuch.agents.runtime.app import OWN_ADDRESS, PublicRoute
from wanderbuch.agents.runtime.app_site import Enter
from wanderbuch.agents.runtime.bodies import expect_body, read_body
from wanderbuch.agents.runtime.closed_hosts import ClosedHost, read_closed
from wanderbuch.agents.runtime.config import HOSTS_FOLDER
from wanderbuch.agents.runtime.config_tables import PublicConfig
from wanderbuch.agents.runtime.connections import SocketLimits
from wanderbuch.agents.runtime.front import (
    ASSETS,
    FAVICON,
    WALLET_SITES,
    Asked,
    Failure,
    Front,
    SiteKind,
    Who,
    as_page,
    is_bare,
    wants_page,
)
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.gate.unheard_proxies import tell_of_unheard_proxies
from wanderbuch.agents.runtime.hanging_up import HangUp
from wanderbuch.agents.runtime.listening import Site, limits_of
from wanderbuch.agents.runtime.message_sockets import ServeSocket
from wanderbuch.agents.runtime.public_files import PublicFiles
from wanderbuch.agents.runtime.server_tls import ServerTls
from wanderbuch.agents.runtime.short_links import invitation_in
from wanderbuch.agents.runtime.sockets import bind
from wanderbuch.agents.runtime.store import is_store_failure
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.webvh.publisher import content_type_of
from wanderbuch.store.records import NotFoundError

_LOG = logging.getLogger(__name__)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_FOR_EVER: Final = frozenset({"tails"})
_NOT_HERE: Final = frozenset({404, 405})
_BODY_DEADLINE_S: Final = 30.0
_BEGIN_S: Final = 10.0  # common wallets give up after 15 s
# What stands before the further routes of a tenant on the process's host: as few segments as will do.
_PREFIX: Final = "/{place:[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*?}"
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}

type Receiver = Callable[[bytes, str], Awaitable[web.Response]]
"""Takes what was posted, and from which network."""


type LookClosed = Callable[[web.Request], Awaitable[ClosedHost | None]]
"""Tells which centre was at the host of a request, if it has closed."""


type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door(Protocol):
    """Tells whose a place is."""

    def at(self, host: str, prefix: str) -> str | None:
        """Return the id of the tenant whose public routes are on this host below `prefix`; None: nobody's."""

    async def behind(self, link_id: str) -> str | None:
        """Return the long address behind a short link of a tenant that is served; None if there is none."""

    async def asked(self, link_id: str, invitation_id: str, language: str) -> Asked | None:
        """Return what the invitation behind a short link asks; None: nothing. Errors as with `Tenants.enter`."""

    async def who(self, tenant_id: str) -> Who:
        """Return whose place a tenant's is; errors as with `Tenants.enter`."""


class PublicSite:
    """One agent's public site; its socket is bound on construction.

    Args:
        config: where to listen, and the certificate; nowhere, if it says so: then nothing is served.
        files: the files to serve.

    Raises:
        ConfigurationError: the port is in use, or the certificate cannot be used.
    """

    def __init__(self, config: PublicConfig, files: PublicFiles) -> None:
        self._config = config
        self._files = files
        self.hosts = [
            ServerTls(host.tls_certificate, host.tls_key, host=host.host)
            for host in config.hosts
            if host.tls_certificate is not None and host.tls_key is not None
        ]
        """The sides of hosts that tenants have for themselves; none where the proxies end TLS."""
        self.tls: ServerTls | None = None
        """None: the proxies end TLS, and nobody else may connect."""
        if config.tls_certificate is not None and config.tls_key is not None:
            self.tls = ServerTls(config.tls_certificate, config.tls_key, host=config.host, others=self.hosts)
        self._own_hosts = frozenset(host.host for host in config.hosts)
        self._socket: socket.socket | None = None if config.listen is None else bind(config.listen, "[public] listen")
        self._site: Site | None = None
        self._receiver: Receiver | None = None
        self._began = asyncio.Event()
        self._sockets: ServeSocket | None = None
        self._hangs_up = False
        self._networks = Networks(config.trusted_proxies)

    def connect(self, receiver: Receiver | None, sockets: ServeSocket | None = None) -> None:
        """Hand DIDComm messages to `receiver`, and web sockets to `sockets`, from now on; None: to nobody any more."""
        self._receiver = receiver
        self._began.set()
        self._sockets = sockets

    async def start(
        self,
        routes: Sequence[tuple[PublicRoute, Enter]],
        door: Door,
        limits: SocketLimits | None = None,
        *,
        front: Front | None = None,
        hangs_up: bool = False,
    ) -> None:
        """Serve.

        Args:
            routes: further routes, each with what gives its handler the office to work on.
            door: tells whose they are, and what is behind a short link.
            limits: of connections; by default those of the configuration.
            front: makes pages for people; None: they get what programs get.
            hangs_up: who posts a message while nobody takes any gets no answer (`hanging_up`), instead of waiting, and
                of a 503.
        """
        if self._socket is None:
            return
        self._hangs_up = hangs_up
        proxies = tell_of_unheard_proxies("public", self._networks)
        app = web.Application(
            client_max_size=self._config.max_message_bytes,
            middlewares=[without_details(front, partial(self._closed, door)), proxies],
        )
        app[WALLET_SITES] = self._config.wallets
        app[OWN_ADDRESS] = f"https://{self._config.host}"
        app.router.add_post("/didcomm", self._didcomm, expect_handler=expect_body)
        app.router.add_get("/i/{id}", self._short_link(door, front))
        if front is not None:
            app.router.add_get("/i/{id}/code.svg", self._code(door, front))
            app.router.add_get(ASSETS, front.asset)
            app.router.add_get(FAVICON, front.favicon)
        for route, enter in routes:
            handler = self._entered(route, enter, door)
            for path in (route.path, f"{_PREFIX}{route.path}"):
                if route.method == "GET":  # and HEAD
                    app.router.add_get(path, handler)
                else:
                    app.router.add_route(route.method, path, handler)
        if front is not None:  # after the routes, some of which end with a slash too
            root = self._root(door, front)
            for path in ("/", f"{_PREFIX}/"):
                app.router.add_get(path, root)
            app.router.add_get("/didcomm", self._socket_or(root))
        else:
            app.router.add_get("/didcomm", self._socket_or(self._file))
        app.router.add_get("/{path:.*}", self._file)
        sockets = self._config.sockets
        limits = limits or limits_of(
            sockets, connections=sockets.connections, network_share=0.5, largest_bytes=self._config.max_message_bytes
        )
        self._site = Site(
            "public",
            app,
            self._socket,
            limits,
            tls=None if self.tls is None else self.tls.context,
            trusted=self._config.trusted_proxies,
            trusted_only=self.tls is None,
        )
        await self._site.start()

    async def stop_accepting(self) -> None:
        """Take no new connections."""
        if self._site:
            await self._site.stop_accepting()

    async def close(self) -> None:
        """Close all connections and the socket."""
        if self._site:
            await self._site.close()
        if self._socket is not None:
            self._socket.close()

    async def _didcomm(self, request: web.Request) -> web.Response:
        if self._receiver is None and self._hangs_up:
            return HangUp()
        await self._begin()
        if self._receiver is None:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"})
        body = await read_body(request, deadline_s=_BODY_DEADLINE_S)
        network = self._networks.of_request(request)
        return await self._receiver(body, network)

    async def _begin(self) -> None:
        """Wait until messages are taken for the first time: some wallets take a 503 for a good answer.

        Between the bound socket and that there are some hundred milliseconds.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BEGIN_S):
                await self._began.wait()

    def _socket_or(self, handler: Handler) -> Handler:
        """Return what serves a web socket that is asked for, if sockets are taken, and anything else as `handler`."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if self._sockets is None or request.headers.get("Upgrade", "").lower() != "websocket":
                return await handler(request)
            network = self._networks.of_request(request)
            return await self._sockets(request, network)

        return handle

    def _entered(self, route: PublicRoute, enter: Enter, door: Door) -> Handler:
        """Return the handler of a route: of the tenant whose place it is in; else what lies there as a file."""

        async def handle(request: web.Request) -> web.StreamResponse:
            tenant = door.at(self._host(request), request.match_info.get("place", ""))
            if tenant is None:
                return await self._file(request)
            try:
                office = await enter(tenant)
            except NotFoundError:  # it has no such role: what lies there as a file, if anything
                return await self._file(request)
            except WanderbuchError:
                return _not_open()
            return await route.handler(office, request)

        return handle

    def _root(self, door: Door, front: Front) -> Handler:
        """Return the handler of `/` of each place, and of addresses that carry an invitation: for people alone."""

        async def root(request: web.Request) -> web.StreamResponse:
            prefix = request.match_info.get("place", "")
            tenant = door.at(self._host(request), prefix)
            if not wants_page(request) or tenant is None:
                raise web.HTTPNotFound(headers={"Vary": "Accept"})
            if "oob" in request.query:
                return front.carried(request)
            try:
                who = await door.who(tenant)
            except WanderbuchError:
                return _not_open()
            return front.root(request, SiteKind.PUBLIC, who)

        return root

    def _short_link(self, door: Door, front: Front | None) -> Handler:
        async def short_link(request: web.Request) -> web.StreamResponse:
            link_id = request.match_info["id"]
            url = await door.behind(link_id)
            if url is None:
                raise web.HTTPNotFound
            headers = {**_HEADERS, "Cache-Control": "no-store", "Vary": "Accept"}
            is_person = front is not None and wants_page(request)
            asks_json = "json" in request.headers.get("Accept", "")
            invitation = invitation_in(url) if asks_json or is_person else None
            if front is not None and is_person and invitation is not None:
                say_asked = partial(_say_asked, door, link_id, str(invitation.get("@id")))
                return await front.invitation(
                    request, self._short_address(request, link_id), url, invitation, say_asked
                )
            if invitation is not None:
                return web.json_response(invitation, headers=headers)
            return web.Response(status=302, headers={**headers, "Location": url})

        return short_link

    def _code(self, door: Door, front: Front) -> Handler:
        async def code(request: web.Request) -> web.StreamResponse:
            link_id = request.match_info["id"]
            if await door.behind(link_id) is None:
                raise web.HTTPNotFound
            return front.qr(self._short_address(request, link_id))

        return code

    def _short_address(self, request: web.Request, link_id: str) -> str:
        return f"https://{self._host(request)}/i/{link_id}"

    def _host(self, request: web.Request) -> str:
        """Return which of our hosts is asked; a name that is none of them counts as the process's."""
        named = (request.host.rpartition(":")[0] or request.host).lower().removesuffix(".")
        return named if named in self._own_hosts else self._config.host

    async def _closed(self, door: Door, request: web.Request) -> ClosedHost | None:
        """Return which centre was at the host that is asked, if it has closed and we serve its files."""
        host = self._host(request)
        if host not in self._own_hosts or door.at(host, "") is not None:
            return None
        try:
            return await read_closed(self._files.publisher(host))
        except WanderbuchError as err:
            _LOG.warning("public.closed", exc_info=err)
            return None

    async def _file(self, request: web.Request) -> web.StreamResponse:
        host = self._host(request)
        segments = request.path.removeprefix("/").split("/")
        if request.method not in {"GET", "HEAD"} or not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise web.HTTPNotFound
        is_own = host in self._own_hosts
        if segments[0] == HOSTS_FOLDER and not is_own:  # others' files, each on its host
            raise web.HTTPNotFound
        fixed = len(segments) > 1 and segments[-2] in _FOR_EVER
        headers = {
            **_HEADERS,
            "Content-Type": content_type_of("/".join(segments)),
            "Cache-Control": "public, max-age=31536000, immutable" if fixed else "no-cache",
        }
        return await self._files.answer(request, host if is_own else None, tuple(segments), headers)


def _not_open() -> web.Response:
    """Return the answer for a tenant that is not open (yet); the log says why."""
    return web.Response(status=503, headers={**_HEADERS, "Retry-After": "5", "Cache-Control": "no-store"})


async def _say_asked(door: Door, link_id: str, invitation_id: str, language: str) -> Asked | None:
    """Return what an invitation asks; None also where tenant or store do not answer: the page goes without it."""
    try:
        return await door.asked(link_id, invitation_id, language)
    except WanderbuchError:
        return None
    except Exception as err:
        if is_store_failure(err):
            return None
        raise


def without_details(front: Front | None, closed: LookClosed | None = None) -> Middleware:
    """Return the middleware that answers a failure without telling a stranger anything about it.

    Args:
        front: makes pages for people; None: they get what programs get.
        closed: tells whether a centre was here that has closed.
    """

    @web.middleware
    async def no_details(request: web.Request, handler: Handler) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await handler(request)
        except web.HTTPException as err:
            if front is None or err.status < 400 or not wants_page(request):
                raise
            response = web.Response(status=err.status, headers=err.headers)
        except Exception as err:  # noqa: BLE001 (the boundary of the process)
            _LOG.error("public.failed", exc_info=err)
            response = web.Response(status=500)
        if front is None or not is_bare(response) or not wants_page(request):
            return response
        if response.status in _NOT_HERE and closed is not None and (gone := await closed(request)) is not None:
            return front.closed(request, gone)
        return as_page(front, request, Failure(response.status), response)

    return no_details
