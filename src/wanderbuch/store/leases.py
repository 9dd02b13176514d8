"""Leases: what one process at a time may do (docs/adr/0026-leases.md).

    async with tables.leases.hold("default/status-list/…") as lease:
        ...
        await lease.check()                      # LeaseLostError if we slept too long
        if await tables.numbers.advance(name, number): ...   # a late owner overwrites nothing

A lease has a name, an owner, a *fence* that grows with each owner, and an end by the database's clock. While it is held
it is renewed every third of its time. An owner that sleeps and wakes finds out by `is_lost` (its own estimate, free) or
`check()` (asks the database), and whatever it writes is conditional. Where the engine is not shared, leases live in
this process and cost no round trip.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol
from weakref import WeakValueDictionary

from wanderbuch.store.elapsing import elapsing
from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import LeaseBusyError, LeaseLostError, StoreUnreachableError

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.3
_FORGOTTEN_S: Final = 3600.0


class _Table(Protocol):
    """Where leases are kept."""

    async def take(self, name: str, owner: str, for_s: float) -> int | None: ...
    async def renew(self, name: str, fence: int, owner: str, for_s: float) -> bool: ...
    async def is_held(self, name: str, fence: int, owner: str) -> bool: ...
    async def release(self, name: str, fence: int, owner: str) -> None: ...


class Lease:
    """A lease that we took; ours until its time ends."""

    def __init__(self, table: _Table, name: str, owner: str, fence: int, for_s: float, asked_at: float) -> None:
        self.name = name
        self.fence = fence
        self._table = table
        self._owner = owner
        self._for_s = for_s
        self._ends_at = asked_at + for_s
        self._is_over = False

    @property
    def is_lost(self) -> bool:
        """Tell whether its time has passed by our own clock, or the database said that it is another's."""
        return self._is_over or elapsing() >= self._ends_at

    @property
    def is_of_process(self) -> bool:
        """Tell whether no other process can have it."""
        return isinstance(self._table, _InProcess)

    async def check(self) -> None:
        """Ask the database whether it is still ours.

        Raises:
            LeaseLostError: it is not.
        """
        if self._is_over or not await self._table.is_held(self.name, self.fence, self._owner):
            self._is_over = True
            raise LeaseLostError(
                f"the lease {self.name!r} ran out before the work was done", hint="begin again with what is there now"
            )

    async def renew(self) -> bool:
        """Keep it for its whole time again, and tell whether it is still ours."""
        asked_at = elapsing()
        if self._is_over or not await self._table.renew(self.name, self.fence, self._owner, self._for_s):
            self._is_over = True
            return False
        self._ends_at = asked_at + self._for_s
        return True

    async def release(self) -> None:
        """Give it back, if it is still ours."""
        if not self._is_over:
            self._is_over = True
            await self._table.release(self.name, self.fence, self._owner)


class HoldLease(Protocol):
    """Waits for the turn of a tenant with something (`Leases.hold`, `Tenant.lease`)."""

    def __call__(self, name: str, *, wait_s: float = 30.0) -> AbstractAsyncContextManager[Lease]:
        """Return the context in which it is held."""


class Leases:
    """The leases that the processes of a store share."""

    def __init__(self, engine: Engine) -> None:
        self._table: _Table = _InDatabase(engine) if engine.is_shared else _InProcess()
        self._engine = engine
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, name: str, *, for_s: float = 30.0) -> Lease | None:
        """Take a lease if nobody has it; whoever takes it renews and releases it."""
        owner, asked_at = secrets.token_hex(8), elapsing()
        fence = await self._table.take(name, owner, for_s)
        return None if fence is None else Lease(self._table, name, owner, fence, for_s, asked_at)

    @asynccontextmanager
    async def hold(self, name: str, *, wait_s: float = 30.0, for_s: float = 30.0) -> AsyncIterator[Lease]:
        """Wait for our turn, take the lease, and renew it until the block ends.

        Within a process those who wait get it in the order in which they asked.

        Raises:
            LeaseBusyError: somebody else had it for all of `wait_s`.
        """
        turn = self._turns.setdefault(name, asyncio.Lock())
        try:
            async with asyncio.timeout(wait_s):
                await turn.acquire()
        except TimeoutError:
            raise _busy(name, wait_s) from None
        try:
            lease = await self._wait_for(name, wait_s, for_s)
            renewing = _Renewing(lease, for_s)
            try:
                yield lease
            finally:
                renewing.end()
                await _give_back(lease)
        finally:
            turn.release()

    async def tidy(self) -> None:
        """Forget leases that ended long ago."""
        if self._engine.is_shared:
            await self._engine.run("DELETE FROM lease WHERE until < store_now() - ?", _FORGOTTEN_S)

    async def _wait_for(self, name: str, wait_s: float, for_s: float) -> Lease:
        ends_at, pause_s = elapsing() + wait_s, _FIRST_PAUSE_S
        while (lease := await self.take(name, for_s=for_s)) is None:
            if elapsing() + pause_s > ends_at:
                raise _busy(name, wait_s)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that two do not ask in step
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        return lease


class _InDatabase:
    """Leases in the plain tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def take(self, name: str, owner: str, for_s: float) -> int | None:
        # Fences begin at the milliseconds of the database's clock: they grow also where old rows were forgotten.
        rows = await self._engine.run(
            "INSERT INTO lease (name, owner, fence, until)"
            " VALUES (?, ?, CAST(store_now() * 1000 AS BIGINT), store_now() + ?)"
            " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner,"
            " fence = greatest(lease.fence + 1, excluded.fence), until = excluded.until"
            " WHERE lease.until <= store_now() RETURNING fence",
            name,
            owner,
            for_s,
        )
        return rows[0][0] if rows else None

    async def renew(self, name: str, fence: int, owner: str, for_s: float) -> bool:
        rows = await self._engine.run(
            "UPDATE lease SET until = store_now() + ?"
            " WHERE name = ? AND fence = ? AND owner = ? AND until > store_now() RETURNING fence",
            *(for_s, name, fence, owner),
        )
        return bool(rows)

    async def is_held(self, name: str, fence: int, owner: str) -> bool:
        rows = await self._engine.run(
            "SELECT 1 FROM lease WHERE name = ? AND fence = ? AND owner = ? AND until > store_now()",
            *(name, fence, owner),
        )
        return bool(rows)

    async def release(self, name: str, fence: int, owner: str) -> None:
        await self._engine.run(
            "UPDATE lease SET until = 0 WHERE name = ? AND fence = ? AND owner = ?", name, fence, owner
        )


class _InProcess:
    """Leases of one process alone; they end with it."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[int, float]] = {}
        self._last_fence = 0

    async def take(self, name: str, owner: str, for_s: float) -> int | None:
        lease = self._held.get(name)
        if lease is not None and lease[1] > elapsing():
            return None
        self._last_fence = max(self._last_fence + 1, time.time_ns() // 1_000_000)
        self._held[name] = (self._last_fence, elapsing() + for_s)
        return self._last_fence

    async def renew(self, name: str, fence: int, owner: str, for_s: float) -> bool:
        if not await self.is_held(name, fence, owner):
            return False
        self._held[name] = (fence, elapsing() + for_s)
        return True

    async def is_held(self, name: str, fence: int, owner: str) -> bool:
        lease = self._held.get(name)
        return lease is not None and lease[0] == fence and lease[1] > elapsing()

    async def release(self, name: str, fence: int, owner: str) -> None:
        lease = self._held.get(name)
        if lease is not None and lease[0] == fence:
            del self._held[name]


class _Renewing:
    """Renews a lease until it is lost, or this ends; most end before the first time, which costs a timer, no task."""

    def __init__(self, lease: Lease, for_s: float) -> None:
        self._lease = lease
        self._for_s = for_s
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(for_s / 3, self._begin)

    def end(self) -> None:
        """Renew it no more."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        """Renew it now and then; an unreachable database is asked again while there is time."""
        lease, pause_s = self._lease, self._for_s / 3
        while not lease.is_lost:
            try:
                if not await lease.renew():
                    _LOG.warning("the lease %s was lost: it ran out before it was renewed", lease.name)
                    return
                pause_s = self._for_s / 3
            except StoreUnreachableError as err:
                _LOG.warning("the lease %s could not be renewed: %s", lease.name, err)
                pause_s = self._for_s / 10
            await asyncio.sleep(pause_s)


async def _give_back(lease: Lease) -> None:
    """Release a lease; where that fails it ends by itself."""
    if lease.is_of_process:
        await lease.release()  # nothing is waited for
        return
    try:
        await asyncio.shield(lease.release())
    except StoreUnreachableError as err:
        _LOG.warning("the lease %s could not be given back: %s", lease.name, err)


def _busy(name: str, wait_s: float) -> LeaseBusyError:
    return LeaseBusyError(f"somebody else has held the lease {name!r} for {wait_s:g} s", hint="try again later")
