"""Keys of issuers that were checked: a further request is made without checking the same key and the same proof again.

With each request the library checks anew, base by base, that the issuer made its key as it should: 104 of 112 ms for 25
attributes. Key and proof are the same in every offer of one credential definition. Nothing else of a request depends on
that check: it is made of n, S and the base R of the link secret, and of the key for revocation
(hyperledger/anoncreds-clsignatures-rs, `Prover::blind_credential_secrets`).

So a request that was made is remembered with the definition that it was made for, and the digest of the issuer's proof.
The next one with both is made with what a request needs of that key, and a proof of our own for it: of Z, which we make
from S, and of no further base; the proof of a key may leave that of the link secret out. The issuer gets the same
request, and the credential is completed with the whole definition.
"""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from typing import Final, Self
from weakref import WeakKeyDictionary

from anoncreds import (
    AnoncredsError,
    CredentialDefinition,
    CredentialOffer,
    CredentialRequest,
    CredentialRequestMetadata,
)

from wanderbuch.agents.holder.issuer_proofs import SplitOffer
from wanderbuch.agents.holder.link_secret import LINK_SECRET_ID

type Made = tuple[CredentialRequest, CredentialRequestMetadata]

_LINK_SECRET: Final = "master_secret"  # noqa: S105 (the name of its base in a key)


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """A key of which only what a request needs is left.

    Args:
        definition: with that key.
        proof: for it, AnonCreds JSON.
        checked: the digest of the issuer's proof that held for the whole key.
    """

    definition: CredentialDefinition = field(repr=False)
    proof: str = field(repr=False)
    checked: str

    @classmethod
    def of(cls, definition: CredentialDefinition, checked: str) -> Self:
        """Take from a definition, whose key was checked, what a request needs."""
        whole = definition.to_dict()
        primary = whole["value"]["primary"]
        n, s = int(primary["n"]), int(primary["s"])
        x, blinding = secrets.randbits(256), secrets.randbits(768)
        z = pow(s, x, n)
        challenge = int.from_bytes(sha256(_bytes(z) + _bytes(pow(s, blinding, n))).digest())
        reduced = primary | {"z": str(z), "r": {_LINK_SECRET: primary["r"][_LINK_SECRET]}}
        proof = {"c": str(challenge), "xz_cap": str(challenge * x + blinding), "xr_cap": []}
        value = whole["value"] | {"primary": reduced}
        return cls(CredentialDefinition.load(whole | {"value": value}), dumps(proof), checked)


_CHECKED: Final[WeakKeyDictionary[CredentialDefinition, CheckedKey]] = WeakKeyDictionary()
"""By the definition as it is loaded; as long as that is at hand."""


def request_for(definition: CredentialDefinition, offer_json: str, link_secret: str) -> Made:
    """Return a fresh request for an offer, and what its credential is completed with.

    Raises:
        AnoncredsError: the offer cannot be answered; its issuer's proof of its key does not hold, if that is new.
    """
    parts = SplitOffer.of(offer_json)
    checked = _CHECKED.get(definition)
    if checked is not None and parts.name == checked.checked:
        try:
            return _request(checked.definition, parts.before + checked.proof + parts.after, link_secret)
        except AnoncredsError:  # an offer that no honest issuer writes: the library says what it finds
            return _request(definition, offer_json, link_secret)
    made = _request(definition, offer_json, link_secret)
    if parts.name:
        _CHECKED[definition] = CheckedKey.of(definition, parts.name)
    return made


def _request(definition: CredentialDefinition, offer_json: str, link_secret: str) -> Made:
    # Some text is wanted here beside the link secret; what is chance tells nobody anything.
    entropy = secrets.token_urlsafe(16)
    made: Made = CredentialRequest.create(
        entropy, None, definition, link_secret, LINK_SECRET_ID, CredentialOffer.load(offer_json)
    )
    return made


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)
