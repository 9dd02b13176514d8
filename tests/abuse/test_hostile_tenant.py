"""One hostile tenant, one hostile stranger, in a process with several tenants: what they try, for real."""

import asyncio
import contextlib
import ssl
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from acapy_agent.cache.base import BaseCache
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.core.error import ProfileError
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from aiohttp import web
from tests.abuse.many_tenants import AT_ONCE, HOST, ROLES, SCHOOL, add, agent, ask, handle
from tests.flow.tiny_role import Text

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.tenant_records import TenantRecord, TenantState
from wanderbuch.agents.runtime.webhooks.webhook import Webhook
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.records import RecordStore, new_id
from wanderbuch.store.schema import OF_A_TENANT
from wanderbuch.store.tables import tables_of, tenant_of

__all__ = ["agent", "handle"]

pytestmark = [pytest.mark.agents, pytest.mark.system]


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
    for _ in range(300):
        if (await ask(handle, "GET", "/v1/t/shy/knowing/pings"))[0] == 200:
            break
        await asyncio.sleep(0.1)
    ana = f"ana-of-shy-{'x' * 24}"
    assert (await ask(handle, "GET", "/v1/t/shy/knowing/pings", token=ana))[0] == 403  # she is known, and no operator


async def test_a_setting_of_a_tenant_names_no_file_of_the_machine(agent: RunningAgent, handle: AgentHandle) -> None:
    for roles in (
        {"authority": {"ecosystem": "x", "trqp": {"enabled": True, "token_file": "/etc/hostname"}}},
        {"tiny": {"needs_file": "/etc/hostname"}},
    ):
        status, problem = await ask(handle, "POST", "/v1/tenants", told={"id": "x", "name": "X", "roles": roles})
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
    answers = await asyncio.gather(
        *(ask(handle, "POST", "/v1/t/greedy/webhooks", token=token, told=body) for _ in range(30))
    )
    assert Counter(status for status, _ in answers) == {201: 16, 409: 14}
    assert len((await handle.get("/v1/t/greedy/webhooks"))["items"]) == 16


async def test_each_changing_route_of_tenants_ten_times_at_once(agent: RunningAgent, handle: AgentHandle) -> None:
    async def ten(method: str, path: str, told: Any = None) -> Counter[int]:
        answers = await asyncio.gather(*(ask(handle, method, path, told=told) for _ in range(AT_ONCE)))
        assert all(status < 500 for status, _ in answers), answers
        return Counter(status for status, _ in answers)

    made = {"id": "galle", "name": "Galle", "roles": {"tiny": {}}}
    assert await ten("POST", "/v1/tenants", made) == {201: 1, 409: 9}
    same = {"name": "Same place", "roles": {"tiny": {}}, "path": "one-place"}
    first_answers = await asyncio.gather(
        *(ask(handle, "POST", "/v1/tenants", told={**same, "id": f"t{n}"}) for n in range(10))
    )
    assert Counter(status for status, _ in first_answers) == {201: 1, 409: 9}
    assert await ten("POST", "/v1/tenants/galle/token") == {200: 10}
    assert await ten("POST", "/v1/tenants/galle/suspend") == {200: 10}
    assert await ten("POST", "/v1/tenants/galle/resume") == {200: 10}
    await handle.get("/v1/t/galle/tiny/pings")
    hook = (await handle.post("/v1/t/galle/webhooks", {"url": "https://hooks.example.org/x"}))["id"]
    for step in ("pause", "resume", "secret"):
        assert await ten("POST", f"/v1/t/galle/webhooks/{hook}/{step}") == {200: 10}
    removed = await ten("DELETE", f"/v1/t/galle/webhooks/{hook}")
    assert removed[200] >= 1
    assert set(removed) <= {200, 404}
    assert await ten("DELETE", "/v1/tenants/galle") == {200: 10}
    told = Counter(event["kind"] for event in (await handle.get("/v1/events"))["items"] if event["subject"] == "galle")
    assert told == {"tenant.made": 1, "tenant.suspended": 1, "tenant.resumed": 1, "tenant.removed": 1}


async def rows_of(agent: RunningAgent, tenant: str) -> dict[str, int]:
    engine = tables_of(agent.profile).engine
    return {
        table: count
        for table in OF_A_TENANT
        if (count := (await engine.run(f"SELECT count(*) FROM {table} WHERE tenant = ?", tenant))[0][0])  # noqa: S608
    }


async def test_what_was_in_hand_when_its_tenant_went_leaves_nothing(agent: RunningAgent, handle: AgentHandle) -> None:
    await add(handle, "going")
    await add(handle, "staying")
    profiles = [(await agent.tenants.enter(tenant_id)).profile for tenant_id in ("going", "staying")]
    await handle.app.delete("/v1/tenants/going")
    for profile in profiles:  # as a handler does that has been at work for a while
        tenant = tenant_of(profile)
        await tables_of(profile).events.append_all(tenant, [Event(EventKind.CREDENTIAL_REVOKED, "o1")])
        with contextlib.suppress(ProfileError):
            await RecordStore(profile, Webhook).insert(Webhook(id=new_id(), url="https://hooks.example.org"))
    assert "going" not in await agent.profile.store.list_profiles()
    left = await rows_of(agent, "staying")
    assert left["event"] == 1
    await agent.tenant_desk.go_on()
    assert await rows_of(agent, "going") == {}
    assert await rows_of(agent, "staying") == left


async def test_removing_one_keeps_nobody_waiting_who_makes_another(
    agent: RunningAgent, handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(handle, "going")
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: str) -> None:
        reached.set()
        await go_on.wait()

    monkeypatch.setattr(agent.tenant_desk, "_forget", slow)
    removing = asyncio.create_task(handle.app.delete("/v1/tenants/going"))
    await reached.wait()
    async with asyncio.timeout(60):
        await add(handle, "coming")
    go_on.set()
    assert (await removing)["state"] == "REMOVED"


async def test_a_tenants_webhook_does_not_reach_what_only_the_operators_connection_map_leads_to(
    machine: LocalMachine, handle: AgentHandle
) -> None:
    asked: list[str] = []

    async def inside(request: web.Request) -> web.Response:
        asked.append((await request.json())["data"]["tenant"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", inside)
    certificate, key = handle.folder / "inside.crt", handle.folder / "inside.key"
    machine.authority.write_server("inside.wanderbuch.test", certificate, key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    machine.reach("inside.wanderbuch.test", f"127.0.0.1:{runner.addresses[0][1]}")
    handle.write_config()
    agent = await start(load_config(handle.config_path, {}, role=ROLES[0]), ROLES[0], further=ROLES[1:])
    try:
        await agent.wait_ready()
        token = await add(handle, "nosy")
        told = {"url": "https://inside.wanderbuch.test/hook", "after": 0}
        status, made = await ask(handle, "POST", "/v1/t/nosy/webhooks", token=token, told=told)
        assert status == 201
        await handle.post("/v1/webhooks", told)
        for tenant in ("nosy", "default"):
            profile = (await agent.tenants.enter(tenant)).profile
            await tables_of(profile).events.append_all(tenant, [Event(EventKind.CREDENTIAL_REVOKED, "o1")])
        shown = await handle.get(f"/v1/t/nosy/webhooks/{made['id']}")
        while not (shown["failures"] and asked):
            shown = await handle.get(f"/v1/t/nosy/webhooks/{made['id']}")
        assert shown["recent"][0]["error"].startswith("resolution.http.")
        assert set(asked) == {"default"}
    finally:
        await agent.stop()
        await runner.cleanup()


async def test_the_admin_api_hears_of_the_default_tenant_alone(handle: AgentHandle) -> None:
    url, key = handle.enable_admin()
    handle.write_config()
    agent = await start(load_config(handle.config_path, {}, role=ROLES[0]), ROLES[0], further=ROLES[1:])
    try:
        await agent.wait_ready()
        await add(handle, "private")
        other = await agent.tenants.enter("private")
        async with aiohttp.ClientSession() as client, client.ws_connect(f"{url}/ws", headers={"x-api-key": key}) as ws:
            for profile in (other.profile, agent.profile):
                async with profile.session() as session:
                    await ConnRecord(state="request", their_label=tenant_of(profile)).save(session)
            labels: list[str] = []
            async with asyncio.timeout(60):
                while "default" not in labels:
                    heard = await ws.receive_json()
                    labels.append(heard.get("payload", {}).get("their_label", ""))
        assert "private" not in labels
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{url}/connections", headers={"x-api-key": key}) as response,
        ):
            assert [connection["their_label"] for connection in (await response.json())["results"]] == ["default"]
    finally:
        await agent.stop()


async def test_nothing_that_a_tenant_sets_or_binds_is_anothers(agent: RunningAgent, handle: AgentHandle) -> None:
    a, b = [(await add(handle, name), await agent.tenants.enter(name))[1] for name in ("a", "b")]
    profiles = {"a": a.profile, "b": b.profile, "default": agent.profile}
    before = {name: dict(profile.settings) for name, profile in profiles.items()}
    a.profile.context.injector.bind_instance(Text, Text(text="a's"))
    a.profile.context.settings.set_value("wallet.rekey", "a's")
    a.profile.context.update_settings({"default_label": "B"})
    for name in ("b", "default"):
        assert profiles[name].inject_or(Text) is None
        assert dict(profiles[name].settings) == before[name]
    assert a.profile.inject(BaseCache) is not b.profile.inject(BaseCache)
    assert a.profile.inject(BaseCache) is not agent.profile.inject(BaseCache)
    for name, profile in profiles.items():
        assert profile.inject(Profile) is profile
        assert profile.inject(BaseResponder).profile is profile, name


async def test_what_was_read_before_a_tenant_was_suspended_does_not_bring_it_back(
    agent: RunningAgent, handle: AgentHandle
) -> None:
    token = await add(handle, "bad")
    desk, records = agent.tenant_desk, RecordStore(agent.profile, TenantRecord)
    for step in (desk.suspend, desk.remove):
        before = await records.get("bad")
        await step("bad")
        await agent.tenants.learn(before)  # read by another task, and taken over only now
        assert "bad" not in agent.tenants.ids()
        assert (await ask(handle, "GET", "/v1/t/bad/tiny/pings", token=token))[0] == 401


async def test_a_decision_that_nobody_was_told_of_is_learnt_by_a_sweep(
    agent: RunningAgent, handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(tables_of(agent.profile).engine), "is_shared", True)  # another process writes here, too
    token = await add(handle, "bad")
    assert (await ask(handle, "GET", "/v1/t/bad/tiny/pings", token=token))[0] == 200

    def suspended(record: TenantRecord) -> TenantRecord:
        return record.model_copy(update={"state": TenantState.SUSPENDED, "turns": record.turns + 1})

    await RecordStore(agent.profile, TenantRecord).change("bad", suspended)
    assert (await ask(handle, "GET", "/v1/t/bad/tiny/pings", token=token))[0] == 401  # its record is read anyway
    assert "bad" in agent.tenants.ids()
    await agent.tenants.look_again()  # as each sweep does
    assert "bad" not in agent.tenants.ids()
    assert [tenant.id for tenant in agent.tenants.opened()] == ["default"]


async def test_a_tenant_takes_no_word_of_the_public_sites_own_as_its_path(
    agent: RunningAgent, handle: AgentHandle
) -> None:
    for told in (
        {"path": "i"},
        {"path": "hosts/x"},
        {"path": "i", "host": SCHOOL},
        {"path": "didcomm/x", "host": SCHOOL},
    ):
        status, problem = await ask(
            handle, "POST", "/v1/tenants", told={"id": "x", "name": "X", "roles": {"tiny": {}}, **told}
        )
        assert (status, "the public site's own" in problem["detail"]) == (409, True), told
