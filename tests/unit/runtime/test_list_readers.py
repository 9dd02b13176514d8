"""Lists are read a few at a time, whoever asks."""

import asyncio
import threading

import pytest

from wanderbuch.agents.runtime.list_readers import AT_ONCE, read_in_turn


async def test_no_more_than_a_few_are_read_at_once_and_errors_come_back() -> None:
    lock, go = threading.Lock(), threading.Event()
    now = most = 0

    def read(name: str) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == AT_ONCE:
                go.set()
        go.wait(10)
        with lock:
            now -= 1
        if name == "wrong":
            raise ValueError(name)
        return name

    names = ["a", "b", "wrong", "c", "d", "e"]
    told = await asyncio.gather(*(read_in_turn(read, name) for name in names), return_exceptions=True)
    assert most == AT_ONCE
    assert [str(one) for one in told] == names
    with pytest.raises(ValueError, match="wrong"):
        raise told[2]  # type: ignore[misc]
