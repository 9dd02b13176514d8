"""kill -9 of a random process among two a role, and rolling restarts, while wallets ask and answer.

Centre, wallet and employer have two processes each on one PostgreSQL, behind a plain proxy. Under way are envelopes
(invitations, presentations, credentials), markers, leases (places of the registry, due work) and events. Nothing may be
lost, nothing happen twice. WANDERBUCH_SOAK_KILLS says how many kills (100); PostgreSQL is restarted five times among
them.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.postgresql import PostgresServer
from tests.soak.power import patiently
from tests.soak.village import WELDER, Village

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = pytest.mark.needs("postgresql")

KILLS = int(os.environ.get("WANDERBUCH_SOAK_KILLS", "100"))
RESTARTS = 5
ROUNDS = int(os.environ.get("WANDERBUCH_SOAK_ROUNDS", "3"))
DEADLINE_S = 1800
_END_S = 300.0


@pytest.fixture
async def village(tmp_path: Path, postgresql_server: PostgresServer) -> AsyncIterator[Village]:
    village = Village(
        tmp_path / "village",
        centre={"registry_size": 64},
        worker={"offer_deadline_s": DEADLINE_S},
        doubled_on=postgresql_server,
    )
    try:
        await village.open()
        yield village
    finally:
        await village.machine.stop()
        for database in village.databases:
            await asyncio.to_thread(postgresql_server.drop_database, database)


class Load:
    """People who ask, answer, offer and accept until they are told to stop; they come again where nobody answered."""

    def __init__(self, village: Village, credential: str) -> None:
        self.village = village
        self.asked: dict[str, str] = {}
        """Request of the employer -> the same with the wallet, once the person was told that it was answered."""
        self.offered: dict[str, str] = {}
        """Offer of the centre -> the same with the wallet, once the person was told that it was accepted."""
        self.failures: list[str] = []
        self._credential = credential
        self._goes_on = True

    async def while_(self, trouble: Awaitable[None], *, askers: int = 2) -> None:
        """Keep people busy for as long as the trouble lasts, and see each exchange that they began to its end."""
        people = [asyncio.create_task(self._for_ever(self._ask)) for _ in range(askers)]
        people.append(asyncio.create_task(self._for_ever(self._offer)))
        try:
            await trouble
        finally:
            self._goes_on = False
            await asyncio.gather(*people)

    async def _for_ever(self, exchange: Callable[[], Awaitable[None]]) -> None:
        while self._goes_on:
            try:
                await exchange()
            except AppError as err:
                self.failures.append(f"{err.status} {err.problem.get('code')}: {str(err.problem.get('detail'))[:60]}")
                await asyncio.sleep(0.5)

    async def _ask(self) -> None:
        employer, worker = self.village.employer, self.village.worker
        question = {"requirement": WELDER, "deadline_s": DEADLINE_S}
        asked = await patiently(lambda: employer.post("/requests", question))
        opened = await patiently(lambda: worker.post("/invitations", {"url": asked["short_url"]}))
        path, answer = f"/requests/{opened['id']}", {"credential_id": self._credential}
        await self._until_gone_on(path, lambda: worker.post(f"{path}/present", answer))
        self.asked[asked["id"]] = opened["id"]

    async def _offer(self) -> None:
        centre, worker = self.village.centre, self.village.worker
        made = await patiently(lambda: centre.post("/offers", {"claim": example_claim(), "deadline_s": DEADLINE_S}))
        opened = await patiently(lambda: worker.post("/invitations", {"url": made["invitation_url"]}))
        path = f"/offers/{opened['id']}"
        await self._until_gone_on(path, lambda: worker.post(f"{path}/accept"))
        self.offered[made["id"]] = opened["id"]

    async def _until_gone_on(self, path: str, step: Callable[[], Awaitable[Any]]) -> None:
        """Take a step; where the answer was lost, look whether it was taken, as the person does."""
        while True:
            try:
                await patiently(step)
            except AppError as err:
                if (await patiently(lambda: self.village.worker.get(path)))["state"] == "OPEN":
                    if err.problem.get("judgement", {}).get("verdict") not in {"UNKNOWN", "STALE"}:
                        raise
                    await asyncio.sleep(1)  # the wallet could not check now, and says so
                    continue
            return


async def test_nothing_is_lost_or_done_twice_whichever_process_is_killed(
    village: Village, postgresql_server: PostgresServer, rng: random.Random, tell: Callable[[str], None]
) -> None:
    _, credential = await village.issue()
    load = Load(village, credential)
    doubled = (village.centre, village.worker, village.employer)
    restarts = {KILLS * (turn + 1) // (RESTARTS + 1) for turn in range(RESTARTS)}

    async def kills() -> None:
        for turn in range(KILLS):
            await asyncio.sleep(rng.uniform(0.0, 2.0))
            agent = rng.choice(doubled)
            process = rng.choice(agent.processes)
            await process.kill()
            await asyncio.sleep(rng.uniform(0.0, 1.0))
            await agent.start_one(process)
            if turn in restarts:
                await asyncio.to_thread(postgresql_server.restart)
                await wait_ready(doubled)

    await load.while_(kills())
    await all_is_well(load, tell, f"{KILLS} kills, {len(restarts)} restarts of PostgreSQL")


async def test_a_rolling_restart_loses_no_message(village: Village, tell: Callable[[str], None]) -> None:
    _, credential = await village.issue()
    load = Load(village, credential)
    codes: list[int | None] = []

    async def rolling() -> None:
        for _ in range(ROUNDS):
            for agent in (village.centre, village.worker, village.employer):
                for process in agent.processes:
                    codes.append(await process.stop())
                    await agent.start_one(process)

    await load.while_(rolling())
    await all_is_well(load, tell, f"{len(codes)} processes stopped and started again")
    assert set(codes) == {0}


async def wait_ready(agents: tuple[AgentHandle, ...]) -> None:
    """Start what ended with the store, and wait until all are ready."""
    for agent in agents:
        for process in agent.processes:
            if not process.is_running:
                await agent.start_one(process)
    await asyncio.gather(*(agent.wait_ready() for agent in agents))


async def all_is_well(load: Load, tell: Callable[[str], None], trouble: str) -> None:
    """Every exchange that a person was told of ends well, once; each end is told once."""
    centre, worker, employer = load.village.centre, load.village.worker, load.village.employer
    await wait_ready((centre, worker, employer))
    decided = [await ended(employer, f"/requests/{request_id}", "state", {"OPEN"}) for request_id in load.asked]
    answered = [
        await ended(worker, f"/requests/{request_id}", "state", {"OPEN", "PRESENTED"})
        for request_id in load.asked.values()
    ]
    issued = [await ended(centre, f"/offers/{offer_id}", "receipt", {"NONE"}) for offer_id in load.offered]
    received = [
        await ended(worker, f"/offers/{offer_id}", "state", {"OPEN", "ACCEPTED"}) for offer_id in load.offered.values()
    ]
    tell(
        f"{trouble}; questions {dict(Counter((one['state'], one['verdict']) for one in decided))}, with the wallet "
        f"{dict(Counter(one['state'] for one in answered))}; offers "
        f"{dict(Counter((one['state'], one['receipt']) for one in issued))}, with the wallet "
        f"{dict(Counter(one['state'] for one in received))}; "
        f"given up by a person, who was told why: {dict(Counter(load.failures))}"
    )
    assert {one["state"] for one in decided} == {"DECIDED"}
    told = {"TRUSTED": "ACCEPTED", "UNKNOWN": "REFUSED_BY_VERIFIER"}
    assert [told.get(one["verdict"]) for one in decided] == [one["state"] for one in answered]
    # Who was killed while it had to be asked could not be asked: an honest answer, and a rare one.
    assert sum(one["verdict"] == "UNKNOWN" for one in decided) <= RESTARTS + len(decided) // 20
    assert {(one["state"], one["receipt"]) for one in issued} == {("ISSUED", "KEPT")}
    assert {one["state"] for one in received} == {"RECEIVED"}
    assert max(Counter(one["credential_id"] for one in received).values()) == 1
    places = Counter((one["registry"], one["index"]) for one in issued)
    assert max(places.values()) == 1, "a place of the registry was used twice"
    for agent, kind, subjects in (
        (employer, "request.decided", set(load.asked)),
        (centre, "credential.issued", set(load.offered)),
        (worker, "wallet.credential-kept", set(load.offered.values())),
    ):
        subject_told = Counter([event["subject"] async for event in events(agent, kind)])
        assert subjects <= subject_told.keys(), f"{kind}: {len(subjects - subject_told.keys())} were not told"
        assert max(subject_told.values()) == 1, f"{kind} was told twice"


async def ended(agent: AgentHandle, path: str, key: str, unfinished: set[str]) -> dict[str, Any]:
    """Return what is at a path once it has ended, or as it is after the longest wait."""
    deadline = asyncio.get_running_loop().time() + _END_S
    while True:
        answer: dict[str, Any] = await patiently(lambda: agent.get(path))
        if answer[key] not in unfinished or asyncio.get_running_loop().time() > deadline:
            return answer
        await asyncio.sleep(0.3)


async def events(agent: AgentHandle, kind: str) -> AsyncIterator[dict[str, Any]]:
    """Yield an agent's events of a kind."""
    after = "0"
    while items := (await agent.get("/v1/events", after=after, limit="100"))["items"]:
        for event in items:
            if event["kind"] == kind:
                yield event
        after = str(items[-1]["number"])
