"""ACA-Py's cache without the two entries that would make people linkable.

ACA-Py caches an offer's nonce and a holder's credential request for an hour (`credential_offer::<cred_def>`,
`credential_request::<cred_def>…`): credentials then share a nonce and a blinded link secret, and in one process two
workers may get the same one. These two are always made anew. Overriding `set` is not enough: those who wait for a key
get the first one's result; so `acquire` hands out a lock on a key of its own.
"""

from itertools import count
from typing import Final

from acapy_agent.cache.base import CacheKeyLock
from acapy_agent.cache.in_memory import InMemoryCache

NEVER_SERVED: Final = ("credential_offer::", "credential_request::")


class FreshCache(InMemoryCache):  # type: ignore[misc]  # acapy_agent has no types
    """An in-memory cache that never serves the prefixes of `NEVER_SERVED`."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count()

    def acquire(self, key: str) -> CacheKeyLock:
        """Return a lock on `key`, or on a key that nobody else has if it must not be served."""
        if key.startswith(NEVER_SERVED):
            return super().acquire(f"{key}#{next(self._numbers)}")
        return super().acquire(key)

    async def get(self, key: str) -> object:
        """Return what is cached under `key`, or None."""
        return None if key.startswith(NEVER_SERVED) else await super().get(key)

    async def set(self, keys: object, value: object, ttl: int | None = None) -> None:
        """Cache `value`, unless a key must not be served."""
        wanted = [keys] if isinstance(keys, str) else list(keys)  # type: ignore[call-overload]
        kept = [key for key in wanted if not key.startswith(NEVER_SERVED)]
        if kept:
            await super().set(kept, value, ttl)
