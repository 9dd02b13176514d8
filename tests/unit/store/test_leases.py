"""Leases: one owner at a time, and late owners notice."""

import asyncio

import pytest
from tests.unit.store.conftest import HASHES, OpenEngine

from wanderbuch.store.errors import LeaseBusyError, LeaseLostError
from wanderbuch.store.leases import Leases
from wanderbuch.store.tables import Tables, tables_on

_NAME = "default/status-list/7"


@pytest.fixture
async def other(open_another: OpenEngine, tables: Tables) -> Leases:
    """The leases as another process sees them; where nobody shares them, those of this process."""
    engine = await open_another()
    return tables.leases if engine is tables.engine else tables_on(engine, HASHES).leases


async def test_one_owner_at_a_time(tables: Tables, other: Leases) -> None:
    lease = await tables.leases.take(_NAME)
    assert lease is not None
    assert await other.take(_NAME) is None
    assert await other.take("default/another") is not None

    await lease.release()
    assert await other.take(_NAME) is not None


async def test_fences_grow_with_each_owner(tables: Tables, other: Leases) -> None:
    fences = []
    for leases in (tables.leases, other, tables.leases):
        async with leases.hold(_NAME) as lease:
            fences.append(lease.fence)
    assert fences == sorted(set(fences))


async def test_a_dead_owners_lease_is_taken_after_its_time(tables: Tables, other: Leases) -> None:
    dead = await tables.leases.take(_NAME, for_s=2)
    assert dead is not None
    assert await other.take(_NAME) is None
    async with other.hold(_NAME, wait_s=10) as lease:
        assert lease.fence > dead.fence
        assert dead.is_lost
        with pytest.raises(LeaseLostError, match="ran out"):
            await dead.check()
        assert not await dead.renew()
        await dead.release()
        await lease.check()
        assert await tables.leases.take(_NAME) is None


async def test_what_is_held_is_renewed(tables: Tables, other: Leases) -> None:
    async with tables.leases.hold(_NAME, for_s=2) as lease:
        for _ in range(6):
            await asyncio.sleep(0.5)
            assert await other.take(_NAME) is None
        await lease.check()
        assert not lease.is_lost


async def test_who_waits_in_vain_is_told(tables: Tables, other: Leases) -> None:
    async with tables.leases.hold(_NAME):
        with pytest.raises(LeaseBusyError, match=_NAME):
            async with other.hold(_NAME, wait_s=0.2):
                pytest.fail("two owners")


async def test_in_a_process_turns_are_in_the_order_of_asking(tables: Tables) -> None:
    got: list[int] = []

    async def take_turn(number: int) -> None:
        async with tables.leases.hold(_NAME):
            got.append(number)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(take_turn(number) for number in range(6)))
    assert got == list(range(6))


async def test_an_owner_that_slept_notices(tables: Tables) -> None:
    async with tables.leases.hold(_NAME, for_s=60) as lease:
        if tables.engine.is_shared:  # as if the process had slept for longer than that
            await tables.engine.run("UPDATE lease SET until = store_now() - 1")
        else:
            lease._ends_at = 0
            tables.leases._table._held[_NAME] = (lease.fence, 0.0)  # type: ignore[attr-defined]
        with pytest.raises(LeaseLostError):
            await lease.check()
        assert lease.is_lost


async def test_a_block_that_fails_gives_the_lease_back(tables: Tables, other: Leases) -> None:
    with pytest.raises(RuntimeError, match="no"):
        async with tables.leases.hold(_NAME):
            raise RuntimeError("no")
    assert await other.take(_NAME) is not None


async def _hold_once(leases: Leases) -> None:
    async with leases.hold(_NAME):
        pass


async def test_who_is_cancelled_while_waiting_leaves_the_turn_to_others(tables: Tables) -> None:
    async with tables.leases.hold(_NAME):
        waiting = asyncio.create_task(_hold_once(tables.leases))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.wait_for(_hold_once(tables.leases), 60)


async def test_processes_count_without_losing_one(tables: Tables, other: Leases) -> None:
    """What the lease protects is read, awaited and written: without it most increments were lost."""
    kept = 0

    async def add(leases: Leases) -> None:
        nonlocal kept
        for _ in range(5):
            async with leases.hold(_NAME, wait_s=60):
                seen = kept
                await asyncio.sleep(0)
                kept = seen + 1

    await asyncio.gather(*(add(leases) for leases in (tables.leases, other) for _ in range(3)))
    assert kept == 30


async def test_leases_that_ended_long_ago_are_forgotten_and_fences_still_grow(tables: Tables) -> None:
    async with tables.leases.hold(_NAME) as first:
        pass
    if tables.engine.is_shared:
        await tables.engine.run("UPDATE lease SET until = store_now() - 4000")
    await tables.tidy()
    assert await tables.engine.run("SELECT name FROM lease") == []
    await asyncio.sleep(0.002)
    async with tables.leases.hold(_NAME) as second:
        assert second.fence > first.fence


async def test_numbers_only_grow(tables: Tables) -> None:
    assert await tables.numbers.current(_NAME) is None
    assert await tables.numbers.advance(_NAME, 5)
    for late in (5, 4, -1):
        assert not await tables.numbers.advance(_NAME, late)
    assert await tables.numbers.advance(_NAME, 6)
    assert await tables.numbers.current(_NAME) == 6
    assert await tables.numbers.advance("default/another", 1)
    await tables.numbers.remove(_NAME)
    assert await tables.numbers.current(_NAME) is None


async def test_of_two_that_write_one_number_one_does(tables: Tables) -> None:
    outcomes = await asyncio.gather(*(tables.numbers.advance(_NAME, number) for number in [3] * 8))
    assert sorted(outcomes) == [False] * 7 + [True]
