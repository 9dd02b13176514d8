"""Our secret keys at hand, so that neither a message that comes nor one that goes costs a look-up each time.

A key that was removed from the store may stay at hand for a while; who may use it is asked elsewhere.
"""

from collections import OrderedDict
from typing import Final

from acapy_agent.core.profile import Profile
from aries_askar import Key

from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.tables import tenant_of

_MAX_KEYS: Final = 4096


class KeyRing:
    """The secret keys of all tenants of a process that were used last, by their public keys in base58."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, tuple[str, Key]] = OrderedDict()

    def at_hand(self, name: str) -> tuple[str, Key] | None:
        """Return whose a key is and the key, if it is at hand; the store is not asked."""
        entry = self._keys.get(name)
        if entry is not None:
            self._keys.move_to_end(name)
        return entry

    def put(self, tenant: str, name: str, key: Key) -> None:
        """Have a tenant's key at hand."""
        self._keys[name] = tenant, key
        self._keys.move_to_end(name)
        while len(self._keys) > _MAX_KEYS:
            self._keys.popitem(last=False)

    async def secret(self, profile: Profile, name: str) -> Key:
        """Return a tenant's secret key.

        Raises:
            NotFoundError: the tenant has no such key.
        """
        tenant = tenant_of(profile)
        known = self.at_hand(name)
        if known is not None and known[0] == tenant:
            return known[1]
        async with profile.session() as session:
            entry = await session.handle.fetch_key(name)
        if entry is None:
            raise NotFoundError("a key that a message is to be sent with is gone")
        self.put(tenant, name, entry.key)
        key: Key = entry.key
        return key

    def drop(self, name: str) -> None:
        """Have a key at hand no more."""
        self._keys.pop(name, None)

    def forget(self, tenant: str) -> None:
        """Have no key of a tenant at hand any more."""
        for name in [name for name, (owner, _) in self._keys.items() if owner == tenant]:
            del self._keys[name]
