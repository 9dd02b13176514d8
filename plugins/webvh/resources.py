"""Attested resources: AnonCreds objects with a proof by their publisher's DID. No I/O.

Sources: DID Attested Resources 0.1; did:webvh AnonCreds Method; Data Integrity EdDSA Cryptosuites 1.0 §3.3
(`eddsa-jcs-2022`); RFC 8785 (JCS).

A received resource counts only if every rule holds:

1. It is a JSON object with the attested-resource type and context, and its id is the id that was asked for, by any name
   of the DID.
2. The id's digest, and `metadata.resourceId`, is the digest of its content.
3. Its type is the one that was asked for.
4. `content.issuerId` is the DID of the id.
5. The proof is one `eddsa-jcs-2022` assertion, not expired.
6. The proof's key is of that same DID, by any of its names, and stands in its `assertionMethod` now.
7. The signature holds over the whole document.
8. Status lists in `links` are resources of the same DID, each with its own timestamp.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import base58
import rfc8785

from wanderbuch.canonical_json import canonical
from wanderbuch.governance.facts.identifiers import DidUrl, IdentifierError, ResourceId, WebvhDid
from wanderbuch.plugins.webvh.document import DidDocument
from wanderbuch.plugins.webvh.errors import ResourceError
from wanderbuch.plugins.webvh.keys import from_multibase, is_signed
from wanderbuch.strict_json import StrictJsonError, read_strict_json

_CONTEXT: Final = "https://identity.foundation/did-attested-resources/context/v0.1"
_PROOF_CONTEXT: Final = "https://w3id.org/security/data-integrity/v2"
_TYPE: Final = "AttestedResource"
_CRYPTOSUITE: Final = "eddsa-jcs-2022"
_MAX_TIMESTAMP: Final = 2**40
_MAX_BYTES: Final = 4 * 1024 * 1024  # a status list of a very large registry
_MAX_DEPTH: Final = 32
_SHA2_256: Final = b"\x12\x20"

Sign = Callable[[bytes], Awaitable[bytes]]


class ResourceType(StrEnum):
    """What an attested resource holds (did:webvh AnonCreds Method)."""

    SCHEMA = "anonCredsSchema"
    CRED_DEF = "anonCredsCredDef"
    REV_REG_DEF = "anonCredsRevocRegDef"
    STATUS_LIST = "anonCredsStatusList"


@dataclass(frozen=True, slots=True)
class StatusLink:
    """A status list of a revocation registry, and the instant (seconds since 1970) from which it is in force."""

    id: ResourceId
    timestamp: int


@dataclass(frozen=True, slots=True)
class AttestedResource:
    """A resource of ours, or one that keeps all rules.

    Args:
        id: its id; names the content by its digest.
        type: what it holds.
        name: for people.
        content: the AnonCreds object as JSON; not to be changed.
        links: status lists, of a revocation registry definition only, oldest first.
    """

    id: ResourceId
    type: ResourceType
    name: str
    content: Mapping[str, Any]
    links: tuple[StatusLink, ...] = ()

    @classmethod
    def of(
        cls,
        did: WebvhDid,
        kind: ResourceType,
        name: str,
        content: Mapping[str, Any],
        links: tuple[StatusLink, ...] = (),
    ) -> "AttestedResource":
        """Return a resource of `did`; its id follows from the content."""
        return cls(ResourceId.of(did, digest_of(content)), kind, name, content, links)

    def unsigned(self) -> dict[str, Any]:
        """Return the document without its proof."""
        document: dict[str, Any] = {
            "@context": [_CONTEXT, _PROOF_CONTEXT],
            "type": [_TYPE],
            "id": self.id,
            "content": dict(self.content),
            "metadata": {"resourceId": self.id.digest, "resourceType": self.type.value, "resourceName": self.name},
        }
        if self.links:
            document["links"] = [
                {"id": link.id, "type": ResourceType.STATUS_LIST.value, "timestamp": link.timestamp}
                for link in self.links
            ]
        return document


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the multibase base58btc of the sha2-256 multihash of the JCS form of `content`.

    Raises:
        ResourceError: it has no JCS form.
    """
    return "z" + str(base58.b58encode(_SHA2_256 + hashlib.sha256(_jcs(content)).digest()), "ascii")


async def sign_resource(resource: AttestedResource, kid: DidUrl, sign: Sign) -> bytes:
    """Return the resource as it is published.

    Args:
        resource: what to sign.
        kid: a verification method in the `assertionMethod` of the resource's DID.
        sign: returns the Ed25519 signature by that key.
    """
    document = resource.unsigned()
    proof: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": _CRYPTOSUITE,
        "proofPurpose": "assertionMethod",
        "verificationMethod": kid,
    }
    signature = await sign(_signed_bytes(document, proof))
    proof["proofValue"] = "z" + str(base58.b58encode(signature), "ascii")
    return json.dumps({**document, "proof": proof}, separators=(",", ":")).encode()


def signer_of(received: bytes) -> DidUrl | None:
    """Return the key that an unverified resource names as its signer, or None."""
    try:
        return DidUrl.parse(_read(received)["proof"]["verificationMethod"])
    except (StrictJsonError, KeyError, TypeError, IdentifierError):
        return None


@dataclass(frozen=True, slots=True)
class Vouched:
    """What of a DID document a verified resource rests on: while that stands, it is verified still.

    Args:
        did: of the document.
        names: of the DID.
        kid: the key that signed.
        key: its public bytes.
    """

    did: WebvhDid
    names: tuple[WebvhDid, ...]
    kid: DidUrl
    key: bytes

    @classmethod
    def by(cls, verified: bytes, document: DidDocument) -> "Vouched | None":
        """Return what a resource rests on that `verify_resource` took; None if its proof expires some day."""
        proof = _read(verified)["proof"]
        kid = DidUrl.parse(proof["verificationMethod"])
        key = document.assertion_keys.get(kid)
        if key is None or "expires" in proof:
            return None
        return cls(document.did, tuple(document.names), kid, key)

    def stands_in(self, document: DidDocument) -> bool:
        """Return whether a document, perhaps a newer one, still says the same."""
        return (self.did, self.names, self.key) == (
            document.did,
            tuple(document.names),
            document.assertion_keys.get(self.kid),
        )


def verify_resource(
    received: bytes, *, resource_id: ResourceId, kind: ResourceType, document: DidDocument, at: datetime
) -> AttestedResource:
    """Check a received resource against all rules.

    Args:
        received: what the host served.
        resource_id: what was asked for.
        kind: the type that was asked for.
        document: the present document of the DID of `resource_id`.
        at: the instant, in UTC.

    Raises:
        ResourceError: a rule is broken.
    """
    try:
        outer = _read(received)
    except StrictJsonError as err:
        raise ResourceError(f"{resource_id} is not usable JSON: {err.message}") from err
    # Rule 1
    _check(isinstance(outer, dict), resource_id, "a JSON object")
    _check(_holds(outer.get("type"), _TYPE), resource_id, f"a list of types with {_TYPE}")
    _check(_holds(outer.get("@context"), _CONTEXT), resource_id, f"a list of contexts with {_CONTEXT}")
    ids = [ResourceId.of(name, resource_id.digest) for name in (resource_id.did, *document.names)]
    _check(outer.get("id") in ids, resource_id, "the id that was asked for")
    # Rule 2
    content, metadata = outer.get("content"), outer.get("metadata")
    _check(isinstance(content, dict) and digest_of(content) == resource_id.digest, resource_id, "the content it names")
    _check(isinstance(metadata, dict), resource_id, "metadata")
    _check(metadata.get("resourceId") == resource_id.digest, resource_id, "its own digest as metadata.resourceId")
    # Rule 3
    _check(metadata.get("resourceType") == kind.value, resource_id, f"the resource type {kind.value}")
    # Rule 4
    _check(content.get("issuerId") == resource_id.did, resource_id, "the DID of its id as issuerId")
    # Rules 5 to 7
    proof = outer.pop("proof", None)
    _check_proof(resource_id, outer, proof, document, at)
    # Rule 8
    links = _status_links(resource_id, outer.get("links", [])) if kind is ResourceType.REV_REG_DEF else ()
    return AttestedResource(resource_id, kind, str(metadata.get("resourceName", "")), content, links)


def _read(received: bytes) -> Any:
    return read_strict_json(received, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH, fractions=True)


def _check_proof(
    resource_id: ResourceId, outer: dict[str, Any], proof: Any, document: DidDocument, at: datetime
) -> None:
    _check(isinstance(proof, dict), resource_id, "one proof")  # rule 5
    form = (proof.get("type"), proof.get("cryptosuite"), proof.get("proofPurpose"))
    _check(form == ("DataIntegrityProof", _CRYPTOSUITE, "assertionMethod"), resource_id, f"an {_CRYPTOSUITE} assertion")
    _check(not _is_expired(proof.get("expires"), at), resource_id, "a proof that has not expired")
    kid = proof.get("verificationMethod")  # rule 6
    keys = document.assertion_keys if document.did == resource_id.did else {}
    key = next((key for url, key in keys.items() if url == kid), None)
    if key is None:
        raise ResourceError(
            f"expected {resource_id} to be signed by a key in the assertionMethod of its DID, found another key"
        )
    options = {name: value for name, value in proof.items() if name != "proofValue"}  # rule 7
    try:
        signature = from_multibase(proof.get("proofValue"), max_length=128)
    except ValueError as err:
        raise ResourceError(f"expected a multibase signature on {resource_id}") from err
    _check(is_signed(key, _signed_bytes(outer, options), signature), resource_id, "a signature that holds")


def _status_links(resource_id: ResourceId, links: Any) -> tuple[StatusLink, ...]:
    _check(isinstance(links, list), resource_id, "a list of links")
    by_time: dict[int, StatusLink] = {}
    for link in links:
        if not isinstance(link, dict) or link.get("type") != ResourceType.STATUS_LIST.value:
            continue
        timestamp = link.get("timestamp")
        try:
            status_id = ResourceId.parse(link.get("id"))
        except IdentifierError as err:
            raise ResourceError(f"{resource_id} links to a status list without a proper id") from err
        _check(status_id.did == resource_id.did, resource_id, "status lists of its own DID")
        if type(timestamp) is not int or not 0 < timestamp < _MAX_TIMESTAMP:
            raise ResourceError(f"{resource_id} links to a status list without a timestamp")
        _check(timestamp not in by_time, resource_id, "one status list for each timestamp")
        by_time[timestamp] = StatusLink(status_id, timestamp)
    return tuple(by_time[timestamp] for timestamp in sorted(by_time))


def _is_expired(expires: Any, at: datetime) -> bool:
    if expires is None:
        return False
    try:
        instant = datetime.fromisoformat(expires)
    except (ValueError, TypeError):
        return True
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) <= at


def _signed_bytes(document: Mapping[str, Any], options: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(_jcs(options)).digest() + hashlib.sha256(_jcs(document)).digest()


def _jcs(value: Mapping[str, Any]) -> bytes:
    try:
        return canonical(dict(value))
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError, TypeError) as err:
        raise ResourceError("a resource has no canonical JSON form (RFC 8785)") from err


def _holds(values: Any, wanted: str) -> bool:
    return isinstance(values, list) and wanted in values


def _check(holds: bool, resource_id: ResourceId, expected: str) -> None:
    if not holds:
        raise ResourceError(f"expected {expected} in {resource_id}, found something else")
