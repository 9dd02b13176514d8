import pytest
from acapy_agent.cache.base import BaseCache
from acapy_agent.cache.in_memory import InMemoryCache
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import DIDNotFound, ResolverError
from acapy_agent.resolver.default.key import KeyDIDResolver
from acapy_agent.resolver.default.webvh import WebvhDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver
from tests.unit.http.tls_host import TlsHost
from tests.unit.webvh.conftest import ENDPOINT

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.did_resolver import CheckedWebvhResolver, take_over
from wanderbuch.plugins.webvh.dids import update_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.publisher import FolderPublisher


@pytest.fixture
def resolver(documents: WebvhDocuments) -> DIDResolver:
    """ACA-Py's, as it is after its own resolvers and our plugin are set up."""
    made = DIDResolver([KeyDIDResolver(), WebvhDIDResolver()])
    take_over(made, CheckedWebvhResolver(documents))
    return made


async def test_takes_the_place_of_the_built_in_resolver(resolver: DIDResolver, other_wallet: Profile) -> None:
    assert [type(registered) for registered in resolver.resolvers] == [CheckedWebvhResolver, KeyDIDResolver]
    matching = await resolver._match_did_to_resolver(other_wallet, "did:webvh:x:centre.example.test:org")
    assert [type(registered) for registered in matching] == [CheckedWebvhResolver]


def test_taking_over_again_changes_nothing(resolver: DIDResolver, documents: WebvhDocuments) -> None:
    resolver.register_resolver(WebvhDIDResolver())
    take_over(resolver, CheckedWebvhResolver(documents))
    assert [type(registered) for registered in resolver.resolvers] == [CheckedWebvhResolver, KeyDIDResolver]


async def test_aca_py_finds_the_didcomm_service(resolver: DIDResolver, did: WebvhDid, other_wallet: Profile) -> None:
    service = await resolver.dereference(other_wallet, f"{did}#did-communication")
    assert service.service_endpoint == ENDPOINT
    (key,) = service.recipient_keys
    method = await resolver.dereference_verification_method(other_wallet, str(key))
    assert method.type == "Multikey"


async def test_a_change_is_seen_at_once_also_with_aca_py_s_cache(
    resolver: DIDResolver, did: WebvhDid, wallet: Profile, other_wallet: Profile, publisher: FolderPublisher
) -> None:
    other_wallet.context.injector.bind_instance(BaseCache, InMemoryCache())
    assert "service" in await resolver.resolve(other_wallet, did)
    await update_did(wallet, did, publisher=publisher, didcomm_endpoint=None)
    assert "service" not in await resolver.resolve(other_wallet, did)


async def test_what_a_caller_does_to_a_document_stays_with_the_caller(
    resolver: DIDResolver, did: WebvhDid, other_wallet: Profile, wallet: Profile
) -> None:
    for asking in (other_wallet, wallet):
        (await resolver.resolve(asking, did))["service"].clear()
        assert (await resolver.resolve(asking, did))["service"]


async def test_the_own_did_is_resolved_without_the_network(
    resolver: DIDResolver, did: WebvhDid, wallet: Profile, host: TlsHost
) -> None:
    assert (await resolver.resolve(wallet, did))["id"] == did
    assert host.requests == []


async def test_what_is_not_there_is_not_found(resolver: DIDResolver, did: WebvhDid, other_wallet: Profile) -> None:
    with pytest.raises(DIDNotFound):
        await resolver.resolve(other_wallet, f"{did}:nowhere")
    with pytest.raises(DIDNotFound):
        await resolver.resolve(other_wallet, "did:webvh:nonsense")


async def test_a_broken_log_is_an_error(
    resolver: DIDResolver, did: WebvhDid, other_wallet: Profile, publisher: FolderPublisher
) -> None:
    await publisher.put("org/did.jsonl", b"{}", "text/jsonl")
    with pytest.raises(ResolverError):
        await resolver.resolve(other_wallet, did)
