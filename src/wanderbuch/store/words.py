"""Search by equality: keyed hashes of normalised words, and the ids of the records that have them.

Nothing else is possible, on purpose: no prefix, no order, no guess by who reads the tables. What is found is compared
with the record itself by whoever reads it: a hash folds case, and a row may be superfluous.
"""

from collections.abc import Mapping

from wanderbuch.store.engine import Engine, Statement, Value
from wanderbuch.store.hashing import KeyedHash


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
        sql = ""
        args: list[Value] = []
        for name, value in wanted.items():
            one = "SELECT id FROM word WHERE tenant = ? AND kind = ? AND name = ? AND hash = ?"
            sql = f"{one} AND id IN ({sql})" if sql else one
            args = [tenant, kind, name, self._hashes.of_word(tenant, kind, name, value), *args]
        # A record that is being changed may have two rows, with one number.
        found = await self._engine.run(
            f"SELECT id, min(number) FROM row WHERE tenant = ? AND kind = ? AND id IN ({sql})"  # noqa: S608
            f" GROUP BY id ORDER BY 2{'' if limit is None else ' LIMIT ?'}",
            *(tenant, kind, *args),
            *(() if limit is None else (limit,)),
        )
        return [record_id for record_id, _ in found]

    def adding(self, tenant: str, kind: str, record_id: str, words: Mapping[str, str]) -> list[Statement]:
        """Return what writes a record's words."""
        return [
            Statement(
                "INSERT INTO word (tenant, kind, name, hash, id) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (tenant, kind, name, self._hashes.of_word(tenant, kind, name, value), record_id),
            )
            for name, value in words.items()
        ]

    def hashes(self, tenant: str, kind: str, words: Mapping[str, str]) -> list[Value]:
        """Return the hashes of a record's words."""
        return [self._hashes.of_word(tenant, kind, name, value) for name, value in words.items()]
