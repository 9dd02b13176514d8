"""did:peer:1: a DID that is the hash of its own document, so whoever has the document can tell whether it is that one.

Source: Peer DID Method Specification, "Method 1: genesis doc"; the document is hashed as its maker writes it (JSON
without white space, members in their order), without the `id` that is only known then.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import base58

_PREFIX: Final = "did:peer:1"
_SHA2_256: Final = b"\x12\x20"  # as a multihash: its code, and 32 bytes


def is_genesis(did: str) -> bool:
    """Return whether a DID is one that its document can be compared with."""
    return did.startswith(_PREFIX)


def genesis_did(document: Mapping[str, Any]) -> str | None:
    """Return the DID of a document; None if it cannot be written as text.

    >>> genesis_did({"id": "did:peer:1z", "service": []}) == genesis_did({"service": []}) != genesis_did({})
    True
    """
    stored = {name: value for name, value in document.items() if name != "id"}
    try:
        text = json.dumps(stored, separators=(",", ":"), ensure_ascii=False).encode()
    except ValueError:  # half a character
        return None
    return f"{_PREFIX}z{base58.b58encode(_SHA2_256 + hashlib.sha256(text).digest()).decode('ascii')}"
