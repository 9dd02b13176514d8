"""A peer that speaks DIDComm v2 with a library that nobody here wrote: the program of `didcomm_v2/`, driven by lines.

async with didcomm_peer() as peer:
    alice = await peer.new("X25519")
    packed = await peer.pack(alice, message, to=did)
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.interop.didcomm_install import install

from wanderbuch.agents.machine import LocalMachine

TYPE = "application/didcomm-encrypted+json"
_ANSWER_S = 60.0

type Json = dict[str, Any]


class PeerError(Exception):
    """The library refused."""


@dataclass(frozen=True)
class Opened:
    """A message that the peer opened.

    Args:
        message: the plaintext.
        sender: the key id that is proven to have sent it.
        is_authenticated: whether one is.
        is_hidden: whether an anonymous envelope was around it, or it was anonymous.
    """

    message: Json
    sender: str | None
    is_authenticated: bool
    is_hidden: bool


class DidcommPeer:
    """The program that runs; make it with `didcomm_peer`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()

    async def new(
        self,
        curve: str,
        endpoint: str | None = None,
        routing_keys: tuple[str, ...] = (),
        *,
        signs: str | None = None,
    ) -> str:
        """Make a did:peer:2 with one key, and one to sign with on the curve `signs`, and return it."""
        made = await self._do("new", curve=curve, endpoint=endpoint, routing_keys=list(routing_keys), signs=signs)
        return str(made["did"])

    async def know(self, document: Json) -> None:
        """Tell it somebody's DID document, which it cannot resolve itself."""
        await self._do("know", document=document)

    async def pack(
        self,
        own: str | None,
        message: Json,
        *,
        to: str,
        hide: bool = False,
        forward: bool = False,
        signer: str | None = None,
    ) -> bytes:
        """Pack a message.

        Args:
            own: who sends it; None: anonymously.
            message: it.
            to: whom it is for.
            hide: with an anonymous envelope around.
            forward: wrapped for mediators.
            signer: who signs it before.
        """
        told = {"message": message, "to": to, "from": own, "hide": hide, "forward": forward, "signer": signer}
        return str((await self._do("pack", **told))["packed"]).encode()

    async def unpack(self, packed: bytes) -> Opened:
        """Open an envelope."""
        told = await self._do("unpack", packed=packed.decode())
        metadata = told["metadata"]
        return Opened(told["message"], metadata["from"], metadata["authenticated"], metadata["anonymous"])

    async def _do(self, what: str, **told: Any) -> Json:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn, asyncio.timeout(_ANSWER_S):
            self._process.stdin.write(json.dumps({"do": what, **told}).encode() + b"\n")
            answer: Json = json.loads(await self._process.stdout.readline())
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer


@asynccontextmanager
async def didcomm_peer() -> AsyncIterator[DidcommPeer]:
    """Run the peer, and end it."""
    python, program = await asyncio.to_thread(install)
    process = await asyncio.create_subprocess_exec(
        python,
        program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=4 * 1024 * 1024,
    )
    try:
        yield DidcommPeer(process)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def mailbox(
    machine: LocalMachine, host: str, port: int, take: Callable[[bytes], Awaitable[bytes | None]]
) -> AsyncIterator[None]:
    """Serve `https://<host>/didcomm`; what is posted there goes to `take`, whose answer goes back."""
    folder: Path = machine.folder
    certificate, key = folder / f"{host}.crt", folder / f"{host}.key"
    machine.authority.write_server(host, certificate, key)

    async def receive(request: web.Request) -> web.Response:
        answer = await take(await request.read())
        return web.Response(status=202) if answer is None else web.Response(body=answer, content_type=TYPE)

    app = web.Application()
    app.add_routes([web.post("/didcomm", receive)])
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield
    finally:
        await runner.cleanup()
