"""What stands for numbers of certificates: keyed hashes of a tenant's own key, so that they stay what they are.

Wherever the tenant goes, and whatever store is restored, the same number has the same hash; who has a hash and not the
key learns no number from it. So the log may say of a certificate that was issued which entry its number has
(`issued_word`), and who restores a store that knows nothing of it learns it from there (`entry_issued`). That word is
under the same key: what other tenants issued, or somebody wrote into the log, names no entry.
"""

import hmac
import json
from collections.abc import Mapping

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.offers import Offer
from wanderbuch.agents.issuer.register.number_entries import CertificateNumber, SlipRow
from wanderbuch.agents.issuer.register.offer_words import claim_of, number_of
from wanderbuch.store.hashing import KeyedHash, hash_of, normalised


class NumberHashes:
    """The hashes of one issuer's numbers.

    Args:
        profile: whose.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._hashes: KeyedHash | None = None

    async def id_of(self, number: str) -> str:
        """Return the keyed hash of a number, whatever its case and spaces: hexadecimal."""
        return (await self._hash()).of("certificate-number", normalised(number)).hex()

    async def id_without_number(self, offer_id: str) -> str:
        """Return what stands for a certificate that has no number."""
        return (await self._hash()).of("certificate-without-number", offer_id).hex()

    async def entry_for(self, offer: Offer, row: SlipRow | None = None) -> CertificateNumber:
        """Return what stands for the number of an offer."""
        return await self.entry(claim_of(offer), row, offer.id)

    async def entry(
        self, claim: Mapping[str, str], row: SlipRow | None, offer_id: str | None = None
    ) -> CertificateNumber:
        """Return what stands for the number of a claim."""
        values = json.dumps(sorted((name, value) for name, value in claim.items() if value))
        return CertificateNumber(
            id=await self.id_of(number_of(claim)),
            claim=(await self._hash()).of("certificate-claim", values).hex(),
            offer_id=offer_id,
            batch_id=None if row is None else row.batch_id,
            row=None if row is None else row.number,
        )

    async def issued_word(self, offer: Offer) -> str:
        """Return what the log says of the number of a certificate that is issued; "": it has none."""
        if not (number := number_of(claim_of(offer))):
            return ""
        entry_id = await self.id_of(number)
        return f"{entry_id}-{await self._seal(offer.id, entry_id)}"

    async def entry_issued(self, offer_id: str, word: str) -> str | None:
        """Return the id of the entry that a log's word on an offer names; None: this issuer said no such thing."""
        entry_id, _, seal = word.partition("-")
        is_ours = hmac.compare_digest(seal.encode(), (await self._seal(offer_id, entry_id)).encode())
        return entry_id if is_ours else None

    async def _seal(self, offer_id: str, entry_id: str) -> str:
        return (await self._hash()).of("certificate-issued", offer_id, entry_id).hex()

    async def _hash(self) -> KeyedHash:
        if self._hashes is None:
            self._hashes = await hash_of(self._profile)
        return self._hashes
