"""Work that comes up now and then costs a task only while there is some."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from wanderbuch.agents.runtime.on_demand import OnDemand


class Bench:
    """Some work, and the tasks that it took."""

    def __init__(self, *answers: float | None) -> None:
        self.answers = list(answers)
        self.rounds = 0
        self.at_once = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.tasks: list[asyncio.Task[None]] = []
        self.work = OnDemand("work", self._do, self._spawn)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.create_task(work, name=name))
        return self.tasks[-1]

    async def _do(self) -> float | None:
        self.at_once += 1
        assert self.at_once == 1
        self.rounds += 1
        await self.go_on.wait()
        self.at_once -= 1
        return self.answers.pop(0) if self.answers else None

    async def settle(self) -> None:
        while running := [task for task in self.tasks if not task.done()]:
            await asyncio.gather(*running)


async def test_there_is_no_task_before_it_is_wanted_and_none_when_it_is_done() -> None:
    bench = Bench()
    assert bench.tasks == []
    bench.work.want()
    await bench.settle()
    assert (bench.rounds, len(bench.tasks)) == (1, 1)
    bench.work.want()
    await bench.settle()
    assert (bench.rounds, len(bench.tasks)) == (2, 2)


async def test_what_is_wanted_while_it_is_done_is_done_once_more_by_the_same_task() -> None:
    bench = Bench()
    bench.go_on.clear()
    bench.work.want()
    await asyncio.sleep(0)
    for _ in range(3):
        bench.work.want()
    bench.go_on.set()
    await bench.settle()
    assert (bench.rounds, len(bench.tasks)) == (2, 1)


async def test_what_is_tried_again_waits_without_a_task() -> None:
    bench = Bench(0.5, None)
    bench.work.want()
    await bench.settle()
    assert bench.rounds == 1
    while bench.rounds < 2:  # noqa: ASYNC110 (it tells nobody)
        await asyncio.sleep(0.01)
    await bench.settle()
    assert (bench.rounds, len(bench.tasks)) == (2, 2)


async def test_wanting_it_does_not_wait_for_the_next_try_and_takes_its_place() -> None:
    bench = Bench(0.5, None)
    bench.work.want()
    await bench.settle()
    bench.work.want()
    await bench.settle()
    assert bench.rounds == 2
    await asyncio.sleep(0.6)
    assert bench.rounds == 2


async def test_nothing_begins_once_it_is_closed() -> None:
    bench = Bench(0.01)
    bench.work.want()
    await bench.settle()
    bench.work.close()
    bench.work.want()
    await asyncio.sleep(0.05)
    assert bench.rounds == 1


async def test_it_is_begun_again_after_it_was_cut_off() -> None:
    bench = Bench()
    bench.go_on.clear()
    bench.work.want()
    await asyncio.sleep(0)
    bench.tasks[0].cancel()
    await asyncio.gather(*bench.tasks, return_exceptions=True)
    bench.go_on.set()
    bench.at_once = 0
    bench.work.want()
    await bench.settle()
    assert bench.rounds == 2
