"""What slows a phone leaves nobody standing still, however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.bench.slow_phone import slow_phone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SLOW = (sys.executable, "-m", "tests.bench.slow_phone", str(os.getpid()), "50")


async def state_of(pid: int, *wanted: str) -> str:
    """Wait until a process is in one of these states; T is one that stands still."""
    async with asyncio.timeout(10):
        while (state := Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) not in wanted:
            await asyncio.sleep(0.005)
    return state


@asynccontextmanager
async def busy() -> AsyncIterator[int]:
    """What reckons all the time, and is taken for a renderer."""
    running = subprocess.Popen((sys.executable, "-c", "while True: pass", "--type=renderer"))
    try:
        yield running.pid
    finally:
        running.kill()
        running.wait()


def slowing() -> int:
    """Return the child of this process that slows it."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    (found,) = [int(child) for child in children if b"slow_phone" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, None])
async def test_whoever_stands_still_goes_on_once_it_is_ended(number: signal.Signals | None) -> None:
    async with busy() as pid:
        running = subprocess.Popen(SLOW, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        await state_of(pid, "T")
        if number is not None:
            running.send_signal(number)
        running.communicate()  # its input ends
        assert await state_of(pid, "R", "S", "T") != "T"


async def test_whoever_stands_still_goes_on_though_it_was_killed() -> None:
    async with busy() as pid:
        with pytest.raises(AssertionError, match="not slowed to the end"):
            async with slow_phone(times=50):
                await state_of(pid, "T")
                os.kill(slowing(), signal.SIGKILL)
        assert await state_of(pid, "R", "S", "T") != "T"
