"""Search by equality: keyed hashes of normalised words, and the ids of the records that have them.

Nothing else is possible, on purpose: no prefix, no order, no guess by who reads the tables. What is found is compared
with the record itself by whoever reads it: a hash folds case, and a row may be superfluous.
"""

from collections.abc import Mapping
from typing import Final

from wanderbuch.store.engine import Engine, Statement, Value
from wanderbuch.store.hashing import KeyedHash

_COUNTED: Final = 200
"""A word that more records have is as dear as any such."""


class Words:
    """What records can be found by."""

    def __init__(self, engine: Engine, hashes: KeyedHash) -> None:
        self._engine = engine
        self._hashes = hashes

    async def find(self, tenant: str, kind: str, wanted: Mapping[str, str], *, limit: int | None = None) -> list[str]:
        """Return the ids of records that may have all of these words, oldest first.

        Args:
            tenant: whose records.
            kind: which records.
            wanted: the words by the name of their field; at least one.
            limit: at most so many ids.
        """
        if not wanted:
            raise ValueError("a search names at least one field")
        hashes = self.hashes(tenant, kind, wanted)
        both = " AND id IN (SELECT id FROM word WHERE hash = ?)" * (len(hashes) - 1)
        # For each word its row, in this order also where a planner would rather walk along all rows.
        place = "SELECT min(number) FROM row WHERE tenant = ? AND kind = ? AND row.id = word.id"
        rows = await self._engine.run(
            f"SELECT id FROM (SELECT id, ({place}) AS place FROM word WHERE hash = ?{both}) AS found"  # noqa: S608
            f" WHERE place IS NOT NULL ORDER BY place{'' if limit is None else ' LIMIT ?'}",
            *(tenant, kind, *hashes),
            *(() if limit is None else (limit,)),
        )
        return [row[0] for row in rows]

    async def newest(
        self, tenant: str, kind: str, wanted: Mapping[str, str], *, limit: int, before: int | None = None
    ) -> list[tuple[int, str]]:
        """Return place and id of records that may have all of these words, the newest first.

        Args:
            tenant: whose records.
            kind: which records.
            wanted: the words by the name of their field; at least one.
            limit: at most so many.
            before: only records whose place is lower.
        """
        if not wanted:
            raise ValueError("a search names at least one field")
        hashes = await self._rarest_first(self.hashes(tenant, kind, wanted))
        one_more = " AND EXISTS (SELECT 1 FROM word AS other WHERE other.hash = ? AND other.id = word.id)"
        both = one_more * (len(hashes) - 1)
        place = "SELECT min(number) FROM row WHERE tenant = ? AND kind = ? AND row.id = word.id"
        rows = await self._engine.run(
            f"SELECT place, id FROM (SELECT id, ({place}) AS place FROM word WHERE hash = ?{both}) AS found"  # noqa: S608
            f" WHERE place IS NOT NULL{'' if before is None else ' AND place < ?'} ORDER BY place DESC LIMIT ?",
            *(tenant, kind, *hashes),
            *(() if before is None else (before,)),
            limit,
        )
        return [(row[0], row[1]) for row in rows]

    async def states(self, tenant: str, kind: str, wanted: Mapping[str, str], *, most: int) -> dict[str, int]:
        """Return in which states how many records are that may have all of these words; so many are looked at."""
        hashes = await self._rarest_first(self.hashes(tenant, kind, wanted))
        both = " AND EXISTS (SELECT 1 FROM word AS other WHERE other.hash = ? AND other.id = word.id)" * (
            len(hashes) - 1
        )
        rows = await self._engine.run(
            "SELECT state, count(*) FROM (SELECT row.state FROM word JOIN row"  # noqa: S608
            f" ON row.tenant = ? AND row.kind = ? AND row.id = word.id WHERE word.hash = ?{both} LIMIT ?) AS found"
            " GROUP BY state",
            *(tenant, kind, *hashes, most),
        )
        return {row[0]: row[1] for row in rows}

    async def has(self, tenant: str, kind: str, wanted: Mapping[str, str]) -> bool:
        """Return whether each of these words is one that any record may have."""
        rows = [
            await self._engine.run("SELECT 1 FROM word WHERE hash = ? LIMIT 1", one)
            for one in self.hashes(tenant, kind, wanted)
        ]
        return all(rows)

    async def _rarest_first(self, hashes: list[Value]) -> list[Value]:
        """Return hashes so that the one which fewest records have is the first: the others are looked up beside it."""
        if len(hashes) < 2:
            return hashes
        sql = "SELECT count(*) FROM (SELECT 1 FROM word WHERE hash = ? LIMIT ?) AS found"
        counts = [(await self._engine.run(sql, one, _COUNTED))[0][0] for one in hashes]
        return [one for _, one in sorted(zip(counts, hashes, strict=True), key=lambda pair: pair[0])]

    def adding(self, tenant: str, kind: str, record_id: str, words: Mapping[str, str]) -> list[Statement]:
        """Return what writes a record's words."""
        return [
            Statement(
                "INSERT INTO word (hash, tenant, kind, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (self._hashes.of_word(tenant, kind, name, value), tenant, kind, record_id),
            )
            for name, value in words.items()
        ]

    def hashes(self, tenant: str, kind: str, words: Mapping[str, str]) -> list[Value]:
        """Return the hashes of a record's words."""
        return [self._hashes.of_word(tenant, kind, name, value) for name, value in words.items()]
