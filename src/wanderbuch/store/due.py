"""Due work: rows whose time has come, claimed for a while by one process at a time.

    for claim in await tables.due.claim(["wanderbuch.offer"], limit=20, for_s=60):
        record = await offers.get_or_none(claim.id)
        ...
        await tables.due.done(claim, due=record.due_at())

One query a store finds what is due, whatever the number of tenants. Who claims and dies loses it after its time: so
what is done for due work is done at least once, and must bear being done twice. A row may be superfluous or early
(`rows.py`): who finds nothing to do says when the record is due next, and leaves alone what has no record (yet).
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wanderbuch.store.engine import Engine, Statement, Value
from wanderbuch.store.schema import LIST, list_of

MOST_CLAIMS: Final = 500
"""Bound of one batch."""

_MOST_LISTS: Final = 200


@dataclass(frozen=True, slots=True)
class DueClaim:
    """Work that is ours for a while."""

    tenant: str
    kind: str
    id: str
    state: str
    """The row's state; the record's may be another by now."""
    owner: str
    fence: int
    for_s: float


class DueWork:
    """What somebody must look at, in all tenants of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def claim(
        self,
        kinds: Collection[str],
        *,
        limit: int,
        for_s: float,
        tenants: Collection[str] | None = None,
        at: datetime | None = None,
    ) -> list[DueClaim]:
        """Claim rows that are due and that nobody has, oldest due first.

        Args:
            kinds: of these kinds.
            limit: at most so many, 1 to 500.
            for_s: for how long they are ours, unless renewed.
            tenants: only of these tenants; None: of any.
            at: what is due by this instant; None: by the database's clock. Who has a claim, or writes, is always asked
                of the database's.
        """
        if not 1 <= limit <= MOST_CLAIMS:
            raise ValueError(f"a batch has 1 to {MOST_CLAIMS} claims, not {limit}")
        if not kinds or (tenants is not None and not tenants):
            return []
        now, instant = ("store_now()", list[Value]()) if at is None else ("?", [at.timestamp()])
        walk = (
            "SELECT * FROM (SELECT tenant, kind, id, state, due FROM row WHERE {}"  # noqa: S608
            f" AND due <= {now} AND until <= store_now() AND held <= store_now() ORDER BY due LIMIT ?"
            f" {self._engine.skip_locked}) AS walk"
        )
        # A walk along an index for each list: what is due and none of our work costs nothing.
        if tenants is None:
            walk, lists = walk.format("kind = ?"), [*dict.fromkeys(kinds)]
        else:
            pairs = dict.fromkeys((tenant, kind) for tenant in tenants for kind in kinds)
            walk, lists = walk.format(f"{LIST} = ?"), [list_of(*pair) for pair in pairs]
        if len(lists) > _MOST_LISTS:
            raise ValueError(f"work is claimed from at most {_MOST_LISTS} lists at once")
        walks = " UNION ALL ".join(f"{walk}{number}" for number in range(len(lists)))
        owner = secrets.token_hex(8)
        args: list[Value] = [owner, for_s]
        for name in lists:
            args += [name, *instant, limit]
        args.append(limit)
        rows = await self._engine.run(
            "UPDATE row SET owner = ?, until = store_now() + ?"  # noqa: S608
            f" WHERE (tenant, kind, id, state) IN (SELECT tenant, kind, id, state FROM ({walks}) AS found"
            " ORDER BY due LIMIT ?) RETURNING tenant, kind, id, state, fence, due",
            *args,
        )
        rows.sort(key=lambda row: row[5])
        return [
            DueClaim(tenant, kind, record_id, state, owner, fence, for_s)
            for tenant, kind, record_id, state, fence, _ in rows
        ]

    async def listed(
        self, tenant: str, kind: str, *, before: datetime, state: str | None = None, limit: int
    ) -> list[str]:
        """Return ids of what is due by an instant, oldest due first; nothing is claimed."""
        rows = await self._engine.run(
            f"SELECT id FROM row WHERE {LIST} = ? AND due <= ?"  # noqa: S608
            f"{'' if state is None else ' AND state = ?'} ORDER BY due LIMIT ?",
            *(list_of(tenant, kind), before.timestamp(), *(() if state is None else (state,)), limit),
        )
        return [row[0] for row in rows]

    async def tenants(self) -> set[str]:
        """Return the tenants of which anything is due, claimed or not.

        One query a store, along the index by kind: it costs what is due, not what there is.
        """
        rows = await self._engine.run(
            "WITH RECURSIVE kinds(kind) AS (SELECT min(kind) FROM row WHERE due IS NOT NULL UNION ALL"
            " SELECT (SELECT min(kind) FROM row WHERE due IS NOT NULL AND row.kind > kinds.kind) FROM kinds"
            " WHERE kinds.kind IS NOT NULL)"
            " SELECT DISTINCT row.tenant FROM kinds JOIN row ON row.kind = kinds.kind AND row.due <= store_now()"
        )
        return {tenant for (tenant,) in rows}

    async def renew(self, claims: Sequence[DueClaim]) -> list[DueClaim]:
        """Keep claims for their time again, and return those that are still ours."""
        if not claims:
            return []
        in_order = sorted(claims, key=lambda claim: (claim.tenant, claim.kind, claim.id, claim.state))
        results = await self._engine.together(
            *(
                Statement(
                    "UPDATE row SET until = store_now() + ? WHERE tenant = ? AND kind = ? AND id = ? AND state = ?"
                    " AND owner = ? AND until > store_now() RETURNING id",
                    (claim.for_s, claim.tenant, claim.kind, claim.id, claim.state, claim.owner),
                )
                for claim in in_order
            )
        )
        ours = {claim for claim, rows in zip(in_order, results, strict=True) if rows}
        return [claim for claim in claims if claim in ours]

    async def done(self, claim: DueClaim, *, due: datetime | None) -> bool:
        """Give a claim back and say when the record is due next.

        Args:
            claim: what is done.
            due: the record's own next time; None: never. If somebody has changed the record since it was claimed (we
                ourselves, too), what that change said counts, not this.

        Returns:
            False if it was not ours any more: its time ran out, or its row went with a change of state.
        """
        rows = await self._engine.run(
            "UPDATE row SET owner = NULL, until = 0, due = CASE WHEN fence = ? THEN ? ELSE due END"
            " WHERE tenant = ? AND kind = ? AND id = ? AND state = ? AND owner = ? RETURNING id",
            claim.fence,
            None if due is None else due.timestamp(),
            *(claim.tenant, claim.kind, claim.id, claim.state, claim.owner),
        )
        return bool(rows)
