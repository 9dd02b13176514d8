"""Certificates are read anew while the agent serves; what is not fit changes nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from tests.unit.runtime.authorities import HOST, NOW, Server, Signer, pem

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime import certificates
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.certificates import Certificates
from wanderbuch.agents.runtime.server_tls import ServerTls
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig


class Place:
    """A server with files that can be exchanged, and a client that trusts one authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Signer("Root")
        self.ca_file = folder / "ca.crt"
        self.ca_file.write_bytes(pem([self.root.certificate]))
        self.first = self.root.certify(HOST)
        self.first.write(folder)
        self.tls = ServerTls(folder / "server.crt", folder / "server.key", host=HOST)
        self.edge = HttpEdge(HttpEdgeConfig(ca_file=self.ca_file))
        self.certificates = Certificates(self.tls, self.edge, clock=lambda: NOW)
        self.port = 0

    def codes(self) -> list[str]:
        return [concern.code for concern in self.certificates.concerns()]

    async def connect(
        self, name: str | None = HOST, session: ssl.SSLSession | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.check_hostname = False
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=context, server_hostname=name or "")

    async def served(self, name: str | None = HOST) -> x509.Certificate:
        """Return the certificate that a new connection is served with."""
        _, writer = await self.connect(name)
        received = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return x509.load_der_x509_certificate(received)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=made.tls.context)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await made.edge.close()


@pytest.mark.parametrize("name", [HOST, "other.test", None])
async def test_a_new_pair_serves_new_connections_and_open_ones_go_on(place: Place, name: str | None) -> None:
    reader, writer = await place.connect(name)
    second = place.root.certify(HOST)
    second.write(place.folder)
    assert await place.served(name) == place.first.certificate
    await place.certificates.reload()
    assert await place.served(name) == second.certificate
    writer.write(b"still there\n")
    assert await reader.readline() == b"still there\n"
    writer.close()
    assert place.codes() == []


def spoil(place: Place, how: str) -> None:
    certificate, key = place.folder / "server.crt", place.folder / "server.key"
    if how == "key of another":
        other = Server(ec.generate_private_key(ec.SECP256R1()), place.first.certificate)
        other.write(place.folder)
    elif how == "certificate only half written":
        certificate.write_bytes(certificate.read_bytes()[:200])
    elif how == "key is gone":
        key.unlink()
    elif how == "certificate is gone":
        certificate.unlink()
    elif how == "not PEM":
        certificate.write_text("certificate")
    elif how == "empty":
        certificate.write_text("")
        key.write_text("")
    elif how == "the authority's own first":
        server = place.root.certify(HOST)
        server.write(place.folder)
        certificate.write_bytes(pem([place.root.certificate, server.certificate]))
    elif how == "for another host":
        place.root.certify("other.test").write(place.folder)
    elif how == "ended":
        place.root.certify(HOST, begins=-timedelta(days=9), ends=-timedelta(days=1)).write(place.folder)
    elif how == "not begun":
        place.root.certify(HOST, begins=timedelta(days=1)).write(place.folder)


@pytest.mark.parametrize(
    "how",
    [
        "key of another",
        "certificate only half written",
        "key is gone",
        "certificate is gone",
        "not PEM",
        "empty",
        "the authority's own first",
        "for another host",
        "ended",
        "not begun",
    ],
)
async def test_an_unfit_pair_leaves_the_old_one_serving_and_is_told_until_it_is_mended(
    place: Place, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    spoil(place, how)
    await place.certificates.reload()
    assert await place.served() == place.first.certificate
    assert place.codes() == ["tls.reload"]
    assert "tls.kept" in [record.message for record in caplog.records]
    assert str(place.folder) not in place.certificates.concerns()[0].text  # /ready is open to everybody
    second = place.root.certify(HOST)
    second.write(place.folder)
    await place.certificates.reload()
    assert await place.served() == second.certificate
    assert place.codes() == []


async def test_where_the_old_one_is_no_better_the_new_one_serves(place: Place) -> None:
    place.root.certify("other.test").write(place.folder)
    tls = ServerTls(place.folder / "server.crt", place.folder / "server.key", host=HOST)
    place.root.certify("another.test").write(place.folder)
    tls.reload(at=NOW)
    assert [concern.code for concern in tls.concerns(at=NOW)] == ["tls.host"]
    assert "another.test" in tls.concerns(at=NOW)[0].text


async def test_a_chain_that_lacks_the_one_between_is_told_and_a_whole_one_is_not(place: Place) -> None:
    between = Signer("Between", place.root)
    server = between.certify(HOST)
    server.write(place.folder)
    await place.certificates.reload()
    assert place.codes() == ["tls.chain"]
    assert "fullchain.pem" in place.certificates.concerns()[0].text
    server.write(place.folder, between)
    await place.certificates.reload()
    assert place.codes() == []


async def test_one_that_nobody_signed_is_told(place: Place) -> None:
    alone = Signer("server")
    alone.certify(HOST, key=alone.key, common_name="server").write(place.folder)
    await place.certificates.reload()
    assert place.codes() == ["tls.chain"]


async def test_one_with_which_no_handshake_succeeds_is_told(place: Place) -> None:
    place.root.certify(HOST, key=ec.generate_private_key(ec.SECP256K1())).write(place.folder)
    await place.certificates.reload()
    assert place.codes() == ["tls.chain"]
    assert "No handshake" in place.certificates.concerns()[0].text


async def test_a_fault_of_ours_does_not_make_the_agent_deaf_to_the_next_signal(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, done = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(place.certificates.reload_on(told))

    async def fails() -> None:
        done.set()
        raise RuntimeError

    monkeypatch.setattr(place.certificates, "reload", fails)
    for _ in range(2):
        told.set()
        await asyncio.wait_for(done.wait(), 30)
        done.clear()
    task.cancel()


async def test_new_authorities_are_trusted_after_a_reload_and_unreadable_ones_change_nothing(place: Place) -> None:
    new = Signer("New root")
    place.ca_file.write_bytes(pem([new.certificate]))
    new.certify(HOST).write(place.folder)
    await place.certificates.reload()
    assert place.codes() == []
    place.ca_file.write_text("no certificate")
    await place.certificates.reload()
    assert place.codes() == ["tls.trust"]
    await place.certificates.look()
    assert place.codes() == ["tls.trust"]
    place.ca_file.write_bytes(pem([new.certificate]))
    await place.certificates.reload()
    assert place.codes() == []


async def test_what_is_wrong_is_logged_when_it_is_looked_at(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    await place.certificates.look()
    assert caplog.records == []
    place.root.certify(HOST, ends=timedelta(days=5)).write(place.folder)
    await place.certificates.reload()
    told = [record for record in caplog.records if record.message == "tls.concern"]
    assert [record.wanderbuch_fields["code"] for record in told] == ["tls.ends_soon"]  # type: ignore[attr-defined]


def test_a_pair_that_cannot_be_used_at_the_start_is_one_clear_line(tmp_path: Path) -> None:
    Server(ec.generate_private_key(ec.SECP256R1()), Signer("Root").certify(HOST).certificate).write(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        ServerTls(tmp_path / "server.crt", tmp_path / "server.key", host=HOST)


async def test_they_are_looked_at_again_and_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_EVERY", timedelta(seconds=0.01))
    looks, real = asyncio.Semaphore(0), place.tls.look

    def look(trust: Callable[[], ssl.SSLContext]) -> None:
        real(trust)
        looks.release()

    monkeypatch.setattr(place.tls, "look", look)
    task = asyncio.create_task(place.certificates.run())
    async with asyncio.timeout(30):
        for _ in range(3):
            await looks.acquire()
    task.cancel()


async def test_readiness_tells_of_concerns_and_is_none_the_worse(
    tiny_handle: AgentHandle, tiny_agent: RunningAgent
) -> None:
    async def ready() -> tuple[int, dict[str, Any]]:
        async with aiohttp.ClientSession() as session, session.get(f"{tiny_handle.app_url}/ready") as response:
            return response.status, await response.json()

    status, answer = await ready()
    assert (status, answer["ready"], answer["warnings"]) == (200, True, [])
    (tiny_handle.folder / "public.key").write_text("no key")
    await tiny_agent.certificates.reload()
    status, answer = await ready()
    assert (status, answer["ready"]) == (200, True)
    assert [warning["code"] for warning in answer["warnings"]] == ["tls.reload"]
