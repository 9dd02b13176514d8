"""A disk that is really full: nothing is acknowledged that is not kept, one clear line, and it goes on with room."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from tests.soak.disk import SmallDisk
from tests.soak.village import Village

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AgentHandle, AppError
from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.runtime.exits import EXIT_MISTAKE, EXIT_STORE_FAILED

DISK_MIB = 96
TOLD = 5
"""So many calls in a row are told that the disk is full."""


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(tmp_path / "village", centre={"registry_size": 64})
    try:
        yield village
    finally:
        await village.machine.stop()


@contextlib.contextmanager
def small_disk(agent: AgentHandle) -> Iterator[SmallDisk]:
    """Put an agent's data on a small disk."""
    disk = SmallDisk(agent.data, size_mib=DISK_MIB)
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()


async def test_an_issuer_keeps_every_offer_that_it_answered(village: Village, tell: Callable[[str], None]) -> None:
    centre = village.centre
    with small_disk(centre) as disk:
        await village.open()
        disk.fill(leave_kib=1200)
        made, told = await offer_until_it_fails(centre)
        is_running = len(told) == TOLD
        assert not is_running or all("full" in text for text in told), told
        if not is_running:  # the wallet met the full disk: it cannot be relied on, so the process ends
            assert await ended(centre) == EXIT_STORE_FAILED
            assert "full" in last_line(centre)
            with pytest.raises(MachineError):
                await centre.start()
            assert await ended(centre) == EXIT_MISTAKE
            assert "full" in last_line(centre)
        disk.make_room()
        if not is_running:
            await centre.start()
        states = Counter([(await centre.get(f"/offers/{offer_id}"))["state"] for offer_id in made])
        tell(f"{len(made)} offers answered before the disk was full; after: {dict(states)}")
        assert states == {"OPEN": len(made)}
        assert made
        await village.issue()
        await village.machine.stop()


async def test_a_wallet_gets_what_came_while_its_disk_was_full(village: Village, tell: Callable[[str], None]) -> None:
    worker, centre = village.worker, village.centre
    with small_disk(worker) as disk:
        await village.open()
        before, _ = await village.issue()
        offers = [await village.offer(deadline_s=900) for _ in range(20)]
        disk.fill(leave_kib=64)
        answers = await asyncio.gather(
            *(worker.post(f"/offers/{received}/accept") for _, received in offers), return_exceptions=True
        )
        tell(f"{sum(isinstance(answer, BaseException) for answer in answers)} calls failed, {disk.free_kib()} KiB free")
        assert await ended(worker) == EXIT_STORE_FAILED
        assert "full" in last_line(worker)
        disk.make_room()
        await worker.start()
        accepted = [
            offer for offer, answer in zip(offers, answers, strict=True) if not isinstance(answer, BaseException)
        ]
        for made, received in offers:
            if (await worker.get(f"/offers/{received}"))["state"] == "OPEN":
                assert (made, received) not in accepted
                await worker.post(f"/offers/{received}/accept")
        for made, received in offers:
            await worker.wait_for(f"/offers/{received}", "state", "RECEIVED", timeout_s=400)
            await centre.wait_for(f"/offers/{made}", "receipt", "KEPT", timeout_s=400)
        tell(f"{len(accepted)} of {len(offers)} accepted before the disk was full; all received after")
        assert len((await worker.get("/credentials"))["items"]) == len(offers) + 1
        assert (await centre.get(f"/offers/{before}"))["receipt"] == "KEPT"
        await village.machine.stop()


async def offer_until_it_fails(centre: AgentHandle) -> tuple[list[str], list[str]]:
    """Make offers until the disk is full; return those that were answered, and what the last calls were told.

    The wallet and the plain tables lie on one disk, and either may meet its end first. Where the tables do, each call
    is told so, and the agent goes on as soon as there is room.
    """
    made: list[str] = []
    told: list[str] = []
    while len(told) < TOLD:
        try:
            offer = await centre.post("/offers", {"claim": example_claim(), "deadline_s": 600})
        except AppError as err:
            if not centre.processes[0].is_running or err.status != 503:
                return made, []
            told.append(str(err))
        except aiohttp.ClientError:
            return made, []
        else:
            made.append(offer["id"])
    return made, told


async def ended(agent: AgentHandle) -> int:
    """Return the exit code of an agent that ends by itself."""
    assert agent.process is not None
    async with asyncio.timeout(180):
        return await agent.process.wait()


def last_line(agent: AgentHandle) -> str:
    """Return what a person reads last."""
    return agent.log_path.read_text().splitlines()[-1]
