import asyncio
import logging

import pytest

from wanderbuch.agents.runtime.at_once import Rounds, each_at_once


async def test_works_on_several_at_once_and_not_on_more() -> None:
    now = most = 0

    async def work(number: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return 2 * number

    assert await each_at_once(range(20), work, at_once=3) == [2 * number for number in range(20)]
    assert most == 3


async def test_the_first_that_fails_ends_the_others() -> None:
    ended = []

    async def work(number: int) -> None:
        if number == 1:
            raise ValueError
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    with pytest.raises(ValueError):  # noqa: PT011 (the very error, not a group of them)
        await each_at_once(range(3), work)
    await asyncio.sleep(0)
    assert ended == [0, 2]


async def test_one_that_does_not_end_holds_up_no_other_and_is_not_begun_again() -> None:
    rounds, begun, never = Rounds("test"), [], asyncio.Event()

    async def quick() -> None:
        begun.append("quick")

    async def slow() -> None:
        begun.append("slow")
        await never.wait()

    for _ in range(2):
        await rounds.go({"slow": slow, "quick": quick}, wait_s=0.05)
    assert sorted(begun) == ["quick", "quick", "slow"]
    await rounds.stop()
    await rounds.go({"slow": slow}, wait_s=0.05)
    assert begun.count("slow") == 2
    await rounds.stop()


async def test_one_that_fails_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    rounds, begun = Rounds("test"), []

    async def fails() -> None:
        begun.append("fails")
        raise ValueError

    for _ in range(2):
        with caplog.at_level(logging.ERROR):
            await rounds.go({"fails": fails}, wait_s=1)
    assert len(begun) == 2
    assert [record.getMessage() for record in caplog.records] == ["test.failed: fails"] * 2


async def test_a_sweep_that_is_cancelled_ends_what_it_began() -> None:
    rounds, ended = Rounds("test"), asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    sweep = asyncio.create_task(rounds.go({"slow": slow}, wait_s=60))
    await asyncio.sleep(0.01)
    sweep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweep
    assert ended.is_set()
