"""DIDs that carry their document, and what a document says about reaching its DID: as our agents read them."""

import json
from typing import Any, Final

import base58
import pytest
from aries_askar import Key, KeyAlg
from tests.unit.wallet.test_envelopes import b64, verkey
from tests.unit.wallet.wallet_process import WalletProcess, WalletRefusedError

from wanderbuch.errors import WanderbuchError
from wanderbuch.plugins.exchange.channel import QUEUE
from wanderbuch.plugins.exchange.connecting.did_documents import read_contact
from wanderbuch.plugins.exchange.connecting.peer_dids import fresh_peer
from wanderbuch.plugins.webvh.foreign_dids import check_did, peer_4_document
from wanderbuch.plugins.webvh.keys import to_multikey

KEYS: Final = [Key.generate(KeyAlg.ED25519) for _ in range(3)]
MULTIKEYS: Final = [to_multikey(key.get_public_bytes()) for key in KEYS]
X25519: Final = "z" + base58.b58encode(b"\xec\x01" + KEYS[0].get_public_bytes()).decode()
ANYTHING: Final = (
    None,
    7,
    True,
    [],
    {},
    "",
    "x",
    ["x"],
    [7],
    [None],
    {"a": 1},
    [{}],
    "#key-1",
    "#missing",
    {"uri": "https://b.example.test"},
)

type Json = dict[str, Any]


def service(**members: object) -> Json:
    return {
        "id": "#didcomm-0",
        "type": "did-communication",
        "priority": 0,
        "recipientKeys": ["#key-0"],
        "routingKeys": [f"did:key:{MULTIKEYS[1]}#{MULTIKEYS[1]}"],
        "serviceEndpoint": "https://mediator.example.test",
        **members,
    }


def document(**members: object) -> Json:
    methods = [
        {"id": "#key-0", "type": "Multikey", "publicKeyMultibase": MULTIKEYS[0]},
        {"id": "did:x:y#key-1", "type": "Ed25519VerificationKey2018", "publicKeyBase58": verkey(KEYS[2])},
        {"id": "#key-2", "type": "Multikey", "publicKeyMultibase": X25519},
    ]
    return {
        "id": "did:x:y",
        "verificationMethod": methods,
        "authentication": ["#key-0"],
        "service": [service()],
        **members,
    }


def documents() -> list[Json]:
    made = [document(), document(service=[service(type="IndyAgent", recipientKeys=[verkey(KEYS[2])], routingKeys=[])])]
    made += [document(service=[service(**{name: value})]) for name in service() for value in ANYTHING]
    made += [document(**{name: value}) for name in ("verificationMethod", "authentication") for value in ANYTHING]
    made += [document(service=value) for value in ANYTHING if value]
    second = service(priority=1, serviceEndpoint="wss://mediator.example.test", recipientKeys=["#key-1"])
    made += [document(service=[second, service()]), document(service=[service(priority=2), second])]
    made += [document(service=[service(serviceEndpoint="didcomm:transport/queue"), second])]
    twice = {"id": "#key-0", "type": "Multikey", "publicKeyMultibase": MULTIKEYS[1]}
    made += [document(verificationMethod=[*document()["verificationMethod"], twice])]
    made += [document(service=[service(routingKeys=[verkey(KEYS[1])] * count)]) for count in (1, 4, 5)]
    made += [document(service=[service(recipientKeys=[f"did:key:{key}"])]) for key in (MULTIKEYS[1], X25519)]
    return made


def test_where_somebody_is_reached(wallet: WalletProcess) -> None:
    taken = 0
    for made in documents():
        try:
            expected = read_contact("did:x:y", made)
        except WanderbuchError:
            expected = None
        try:
            answer = wallet.call("contact", document=b64(json.dumps(made).encode()))
        except WalletRefusedError:
            # Our agents fall back on the keys of the document then; a wallet needs an address.
            assert expected is None or expected.endpoint == QUEUE, made
            continue
        assert expected is not None, made
        taken += 1
        assert tuple(answer["keys"]) == expected.keys, made
        assert (answer["endpoint"], tuple(answer["routing"])) == (expected.endpoint, expected.routing_keys)
    assert taken > 20


def test_did_peer_4(wallet: WalletProcess) -> None:
    theirs = fresh_peer("https://agent.example.test")
    assert wallet.call("peer_document", did=theirs.did) == peer_4_document(theirs.did)
    routing = f"did:key:{MULTIKEYS[1]}#{MULTIKEYS[1]}"
    ours = wallet.call(
        "make_peer_did", verkey=verkey(KEYS[0]), endpoint="https://m.example.test", routing_keys=[routing]
    )
    read = read_contact(ours, peer_4_document(check_did(ours)) or {})
    assert (read.keys, read.endpoint) == ((verkey(KEYS[0]),), "https://m.example.test")
    assert read.routing_keys == (verkey(KEYS[1]),)
    for did in (
        theirs.short_did,
        theirs.did[:-1],
        theirs.did + "1",
        theirs.did.replace("peer:4", "peer:3"),
        "did:peer:4",
        "",
    ):
        with pytest.raises(WalletRefusedError):
            wallet.call("peer_document", did=did)


def test_did_peer_2(wallet: WalletProcess) -> None:
    encoded = b64(
        json.dumps({"t": "did-communication", "s": "https://a.example.test", "recipientKeys": ["#key-1"]}).encode()
    )
    did = f"did:peer:2.V{MULTIKEYS[0]}.E{X25519}.S{encoded}"
    check_did(did)
    read = wallet.call("peer_document", did=did)
    assert read["authentication"] == ["#key-1"]
    assert read["keyAgreement"] == ["#key-2"]
    assert wallet.call("contact", document=b64(json.dumps(read).encode()))["keys"] == [verkey(KEYS[0])]
    for broken in (
        f"{did}.",
        f"{did}.Q{MULTIKEYS[0]}",
        f"did:peer:2.S{encoded[:-2]}",
        "did:peer:2",
        f"{did}.S" + b64(b'{"a":1,"a":2}'),
    ):
        with pytest.raises(WalletRefusedError):
            wallet.call("peer_document", did=broken)
