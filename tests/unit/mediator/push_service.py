"""A push service of the tests (RFC 8030): checks who pushes (RFC 8292), and opens pushes as wallets do (RFC 8291)."""

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.mediator.phones import WAIT_S

from wanderbuch.agents.machine import LocalMachine

HOST = "push.example.test"
CURVE = ec.SECP256R1()


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def decrypt_push(body: bytes, key: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Open a push of one record, step by step as RFC 8291, section 3.4, and RFC 8188, section 2, have it."""
    salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    assert len(record) <= size
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
    info = b"WebPush: info\0" + point_of(key) + sender
    secret = HKDF(hashes.SHA256(), 32, auth, info).derive(shared)
    content_key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
    padded = AESGCM(content_key).decrypt(nonce, record, None).rstrip(b"\0")
    assert padded.endswith(b"\x02")
    return padded[:-1]


def check_vapid(header: str, server_key: str) -> dict[str, str]:
    """Check who pushes; give the claims."""
    scheme, _, params = header.partition(" ")
    named = dict(item.strip().split("=", 1) for item in params.split(","))
    assert (scheme, named["k"]) == ("vapid", server_key)
    head, claims, signature = named["t"].split(".")
    assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, unb64(server_key))
    octets = unb64(signature)
    der = utils.encode_dss_signature(int.from_bytes(octets[:32]), int.from_bytes(octets[32:]))
    public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    told: dict[str, str] = json.loads(unb64(claims))
    assert time.time() < float(told["exp"]) <= time.time() + 24 * 3600
    return told


@dataclass
class Subscribed:
    """A subscription as a browser makes it."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = field(default_factory=lambda: b"sixteen octets !")

    @property
    def members(self) -> dict[str, str]:
        return {"endpoint": self.endpoint, "p256dh": b64(point_of(self.key)), "auth": b64(self.auth)}


@dataclass
class PushService:
    """What came, and what is answered next; 201 after that."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    came: asyncio.Queue[tuple[str, dict[str, str], bytes]] = field(default_factory=asyncio.Queue)

    def subscribe(self, name: str) -> Subscribed:
        return Subscribed(f"https://{HOST}/{name}")

    async def next(self) -> tuple[str, dict[str, str], bytes]:
        async with asyncio.timeout(WAIT_S):
            return await self.came.get()

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        await self.came.put((request.path, headers, await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 201)


@asynccontextmanager
async def push_service(machine: LocalMachine) -> AsyncIterator[PushService]:
    """Serve it at `HOST`, for agents of this machine that start from now on."""
    service = PushService()
    certificate, key = machine.folder / "push.crt", machine.folder / "push.key"
    machine.authority.write_server(HOST, certificate, key)
    runner = web.AppRunner(_app(service), shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls(certificate, key))
    await site.start()
    service.port = runner.addresses[0][1]
    machine.reach(HOST, f"127.0.0.1:{service.port}")
    try:
        yield service
    finally:
        await runner.cleanup()


def _app(service: PushService) -> web.Application:
    app = web.Application()
    app.router.add_post("/{name}", service.take)
    return app


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
