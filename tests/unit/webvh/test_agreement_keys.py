"""A DID that takes DIDComm v2: keys for key agreement in its document, and a service beside that of v1."""

import pytest
from acapy_agent.core.profile import Profile
from aries_askar import KeyAlg
from tests.unit.webvh.conftest import ENDPOINT, HOST

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.exchange.connecting.did_documents import read_contact
from wanderbuch.plugins.exchange.v2.did_documents import V2ContactError, read_v2_contact
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.own import own_did
from wanderbuch.plugins.webvh.publisher import FolderPublisher


async def again(wallet: Profile, publisher: FolderPublisher, *, takes_v2: bool) -> WebvhDid:
    return await create_did(
        wallet,
        host=HOST,
        path="org",
        didcomm_endpoint=ENDPOINT,
        publisher=publisher,
        prerotation=True,
        takes_v2=takes_v2,
    )


async def test_a_did_that_takes_v2_says_so_in_its_next_entry_and_only_there(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    document = await documents.resolve(did)
    with pytest.raises(V2ContactError):
        read_v2_contact(did, document.content)
    for _ in range(2):  # the second start changes nothing
        assert await again(wallet, publisher, takes_v2=True) == did
        document = await documents.resolve(did)
        assert document.version_id.startswith("2-")
    contact = read_v2_contact(did, document.content)
    assert (contact.uri, contact.takes_v1) == (ENDPOINT, True)
    assert [key.key.algorithm for key in contact.keys] == [KeyAlg.X25519, KeyAlg.P256]


async def test_the_wallet_keeps_each_key_under_its_id(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    await again(wallet, publisher, takes_v2=True)
    contact = read_v2_contact(did, (await documents.resolve(did)).content)
    own = await own_did(wallet, did)
    assert own is not None
    assert own.agreement_keys == tuple(key.kid for key in contact.keys)
    async with wallet.session() as session:
        for key in contact.keys:
            entry = await session.handle.fetch_key(key.kid)
            assert entry is not None
            assert entry.key.get_jwk_public() == key.key.get_jwk_public()


async def test_who_reads_v1_finds_what_stood_there_before(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    before = read_contact(did, (await documents.resolve(did)).content)
    await again(wallet, publisher, takes_v2=True)
    assert read_contact(did, (await documents.resolve(did)).content) == before


async def test_a_did_that_takes_v2_no_more_takes_the_keys_and_the_service_back(
    wallet: Profile, did: WebvhDid, publisher: FolderPublisher, documents: WebvhDocuments
) -> None:
    before = (await documents.resolve(did)).content
    await again(wallet, publisher, takes_v2=True)
    await again(wallet, publisher, takes_v2=False)
    document = await documents.resolve(did)
    assert document.version_id.startswith("3-")
    assert document.content == before
