"""The demo starts what the compose file names."""

from pathlib import Path

import pytest

from wanderbuch.agents.demo.services import ROLES, read_services
from wanderbuch.errors import ConfigurationError

COMPOSE = Path(__file__).resolve().parents[3] / "compose" / "compose.yaml"


def test_the_compose_file_names_every_role_with_its_command() -> None:
    services = read_services(COMPOSE)

    needed = (*ROLES, "mediator", "wallet_host")
    assert [services[role].run_command[-2:] for role in needed] == [(role, "run") for role in needed]


def test_refuses_a_compose_file_whose_command_is_not_ours(tmp_path: Path) -> None:
    changed = tmp_path / "compose.yaml"
    changed.write_text(COMPOSE.read_text().replace('"wanderbuch", "issuer", "run"', '"wanderbuch", "issuer", "start"'))

    with pytest.raises(ConfigurationError, match="issuer"):
        read_services(changed)


def test_refuses_a_compose_file_without_names(tmp_path: Path) -> None:
    changed = tmp_path / "compose.yaml"
    changed.write_text("services:\n  authority:\n    command: [wanderbuch, authority, run, --config, x]\n")

    with pytest.raises(ConfigurationError, match="network alias"):
        read_services(changed)


def test_a_missing_compose_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_services(tmp_path / "compose.yaml")

    assert caught.value.hint is not None
    assert "make demo" in caught.value.hint
