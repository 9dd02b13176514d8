"""Organisations that make themselves a tenant: at once, so many, and gone when idle, but never while in use."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.flow.tiny_role import TinyOffice, TinyRole
from tests.unit.runtime.test_tenants import call

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.sign_up import GRACE, FullError, SignUp
from wanderbuch.agents.runtime.tenant_records import TenantRecord, TenantState
from wanderbuch.errors import ConfigurationError

DAYS = timedelta(days=1)


class EmployerRole(TinyRole):
    """A role as which organisations may sign up."""

    may_sign_up = True


def switched_on(handle: AgentHandle, **limits: Any) -> None:
    told = {
        "enabled": True,
        "most": 3,
        "idle_days": 10,
        "network_a_minute": 600,
        "network_a_day": 600,
        "all_a_minute": 600,
    }
    handle.configure(tenants={"sign_up": told | limits})
    handle.write_config()


@pytest.fixture
async def agent(tiny_handle: AgentHandle) -> AsyncIterator[RunningAgent]:
    switched_on(tiny_handle)
    role = EmployerRole()
    running = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    await running.wait_ready()
    yield running
    await running.stop()


async def sign_up(handle: AgentHandle, name: str = "Valletta Yard") -> tuple[int, dict[str, Any]]:
    async with handle.app.session.post(f"{handle.app_url}/v1/sign-up", json={"name": name}) as response:
        return response.status, await response.json(content_type=None)


def desk_of(agent: RunningAgent) -> SignUp:
    made = agent._sign_up
    assert made is not None
    return made


async def looked(agent: RunningAgent, at: datetime) -> None:
    """Sweep as at an instant, however lately it was done."""
    desk_of(agent)._swept_at = None
    await desk_of(agent).sweep(at)


async def record(agent: RunningAgent, tenant: str) -> TenantRecord:
    return await agent.tenant_desk.get(tenant)


async def office_of(agent: RunningAgent, tenant: str) -> TinyOffice:
    office = (await agent.tenants.enter(tenant)).offices["tiny"]
    assert isinstance(office, TinyOffice)
    return office


async def test_who_signs_up_has_a_tenant_that_works_at_once(agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    status, made = await sign_up(tiny_handle, "Xatt l-Għassara tal-Għeneb")
    assert status == 201
    assert made["id"].startswith("xatt-l-gassara-tal-g")
    assert (await call(tiny_handle, "GET", f"{made['app']}/tiny/pings", token=made["token"]))[0] == 200
    assert (await call(tiny_handle, "GET", "/v1/tenants", token=made["token"]))[0] == 401  # no other's, and not all
    described = await (await tiny_handle.app.session.get(f"{tiny_handle.app_url}/openapi.json")).json()
    assert described["paths"]["/sign-up"]["post"]["security"] == []


@pytest.mark.parametrize("name", ["", " ", "x" * 121, "a\x00b"], ids=["empty", "blank", "long", "control"])
async def test_a_name_is_a_name(agent: RunningAgent, tiny_handle: AgentHandle, name: str) -> None:
    assert (await sign_up(tiny_handle, name))[0] in {400, 422}
    assert await agent.tenant_desk.every() == []


async def test_there_are_so_many_and_a_removed_one_leaves_its_place(
    agent: RunningAgent, tiny_handle: AgentHandle
) -> None:
    made = [(await sign_up(tiny_handle))[1]["id"] for _ in range(3)]
    assert len(set(made)) == 3
    status, problem = await sign_up(tiny_handle)
    assert (status, problem["code"]) == (429, "too-many")
    await tiny_handle.app.delete(f"/v1/tenants/{made[0]}")
    assert (await sign_up(tiny_handle))[0] == 201


async def test_a_network_with_most_unused_ones_makes_room_and_what_is_in_use_stays(agent: RunningAgent) -> None:
    """Ten networks may fill a hundred places by patience; a newcomer is not kept out by that."""
    sign_up = desk_of(agent)

    hoard = [(await sign_up.make(f"Hoard {number}", network="198.51.100.0/24"))[0].id for number in range(3)]
    (await office_of(agent, hoard[2])).has_guests = True
    newcomer, _ = await sign_up.make("Valletta Yard", network="203.0.113.0/24")
    assert (await record(agent, hoard[1])).state is TenantState.REMOVED, "the newest with which nobody dealt"
    assert [(await record(agent, one)).state for one in (hoard[0], hoard[2])] == [TenantState.ACTIVE] * 2
    assert "198.51" not in (await record(agent, hoard[0])).network
    with pytest.raises(FullError):  # it has one, the others have two: they would change places for ever
        await sign_up.make("Valletta Yard", network="203.0.113.0/24")
    (await office_of(agent, hoard[0])).has_guests = True
    with pytest.raises(FullError):
        await sign_up.make("Sliema Yard", network="192.0.2.0/24")
    assert (await record(agent, newcomer.id)).state is TenantState.ACTIVE


async def hoarded(agent: RunningAgent, number: int) -> list[str]:
    desk_of(agent).config = desk_of(agent).config.model_copy(update={"most": number})
    return [(await desk_of(agent).make(f"Hoard {place}", network="198.51.100.0/24"))[0].id for place in range(number)]


async def test_a_look_goes_on_behind_what_the_one_before_has_seen(
    agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the network with most begins something in its few newest, and each look ends there."""
    monkeypatch.setattr("wanderbuch.agents.runtime.sign_up._LOOKED_AT", 2)
    hoard = await hoarded(agent, 6)
    for tenant in hoard[2:]:
        (await office_of(agent, tenant)).last_work = datetime.now(UTC)
    for _ in range(2):
        with pytest.raises(FullError):
            await desk_of(agent).make("Valletta Yard", network="203.0.113.0/24")
    await desk_of(agent).make("Valletta Yard", network="203.0.113.0/24")
    states = [(await record(agent, tenant)).state for tenant in hoard]
    assert states == [TenantState.ACTIVE, TenantState.REMOVED, *[TenantState.ACTIVE] * 4]


async def test_own_work_keeps_a_place_for_a_week_once_and_then_goes_last(
    agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    hoard, now = await hoarded(agent, 5), datetime.now(UTC)
    for tenant in (hoard[0], *hoard[2:]):
        (await office_of(agent, tenant)).last_work = now
    (await office_of(agent, hoard[3])).has_guests = True
    await desk_of(agent).make("Valletta Yard", network="203.0.113.0/24")
    assert (await record(agent, hoard[1])).state is TenantState.REMOVED, "the one without work"
    with pytest.raises(FullError):
        await desk_of(agent).make("Sliema Yard", network="192.0.2.0/24")
    monkeypatch.setattr(type(agent.tenants.default), "clock", property(lambda _: lambda: now + 7 * DAYS))
    (await office_of(agent, hoard[4])).last_work = now + 7 * DAYS
    await desk_of(agent).make("Sliema Yard", network="192.0.2.0/24")
    assert (await record(agent, hoard[4])).state is TenantState.REMOVED, "its week is not begun anew"
    assert (await record(agent, hoard[3])).state is TenantState.ACTIVE


async def test_who_signs_in_between_the_look_and_the_mark_stays(agent: RunningAgent) -> None:
    """A session's use is known to this process alone, and the day was written down before."""
    hoard = await hoarded(agent, 3)
    for tenant in hoard:
        (await agent.tenants.profile(tenant)).on_use()
    desk, remove = agent.tenant_desk, agent.tenant_desk.remove

    async def used_first(tenant: str, **how: Any) -> TenantRecord:
        if tenant == hoard[2]:
            (await agent.tenants.profile(tenant)).on_use()
        return await remove(tenant, **how)

    desk.remove = used_first  # type: ignore[method-assign]
    await desk_of(agent).make("Valletta Yard", network="203.0.113.0/24")
    assert (await record(agent, hoard[2])).state is TenantState.ACTIVE
    assert (await record(agent, hoard[1])).state is TenantState.REMOVED


async def test_a_strangers_visits_are_no_use(agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    made = (await sign_up(tiny_handle))[1]
    status, _ = await call(tiny_handle, "GET", f"{made['app']}/tiny/pings", token="wrong" * 10)
    assert status == 401
    await agent.tenants.who(made["id"])  # as its front page is looked at
    assert agent.tenants.used_on(made["id"]) is None
    (await agent.tenants.profile(made["id"])).on_use()  # as somebody does who is signed in at its desk
    assert agent.tenants.used_on(made["id"]) is not None


async def test_an_idle_one_is_named_first_and_goes_a_week_later(agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    tenant, now = (await sign_up(tiny_handle))[1]["id"], datetime.now(UTC)
    await looked(agent, now + 10 * DAYS)
    assert (await record(agent, tenant)).ends_on is None
    idle = now + 11 * DAYS
    await looked(agent, idle)
    assert (await record(agent, tenant)).ends_on == (idle + GRACE).date()
    await looked(agent, idle + GRACE - DAYS)
    assert (await record(agent, tenant)).state is TenantState.ACTIVE
    await looked(agent, idle + GRACE)
    assert (await record(agent, tenant)).state is TenantState.REMOVED


async def test_one_that_is_used_in_its_last_week_stays(
    agent: RunningAgent, tiny_handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = (await sign_up(tiny_handle))[1], datetime.now(UTC)
    idle = now + 11 * DAYS
    await looked(agent, idle)
    monkeypatch.setattr(type(agent.tenants.default), "clock", property(lambda _: lambda: idle + DAYS))
    assert (await call(tiny_handle, "GET", f"{made['app']}/tiny/pings", token=made["token"]))[0] == 200
    kept = await record(agent, made["id"])
    assert (kept.used_on, kept.ends_on) == ((idle + DAYS).date(), None)
    await looked(agent, idle + GRACE + DAYS)
    assert (await record(agent, made["id"])).state is TenantState.ACTIVE


async def test_one_that_is_used_between_the_look_and_the_mark_stays(
    agent: RunningAgent, tiny_handle: AgentHandle
) -> None:
    """As another process would use it: what the look has read is old by then."""
    made, now = (await sign_up(tiny_handle))[1], datetime.now(UTC)
    over = now + 11 * DAYS + GRACE
    await looked(agent, now + 11 * DAYS)
    desk, remove = agent.tenant_desk, agent.tenant_desk.remove

    async def used_first(tenant: str, **how: Any) -> TenantRecord:
        await agent.tenants.note_use(await desk.get(tenant), over.date())
        return await remove(tenant, **how)

    desk.remove = used_first  # type: ignore[method-assign]
    await looked(agent, over)
    assert (await record(agent, made["id"])).state is TenantState.ACTIVE


async def test_one_with_something_open_stays_and_the_operators_own_are_not_looked_at(
    agent: RunningAgent, tiny_handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = (await sign_up(tiny_handle))[1], datetime.now(UTC)
    await tiny_handle.post("/v1/tenants", {"id": "galle", "name": "Galle", "roles": {"tiny": {}}})
    office = (await agent.tenants.enter(made["id"])).offices["tiny"]

    async def has_open(_: object, __: datetime) -> bool:
        return True

    monkeypatch.setattr(type(office), "has_open", has_open, raising=False)
    for days in (11, 20, 400):
        await looked(agent, now + days * DAYS)
    assert (await record(agent, made["id"])).ends_on is None
    assert (await record(agent, "galle")).state is TenantState.ACTIVE


async def test_it_is_off_unless_it_is_switched_on(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    assert (await sign_up(tiny_handle))[0] == 401


async def test_nobody_signs_up_as_a_role_that_does_not_let_them(tiny_handle: AgentHandle) -> None:
    switched_on(tiny_handle)
    role = TinyRole()
    with pytest.raises(ConfigurationError, match="nobody signs up as tiny"):
        await start(load_config(tiny_handle.config_path, {}, role=role), role)
