"""What slows a phone leaves nobody standing still, however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bench.slow_phone import slow_phone

SLOW = (sys.executable, "-m", "tests.bench.slow_phone", str(os.getpid()), "50")
STOPPED = "T"


@pytest.fixture
def busy() -> Iterator[int]:
    """What reckons all the time, and is taken for a renderer."""
    running = subprocess.Popen((sys.executable, "-c", "while True: pass", "--type=renderer"))
    yield running.pid
    running.kill()
    running.wait()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until_it_stands_still(pid: int) -> None:
    late = time.monotonic() + 10
    while state_of(pid) != STOPPED:
        assert time.monotonic() < late
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, None])
def test_whoever_stands_still_goes_on_once_it_is_ended(busy: int, number: signal.Signals | None) -> None:
    slowing = subprocess.Popen(SLOW, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    until_it_stands_still(busy)
    if number is not None:
        slowing.send_signal(number)
    slowing.communicate()  # its input ends
    assert state_of(busy) != STOPPED


async def test_whoever_stands_still_goes_on_though_it_was_killed(busy: int) -> None:
    with pytest.raises(AssertionError, match="not slowed to the end"):
        await _slow_and_kill(busy)
    assert state_of(busy) != STOPPED


async def _slow_and_kill(busy: int) -> None:
    async with slow_phone(times=50):
        await asyncio.to_thread(until_it_stands_still, busy)
        os.kill(_slowing(), signal.SIGKILL)


def _slowing() -> int:
    """Return the child of this process that slows it."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    (helper,) = [int(child) for child in children if b"slow_phone" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return helper
