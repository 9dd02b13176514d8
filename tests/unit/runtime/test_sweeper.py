import asyncio
from datetime import datetime, timedelta

from wanderbuch.agents.runtime.records import utc_now
from wanderbuch.agents.runtime.sweeper import Sweeper


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
    await asyncio.wait_for(twice.wait(), 5)
    task.cancel()
