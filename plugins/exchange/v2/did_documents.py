"""What a DID document says to who wants to write DIDComm v2: keys for key agreement, and where to deliver.

1. Keys are those that `keyAgreement` lists, by reference or embedded, on a curve of `CURVES`, whose controller is the
   DID. An Ed25519 key is none, whatever it could be converted to; nor is an X25519 key of small order. Those that sign
   are likewise those that `authentication` lists.
2. Their ids become whole DID URLs of the DID as it was asked for; two keys of one id make the document unusable.
3. A service is a `DIDCommMessaging` that takes `didcomm/v2`, or does not say what it takes. Its endpoint is an object
   with `uri`, or a list of them, in order of preference; a bare text counts too, since many write one (DIDComm
   Messaging 2.1 §DID Document Service Endpoint). Only https addresses count, and the DID of a mediator.
4. Who has a service of v1, too, takes v1 as well: `takes_v1`.

Whoever writes a document chooses what stands in it, so everything is bounded.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from aries_askar import AskarError, Key, KeyAlg

from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey
from wanderbuch.plugins.exchange.v2.jwe import CURVES, did_of
from wanderbuch.plugins.exchange.v2.low_order import is_low_order
from wanderbuch.plugins.exchange.v2.signed import SIGNATURE_CURVES, SignatureKey
from wanderbuch.plugins.webvh.keys import from_multibase

SERVICE: Final = "DIDCommMessaging"
PROFILE: Final = "didcomm/v2"
_V1_SERVICES: Final = frozenset({"did-communication", "IndyAgent"})
_MAX_LISTED: Final = 64
_MAX_KEYS: Final = 8
_MAX_SIGNERS: Final = 4
_MAX_TRIED: Final = 16  # whether a point lies on its curve takes half a millisecond
_MAX_SIGNERS_TRIED: Final = 8
_MAX_ROUTING_KEYS: Final = 4
_MAX_URI_CHARS: Final = 2_048
_CODECS: Final[Mapping[bytes, KeyAlg]] = {
    b"\xec\x01": KeyAlg.X25519,
    b"\x80\x24": KeyAlg.P256,
    b"\x81\x24": KeyAlg.P384,
}
_SIGNATURE_CODECS: Final[Mapping[bytes, KeyAlg]] = {
    b"\xed\x01": KeyAlg.ED25519,
    b"\x80\x24": KeyAlg.P256,
    b"\xe7\x01": KeyAlg.K256,
}
_RAW_BYTES: Final = 32  # of a key on X25519 or Ed25519
_RAW: Final[Mapping[str, KeyAlg]] = {
    "X25519KeyAgreementKey2019": KeyAlg.X25519,
    "X25519KeyAgreementKey2020": KeyAlg.X25519,
    "Ed25519VerificationKey2018": KeyAlg.ED25519,
    "Ed25519VerificationKey2020": KeyAlg.ED25519,
}
"""Types of key whose text may be the bare key, without its multicodec prefix."""
_IN_BASE58: Final = frozenset({"X25519KeyAgreementKey2019", "Ed25519VerificationKey2018"})


class V2ContactError(ExchangeError):
    """A DID document does not say how to write DIDComm v2 to who has it; never says what stood there."""

    code = "exchange.contact"


@dataclass(frozen=True, slots=True)
class V2Contact:
    """How to write to somebody.

    Args:
        did: theirs, as it was asked for.
        keys: for key agreement, at least one, in the document's order.
        uri: where to deliver: an https address, or a mediator's DID; None: they take what is for them when they write.
        routing_keys: of mediators on the way, as DID URLs or DIDs, the nearest to us first.
        takes_v1: whether the document has a service of v1, too.
        signers: keys that sign for them, if there are any.
    """

    did: str
    keys: tuple[AgreementKey, ...]
    uri: str | None
    routing_keys: tuple[str, ...] = ()
    takes_v1: bool = False
    signers: tuple[SignatureKey, ...] = ()

    def key(self, kid: str) -> AgreementKey | None:
        """Return the key of this id, None if the document lists none for key agreement."""
        return next((key for key in self.keys if key.kid == kid), None)

    def signer(self, kid: str) -> SignatureKey | None:
        """Return the key of this id that signs, None if the document lists none for authentication."""
        return next((key for key in self.signers if key.kid == kid), None)

    def keys_like(self, own: Key) -> tuple[AgreementKey, ...]:
        """Return the keys on the curve of one of ours."""
        return tuple(key for key in self.keys if key.key.algorithm == own.algorithm)


def read_v2_contact(did: str, document: Mapping[str, Any]) -> V2Contact:
    """Return what a DID document says (1 to 3).

    Raises:
        V2ContactError: it lists no key for key agreement that we can use, or contradicts itself.
    """
    methods = _methods(did, document)
    agreement = _listed_keys(did, document, "keyAgreement", _MAX_TRIED, methods, _agreement_key)
    keys = tuple(AgreementKey(kid, key) for kid, key in islice(agreement, _MAX_KEYS))
    if not keys:
        raise V2ContactError(
            f"expected a key for key agreement ({', '.join(CURVES)}) in the DID document, found none",
            hint="its owner lists one in keyAgreement",
        )
    if len({key.kid for key in keys}) != len(keys):
        raise V2ContactError("expected each key of the DID document to have an id of its own")
    authentication = _listed_keys(did, document, "authentication", _MAX_SIGNERS_TRIED, methods, _signature_key)
    signers = {kid: SignatureKey(kid, key) for kid, key in islice(authentication, _MAX_SIGNERS)}
    uri, routing_keys = next(_endpoints(document), (None, ()))
    takes_v1 = any(_member(service, "type") in _V1_SERVICES for service in _listed(document, "service"))
    return V2Contact(did, keys, uri, routing_keys, takes_v1, tuple(signers.values()))


def _methods(did: str, document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the verification methods that a document names, by their ids."""
    methods: dict[str, Mapping[str, Any]] = {}
    for method in _listed(document, "verificationMethod"):
        if isinstance(method, Mapping) and (kid := _kid(did, document, method.get("id"))) is not None:
            if kid in methods:
                raise V2ContactError("expected each key of the DID document to have an id of its own")
            methods[kid] = method
    return methods


def _listed_keys(
    did: str,
    document: Mapping[str, Any],
    purpose: str,
    most: int,
    methods: Mapping[str, Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], Key | None],
) -> Iterator[tuple[str, Key]]:
    """Yield the ids and keys that a document lists for a purpose, as far as they are the DID's own and can be used."""
    for listed in _listed(document, purpose)[:most]:
        embedded = isinstance(listed, Mapping)
        kid = _kid(did, document, listed.get("id") if embedded else listed)
        method = listed if embedded else methods.get(kid or "")
        if kid is None or method is None or not _is_own(did, document, method.get("controller", did)):
            continue
        if (key := read(method)) is not None:
            yield kid, key


def _kid(did: str, document: Mapping[str, Any], reference: object) -> str | None:
    """Return a key's id as a DID URL of `did`, None if it is another's key."""
    if not isinstance(reference, str) or not reference.partition("#")[2]:
        return None
    owner, _, fragment = reference.partition("#")
    return f"{did}#{fragment}" if not owner or _is_own(did, document, owner) else None


def _is_own(did: str, document: Mapping[str, Any], name: object) -> bool:
    return name in (did, document.get("id"))


def _agreement_key(method: Mapping[str, Any]) -> Key | None:
    key = _public_key(method, CURVES, _CODECS)
    return None if key is None or is_low_order(key) else key


def _signature_key(method: Mapping[str, Any]) -> Key | None:
    return _public_key(method, SIGNATURE_CURVES, _SIGNATURE_CODECS)


def _public_key(method: Mapping[str, Any], curves: Mapping[str, KeyAlg], codecs: Mapping[bytes, KeyAlg]) -> Key | None:
    """Return the key of a verification method, None if it has none on one of these curves."""
    kind, jwk = method.get("type"), method.get("publicKeyJwk")
    try:
        if isinstance(jwk, Mapping):
            curve, public = jwk.get("crv"), {name: jwk.get(name) for name in ("kty", "crv", "x", "y") if name in jwk}
            return Key.from_jwk(json.dumps(public)) if isinstance(curve, str) and curve in curves else None
        text = method.get("publicKeyMultibase")
        if text is None and kind in _IN_BASE58:
            text = f"z{method.get('publicKeyBase58')}"
        raw = from_multibase(text, max_length=128)
        if (algorithm := codecs.get(raw[:2])) is not None and len(raw) != _RAW_BYTES:
            return Key.from_public_bytes(algorithm, raw[2:])
        algorithm = _RAW.get(kind) if isinstance(kind, str) else None
        return Key.from_public_bytes(algorithm, raw) if algorithm in codecs.values() else None
    except (AskarError, ValueError):
        return None


def _endpoints(document: Mapping[str, Any]) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    for service in _listed(document, "service"):
        if not isinstance(service, Mapping) or service.get("type") != SERVICE:
            continue
        endpoint = service.get("serviceEndpoint")
        for listed in endpoint if isinstance(endpoint, list) else [endpoint]:
            members = {**service, "uri": listed} if isinstance(listed, str) else listed
            if not isinstance(members, Mapping) or not _takes_v2(members):
                continue
            uri, routing_keys = members.get("uri"), _listed(members, "routingKeys")
            if not isinstance(uri, str) or not uri.startswith(("https://", "did:")) or len(uri) > _MAX_URI_CHARS:
                continue
            if len(routing_keys) > _MAX_ROUTING_KEYS or not all(_is_did_url(key) for key in routing_keys):
                raise V2ContactError(f"expected at most {_MAX_ROUTING_KEYS} routing keys, each a DID URL")
            yield uri, tuple(routing_keys)


def _takes_v2(endpoint: Mapping[str, Any]) -> bool:
    accept = endpoint.get("accept")
    return accept is None or (isinstance(accept, list) and PROFILE in accept)


def _is_did_url(text: object) -> bool:
    return isinstance(text, str) and did_of(text).startswith("did:") and len(text) <= _MAX_URI_CHARS


def _member(value: object, name: str) -> object:
    member = value.get(name) if isinstance(value, Mapping) else None
    return member if isinstance(member, str) else None


def _listed(document: Mapping[str, Any], name: str) -> list[Any]:
    listed = document.get(name, [])
    if not isinstance(listed, list):
        return []
    if len(listed) > _MAX_LISTED:
        raise V2ContactError(f"expected at most {_MAX_LISTED} elements in {name} of the DID document")
    return listed
