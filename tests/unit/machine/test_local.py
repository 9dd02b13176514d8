"""What an agent's processes share, and what each has for itself."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.errors import MachineError


@pytest.fixture
def machine(tmp_path: Path) -> LocalMachine:
    return LocalMachine(tmp_path / "machine")


def configurations(agent: AgentHandle) -> list[dict[str, Any]]:
    agent.write_config()
    return [tomllib.loads(process.config_path.read_text()) for process in agent.processes]


def test_two_processes_share_name_keys_store_and_public_folder_and_nothing_else(machine: LocalMachine) -> None:
    centre = machine.add("issuer", "Centre", "centre.wanderbuch.test", processes=2)
    centre.use_store("postgresql://centre@127.0.0.1:5432/centre", "a secret")
    one, other = configurations(centre)

    own = [
        (process.pop("data"), process["public"].pop("listen"), process["app"].pop("listen")) for process in (one, other)
    ]
    assert all(mine != theirs for mine, theirs in zip(*own, strict=True))
    assert one == other
    assert one["store"] == {"url": "postgresql://centre@127.0.0.1:5432/centre", "password_file": "store.password"}
    assert (centre.folder / "store.password").read_text() == "a secret"
    assert (centre.folder / "store.password").stat().st_mode & 0o077 == 0
    assert Path(one["public"]["folder"]) == centre.public_folder == centre.folder / "public"


def test_others_reach_the_proxy_and_no_single_process(machine: LocalMachine) -> None:
    centre = machine.add("issuer", "Centre", "centre.wanderbuch.test", processes=2)
    (reached,) = machine.connections()
    assert reached == f"centre.wanderbuch.test:443=127.0.0.1:{centre.proxies[0].port}"
    assert {proxy.port for proxy in centre.proxies} == {centre.public_port, centre.app_port}
    assert not {process.public_port for process in centre.processes} & {centre.public_port, centre.app_port}


def test_one_process_has_no_proxy_and_the_files_it_always_had(machine: LocalMachine) -> None:
    centre = machine.add("issuer", "Centre", "centre.wanderbuch.test")
    (only,) = configurations(centre)
    assert centre.proxies == ()
    assert (only["data"], "folder" in only["public"], "store" in only) == ("data", False, False)
    assert only["public"]["listen"] == centre.target
    assert (centre.config_path.name, centre.log_path.name) == ("issuer.toml", "agent.log")
    assert centre.carried() == ()


def test_the_admin_api_is_for_an_agent_of_one_process(machine: LocalMachine) -> None:
    centre = machine.add("issuer", "Centre", "centre.wanderbuch.test", processes=2)
    with pytest.raises(MachineError, match="several processes"):
        centre.enable_admin()
