"""A private certificate authority and a real https server on loopback that serves what a test tells it to."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.webvh.publisher import content_type_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PrivateAuthority:
    """Signs certificates for host names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Private test authority")])
        self._certificate = self._signed(self._name, self._key, authority=True)
        self.ca_file = folder / "ca.crt"
        self.ca_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        certificate = self._signed(name, key, hosts=hosts)
        file = self.folder / f"{hosts[0]}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, hosts: tuple[str, ...] = (), authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=authority,
                    crl_sign=authority,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        )
        if hosts:
            names = [_subject(host) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _subject(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


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
