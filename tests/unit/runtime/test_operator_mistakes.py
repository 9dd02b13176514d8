"""What an operator is told who asked for something that cannot be, by REST and by the commands."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.runtime.test_tenants import add

from wanderbuch.agents.cli.governance.authority_client import AnsweredNoError, AuthorityClient
from wanderbuch.agents.machine import AgentHandle, AppError
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.errors import ConfigurationError, ResolutionError

DID = "did:webvh:QmdGMfL8DCQ7fLPxtaQxVJHVBqaq7SQPQyjNiPTLYTTUjn:authority.example.org:org"
GALLE = {"id": "galle", "name": "Galle", "roles": {"tiny": {}}}


@pytest.mark.parametrize(
    "governance",
    [
        {"url": "http://authority.example.org/x", "author": DID},
        {"url": "https://authority.example.org/x", "author": "x"},
    ],
)
async def test_a_governance_that_cannot_be_is_a_mistake_of_the_caller(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, governance: dict[str, str]
) -> None:
    with pytest.raises(AppError) as refused:
        await tiny_handle.post("/v1/tenants", {**GALLE, "governance": governance})
    assert refused.value.status == 400
    assert await tiny_handle.get("/v1/tenants") == {"items": []}


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.org/", "https://10.0.0.1/", "https://a:b@hooks.example.org/", "https://h.example:99999/"],
)
async def test_an_address_of_a_webhook_that_cannot_be_is_a_mistake_of_the_caller(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, url: str
) -> None:
    with pytest.raises(AppError) as refused:
        await tiny_handle.post("/v1/webhooks", {"url": url})
    assert refused.value.status == 400


@pytest.mark.parametrize("step", ["suspend", "resume", "token"])
async def test_the_default_tenant_is_no_tenant_to_be_changed_and_the_answer_says_so(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, step: str
) -> None:
    with pytest.raises(AppError, match="the one of the configuration file") as refused:
        await tiny_handle.post(f"/v1/tenants/default/{step}")
    assert refused.value.status == 409


async def test_tenants_are_listed_the_oldest_first_whatever_the_order_in_the_store(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("galle", "kandy", "jaffna"):
        await add(tiny_handle, name)
    records = tiny_agent.tenant_desk._records
    as_kept = await records.find()

    async def moved() -> object:  # as after `wanderbuch store move`, which copies in Askar's order
        return list(reversed(as_kept))

    monkeypatch.setattr(records, "find", moved)
    listed = await tiny_handle.get("/v1/tenants")
    assert [item["id"] for item in listed["items"]] == ["galle", "kandy", "jaffna"]


async def test_an_event_has_one_time_wherever_it_is_told(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    await add(tiny_handle, "galle")
    (event,) = (await tiny_handle.get("/v1/events"))["items"]
    headers = {"Authorization": f"Bearer {tiny_handle.token}", "Accept": "text/event-stream", "Last-Event-ID": "0"}
    async with tiny_handle.app.session.get(f"{tiny_handle.app_url}/v1/events", headers=headers) as stream:
        async for line in stream.content:
            if line.startswith(b"data:"):
                break
    assert event["at"].encode() in line
    assert event["at"].endswith("Z")


@pytest.fixture
def token_file(tmp_path: Path, tiny_handle: AgentHandle) -> Path:
    file = tmp_path / "operator.token"
    file.write_text(tiny_handle.token)
    file.chmod(0o600)
    return file


async def test_a_wrong_token_is_told_with_where_the_right_one_is(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, token_file: Path
) -> None:
    await asyncio.to_thread(token_file.write_text, "w" * 32)
    async with AuthorityClient(tiny_handle.app_url, token_file, group="tenants") as client:
        with pytest.raises(ConfigurationError) as refused:
            await client.ask("GET", "")
    assert "[app] token_file" in str(refused.value.hint)


async def test_an_agent_that_is_not_there_is_told_with_what_to_look_at(token_file: Path) -> None:
    async with AuthorityClient(f"http://127.0.0.1:{free_port()}", token_file, group="tenants") as client:
        with pytest.raises(ResolutionError, match="cannot be reached") as refused:
            await client.ask("GET", "")
    assert "--agent" in str(refused.value.hint)


async def test_a_store_that_is_away_is_told_in_the_agents_own_words(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, token_file: Path
) -> None:
    file = tiny_agent.config.data / "index" / "index.db"
    away = await asyncio.to_thread(file.rename, file.with_name("away.db"))
    async with AuthorityClient(tiny_handle.app_url, token_file, group="tenants") as client:
        with pytest.raises(AnsweredNoError, match="was removed or replaced") as refused:
            await client.ask("POST", "", GALLE)
    assert "start the process again" in str(refused.value.hint)
    assert not (await tiny_agent.look()).ready
    await asyncio.to_thread(away.rename, file)
    assert (await tiny_agent.look()).ready
