"""One of two processes is stopped (SIGSTOP) in the middle of its work for longer than its leases, and goes on."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.postgresql import PostgresServer
from tests.soak.village import Village

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = pytest.mark.needs("postgresql")

OFFERS = 12
ASLEEP_S = 45.0


@pytest.fixture
async def village(tmp_path: Path, postgresql_server: PostgresServer) -> AsyncIterator[Village]:
    village = Village(tmp_path / "village", centre={"registry_size": 16}, doubled_on=postgresql_server)
    try:
        yield village
    finally:
        await village.machine.stop()
        for database in village.databases:
            await asyncio.to_thread(postgresql_server.drop_database, database)


@pytest.mark.parametrize("who", ["centre", "worker"])
async def test_a_process_that_sleeps_and_wakes_does_nothing_twice_and_loses_nothing(
    village: Village, rng: random.Random, tell: Callable[[str], None], who: str
) -> None:
    await village.open()
    offers = [await village.offer(deadline_s=900) for _ in range(OFFERS)]
    agent: AgentHandle = getattr(village, who)
    sleeper, awake = agent.processes
    assert sleeper.process is not None

    async def accept(number: int, received: str) -> None:
        await asyncio.sleep(rng.uniform(0, 3.0))
        # At the worker's process that stays awake: a person whose page hangs would come again.
        app = awake.app if who == "worker" else village.worker.processes[number % 2].app
        with suppress(AppError):  # what became of it is looked at in the end
            await app.post(f"/offers/{received}/accept")

    async def sleep() -> None:
        await asyncio.sleep(rng.uniform(0.3, 2.0))
        sleeper.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
        await asyncio.sleep(ASLEEP_S)
        sleeper.process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]

    async with asyncio.TaskGroup() as group:
        group.create_task(sleep())
        for number, (_, received) in enumerate(offers):
            group.create_task(accept(number, received))
    for made, received in offers:
        shown = await village.worker.get(f"/offers/{received}")
        if shown["state"] == "OPEN":  # its accepting was answered 503
            await village.worker.post(f"/offers/{received}/accept")
        await village.worker.wait_for(f"/offers/{received}", "state", "RECEIVED", timeout_s=400)
        await village.centre.wait_for(f"/offers/{made}", "receipt", "KEPT", timeout_s=400)
    places: Counter[tuple[str, int]] = Counter()
    for made, _ in offers:
        shown = await village.centre.get(f"/offers/{made}")
        places[shown["registry"], shown["index"]] += 1
    assert max(places.values()) == 1
    answer = [item["id"] for item in (await village.worker.get("/credentials"))["items"]]
    assert len(answer) == len(set(answer)) == OFFERS
    used = sum(registry["used"] for registry in (await village.centre.get("/standing"))["registries"])
    late = sum(sleeper.log_path.read_text().count(word) for word in ("lease-lost", "didcomm.lost", "was lost"))
    tell(f"{who}: {used} places used for {OFFERS} credentials; {late} late writes, steps or envelopes were refused")
