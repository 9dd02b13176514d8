"""Where somebody can be reached, and which keys speak for them: read from a DID document that they wrote.

1. did:key and did:peer (2 and 4) are their own document; others are resolved by ACA-Py's resolver, which has ours for
   did:webvh.
2. A DIDComm service is one of the type `did-communication` (Aries RFC 0067) or `IndyAgent` (RFC 0023) with keys that
   receive there. Of several, the one of the highest priority with an https address counts; else the first.
3. A key is a DID URL into the document, whose keys stand in `verificationMethod`, in `publicKey` or inline in a
   relationship; or a did:key; or bare base58, as `IndyAgent` has it. Only Ed25519 keys count.
4. Who has no service has the keys of `authentication`, and no address: they take what is for them when they write.

Whoever writes a document chooses what stands in it: so everything is bounded, and a key counts for its sender only if
the envelope proves it.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import did_peer_2
from acapy_agent.core.error import BaseError
from acapy_agent.core.profile import Profile
from acapy_agent.resolver.base import DIDMethodNotSupported, DIDNotFound
from acapy_agent.resolver.did_resolver import DIDResolver

from wanderbuch.errors import ExchangeError, ResolutionError
from wanderbuch.plugins.exchange.channel import QUEUE
from wanderbuch.plugins.webvh.base58_text import from_base58, to_base58
from wanderbuch.plugins.webvh.foreign_dids import (
    ED25519_CODEC,
    ForeignDidError,
    check_did,
    check_did_key,
    peer_4_document,
)
from wanderbuch.plugins.webvh.keys import from_multibase, from_multikey

_SERVICES: Final = frozenset({"did-communication", "IndyAgent"})
_METHODS: Final = ("verificationMethod", "publicKey")
_RELATIONSHIPS: Final = ("authentication", "keyAgreement", "assertionMethod")
_MAX_LISTED: Final = 64
_MAX_KEYS: Final = 8
_MAX_ROUTING_KEYS: Final = 4
_MAX_ENDPOINT_CHARS: Final = 2_048
_KEY_BYTES: Final = 32
_MAX_REMEMBERED: Final = 1024
_PEER_4: Final = "did:peer:4"


class ContactError(ExchangeError):
    """A DID, or its document, does not say who may write and where; never says what stood there."""

    code = "exchange.contact"


@dataclass(frozen=True, slots=True)
class Contact:
    """How to reach somebody.

    Args:
        did: theirs.
        keys: that speak for them, Ed25519, base58; those of the service that counts first.
        endpoint: of the service; `didcomm:transport/queue` if there is none.
        routing_keys: of the service, base58.
    """

    did: str
    keys: tuple[str, ...]
    endpoint: str
    routing_keys: tuple[str, ...] = ()


async def resolve_contact(profile: Profile, did: object) -> Contact:
    """Return how to reach who has a DID.

    Raises:
        ContactError: it is malformed, or its document does not say.
        ResolutionError: its document could not be fetched.
    """
    checked, document = await resolve_document(profile, did)
    return read_contact(checked, document)


async def resolve_document(profile: Profile, did: object) -> tuple[str, Mapping[str, Any]]:
    """Return a DID as text, and its document (1).

    Raises:
        ContactError: it is malformed, or leads to no document.
        ResolutionError: its document could not be fetched.
    """
    checked, document = _at_hand(did)
    return checked, await _resolved(profile, checked) if document is None else document


def contact_at_hand(did: object) -> Contact | None:
    """Return how to reach who has a DID that is its own document (1); None: that would have to be fetched.

    Raises:
        ContactError: it is malformed, or its document does not say.
    """
    checked, document = _at_hand(did)
    return None if document is None else read_contact(checked, document)


def read_contact(did: str, document: Mapping[str, Any]) -> Contact:
    """Return what a DID document says (2 to 4).

    Raises:
        ContactError: it does not name a key that we can use.
    """
    methods = _methods(document)
    services = sorted(_services(document, methods), key=lambda service: service[0])
    if services:
        keys = dict.fromkeys(key for service in services for key in service[1].keys)
        best = next((service for _, service in services if service.endpoint.startswith("https://")), services[0][1])
        ordered = dict.fromkeys((*best.keys, *keys))
        return Contact(did, tuple(ordered), best.endpoint, best.routing_keys)
    own = tuple(dict.fromkeys(_relationship_keys(document, "authentication", methods)))
    if not own:
        raise ContactError("expected an Ed25519 key in the DID document, found none")
    return Contact(did, own[:_MAX_KEYS], QUEUE)


def key_of_did_key(reference: object) -> str:
    """Return the Ed25519 key of a did:key (or a reference to it), base58.

    Raises:
        ForeignDidError: it is none.
    """
    if not isinstance(reference, str):
        raise ForeignDidError("expected a did:key, found something else")
    return _ed25519(reference)


@lru_cache(_MAX_REMEMBERED)  # of few, those of an invitation and of its mediators, which are read in every exchange
def _ed25519(reference: str) -> str:
    bare = check_did_key(reference, codec=ED25519_CODEC).removeprefix("did:key:").partition("#")[0]
    return to_base58(from_multikey(bare))


def bare_key(reference: object) -> str | None:
    """Return the Ed25519 key that a did:key or bare base58 stands for, base58; None if it stands for none."""
    return _referred(reference, {})


def _at_hand(did: object) -> tuple[str, Mapping[str, Any] | None]:
    """Return a DID as text, and its document if it is its own; ContactError: it is malformed."""
    try:
        if isinstance(did, str) and did.startswith(_PEER_4) and (document := peer_4_document(did)) is not None:
            return did, document
        checked = check_did(did)
    except ForeignDidError as err:
        raise ContactError(err.message) from err
    try:
        if checked.startswith("did:key:"):
            return checked, {"verificationMethod": [], "authentication": [checked]}
        if checked.startswith("did:peer:2"):
            return checked, dict(did_peer_2.resolve(checked))
    except Exception as err:  # the decoders fail in many ways on hostile DIDs; all of them refuse
        raise ContactError("the DID cannot be decoded") from err
    return checked, None


async def _resolved(profile: Profile, did: str) -> Mapping[str, Any]:
    try:
        document = await profile.inject(DIDResolver).resolve(profile, did)
    except (DIDNotFound, DIDMethodNotSupported) as err:
        raise ContactError("expected a DID that can be resolved, found one that cannot") from err
    except BaseError as err:
        raise ResolutionError("a DID of the other side could not be resolved", hint="try again later") from err
    return dict(document)


@dataclass(frozen=True, slots=True)
class _Service:
    keys: tuple[str, ...]
    endpoint: str
    routing_keys: tuple[str, ...]


def _methods(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the Ed25519 keys of a document by the end of their ids: "key-0"."""
    by_id: dict[str, str] = {}
    for name in (*_METHODS, *_RELATIONSHIPS):
        for method in _listed(document, name):
            if not isinstance(method, Mapping) or not isinstance(method.get("id"), str):
                continue
            key, ident = _key_in(method), _end(method["id"])
            if key is None:
                continue
            if by_id.setdefault(ident, key) != key:
                raise ContactError("expected each key of the DID document to have an id of its own")
    return by_id


def _services(document: Mapping[str, Any], methods: Mapping[str, str]) -> Iterator[tuple[int, _Service]]:
    for index, service in enumerate(_listed(document, "service") or _listed(document, "services")):
        if not isinstance(service, Mapping) or str(service.get("type")) not in _SERVICES:  # anything may stand there
            continue
        endpoint, priority = service.get("serviceEndpoint"), service.get("priority")
        if isinstance(endpoint, Mapping):  # as DIDComm v2 has it
            endpoint = endpoint.get("uri")
        if not isinstance(endpoint, str) or len(endpoint) > _MAX_ENDPOINT_CHARS:
            continue
        keys = [_referred(key, methods) for key in _listed(service, "recipientKeys")]
        routing = [_referred(key, methods) for key in _listed(service, "routingKeys")]
        usable = tuple(key for key in keys if key is not None)[:_MAX_KEYS]
        if not usable:
            continue
        if len(routing) > _MAX_ROUTING_KEYS or None in routing:
            raise ContactError(f"expected at most {_MAX_ROUTING_KEYS} routing keys, each an Ed25519 key")
        order = priority if isinstance(priority, int) and not isinstance(priority, bool) else index
        yield order, _Service(usable, endpoint, tuple(key for key in routing if key is not None))


def _relationship_keys(document: Mapping[str, Any], name: str, methods: Mapping[str, str]) -> Iterator[str]:
    for method in _listed(document, name):
        reference = method.get("publicKey", method.get("id")) if isinstance(method, Mapping) else method
        key = _referred(reference, methods)
        if key is not None:
            yield key


def _referred(reference: object, methods: Mapping[str, str]) -> str | None:
    """Return the Ed25519 key that a DID URL, a did:key or bare base58 stands for; None if it stands for none."""
    if not isinstance(reference, str):
        return None
    if reference.startswith("did:key:"):
        try:
            return key_of_did_key(reference)
        except ForeignDidError:
            return None
    return methods.get(_end(reference)) or (reference if _is_bare_key(reference) else None)


def _key_in(method: Mapping[str, Any]) -> str | None:
    """Return the Ed25519 key of a verification method, base58; None if it has another, or none."""
    bare, multibase, jwk = (method.get(name) for name in ("publicKeyBase58", "publicKeyMultibase", "publicKeyJwk"))
    kind = method.get("type")
    if isinstance(bare, str):
        is_ed25519 = not isinstance(kind, str) or not kind.startswith("X25519")
        return bare if is_ed25519 and _is_bare_key(bare) else None
    try:
        if isinstance(multibase, str):
            raw = from_multibase(multibase, max_length=64)
            raw = raw if len(raw) == _KEY_BYTES and kind == "Ed25519VerificationKey2020" else from_multikey(multibase)
            return to_base58(raw)
        if isinstance(jwk, Mapping) and jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519":
            text = str(jwk.get("x"))
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return to_base58(raw) if len(raw) == _KEY_BYTES else None
    except (ValueError, binascii.Error):
        return None
    return None


def _is_bare_key(text: str) -> bool:
    try:
        return 32 <= len(text) <= 44 and len(from_base58(text)) == _KEY_BYTES
    except ValueError:
        return False


def _end(reference: str) -> str:
    """Return the fragment of a DID URL, which names a key within its document."""
    return reference.rpartition("#")[2]


def _listed(document: Mapping[str, Any], name: str) -> list[Any]:
    entries = document.get(name, [])
    if not isinstance(entries, list):
        return []
    if len(entries) > _MAX_LISTED:
        raise ContactError(f"expected at most {_MAX_LISTED} elements in {name} of the DID document")
    return entries
