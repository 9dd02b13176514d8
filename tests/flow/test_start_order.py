"""Whoever starts first: real agents find what they need as soon as it is there, and nobody tells them to look.

The tests share a village, in this order.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.prepared import start_prepared
from tests.soak.village import WELDER, Village, ready_to_issue

from wanderbuch.agents.demo.example import example_payload

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

FRESH_S = 6


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def village(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Village]:
    """A village in which the authority's word lasts only a few seconds; nobody runs yet."""
    made = Village(
        tmp_path_factory.mktemp("village"),
        authority={"freshness_lifetime_s": FRESH_S, "reissue_every_s": 1},
        centre={"registry_size": 32},
        start_child=start_prepared,
    )
    try:
        yield made
    finally:
        await made.machine.stop()


async def show(village: Village, credential_id: str) -> dict[str, Any]:
    """Have the employer ask and the worker answer; return how it ended."""
    asked = await village.employer.post("/requests", {"requirement": WELDER})
    opened = await village.worker.post("/invitations", {"url": asked["invitation_url"]})
    await village.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential_id})
    ended: dict[str, Any] = await village.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
    return ended


async def issue_and_show(village: Village) -> None:
    await ready_to_issue(village.centre)  # a restarted centre looks at its registries beside being ready
    _, credential_id = await village.issue()
    ended = await show(village, credential_id)
    assert ended["decision"]["verdict"] == "TRUSTED", ended["decision"]


async def payload_of(village: Village) -> dict[str, Any]:
    about, centre = await village.authority.get("/identity"), await ready_to_issue(village.centre)
    employer = await village.employer.get("/identity")
    return example_payload(
        dids={
            "authority.wanderbuch.test": about["did"],
            "centre.wanderbuch.test": centre["did"],
            "shipyard.wanderbuch.test": employer["did"],
        },
        cred_defs={"centre.wanderbuch.test": centre["cred_def_id"]},
        schema_id=centre["schema_id"],
    )


async def test_everybody_was_there_before_the_first_publication_and_it_counts_at_once(village: Village) -> None:
    await village.open_authority()
    others = (village.centre, village.worker, village.employer)
    await asyncio.gather(*(agent.start() for agent in others))
    payload = await payload_of(village)
    for agent in (village.worker, village.employer):
        assert (await agent.get("/governance"))["current"] is None
    await village.authority.post("/versions", {"payload": payload})
    await issue_and_show(village)


async def test_an_authority_that_was_away_is_found_when_it_is_back(village: Village) -> None:
    _, credential_id = await village.issue()
    await village.authority.stop()
    for agent in (village.worker, village.employer):
        await agent.wait_for("/governance", "is_fresh", False)
    # Unknown where even the schema, which lies with the authority, was never fetched.
    assert (await show(village, credential_id))["decision"]["verdict"] in ("STALE", "UNKNOWN")
    await village.authority.start()
    assert (await show(village, credential_id))["decision"]["verdict"] == "TRUSTED"
    for agent in (village.worker, village.employer):  # by itself, too
        await agent.wait_for("/governance", "is_fresh", True)


@pytest.mark.parametrize(
    "order",
    [
        ("centre", "worker", "employer", "authority"),
        ("employer", "worker", "authority", "centre"),
        ("employer",),
        ("worker",),
    ],
    ids=lambda order: f"{order[-1]}-last",
)
async def test_agents_work_whatever_the_order_they_start_in(village: Village, order: tuple[str, ...]) -> None:
    """Worker and employer start for the first time each time; what the centre kept is no longer fresh.

    Who is not named goes on running, as if it had started before.
    """
    agents = [getattr(village, name) for name in order]
    await asyncio.gather(*(agent.stop() for agent in agents))
    for agent in agents:
        if agent in (village.worker, village.employer):
            shutil.rmtree(agent.data)
    for agent in agents:
        await agent.start()
    await issue_and_show(village)


async def test_a_centre_that_is_stopped_gives_back_the_places_that_nobody_took(village: Village) -> None:
    async def used() -> int:
        (active,) = [
            registry
            for registry in (await ready_to_issue(village.centre))["registries"]
            if registry["state"] == "ACTIVE"
        ]
        return int(active["used"])

    async def start_again() -> None:
        assert await village.centre.stop() == 0
        await village.centre.start()

    await start_again()
    before = await used()
    for _ in range(2):  # for the first it reserves one place, for the second four
        await village.issue()
    assert await used() == before + 5
    await start_again()
    assert await used() == before + 2
