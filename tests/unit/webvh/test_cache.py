import asyncio

import pytest

from wanderbuch.plugins.webvh.cache import ExpiringCache


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Source:
    def __init__(self) -> None:
        self.loads = 0

    async def load(self) -> int:
        self.loads += 1
        await asyncio.sleep(0)
        return self.loads


async def test_keeps_an_entry_until_it_expires() -> None:
    clock, source = Clock(), Source()
    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, lifetime_s=10, clock=clock)
    assert [await cache.get("a", source.load), await cache.get("a", source.load)] == [1, 1]
    clock.now = 9.9
    assert await cache.get("a", source.load) == 1
    clock.now = 10
    assert await cache.get("a", source.load) == 2


async def test_drops_the_oldest_entry_when_full() -> None:
    source = Source()
    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, lifetime_s=10)
    for key in "abc":
        await cache.get(key, source.load)
    assert await cache.get("c", source.load) == 3
    assert await cache.get("a", source.load) == 4


async def test_requests_at_the_same_time_share_one_load() -> None:
    source = Source()
    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, lifetime_s=10)
    assert await asyncio.gather(*(cache.get("a", source.load) for _ in range(5))) == [1] * 5


async def test_does_not_keep_a_failure() -> None:
    async def fail() -> int:
        raise ValueError

    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, lifetime_s=10)
    with pytest.raises(ValueError):  # noqa: PT011
        await cache.get("a", fail)
    assert await cache.get("a", Source().load) == 1


async def test_a_failure_counts_for_nobody_who_came_after_its_load_began() -> None:
    began, go_on, loads = asyncio.Event(), asyncio.Event(), 0

    async def load() -> int:
        nonlocal loads
        loads += 1
        if loads == 1:
            began.set()
            await go_on.wait()
            raise ValueError("not there yet")
        await asyncio.sleep(0)
        return loads

    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, lifetime_s=10)
    first = asyncio.create_task(cache.get("a", load))
    await began.wait()
    later = [asyncio.create_task(cache.get("a", load)) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*later) == [2] * 5
    with pytest.raises(ValueError, match="not there yet"):
        await first


async def test_one_who_gives_up_does_not_take_the_load_from_the_others() -> None:
    go, source = asyncio.Event(), Source()

    async def load() -> int:
        await go.wait()
        return await source.load()

    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, lifetime_s=10)
    impatient, patient = (asyncio.ensure_future(cache.get("a", load)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    go.set()
    assert await patient == 1


async def test_what_was_forgotten_while_it_loaded_is_not_kept() -> None:
    go, source = asyncio.Event(), Source()

    async def load() -> int:
        await go.wait()
        return await source.load()

    cache: ExpiringCache[str, int] = ExpiringCache(max_entries=2, lifetime_s=10)
    early = asyncio.ensure_future(cache.get("a", load))
    await asyncio.sleep(0)
    cache.forget("a")
    go.set()
    assert await early == 1
    assert await cache.get("a", source.load) == 2
