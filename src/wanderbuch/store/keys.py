"""Which tenant has a key: how an envelope finds its tenant without a look into any profile."""

from collections.abc import Collection
from typing import Final

from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.hashing import KeyedHash

_MOST: Final = 100


class OwnKeyIndex:
    """Keyed hashes of public keys, each with the one tenant that has the secret."""

    def __init__(self, engine: Engine, hashes: KeyedHash) -> None:
        self._engine = engine
        self._hashes = hashes

    async def add(self, key: str, tenant: str) -> None:
        """Note a tenant's key, before the key itself is kept: a crash leaves a row that leads to nothing.

        Raises:
            DuplicateError: another tenant has it.
        """
        rows = await self._engine.run(
            "INSERT INTO own_key (hash, tenant) VALUES (?, ?)"
            " ON CONFLICT (hash) DO UPDATE SET tenant = own_key.tenant RETURNING tenant",
            self._hash(key),
            tenant,
        )
        if rows[0][0] != tenant:
            raise DuplicateError("another tenant of this store has this key")

    async def find(self, keys: Collection[str]) -> dict[str, str]:
        """Return the tenants of those of these keys that are ours.

        Args:
            keys: public keys as they were added; at most 100.
        """
        if not keys:
            return {}
        if len(keys) > _MOST:
            raise ValueError(f"at most {_MOST} keys are looked up at once")
        by_hash = {self._hash(key): key for key in keys}
        marks = ", ".join("?" * len(by_hash))
        rows = await self._engine.run(f"SELECT hash, tenant FROM own_key WHERE hash IN ({marks})", *by_hash)  # noqa: S608
        return {by_hash[bytes(found_hash)]: tenant for found_hash, tenant in rows}

    async def remove(self, key: str, tenant: str) -> None:
        """Forget a tenant's key, after the key itself is gone."""
        await self._engine.run("DELETE FROM own_key WHERE hash = ? AND tenant = ?", self._hash(key), tenant)

    def _hash(self, key: str) -> bytes:
        return self._hashes.of("own-key", key)
