"""A power cut after any step: what is durable then, and nothing after it.

A step is what a kill can come behind: a write that the wallet store has kept (outside a transaction each one, inside
one its commit), a write of the plain tables, a public file, a message that was handed over to be sent.

    async def test_…(power: Power) -> None:
        for steps in power.cuts():
            cut = await power.lasts(steps, lambda: desk.do_something())
            …                      # start again, repair, and look at what there is
            if not cut:
                break
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, count
from random import Random
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from aries_askar import Session
from tests.thorough import IS_THOROUGH, drawn

from wanderbuch.plugins.webvh.publisher import FolderPublisher
from wanderbuch.store.engine import Statement
from wanderbuch.store.postgresql import PostgresqlEngine
from wanderbuch.store.sqlite import SqliteEngine
from wanderbuch.store.tables import tables_of

_WRITES = ("insert", "replace", "remove", "remove_all", "insert_key", "update_key", "remove_key")
_EVERY = 8
_EVERY_ON_POSTGRESQL = 16


class PowerCutError(BaseException):
    """The process is gone; no handler of the product may catch it."""


@dataclass(frozen=True)
class Share:
    """One of so many cuts."""

    every: int
    chance: Random

    def gaps(self) -> Iterator[int]:
        """Return how many steps each cut comes after the one before."""
        yield self.chance.randint(1, max(1, self.every // 3))
        while True:
            yield self.chance.randint(1, 2 * self.every - 1)


class Power:
    """Counts steps, and fails after a given number of them.

    Args:
        share: of the cuts; None: all.
    """

    def __init__(self, share: Share | None = None) -> None:
        self.steps = 0
        self._share = share
        self._left: int | None = None
        self._gone = asyncio.Event()

    def cuts(self) -> Iterator[int]:
        """Return after how many steps it fails, one time after the other.

        Thoroughly (`tests.thorough`) after each. Else a share, since most of what these tests take is what surrounds a
        cut: where records lie on SQLite one of eight; on PostgreSQL, where the same steps are done, one of sixteen; of
        a test with several cases one runs there. After which, is drawn anew for each commit, with one at the beginning:
        what does little is cut too.
        """
        if self._share is None:
            return count()
        return accumulate(self._share.gaps())

    def step(self) -> None:
        """Note a step that was done; the power may fail right after it."""
        self.steps += 1
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._gone.set()
                raise PowerCutError

    def look(self) -> None:
        """Do nothing more once the power is gone."""
        if self._gone.is_set():
            raise PowerCutError

    async def lasts(self, steps: int, work: Callable[[], Awaitable[object]]) -> bool:
        """Run `work` until it ends or as many steps are done, and return whether it was cut; 0: before any.

        Whatever `work` began elsewhere does nothing more either, until the power is back, which it is on return.
        """
        if steps == 0:
            return True
        self._left = steps
        doing = asyncio.ensure_future(work())
        gone = asyncio.ensure_future(self._gone.wait())
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        cut = self._gone.is_set()
        if cut:
            doing.cancel()
            await asyncio.wait({doing})
            await asyncio.sleep(0.01)  # those who run beside find that there is no power
        self._left = None
        self._gone.clear()
        failed = None if doing.cancelled() else doing.exception()
        if failed is not None and not cut:
            raise failed
        return cut


@pytest.fixture
def power(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Power:
    """The power supply of every wallet store and every public folder of this process."""
    callspec = getattr(request.node, "callspec", None)
    is_second_engine = callspec is not None and "postgresql" in callspec.params.values()
    every = _EVERY_ON_POSTGRESQL if is_second_engine else _EVERY
    supply = Power(None if IS_THOROUGH else Share(every, drawn(request.node.nodeid)))
    for name in _WRITES:
        monkeypatch.setattr(Session, name, _counted(supply, getattr(Session, name), in_transaction=False))
    monkeypatch.setattr(Session, "commit", _counted(supply, Session.commit, in_transaction=True))
    for engine in (SqliteEngine, PostgresqlEngine):
        for name in ("run", "together"):
            monkeypatch.setattr(engine, name, _counted_sql(supply, getattr(engine, name)))
    put = FolderPublisher.put

    async def put_counted(self: FolderPublisher, *args: Any, **kwargs: Any) -> None:
        supply.look()
        await put(self, *args, **kwargs)
        supply.step()

    monkeypatch.setattr(FolderPublisher, "put", put_counted)
    return supply


def _counted(supply: Power, write: Callable[..., Awaitable[Any]], *, in_transaction: bool) -> Callable[..., Any]:
    async def counted(self: Session, *args: Any, **kwargs: Any) -> Any:
        supply.look()
        result = await write(self, *args, **kwargs)
        if self.is_transaction is in_transaction:
            supply.step()
        return result

    return counted


def _counted_sql(supply: Power, run: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def counted(self: object, *asked: Any) -> Any:
        supply.look()
        result = await run(self, *asked)
        first = asked[0] if asked else "SELECT"
        sql = first.sql if isinstance(first, Statement) else first
        has_found_nothing = sql.startswith("DELETE") and not result  # so it has written nothing
        if not sql.startswith("SELECT") and not has_found_nothing:
            supply.step()
        return result

    return counted


async def marks_end(profile: Profile) -> None:
    """Let the minute pass, by the database's clock, for which others wait for a writer that was cut off.

    Whoever moves a clock of his own, as most tests do, does not move the database's.
    """
    await tables_of(profile).engine.run("UPDATE row SET held = held - 61 WHERE held > 0")
