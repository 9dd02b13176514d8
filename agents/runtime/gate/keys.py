"""Our own keys, found by the recipients of envelopes; the last ones used stay at hand: a flood costs no look-up.

What is not there is not remembered: the key may come into being, and `MAX_RECIPIENTS` bounds what one envelope asks.
A key that was removed from the store may open envelopes for as long as it is at hand; who may send is asked each time.
"""

from collections import OrderedDict
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import Key

from wanderbuch.agents.runtime.gate.envelope import Envelope, Recipient

_MAX_KEYS: Final = 256


class OwnKeys:
    """The secret keys of one profile that recipients name."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._keys: OrderedDict[str, Key] = OrderedDict()

    def at_hand(self, envelope: Envelope) -> tuple[Recipient, Key] | None:
        """Return the first recipient whose key is at hand, without asking the store."""
        for recipient in envelope.recipients:
            if (key := self._keys.get(recipient.key)) is not None:
                self._keys.move_to_end(recipient.key)
                return recipient, key
        return None

    async def find(self, envelope: Envelope) -> tuple[Recipient, Key] | None:
        """Return the first recipient whose key is ours, None if no one's is."""
        if (found := self.at_hand(envelope)) is not None:
            return found
        async with self._profile.session() as session:
            for recipient in envelope.recipients:
                entry = await session.handle.fetch_key(recipient.key)
                if entry is not None:
                    self._keys[recipient.key] = entry.key
                    while len(self._keys) > _MAX_KEYS:
                        self._keys.popitem(last=False)
                    return recipient, entry.key
        return None
