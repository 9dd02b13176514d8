"""Which process has which kept envelope, where several share a store, and how much room those of a tenant take.

1. Who keeps an envelope has it, for `FOR_S` seconds by the database's clock, and renews that while it lives.
2. What a dead process had, or one that ends gave back, is claimed by another: each envelope by one.
3. A process that slept until another could claim what it had knows that by its own clock; what its handler would still
   write is refused (`store.fence`), and it removes nothing.
4. Rows say in which hour an envelope came, and its place among those of its tenant. How long a claim lasts is a finer
   time: that of the last renewal of all that a process has.
5. The room that the envelopes of a tenant take is bounded over all processes: the row is written only if there is room.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from wanderbuch.agents.runtime.gate.admission import BusyError
from wanderbuch.store.elapsing import elapsing
from wanderbuch.store.engine import Engine, Statement

FOR_S: Final = 30.0
RENEW_S: Final = 10.0
_PLACE: Final = (
    "(SELECT greatest(CAST(store_now() AS BIGINT) / 3600 * 3600, coalesce(max(last.at), 0) + 0.001)"
    " FROM envelope AS last WHERE last.tenant = ?)"
)
"""The hour, and the place in it; takes the tenant."""
FREED: Final = "envelopes"
"""The topic on which a process that ends tells the others that there is something to take up."""

_AT_ONCE: Final = 200


@dataclass(slots=True, eq=False)
class EnvelopeClaim:
    """An envelope that is this process's for a time."""

    id: str
    tenant: str
    size: int
    ends_at: float
    is_taken: bool = False

    @property
    def name(self) -> str:
        """What it is called where something is refused for it."""
        return f"the envelope {self.id}"

    @property
    def is_lost(self) -> bool:
        """Whether another process may have it."""
        return self.is_taken or elapsing() >= self.ends_at


class EnvelopeClaims:
    """What this process has claimed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._owner = secrets.token_hex(8)
        self._ours: dict[str, EnvelopeClaim] = {}

    async def enter(self, tenant: str, kept_id: str, size: int, *, max_bytes: int, max_count: int) -> EnvelopeClaim:
        """Claim an envelope that is about to be kept.

        Raises:
            BusyError: there is no room for it.
        """
        asked_at = elapsing()
        rows = await self._engine.run(
            f"INSERT INTO envelope (id, tenant, size, owner, until, at) SELECT ?, ?, ?, ?, store_now() + ?, {_PLACE}"  # noqa: S608
            " WHERE (SELECT coalesce(sum(size), 0) + ? <= ? AND count(*) < ? FROM envelope WHERE tenant = ?)"
            " RETURNING id",
            *(kept_id, tenant, size, self._owner, FOR_S, tenant, size, max_bytes, max_count, tenant),
        )
        if not rows:
            raise BusyError("too much is kept that is not handled yet")
        return self._note(tenant, kept_id, size, asked_at)

    async def take(self, tenants: Collection[str]) -> list[EnvelopeClaim]:
        """Claim what nobody has of these tenants, oldest first."""
        if not tenants:
            return []
        asked_at = elapsing()
        rows = await self._engine.run(
            "UPDATE envelope SET owner = ?, until = store_now() + ? WHERE id IN (SELECT id FROM envelope"  # noqa: S608
            f" WHERE tenant IN ({', '.join('?' * len(tenants))}) AND (owner IS NULL OR until <= store_now())"
            f" ORDER BY at LIMIT ? {self._engine.skip_locked}) RETURNING tenant, id, size, at",
            self._owner,
            FOR_S,
            *tenants,
            _AT_ONCE,
        )
        rows.sort(key=lambda row: row[3])
        return [self._note(tenant, kept_id, int(size), asked_at) for tenant, kept_id, size, _ in rows]

    async def add_missing(self, tenant: str, sizes: Mapping[str, int]) -> None:
        """Add what is kept and has no row, as after a move from another store; it is nobody's yet."""
        for kept_id, size in sizes.items():
            await self._engine.run(
                f"INSERT INTO envelope (id, tenant, size, owner, until, at) VALUES (?, ?, ?, NULL, 0, {_PLACE})"  # noqa: S608
                " ON CONFLICT (id) DO NOTHING",
                *(kept_id, tenant, size, tenant),
            )

    async def renew(self) -> None:
        """Keep for its whole time again what is still ours; note what is not."""
        if not self._ours:
            return
        asked_at, asked = elapsing(), dict(self._ours)
        rows = await self._engine.run(
            "UPDATE envelope SET until = store_now() + ? WHERE owner = ? AND until > store_now() RETURNING id",
            *(FOR_S, self._owner),
        )
        still = {kept_id for (kept_id,) in rows}
        for kept_id, claim in asked.items():
            if kept_id in still:
                claim.ends_at = asked_at + FOR_S
            elif self._ours.get(kept_id) is claim:
                claim.is_taken = True

    async def leave(self, claim: EnvelopeClaim) -> None:
        """Remove the row of an envelope that is gone, if it is still ours."""
        if self._ours.get(claim.id) is claim:
            del self._ours[claim.id]
        await self._engine.run("DELETE FROM envelope WHERE id = ? AND owner = ?", claim.id, self._owner)

    def forget(self, claim: EnvelopeClaim) -> None:
        """Forget what another process has by now."""
        if self._ours.get(claim.id) is claim:
            del self._ours[claim.id]

    async def free_all(self) -> None:
        """Give everything back, and tell the others."""
        for claim in self._ours.values():
            claim.is_taken = True
        left, self._ours = self._ours, {}
        if left:
            await self._engine.together(
                Statement("UPDATE envelope SET owner = NULL, until = 0 WHERE owner = ?", (self._owner,)),
                Statement("SELECT store_tell(?, ?)", (FREED, "freed")),
            )

    def _note(self, tenant: str, kept_id: str, size: int, asked_at: float) -> EnvelopeClaim:
        claim = self._ours[kept_id] = EnvelopeClaim(kept_id, tenant, size, asked_at + FOR_S)
        return claim
