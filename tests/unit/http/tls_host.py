"""A private certificate authority and a real https server on loopback that serves what a test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from aiohttp import web

from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.webvh.publisher import content_type_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PrivateAuthority:
    """Signs certificates for host names."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca_file = folder / "ca.crt"
        self._authority.cert_pem.write_to_path(self.ca_file)

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*hosts).configure_cert(context)
        return context


@dataclass
class TlsHost:
    """A running server: a folder of files, and handlers that come before it."""

    host: str
    port: int
    ca_file: Path
    folder: Path
    handlers: dict[str, Handler] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"https://{self.host}/{path}"

    def edge(self, *, also: tuple[str, ...] = ()) -> HttpEdge:
        lines = [f"{host}:443=127.0.0.1:{self.port}" for host in (self.host, *also)]
        return HttpEdge(HttpEdgeConfig(connect=ConnectionMap.parse(lines), ca_file=self.ca_file))


@asynccontextmanager
async def tls_host(authority: PrivateAuthority, host: str, folder: Path) -> AsyncIterator[TlsHost]:
    """Serve `folder` as `https://<host>/` on a free port of loopback."""
    running = TlsHost(host, 0, authority.ca_file, folder)

    async def serve(request: web.Request) -> web.StreamResponse:
        running.requests.append(request)
        path = request.path.lstrip("/")
        if path in running.handlers:
            return await running.handlers[path](request)
        file = folder / path
        if not await asyncio.to_thread(file.is_file):
            return web.Response(status=404)
        body = await asyncio.to_thread(file.read_bytes)
        return web.Response(body=body, headers={"Content-Type": content_type_of(path)})

    runner = web.ServerRunner(web.Server(serve), shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context(host))
    await site.start()
    running.port = runner.addresses[0][1]
    try:
        yield running
    finally:
        await runner.cleanup()
