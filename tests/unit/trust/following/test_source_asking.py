"""When the authority is asked: on demand, by itself, again after a failure, and never more than it takes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.processes import Processes
from tests.unit.trust.following.world import World, profile, world

from wanderbuch.plugins.http.lanes import is_for_strangers, work_for_strangers
from wanderbuch.plugins.trust.following import followed, pacing
from wanderbuch.plugins.trust.following.source import RefreshOutcome

__all__ = ["profile", "world"]


async def test_of_many_that_need_fresh_governance_one_fetches(world: World) -> None:
    source = world.source()
    snapshots = await asyncio.gather(*(source.current() for _ in range(20)))
    assert {snapshot.file.version for snapshot in snapshots if snapshot} == {1}
    assert world.host.asked.count("freshness.jws") == 1


async def test_governance_that_is_fresh_is_not_asked_for_again(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.clock.now += timedelta(minutes=5)
    await source.current()
    assert world.host.asked.count("freshness.jws") == 1


async def test_however_many_ask_a_host_that_is_down_is_asked_once_in_a_while(world: World) -> None:
    source = world.source(ask_again=timedelta(seconds=0.5))
    world.host.down = True
    assert await asyncio.gather(*(source.current() for _ in range(20))) == [None] * 20
    assert await source.current() is None
    assert world.host.asked.count("current.jws") == 2


async def test_who_asks_right_after_a_no_gets_what_was_published_meanwhile(world: World) -> None:
    source, published = world.source(ask_again=timedelta(milliseconds=50)), dict(world.host.files)
    world.host.files.clear()
    assert await source.current() is None
    world.host.files |= published
    assert await source.current() is not None


async def test_an_answer_that_was_asked_for_before_the_publication_counts_for_nobody_who_came_after(
    world: World,
) -> None:
    source, published = world.source(ask_again=timedelta(milliseconds=50)), dict(world.host.files)
    real_get, asked, go_on = world.host.get, asyncio.Event(), asyncio.Event()

    async def slow(url: str, **how: Any) -> Any:
        world.host.files, files = {}, world.host.files
        try:
            return await real_get(url, **how)
        finally:
            world.host.files = files
            asked.set()
            await go_on.wait()

    world.host.get = slow  # type: ignore[method-assign]
    refreshing = asyncio.create_task(source.refresh())
    await asked.wait()
    world.host.get, world.host.files = real_get, published  # type: ignore[method-assign]
    deciding = asyncio.create_task(source.current())
    await asyncio.sleep(0)
    go_on.set()
    assert (await refreshing).outcome is RefreshOutcome.UNREACHABLE
    assert await deciding is not None


async def test_a_decision_waits_no_longer_for_a_silent_host_than_it_takes_to_give_up(world: World) -> None:
    source = world.source(timeout_s=0.02)
    never = asyncio.Event()

    async def silent(url: str, **how: Any) -> Any:
        await never.wait()

    world.host.get = silent  # type: ignore[method-assign]
    async with asyncio.timeout(60):
        assert await source.current() is None


async def test_asking_the_authority_brings_a_newer_file_although_the_one_held_is_fresh(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.clock.now += timedelta(seconds=1)
    await world.serve(await world.sign(2))
    snapshot = await source.current()
    asked = await source.ask()
    assert snapshot is not None
    assert asked is not None
    assert (snapshot.file.version, asked.file.version) == (1, 2)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 0.05)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("missing", ["host", "file", "statement", "author's key"])
async def test_an_authority_that_comes_up_later_is_found_by_itself(world: World, missing: str) -> None:
    source, published = world.source(), dict(world.host.files)
    world.host.down = missing == "host"
    world.authority.reachable = missing != "author's key"
    if missing == "file":
        world.host.files.clear()
    elif missing == "statement":
        del world.host.files["freshness.jws"]
    task = asyncio.create_task(source.run())
    await source.first_round()
    snapshot = source.snapshot()
    assert snapshot is None or not snapshot.is_fresh(world.clock.now)
    world.host.down, world.authority.reachable = False, True
    world.host.files |= published
    await until(lambda: (now := source.snapshot()) is not None and now.is_fresh(world.clock.now))
    task.cancel()


@pytest.mark.usefixtures("quick")
async def test_an_authority_that_goes_away_and_comes_back_is_found_again(world: World) -> None:
    source = world.source(refresh_every=timedelta(seconds=0.2))
    task = asyncio.create_task(source.run())
    await source.first_round()
    world.host.down = True
    world.clock.now += timedelta(hours=2)
    await until(lambda: (report := source.last_report) is not None and report.outcome is RefreshOutcome.UNREACHABLE)
    snapshot = source.snapshot()
    assert snapshot is not None
    assert not snapshot.is_fresh(world.clock.now)
    world.host.down = False
    await world.serve(await world.sign(2))
    await until(lambda: (now := source.snapshot()) is not None and now.is_fresh(world.clock.now))
    task.cancel()


@pytest.mark.usefixtures("quick")
async def test_a_fault_of_ours_does_not_end_the_refreshing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source, real = world.source(), followed.verify_file
    faults = iter([RecursionError("too deep"), TypeError("not iterable")])

    async def verify(*given: Any, **how: Any) -> Any:
        if (fault := next(faults, None)) is not None:
            raise fault
        return await real(*given, **how)

    monkeypatch.setattr(followed, "verify_file", verify)
    task = asyncio.create_task(source.run())
    await until(lambda: source.snapshot() is not None)
    assert [record.message for record in caplog.records].count("governance refresh failed") == 2
    task.cancel()


async def test_news_are_fetched_at_once_and_those_that_may_have_been_missed_not_each_second(world: World) -> None:
    """While a process cannot hear the others it is told each second that it may have missed something."""
    source = world.source()
    task = asyncio.create_task(source.run())
    await until(lambda: world.host.asked.count("current.jws") == 1)
    for _ in range(5):
        source._heard(None)
        await asyncio.sleep(0.05)
    assert world.host.asked.count("current.jws") == 1
    source._heard((2, 0))
    await until(lambda: world.host.asked.count("current.jws") == 2)
    task.cancel()


async def test_run_refreshes_until_it_is_cancelled(world: World) -> None:
    source, third = world.source(refresh_every=timedelta(0)), asyncio.Event()
    real_get = world.host.get

    async def get(url: str, **how: Any) -> Any:
        if world.host.asked.count("freshness.jws") == 2:
            third.set()
        return await real_get(url, **how)

    world.host.get = get  # type: ignore[method-assign]
    task = asyncio.create_task(source.run())
    await asyncio.wait_for(third.wait(), timeout=60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("fresh_for", "expected"), [(60, 30), (3600, 300), (1, 1)])
async def test_a_file_is_due_after_half_of_its_remaining_freshness(
    world: World, fresh_for: int, expected: float
) -> None:
    signed = await world.sign(1)
    world.host.files["freshness.jws"] = await world.authority.statement(
        signed, at=world.clock.now, lifetime=timedelta(seconds=fresh_for)
    )
    source = world.source()
    await source.refresh()
    assert 0.7 * expected <= source._until_due() <= expected


async def test_a_file_whose_freshness_is_not_renewed_is_asked_for_less_and_less_often(world: World) -> None:
    source, pauses = world.source(), []
    await source.refresh()
    world.clock.now += timedelta(hours=2)
    for _ in range(12):
        await source.refresh()
        pauses.append(source._until_due())
    expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert all(0.7 * most <= pause <= most for pause, most in zip(pauses, expected, strict=True))


async def test_a_failure_is_logged_when_it_begins_and_not_at_every_try(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    source = world.source()
    world.host.down = True
    for _ in range(3):
        await source.refresh()
    assert sum("governance.unreachable" in record.message for record in caplog.records) == 1


async def test_governance_is_our_own_work_whoever_makes_us_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else strangers could use up the places in which we ask for it."""
    asked: list[bool] = []
    get = world.host.get

    async def watched(*args: Any, **options: Any) -> Any:
        asked.append(is_for_strangers())
        return await get(*args, **options)

    monkeypatch.setattr(world.host, "get", watched)
    source = world.source()
    with work_for_strangers():
        await source.current()
        await source.ask()
        await source.refresh()
    assert asked
    assert not any(asked)


@pytest.mark.needs("postgresql")
async def test_what_one_process_finds_the_other_asks_for_at_once(world: World, processes: Processes) -> None:
    first, second = world.source(refresh_every=timedelta(hours=1)), world.source(refresh_every=timedelta(hours=1))
    await first.attach(processes.first.profile)
    await second.attach(processes.second.profile)
    running = asyncio.create_task(second.run())
    await second.first_round()
    await world.serve(await world.sign(2))
    await first.refresh()
    async with asyncio.timeout(60):
        while (snapshot := second.snapshot()) is None or snapshot.file.version < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    asked = len(world.host.asked)
    await asyncio.sleep(0.5)  # who has found it tells, and the other does not answer with the same
    assert len(world.host.asked) == asked
    running.cancel()
