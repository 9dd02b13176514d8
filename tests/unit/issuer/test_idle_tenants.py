"""Issuing tenants of one real process cost no task while they have nothing to do."""

import asyncio

import pytest
from tests.abuse.test_unserved_types import AUTHOR

from wanderbuch.agents.issuer.role import IssuerOffice, IssuerRole
from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import start
from wanderbuch.agents.runtime.config import load_config

pytestmark = pytest.mark.agents


async def test_an_issuing_tenant_that_waits_for_its_authority_has_no_task_and_tries_again(
    machine: LocalMachine,
) -> None:
    handle = machine.add("issuer", "Everybody", "all.wanderbuch.test")
    handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": AUTHOR})
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    handle.write_config()
    role = IssuerRole()
    agent = await start(load_config(handle.config_path, {}, role=role), role)
    try:
        await agent.wait_ready()
        tenants = []
        for number in range(5):
            made = {"id": f"school-{number}", "name": "School", "roles": {"issuer": {}}}
            await handle.post("/v1/tenants", made)
            tenants.append(await agent.tenants.enter(made["id"]))
        async with asyncio.timeout(60):
            while any(tenant._tasks for tenant in tenants):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        office = tenants[0].offices["issuer"]
        assert isinstance(office, IssuerOffice)
        assert office.standing.waiting_for
        tries: list[float] = []
        real = office.standing.keep

        async def counted() -> float | None:
            tries.append(asyncio.get_running_loop().time())
            return await real()

        office.standing.keep = counted  # type: ignore[method-assign]
        async with asyncio.timeout(30):
            while not tries:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await agent.tenants.shut("school-0")
        await asyncio.sleep(0.1)
        assert not tenants[0]._tasks
        assert office._keeping._timer is None
    finally:
        await handle.stop()
        await agent.stop()
