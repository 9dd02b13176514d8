"""What the operators of a ledger do on it, by indy-vdr alone: let DIDs write, and put an author agreement in force.

Test only: the trustee's seed is the well known one of every test ledger.
"""

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import base58
import indy_vdr
from aries_askar import Key, KeyAlg
from indy_vdr import ledger
from indy_vdr.request import Request

SEED: Final = b"000000000000000000000000Trustee1"
MECHANISM: Final = "at_submission"


@dataclass(frozen=True)
class Identity:
    """A DID on a ledger, made of a seed of 32 bytes: the first half of its key."""

    seed: bytes = field(repr=False)

    @property
    def key(self) -> Key:
        return Key.from_secret_bytes(KeyAlg.ED25519, self.seed)

    @property
    def verkey(self) -> str:
        return str(base58.b58encode(self.key.get_public_bytes()).decode())

    @property
    def did(self) -> str:
        return str(base58.b58encode(self.key.get_public_bytes()[:16]).decode())

    def sign(self, request: Request) -> Request:
        """Sign a transaction as its author."""
        request.set_signature(self.key.sign_message(request.signature_input))
        return request


def new_identity() -> Identity:
    """Return a DID that no ledger knows."""
    return Identity(secrets.token_hex(16).encode())


class Trustee:
    """The trustee of the pool whose genesis file this is."""

    def __init__(self, genesis: Path) -> None:
        self.identity = Identity(SEED)
        self._genesis = genesis

    async def submit(self, request: Request, signer: Identity | None = None) -> dict[str, Any]:
        """Write a transaction (signed) or read one (not)."""
        pool = await indy_vdr.open_pool(transactions_path=str(self._genesis))
        try:
            return dict(await pool.submit_request(signer.sign(request) if signer else request))
        finally:
            pool.close()

    async def register(self, identity: Identity, role: str | None = "ENDORSER") -> None:
        """Write a DID with its key; without a role it may write nothing by itself."""
        request = ledger.build_nym_request(self.identity.did, identity.did, identity.verkey, None, role)
        await self.submit(request, self.identity)

    async def agreement(self, text: str, version: str) -> str:
        """Put an author agreement in force; return its digest."""
        mechanisms = {MECHANISM: "accepted by configuration"}
        request = ledger.build_acceptance_mechanisms_request(self.identity.did, json.dumps(mechanisms), version)
        await self.submit(request, self.identity)
        request = ledger.build_txn_author_agreement_request(
            self.identity.did, text, version, ratification_ts=1_600_000_000
        )
        await self.submit(request, self.identity)
        return sha256((version + text).encode()).hexdigest()

    async def end_agreements(self) -> None:
        """Put every author agreement out of force."""
        request = ledger.build_disable_all_txn_author_agreements_request(self.identity.did)
        await self.submit(request, self.identity)
