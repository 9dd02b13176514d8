"""Issuer, holder and verifier with two processes each on one PostgreSQL, each behind a proxy; nothing is sticky.

Each call and each message goes to whichever process has its turn. What ten people do at once, half of them at one
process and half at the other, comes to the same as at one (`test_doubles`).
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.flow.test_doubles import AT_ONCE, CASES, Case, Effect, Place
from tests.postgresql import PostgresServer
from tests.soak.village import WELDER, Village

from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [
    pytest.mark.agents,
    pytest.mark.needs("postgresql"),
    pytest.mark.asyncio(loop_scope="module"),
]

DOUBLED = ("centre", "worker", "employer")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresServer) -> AsyncIterator[Place]:
    village = Village(tmp_path_factory.mktemp("village"), doubled_on=postgresql_server)
    try:
        await village.open()
        made = Place(village)
        await made.prepare()
        yield made
    finally:
        await village.machine.stop()
        for database in village.databases:
            await asyncio.to_thread(postgresql_server.drop_database, database)


async def call_one(agent: AgentHandle, number: int, method: str, path: str, body: Any) -> tuple[int, Any]:
    """Return status and JSON of a call at one of an agent's processes."""
    address = f"{agent.processes[number % 2].app_url}/v1/{agent.role}{path}"
    headers = {"Authorization": f"Bearer {agent.token}"}
    async with agent._client().request(method, address, json=body, headers=headers) as response:
        return response.status, await response.json(content_type=None)


async def test_a_credential_is_issued_presented_revoked_and_refused_at_whichever_processes(place: Place) -> None:
    village = place.village
    made, credential = await village.issue()

    async def asked_and_answered() -> str:
        """Return the verdict, read at both."""
        asked = await place.employer.post("/requests", {"requirement": WELDER, "deadline_s": 120})
        opened = await place.worker.post("/invitations", {"url": asked["short_url"]})
        await place.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        ended = await place.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
        for number in range(2):
            assert (await call_one(place.employer, number, "GET", f"/requests/{asked['id']}", None))[1] == ended
        return str(ended["decision"]["verdict"])

    assert await asked_and_answered() == "TRUSTED"
    revoked = await place.centre.post(f"/credentials/{made}/revoke")
    assert revoked["state"] == "PUBLISHED"
    with pytest.raises(AppError, match="revoked"):  # an honest wallet looks itself
        await asked_and_answered()
    for name in DOUBLED:
        agent: AgentHandle = getattr(place, name)
        for proxy in agent.proxies:
            assert min(proxy.carried.values()) > 0, f"{name}: {proxy.carried}"


@pytest.mark.parametrize(("who", "method", "route", "case"), [each for each in CASES if each[0] in DOUBLED])
async def test_ten_calls_at_two_processes_have_one_effect(
    place: Place, who: str, method: str, route: str, case: Case
) -> None:
    agent: AgentHandle = getattr(place, who)
    calls = await case(place)
    answers = await asyncio.gather(
        *(call_one(agent, number, method, calls.path, calls.body) for number in range(AT_ONCE))
    )
    told = [(status, answer.get("code"), answer.get("detail")) for status, answer in answers if status >= 400]
    assert [each for each in told if each[0] >= 500] == []
    good = [answer for status, answer in answers if status < 400]
    match calls.effect:
        case Effect.ONCE:
            assert (len(good), {status for status, _, _ in told}) == (1, {409})
        case Effect.SAME:
            assert told == []
            assert len({answer.get("id") for answer in good}) == 1
        case Effect.EACH:
            assert told == []
        case Effect.ANY:
            pass
    if calls.check is not None:
        await calls.check()
