import asyncio
import json
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.wallet.base import BaseWallet
from did_webvh.core.resolver import DidResolver, LocalHistoryResolver
from did_webvh.verify import WebvhVerifier
from tests.unit.webvh.conftest import ENDPOINT, HOST

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.identifiers import Did, DidUrl, WebvhDid
from wanderbuch.plugins.webvh.dids import create_did, rotate_assertion_key, sign_as, update_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.entries import MAX_LOG_BYTES
from wanderbuch.plugins.webvh.keys import is_signed
from wanderbuch.plugins.webvh.log import verify_log
from wanderbuch.plugins.webvh.publisher import FolderPublisher

LOG = "org/did.jsonl"


async def again(wallet: Profile, publisher: FolderPublisher, endpoint: str | None = ENDPOINT) -> WebvhDid:
    return await create_did(
        wallet, host=HOST, path="org", didcomm_endpoint=endpoint, publisher=publisher, prerotation=True
    )


async def test_a_did_is_made_once(wallet: Profile, did: WebvhDid, publisher: FolderPublisher) -> None:
    log = await publisher.get(LOG)
    assert (did.host, did.path) == (HOST, ("org",))
    assert await again(wallet, publisher) == did
    assert await publisher.get(LOG) == log


async def test_two_starts_at_the_same_time_make_one_did(wallet: Profile, publisher: FolderPublisher) -> None:
    assert len(set(await asyncio.gather(*(again(wallet, publisher) for _ in range(4))))) == 1


async def test_puts_back_what_the_public_folder_has_lost(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    log = await publisher.get(LOG)
    (publisher.folder / LOG).unlink()
    await again(wallet, publisher)
    assert await publisher.get(LOG) == log


async def test_a_changed_endpoint_is_written_into_the_document(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    await again(wallet, publisher, f"{ENDPOINT}/new")
    document = await documents.resolve(did)
    assert document.content["service"][0]["serviceEndpoint"] == f"{ENDPOINT}/new"
    assert document.version_id.startswith("2-")


async def test_does_not_overwrite_the_did_of_another_wallet(
    other_wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    with pytest.raises(ConfigurationError, match="another DID") as error:
        await again(other_wallet, publisher)
    assert error.value.hint is not None


async def test_aca_py_finds_the_did_and_its_key(wallet: Profile, did: WebvhDid, documents: WebvhDocuments) -> None:
    async with wallet.session() as session:
        info = await session.inject(BaseWallet).get_local_did(did)
        assert await session.handle.fetch_key(info.verkey) is not None
    assert info.method.method_name == "webvh"
    (didcomm,) = (await documents.resolve(did)).content["authentication"]
    assert didcomm.endswith(_multikey(info.verkey))


def _multikey(verkey: str) -> str:
    import base58

    from wanderbuch.plugins.webvh.keys import to_multikey

    return to_multikey(base58.b58decode(verkey))


async def test_no_secret_key_is_in_the_record_or_the_log(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    import base58

    async with wallet.session() as session:
        record = (await session.handle.fetch("wanderbuch.webvh.did", did)).value_json
        names = [record["update_key"], record["next_update_key"], record["didcomm_key"], *record["assertion_keys"]]
        pairs = [(await session.handle.fetch_key(name)).key for name in names]
    assert len(set(names)) == 4
    shown = json.dumps(record) + (await publisher.get(LOG) or b"").decode()
    for pair in pairs:
        secret = pair.get_secret_bytes()
        assert base58.b58encode(secret).decode() not in shown
        assert secret.hex() not in shown


async def test_each_entry_commits_to_the_next_keys(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    for number in range(3):
        await update_did(wallet, did, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/{number}")
    lines = [json.loads(line) for line in (await publisher.get(LOG) or b"").splitlines()]
    assert all(line["parameters"]["nextKeyHashes"] for line in lines)
    assert len({line["parameters"]["updateKeys"][0] for line in lines}) == 4
    assert (await documents.resolve(did)).version_id.startswith("4-")


async def test_updates_at_the_same_time_make_one_chain(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    endpoints = [f"{ENDPOINT}/{number}" for number in range(4)]
    await asyncio.gather(
        *(update_did(wallet, did, publisher=publisher, didcomm_endpoint=endpoint) for endpoint in endpoints)
    )
    assert (await documents.resolve(did)).version_id.startswith("5-")


async def test_signs_as_the_did(wallet: Profile, did: WebvhDid, documents: WebvhDocuments) -> None:
    kid, signature = await sign_as(wallet, did, b"message")
    assert is_signed(await documents.assertion_key(kid), b"message", signature)
    assert await sign_as(wallet, kid, b"message") == (kid, signature)


async def test_does_not_sign_as_a_did_of_another_wallet(other_wallet: Profile, did: WebvhDid) -> None:
    with pytest.raises(ConfigurationError, match="not a DID of this wallet"):
        await sign_as(other_wallet, did, b"message")
    with pytest.raises(ConfigurationError, match="not a DID of this wallet"):
        await sign_as(other_wallet, Did.parse("did:example:x"), b"message")


async def test_does_not_sign_with_a_key_that_was_rotated_out(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    old, _ = await sign_as(wallet, did, b"message")
    await rotate_assertion_key(wallet, did, publisher=publisher)
    with pytest.raises(ConfigurationError, match="asserts with"):
        await sign_as(wallet, old, b"message")
    with pytest.raises(ConfigurationError, match="asserts with"):
        await sign_as(wallet, DidUrl.parse(f"{did}#other"), b"message")


async def test_does_not_update_a_did_of_another_wallet(
    other_wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    with pytest.raises(ConfigurationError, match="not a DID of this wallet"):
        await update_did(other_wallet, did, publisher=publisher, didcomm_endpoint=None)


class Failing(FolderPublisher):
    """A folder on a disk that is full."""

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        raise ConfigurationError("could not write", hint="free some space")


async def test_a_did_that_could_not_be_published_is_published_at_the_next_start(
    wallet: Profile, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    with pytest.raises(ConfigurationError):
        await again(wallet, Failing(publisher.folder))
    did = await again(wallet, publisher)
    assert (await documents.resolve(did)).version_id.startswith("1-")


async def test_a_rotation_that_was_cut_off_is_finished_at_the_next_start(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    old, _ = await sign_as(wallet, did, b"x")
    with pytest.raises(ConfigurationError):
        await rotate_assertion_key(wallet, did, publisher=Failing(publisher.folder))
    await again(wallet, publisher)
    document = await documents.resolve(did)
    assert len(document.assertion_keys) == 1
    assert old not in document.assertion_keys


# Others can read what is published


async def made_at(wallet: Profile, publisher: FolderPublisher, host: str, path: str = "org") -> WebvhDid:
    return await create_did(
        wallet, host=host, path=path, didcomm_endpoint=ENDPOINT, publisher=publisher, prerotation=True
    )


async def by_the_library(did: WebvhDid, publisher: FolderPublisher) -> Any:
    """What did-webvh, the library of ACA-Py's own resolver, makes of a published log."""
    log = publisher.folder / "/".join(did.path) / "did.jsonl"
    return await DidResolver(WebvhVerifier()).resolve(did, LocalHistoryResolver(log))


async def test_the_library_of_other_agents_reads_every_entry_that_we_write(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher
) -> None:
    await update_did(wallet, did, publisher=publisher, didcomm_endpoint=None)
    await rotate_assertion_key(wallet, did, publisher=publisher)
    the_library = await by_the_library(did, publisher)
    assert the_library.resolution_metadata is None
    assert the_library.document_metadata["versionNumber"] == 4


@pytest.mark.parametrize("name", ["4th.ac.ke", "x.example.org"])
async def test_a_host_that_is_legal_is_published_and_those_who_cannot_read_it_are_named(
    wallet: Profile, publisher: FolderPublisher, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    did = await made_at(wallet, publisher, name)
    log = await publisher.get(LOG)
    assert log is not None
    assert (await verify_log(did, log)).document["id"] == did
    assert "did-webvh 1.0.1" in caplog.text
    assert (await by_the_library(did, publisher)).document is None  # once it reads it, the warning can go


async def test_a_host_that_everybody_reads_is_published_without_a_word(
    wallet: Profile, publisher: FolderPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    await made_at(wallet, publisher, HOST)
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "path", "reason"),
    [
        ("centre", "org", "dotted host name"),
        ("centre.example.1", "org", "dotted host name"),
        ("Centre.example.org", "org", "centre.example.org"),
        ("école.example", "org", "xn--cole-9oa.example"),
        ("centre.example.org:8443", "org", "no port"),
        ("my.localhost.test", "org", "localhost"),
        ("centre.example.org", "", "path is needed"),
        ("centre.example.org", "../org", "path segment"),
        ("centre.example.org", "a%2Fb", "path segment"),
    ],
)
async def test_nothing_is_made_where_others_would_not_find_it(
    wallet: Profile, publisher: FolderPublisher, name: str, path: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason) as refused:
        await made_at(wallet, publisher, name, path)
    assert refused.value.hint is not None
    async with wallet.session() as session:
        assert list(await session.inject(BaseWallet).get_local_dids()) == []
    assert list(publisher.folder.rglob("*")) == []


async def test_an_entry_that_nobody_could_read_is_not_made(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    before = await publisher.get(LOG)
    with pytest.raises(ConfigurationError, match="nobody could read the DID"):
        await update_did(wallet, did, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/{'x' * MAX_LOG_BYTES}")
    assert await publisher.get(LOG) == before
    await update_did(wallet, did, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/other")
    assert (await documents.resolve(did)).version_id.startswith("2-")
