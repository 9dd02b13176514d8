"""A relay before an agent's public site that sees what was acknowledged, as nobody else can.

It ends TLS in the agent's name, passes everything on unchanged and keeps each DIDComm envelope together with the
answer that the sender got. Afterwards `messages` opens the envelopes with the agent's own keys, and `answers` those
that went back on the same connection with the keys of whom they are for.
"""

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
from acapy_agent.askar.didcomm.v1 import unpack_message
from aiohttp import web
from aries_askar import Store

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.ports import free_port

_PASSED_ON = ("Accept", "Content-Type", "ETag", "If-None-Match", "Location", "Cache-Control")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One envelope as it came, whether the sender got HTTP 200 for it, and the envelope in the answer, if any."""

    envelope: bytes
    acknowledged: bool
    answer: bytes


class Relay:
    """Stands before one agent; agents that start after `start` reach that agent through it."""

    def __init__(self, machine: LocalMachine, agent: AgentHandle) -> None:
        self._machine, self._agent = machine, agent
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.deliveries: list[Delivery] = []

    async def start(self) -> None:
        """Listen, and put the relay into the connection map of whoever starts from now on."""
        certificate, key = self._agent.folder / "relay.crt", self._agent.folder / "relay.key"
        self._machine.authority.write_server(self._agent.host, certificate, key)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False, force_close=True), timeout=aiohttp.ClientTimeout(total=60)
        )
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        port = free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls).start()
        self._machine.reach(self._agent.host, f"127.0.0.1:{port}")

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
        if self._session:
            await self._session.close()

    async def messages(self, *, acknowledged: bool = True) -> list[dict[str, Any]]:
        """Return the messages in the envelopes, opened with the agent's keys; the agent must be stopped."""
        return await _opened(
            self._agent,
            [delivery.envelope for delivery in self.deliveries if delivery.acknowledged or not acknowledged],
        )

    async def answers(self, to: AgentHandle) -> list[dict[str, Any]]:
        """Return the messages that an agent got in answer to its own; that agent must be stopped."""
        return await _opened(
            to, [delivery.answer for delivery in self.deliveries if delivery.acknowledged and delivery.answer]
        )

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._session is not None
        body = await request.read()
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        url = f"https://{self._agent.target}{request.path_qs}"
        status, answer, answer_headers = 502, b"", {}
        try:
            async with self._session.request(
                request.method, url, data=body or None, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.read()
                status = response.status
                answer_headers = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
        except (aiohttp.ClientError, ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            status, answer = 502, b""
        if request.method == "POST" and request.path == "/didcomm":
            self.deliveries.append(Delivery(body, acknowledged=status == 200, answer=answer))
        return web.Response(status=status, body=answer, headers=answer_headers)


async def _opened(agent: AgentHandle, envelopes: list[bytes]) -> list[dict[str, Any]]:
    key = (agent.folder / "wallet.key").read_text()
    store = await Store.open(f"sqlite://{agent.data / 'wallet' / 'wallet.db'}", "raw", key)
    try:
        async with store.session() as session:
            return [json.loads((await unpack_message(session, envelope))[0]) for envelope in envelopes]
    finally:
        await store.close()


def thread(message: dict[str, Any]) -> str:
    """Return the thread of a message."""
    return str(message.get("~thread", {}).get("thid") or message["@id"])
