"""What the bench's sampler takes for the main thread's."""

import asyncio
import hashlib
import signal
import time

from tests.bench.sampled import Sampler, spent_by_function


def _busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(100))


async def test_what_another_thread_uses_does_not_wake_the_main_thread() -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR2, lambda: None)  # asyncio's pipe hears of every signal from now on
    sampler = Sampler()
    sampler.start()
    try:
        await asyncio.to_thread(hashlib.pbkdf2_hmac, "sha256", b"password", b"salt", 1_000_000)
        waiting_ns = sampler.ns_by_stack.total()
        _busy(0.2)
    finally:
        sampler.stop()
        loop.remove_signal_handler(signal.SIGUSR2)
    assert waiting_ns < 5_000_000
    _, whole = spent_by_function(sampler.folded())
    assert whole["bench/test_sampled:_busy"] > 0.1e9
