"""Logs as other people's software writes them: any spelling, signed and hashed by code that is not the product's."""

import json
from datetime import UTC, datetime
from typing import Any

import base58
import jsoncanon
from aries_askar import Key, KeyAlg
from did_webvh.askar import AskarSigningKey
from did_webvh.core.proof import di_jcs_sign

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.webvh.log import VerifiedLog, check_log

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PLACEHOLDER = "{SCID}"


def multihash(value: Any) -> str:
    from hashlib import sha256

    content = value.encode() if isinstance(value, str) else jsoncanon.canonicalize(value)
    return base58.b58encode(b"\x12\x20" + sha256(content).digest()).decode()


class Signer:
    """An Ed25519 key as Multikey and as commitment."""

    def __init__(self) -> None:
        self.key = AskarSigningKey(Key.generate(KeyAlg.ED25519))
        self.multikey = str(self.key.multikey)
        self.did = f"did:key:{self.multikey}"

    @property
    def hash(self) -> str:
        return multihash(self.multikey)

    def sign(self, entry: dict[str, Any], **how: Any) -> dict[str, Any]:
        return dict(di_jcs_sign(entry, self.key, **how))


class ForeignLog:
    """A log that grows by whatever a test wants.

    Args:
        place: what stands behind the SCID in the DID.
        time: the first versionTime.
        parameters: of the first entry, besides those that must be; a value of `...` leaves one out.
        members: of the first document.
    """

    def __init__(
        self,
        *,
        place: str = "centre.example.test:org",
        time: Any = "2026-01-01T00:00:00Z",
        parameters: dict[str, Any] | None = None,
        **members: Any,
    ) -> None:
        self.signer = Signer()
        self.entries: list[dict[str, Any]] = []
        stated = {
            "method": "did:webvh:1.0",
            "scid": PLACEHOLDER,
            "updateKeys": [self.signer.multikey],
            **(parameters or {}),
        }
        preliminary = {
            "versionId": PLACEHOLDER,
            "versionTime": time,
            "parameters": {name: value for name, value in stated.items() if value is not ...},
            "state": {"id": f"did:webvh:{PLACEHOLDER}:{place}", **members},
        }
        self.scid = multihash(preliminary)
        self.did = WebvhDid.parse(f"did:webvh:{self.scid}:{place}")
        entry = json.loads(json.dumps(preliminary).replace(PLACEHOLDER, self.scid))
        self.append({**entry, "versionId": self.scid})

    def append(self, entry: dict[str, Any], signer: Signer | None = None) -> None:
        """Hash and sign an entry whose versionId is its predecessor's."""
        entry["versionId"] = f"{len(self.entries) + 1}-{multihash(entry)}"
        entry["proof"] = [(signer or self.signer).sign(entry)]
        self.entries.append(entry)

    def add(
        self,
        time: Any = None,
        *,
        signer: Signer | None = None,
        parameters: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        **members: Any,
    ) -> None:
        """Append an entry; without `state` the document stays, but for `members`."""
        last = self.entries[-1]
        self.append(
            {
                "versionId": last["versionId"],
                "versionTime": time or f"2026-01-{len(self.entries) + 1:02}T00:00:00Z",
                "parameters": parameters or {},
                "state": {**(state or last["state"]), **members},
            },
            signer,
        )

    def move(self, place: str, **how: Any) -> WebvhDid:
        """Append the entry by which the DID moves, and return its new name."""
        old, new = self.entries[-1]["state"]["id"], f"did:webvh:{self.scid}:{place}"
        known = {"alsoKnownAs": [old], **how}
        self.add(state=json.loads(json.dumps(self.entries[-1]["state"]).replace(old, new)), **known)
        return WebvhDid.parse(new)

    def sign_again(self, **how: Any) -> None:
        """Replace the last entry's proof by one made in another way."""
        last = self.entries[-1]
        last["proof"] = [self.signer.sign({**last, "proof": []}, **how)]

    @property
    def received(self) -> bytes:
        return "".join(json.dumps(entry) + "\n" for entry in self.entries).encode()

    def check(
        self, did: WebvhDid | None = None, *, received: bytes | None = None, witness: bytes | None = None
    ) -> VerifiedLog:
        return check_log(did or self.did, received or self.received, witness, at=NOW)
