"""did:peer:1 is the hash of its document: another document is nobody's."""

import json
from typing import Any

import pytest
from tests.unit.exchange.connecting.ends import End
from tests.unit.exchange.connecting.test_handshake import count_of, stranger

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.connecting.genesis import genesis_did
from wanderbuch.plugins.exchange.connecting.signed_text import signed_text
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.packing import pack

# What Credo 0.6.3 makes of this document (`didDocumentJsonToNumAlgo1Did`).
CREDO_DID = "did:peer:1zQmRLGMbcZ7P9xsyjdBkVtwssJDyq7KCUXRVc56Wzd95p4r"
CREDO_DOCUMENT: dict[str, Any] = {
    "@context": ["https://w3id.org/did/v1"],
    "id": "",
    "publicKey": [
        {
            "id": "#8HH5gYEe",
            "type": "Ed25519VerificationKey2018",
            "controller": "#id",
            "publicKeyBase58": "8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqQqEB3nS7Zfu7K",
        }
    ],
    "service": [
        {
            "id": "#inline-0",
            "serviceEndpoint": "https://wallet.example/é\u2028<&>",
            "type": "did-communication",
            "priority": 0,
            "recipientKeys": ["#8HH5gYEe"],
        }
    ],
    "authentication": ["#8HH5gYEe"],
}


def test_the_did_of_a_document_is_the_one_that_credo_gives_it() -> None:
    assert genesis_did(CREDO_DOCUMENT) == genesis_did(CREDO_DOCUMENT | {"id": CREDO_DID}) == CREDO_DID


@pytest.mark.parametrize(
    "changed", [{"authentication": []}, {"more": 1}, {"@context": ["\ud800"]}], ids=["less", "more", "no text"]
)
def test_another_document_has_another_did(changed: dict[str, Any]) -> None:
    assert genesis_did(CREDO_DOCUMENT | changed) != CREDO_DID


@pytest.mark.parametrize("is_its_own", [True, False])
async def test_a_request_counts_with_the_document_that_its_did_is_the_hash_of(
    ends: tuple[End, End], is_its_own: bool
) -> None:
    inviter, wallet = ends
    await inviter.invite("one")
    request, peer = await stranger(wallet, "one")
    document = {
        "id": "",
        "publicKey": [{"id": "#key", "type": "Ed25519VerificationKey2018", "publicKeyBase58": peer.name}],
        "service": [
            {
                "id": "#inline",
                "type": "did-communication",
                "recipientKeys": ["#key"],
                "serviceEndpoint": wallet.endpoint,
            }
        ],
    }
    did = genesis_did(document if is_its_own else document | {"authentication": ["#key"]})
    told = json.dumps(document | {"id": did}, separators=(",", ":"))
    request |= {"did": did, "did_doc~attach": {"data": signed_text(told, key=peer.key, own_key=peer.name)}}
    packed = pack(request, to=inviter.public.name, own=peer.key)  # type: ignore[union-attr]
    if is_its_own:
        await inviter.receive(packed)
    else:
        with pytest.raises(ExchangeError, match="hash"):
            await inviter.receive(packed)
    assert await count_of(inviter, Connection.category) == is_its_own
