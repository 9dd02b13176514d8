import asyncio

import pytest

from wanderbuch.agents.site.works import Tell, WorkFailedError, Works
from wanderbuch.errors import ConfigurationError


class Bench:
    """Work that goes on step by step, as the test lets it."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.gate = asyncio.Event()
        self.begun = 0
        self._failure = failure

    async def __call__(self, tell: Tell) -> None:
        self.begun += 1
        tell("parts", 1, 3)
        await self.gate.wait()
        if self._failure is not None:
            raise self._failure


async def test_a_form_waits_for_short_work() -> None:
    works = Works(patience_s=30)
    bench = Bench()
    bench.gate.set()
    work = await works.do("a", "begin", bench)
    assert (work.state.is_over, work.state.failure, work.state.step) == (True, None, "parts")


async def test_the_failure_of_short_work_is_the_forms() -> None:
    bench = Bench(ConfigurationError("the disk is full"))
    bench.gate.set()
    with pytest.raises(ConfigurationError, match="disk is full"):
        await Works(patience_s=30).do("a", "begin", bench)


async def test_long_work_goes_on_and_tells_how_far_it_is() -> None:
    works, bench = Works(patience_s=0.01), Bench()
    work = await works.do("a", "begin", bench)
    assert not work.state.is_over
    state = await work.after(1)
    assert (state.step, state.done, state.of, state.number) == ("parts", 1, 3, 2)
    assert works.find("a") is work
    bench.gate.set()
    assert (await work.over()).failure is None
    assert works.find("a") is work
    assert works.find("b") is None


async def test_work_that_goes_on_is_not_begun_twice() -> None:
    works, bench = Works(patience_s=0.01), Bench()
    first = await works.do("a", "begin", bench)
    assert await works.do("a", "begin", bench) is first
    assert bench.begun == 1
    bench.gate.set()
    await first.over()
    assert await works.do("a", "begin", bench) is not first
    assert bench.begun == 2


@pytest.mark.parametrize(
    ("failure", "kind", "told"),
    [(ConfigurationError("no room"), ConfigurationError, "no room"), (KeyError("secret"), WorkFailedError, "its log")],
)
async def test_long_work_that_fails_says_why_and_nothing_of_a_fault(
    failure: Exception, kind: type[Exception], told: str
) -> None:
    works, bench = Works(patience_s=0.01), Bench(failure)
    work = await works.do("a", "begin", bench)
    bench.gate.set()
    state = await work.over()
    assert isinstance(state.failure, kind)
    assert told in state.failure.message
    assert "secret" not in state.failure.message


async def test_work_that_is_cut_off_is_over() -> None:
    running: list[asyncio.Task[None]] = []
    works = Works(lambda name, work: running.append(asyncio.create_task(work)), patience_s=0.01)
    work = await works.do("a", "begin", Bench())
    running[0].cancel()
    assert isinstance((await work.over()).failure, WorkFailedError)


async def test_a_number_that_never_was_counts_as_none() -> None:
    works, bench = Works(patience_s=0.01), Bench()
    work = await works.do("a", "begin", bench)
    assert (await work.after(99)).number == 2
    bench.gate.set()
