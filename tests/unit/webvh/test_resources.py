import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import base58
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wanderbuch.governance.facts.identifiers import DidUrl, ResourceId, WebvhDid
from wanderbuch.plugins.webvh.document import DidDocument, make_document
from wanderbuch.plugins.webvh.errors import ResourceError
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.resources import (
    AttestedResource,
    ResourceType,
    StatusLink,
    digest_of,
    sign_resource,
    signer_of,
    verify_resource,
)

DID = WebvhDid.parse(f"did:webvh:Qm{'a' * 44}:centre.example.test:org")
FOREIGN = WebvhDid.parse(f"did:webvh:Qm{'b' * 44}:centre.example.test:org")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SCHEMA = {"issuerId": DID, "attrNames": ["a"], "name": "qualification", "version": "1.0"}


class Signer:
    def __init__(self) -> None:
        self.pair = Ed25519PrivateKey.generate()
        self.public = self.pair.public_key().public_bytes_raw()

    def kid(self, did: str = DID) -> DidUrl:
        return DidUrl.parse(f"{did}#{to_multikey(self.public)}")

    async def sign(self, message: bytes) -> bytes:
        return self.pair.sign(message)


SIGNER, STRANGER = Signer(), Signer()
DOCUMENT = DidDocument.of(
    DID,
    "1-x",
    make_document(DID, assertion_keys=(SIGNER.public,), didcomm_key=STRANGER.public, didcomm_endpoint=None),
)


def link(letter: str, timestamp: int, did: WebvhDid = DID) -> StatusLink:
    return StatusLink(ResourceId.of(did, "zQm" + letter * 44), timestamp)


def resource(kind: ResourceType = ResourceType.SCHEMA, links: tuple[StatusLink, ...] = ()) -> AttestedResource:
    return AttestedResource.of(DID, kind, "qualification 1.0", SCHEMA, links)


async def signed(made: AttestedResource | None = None, *, by: Signer = SIGNER, kid: DidUrl | None = None) -> bytes:
    return await sign_resource(made or resource(), kid or by.kid(), by.sign)


async def resigned(change: Callable[[dict[str, Any]], object], by: Signer = SIGNER) -> bytes:
    """A resource that breaks a rule, with a signature that holds over what it says."""
    import hashlib

    import rfc8785

    document = json.loads(await signed())
    change(document)
    proof = document.pop("proof")
    if isinstance(proof, dict):
        proof.pop("proofValue")
        digest = hashlib.sha256(rfc8785.dumps(proof)).digest() + hashlib.sha256(rfc8785.dumps(document)).digest()
        proof["proofValue"] = "z" + base58.b58encode(by.pair.sign(digest)).decode()
    return json.dumps({**document, "proof": proof}).encode()


def verify(received: bytes, kind: ResourceType = ResourceType.SCHEMA, **other: Any) -> AttestedResource:
    asked = {"resource_id": resource().id, "kind": kind, "document": DOCUMENT, "at": NOW, **other}
    return verify_resource(received, **asked)


async def test_what_we_publish_has_the_form_that_every_peer_reads() -> None:
    document = json.loads(await signed())
    assert document["@context"] == [
        "https://identity.foundation/did-attested-resources/context/v0.1",
        "https://w3id.org/security/data-integrity/v2",
    ]
    assert document["type"] == ["AttestedResource"]
    digest = document["id"].removeprefix(f"{DID}/resources/")
    assert digest.startswith("zQm")
    assert document["metadata"] == {
        "resourceId": digest,
        "resourceType": "anonCredsSchema",
        "resourceName": "qualification 1.0",
    }
    assert "links" not in document
    proof = document["proof"]
    assert proof.pop("proofValue").startswith("z")
    assert proof == {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "proofPurpose": "assertionMethod",
        "verificationMethod": SIGNER.kid(),
    }


async def test_accepts_what_we_publish() -> None:
    assert verify(await signed()) == resource()


async def test_the_digest_does_not_depend_on_the_order_of_members() -> None:
    assert digest_of(dict(reversed(SCHEMA.items()))) == digest_of(SCHEMA)


async def test_links_come_back_oldest_first() -> None:
    links = (link("c", 30), link("d", 10), link("e", 20))
    made = resource(ResourceType.REV_REG_DEF, links)
    verified = verify(await signed(made), ResourceType.REV_REG_DEF)
    assert [link.timestamp for link in verified.links] == [10, 20, 30]


ACCEPTED: list[Callable[[dict[str, Any]], object]] = [
    lambda d: d.update(more="members"),
    lambda d: d.update(links=[]),
    lambda d: d["proof"].update(created="2026-01-01T00:00:00Z"),
    lambda d: d["proof"].update({"@context": d["@context"]}),
    lambda d: d["proof"].update(expires="2026-11-23T00:00:00Z"),
    lambda d: d["type"].append("Another"),
    lambda d: d["metadata"].update(resourceName="x"),
    lambda d: d["metadata"].pop("resourceName"),
]


@pytest.mark.parametrize("change", ACCEPTED)
async def test_accepts_variants_that_peers_publish(change: Callable[[dict[str, Any]], object]) -> None:
    assert verify(await resigned(change)).content == SCHEMA


def set_content(**members: Any) -> Callable[[dict[str, Any]], object]:
    """Change the content, and name the document after the new content."""

    def change(document: dict[str, Any]) -> None:
        document["content"] |= members

    return change


REFUSED: dict[str, Callable[[dict[str, Any]], object]] = {
    "another id": lambda d: d.update(id=f"{DID}/resources/zQm{'c' * 44}"),
    "content changed after naming": set_content(name="other"),
    "no content": lambda d: d.pop("content"),
    "content is no object": lambda d: d.update(content=[]),
    "no metadata": lambda d: d.pop("metadata"),
    "another digest in the metadata": lambda d: d["metadata"].update(resourceId=f"zQm{'c' * 44}"),
    "another type in the metadata": lambda d: d["metadata"].update(resourceType="anonCredsCredDef"),
    "type is a string": lambda d: d.update(type="AttestedResource"),
    "another type": lambda d: d.update(type=["Resource"]),
    "context is a string": lambda d: d.update({"@context": d["@context"][0]}),
    "no context": lambda d: d.pop("@context"),
    "proof is an array": lambda d: d.update(proof=[d["proof"]]),
    "no proof": lambda d: d.update(proof=None),
    "another proof type": lambda d: d["proof"].update(type="Ed25519Signature2020"),
    "another cryptosuite": lambda d: d["proof"].update(cryptosuite="eddsa-rdfc-2022"),
    "another purpose": lambda d: d["proof"].update(proofPurpose="authentication"),
    "no verification method": lambda d: d["proof"].pop("verificationMethod"),
    "verification method is no text": lambda d: d["proof"].update(verificationMethod=["x"]),
    "relative verification method": lambda d: d["proof"].update(verificationMethod="#" + SIGNER.kid().fragment),
    "expired proof": lambda d: d["proof"].update(expires="2026-11-21T23:59:59Z"),
    "proof with a meaningless expiry": lambda d: d["proof"].update(expires="soon"),
}


@pytest.mark.parametrize("defect", REFUSED)
async def test_refuses(defect: str) -> None:
    with pytest.raises(ResourceError):
        verify(await resigned(REFUSED[defect]))


async def test_refuses_content_that_names_another_issuer() -> None:
    made = AttestedResource.of(DID, ResourceType.SCHEMA, "x", {**SCHEMA, "issuerId": FOREIGN})
    with pytest.raises(ResourceError, match="issuerId"):
        verify(await signed(made), resource_id=made.id)


async def test_refuses_another_type_than_was_asked_for() -> None:
    with pytest.raises(ResourceError, match="anonCredsCredDef"):
        verify(await signed(), ResourceType.CRED_DEF)


async def test_refuses_a_signature_by_an_unrelated_did_key() -> None:
    multikey = to_multikey(STRANGER.public)
    kid = DidUrl.parse(f"did:key:{multikey}#{multikey}")
    with pytest.raises(ResourceError, match="another key"):
        verify(await signed(by=STRANGER, kid=kid))


async def test_refuses_a_signature_by_a_stranger_in_the_name_of_our_key() -> None:
    with pytest.raises(ResourceError, match="signature"):
        verify(await signed(by=STRANGER, kid=SIGNER.kid()))


async def test_refuses_a_signature_by_a_key_that_does_not_assert() -> None:
    assert STRANGER.kid() in [method["id"] for method in DOCUMENT.content["verificationMethod"]]
    with pytest.raises(ResourceError, match="another key"):
        verify(await signed(by=STRANGER))


async def test_refuses_a_signature_by_a_key_that_was_rotated_out() -> None:
    now = make_document(DID, assertion_keys=(STRANGER.public,), didcomm_key=SIGNER.public, didcomm_endpoint=None)
    with pytest.raises(ResourceError, match="another key"):
        verify(await signed(), document=DidDocument.of(DID, "2-y", now))


async def test_refuses_the_document_of_another_did() -> None:
    theirs = make_document(FOREIGN, assertion_keys=(SIGNER.public,), didcomm_key=STRANGER.public, didcomm_endpoint=None)
    with pytest.raises(ResourceError, match="another key"):
        verify(await signed(kid=SIGNER.kid(FOREIGN)), document=DidDocument.of(FOREIGN, "1-x", theirs))


@pytest.mark.parametrize("value", ["", "z", "m" + base64.b64encode(b"x" * 64).decode(), "zzzz", "z" + "1" * 5000, None])
async def test_refuses_a_proof_value_of_another_form(value: str | None) -> None:
    document = json.loads(await signed())
    document["proof"]["proofValue"] = value
    with pytest.raises(ResourceError):
        verify(json.dumps(document).encode())


async def test_refuses_members_added_after_signing() -> None:
    document = json.loads(await signed())
    with pytest.raises(ResourceError, match="signature"):
        verify(json.dumps({**document, "links": []}).encode())


BAD_LINKS: dict[str, Any] = {
    "no list": {},
    "a foreign list": [{"id": link("c", 1, FOREIGN).id, "type": "anonCredsStatusList", "timestamp": 1}],
    "no id": [{"type": "anonCredsStatusList", "timestamp": 1}],
    "no timestamp": [{"id": link("c", 1).id, "type": "anonCredsStatusList"}],
    "a timestamp as text": [{"id": link("c", 1).id, "type": "anonCredsStatusList", "timestamp": "1"}],
    "a timestamp that is true": [{"id": link("c", 1).id, "type": "anonCredsStatusList", "timestamp": True}],
    "two lists of one time": [
        {"id": link(letter, 1).id, "type": "anonCredsStatusList", "timestamp": 1} for letter in "cd"
    ],
}


@pytest.mark.parametrize("defect", BAD_LINKS)
async def test_refuses_links_with(defect: str) -> None:
    def change(document: dict[str, Any]) -> None:
        document["metadata"]["resourceType"] = "anonCredsRevocRegDef"
        document["links"] = BAD_LINKS[defect]

    with pytest.raises(ResourceError):
        verify(await resigned(change), ResourceType.REV_REG_DEF)


async def test_ignores_links_to_other_things() -> None:
    def change(document: dict[str, Any]) -> None:
        document["metadata"]["resourceType"] = "anonCredsRevocRegDef"
        document["links"] = [{"id": "https://example.test", "type": "other"}, 7]

    assert verify(await resigned(change), ResourceType.REV_REG_DEF).links == ()


@pytest.mark.parametrize("received", [b"", b"null", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"content": 1e999}'])
def test_refuses_what_is_no_resource(received: bytes) -> None:
    with pytest.raises(ResourceError):
        verify(received)


@pytest.mark.parametrize("received", [b"", b"{}", b"[]", b"[" * 100_000, b'{"proof":{"verificationMethod":"x"}}'])
def test_what_is_no_resource_names_no_signer(received: bytes) -> None:
    assert signer_of(received) is None


@pytest.mark.parametrize("member", ["content", "metadata", "proof", "id"])
async def test_refuses_a_resource_that_says_something_twice(member: str) -> None:
    received = await signed()
    document = json.dumps(json.loads(received)[member]).encode()
    twice = b'{"' + member.encode() + b'":' + document + b"," + received[1:]
    assert signer_of(twice) is None
    with pytest.raises(ResourceError, match="twice"):
        verify(twice)


async def test_refuses_a_resource_that_is_nested_beyond_reading() -> None:
    received = (await signed())[:-1] + b',"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(ResourceError, match="nesting"):
        verify(received)
