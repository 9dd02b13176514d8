"""Power cuts at the wallet while it accepts: the credential is there whole, or the exchange ends."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.soak.power import patiently
from tests.soak.village import WELDER, Village

from wanderbuch.agents.machine import AppError

OFFERS = 16
ANSWERS = 8
CENTRE_DEADLINE_S = 900  # nothing may end by it, on a slow machine neither
WORKER_DEADLINE_S = 960


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    village = Village(
        tmp_path / "village", centre={"registry_size": 64}, worker={"offer_deadline_s": WORKER_DEADLINE_S}
    )
    try:
        await village.open()
        yield village
    finally:
        await village.machine.stop()


async def test_an_accepted_credential_arrives_whole_whenever_the_power_fails(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    worker, centre = village.worker, village.centre
    offers = [await village.offer(deadline_s=CENTRE_DEADLINE_S) for _ in range(OFFERS)]
    for number in range(0, OFFERS, 2):
        pair = [received for _, received in offers[number : number + 2]]
        asking = [asyncio.create_task(worker.post(f"/offers/{received}/accept")) for received in pair]
        if rng.random() < 0.5:
            await asyncio.sleep(rng.uniform(0, 1.2))
        else:  # the person was just told that it is accepted, and nothing may have left yet
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        await worker.kill()
        await asyncio.gather(*asking, return_exceptions=True)
        await worker.start(wait=False)
        if rng.random() < 0.3:
            await asyncio.sleep(rng.uniform(0.3, 2.5))
            await worker.kill()
            await worker.start(wait=False)
        await worker.wait_ready()
        for received in pair:  # the person saw no answer, and looks
            if (await worker.get(f"/offers/{received}"))["state"] == "OPEN":
                await accept_again(village, received)
    async with asyncio.timeout(WORKER_DEADLINE_S):
        while await unfinished(village, offers):  # noqa: ASYNC110 (the API has no events)
            await asyncio.sleep(1)
    shown = [await centre.get(f"/offers/{made}") for made, _ in offers]
    in_wallet = [await worker.get(f"/offers/{received}") for _, received in offers]
    wallet = {item["id"]: item for item in (await worker.get("/credentials"))["items"]}
    counted = Counter(
        (ours["state"], ours["receipt"], theirs["state"]) for ours, theirs in zip(shown, in_wallet, strict=True)
    )
    tell(f"{dict(counted)}; {len(wallet)} credentials in the wallet")
    assert {offer["credential_id"] for offer in in_wallet if offer["state"] == "RECEIVED"} == set(wallet)
    for ours, theirs in zip(shown, in_wallet, strict=True):
        if theirs["state"] == "RECEIVED":
            credential = await worker.get(f"/credentials/{theirs['credential_id']}")
            assert credential["revocation"] == "valid"
            assert credential["values"] == ours["values"]
            assert await shows(village, theirs["credential_id"]) == "TRUSTED"
    assert counted == {("ISSUED", "KEPT", "RECEIVED"): OFFERS}


async def test_an_answer_that_the_person_gave_reaches_the_employer_whenever_the_power_fails(
    village: Village, rng: random.Random, tell: Callable[[str], None]
) -> None:
    worker, employer = village.worker, village.employer
    _, credential = await village.issue()
    asked = [
        await employer.post("/requests", {"requirement": WELDER, "deadline_s": CENTRE_DEADLINE_S})
        for _ in range(ANSWERS)
    ]
    told = []
    for question in asked:
        opened = await worker.post("/invitations", {"url": question["invitation_url"]})
        path = f"/requests/{opened['id']}"
        asking = asyncio.create_task(worker.post(f"{path}/present", {"credential_id": credential}))
        await asyncio.wait([asking], timeout=rng.choice([None, 0.1, 0.3]))
        await worker.kill()
        await asyncio.gather(asking, return_exceptions=True)
        await worker.start()
        if (await worker.get(path))["state"] == "OPEN":  # nothing had happened: the person answers again
            await worker.post(f"{path}/present", {"credential_id": credential})
        told.append(path)
    ends = [
        await employer.wait_for(f"/requests/{request['id']}", "state", "DECIDED", "NO_ANSWER", timeout_s=300)
        for request in asked
    ]
    heard = [await worker.wait_for(path, "state", "ACCEPTED", "NO_ANSWER", timeout_s=300) for path in told]
    counted = Counter((one["state"], one["verdict"], other["state"]) for one, other in zip(ends, heard, strict=True))
    tell(f"{dict(counted)}")
    assert counted == {("DECIDED", "TRUSTED", "ACCEPTED"): ANSWERS}


async def accept_again(village: Village, received: str) -> None:
    """Accept an offer that is still open."""
    try:
        await patiently(lambda: village.worker.post(f"/offers/{received}/accept"))
    except AppError as err:
        if err.problem.get("code") != "exchange":  # it went on meanwhile
            raise


async def unfinished(village: Village, offers: list[tuple[str, str]]) -> bool:
    """Whether an exchange has not ended with both."""
    for made, received in offers:
        ours, theirs = await village.centre.get(f"/offers/{made}"), await village.worker.get(f"/offers/{received}")
        if ours["state"] == "OPEN" or theirs["state"] in {"OPEN", "ACCEPTED"}:
            return True
        if ours["state"] == "ISSUED" and ours["receipt"] == "NONE":
            return True
    return False


async def shows(village: Village, credential_id: str) -> str:
    """Return the verdict on a presentation of one credential."""
    asked = await village.employer.post("/requests", {"requirement": WELDER, "deadline_s": 60})
    opened = await village.worker.post("/invitations", {"url": asked["invitation_url"]})
    await village.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential_id})
    ended = await village.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED", "NO_ANSWER")
    return str(ended["decision"]["verdict"])
