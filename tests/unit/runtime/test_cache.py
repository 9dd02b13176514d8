"""Traps 2 and 18: ACA-Py caches offer nonces and blinded link secrets, and gives several workers the same one."""

import asyncio
import itertools

import pytest

from wanderbuch.agents.runtime.cache import FreshCache

_NUMBERS = itertools.count()


async def cached(cache: FreshCache, key: str) -> int:
    """What ACA-Py's format handler does around making an offer or a request."""
    async with cache.acquire(key) as entry:
        if entry.result:
            return int(entry.result)
        made = next(_NUMBERS) + 1
        await asyncio.sleep(0)
        await entry.set_result(made, 3600)
        return made


@pytest.mark.parametrize("key", ["credential_offer::did:webvh:x/resources/y", "credential_request::y::z::nonce"])
async def test_nonces_and_requests_are_made_anew_each_time(key: str) -> None:
    cache = FreshCache()
    assert await cached(cache, key) != await cached(cache, key)


@pytest.mark.parametrize("key", ["credential_offer::did:webvh:x/resources/y", "credential_request::y::z::nonce"])
async def test_those_who_wait_do_not_get_the_first_ones(key: str) -> None:
    cache = FreshCache()
    made = await asyncio.gather(*(cached(cache, key) for _ in range(20)))
    assert len(set(made)) == 20


async def test_nothing_of_them_stays_in_memory() -> None:
    cache = FreshCache()
    for _ in range(100):
        await cached(cache, "credential_offer::x")
    assert not cache._cache
    assert not cache._key_locks


async def test_the_neighbour_is_served_from_the_cache() -> None:
    cache = FreshCache()
    assert await cached(cache, "schema::x") == await cached(cache, "schema::x")
    assert len(set(await asyncio.gather(*(cached(cache, "cred_def::x") for _ in range(20))))) == 1
