"""DID documents as wallets write them, and neighbours that are refused."""

from typing import Any

import pytest
from tests.unit.exchange.connecting.ends import End

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.connecting.did_documents import ContactError, key_of_did_key, read_contact
from wanderbuch.plugins.exchange.connecting.did_documents import resolve_contact as resolve
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer, short_form
from wanderbuch.plugins.webvh.keys import to_multikey

KEY, OTHER = fresh_peer(""), fresh_peer("")
DID = "did:example:wallet"


def multikey(peer: Any) -> str:
    return to_multikey(peer.key.get_public_bytes())


def service(**changed: Any) -> dict[str, Any]:
    return {
        "id": "#s",
        "type": "did-communication",
        "priority": 0,
        "recipientKeys": ["#k"],
        "serviceEndpoint": "https://wallet.test",
    } | changed


def document(**changed: Any) -> dict[str, Any]:
    """Return a document as Credo writes it: the key stands in `authentication`, base58."""
    method = {"id": "#k", "type": "Ed25519VerificationKey2018", "publicKeyBase58": KEY.name}
    return {"authentication": [method], "service": [service()]} | changed


@pytest.mark.parametrize(
    "method",
    [
        {"id": "#k", "type": "Ed25519VerificationKey2018", "publicKeyBase58": KEY.name},
        {"id": f"{DID}#k", "type": "Multikey", "publicKeyMultibase": multikey(KEY)},
        {"id": "#k", "type": "Ed25519VerificationKey2020", "publicKeyMultibase": multikey(KEY)},
    ],
)
@pytest.mark.parametrize("where", ["verificationMethod", "authentication", "publicKey"])
@pytest.mark.parametrize("reference", ["#k", f"{DID}#k"])
def test_key_of_a_service_is_found_wherever_it_stands(method: dict[str, Any], where: str, reference: str) -> None:
    contact = read_contact(DID, {where: [method], "service": [service(recipientKeys=[reference])]})
    assert (contact.keys, contact.endpoint) == ((KEY.name,), "https://wallet.test")


@pytest.mark.parametrize(
    "reference",
    [f"did:key:{multikey(KEY)}", f"did:key:{multikey(KEY)}#{multikey(KEY)}", KEY.name],
    ids=["did:key", "did:key with a fragment", "bare"],  # the key is another one in each worker
)
def test_key_of_a_service_may_be_a_did_key_or_bare(reference: str) -> None:
    assert read_contact(DID, {"service": [service(recipientKeys=[reference])]}).keys == (KEY.name,)


def test_key_for_encryption_alone_is_no_key_of_a_wallet() -> None:
    method = {"id": "#k", "type": "X25519KeyAgreementKey2019", "publicKeyBase58": KEY.name}
    with pytest.raises(ContactError):
        read_contact(DID, document(authentication=[], keyAgreement=[method]))


def test_two_keys_with_one_id_are_refused() -> None:
    method = {"id": "#k", "type": "Ed25519VerificationKey2018", "publicKeyBase58": OTHER.name}
    assert read_contact(DID, document(verificationMethod=[method | {"publicKeyBase58": KEY.name}])).keys == (KEY.name,)
    with pytest.raises(ContactError, match="id of its own"):
        read_contact(DID, document(verificationMethod=[method]))


def test_mediators_of_a_wallet_are_found_and_too_many_refused() -> None:
    routing = [f"did:key:{multikey(OTHER)}"]
    assert read_contact(DID, document(service=[service(routingKeys=routing)])).routing_keys == (OTHER.name,)
    for wrong in (routing * 5, ["did:key:zNone"]):
        with pytest.raises(ContactError, match="routing keys"):
            read_contact(DID, document(service=[service(routingKeys=wrong)]))


def test_service_that_can_be_reached_counts_before_one_of_higher_priority() -> None:
    queue = service(serviceEndpoint="didcomm:transport/queue")
    reachable = service(id="#t", priority=1, serviceEndpoint="https://second.test")
    assert read_contact(DID, document(service=[reachable, queue])).endpoint == "https://second.test"
    assert read_contact(DID, document(service=[queue])).endpoint == "didcomm:transport/queue"


def test_wallet_without_a_service_has_its_keys_and_no_address() -> None:
    contact = read_contact(DID, document(service=[]))
    assert (contact.keys, contact.endpoint) == ((KEY.name,), "didcomm:transport/queue")


@pytest.mark.parametrize("kind", ["LinkedDomains", [], ["did-communication"], {}, None, 7])
def test_service_of_another_kind_does_not_count(kind: object) -> None:
    contact = read_contact(DID, document(service=[service(type=kind)]))
    assert contact.endpoint == "didcomm:transport/queue"


async def test_did_that_carries_its_document_is_read_and_a_changed_one_refused(ends: tuple[End, End]) -> None:
    profile = ends[0].profile
    peer = fresh_peer("https://wallet.test")
    contact = await resolve(profile, peer.did)
    assert (contact.keys, contact.endpoint) == ((peer.name,), "https://wallet.test")
    other = fresh_peer("https://wallet.test")
    swapped = f"{short_form(peer.did)}:{other.did.rpartition(':')[2]}"
    for wrong in (swapped, short_form(peer.did), "did:peer:4zQm", "", None, 5):
        with pytest.raises(ExchangeError):
            await resolve(profile, wrong)


async def test_did_key_is_its_own_key(ends: tuple[End, End]) -> None:
    did = f"did:key:{multikey(KEY)}"
    assert (await resolve(ends[0].profile, did)).keys == (KEY.name,) == (key_of_did_key(did),)
