import hashlib
from pathlib import Path
from typing import Any

import base58
import pytest
import requests
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocation, AnonCredsRevocationError
from acapy_agent.core.profile import Profile
from aiohttp import web
from tests.unit.http.tls_host import Handler, TlsHost
from tests.unit.webvh.conftest import SIZE, Issuer

from wanderbuch.plugins.http.errors import AddressRefusedError, NotFoundError, RedirectRefusedError, TooLargeError
from wanderbuch.plugins.webvh.errors import TailsError
from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.plugins.webvh.registry import TailsPolicy, WebvhRegistry
from wanderbuch.plugins.webvh.revocation import WebvhRevocation
from wanderbuch.plugins.webvh.tails import checked_tails_hash, ensure_tails, publish_tails, tails_file


@pytest.fixture
def holder(other_wallet: Profile, other_registry: WebvhRegistry) -> Profile:
    return other_wallet


@pytest.fixture
def received(issuer: Issuer) -> RevRegDef:
    """The definition as a holder has it, whose home has no tails file yet."""
    tails_file(issuer.definition.value.tails_hash).unlink()
    return RevRegDef.deserialize(issuer.definition.serialize())


@pytest.fixture
def no_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any use of the blocking client is a failure."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("ACA-Py's blocking download was used")

    monkeypatch.setattr(requests.Session, "send", refuse)


def sends_to(location: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": location})

    return answer


def files_below(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    "text",
    [
        "../../../x",
        "/etc/passwd",
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "7Qen9RDyemMuV7xGQvp7NjwMSpyHieJyBakycxN7dX7P/",
        "7Qen9RDyemMuV7xGQvp7NjwMSpyHieJyBakycxN7dX7P\n",
        "0OIl" * 11,
        "1" * 31,
        "z" * 44,
        "\u0661" * 40,
        base58.b58encode(b"x" * 31).decode(),
        base58.b58encode(b"x" * 33).decode(),
        None,
        7,
    ],
)
def test_refuses_a_tails_hash_that_is_not_base58_of_32_bytes(text: object) -> None:
    with pytest.raises(TailsError):
        checked_tails_hash(text)


def test_accepts_a_tails_hash() -> None:
    for digest in (b"\x00" * 32, b"\xff" * 32):
        assert checked_tails_hash(base58.b58encode(digest).decode())


async def test_the_resolver_puts_the_file_where_aca_py_looks(
    received: RevRegDef, issuer: Issuer, holder: Profile, other_registry: WebvhRegistry, no_requests: None
) -> None:
    revocation_registry_definition = await other_registry.get_revocation_registry_definition(holder, issuer.registry_id)
    path = await AnonCredsRevocation(holder).get_or_fetch_local_tails_path(
        revocation_registry_definition.revocation_registry
    )
    assert Path(path) == tails_file(received.value.tails_hash)
    digest = hashlib.sha256(tails_file(received.value.tails_hash).read_bytes()).digest()
    assert base58.b58encode(digest).decode() == received.value.tails_hash


async def test_a_verifier_needs_no_tails(
    received: RevRegDef, issuer: Issuer, holder: Profile, other_registry: WebvhRegistry
) -> None:
    other_registry._tails = TailsPolicy.HELD
    await other_registry.get_revocation_registry_definition(holder, issuer.registry_id)
    assert not tails_file(received.value.tails_hash).exists()


async def test_a_file_in_place_is_not_fetched_again(received: RevRegDef, holder: Profile, host: TlsHost) -> None:
    await ensure_tails(holder, received)
    host.requests.clear()
    await ensure_tails(holder, received)
    assert host.requests == []


async def test_a_damaged_file_is_fetched_again(received: RevRegDef, holder: Profile) -> None:
    path = await ensure_tails(holder, received)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert (await ensure_tails(holder, received)).read_bytes() == whole


async def test_refuses_a_file_that_is_not_the_one_named(
    received: RevRegDef, issuer: Issuer, holder: Profile, home: Path
) -> None:
    published = issuer.publisher.folder / "org" / "tails" / received.value.tails_hash
    published.write_bytes(b"x" * published.stat().st_size)
    with pytest.raises(TailsError, match="not the tails file"):
        await ensure_tails(holder, received)
    assert files_below(home) == []


async def test_refuses_a_file_larger_than_the_registry_needs(
    received: RevRegDef, issuer: Issuer, holder: Profile
) -> None:
    published = issuer.publisher.folder / "org" / "tails" / received.value.tails_hash
    assert published.stat().st_size == 2 + 128 * (2 * SIZE + 1)
    published.write_bytes(published.read_bytes() + b"x")
    with pytest.raises(TooLargeError):
        await ensure_tails(holder, received)


async def test_follows_to_where_a_tails_file_has_moved(received: RevRegDef, holder: Profile, host: TlsHost) -> None:
    path = received.value.tails_location.removeprefix(host.url(""))
    (host.folder / "moved").write_bytes((host.folder / path).read_bytes())
    host.handlers[path] = sends_to(host.url("moved"))
    assert (await ensure_tails(holder, received)).exists()


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://127.0.0.1/x", AddressRefusedError),
        ("http://centre.example.test/moved", AddressRefusedError),
        ("https://[", RedirectRefusedError),
        ("", RedirectRefusedError),
        ("/other", TailsError),
        ("/too-large", TooLargeError),
        ("/again", RedirectRefusedError),
    ],
)
async def test_follows_by_the_same_rules(
    received: RevRegDef, holder: Profile, host: TlsHost, location: str, expected: type[Exception], home: Path
) -> None:
    path = received.value.tails_location.removeprefix(host.url(""))
    (host.folder / "moved").write_bytes((host.folder / path).read_bytes())
    (host.folder / "other").write_bytes(b"x")
    (host.folder / "too-large").write_bytes(b"x" * 1_000_000)
    host.handlers["again"] = sends_to(host.url("moved"))
    host.handlers[path] = sends_to(location)
    with pytest.raises(expected):
        await ensure_tails(holder, received)
    assert not tails_file(received.value.tails_hash).exists()


async def test_a_hostile_hash_touches_no_file(received: RevRegDef, holder: Profile, home: Path) -> None:
    victim = home / "precious"
    victim.write_text("precious")
    received.value.tails_hash = "../../precious"
    with pytest.raises(TailsError):
        await ensure_tails(holder, received)
    with pytest.raises(AnonCredsRevocationError):
        await WebvhRevocation(holder).get_or_fetch_local_tails_path(received)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("location", ["http://centre.example.test/x", "file:///etc/passwd", "https://127.0.0.1/x", 7])
async def test_fetches_from_public_https_hosts_only(received: RevRegDef, holder: Profile, location: str) -> None:
    received.value.tails_location = location
    with pytest.raises((AddressRefusedError, TailsError)):
        await ensure_tails(holder, received)


@pytest.mark.parametrize("size", [0, -1, 100_001, 2**40, "10", True])
async def test_refuses_a_registry_of_a_senseless_size(received: RevRegDef, holder: Profile, size: int) -> None:
    received.value.max_cred_num = size
    with pytest.raises(TailsError, match="places"):
        await ensure_tails(holder, received)


async def test_says_that_there_is_no_such_file(received: RevRegDef, issuer: Issuer, holder: Profile) -> None:
    (issuer.publisher.folder / "org" / "tails" / received.value.tails_hash).unlink()
    with pytest.raises(NotFoundError):
        await ensure_tails(holder, received)


async def test_the_issuer_does_not_publish_a_damaged_file(issuer: Issuer, tmp_path: Path) -> None:
    tails_hash = issuer.definition.value.tails_hash
    tails_file(tails_hash).write_bytes(b"x")
    with pytest.raises(TailsError, match="damaged"):
        await publish_tails(issuer.did, tails_hash, FolderPublisher(tmp_path / "elsewhere"))
    tails_file(tails_hash).unlink()
    with pytest.raises(TailsError, match="not where"):
        await publish_tails(issuer.did, tails_hash, FolderPublisher(tmp_path / "elsewhere"))


async def test_aca_py_revocation_uses_the_public_folder(issuer: Issuer, no_requests: None) -> None:
    revocation = WebvhRevocation(issuer.profile)
    assert revocation.generate_public_tails_uri(issuer.definition) == issuer.definition.value.tails_location
    file = issuer.publisher.folder / "org" / "tails" / issuer.definition.value.tails_hash
    file.unlink()
    await revocation.upload_tails_file(issuer.definition)
    assert file.is_file()
    local = tails_file(issuer.definition.value.tails_hash)
    local.unlink()
    assert await revocation.get_or_fetch_local_tails_path(issuer.definition) == str(local)


async def test_an_upload_that_fails_says_so(issuer: Issuer) -> None:
    file = issuer.publisher.folder / "org" / "tails" / issuer.definition.value.tails_hash
    file.unlink()
    tails_file(issuer.definition.value.tails_hash).unlink()
    with pytest.raises(AnonCredsRevocationError, match="not where"):
        await WebvhRevocation(issuer.profile).upload_tails_file(issuer.definition)
