"""The processes that share a store: who is there, and when one was lost.

What a process has queued to send, and had begun, ends with it. A process that starts takes up what was left before it;
but where one ends and none starts, another must. So each process says every few seconds that it lives, and of those
that are left *one* notes that it is gone: for that one `lost_since` is later then, and its next sweep takes up what the
lost one may have left.

While at it, a process compares its clock with the database's. Leases, claims and what is published go by the database's
alone (`clock`); the times in records, and what is received from others, go by each process's own.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

from acapy_agent.core.profile import Profile

from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.tables import Tables, tables_of

_LOG = logging.getLogger(__name__)
_LIVES_S: Final = 30.0
_EVERY_S: Final = 5.0
_PREFIX: Final = ".process/"  # no tenant's name begins so
CLOCKS_APART: Final = timedelta(minutes=1)
"""So far apart the clocks of two processes may be without harm."""
_CLOCKS_TOLD_S: Final = 5.0
_SAID_AGAIN_S: Final = 600.0


class Fellows:
    """This process, among those that share its store."""

    def __init__(
        self, engine: Engine, *, on_loss: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepare; nobody knows of this process before `run`, or `show`.

        Args:
            engine: of the store.
            on_loss: called when another process is gone and this one is to take up what it left; must not wait.
            clock: this machine's, in seconds since 1970.
        """
        self._engine = engine
        self._on_loss = on_loss
        self._clock = clock
        self._name = f"{_PREFIX}{secrets.token_hex(8)}"
        self._lost_at: datetime | None = None
        self._told_at = float("-inf")
        self._has_left = False

    def lost_since(self, began: datetime) -> datetime:
        """Return the later of `began` and the last loss of a process that is this one's to make good."""
        return began if self._lost_at is None else max(began, self._lost_at)

    async def run(self) -> None:
        """Show that this process lives, and look after the others, until cancelled; where there can be none, return."""
        while self._engine.is_shared and not self._has_left:
            try:
                await self.show()
                await self.look()
            except StoreUnreachableError as err:
                _LOG.warning("the store does not answer: %s", err.message)
            await asyncio.sleep(_EVERY_S)

    async def show(self) -> None:
        """Say that this process lives, and compare its clock with the database's."""
        before = self._clock()
        rows = await self._engine.run(
            "INSERT INTO lease (name, owner, fence, until) VALUES (?, ?, 0, store_now() + ?)"
            " ON CONFLICT (name) DO UPDATE SET until = excluded.until RETURNING store_now()",
            *(self._name, self._name, _LIVES_S),
        )
        after = self._clock()
        self._compare_clocks(float(rows[0][0]), before, after)

    async def look(self) -> bool:
        """Return whether another process is gone, of which no other process has noted it."""
        gone = await self._engine.run(
            "DELETE FROM lease WHERE name LIKE ? AND until <= store_now() RETURNING name", f"{_PREFIX}%"
        )
        others = [name for (name,) in gone if name != self._name]
        if others:
            self._lost_at = datetime.fromtimestamp(self._clock(), UTC) + CLOCKS_APART
            _LOG.warning("%d process(es) that shared this store are gone; this one takes up what is left", len(others))
            self._on_loss()
        return bool(others)

    async def others(self) -> int:
        """Return how many other processes there are, as far as they have said so lately."""
        rows = await self._engine.run(
            "SELECT count(*) FROM lease WHERE name LIKE ? AND name <> ? AND until > store_now()",
            *(f"{_PREFIX}%", self._name),
        )
        return int(rows[0][0])

    async def leave(self, *, is_clean: bool) -> None:
        """Say that this process ends.

        Args:
            is_clean: whether nothing of its work is left to take up.
        """
        self._has_left = True
        if not self._engine.is_shared:
            return
        if is_clean:
            await self._engine.run("DELETE FROM lease WHERE name = ?", self._name)
        else:
            await self._engine.run("UPDATE lease SET until = 0 WHERE name = ?", self._name)

    def _compare_clocks(self, theirs: float, before: float, after: float) -> None:
        ahead_s = before - theirs if before > theirs else min(0.0, after - theirs)
        if abs(ahead_s) < _CLOCKS_TOLD_S or after < self._told_at + _SAID_AGAIN_S:
            return
        self._told_at = after
        _LOG.warning(
            "this machine's clock is %.0f s %s the database's; set both by a time server (NTP): deadlines and the times"
            " in records differ between the processes by as much",
            *(abs(ahead_s), "ahead of" if ahead_s > 0 else "behind"),
        )


def bind_fellows(tables: Tables, fellows: Fellows) -> None:
    """Let `lost_since` find what the runtime keeps."""
    _BY_TABLES[tables] = fellows


def lost_since(profile: Profile, began: datetime) -> datetime:
    """Return since when what was sent was sent by processes that still live, as far as this one has to see to it.

    Args:
        profile: whose.
        began: when this process, or its part that asks, began.
    """
    fellows = _BY_TABLES.get(tables_of(profile))
    return began if fellows is None else fellows.lost_since(began)


_BY_TABLES: WeakKeyDictionary[Tables, Fellows] = WeakKeyDictionary()
