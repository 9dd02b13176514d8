"""What a DID document says to who wants to write DIDComm v2."""

import json
from pathlib import Path
from typing import Any, Final

import did_peer_2
import pytest
from aries_askar import Key, KeyAlg

from wanderbuch.plugins.exchange.v2.did_documents import V2ContactError, read_v2_contact
from wanderbuch.plugins.webvh.base58_text import to_base58

APPENDIX: Final = json.loads(
    (Path(__file__).parents[3] / "vectors" / "didcomm_v2" / "appendix_c.json").read_text(encoding="utf-8")
)
DID: Final = "did:example:bob"
CODECS: Final = {KeyAlg.X25519: b"\xec\x01", KeyAlg.P256: b"\x80\x24", KeyAlg.ED25519: b"\xed\x01"}


def multikey(algorithm: KeyAlg = KeyAlg.X25519) -> str:
    return "z" + to_base58(CODECS[algorithm] + Key.generate(algorithm).get_public_bytes())


def method(end: str = "1", **members: Any) -> dict[str, Any]:
    return {"id": f"#{end}", "type": "Multikey", "controller": DID, "publicKeyMultibase": multikey(), **members}


def service(endpoint: Any, **members: Any) -> dict[str, Any]:
    return {"id": "#service", "type": "DIDCommMessaging", "serviceEndpoint": endpoint, **members}


def document(**members: Any) -> dict[str, Any]:
    return {"id": DID, "verificationMethod": [method()], "keyAgreement": ["#1"], **members}


def test_the_documents_of_the_specification_are_read() -> None:
    alice = read_v2_contact("did:example:alice", APPENDIX["sender_document"])
    bob = read_v2_contact(DID, APPENDIX["recipient_document"])
    assert {key.key.algorithm for key in alice.keys} == {KeyAlg.X25519, KeyAlg.P256}  # P-521 is not ours
    assert {key.key.algorithm for key in bob.keys} == {KeyAlg.X25519, KeyAlg.P256, KeyAlg.P384}
    assert bob.key(f"{DID}#key-x25519-1") is not None
    assert [key.kid for key in bob.keys_like(Key.generate(KeyAlg.P384))] == [f"{DID}#key-p384-1", f"{DID}#key-p384-2"]


def test_a_peer_did_is_read_with_its_service() -> None:
    uri = {"uri": "https://bob.example/didcomm", "accept": ["didcomm/v2"], "routingKeys": []}
    keys = [did_peer_2.KeySpec.key_agreement(multikey()), did_peer_2.KeySpec.authentication(multikey(KeyAlg.ED25519))]
    did = did_peer_2.generate(keys, [{"type": "DIDCommMessaging", "serviceEndpoint": uri}])
    contact = read_v2_contact(did, did_peer_2.resolve(did))
    assert (contact.uri, contact.takes_v1) == ("https://bob.example/didcomm", False)
    assert [key.kid for key in contact.keys] == [f"{did}#key-1"]


@pytest.mark.parametrize(
    ("endpoint", "uri"),
    [
        ("https://bob.example", "https://bob.example"),
        ({"uri": "https://bob.example"}, "https://bob.example"),
        ([{"uri": "ws://bob.example"}, {"uri": "https://bob.example"}], "https://bob.example"),
        ([{"uri": "https://old.example", "accept": ["didcomm/aip2;env=rfc19"]}, {"uri": "did:example:mediator"}],
         "did:example:mediator"),
        ({"uri": "http://bob.example"}, None),
        ({"uri": "https://bob.example", "accept": "didcomm/v2"}, None),
        ({"uri": 7}, None),
        ([], None),
        (None, None),
    ],
)  # fmt: skip
def test_the_first_endpoint_counts_that_takes_v2_and_can_be_reached(endpoint: object, uri: str | None) -> None:
    written = document(service=[service(endpoint)])
    assert read_v2_contact(DID, written).uri == uri


def test_who_has_a_service_of_v1_as_well_is_told_from_who_has_none() -> None:
    both = document(service=[service("https://bob.example"), {"id": "#v1", "type": "did-communication"}])
    assert read_v2_contact(DID, both).takes_v1
    assert not read_v2_contact(DID, document(service=[service("https://bob.example")])).takes_v1


@pytest.mark.parametrize(
    "members",
    [
        {"keyAgreement": []},
        {"keyAgreement": ["#other"]},
        {"keyAgreement": ["did:example:eve#1"]},
        {"keyAgreement": [method(controller="did:example:eve")]},
        {"keyAgreement": [{**method(), "id": "did:example:eve#1"}]},
        {"verificationMethod": [method(publicKeyMultibase=multikey(KeyAlg.ED25519))]},
        {"verificationMethod": [method(publicKeyMultibase="zzzz")]},
        {"verificationMethod": [method(publicKeyMultibase=None, publicKeyJwk={"kty": "OKP", "crv": "X25519"})]},
        {"verificationMethod": ["text"], "keyAgreement": [7, None]},
    ],
)
def test_a_document_without_a_key_of_its_own_for_key_agreement_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(V2ContactError, match="expected a key for key agreement"):
        read_v2_contact(DID, document(**members))


def test_two_keys_of_one_id_are_refused() -> None:
    for twice in (
        document(verificationMethod=[method(), method()]),
        document(keyAgreement=["#1", method()]),
    ):
        with pytest.raises(V2ContactError, match="an id of its own"):
            read_v2_contact(DID, twice)


def test_what_is_longer_than_anybody_needs_is_refused() -> None:
    for long in (
        document(verificationMethod=[method(str(number)) for number in range(65)]),
        document(
            service=[service({"uri": "https://bob.example", "routingKeys": [f"did:example:{n}" for n in range(5)]})]
        ),
        document(service=[service({"uri": "https://bob.example", "routingKeys": ["key"]})]),
    ):
        with pytest.raises(V2ContactError):
            read_v2_contact(DID, long)


def test_a_secret_that_stands_in_a_document_is_not_taken() -> None:
    secret = json.loads(Key.generate(KeyAlg.X25519).get_jwk_secret())
    written = document(verificationMethod=[method(type="JsonWebKey2020", publicKeyMultibase=None, publicKeyJwk=secret)])
    (key,) = read_v2_contact(DID, written).keys
    assert "d" not in json.loads(key.key.get_jwk_public())
    with pytest.raises(Exception, match="secret"):
        key.key.get_secret_bytes()


def test_only_the_first_keys_of_a_long_document_are_looked_at() -> None:
    methods = [method(str(number)) for number in range(40)]
    listed = [f"#{number}" for number in range(40)]
    contact = read_v2_contact(DID, document(verificationMethod=methods, keyAgreement=listed))
    assert [key.kid for key in contact.keys] == [f"{DID}#{number}" for number in range(8)]
    signing = [method(str(number), publicKeyMultibase=multikey(KeyAlg.ED25519)) for number in range(16)]
    with pytest.raises(V2ContactError, match="found none"):
        read_v2_contact(DID, document(verificationMethod=[*signing, *methods[16:]], keyAgreement=listed))


def test_keys_that_sign_are_those_for_authentication_alone() -> None:
    signing, other = method("s", publicKeyMultibase=multikey(KeyAlg.ED25519)), method("o")
    both = document(verificationMethod=[method(), signing, other], authentication=["#s", "#o", f"{DID}#1", "#missing"])
    contact = read_v2_contact(DID, both)
    assert [key.kid for key in contact.signers] == [f"{DID}#s"]
    assert contact.signer(f"{DID}#s") is not None
    assert contact.signer(f"{DID}#1") is None
    assert read_v2_contact(DID, document(verificationMethod=[method(), signing])).signers == ()


def test_a_key_that_is_listed_twice_signs_once_and_few_are_looked_at() -> None:
    signing = [method(f"s{number}", publicKeyMultibase=multikey(KeyAlg.ED25519)) for number in range(20)]
    listed = ["#s0", "#s0", *(f"#s{number}" for number in range(1, 20))]
    contact = read_v2_contact(DID, document(verificationMethod=[method(), *signing], authentication=listed))
    assert [key.kid for key in contact.signers] == [f"{DID}#s0", f"{DID}#s1", f"{DID}#s2"]


@pytest.mark.parametrize(
    "members",
    [
        {"controller": "did:example:eve"},
        {"id": "did:example:eve#s"},
        {"publicKeyMultibase": multikey(KeyAlg.X25519)},
        {"publicKeyMultibase": None, "publicKeyJwk": {"kty": "EC", "crv": "P-384", "x": "A", "y": "A"}},
    ],
)
def test_a_key_that_is_not_the_dids_own_or_cannot_sign_is_none(members: dict[str, Any]) -> None:
    signing = {**method("s", publicKeyMultibase=multikey(KeyAlg.ED25519)), **members}
    assert read_v2_contact(DID, document(authentication=[signing])).signers == ()
