"""The DID document of a did:webvh DID: how we write it, and which keys we take from one.

Sources: DID Core 1.0 §5; Controlled Identifiers 1.0 §2.2; Aries RFC 0067 (`did-communication` service); DIDComm
Messaging 2.1 §DID Document Service Endpoint (`DIDCommMessaging`).

A key of a document counts for assertions only if (1) its id stands in `assertionMethod`, or it is embedded there;
(2) the id and the controller are of this DID, by any of its names; (3) it is an Ed25519 key in a form we know.

A DID that moved has several names (did:webvh 1.0, DID Portability). A key of its document goes by its fragment under
each of them: what was signed under the old name is still checked with it, as long as the key stands there.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from wanderbuch.governance.facts.identifiers import DidUrl, IdentifierError, WebvhDid
from wanderbuch.plugins.webvh.keys import from_multikey, to_multikey

_CONTEXT: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")
# Aries RFC 0211 and RFC 0360: what an agent that speaks AIP 2.0 accepts.
_ENVELOPE: Final = "didcomm/aip2;env=rfc19"
_V2: Final = "didcomm/v2"
_MULTIBASE_TYPES: Final = frozenset({"Multikey", "Ed25519VerificationKey2020"})
_JWK_TYPES: Final = frozenset({"JsonWebKey", "JsonWebKey2020"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DidDocument:
    """The document of a DID as its verified log states it now.

    Args:
        did: whose document, by the name that was asked for.
        names: every name of that DID, the present one first.
        version_id: the log entry that it comes from.
        content: the document; not to be changed.
        assertion_keys: verification method -> raw 32-byte Ed25519 public key, of those that may assert now.
    """

    did: WebvhDid
    names: tuple[WebvhDid, ...]
    version_id: str
    content: Mapping[str, Any]
    assertion_keys: Mapping[DidUrl, bytes]

    @classmethod
    def of(
        cls, did: WebvhDid, version_id: str, content: Mapping[str, Any], names: Sequence[WebvhDid] = ()
    ) -> "DidDocument":
        """Return the document `content` of `did`, which a verified log holds; without `names` it never moved."""
        named = tuple(names) or (did,)
        return cls(did, named, version_id, content, MappingProxyType(_assertion_keys(named, content)))


@dataclass(frozen=True, slots=True)
class Service:
    """A service beside DIDComm, such as the address of the governance file.

    Args:
        fragment: its id within the document.
        type: the word by which others look for it.
        endpoint: its https address.
    """

    fragment: str
    type: str
    endpoint: str


def make_document(
    did: str,
    *,
    assertion_keys: tuple[bytes, ...],
    didcomm_key: bytes,
    didcomm_endpoint: str | None,
    services: Sequence[Service] = (),
    agreement_keys: Sequence[str] = (),
) -> Json:
    """Return a document that ACA-Py and Credo wallets read.

    Args:
        did: the DID; it may still hold the `{SCID}` placeholder.
        assertion_keys: raw Ed25519 public keys that sign resources and governance files, the current one first.
        didcomm_key: raw Ed25519 public key to encrypt DIDComm messages to; Credo wants it in `authentication`.
        didcomm_endpoint: where DIDComm messages go, or None if the DID takes none.
        services: what else it names.
        agreement_keys: Multikeys for key agreement; with them it takes DIDComm v2 at the same endpoint, too.
    """
    keys = {f"{did}#{to_multikey(key)}": to_multikey(key) for key in (*assertion_keys, didcomm_key)}
    didcomm_id = f"{did}#{to_multikey(didcomm_key)}"
    document: Json = {
        "@context": list(_CONTEXT),
        "id": did,
        "verificationMethod": [
            {"id": key_id, "type": "Multikey", "controller": did, "publicKeyMultibase": multikey}
            for key_id, multikey in keys.items()
        ],
        "authentication": [didcomm_id],
        "assertionMethod": [f"{did}#{to_multikey(key)}" for key in assertion_keys],
    }
    if agreement_keys:
        document["keyAgreement"] = [f"{did}#{key}" for key in agreement_keys]
        document["verificationMethod"] += [
            {"id": f"{did}#{key}", "type": "Multikey", "controller": did, "publicKeyMultibase": key}
            for key in agreement_keys
        ]
    listed: list[Json] = []
    if didcomm_endpoint is not None:
        listed.append(
            {
                "id": f"{did}#did-communication",
                "type": "did-communication",
                "priority": 0,
                "recipientKeys": [didcomm_id],
                "routingKeys": [],
                "accept": [_ENVELOPE],
                "serviceEndpoint": didcomm_endpoint,
            }
        )
        if agreement_keys:
            endpoint = {"uri": didcomm_endpoint, "accept": [_V2], "routingKeys": []}
            listed.append({"id": f"{did}#didcomm-v2", "type": "DIDCommMessaging", "serviceEndpoint": endpoint})
    listed.extend(
        {"id": f"{did}#{service.fragment}", "type": service.type, "serviceEndpoint": service.endpoint}
        for service in services
    )
    if listed:
        document["service"] = listed
    return document


def _assertion_keys(names: tuple[WebvhDid, ...], content: Mapping[str, Any]) -> dict[DidUrl, bytes]:
    methods = {
        key_id: method
        for method in _list(content.get("verificationMethod"))
        if (key_id := _key_id(names, _of(method, "id"))) is not None
    }
    keys: dict[DidUrl, bytes] = {}
    for reference in _list(content.get("assertionMethod")):  # rule 1
        embedded = isinstance(reference, Mapping)
        key_id = _key_id(names, _of(reference, "id") if embedded else reference)
        method = reference if embedded else methods.get(key_id) if key_id else None
        if key_id is None or method is None or _of(method, "controller") not in names:  # rule 2
            continue
        key = _public_key(method)  # rule 3
        if key is not None:
            keys[key_id] = key
    if len(names) > 1:
        for key_id, key in list(keys.items()):
            for name in names:
                keys.setdefault(DidUrl.parse(f"{name}#{key_id.fragment}"), key)
    return keys


def _key_id(names: tuple[WebvhDid, ...], text: object) -> DidUrl | None:
    if not isinstance(text, str):
        return None
    try:
        url = DidUrl.parse(names[0] + text if text.startswith("#") else text)
    except IdentifierError:
        return None
    return url if url.did in names else None


def _public_key(method: Mapping[str, Any]) -> bytes | None:
    kind = str(method.get("type"))  # anything may stand there
    try:
        if kind in _MULTIBASE_TYPES:
            return from_multikey(method.get("publicKeyMultibase"))
        jwk = method.get("publicKeyJwk")
        if kind in _JWK_TYPES and isinstance(jwk, Mapping) and (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519"):
            key = base64.b64decode(str(jwk.get("x")) + "=", altchars=b"-_", validate=True)
            return key if len(key) == 32 else None
    except (ValueError, binascii.Error):
        return None
    return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _of(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None
