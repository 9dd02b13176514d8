"""The proof of an issuer's key, which each of its offers repeats: kept once for all offers in a wallet that have it.

It is nine tenths of an offer, and says nothing about anybody but the issuer. Who keeps or forgets an offer does so in a
transaction, so that a proof is there as long as an offer needs it, and no longer.
"""

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Any, Final, Self

import msgspec

CATEGORY: Final = "wanderbuch.issuer_proof"

_MEMBER: Final = "key_correctness_proof"
_LEAST_BYTES: Final = 1_024  # what is shorter is no such proof, and saves nothing
_LEVEL: Final = 1  # digits become no smaller by a higher one
_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class SplitOffer:
    """An AnonCreds offer, with its proof taken out.

    Args:
        before, after: the text around it.
        proof: the text of the proof; empty if it has none.
    """

    before: str = field(repr=False)
    after: str = field(repr=False)
    proof: str = field(repr=False)

    @classmethod
    def of(cls, offer_json: str) -> Self:
        """Take an offer apart; what is no offer has no proof."""
        try:
            proof = bytes(_DECODER.decode(offer_json).get(_MEMBER, b"")).decode()
        except (msgspec.DecodeError, UnicodeError):
            proof = ""
        if len(proof) < _LEAST_BYTES:
            return cls(offer_json, "", "")
        before, _, after = offer_json.partition(proof)
        return cls(before, after, proof)

    @property
    def name(self) -> str:
        """What tells its proof from any other: SHA-256, hexadecimal; empty if it has none."""
        return hashlib.sha256(self.proof.encode()).hexdigest() if self.proof else ""


async def keep_proof(handle: Any, offer: SplitOffer) -> None:
    """Keep the proof of an offer, unless it is there, with the handle of an open transaction."""
    if offer.name and await handle.fetch(CATEGORY, offer.name) is None:
        await handle.insert(CATEGORY, offer.name, zlib.compress(offer.proof.encode(), _LEVEL))


async def read_proof(handle: Any, name: str) -> str | None:
    """Return a proof by its name, with the handle of an open session; None if it is not there."""
    entry = await handle.fetch(CATEGORY, name)
    return None if entry is None else zlib.decompress(bytes(entry.value)).decode()
