"""Our own DID for a connection: a fresh did:peer:4 each time, whose one key is that of the connection.

A DID that was used before would link two connections, and Credo fails on one that it has received before.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from aries_askar import Key, KeyAlg

from wanderbuch.plugins.webvh.base58_text import from_base58, to_base58
from wanderbuch.plugins.webvh.keys import to_multikey

_KEY: Final = "#key-0"
_PREFIX: Final = "did:peer:4"
_SHA2_256: Final = b"\x12\x20"  # multihash: the code, and the length
_JSON: Final = b"\x80\x04"  # multicodec 0x0200


@dataclass(frozen=True, slots=True)
class OwnPeer:
    """A DID and its key.

    Args:
        did: in the long form, which carries its document.
        name: the public key, base58.
        key: the secret one.
    """

    did: str
    name: str
    key: Key

    @property
    def short_did(self) -> str:
        """The DID without its document."""
        return short_form(self.did)


def fresh_peer(endpoint: str, *, routing_keys: Sequence[str] = (), takes_sockets: bool = False) -> OwnPeer:
    """Return a new DID that listens at an address.

    Args:
        endpoint: the address.
        routing_keys: of mediators on the way, base58, the nearest to us first.
        takes_sockets: it listens there by web socket, too, which comes first.

    A wallet that goes on by https while its web socket is gone may never open another: Credo 0.6.3 takes any answer for
    a good one, and tries again only when a web socket ends.
    """
    key = Key.generate(KeyAlg.ED25519)
    public = key.get_public_bytes()
    document: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "verificationMethod": [{"id": _KEY, "type": "Multikey", "publicKeyMultibase": to_multikey(public)}],
        "authentication": [_KEY],
        "keyAgreement": [_KEY],
        "service": [
            _service(number, address, routing_keys)
            for number, address in enumerate(_addresses(endpoint, takes_sockets))
        ],
    }
    return OwnPeer(_long_form(document), to_base58(public), key)


def _addresses(endpoint: str, takes_sockets: bool) -> list[str]:
    return [*([endpoint.replace("https://", "wss://", 1)] if takes_sockets else []), endpoint]


def _service(priority: int, endpoint: str, routing_keys: Sequence[str]) -> dict[str, Any]:
    return {
        "id": f"#didcomm-{priority}",
        "type": "did-communication",
        "priority": priority,
        "recipientKeys": [_KEY],
        "routingKeys": [_did_key(key) for key in routing_keys],
        "serviceEndpoint": endpoint,
    }


def _did_key(key: str) -> str:
    """Return a key as a did:key with its fragment, as services list those of mediators."""
    multikey = to_multikey(from_base58(key))
    return f"did:key:{multikey}#{multikey}"


def _long_form(document: dict[str, Any]) -> str:
    encoded = "z" + to_base58(_JSON + json.dumps(document, separators=(",", ":")).encode())
    return f"{_name(encoded)}:{encoded}"


def _name(encoded: str) -> str:
    return f"{_PREFIX}z{to_base58(_SHA2_256 + sha256(encoded.encode()).digest())}"


def short_form(did: str) -> str:
    """Return a did:peer:4 without its document; any other DID as it is."""
    return did[: did.rindex(":")] if did.startswith(f"{_PREFIX}z") and did.count(":") == 3 else did
