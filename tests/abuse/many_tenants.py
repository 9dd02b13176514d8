"""A process with several tenants and roles, on two hosts, and how they are asked."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
from tests.flow.tiny_role import TinyOffice, TinyRole
from tests.unit.runtime.correspondents import refuse_without_waiting

from wanderbuch.agents.authority.role import AuthorityRole
from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.app import Caller
from wanderbuch.agents.runtime.config import load_config

HOST: Final = "many.wanderbuch.test"
SCHOOL: Final = "school.wanderbuch.test"
AT_ONCE: Final = 10


class KnowingRole(TinyRole):
    """A tiny role that knows people by tokens of theirs: a tenant must be open before it can be told who asks."""

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
    async with handle.app.session.request(method, f"{handle.app_url}{path}", json=told, headers=headers) as response:
        return response.status, await response.json(content_type=None)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 (handlers tell nobody that they have ended)
            await asyncio.sleep(0.02)
