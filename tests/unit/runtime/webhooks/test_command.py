"""`wanderbuch webhook …` against an agent's real routes."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.runtime.test_tenants import add

from wanderbuch.agents.cli import webhook as cli
from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent

URL = "https://hooks.example.test/skills"


@pytest.fixture
async def run(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., object]:
    token = tmp_path / "operator.token"
    token.write_text(tiny_handle.token)
    token.chmod(0o600)

    async def called(command: Callable[..., None], *args: object, **options: object) -> str:
        await asyncio.to_thread(
            command, *args, token_file=token, agent=tiny_handle.app_url, tenant=options.pop("tenant", None), **options
        )
        return capsys.readouterr().out

    return called


def command(name: str) -> Callable[..., None]:
    """What changes a webhook is laid out in a table, under its name."""
    [callback] = [registered.callback for registered in cli.app.registered_commands if registered.name == name]
    assert callback is not None
    return callback


async def test_made_shown_held_and_removed(run) -> None:  # type: ignore[no-untyped-def]
    made = json.loads(await run(cli.add, URL, kind=["credential.issued"], after=None, as_json=True))
    assert made["secret"].startswith("whsec_")
    assert made["kinds"] == ["credential.issued"]
    listed = await run(cli.list_all, as_json=False)
    assert listed.split()[:2] == [made["id"], "RUNNING"]
    assert URL in listed
    assert made["secret"] not in listed
    assert "PAUSED" in await run(command("pause"), made["id"], as_json=False)
    assert "RUNNING" in await run(command("resume"), made["id"], as_json=False)
    replaced = await run(command("secret"), made["id"], as_json=False)
    assert "shown this once: whsec_" in replaced
    assert made["secret"] not in replaced
    assert "whsec_" not in await run(cli.show, made["id"], as_json=False)
    await run(command("remove"), made["id"], as_json=False)
    assert "no webhooks" in await run(cli.list_all, as_json=False)


async def test_a_tenants_webhooks_by_its_name(run, tiny_handle: AgentHandle) -> None:  # type: ignore[no-untyped-def]
    await add(tiny_handle, "galle")
    await run(cli.add, URL, kind=None, after=None, as_json=False, tenant="galle")
    assert URL in await run(cli.list_all, as_json=False, tenant="galle")
    assert "no webhooks" in await run(cli.list_all, as_json=False)
