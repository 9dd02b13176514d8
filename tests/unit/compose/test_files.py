"""The compose files keep to the Compose specification, and to what we promise of our containers."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from wanderbuch.agents.cli.laying_out_scale import PROCESSES, PROXY

ROOT = Path(__file__).parents[3]
ROLES = ("authority", "issuer", "holder", "verifier")
SCHEMA = json.loads((ROOT / "tests" / "vectors" / "compose" / "compose-spec.json").read_text())
FILES = sorted((ROOT / "compose").glob("compose*.yaml"))


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def whole(path: Path) -> dict[str, Any]:
    """Return a file as it is used: one that says so (`x-over`) laid over another one, lists after lists."""
    document = read(path)
    if (below := document.get("x-over")) is None:
        return document
    base = read(path.parent / below)
    for name, service in document["services"].items():
        for key, value in service.items():
            if not isinstance(value, list):
                raise TypeError(f"only lists are laid over others here: {name}.{key}")
            base["services"][name][key] = [*base["services"][name].get(key, []), *value]
    return base


def agents(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the services of ours."""
    return {
        name: service
        for name, service in document["services"].items()
        if service.get("command", [""])[0] == "wanderbuch"
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_compose_file_keeps_to_the_specification(path: Path) -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(read(path))


def test_the_schema_refuses_what_is_not_in_the_specification() -> None:
    document = read(ROOT / "compose" / "compose.yaml")
    document["services"]["issuer"]["read_onyl"] = True
    with pytest.raises(jsonschema.ValidationError, match="read_onyl"):
        jsonschema.Draft7Validator(SCHEMA).validate(document)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_container_of_ours_may_write_its_image_or_gain_rights(path: Path) -> None:
    services = whole(path)["services"]
    assert agents({"services": services})
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges"]
        assert not service["user"].startswith(("0", "root"))
        assert service["healthcheck"]["test"][0] == "CMD"
        assert "privileged" not in service
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()) if not port.endswith(":8443"))
        assert not any(":/var/run" in volume or volume.startswith("/") for volume in service["volumes"])
    for service in agents({"services": services}).values():
        assert service["healthcheck"]["test"][:2] == ["CMD", "wanderbuch"]
        assert any(volume.endswith(":/etc/wanderbuch:ro") for volume in service["volumes"])


def test_at_scale_each_role_is_two_processes_that_differ_in_their_data_and_address_alone() -> None:
    services = read(ROOT / "compose" / "compose.scale.yaml")["services"]
    ours = agents({"services": services})
    assert sorted(ours) == sorted(f"{role}-{number}" for role in ROLES for number in PROCESSES)
    for role in ROLES:
        one, other = (dict(ours[f"{role}-{number}"]) for number in PROCESSES)
        apart = [
            (process.pop("volumes"), process.pop("networks")["default"]["ipv4_address"]) for process in (one, other)
        ]
        assert one == other
        assert [volumes for volumes, _ in apart] == [
            [f"./{role}:/etc/wanderbuch:ro", f"./{role}/data-{number}:/var/lib/wanderbuch"] for number in PROCESSES
        ]
        assert apart[0][1] != apart[1][1]
    addresses = [service["networks"]["default"]["ipv4_address"] for service in services.values()]
    assert len(set(addresses)) == len(addresses)


def test_at_scale_the_database_and_the_proxy_see_no_secret_of_the_others() -> None:
    services = read(ROOT / "compose" / "compose.scale.yaml")["services"]
    for name in ("database", "proxy"):
        seen = [volume for volume in services[name]["volumes"] if "/etc/" in volume]
        assert seen == [f"./{role}/{name}:/etc/wanderbuch/{role}:ro" for role in ROLES]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


def test_the_proxy_is_where_the_agents_are_told_that_it_is() -> None:
    services = read(ROOT / "compose" / "compose.scale.yaml")["services"]
    address = services["proxy"]["networks"]["default"]["ipv4_address"]
    assert address == "${WANDERBUCH_NET:-10.89.77}.10"
    assert PROXY == "10.89.77.10"


def test_the_image_takes_the_versions_that_the_tests_take() -> None:
    ours, all_of_them = (pins(ROOT / name) for name in ("compose/requirements.lock", "requirements.lock"))
    assert len(ours) > 50
    assert {name: pin for name, pin in ours.items() if all_of_them.get(name) != pin} == {}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[\[~>=<]", requirement)[0].lower() for requirement in wanted} <= ours.keys()
    assert "pytest" in all_of_them
    assert "pytest" not in ours


def pins(lock: Path) -> dict[str, str]:
    lines = [line.removesuffix(" \\") for line in lock.read_text().splitlines() if "==" in line and line[0].isalpha()]
    return {name.partition("[")[0]: pin for name, pin in (line.split("==") for line in lines)}


def test_a_genesis_file_can_be_read_and_not_changed() -> None:
    path = ROOT / "compose" / "compose.indy.yaml"
    over, below = whole(path)["services"], read(ROOT / "compose" / "compose.yaml")["services"]
    for role in ("issuer", "holder", "verifier"):
        added = [volume for volume in over[role]["volumes"] if volume not in below[role]["volumes"]]
        assert added == ["./indy:/etc/indy:ro"]
    assert over["authority"] == below["authority"]
    assert 'genesis_file = "/etc/indy/pool.txn"' in (ROOT / "docs" / "indy.md").read_text()
