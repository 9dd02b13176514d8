"""A relay before a mediator's public site that cuts the mediator's power at one message, chosen by its number.

It ends TLS in the mediator's name, passes posts and web sockets on, and counts what wallets say: each post, each frame.
"""

import asyncio
import contextlib
import ssl

import aiohttp
from aiohttp import WSMsgType, web

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.hanging_up import HangUp

_MAX_BYTES = 16 * 1024 * 1024


class CuttingRelay:
    """Stands before one agent; who starts after `open` reaches that agent through it."""

    def __init__(self, machine: LocalMachine, agent: AgentHandle) -> None:
        self._machine, self._agent = machine, agent
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._cut_at: int | None = None
        self._after = False
        self._cutting: asyncio.Task[None] | None = None
        self.count = 0
        """How many messages wallets have sent since the power was last to be cut."""

    @property
    def has_cut(self) -> bool:
        """Whether the power was cut."""
        return self._cut_at is None

    def cut_at(self, number: int, *, after: bool) -> None:
        """Cut the power at this message from now on: before the agent has it, or after, before its answer is there."""
        self.count, self._cut_at, self._after = 0, number, after

    def leave(self) -> None:
        """Cut no power any more."""
        self._cut_at = None

    async def open(self) -> None:
        """Listen, and be reached in the agent's place."""
        certificate, key = self._agent.folder / "relay.crt", self._agent.folder / "relay.key"
        self._machine.authority.write_server(self._agent.host, certificate, key)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
        connector = aiohttp.TCPConnector(ssl=False, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60))
        app = web.Application(client_max_size=_MAX_BYTES)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        port = free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls).start()
        self._machine.reach(self._agent.host, f"127.0.0.1:{port}")

    async def close(self) -> None:
        """Listen no more; the agent runs."""
        if self._cutting is not None:
            await self._cutting
        if self._session:
            await self._session.close()
        if self._runner:
            await self._runner.cleanup()

    def _is_cut(self) -> bool:
        self.count += 1
        return self.count == self._cut_at

    async def _cut(self) -> None:
        self._cut_at = None
        self._cutting = asyncio.create_task(self._restart())
        await asyncio.shield(self._cutting)  # the relay's own connections break meanwhile

    async def _restart(self) -> None:
        await self._agent.kill()
        await self._agent.start()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_socket(request)
        assert self._session is not None
        body = await request.read()
        is_cut = request.method == "POST" and self._is_cut()
        if is_cut and not self._after:
            await self._cut()
            return HangUp()
        url = f"https://{self._agent.target}{request.path_qs}"
        headers = {name: request.headers[name] for name in ("Accept", "Content-Type") if name in request.headers}
        try:
            async with self._session.request(request.method, url, data=body or None, headers=headers) as response:
                answer, status, kind = await response.read(), response.status, response.headers.get("Content-Type", "")
        except (aiohttp.ClientError, OSError, TimeoutError):
            return HangUp()
        if is_cut:
            await self._cut()
            return HangUp()
        return web.Response(status=status, body=answer, headers={"Content-Type": kind} if kind else {})

    async def _pass_socket(self, request: web.Request) -> web.StreamResponse:
        assert self._session is not None
        wallet = web.WebSocketResponse(max_msg_size=_MAX_BYTES)
        url = f"wss://{self._agent.target}{request.path_qs}"
        try:
            mediator = await self._session.ws_connect(url, max_msg_size=_MAX_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return HangUp()
        await wallet.prepare(request)
        waits_for_answer = asyncio.Event()

        async def up() -> None:
            async for frame in wallet:
                if self._is_cut():
                    if not self._after:
                        await self._cut()
                        return
                    waits_for_answer.set()
                await mediator.send_bytes(_bytes(frame))

        async def down() -> None:
            async for frame in mediator:
                if waits_for_answer.is_set():
                    await self._cut()
                    return
                await wallet.send_bytes(_bytes(frame))

        pumps = [asyncio.create_task(up()), asyncio.create_task(down())]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        with contextlib.suppress(Exception):  # whatever either end does
            await asyncio.gather(wallet.close(), mediator.close())
        return wallet


def _bytes(frame: aiohttp.WSMessage) -> bytes:
    return frame.data.encode() if frame.type is WSMsgType.TEXT else bytes(frame.data)
