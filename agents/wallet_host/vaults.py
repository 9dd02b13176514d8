"""The vaults of one tenant: rows of the plain tables. What is in them is ciphertext of the workers' own wallets.

1. A vault is known by a keyed hash of its public key. Who may write proves to have the secret one (`vault_call`).
2. Its revisions are numbered from 1 on. One is written only upon the number that its writer names: who wrote last goes
   on, everybody else learns that somebody has written since. The same one again is taken again.
3. A revision adds to those before it, or is a base, which stands for all of them: they go in the same transaction.
4. A vault has at most so many bytes and revisions; a base may always come in their place. There are at most so many
   vaults, of so many bytes together; for a new one, those go that were made and not looked at again for 30 days.
5. One that is deleted leaves its hash, its number and the signature of who deleted it, and nothing else: the worker's
   other phones are told so and can check it, and nothing that was written before counts again. It goes with those that
   nobody has asked for for long.
6. The row of the vault is changed first, then its revisions: who changes it has it alone until the end, also where
   transactions see what others have committed meanwhile (PostgreSQL, READ COMMITTED).
"""

import hashlib
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from wanderbuch.store.engine import Rows, Statement
from wanderbuch.store.tables import Tables

_DAY_S: Final = 86_400
_FORGET_AT_ONCE: Final = 100
_UNUSED_DAYS: Final = 30


class WriteOutcome(Enum):
    """What became of a revision."""

    TAKEN = auto()
    OVERTAKEN = auto()
    """The vault has another number than the writer named (2)."""
    FULL = auto()
    """No room in the vault (4), or for one more vault."""
    DELETED = auto()


@dataclass(frozen=True, slots=True)
class VaultState:
    """Where a vault stands.

    Args:
        number: of its newest revision; 0: there is no such vault.
        base: number of the oldest one that is kept.
        digest: of the newest revision, SHA-256 in hexadecimal; empty: there is none.
        is_deleted: whether it was deleted (5).
        deletion: the signature of who deleted it, as it came; empty: it was not deleted.
    """

    number: int = 0
    base: int = 0
    digest: str = ""
    is_deleted: bool = False
    deletion: str = ""


@dataclass(frozen=True, slots=True)
class VaultBounds:
    """What a vault may take (4), and how many there may be.

    Args:
        vaults: how many.
        bytes: of all revisions of one together.
        revisions: of one.
        all_bytes: of all vaults together, when one more is made.
    """

    vaults: int
    bytes: int
    revisions: int
    all_bytes: int


class Vaults:
    """The vaults of one tenant.

    Args:
        tenant: whose.
        tables: where.
        bounds: how much.
    """

    def __init__(self, tenant: str, tables: Tables, bounds: VaultBounds) -> None:
        self._tenant = tenant
        self._engine = tables.engine
        self._hashes = tables.hashes
        self._bounds = bounds

    def id_of(self, public_key: bytes) -> str:
        """Return what a vault is known by (1)."""
        return self._hashes.of("vault", self._tenant, public_key.hex()).hex()

    async def state(self, vault: str) -> VaultState:
        """Return where a vault stands; notes that somebody asked, once a day."""
        rows = await self._engine.run(
            "SELECT number, base, digest, bytes, day FROM vault WHERE tenant = ? AND id = ?", self._tenant, vault
        )
        if rows and rows[0][4] != _today():
            sql = "UPDATE vault SET day = ? WHERE tenant = ? AND id = ?"
            await self._engine.run(sql, _today(), self._tenant, vault)
        return _state(rows)

    async def read(self, vault: str) -> tuple[VaultState, list[bytes]]:
        """Return where a vault stands, and its revisions from its base on, all of one moment."""
        rows = await self._engine.run(
            "SELECT vault.number, vault.base, vault.digest, vault.bytes, vault_revision.number, vault_revision.sealed"
            " FROM vault LEFT JOIN vault_revision ON vault_revision.tenant = vault.tenant"
            " AND vault_revision.id = vault.id WHERE vault.tenant = ? AND vault.id = ? ORDER BY vault_revision.number",
            *(self._tenant, vault),
        )
        return _state(rows), [bytes(sealed) for *_, number, sealed in rows if number is not None]

    async def write(
        self, vault: str, sealed: bytes, *, after: int, is_base: bool, upon: str | None = None
    ) -> tuple[WriteOutcome, int]:
        """Add a revision to a vault; return what became of it, and the vault's number now (2).

        Args:
            vault: which.
            sealed: the revision.
            after: number of the revision that it comes after; 0: it makes the vault.
            is_base: whether it stands for all before it (3).
            upon: digest of the revision that it comes after; None: any of that number.
        """
        written, number = await self._write(vault, sealed, after=after, is_base=is_base, upon=upon)
        is_for_place = written is WriteOutcome.FULL and after == 0 and len(sealed) <= self._bounds.bytes
        if is_for_place and await self._forget_unused():
            written, number = await self._write(vault, sealed, after=after, is_base=is_base, upon=upon)
        return written, number

    async def _write(
        self, vault: str, sealed: bytes, *, after: int, is_base: bool, upon: str | None
    ) -> tuple[WriteOutcome, int]:
        digest, size, number = hashlib.sha256(sealed).hexdigest(), len(sealed), after + 1
        results = await self._engine.together(
            Statement("UPDATE vault SET day = ? WHERE tenant = ? AND id = ?", (_today(), self._tenant, vault)),  # (6)
            self._begin(vault, digest, size) if after == 0 else self._go_on(vault, digest, size, number, is_base, upon),
            Statement(
                "INSERT INTO vault_revision (tenant, id, number, sealed) SELECT tenant, id, number, ? FROM vault"
                " WHERE tenant = ? AND id = ? AND number = ? AND digest = ? AND bytes > 0"
                " ON CONFLICT (tenant, id, number) DO NOTHING",
                (sealed, self._tenant, vault, number, digest),
            ),
            Statement(
                "DELETE FROM vault_revision WHERE tenant = ? AND id = ? AND number <"
                " (SELECT base FROM vault WHERE tenant = ? AND id = ?)",
                (self._tenant, vault, self._tenant, vault),
            ),
            Statement(
                "SELECT number, base, digest, bytes FROM vault WHERE tenant = ? AND id = ?", (self._tenant, vault)
            ),
        )
        state = _state(results[-1])
        if state.is_deleted:
            return WriteOutcome.DELETED, state.number
        if state.number == number and results[-1][0][2] == digest:
            return WriteOutcome.TAKEN, number
        is_where_it_was = state.number == after and upon in (None, state.digest)
        return WriteOutcome.FULL if is_where_it_was else WriteOutcome.OVERTAKEN, state.number

    async def delete(self, vault: str, *, signature: str) -> bool:
        """Delete what is in a vault (5); False: there is none.

        Args:
            vault: which.
            signature: of who deletes it, as it came; it takes the place of the digest.
        """
        results = await self._engine.together(
            Statement(  # (6)
                "UPDATE vault SET digest = ?, bytes = 0, day = ? WHERE tenant = ? AND id = ? RETURNING number",
                (signature, _today(), self._tenant, vault),
            ),
            Statement("DELETE FROM vault_revision WHERE tenant = ? AND id = ?", (self._tenant, vault)),
        )
        return bool(results[0])

    async def forget_old(self, *, days: int) -> None:
        """Forget vaults that nobody has asked for for so many days, a hundred at once."""
        sql = "SELECT id FROM vault WHERE tenant = ? AND day < ? LIMIT ?"
        for (vault,) in await self._engine.run(sql, self._tenant, _today() - days, _FORGET_AT_ONCE):
            await self._engine.together(
                Statement(  # (6)
                    "DELETE FROM vault WHERE tenant = ? AND id = ? AND day < ?",
                    (self._tenant, vault, _today() - days),
                ),
                Statement(
                    "DELETE FROM vault_revision WHERE tenant = ? AND id = ? AND NOT EXISTS"
                    " (SELECT 1 FROM vault WHERE tenant = ? AND id = ?)",
                    (self._tenant, vault, self._tenant, vault),
                ),
            )

    async def _forget_unused(self) -> bool:
        """Forget vaults that nobody came back to (4), a hundred at once; return whether there were any."""
        of_them = "tenant = ? AND number = 1 AND bytes > 0 AND day < ?"
        told = (self._tenant, _today() - _UNUSED_DAYS)
        sql = f"SELECT id FROM vault WHERE {of_them} ORDER BY day LIMIT ?"  # noqa: S608
        unused = await self._engine.run(sql, *told, _FORGET_AT_ONCE)
        for (vault,) in unused:
            await self._engine.together(
                Statement(f"DELETE FROM vault WHERE {of_them} AND id = ?", (*told, vault)),  # noqa: S608
                Statement(
                    "DELETE FROM vault_revision WHERE tenant = ? AND id = ? AND NOT EXISTS"
                    " (SELECT 1 FROM vault WHERE tenant = ? AND id = ?)",
                    (self._tenant, vault, self._tenant, vault),
                ),
            )
        return bool(unused)

    async def counts(self) -> tuple[int, int]:
        """Return how many vaults there are, and how many bytes are in them."""
        sql = "SELECT count(*), coalesce(sum(bytes), 0) FROM vault WHERE tenant = ? AND bytes > 0"
        rows = await self._engine.run(sql, self._tenant)
        return int(rows[0][0]), int(rows[0][1])

    def _begin(self, vault: str, digest: str, size: int) -> Statement:
        return Statement(
            "INSERT INTO vault (tenant, id, number, base, bytes, digest, day) SELECT CAST(? AS TEXT), CAST(? AS TEXT),"
            " 1, 1, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT)"
            " WHERE CAST(? AS BIGINT) <= ? AND (SELECT count(*) FROM vault WHERE tenant = ? AND bytes > 0) < ?"
            " AND (SELECT coalesce(sum(bytes), 0) FROM vault WHERE tenant = ?) <= ?"
            " ON CONFLICT (tenant, id) DO NOTHING",
            (
                *(self._tenant, vault, size, digest, _today(), size, self._bounds.bytes),
                *(self._tenant, self._bounds.vaults),
                *(self._tenant, self._bounds.all_bytes - size),
            ),
        )

    def _go_on(self, vault: str, digest: str, size: int, number: int, is_base: bool, upon: str | None) -> Statement:
        # A base takes the place of all before it, so it needs room for itself alone (4).
        bytes_, base = ("CAST(? AS BIGINT)", "(number + 1)") if is_base else ("(bytes + ?)", "base")
        return Statement(
            f"UPDATE vault SET number = number + 1, base = {base}, bytes = {bytes_}, digest = ?, day = ?"  # noqa: S608
            f" WHERE tenant = ? AND id = ? AND number = ? AND bytes > 0 AND {bytes_} <= ? AND ? - {base} < ?"
            f"{'' if upon is None else ' AND digest = ?'}",
            (
                *(size, digest, _today(), self._tenant, vault, number - 1),
                *(size, self._bounds.bytes, number, self._bounds.revisions),
                *(() if upon is None else (upon,)),
            ),
        )


def _state(rows: Rows) -> VaultState:
    if not rows:
        return VaultState()
    number, base, digest, size, *_ = rows[0]  # without a byte: it was deleted (5)
    return VaultState(number, base, digest) if size else VaultState(number, base, is_deleted=True, deletion=digest)


def _today() -> int:
    return int(time.time()) // _DAY_S
