"""Traps 15 and 17 and what no agent may have: the checks that ACA-Py does not make."""

from pathlib import Path

import pytest
from acapy_agent.core.conductor import Conductor
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.resolver.base import DIDMethodNotSupported
from acapy_agent.resolver.did_resolver import DIDResolver
from aiohttp import ClientSession

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime import acapy
from wanderbuch.agents.runtime.agent import MIN_FREE_BYTES, RunningAgent, refuse_full_disk, start
from wanderbuch.agents.runtime.config import AgentConfig, load_config
from wanderbuch.agents.runtime.config_tables import Address
from wanderbuch.agents.runtime.responder import ProfileResponder
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.sockets import bind
from wanderbuch.agents.runtime.store import StoreGuard
from wanderbuch.errors import ConfigurationError


class BareRole(Role):
    name = "tiny"
    has_public_did = False


class RoleWithoutItsPlugin(BareRole):
    plugins = ("wanderbuch.no_such_plugin",)


def test_no_agent_answers_by_itself(agent_config: AgentConfig) -> None:
    settings = acapy.acapy_settings(agent_config, BareRole(), [BareRole()])
    assert not [key for key in settings if "auto" in key and settings[key] and key != "auto_provision"]
    assert "admin.enabled" not in settings


async def test_a_transport_that_does_not_run_is_an_error(agent_config: AgentConfig) -> None:
    """Trap 15: nothing is bound that our transports need, so none of them starts; ACA-Py itself goes on."""
    settings = acapy.acapy_settings(agent_config, BareRole(), [BareRole()])
    builder = acapy.RuntimeContextBuilder(settings, agent_config, StoreGuard(lambda _: None), {})
    conductor = Conductor(builder)
    try:
        await acapy.set_up(conductor, [BareRole()])
        with pytest.raises(acapy.AcaPyError, match="these transports do not run"):
            await acapy.start(conductor)
    finally:
        await acapy.stop(conductor)


async def test_a_plugin_that_does_not_load_is_an_error(tiny_handle: AgentHandle) -> None:
    config = load_config(tiny_handle.config_path, {}, role=BareRole())
    with pytest.raises(ConfigurationError, match="did not load: wanderbuch"):
        await start(config, RoleWithoutItsPlugin())


async def test_the_admin_api_is_off_and_the_agent_says_that_it_is_well(tiny_agent: RunningAgent) -> None:
    assert tiny_agent._conductor.admin_server is None
    report = await tiny_agent.look()
    assert report.ready
    assert report.checks == {"started": True, "running": True, "wallet": True}


async def test_a_strangers_did_web_makes_no_request_past_our_http_edge(tiny_agent: RunningAgent) -> None:
    """ACA-Py's resolver takes any address: a peer's DID could reach the agent's own network."""
    resolver = tiny_agent.profile.inject(DIDResolver)
    with pytest.raises(DIDMethodNotSupported):
        await resolver.resolve(tiny_agent.profile, "did:web:127.0.0.1%3A9:inside")


async def test_the_admin_api_runs_where_it_is_asked_for_and_the_responder_stays_ours(tiny_handle: AgentHandle) -> None:
    url, key = tiny_handle.enable_admin()
    tiny_handle.write_config()
    agent = await start(load_config(tiny_handle.config_path, {}, role=BareRole()), BareRole())
    try:
        assert isinstance(agent.profile.inject(BaseResponder), ProfileResponder)
        async with ClientSession() as session:
            async with session.get(f"{url}/status", headers={"X-API-Key": key}) as response:
                assert response.status == 200
            async with session.get(f"{url}/status") as response:
                assert response.status == 401
    finally:
        await agent.stop()


async def test_a_busy_admin_port_is_an_error(tiny_handle: AgentHandle) -> None:
    """Trap 15: ACA-Py logs it and goes on."""
    url, _ = tiny_handle.enable_admin()
    tiny_handle.write_config()
    with (
        bind(Address(host="127.0.0.1", port=int(url.rpartition(":")[2])), "test"),
        pytest.raises(acapy.AcaPyError, match="Admin API does not run"),
    ):
        await start(load_config(tiny_handle.config_path, {}, role=BareRole()), BareRole())


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    refuse_full_disk(tmp_path, MIN_FREE_BYTES)
    with pytest.raises(ConfigurationError, match="is full: 31 MiB are free"):
        refuse_full_disk(tmp_path, MIN_FREE_BYTES - 1)


async def test_an_agent_whose_store_failed_is_not_ready(tiny_agent: RunningAgent) -> None:
    tiny_agent.guard.fatal = "the disk is full"
    assert not tiny_agent.is_serving
    assert not (await tiny_agent.look()).ready
