"""Traps 15 and 17 and what no agent may have: the checks that ACA-Py does not make."""

import pytest
from acapy_agent.core.conductor import Conductor

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime import acapy
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import AgentConfig, load_config
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.store import StoreGuard
from wanderbuch.errors import ConfigurationError


class BareRole(Role):
    name = "tiny"
    has_public_did = False


class RoleWithoutItsPlugin(BareRole):
    plugins = ("wanderbuch.no_such_plugin",)


def test_no_agent_answers_by_itself(agent_config: AgentConfig) -> None:
    settings = acapy.acapy_settings(agent_config, BareRole())
    assert not [key for key in settings if "auto" in key and settings[key] and key != "auto_provision"]
    assert "admin.enabled" not in settings


async def test_a_transport_that_does_not_run_is_an_error(agent_config: AgentConfig) -> None:
    """Trap 15: nothing is bound that our transports need, so none of them starts; ACA-Py itself goes on."""
    settings = acapy.acapy_settings(agent_config, BareRole())
    builder = acapy.RuntimeContextBuilder(settings, agent_config, StoreGuard(lambda _: None), {})
    conductor = Conductor(builder)
    try:
        await acapy.set_up(conductor, BareRole())
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


async def test_an_agent_whose_store_failed_is_not_ready(tiny_agent: RunningAgent) -> None:
    tiny_agent.guard.fatal = "the disk is full"
    assert not tiny_agent.is_serving
    assert not (await tiny_agent.look()).ready
