"""A server of somebody's own, which an agent tells what happens: it checks signatures, and fails twice at first."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from wanderbuch.agents.machine import LocalMachine

HOST = "hooks.wanderbuch.test"


@dataclass
class Receiver:
    """Takes what comes and was signed with its secret, but for the first times, when it fails."""

    secret: str = ""
    fails: int = 2
    statuses: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    has: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        status = 200 if self._is_signed(request, body) else 401
        if status == 200 and self.fails:
            self.fails -= 1
            status = 503
        self.statuses.append(status)
        self.ids.append(request.headers["webhook-id"])
        if status == 200:
            async with self.has:
                self.taken.append(json.loads(body))
                self.has.notify_all()
        return web.Response(status=status)

    async def wait(self, count: int) -> list[tuple[str, str]]:
        async with asyncio.timeout(60), self.has:
            await self.has.wait_for(lambda: len(self.taken) >= count)
        return [(event["type"], event["data"]["subject"]) for event in self.taken]

    def _is_signed(self, request: web.Request, body: str) -> bool:
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.{body}"
        digest = hmac.digest(base64.b64decode(self.secret.removeprefix("whsec_")), signed.encode(), hashlib.sha256)
        return f"v1,{base64.b64encode(digest).decode()}" in request.headers["webhook-signature"].split(" ")


@asynccontextmanager
async def receiving(machine: LocalMachine, *, port: int = 0) -> AsyncIterator[Receiver]:
    """Be somebody's own server.

    Args:
        machine: whose agents find it, those that start from then on.
        port: where to listen; by default anywhere.
    """
    made = Receiver()
    app = web.Application()
    app.router.add_post("/wanderbuch", made.take)
    certificate, key = machine.folder / "hooks.crt", machine.folder / "hooks.key"
    machine.authority.write_server(HOST, certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    machine.reach(HOST, f"127.0.0.1:{runner.addresses[0][1]}")
    yield made
    await runner.cleanup()
