"""Signing a W3C credential: Data Integrity with `eddsa-jcs-2022` (Data Integrity EdDSA Cryptosuites 1.0, §3.3).

1. The proof's options are canonicalized (JCS) with the document's context, and hashed; 2. so is the document without
proof; 3. the signature is over both hashes, options first; 4. it stands in `proofValue` as multibase base58btc.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import base58
import rfc8785

from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.signed.jws import Signer

CRYPTOSUITE: Final = "eddsa-jcs-2022"


async def with_proof(document: Mapping[str, Any], kid: DidUrl, sign: Signer, *, at: datetime) -> dict[str, Any]:
    """Return the credential with a proof by the key `kid`.

    Args:
        document: an unsigned credential.
        kid: a key in `assertionMethod` of its issuer.
        sign: makes the signature with that key.
        at: the instant of signing, aware.
    """
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "created": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verificationMethod": str(kid),
        "proofPurpose": "assertionMethod",
    }
    if "@context" in document:
        options |= {"@context": document["@context"]}
    signature = await sign(signed_bytes(document, options))
    return {**document, "proof": {**options, "proofValue": "z" + base58.b58encode(signature).decode("ascii")}}


def signed_bytes(document: Mapping[str, Any], options: Mapping[str, Any]) -> bytes:
    """Return the 64 bytes that are signed: the hash of the proof's options, then that of the document."""
    return (
        hashlib.sha256(rfc8785.dumps(dict(options))).digest() + hashlib.sha256(rfc8785.dumps(dict(document))).digest()
    )
