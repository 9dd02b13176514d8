"""Our own keys, found by the recipients of envelopes; the last ones used stay at hand: a flood costs no look-up.

Which tenant has a key is asked of the index of own keys, once for all recipients, without a look into any profile. An
envelope for two tenants is refused: its sender would learn that they are at one place, and one handler would answer for
both.

What is not there is not remembered: the key may come into being, and `MAX_RECIPIENTS` bounds what one envelope asks.
A key that was removed from the store may open envelopes for as long as it is at hand; who may send is asked each time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from acapy_agent.core.profile import Profile
from aries_askar import Key

from wanderbuch.agents.runtime.gate.envelope import Envelope, EnvelopeError, Recipient
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.keys import OwnKeyIndex

type ProfileOf = Callable[[str], Awaitable[Profile]]
"""Gives the profile of a tenant by its id; NotFoundError: it is not served."""


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key of ours that an envelope is for.

    Args:
        tenant: whose key it is.
        recipient: the envelope's entry for it.
        key: the secret key.
    """

    tenant: str
    recipient: Recipient
    key: Key


class OwnKeys:
    """The secret keys of all tenants that recipients name.

    Args:
        index: tells whose a key is.
        profile_of: gives a tenant's profile.
        keys: those at hand.
    """

    def __init__(self, index: OwnKeyIndex, profile_of: ProfileOf, keys: KeyRing) -> None:
        self._index = index
        self._profile_of = profile_of
        self._keys = keys

    def at_hand(self, envelope: Envelope) -> OwnKey | None:
        """Return the key of an envelope with one recipient if it is at hand, without asking the store."""
        if len(envelope.recipients) != 1:
            return None
        (recipient,) = envelope.recipients
        key = self._keys.at_hand(recipient.key)
        return None if key is None else OwnKey(key[0], recipient, key[1])

    async def find(self, envelope: Envelope) -> OwnKey | None:
        """Return the first recipient's key that is ours, None if no one's is.

        Raises:
            EnvelopeError: recipients belong to two tenants.
        """
        if (own_key := self.at_hand(envelope)) is not None:
            return own_key
        tenants = await self._index.find([recipient.key for recipient in envelope.recipients])
        if not tenants:
            return None
        if len(set(tenants.values())) > 1:
            raise EnvelopeError("its recipients belong to two tenants")
        tenant = next(iter(tenants.values()))
        try:
            profile = await self._profile_of(tenant)
        except NotFoundError:
            return None
        async with profile.session() as session:
            for recipient in envelope.recipients:
                entry = await session.handle.fetch_key(recipient.key) if recipient.key in tenants else None
                if entry is not None:
                    self._keys.put(tenant, recipient.key, entry.key)
                    return OwnKey(tenant, recipient, entry.key)
        return None

    def forget(self, tenant: str) -> None:
        """Have no key of a tenant at hand any more."""
        self._keys.forget(tenant)
