"""The wallets of a mediator and the keys that they receive with: rows of the plain tables, sealed or hashed.

1. A wallet is a connection of ours; it is known by a keyed hash of our own key of it.
2. A key is the first wallet's that registered it, and of no other one, until that one gives it back.
3. A wallet that was never granted anything, or has not come for long, is forgotten, with its keys and what waits.
"""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from cachetools import LRUCache, TTLCache

from wanderbuch.agents.mediator.sealing import Sealing
from wanderbuch.store.engine import Statement
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.tables import Tables

HOUR_S: Final = 3_600
_UNGRANTED_HOURS: Final = 24
_FORGET_AT_ONCE: Final = 100
_MOST_SEEN: Final = 100_000
_MOST_OF_KEY: Final = 10_000
_OF_KEY_S: Final = 60.0
_ROOM_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class WalletCounts:
    """How many wallets, keys and messages there are, and how much the messages take as they are kept."""

    wallets: int
    keys: int
    messages: int
    bytes: int


class Wallets:
    """The wallets of one tenant.

    Args:
        tenant: whose.
        tables: where.
        sealing: for what stands there.
    """

    def __init__(self, tenant: str, tables: Tables, sealing: Sealing) -> None:
        self._tenant = tenant
        self._engine = tables.engine
        self._hashes: KeyedHash = tables.hashes
        self._sealing = sealing
        self._seen: LRUCache[str, int] = LRUCache(_MOST_SEEN)  # which wallet was noted in which hour
        self._room: TTLCache[int, bool] = TTLCache(1, _ROOM_S)
        self._of_key: TTLCache[bytes, str] = TTLCache(_MOST_OF_KEY, _OF_KEY_S)

    def id_of(self, own_key: str) -> str:
        """Return what the wallet of a connection is known by (1)."""
        return self._hashes.of("mediated", self._tenant, own_key).hex()

    async def enter(self, own_key: str, *, most: int) -> bool:
        """Note a wallet that connects; False: there are as many as may be. Again for one that is there: True.

        Of those that connect in the same moment, in several processes, a few more may get in: as many as there are
        connections to the store.
        """
        wallet = self.id_of(own_key)
        sealed = self._sealing.seal_text(own_key, place=wallet)
        results = await self._engine.together(
            Statement(
                "INSERT INTO mediated (tenant, id, seen, sealed) SELECT CAST(? AS TEXT), CAST(? AS TEXT),"
                " CAST(? AS BIGINT), ? WHERE (SELECT count(*) FROM mediated WHERE tenant = ?) < ?"
                " ON CONFLICT (tenant, id) DO NOTHING",
                (self._tenant, wallet, _hour(), sealed, self._tenant, most),
            ),
            Statement("SELECT 1 FROM mediated WHERE tenant = ? AND id = ?", (self._tenant, wallet)),
        )
        return bool(results[1])

    async def is_full(self, *, most: int) -> bool:
        """Return whether there are as many as may be, as it was a second ago at most: whoever asks costs no count."""
        if (known := self._room.get(most)) is None:
            counted = await self._engine.run("SELECT count(*) FROM mediated WHERE tenant = ?", self._tenant)
            known = self._room[most] = counted[0][0] >= most
        return known

    async def grant(self, wallet: str) -> bool:
        """Grant a wallet mediation, and tell whether it is there."""
        sql = "UPDATE mediated SET granted = 1, seen = ? WHERE tenant = ? AND id = ? RETURNING id"
        return bool(await self._engine.run(sql, _hour(), self._tenant, wallet))

    async def saw(self, wallet: str) -> None:
        """Note that a wallet came, once an hour."""
        hour = _hour()
        if self._seen.get(wallet) == hour:
            return
        sql = "UPDATE mediated SET seen = ? WHERE tenant = ? AND id = ? AND seen < ?"
        await self._engine.run(sql, hour, self._tenant, wallet, hour)
        self._seen[wallet] = hour

    async def add_key(self, wallet: str, key: str, *, most: int) -> bool:
        """Register a key for a wallet; False: it is another's, or the wallet has as many as it may (2)."""
        digest = self.hash_of(key)
        sealed = self._sealing.seal_text(key, place=wallet)
        results = await self._engine.together(
            Statement(  # those that are added at once take turns
                "UPDATE mediated SET refused = refused WHERE tenant = ? AND id = ?", (self._tenant, wallet)
            ),
            Statement(
                "INSERT INTO mediated_key (hash, tenant, wallet, sealed) SELECT ?, tenant, id, ? FROM mediated"
                " WHERE tenant = ? AND id = ? AND granted = 1"
                " AND (SELECT count(*) FROM mediated_key WHERE tenant = ? AND wallet = ?) < ?"
                " ON CONFLICT (hash) DO NOTHING",
                (digest, sealed, self._tenant, wallet, self._tenant, wallet, most),
            ),
            Statement("SELECT wallet FROM mediated_key WHERE hash = ?", (digest,)),
        )
        return bool(results[-1]) and results[-1][0][0] == wallet

    async def remove_key(self, wallet: str, key: str) -> bool:
        """Give a key of a wallet back; False: it has no such key."""
        sql = "DELETE FROM mediated_key WHERE hash = ? AND tenant = ? AND wallet = ? RETURNING wallet"
        digest = self.hash_of(key)
        self._of_key.pop(digest, None)
        return bool(await self._engine.run(sql, digest, self._tenant, wallet))

    async def keys(self, wallet: str, *, limit: int, offset: int) -> tuple[Sequence[str], int]:
        """Return a part of the keys of a wallet, and how many it has."""
        rows = await self._engine.run(
            "SELECT sealed FROM mediated_key WHERE tenant = ? AND wallet = ? ORDER BY hash LIMIT ? OFFSET ?",
            *(self._tenant, wallet, limit, offset),
        )
        total = await self._engine.run(
            "SELECT count(*) FROM mediated_key WHERE tenant = ? AND wallet = ?", self._tenant, wallet
        )
        opened = [self._sealing.open_row_text(bytes(sealed), place=wallet) for (sealed,) in rows]
        return [key for key in opened if key is not None], total[0][0]

    async def lately_of_key(self, key_hash: bytes) -> str | None:
        """Return the wallet that receives with a key, or did a minute ago: whose budget a message uses."""
        wallet = self._of_key.get(key_hash)
        if wallet is None and (wallet := await self.of_key(key_hash)) is not None:
            self._of_key[key_hash] = wallet
        return wallet

    async def of_key(self, key_hash: bytes) -> str | None:
        """Return the wallet that receives with a key; None: nobody's."""
        rows = await self._engine.run("SELECT wallet FROM mediated_key WHERE hash = ?", key_hash)
        return rows[0][0] if rows else None

    async def note_refused(self, key_hash: bytes) -> None:
        """Note that a message for the wallet that has a key found no room."""
        sql = (
            "UPDATE mediated SET refused = refused + 1"
            " WHERE tenant = ? AND id = (SELECT wallet FROM mediated_key WHERE hash = ?)"
        )
        await self._engine.run(sql, self._tenant, key_hash)

    async def told_refused(self, wallet: str, number: int) -> None:
        """Note that a wallet was told how many messages for it found no room."""
        sql = "UPDATE mediated SET refused = greatest(refused - ?, 0) WHERE tenant = ? AND id = ?"
        await self._engine.run(sql, number, self._tenant, wallet)

    async def forgettable(self, *, days: int) -> AsyncIterator[tuple[str, str | None]]:
        """Yield the wallets that are to be forgotten, each with our own key of its connection (3).

        None: somebody changed the row, and nothing tells the key any more.
        """
        rows = await self._engine.run(
            "SELECT id, sealed FROM mediated WHERE tenant = ? AND (seen < ? OR (granted = 0 AND seen < ?)) LIMIT ?",
            *(self._tenant, _hour() - days * 24, _hour() - _UNGRANTED_HOURS, _FORGET_AT_ONCE),
        )
        for wallet, sealed in rows:
            yield wallet, self._sealing.open_row_text(bytes(sealed), place=wallet)

    async def forget(self, wallet: str) -> None:
        """Forget a wallet, its keys, what waits for it and where it is told."""
        await self._engine.together(
            Statement("DELETE FROM mediated_push WHERE tenant = ? AND wallet = ?", (self._tenant, wallet)),
            Statement("DELETE FROM mediated_key WHERE tenant = ? AND wallet = ?", (self._tenant, wallet)),
            Statement("DELETE FROM mediated_message WHERE tenant = ? AND wallet = ?", (self._tenant, wallet)),
            Statement("DELETE FROM mediated WHERE tenant = ? AND id = ?", (self._tenant, wallet)),
        )

    async def counts(self) -> WalletCounts:
        """Return how much there is."""
        rows = await self._engine.run(
            "SELECT (SELECT count(*) FROM mediated WHERE tenant = ?),"
            " (SELECT count(*) FROM mediated_key WHERE tenant = ?), count(*), coalesce(sum(size), 0)"
            " FROM mediated_message WHERE tenant = ?",
            *(self._tenant, self._tenant, self._tenant),
        )
        wallets, keys, messages, size = map(int, rows[0])
        return WalletCounts(wallets, keys, messages, size)

    def hash_of(self, key: str) -> bytes:
        """Return what a key is found by."""
        return self._hashes.of("mediated-key", self._tenant, key)


def _hour() -> int:
    return int(time.time()) // HOUR_S
