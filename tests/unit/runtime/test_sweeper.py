import asyncio
from datetime import datetime, timedelta

import pytest
from aries_askar import AskarError, AskarErrorCode

from wanderbuch.agents.runtime.sweeper import Sweeper
from wanderbuch.store.errors import NotFoundError, StoreUnreachableError
from wanderbuch.store.records import utc_now


async def test_a_step_that_fails_does_not_keep_the_others_from_running() -> None:
    swept: list[datetime] = []

    async def broken(_: datetime) -> None:
        raise RuntimeError("no")

    async def works(now: datetime) -> None:
        swept.append(now)

    now = utc_now()
    await Sweeper({"broken": broken, "works": works}).sweep(now)
    assert swept == [now]


async def test_sweeps_again_and_never_twice_at_once() -> None:
    running = 0
    sweeps = 0
    twice = asyncio.Event()

    async def step(_: datetime) -> None:
        nonlocal running, sweeps
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        running -= 1
        sweeps += 1
        if sweeps >= 3:
            twice.set()

    sweeper = Sweeper({"step": step}, every=timedelta(0))
    task = asyncio.create_task(sweeper.run())
    await asyncio.gather(sweeper.sweep(utc_now()), sweeper.sweep(utc_now()))
    await asyncio.wait_for(twice.wait(), 60)
    task.cancel()


async def test_a_step_that_does_not_end_holds_up_no_other_and_is_cut_off() -> None:
    swept: list[datetime] = []
    cut_off = asyncio.Event()

    async def waits_for_a_silent_host(_: datetime) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut_off.set()

    async def works(now: datetime) -> None:
        swept.append(now)

    sweeper = Sweeper({"waits": waits_for_a_silent_host, "works": works}, every=timedelta(0), step_s=0.1)
    task = asyncio.create_task(sweeper.run())
    await asyncio.wait_for(cut_off.wait(), 60)
    assert len(swept) > 1
    task.cancel()


async def test_the_first_sweep_comes_at_once() -> None:
    swept = asyncio.Event()

    async def step(_: datetime) -> None:
        swept.set()

    task = asyncio.create_task(Sweeper({"step": step}).run())
    await asyncio.wait_for(swept.wait(), 60)
    task.cancel()


@pytest.mark.parametrize(
    ("failure", "is_away"),
    [
        (StoreUnreachableError("no database"), True),
        (AskarError(AskarErrorCode.BACKEND, "x"), True),
        (AskarError(AskarErrorCode.INPUT, "x"), False),
        (NotFoundError("no record"), False),
    ],
)
async def test_a_store_that_is_away_is_no_fault_of_ours(
    caplog: pytest.LogCaptureFixture, failure: Exception, is_away: bool
) -> None:
    async def step(_: datetime) -> None:
        raise failure

    await Sweeper({"offers": step}).sweep(utc_now())
    (record,) = caplog.records
    assert record.levelname == ("WARNING" if is_away else "ERROR")
    assert ("sweep.waits" in record.getMessage()) is is_away
