"""DID documents of DIDs on the ledger, by our resolver."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import DIDNotFound, ResolverError
from acapy_agent.resolver.did_resolver import DIDResolver
from indy_vdr import ledger as requests
from tests.pool.nodes import IndyPool
from tests.pool.trustee import Identity, Trustee, new_identity
from tests.pool.wallets import NAMESPACE, Wallet

from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.connecting.did_documents import ContactError, resolve_contact
from wanderbuch.plugins.indy.did_documents import IndyDocuments

ADDRESS = "https://centre.example.test/didcomm"

type Wallets = Callable[..., Awaitable[Wallet]]


@pytest.fixture
async def reader(wallets: Wallets) -> Profile:
    """A wallet whose DID resolver knows the ledger."""
    wallet = await wallets()
    wallet.profile.context.injector.bind_instance(DIDResolver, DIDResolver([IndyDocuments(wallet.ledgers)]))
    return wallet.profile


async def resolve(reader: Profile, did: str) -> dict[str, Any]:
    return dict(await reader.inject(DIDResolver).resolve(reader, did))


async def with_endpoint(trustee: Trustee, identity: Identity, address: str) -> None:
    raw = json.dumps({"endpoint": {"endpoint": address}})
    await trustee.submit(requests.build_attrib_request(identity.did, identity.did, None, raw, None), identity)


@pytest.mark.parametrize("form", [f"did:indy:{NAMESPACE}:{{}}", "did:sov:{}"], ids=["did:indy", "did:sov"])
async def test_who_has_an_endpoint_can_be_reached(
    form: str, reader: Profile, trustee: Trustee, identity: Identity
) -> None:
    did = form.format(identity.did)
    document = await resolve(reader, did)
    assert document["id"] == did
    assert document["verificationMethod"][0]["publicKeyBase58"] == identity.verkey
    assert "service" not in document
    await with_endpoint(trustee, identity, ADDRESS)
    contact = await resolve_contact(reader, did)
    assert (contact.did, contact.keys, contact.endpoint) == (did, (identity.verkey,), ADDRESS)


async def test_a_key_that_was_rotated_out_is_gone_at_once(
    reader: Profile, trustee: Trustee, identity: Identity
) -> None:
    did = f"did:indy:{NAMESPACE}:{identity.did}"
    assert (await resolve_contact(reader, did)).keys == (identity.verkey,)
    other = new_identity()
    await trustee.submit(requests.build_nym_request(identity.did, identity.did, other.verkey), identity)
    assert (await resolve_contact(reader, did)).keys == (other.verkey,)


async def test_what_was_written_with_the_did_stands_in_its_document(reader: Profile, trustee: Trustee) -> None:
    made = new_identity()
    did = f"did:indy:{NAMESPACE}:{made.did}"
    service = {
        "id": f"{did}#inbox",
        "type": "did-communication",
        "recipientKeys": [f"{did}#verkey"],
        "serviceEndpoint": ADDRESS,
    }
    content = json.dumps({"@context": ["https://www.w3.org/ns/did/v1"], "service": [service]})
    request = requests.build_nym_request(
        trustee.identity.did, made.did, made.verkey, role="ENDORSER", diddoc_content=content
    )
    await trustee.submit(request, trustee.identity)
    document = await resolve(reader, did)
    assert document["service"] == [service]
    assert (await resolve_contact(reader, did)).endpoint == ADDRESS


async def test_what_is_not_there_is_told_apart_from_what_is_not_known(
    reader: Profile, pool: IndyPool, identity: Identity
) -> None:
    nobody = new_identity().did
    for did in (f"did:sov:{nobody}", f"did:indy:{NAMESPACE}:{nobody}", f"did:indy:elsewhere:{nobody}", "did:sov:short"):
        with pytest.raises(DIDNotFound):
            await resolve(reader, did)
        with pytest.raises(ContactError):
            await resolve_contact(reader, did)
    for node in pool.nodes[2:]:
        node.freeze()
    with pytest.raises(ResolverError) as silent:
        await resolve(reader, f"did:sov:{identity.did}")
    assert not isinstance(silent.value, DIDNotFound)
    with pytest.raises(ResolutionError):
        await resolve_contact(reader, f"did:sov:{nobody}")
