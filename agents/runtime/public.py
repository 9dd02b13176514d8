"""The public site, https://<host>: DIDComm, short links, the public folder, and what a role adds.

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
from typing import Any, Final

from aiohttp import web

from wanderbuch.agents.runtime.app import PublicRoute
from wanderbuch.agents.runtime.app_site import Enter
from wanderbuch.agents.runtime.bodies import expect_body, read_body
from wanderbuch.agents.runtime.config import PublicConfig
from wanderbuch.agents.runtime.connections import SocketLimits
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.listening import Site, limits_of
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.agents.runtime.server_tls import ServerTls
from wanderbuch.agents.runtime.short_links import ShortLinks, invitation_in
from wanderbuch.agents.runtime.sockets import bind
from wanderbuch.store.tables import DEFAULT_TENANT
from wanderbuch.plugins.webvh.publisher import content_type_of
from wanderbuch.store.records import NotFoundError

_LOG = logging.getLogger(__name__)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_FOR_EVER: Final = frozenset({"tails"})
_BODY_DEADLINE_S: Final = 30.0
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}

type Receiver = Callable[[bytes, str], Awaitable[web.Response]]
"""Takes what was posted, and from which network."""


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
        self.tls = ServerTls(config.tls_certificate, config.tls_key, host=config.host)
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
        short_links: ShortLinks,
        limits: SocketLimits | None = None,
    ) -> None:
        """Serve.

        Args:
            routes: further routes, each with what gives its handler the office to work on.
            short_links: are served below `/i/`.
            limits: of connections; by default those of the configuration.
        """
        app = web.Application(client_max_size=self._config.max_message_bytes, middlewares=[_no_details])
        app.router.add_post("/didcomm", self._didcomm, expect_handler=expect_body)
        app.router.add_get("/i/{id}", _short_link(short_links))
        for route, enter in routes:
            app.router.add_route(route.method, route.path, _entered(route, enter))
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

    async def _file(self, request: web.Request) -> web.StreamResponse:
        segments = request.match_info["path"].split("/")
        if not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise web.HTTPNotFound
        path = await asyncio.to_thread(_inside, self._folder, segments)
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


def _entered(route: PublicRoute, enter: Enter) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            office = await enter(DEFAULT_TENANT)
        except NotReadyError:
            return web.Response(status=503, headers={**_HEADERS, "Retry-After": "5", "Cache-Control": "no-store"})
        except NotFoundError:
            raise web.HTTPNotFound from None
        return await route.handler(office, request)

    return handle


def _inside(folder: Path, segments: list[str]) -> Path | None:
    """Return the file below `folder`, or None if there is none or a link leads elsewhere."""
    path = folder.joinpath(*segments).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None


def _short_link(short_links: ShortLinks) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def short_link(request: web.Request) -> web.StreamResponse:
        url = await short_links.target(request.match_info["id"])
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
