"""Power cuts: SIGKILL at moments that nobody chose, while starting and while at work."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import aiohttp

from wanderbuch.agents.machine import AgentHandle, AppError

_AWAY = (502, 503, 504)


async def cuts(agent: AgentHandle, rng: random.Random, *, times: int, within_s: tuple[float, float]) -> None:
    """Kill an agent that runs, start it again, and so on; in the end it runs and is ready.

    Args:
        agent: whom it hits.
        rng: chooses the moments.
        times: how often.
        within_s: least and longest time from one start to the next cut.
    """
    for _ in range(times):
        await asyncio.sleep(rng.uniform(*within_s))
        await agent.kill()
        await agent.start(wait=False)
    await agent.wait_ready()


async def patiently[T](call: Callable[[], Awaitable[T]], *, timeout_s: float = 90.0) -> T:
    """Repeat a call until the agent answers it; what an agent answers but "not now" counts as its answer."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                return await call()
            except AppError as err:
                if err.status not in _AWAY:
                    raise
            except (aiohttp.ClientError, ConnectionError):
                pass
            await asyncio.sleep(0.1)
