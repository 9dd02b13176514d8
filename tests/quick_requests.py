"""Requests of wallets that have looked at an issuer's key before, as our own wallet makes them (`checked_keys`).

Tests load the same key again and again, under other names: by its modulus one knows it.
"""

import json
import secrets
from typing import Final

from anoncreds import CredentialDefinition, CredentialOffer, CredentialRequest, CredentialRequestMetadata

from wanderbuch.agents.holder.checked_keys import CheckedKey

_CHECKED: Final[dict[str, CheckedKey]] = {}


def ask_for(
    cred_def: CredentialDefinition, offer: CredentialOffer, link_secret: str
) -> tuple[CredentialRequest, CredentialRequestMetadata]:
    """Return a request for what is offered, and what the wallet needs to process the credential."""
    modulus = cred_def.to_dict()["value"]["primary"]["n"]
    if kept := _CHECKED.get(modulus):
        return _request(kept.definition, CredentialOffer.load(_with_proof(offer, kept)), link_secret)
    made = _request(cred_def, offer, link_secret)
    _CHECKED[modulus] = CheckedKey.of(cred_def, "")
    return made


def _with_proof(offer: CredentialOffer, key: CheckedKey) -> str:
    return json.dumps(offer.to_dict() | {"key_correctness_proof": json.loads(key.proof)})


def _request(
    cred_def: CredentialDefinition, offer: CredentialOffer, link_secret: str
) -> tuple[CredentialRequest, CredentialRequestMetadata]:
    made: tuple[CredentialRequest, CredentialRequestMetadata] = CredentialRequest.create(
        secrets.token_hex(8), None, cred_def, link_secret, "default", offer
    )
    return made
