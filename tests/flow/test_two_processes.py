"""Issuer, holder and verifier with two processes each on one PostgreSQL, each behind a proxy; nothing is sticky.

Each call and each message goes to whichever process has its turn. What ten people do at once, half of them at one
process and half at the other, comes to the same as at one (`test_doubles`).
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from tests.flow.test_doubles import AT_ONCE, AUTHORITY, CASES, CENTRE, Case, Effect, Place
from tests.postgresql import PostgresServer
from tests.prepared import start_prepared
from tests.soak.power import patiently
from tests.soak.village import WELDER, Village

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.machine import AgentHandle, AppError

pytestmark = [
    pytest.mark.agents,
    pytest.mark.needs("postgresql"),
    pytest.mark.asyncio(loop_scope="module"),
]

DOUBLED = ("centre", "worker", "employer")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresServer) -> AsyncIterator[Place]:
    village = Village(
        tmp_path_factory.mktemp("village"),
        authority=AUTHORITY,
        centre=CENTRE,
        doubled_on=postgresql_server,
        start_child=start_prepared,
    )
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
    app = agent.processes[number % 2].app
    headers = {"Authorization": f"Bearer {agent.token}"}
    async with app.session.request(method, f"{app.url}/v1/{agent.role}{path}", json=body, headers=headers) as response:
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
    with pytest.raises(AppError) as refused:  # an honest wallet looks itself
        await asked_and_answered()
    assert [reason["code"] for reason in refused.value.problem["reasons"]] == ["fit.revoked"]
    # A wallet hears most in HTTP answers, and who delivers to it keeps one connection: one process may hear it all.
    proxies = {
        f"{name} {number}": front for name in DOUBLED for number, front in enumerate(getattr(place, name).proxies)
    }
    del proxies["worker 0"]
    for _ in range(6):
        if all(min(proxy.carried.values()) for proxy in proxies.values()):
            break
        await village.issue()
    for name, proxy in proxies.items():
        assert min(proxy.carried.values()) > 0, f"{name}: {proxy.carried}"


@pytest.mark.parametrize(("who", "method", "route", "case"), [case for case in CASES if case[0] in DOUBLED])
async def test_ten_calls_at_two_processes_have_one_effect(
    place: Place, who: str, method: str, route: str, case: Case
) -> None:
    agent: AgentHandle = getattr(place, who)
    calls = await case(place)
    answers = await asyncio.gather(
        *(call_one(agent, number, method, calls.path, calls.body) for number in range(AT_ONCE))
    )
    told = [(status, answer.get("code"), answer.get("detail")) for status, answer in answers if status >= 400]
    assert [answer for answer in told if answer[0] >= 500] == []
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


async def test_what_a_killed_process_was_at_is_done_by_the_other_and_nothing_twice(place: Place) -> None:
    """Offers that are open and answered while one of the issuer's processes is killed, again and again."""
    offered = [await place.village.offer() for _ in range(4)]
    dies, stays = place.centre.processes
    accepting = [
        asyncio.create_task(call_one(place.worker, number, "POST", f"/offers/{received}/accept", None))
        for number, (_, received) in enumerate(offered)
    ]
    await asyncio.sleep(0.3)
    await dies.kill()
    answers = await asyncio.gather(*accepting)
    assert [status for status, _ in answers] == [200] * len(offered)
    for made, received in offered:
        await place.worker.wait_for(f"/offers/{received}", "state", "RECEIVED")
        await stays.app.wait_for(f"/offers/{made}", "receipt", "KEPT")
    shown = [await stays.app.get(f"/offers/{made}") for made, _ in offered]
    assert len({(offer["registry"], offer["index"]) for offer in shown}) == len(offered)
    await place.centre.start_one(dies)
    await dies.app.wait_for("/standing", "ready", True)  # its registries are looked at beside being ready
    made, _ = await place.village.issue()
    assert (await dies.app.get(f"/offers/{made}"))["receipt"] == "KEPT"


async def test_everybody_survives_a_restart_of_the_server_and_keeps_nothing_beside_it(
    place: Place, postgresql_server: PostgresServer
) -> None:
    village = place.village
    _, credential = await village.issue()
    await asyncio.to_thread(postgresql_server.restart)
    asked = await place.employer.post("/requests", {"requirement": WELDER, "deadline_s": 120})
    opened = await place.worker.post("/invitations", {"url": asked["short_url"]})
    await place.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
    ended = await place.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")
    assert ended["decision"]["verdict"] == "TRUSTED"
    assert (await village.issue())[1] != credential
    for name, database in zip(DOUBLED, village.databases, strict=True):
        agent: AgentHandle = getattr(place, name)
        for process in agent.processes:
            assert not list(process.data.rglob("wallet.db"))
            assert database.password not in process.log_path.read_text()


async def test_a_rolling_restart_under_load_loses_nothing(place: Place) -> None:
    """The processes of issuer and holder are stopped and started one by one while offers are made and answered."""
    done = asyncio.Event()
    offered: list[tuple[str, str]] = []

    async def load() -> None:
        while not done.is_set():
            made = await patiently(partial(place.centre.post, "/offers", {"claim": example_claim(), "deadline_s": 300}))
            opened = await patiently(partial(place.worker.post, "/invitations", {"url": made["invitation_url"]}))
            try:
                await patiently(partial(place.worker.post, f"/offers/{opened['id']}/accept"))
            except AppError as err:
                if err.status != 409:  # the answer to the first try was lost with its process
                    raise
            offered.append((made["id"], opened["id"]))

    async def restart(agent: AgentHandle) -> None:
        for process in agent.processes:
            assert await process.stop() == 0
            await agent.start_one(process)

    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        for agent in (place.centre, place.worker):
            await restart(agent)
        done.set()
    assert offered
    for made, received in offered:
        await place.worker.wait_for(f"/offers/{received}", "state", "RECEIVED")
        await place.centre.wait_for(f"/offers/{made}", "receipt", "KEPT")
