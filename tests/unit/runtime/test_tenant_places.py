"""A tenant on a host name of its own, and the operator's commands, against a real process."""

import json
import ssl
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import aiohttp
import pytest
from tests.flow.tiny_role import TinyRole
from tests.prepared.running import run_prepared

from wanderbuch.agents.machine import AgentHandle, AppError, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.closed_hosts import ClosedHost, publish_closed
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.site.front import FRONT
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import NotFoundError

SCHOOL = "school.wanderbuch.test"


class FrontedRole(TinyRole):
    """Has pages for people, as every role of ours."""

    front = FRONT


@pytest.fixture
async def hosting(machine: LocalMachine, tiny_handle: AgentHandle) -> AsyncIterator[RunningAgent]:
    """A process that has a certificate for a second host name."""
    machine.reach(SCHOOL, tiny_handle.target)
    machine.authority.write_server(SCHOOL, tiny_handle.folder / "school.crt", tiny_handle.folder / "school.key")
    tiny_handle.write_config()
    hosts = f'\n[[public.hosts]]\nhost = "{SCHOOL}"\ntls_certificate = "school.crt"\ntls_key = "school.key"\n'
    with tiny_handle.config_path.open("a") as file:
        file.write(hosts)
    role = FrontedRole()
    agent = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    yield agent
    await agent.stop()


async def test_a_tenant_on_a_host_of_its_own_is_there_as_if_it_were_alone(
    hosting: RunningAgent, tiny_handle: AgentHandle
) -> None:
    config = hosting.config.network
    edge = HttpEdge(HttpEdgeConfig(connect=ConnectionMap.parse(config.connect), ca_file=config.ca_file))
    try:
        await tiny_handle.post("/v1/tenants", {"id": "school", "name": "School", "roles": {"tiny": {}}, "host": SCHOOL})
        did = (await hosting.tenants.enter("school")).did
        assert did.host == SCHOOL
        log = await edge.get(f"https://{SCHOOL}/org/did.jsonl", max_bytes=100_000, timeout_s=5)  # by its certificate
        assert str(did).encode() in log.body
        process = await edge.get("https://tiny.wanderbuch.test/org/did.jsonl", max_bytes=100_000, timeout_s=5)
        assert str(did).encode() not in process.body
        for elsewhere in (f"hosts/{SCHOOL}/org/did.jsonl", "school/did.jsonl"):
            with pytest.raises(NotFoundError):
                await edge.get(f"https://tiny.wanderbuch.test/{elsewhere}", max_bytes=100_000, timeout_s=5)
        link = (await tiny_handle.post("/v1/t/school/tiny/invitations"))["text"]
        assert link.startswith(f"https://{SCHOOL}/i/")
        made = (await tiny_handle.post("/connections", {"text": link}))["text"]
        await tiny_handle.wait_for(f"/connections/{made}", "text", "active", "completed")
        with pytest.raises(AppError, match=f"the host {SCHOOL} is or was that of the tenant 'school'"):
            await tiny_handle.post(
                "/v1/tenants", {"id": "other", "name": "X", "roles": {"tiny": {}}, "host": SCHOOL, "path": "x"}
            )
    finally:
        await edge.close()


async def test_at_the_host_of_a_centre_that_has_closed_people_are_told_whom_to_ask(
    hosting: RunningAgent, tiny_handle: AgentHandle
) -> None:
    context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
    place = hosting.files.publisher(SCHOOL)
    french = {"Accept": "text/html", "Accept-Language": "fr"}

    async def told(path: str, headers: dict[str, str], *, host: str = SCHOOL) -> tuple[int, str]:
        url = f"https://127.0.0.1:{tiny_handle.public_port}{path}"
        given = {**headers, "Host": host}
        async with session.get(url, ssl=context, server_hostname=host, headers=given) as response:
            return response.status, await response.text()

    async with aiohttp.ClientSession() as session:
        assert (await told("/s/ABC", french))[0] == 404
        await publish_closed(ClosedHost("<b>Galle</b> School", date(2026, 11, 29), "https://ask.test/?a=1&b=2"), place)
        for path in ("/", "/s/ABC", "/i/x", "/didcomm", "/desk/"):
            status, page = await told(path, french)
            assert status == 410, path
            assert "Ce centre de formation a fermé" in page, path
            assert "&lt;b&gt;Galle&lt;/b&gt; School" in page, path
            assert 'href="https://ask.test/?a=1&amp;b=2"' in page, path
        assert (await told("/s/ABC", {"Accept": "application/json"}))[0] == 404  # programs find nothing
        assert (await told("/s/ABC", french, host="tiny.wanderbuch.test"))[0] == 404
        with pytest.raises(AppError, match=r"Galle.* School', which has closed"):
            await tiny_handle.post("/v1/tenants", {"id": "new", "name": "X", "roles": {"tiny": {}}, "host": SCHOOL})
        for broken in (b"{", b"[]", b"x" * 5000, b'{"name": "X", "since": "2026-11-29", "ask": "javascript:alert(1)"}'):
            await place.put("closed.json", broken, "application/json")
            assert (await told("/s/ABC", french))[0] == 404, broken[:20]
        await place.put("org/did.jsonl", b"{}", "text/jsonl")
        with pytest.raises(AppError, match="the log of a DID lies at"):
            await tiny_handle.post("/v1/tenants", {"id": "new", "name": "X", "roles": {"tiny": {}}, "host": SCHOOL})


async def command(handle: AgentHandle, *told: str) -> tuple[int, str, str]:
    """Run `wanderbuch tenant …` with the operator's token."""
    given = ("--agent", handle.app_url, "--token-file", str(handle.folder / "app.token"))
    return await run_prepared("wanderbuch.agents.cli", "tenant", *told, *given)


async def test_the_operators_commands(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    code, out, _ = await command(tiny_handle, "add", "galle", "--name", "Galle School", "--role", "tiny", "--json")
    made: dict[str, Any] = json.loads(out)
    assert (code, made["tenant"]["id"], len(made["token"])) == (0, "galle", 43)
    code, _, err = await command(tiny_handle, "add", "galle", "--name", "Galle School", "--role", "tiny")
    assert (code, "there is or was a tenant 'galle'" in err) == (2, True)
    code, out, _ = await command(tiny_handle, "list")
    assert (code, "galle  ACTIVE  Galle School  (tiny)" in out) == (0, True)
    for word, state in (("suspend", "SUSPENDED"), ("resume", "ACTIVE"), ("show", "ACTIVE")):
        code, out, _ = await command(tiny_handle, word, "galle", "--json")
        assert (code, json.loads(out)["state"]) == (0, state)
    code, out, _ = await command(tiny_handle, "token", "galle", "--json")
    assert (code, json.loads(out)["token"] != made["token"]) == (0, True)
    code, out, _ = await command(tiny_handle, "remove", "galle", "--yes", "--json")
    assert (code, json.loads(out)["state"]) == (0, "REMOVED")
    code, _, err = await command(tiny_handle, "show", "nobody")
    assert (code, "there is no tenant 'nobody'" in err) == (2, True)
