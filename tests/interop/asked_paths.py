"""Which files a phone asks for, by path, and how many bytes each brings: so that what is dear is measured, not guessed.

A phone's line (`phone_line`) sees TLS and knows hosts alone. What goes by the mediator's relay is counted between the
mediator and the hosts, where TLS is ended for it; what the page asks itself is counted by the browser. Bodies are
counted, as they are there: without headers, envelopes and base64.
"""

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web
from playwright.async_api import Error, Request

from wanderbuch.agents.machine import AgentHandle, LocalMachine

_MOST_BYTES: Final = 8 << 20
_PASSED: Final = ("Accept", "Content-Type", "If-None-Match", "Range")
_SHOWN: Final = ("Content-Type", "Content-Range", "ETag", "Location")


@dataclass
class AskedPaths:
    """What was asked so far.

    Args:
        bytes: of the bodies of each request and its answer, by method and address, in the order that they came.
    """

    bytes: list[tuple[str, int]] = field(default_factory=list)
    _requests: list[Request] = field(default_factory=list)
    _taken: int = 0

    def browser_asked(self, request: Request) -> None:
        """Note what the browser asked; its size is asked for later."""
        self._requests.append(request)

    async def since(self) -> Mapping[str, str]:
        """Return what was asked since this was called before, by method and address: how often, how many bytes."""
        for request in self._requests:
            try:
                sizes = await request.sizes()
            except Error:  # the page has gone
                continue
            size = sizes["requestBodySize"] + sizes["responseBodySize"]
            self.bytes.append((f"{request.method} {request.url.partition('#')[0]} (the page itself)", size))
        self._requests.clear()
        counted: dict[str, tuple[int, int]] = {}
        for name, size in self.bytes[self._taken :]:
            times, total = counted.get(name, (0, 0))
            counted[name] = times + 1, total + size
        self._taken = len(self.bytes)
        largest = sorted(counted.items(), key=lambda item: (-item[1][1], item[0]))
        return {name: f"{times} x, {total} bytes" for name, (times, total) in largest}

    @asynccontextmanager
    async def before(self, machine: LocalMachine, agents: Iterable[AgentHandle]) -> AsyncIterator[list[str]]:
        """Stand before the public sites of agents; give a connection map by which they are reached through this."""
        trust = ssl.create_default_context(cafile=str(machine.ca_file))
        runners: list[web.AppRunner] = []
        connections = []
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            try:
                for agent in agents:
                    runner = web.AppRunner(self._site(agent, session, trust), access_log=None, shutdown_timeout=1.0)
                    await runner.setup()
                    runners.append(runner)
                    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    own.load_cert_chain(agent.folder / "public.crt", agent.folder / "public.key")
                    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=own).start()
                    connections.append(f"{agent.host}:443=127.0.0.1:{runner.addresses[0][1]}")
                yield connections
            finally:
                for runner in runners:
                    await runner.cleanup()

    def _site(self, agent: AgentHandle, session: aiohttp.ClientSession, trust: ssl.SSLContext) -> web.Application:
        async def passed_on(request: web.Request) -> web.Response:
            body = await request.read()
            headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
            answer = await session.request(
                request.method,
                f"https://{agent.target}{request.path_qs}",
                data=body or None,
                headers={**headers, "Host": agent.host, "Accept-Encoding": "identity"},
                ssl=trust,
                server_hostname=agent.host,
                allow_redirects=False,
            )
            content = await answer.read()
            self.bytes.append((f"{request.method} https://{agent.host}{request.path_qs}", len(body) + len(content)))
            shown = {name: answer.headers[name] for name in _SHOWN if name in answer.headers}
            return web.Response(status=answer.status, body=content, headers=shown)

        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/{path:.*}", passed_on)
        return app
