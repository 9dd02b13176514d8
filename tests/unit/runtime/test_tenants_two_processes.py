"""Two processes of one agent with tenants: what one decides the other knows, whatever becomes of announcements."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.postgresql import Database, PostgresServer
from tests.unit.runtime.test_agent_on_postgresql import processes, run
from tests.unit.runtime.test_tenants import TINY, add, call

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.tenant_records import TenantState
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.needs("postgresql")

KNOWN_S = 30.0  # two seconds on a machine that has time for it


class Pair:
    """An agent in two processes."""

    def __init__(self, handles: list[AgentHandle], agents: list[RunningAgent]) -> None:
        self.handles, self.agents = handles, agents


@pytest.fixture
async def pair(machine: LocalMachine, database: Database) -> AsyncIterator[Pair]:
    handles = processes(machine, database, 2)
    agents = [await run(handle) for handle in handles]
    yield Pair(handles, agents)
    for agent in agents:
        await agent.stop()


async def status_within(handle: AgentHandle, token: str, status: int) -> bool:
    """Tell whether a tenant's own call has this status in time."""
    try:
        async with asyncio.timeout(KNOWN_S):
            while (await call(handle, "GET", "/v1/t/galle/events", token=token))[0] != status:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


async def test_one_suspends_and_the_other_serves_it_no_more(pair: Pair) -> None:
    here, there = pair.handles
    token = await add(here, "galle")
    assert await status_within(there, token, 200)
    await here.post("/v1/tenants/galle/suspend")
    assert await status_within(there, token, 401)
    await there.post("/v1/tenants/galle/resume")
    assert await status_within(here, token, 200)
    renewed = (await there.post("/v1/tenants/galle/token"))["token"]
    assert await status_within(here, token, 401)
    assert await status_within(here, renewed, 200)


async def test_so_it_is_where_nothing_can_be_heard(
    pair: Pair, postgresql_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = pair.handles
    token = await add(here, "galle")
    assert await status_within(there, token, 200)
    engine = tables_of(pair.agents[1].profile).engine
    monkeypatch.setitem(engine._address.parameters, "dbname", "nothing")  # type: ignore[attr-defined]
    await asyncio.to_thread(
        postgresql_server.admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    )
    await asyncio.sleep(1)
    await here.post("/v1/tenants/galle/suspend")
    assert await status_within(there, token, 401)


async def test_a_stream_of_a_suspended_tenant_ends_at_the_other_process(pair: Pair) -> None:
    here, there = pair.handles
    token = await add(here, "galle")
    assert await status_within(there, token, 200)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with there.app.session.get(f"{there.app_url}/v1/t/galle/events", headers=headers) as stream:
        assert stream.status == 200
        await stream.content.readline()
        await here.post("/v1/tenants/galle/suspend")
        async with asyncio.timeout(KNOWN_S):
            await stream.content.read()


async def test_one_place_is_given_once_whatever_process_is_asked(pair: Pair) -> None:
    """Two tenants at one place would overwrite each other's DID."""
    told = [{"id": name, "name": name, "path": "school", **TINY} for name in ("galle", "kandy")]
    made = await asyncio.gather(
        *(handle.post("/v1/tenants", tenant) for handle, tenant in zip(pair.handles, told, strict=True)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in made if isinstance(outcome, AppError)]
    assert [app_error.status for app_error in refused] == [409]
    assert len([outcome for outcome in made if isinstance(outcome, dict)]) == 1


async def test_a_removal_at_both_at_once_comes_to_one(pair: Pair) -> None:
    here, there = pair.handles
    token = await add(here, "galle")
    assert await status_within(there, token, 200)
    removed = await asyncio.gather(*(agent.tenant_desk.remove("galle") for agent in pair.agents))
    assert {tenant_record.state for tenant_record in removed} == {TenantState.REMOVED}
    for agent in pair.agents:
        assert (await tables_of(agent.profile).engine.run("SELECT count(*) FROM row WHERE tenant = 'galle'")) == [(0,)]
    told = [event["kind"] for event in (await there.get("/v1/events"))["items"] if event["subject"] == "galle"]
    assert told == ["tenant.made", "tenant.removed"]
