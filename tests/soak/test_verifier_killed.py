"""Power cuts at the verifier while presentations come in."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.soak.power import cuts, patiently
from tests.soak.relay import Relay, thread
from tests.soak.village import WELDER, Village, thread_of

from wanderbuch.agents.machine import AppError

QUESTIONS = 36
CUTS = 8
DEADLINE_S = 100


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(tmp_path / "village", employer={"judging_limit_s": 10.0})
    try:
        yield village
    finally:
        await village.machine.stop()


@pytest.fixture
async def relay(village: Village) -> AsyncIterator[Relay]:
    relay = Relay(village.machine, village.employer)
    await relay.start()
    yield relay
    await relay.close()


class Ends:
    """What was seen of each question; an end that changes is remembered as such."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[str, str | None, str | None]] = {}
        self.changed: list[str] = []

    def note(self, item: dict[str, Any]) -> None:
        if item["state"] == "OPEN":
            if item["id"] in self.seen:
                self.changed.append(f"{item['id']}: {self.seen[item['id']]} -> OPEN")
            return
        end = (item["state"], item["verdict"], item["ended_at"])
        if self.seen.setdefault(item["id"], end) != end:
            self.changed.append(f"{item['id']}: {self.seen[item['id']]} -> {end}")


async def still_open(village: Village) -> bool:
    """Whether a question has not ended."""
    answer = await patiently(lambda: village.employer.get("/requests"))
    return any(item["state"] == "OPEN" for item in answer["items"])


async def test_every_acknowledged_presentation_is_decided_once(
    village: Village, relay: Relay, rng: random.Random, tell: Callable[[str], None]
) -> None:
    employer, worker = village.employer, village.worker
    await village.open()
    _, credential = await village.issue()
    asked = [
        await employer.post("/requests", {"requirement": WELDER, "deadline_s": DEADLINE_S}) for _ in range(QUESTIONS)
    ]
    opened = [await worker.post("/invitations", {"url": question["invitation_url"]}) for question in asked]
    ends = Ends()

    async def answer() -> None:
        async def one(request_id: str) -> None:
            await worker.post(f"/requests/{request_id}/present", {"credential_id": credential})

        async with asyncio.TaskGroup() as group:
            for request in opened:
                group.create_task(one(request["id"]))
                await asyncio.sleep(rng.uniform(0, 2.0))

    async def watch() -> None:
        while True:
            try:
                for item in (await employer.get("/requests"))["items"]:
                    ends.note(item)
            except (AppError, aiohttp.ClientError, ConnectionError):
                pass
            await asyncio.sleep(0.3)

    watching = asyncio.create_task(watch())
    async with asyncio.TaskGroup() as group:
        group.create_task(answer())
        group.create_task(cuts(employer, rng, times=CUTS, within_s=(0.5, 7.0)))
    async with asyncio.timeout(DEADLINE_S + 60):
        while await still_open(village):  # noqa: ASYNC110 (the API has no events)
            await asyncio.sleep(0.5)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await employer.stop()
    taken = {thread(message) for message in await relay.messages() if message["@type"].endswith("/presentation")}
    await employer.start()
    shown = [await employer.get(f"/requests/{question['id']}") for question in asked]
    for item in shown:
        ends.note(item)
    told = Counter([(await worker.get(f"/requests/{request['id']}"))["state"] for request in opened])

    by_thread = {thread_of(question["invitation_url"]): question for question in shown}
    counted = Counter((item["state"], item["verdict"]) for item in shown)
    tell(f"{len(taken)} of {QUESTIONS} acknowledged; ends {dict(counted)}; the wallet was told {dict(told)}")
    assert ends.changed == []
    assert [item["id"] for item in shown if item["state"] == "DECIDED" and not item["decision"]["reasons"]] == []
    lost = {
        key: (by_thread[key]["state"], by_thread[key]["decision"])
        for key in taken
        if by_thread[key]["verdict"] != "TRUSTED"
    }
    assert lost == {}
    assert len(taken) >= QUESTIONS // 2
