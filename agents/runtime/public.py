"""The public site, https://<host>: DIDComm, short links, the public folder, and what roles add.

The default tenant's further routes are at `/`, another's below the path of its DID; on a host of its own a tenant is as
if it were alone, its files below `hosts/<host>` in the public folder. DIDComm and short links are one for all.

Files are served as they lie in the folder; hidden ones, links that lead out of it and listings are not. Tails files may
be cached for ever. Everything else must be asked for again, resources too: a registry definition is re-signed with each
new status list, and all of them when a key is rotated.
"""

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from aiohttp import web

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.app_site import Enter
from wanderbuch.agents.runtime.bodies import expect_body, read_body
from wanderbuch.agents.runtime.config import HOSTS_FOLDER, PublicConfig
from wanderbuch.agents.runtime.connections import SocketLimits
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.listening import Site, limits_of
from wanderbuch.agents.runtime.server_tls import ServerTls
from wanderbuch.agents.runtime.short_links import invitation_in
from wanderbuch.agents.runtime.sockets import bind
from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.webvh.publisher import content_type_of
from wanderbuch.store.records import NotFoundError

_LOG = logging.getLogger(__name__)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_FOR_EVER: Final = frozenset({"tails"})
_BODY_DEADLINE_S: Final = 30.0
# What stands before the further routes of a tenant on the process's host: as few segments as will do.
_PREFIX: Final = "/{place:[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*?}"
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}

type Receiver = Callable[[bytes, str], Awaitable[web.Response]]
"""Takes what was posted, and from which network."""


type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door(Protocol):
    """Tells whose a place is."""

    def at(self, host: str, prefix: str) -> str | None:
        """Return the id of the tenant whose public routes are on this host below `prefix`; None: nobody's."""

    async def behind(self, link_id: str) -> str | None:
        """Return the long address behind a short link of a tenant that is served; None if there is none."""


class PublicSite:
    """One agent's public site; its socket is bound on construction.

    Args:
        config: where to listen, and the certificate.
        folder: the files to serve.

    Raises:
        ConfigurationError: the port is in use, or the certificate can not be used.
    """

    def __init__(self, config: PublicConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder.resolve()
        self.hosts = [ServerTls(each.tls_certificate, each.tls_key, host=each.host) for each in config.hosts]
        """The sides of hosts that tenants have for themselves."""
        self.tls = ServerTls(config.tls_certificate, config.tls_key, host=config.host, others=self.hosts)
        self._own_hosts = frozenset(each.host for each in config.hosts)
        self._socket: socket.socket = bind(config.listen, "[public] listen")
        self._site: Site | None = None
        self._receiver: Receiver | None = None
        self._networks = Networks(config.trusted_proxies)

    def connect(self, receiver: Receiver | None) -> None:
        """Hand DIDComm messages to `receiver` from now on; None: to nobody."""
        self._receiver = receiver

    async def start(
        self,
        routes: Sequence[tuple[PublicRoute, Enter]],
        door: Door,
        limits: SocketLimits | None = None,
    ) -> None:
        """Serve.

        Args:
            routes: further routes, each with what gives its handler the office to work on.
            door: tells whose they are, and what is behind a short link.
            limits: of connections; by default those of the configuration.
        """
        app = web.Application(client_max_size=self._config.max_message_bytes, middlewares=[_no_details])
        app.router.add_post("/didcomm", self._didcomm, expect_handler=expect_body)
        app.router.add_get("/i/{id}", _short_link(door))
        for route, enter in routes:
            handler = self._entered(route, enter, door)
            app.router.add_route(route.method, route.path, handler)
            app.router.add_route(route.method, f"{_PREFIX}{route.path}", handler)
        app.router.add_get("/{path:.*}", self._file)
        sockets = self._config.sockets
        limits = limits or limits_of(
            sockets, connections=sockets.connections, network_share=0.5, largest_bytes=self._config.max_message_bytes
        )
        self._site = Site(
            "public", app, self._socket, limits, tls=self.tls.context, trusted=self._config.trusted_proxies
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
        self._socket.close()

    async def _didcomm(self, request: web.Request) -> web.Response:
        if self._receiver is None:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "5"})
        body = await read_body(request, deadline_s=_BODY_DEADLINE_S)
        network = self._networks.of(request.remote, request.headers.getall("X-Forwarded-For", ()))
        return await self._receiver(body, network)

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
            except WanderbuchError:  # it is not open (yet); the log says why
                return web.Response(status=503, headers={**_HEADERS, "Retry-After": "5", "Cache-Control": "no-store"})
            return await route.handler(office, request)

        return handle

    def _host(self, request: web.Request) -> str:
        """Return which of our hosts is asked; a name that is none of them counts as the process's."""
        named = (request.host.rpartition(":")[0] or request.host).lower().removesuffix(".")
        return named if named in self._own_hosts else self._config.host

    async def _file(self, request: web.Request) -> web.StreamResponse:
        host = self._host(request)
        segments = request.path.removeprefix("/").split("/")
        if request.method not in {"GET", "HEAD"} or not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise web.HTTPNotFound
        is_own = host in self._own_hosts
        if segments[0] == HOSTS_FOLDER and not is_own:  # others' files, each on its host
            raise web.HTTPNotFound
        folder = self._folder / HOSTS_FOLDER / host if is_own else self._folder
        path = await asyncio.to_thread(_inside, folder, segments)
        if path is None:
            raise web.HTTPNotFound
        fixed = len(segments) > 1 and segments[-2] in _FOR_EVER
        return web.FileResponse(
            path,
            headers={
                **_HEADERS,
                "Content-Type": content_type_of("/".join(segments)),
                "Cache-Control": "public, max-age=31536000, immutable" if fixed else "no-cache",
            },
        )


def _inside(folder: Path, segments: list[str]) -> Path | None:
    """Return the file below `folder`, or None if there is none or a link leads elsewhere."""
    path = folder.joinpath(*segments).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None


def _short_link(door: Door) -> Handler:
    async def short_link(request: web.Request) -> web.StreamResponse:
        url = await door.behind(request.match_info["id"])
        if url is None:
            raise web.HTTPNotFound
        headers = {**_HEADERS, "Cache-Control": "no-store", "Vary": "Accept"}
        invitation = invitation_in(url) if "json" in request.headers.get("Accept", "") else None
        if invitation is not None:
            return web.json_response(invitation, headers=headers)
        return web.Response(status=302, headers={**headers, "Location": url})

    return short_link


@web.middleware
async def _no_details(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer a failure without telling a stranger anything about it."""
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException:
        raise
    except Exception as err:  # noqa: BLE001 (the boundary of the process)
        _LOG.error("public.failed", exc_info=err)
        return web.Response(status=500)
    return response
