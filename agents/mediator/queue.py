"""What waits for wallets: durable, sealed, in the order in which it came, until the wallet says that it has it.

1. A message is kept by one statement, which looks at the limits, too: it is there when that has committed. Of several
   that are written at once on PostgreSQL, none sees the others: so where a queue is nearly full, they take turns by its
   wallet's row.
2. Every process hears whom it is for, and the one that has the wallet's web socket delivers.
3. It goes when its wallet says that it has it, or when it is too old. So it may be delivered twice, never not at all.
4. Its number is its place among what waits for the same wallet: a number of the store, which other rows take too, would
   say to the second when it came.
5. Who reads gets a bounded part, however large messages are: what a wallet asks for, or does not read, costs no more.
"""

import secrets
import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from wanderbuch.agents.mediator.config import MediatorConfig
from wanderbuch.agents.mediator.sealing import Sealing
from wanderbuch.agents.mediator.wallets import HOUR_S
from wanderbuch.agents.runtime.gate.envelope import EnvelopeError, read_envelope
from wanderbuch.store.engine import Statement, Value
from wanderbuch.store.tables import Tables

CAME: Final = "mediated-came"
"""Topic: "<tenant> <wallet>", for which something came."""

_AT_ONCE: Final = 64
"""So many may be written for one wallet at once without passing its limit: more than all processes do."""
_PART: Final = 16
_PART_BYTES: Final = 1024 * 1024
"""So much is read at once, or one message: as it is kept."""

_NEXT: Final = (
    "SELECT kept.id, kept.sealed, kept.number, part.candidates FROM (SELECT id, size,"
    " sum(size) OVER (ORDER BY number, id) AS together, count(*) OVER () AS candidates"
    " FROM (SELECT id, number, size FROM mediated_message WHERE tenant = ? AND wallet = ? AND (number, id) > (?, ?)"
    "{marks} ORDER BY number, id LIMIT ?) AS few) AS part"
    " JOIN mediated_message AS kept ON kept.tenant = ? AND kept.wallet = ? AND kept.id = part.id"
    " WHERE part.together <= ? OR part.together = part.size ORDER BY kept.number, kept.id"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits.

    Args:
        id: by which its wallet says that it has it.
        envelope: as it came.
    """

    id: str
    envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WaitingCount:
    """How many messages wait for a wallet, and how many found no room since it was told last."""

    messages: int
    refused: int


class Queue:
    """The queues of one tenant's wallets.

    Args:
        tenant: whose.
        tables: where.
        sealing: for what stands there.
        config: the limits.
    """

    def __init__(self, tenant: str, tables: Tables, sealing: Sealing, config: MediatorConfig) -> None:
        self._tenant = tenant
        self._engine = tables.engine
        self._sealing = sealing
        self._config = config

    async def keep(self, key_hash: bytes, envelope: bytes) -> bool:
        """Keep an envelope for the wallet that has a key; False: there is no room, or no such wallet (1, 2, 4)."""
        ident = secrets.token_hex(12)
        sealed = self._sealing.seal(envelope, place=ident)
        messages, size = self._config.limits["messages"], self._config.limits["bytes"]
        if not self._engine.is_shared:
            return bool(await self._engine.run(*self._keeping(key_hash, ident, sealed, messages, size)))
        unguarded = (messages - min(_AT_ONCE, messages // 2), size // 2)
        if await self._engine.run(*self._keeping(key_hash, ident, sealed, *unguarded)):
            return True
        in_turn = Statement(
            "UPDATE mediated SET refused = refused WHERE tenant = ?"
            " AND id = (SELECT wallet FROM mediated_key WHERE hash = ?)",
            (self._tenant, key_hash),
        )
        sql, *args = self._keeping(key_hash, ident, sealed, messages, size)
        _, rows = await self._engine.together(in_turn, Statement(str(sql), tuple(args)))
        return bool(rows)

    def _keeping(
        self, key_hash: bytes, ident: str, sealed: bytes, messages: int, size: int
    ) -> tuple[str, *tuple[Value, ...]]:
        """Return the statement that keeps a message where so many fit, which take so much, and its arguments."""
        return (
            "INSERT INTO mediated_message (tenant, wallet, id, number, hour, size, sealed)"
            " SELECT owned.tenant, owned.wallet, CAST(? AS TEXT), (SELECT coalesce(max(last.number), 0) + 1"
            " FROM mediated_message AS last WHERE last.tenant = owned.tenant AND last.wallet = owned.wallet),"
            " CAST(? AS BIGINT), CAST(? AS BIGINT), ?"
            " FROM mediated_key AS owned WHERE owned.hash = ? AND owned.tenant = ? AND (SELECT count(*) < ?"
            " AND coalesce(sum(waits.size), 0) + ? <= ? FROM mediated_message AS waits"
            " WHERE waits.tenant = owned.tenant AND waits.wallet = owned.wallet)"
            " RETURNING store_tell(?, tenant || ' ' || wallet)",
            *(ident, int(time.time()) // HOUR_S, len(sealed), sealed, key_hash, self._tenant),
            *(messages, len(sealed), size, CAME),
        )

    async def first(self, wallet: str, *, limit: int, but: Collection[str] = ()) -> Sequence[Waiting]:
        """Return the oldest messages that wait for a wallet: one, or more that take a MiB together (5).

        Args:
            wallet: whose.
            limit: so many.
            but: not these.
        """
        return (await self.part(wallet, limit=limit, but=but))[0]

    async def part(self, wallet: str, *, limit: int, but: Collection[str] = ()) -> tuple[Sequence[Waiting], bool]:
        """Return the same, and whether that is all that waits; arguments as with `first`."""
        part, is_all = await self._next(wallet, limit=limit, but=but)
        return [waiting for waiting, _ in part], is_all

    async def remove(self, wallet: str, ids: Collection[str]) -> None:
        """Remove what a wallet says that it has; what is not its own is left alone (3)."""
        if ids:
            await self._engine.together(self._removing(wallet, ids))

    def _removing(self, wallet: str, ids: Collection[str]) -> Statement:
        marks = ", ".join("?" * len(ids))
        sql = f"DELETE FROM mediated_message WHERE tenant = ? AND wallet = ? AND id IN ({marks})"  # noqa: S608
        return Statement(sql, (self._tenant, wallet, *ids))

    async def count(self, wallet: str, *, without: Collection[str] = ()) -> WaitingCount:
        """Return how much waits for a wallet, and how much found no room; once these are removed, as with `remove`."""
        removing = [self._removing(wallet, without)] if without else []
        counting = Statement(
            "SELECT (SELECT count(*) FROM mediated_message WHERE tenant = ? AND wallet = ?),"
            " (SELECT refused FROM mediated WHERE tenant = ? AND id = ?)",
            (self._tenant, wallet, self._tenant, wallet),
        )
        number, refused = (await self._engine.together(*removing, counting))[-1][0]
        return WaitingCount(int(number), int(refused or 0))

    async def still(self, wallet: str, ids: Collection[str]) -> Collection[str]:
        """Return which of these still wait for a wallet."""
        marks = ", ".join("?" * len(ids))
        sql = f"SELECT id FROM mediated_message WHERE tenant = ? AND wallet = ? AND id IN ({marks})"  # noqa: S608
        return {ident for (ident,) in await self._engine.run(sql, self._tenant, wallet, *ids)}

    async def of_key(self, wallet: str, key: str, *, limit: int) -> Sequence[Waiting]:
        """Return the oldest messages that are for one key of a wallet; their envelopes alone say it."""
        matching: list[Waiting] = []
        async for waiting in self._all(wallet):
            if _is_for(waiting.envelope, key):
                matching.append(waiting)
                if len(matching) == limit or sum(len(item.envelope) for item in matching) >= _PART_BYTES:
                    break
        return matching

    async def count_of_key(self, wallet: str, key: str) -> int:
        """Return how many messages are for one key of a wallet."""
        return sum([_is_for(waiting.envelope, key) async for waiting in self._all(wallet)])

    async def remove_old(self) -> None:
        """Remove what is too old (3)."""
        before = int(time.time()) // HOUR_S - self._config.keep_days * 24
        await self._engine.run("DELETE FROM mediated_message WHERE tenant = ? AND hour < ?", self._tenant, before)

    async def _all(self, wallet: str) -> AsyncIterator[Waiting]:
        """Yield all that waits for a wallet, a part at a time (5)."""
        place = (0, "")
        while part := (await self._next(wallet, limit=_PART, after=place))[0]:
            for waiting, _ in part:
                yield waiting
            place = part[-1][1]

    async def _next(
        self, wallet: str, *, limit: int, but: Collection[str] = (), after: tuple[int, str] = (0, "")
    ) -> tuple[Sequence[tuple[Waiting, tuple[int, str]]], bool]:
        """Return a part of what waits for a wallet, with the place of each, and whether it is all (5).

        Args:
            wallet: whose.
            limit: so many.
            but: not these.
            after: those behind this place.
        """
        marks = f" AND id NOT IN ({', '.join('?' * len(but))})" if but else ""
        number, ident = after
        args: list[Value] = [self._tenant, wallet, number, ident, *but, limit, self._tenant, wallet, _PART_BYTES]
        part: list[tuple[Waiting, tuple[int, str]]] = []
        is_all = True
        while not part and (rows := await self._engine.run(_NEXT.format(marks=marks), *args)):
            is_all = len(rows) == rows[0][3] < limit
            for ident, sealed, number, _ in rows:
                content = self._sealing.open_row(bytes(sealed), place=ident)
                if content is None:  # what comes after it must not wait for it
                    await self.remove(wallet, [ident])
                else:
                    part.append((Waiting(ident, content), (number, ident)))
        return part, is_all


def _is_for(envelope: bytes, key: str) -> bool:
    try:
        opened = read_envelope(envelope, max_bytes=len(envelope))
    except EnvelopeError:
        return False
    return any(recipient.key == key for recipient in opened.recipients)
