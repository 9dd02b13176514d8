import did_peer_4
import pytest
from aries_askar import Key, KeyAlg

from wanderbuch.plugins.exchange.connecting.peer_dids import _name, fresh_peer
from wanderbuch.plugins.exchange.envelope_keys import own_key, their_key
from wanderbuch.plugins.webvh.base58_text import to_base58
from wanderbuch.plugins.webvh.foreign_dids import ForeignDidError, peer_4_document


def test_our_did_is_the_librarys_and_its_document_is_read_as_the_library_reads_it() -> None:
    peer = fresh_peer("https://centre.example/didcomm")
    document = did_peer_4.decode(peer.did)
    assert peer_4_document(peer.did) == document
    assert peer_4_document(peer.short_did) is None
    assert did_peer_4.encode(document, validate=False) == peer.did
    assert did_peer_4.long_to_short(peer.did) == peer.short_did


@pytest.mark.parametrize("defect", ["hash", "document", "codec", "no object", "twice", "not base58", "fragment"])
def test_refuses_a_did_that_is_not_the_hash_of_its_document(defect: str) -> None:
    peer = fresh_peer("https://centre.example/didcomm")
    name, _, encoded = peer.did.rpartition(":")
    texts = {
        "hash": f"{fresh_peer('https://other.example').short_did}:{encoded}",
        "document": f"{name}:{fresh_peer('https://other.example').did.rpartition(':')[2]}",
        "codec": _named(b"\x80\x05{}"),
        "no object": _named(b"\x80\x04[]"),
        "twice": _named(b'\x80\x04{"id":1,"id":2}'),
        "fragment": f"{peer.did}#key-0",
        "not base58": f"{name}:z0",
    }
    with pytest.raises(ForeignDidError, match=r"expected|not usable"):
        peer_4_document(texts[defect])


def test_a_key_is_converted_once_and_another_is_another() -> None:
    one, other = Key.generate(KeyAlg.ED25519), Key.generate(KeyAlg.ED25519)
    assert own_key(one) is own_key(one) is not own_key(other)
    name = to_base58(one.get_public_bytes())
    assert their_key(name) == own_key(one).public == one.convert_key(KeyAlg.X25519).get_public_bytes()
    assert own_key(one).name == name
    with pytest.raises(ValueError, match="character"):
        their_key("not a key: 0")


def _named(document: bytes) -> str:
    encoded = "z" + to_base58(document)
    return f"{_name(encoded)}:{encoded}"
