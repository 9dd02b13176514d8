"""One hostile tenant, one hostile stranger, in a process with several tenants: what they try, for real."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from acapy_agent.wallet.base import BaseWallet
from acapy_agent.wallet.key_type import ED25519
from tests.flow.tiny_role import TinyOffice, TinyRole
from tests.unit.runtime.correspondents import Correspondent, connect, refuse_without_waiting
from aries_askar import Key, KeyAlg

from wanderbuch.agents.authority.role import AuthorityRole
from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.app import Caller
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.tenant_records import TenantRecord
from wanderbuch.store.records import RecordStore
from wanderbuch.store.schema import OF_A_TENANT
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.agents

HOST: Final = "many.wanderbuch.test"
SCHOOL: Final = "school.wanderbuch.test"
AT_ONCE: Final = 10


class KnowingRole(TinyRole):
    """A tiny role that knows people by tokens of theirs, so that a tenant must be open before it can be told who asks."""

    name = "knowing"

    async def identify(self, office: TinyOffice, token: str) -> Caller | None:
        return Caller("ana", frozenset({"editor"})) if token == f"ana-of-{office.tenant.id}-{'x' * 24}" else None


ROLES: Final = (TinyRole(), KnowingRole(), AuthorityRole())


@pytest.fixture
def handle(machine: LocalMachine) -> AgentHandle:
    made = machine.add("tiny", "Many", HOST)
    made.configure(tenants={"roles": [role.name for role in ROLES]})
    machine.reach(SCHOOL, made.target)
    machine.authority.write_server(SCHOOL, made.folder / "school.crt", made.folder / "school.key")
    made.write_config()
    hosts = f'\n[[public.hosts]]\nhost = "{SCHOOL}"\ntls_certificate = "school.crt"\ntls_key = "school.key"\n'
    with made.config_path.open("a") as file:
        file.write(hosts)
    return made


@pytest.fixture
async def agent(handle: AgentHandle) -> AsyncIterator[RunningAgent]:
    made = await start(load_config(handle.config_path, {}, role=ROLES[0]), ROLES[0], further=ROLES[1:])
    try:
        await made.wait_ready()
        refuse_without_waiting(made)
        yield made
    finally:
        await made.stop()


async def add(handle: AgentHandle, tenant: str, roles: dict[str, Any] | None = None, **told: Any) -> str:
    body = {"id": tenant, "name": tenant, "roles": roles or {"tiny": {}}, **told}
    return str((await handle.post("/v1/tenants", body))["token"])


async def ask(
    handle: AgentHandle, method: str, path: str, *, token: str | None = None, told: Any = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token or handle.token}"}
    async with handle.app.session.request(
        method, f"{handle.app_url}{path}", json=told, headers=headers
    ) as response:
        return response.status, await response.json(content_type=None)


async def own_key(agent: RunningAgent, tenant: str) -> str:
    found = await agent.tenants.enter(tenant)
    async with found.profile.session() as session:
        return str((await session.inject(BaseWallet).create_key(ED25519)).verkey)


async def test_a_wrong_token_tells_nothing_of_a_tenant_that_does_not_open(
    agent: RunningAgent, handle: AgentHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.agents.runtime.tenants._OPENING_S", 0.3)
    gate = tmp_path / "gate"
    # As the operator's own hand wrote it: over REST no file can be named.
    record = TenantRecord(id="shy", name="Shy", host=HOST, path="shy", roles={"knowing": {"needs_file": str(gate)}})
    await agent.profile.store.create_profile("shy")
    await RecordStore(agent.profile, TenantRecord).insert(record)
    agent.tenants.note(record)
    wrong = await ask(handle, "GET", "/v1/t/shy/knowing/pings", token="x" * 43)
    assert wrong == await ask(handle, "GET", "/v1/t/nobody/knowing/pings", token="x" * 43)
    assert wrong[0] == 401
    gate.touch()
    async with asyncio.timeout(30):
        while (await ask(handle, "GET", "/v1/t/shy/knowing/pings"))[0] != 200:
            await asyncio.sleep(0.1)
    ana = f"ana-of-shy-{'x' * 24}"
    assert (await ask(handle, "GET", "/v1/t/shy/knowing/pings", token=ana))[0] == 403  # she is known, and no operator


async def test_a_setting_of_a_tenant_names_no_file_of_the_machine(agent: RunningAgent, handle: AgentHandle) -> None:
    for roles in (
        {"authority": {"ecosystem": "x", "trqp": {"enabled": True, "token_file": "/etc/hostname"}}},
        {"tiny": {"needs_file": "/etc/hostname"}},
    ):
        status, problem = await ask(
            handle, "POST", "/v1/tenants", told={"id": "x", "name": "X", "roles": roles}
        )
        assert status == 400, problem
        assert "file" in problem["detail"]
    assert (await handle.get("/v1/tenants"))["items"] == []
    await add(handle, "y", {"authority": {"ecosystem": "y", "trqp": {"enabled": True}}})


async def test_a_tenant_whose_settings_fit_no_more_keeps_none_of_the_others_closed(
    agent: RunningAgent, handle: AgentHandle
) -> None:
    for name in ("first", "last"):
        record = TenantRecord(id=name, name=name, host=HOST, path=name, roles={"tiny": {}})
        if name == "first":
            for bad, roles in (("gone", {"king": {}}), ("odd", {"tiny": {"colour": 1}})):
                odd = TenantRecord(id=bad, name=bad, host=HOST, path=bad, roles=roles)
                await agent.profile.store.create_profile(bad)
                await RecordStore(agent.profile, TenantRecord).insert(odd)
                agent.tenants.note(odd)
        await agent.profile.store.create_profile(name)
        await RecordStore(agent.profile, TenantRecord).insert(record)
        agent.tenants.note(record)
    await agent.tenants.visit()
    assert {tenant.id for tenant in agent.tenants.opened()} == {"default", "first", "last"}
    for name in ("gone", "odd"):
        status, problem = await ask(handle, "GET", f"/v1/t/{name}/tiny/pings")
        assert status == 500 or status == 503, problem
        assert name in problem["detail"]


async def test_more_webhooks_than_a_tenant_may_have_are_not_made_at_once(
    agent: RunningAgent, handle: AgentHandle
) -> None:
    token = await add(handle, "greedy")
    body = {"url": "https://hooks.example.org/x"}
    found = await asyncio.gather(
        *(ask(handle, "POST", "/v1/t/greedy/webhooks", token=token, told=body) for _ in range(30))
    )
    assert Counter(status for status, _ in found) == {201: 16, 409: 14}
    assert len((await handle.get("/v1/t/greedy/webhooks"))["items"]) == 16
