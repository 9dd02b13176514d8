"""What an operator does with tenants stands in the operator's event log."""

from tests.unit.runtime.test_tenants import add, call
from tests.unit.told import tell_what_was_cut

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.webhooks.routes import WEBHOOK_ROUTES


async def test_made_suspended_resumed_and_removed(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    await add(tiny_handle, "galle")
    for step in ("suspend", "suspend", "resume", "suspend", "resume"):
        await tiny_handle.post(f"/v1/tenants/galle/{step}")
    told = await tiny_handle.get("/v1/events")
    assert [(item["kind"], item["subject"]) for item in told["items"]] == [
        ("tenant.made", "galle"),
        ("tenant.suspended", "galle"),
        ("tenant.resumed", "galle"),
        ("tenant.suspended", "galle"),
        ("tenant.resumed", "galle"),
    ]
    assert (await tiny_handle.get("/v1/t/galle/events"))["items"] == []
    await tiny_agent.tenant_desk.remove("galle")
    assert (await tiny_handle.get("/v1/events", after="5"))["items"][0]["kind"] == "tenant.removed"
    assert await tell_what_was_cut(tiny_agent.profile) == 0


async def test_a_tenants_webhooks_are_its_own(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    await add(tiny_handle, "galle")
    made = await tiny_handle.post("/v1/t/galle/webhooks", {"url": "https://hooks.example.test/x"})
    assert made["secret"].startswith("whsec_")
    assert (await tiny_handle.get("/v1/webhooks"))["items"] == []
    (shown,) = (await tiny_handle.get("/v1/t/galle/webhooks"))["items"]
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    for step in ("pause", "resume", "secret"):
        await tiny_handle.post(f"/v1/t/galle/webhooks/{made['id']}/{step}")


async def test_anothers_webhook_is_one_that_is_not_there(tiny_agent: RunningAgent, tiny_handle: AgentHandle) -> None:
    """Generated from the route table: each route with another tenant's id, and each with another tenant's token."""
    galle, kandy = await add(tiny_handle, "galle"), await add(tiny_handle, "kandy")
    made = await tiny_handle.post("/v1/t/kandy/webhooks", {"url": "https://hooks.example.test/x"})
    for route in WEBHOOK_ROUTES:
        if "{id}" in route.path:
            asked = [f"/v1/t/galle/webhooks{route.path.format(id=webhook_id)}" for webhook_id in (made["id"], "0" * 32)]
            anothers, nobodys = [await call(tiny_handle, route.method, address, token=galle) for address in asked]
            assert anothers[0] == 404
            assert str(anothers).replace(made["id"], "0" * 32) == str(nobodys)
        path = f"webhooks{route.path.format(id=made['id'])}"
        refused = await call(tiny_handle, route.method, f"/v1/t/kandy/{path}", token=galle)
        assert refused == await call(tiny_handle, route.method, f"/v1/t/nobody/{path}", token=galle)
        assert refused[0] == 401
        assert (await call(tiny_handle, route.method, f"/v1/{path}", token=galle))[0] == 401
    assert (await call(tiny_handle, "GET", f"/v1/t/kandy/webhooks/{made['id']}", token=kandy))[0] == 200
    assert (await tiny_handle.get(f"/v1/t/kandy/webhooks/{made['id']}"))["state"] == "RUNNING"
