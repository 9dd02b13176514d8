import json

import pytest
from acapy_agent.core.profile import Profile
from aiohttp import web
from aries_askar import Key, KeyAlg
from did_webvh.askar import AskarSigningKey
from did_webvh.core.state import DocumentState
from tests.unit.http.tls_host import TlsHost
from tests.unit.webvh.conftest import ENDPOINT, HOST
from tests.unit.webvh.test_log import WitnessedLog
from tests.unit.webvh.test_log import document as placeholder_document

from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.identifiers import DidUrl, WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import NotFoundError, TooLargeError
from wanderbuch.plugins.webvh.dids import rotate_assertion_key, sign_as, update_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.errors import DeactivatedError, ForkError, LogError, ShortenedHistoryError
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory
from wanderbuch.plugins.webvh.publisher import FolderPublisher

LOG = "org/did.jsonl"


async def test_resolves_a_did_over_tls(did: WebvhDid, documents: WebvhDocuments) -> None:
    document = await documents.resolve(did)
    assert document.content["id"] == did
    assert document.content["service"][0]["serviceEndpoint"] == ENDPOINT


async def test_refuses_a_log_shorter_than_the_one_seen(
    wallet: Profile, did: WebvhDid, documents: WebvhDocuments, publisher: FolderPublisher
) -> None:
    old = await publisher.get(LOG)
    assert old is not None
    await update_did(wallet, did, publisher=publisher, didcomm_endpoint=None)
    await documents.resolve(did)
    await publisher.put(LOG, old, "text/jsonl")
    with pytest.raises(ShortenedHistoryError):
        await documents.resolve(did)


async def test_refuses_a_log_that_forks_from_the_one_seen(
    wallet: Profile, did: WebvhDid, documents: WebvhDocuments, edge: HttpEdge, publisher: FolderPublisher
) -> None:
    # A controller that tells two stories: both are validly signed, only one was seen first.
    before = await publisher.get(LOG)
    assert before is not None
    await update_did(wallet, did, publisher=publisher, didcomm_endpoint=None)
    await documents.resolve(did)
    async with wallet.transaction() as session:
        entry = await session.handle.fetch("wanderbuch.webvh.did", did)
        kept = entry.value_json
        kept["log"] = before.decode()
        kept["next_update_key"] = kept["update_key"]
        await session.handle.replace("wanderbuch.webvh.did", did, value=json.dumps(kept), tags=entry.tags)
        await session.commit()
    await update_did(wallet, did, publisher=publisher, didcomm_endpoint=f"{ENDPOINT}/other")
    await WebvhDocuments(edge, InMemoryLogMemory()).resolve(did)
    with pytest.raises(ForkError):
        await documents.resolve(did)


async def test_refuses_a_log_that_was_tampered_with(
    did: WebvhDid, documents: WebvhDocuments, publisher: FolderPublisher
) -> None:
    log = await publisher.get(LOG)
    assert log is not None
    await publisher.put(LOG, log.replace(b"/didcomm", b"/thief"), "text/jsonl")
    with pytest.raises(LogError):
        await documents.resolve(did)


async def test_says_that_there_is_no_such_did(did: WebvhDid, documents: WebvhDocuments, host: TlsHost) -> None:
    with pytest.raises(NotFoundError):
        await documents.resolve(WebvhDid.parse(f"{did}:nowhere"))


async def test_refuses_a_log_that_is_too_large(did: WebvhDid, documents: WebvhDocuments, host: TlsHost) -> None:
    (host.folder / LOG).write_bytes(b"{}\n" * 1_000_000)
    with pytest.raises(TooLargeError):
        await documents.resolve(did)


async def test_a_witnessed_log_needs_its_witness_file(documents: WebvhDocuments, host: TlsHost) -> None:
    log = WitnessedLog()
    (host.folder / "org").mkdir(parents=True)
    (host.folder / LOG).write_text(log.line)
    with pytest.raises(NotFoundError):
        await documents.resolve(log.did)
    (host.folder / "org/did-witness.json").write_bytes(log.approvals(2))
    assert (await documents.resolve(log.did)).did == log.did


async def test_a_deactivated_did_is_not_resolved(documents: WebvhDocuments, host: TlsHost) -> None:
    update = Key.generate(KeyAlg.ED25519)
    parameters = {"updateKeys": [str(AskarSigningKey(update).multikey)], "deactivated": True}
    state = DocumentState.initial(parameters, placeholder_document())
    state.sign(AskarSigningKey(update))
    (host.folder / "org").mkdir(parents=True)
    (host.folder / LOG).write_text(state.history_json())
    with pytest.raises(DeactivatedError):
        await documents.resolve(WebvhDid.parse(state.document_id))


async def test_asks_again_only_after_a_while(did: WebvhDid, edge: HttpEdge, host: TlsHost) -> None:
    documents = WebvhDocuments(edge, InMemoryLogMemory())
    await documents.resolve(did)
    await documents.resolve(did)
    assert len(host.requests) == 1
    documents.forget(did)
    await documents.resolve(did)
    assert len(host.requests) == 2


async def test_an_unchanged_log_is_not_sent_again(
    did: WebvhDid, documents: WebvhDocuments, host: TlsHost, publisher: FolderPublisher
) -> None:
    body = await publisher.get(LOG)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=body, headers={"ETag": '"1"'})

    host.handlers[LOG] = answer
    first, second = [await documents.resolve(did) for _ in range(2)]
    assert first == second
    assert "If-None-Match" in host.requests[-1].headers


# The resolver of keys that governance checks use


async def test_returns_the_key_that_signs_for_the_did(
    wallet: Profile, did: WebvhDid, documents: WebvhDocuments
) -> None:
    kid, _ = await sign_as(wallet, did, b"x")
    assert len(await documents.assertion_key(kid)) == 32


async def test_a_rotated_out_key_asserts_nothing(
    wallet: Profile, did: WebvhDid, documents: WebvhDocuments, publisher: FolderPublisher
) -> None:
    old, _ = await sign_as(wallet, did, b"x")
    await rotate_assertion_key(wallet, did, publisher=publisher)
    new, _ = await sign_as(wallet, did, b"x")
    assert len(await documents.assertion_key(new)) == 32
    with pytest.raises(GovernanceError, match="assertionMethod"):
        await documents.assertion_key(old)


async def test_a_key_that_has_just_come_in_is_asked_for_once_more(
    wallet: Profile, did: WebvhDid, edge: HttpEdge, publisher: FolderPublisher
) -> None:
    documents = WebvhDocuments(edge, InMemoryLogMemory())
    await documents.resolve(did)  # from now on a document without the new key is at hand
    await rotate_assertion_key(wallet, did, publisher=publisher)
    new, _ = await sign_as(wallet, did, b"x")
    assert len(await documents.assertion_key(new)) == 32


async def test_made_up_keys_do_not_make_us_ask_a_host_again_and_again(
    did: WebvhDid, edge: HttpEdge, host: TlsHost
) -> None:
    documents = WebvhDocuments(edge, InMemoryLogMemory())
    await documents.resolve(did)
    before = len(host.requests)
    for number in range(5):
        with pytest.raises(GovernanceError, match="assertionMethod"):
            await documents.assertion_key(DidUrl.parse(f"{did}#made-up-{number}"))
    assert len(host.requests) == before + 1


async def test_the_didcomm_key_asserts_nothing(did: WebvhDid, documents: WebvhDocuments) -> None:
    (didcomm,) = (await documents.resolve(did)).content["authentication"]
    with pytest.raises(GovernanceError):
        await documents.assertion_key(DidUrl.parse(didcomm))


async def test_a_key_of_another_did_method_asserts_nothing(documents: WebvhDocuments) -> None:
    with pytest.raises(GovernanceError, match="did:webvh"):
        await documents.assertion_key(DidUrl.parse("did:key:z6Mk#z6Mk"))


async def test_a_host_that_is_down_is_could_not_check(did: WebvhDid, host: TlsHost) -> None:
    edge = host.edge()
    await edge.close()
    kid = DidUrl.parse(f"{did}#x")
    with pytest.raises(ResolutionError):
        await WebvhDocuments(edge, InMemoryLogMemory()).assertion_key(kid)


def test_the_tests_use_a_host_that_peers_can_read() -> None:
    assert "localhost" not in HOST
