import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
import typer
from rich.markup import render

from wanderbuch.agents.cli import _GROUPS, command_line, main

ROLES = ("authority", "issuer", "holder", "verifier")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_help_lists_every_group_and_loads_none_of_them() -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wanderbuch.agents.cli", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0
    assert all(name in ended.stdout for name in ("demo", "governance", "schemas", *ROLES))
    assert "acapy_agent" not in ended.stderr
    assert "aiohttp" not in ended.stderr


@pytest.mark.parametrize("role", ROLES)
def test_each_role_explains_how_to_run_it(capsys: pytest.CaptureFixture[str], role: str) -> None:
    code, out, _ = run(capsys, role, "run", "--help")
    assert code == 0
    assert "--config" in out


@pytest.mark.parametrize("arguments", [("issuer", "run"), ("nobody",), ("issuer", "run", "--konfig", "x")])
def test_a_wrong_word_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "Traceback" not in err


@pytest.mark.parametrize("role", ROLES)
def test_a_missing_configuration_is_one_line_without_a_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, role: str
) -> None:
    code, out, err = run(capsys, role, "run", "--config", str(tmp_path / "none.toml"))
    assert (code, out) == (2, "")
    made_by = f"one to begin with is made by: wanderbuch {role} init FOLDER --name NAME --host HOST"
    assert err == f"wanderbuch: there is no configuration file {tmp_path / 'none.toml'} ({made_by})\n"


def test_an_agent_that_runs_writes_no_compiled_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert run(capsys, "issuer", "run", "--config", str(tmp_path / "none.toml"))[0] == 2
    assert sys.dont_write_bytecode  # half of it would stay where the disk is full, and nobody could import that


def test_the_configuration_of_another_role_names_its_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "authority" / "authority.toml"
    told = ("--name", "A", "--host", "authority.example.org", "--ecosystem", "lanka")
    assert run(capsys, "authority", "init", str(config.parent), *told)[0] == 0
    code, _, err = run(capsys, "issuer", "run", "--config", str(config))
    assert code == 2
    assert f"it is for: wanderbuch authority … --config {config}" in err
    assert "unknown key" not in err


def test_a_program_reads_the_mistake_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "holder", "run", "--config", str(tmp_path / "none.toml"), "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "configuration"


def test_only_the_group_that_is_asked_for_is_loaded() -> None:
    assert len(command_line(["schemas", "list"]).registered_groups) == 16


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out.startswith(f"wanderbuch {version('wanderbuch')} (acapy-agent 1.7.")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("wanderbuch gov", "governance"),
        ("wanderbuch governance ver", "verify"),
        ("wanderbuch governance verify --fre", "--freshness"),
        ("wanderbuch issuer ru", "run"),
    ],
)
def test_a_shell_completes_groups_commands_and_options(line: str, offered: str) -> None:
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_WANDERBUCH_COMPLETE": "complete_bash"}
    ended = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['wanderbuch']; from wanderbuch.agents.cli import main; main()"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout.split() == [offered], ended.stderr


def _texts(command: click.Command, path: str) -> list[tuple[str, str]]:
    own = [(path, command.help or "")]
    own += [(f"{path} {param.name}", getattr(param, "help", None) or "") for param in command.params]
    inner = getattr(command, "commands", {})
    return own + [text for name, subcommand in inner.items() for text in _texts(subcommand, f"{path} {name}")]


@pytest.mark.parametrize("group", _GROUPS)
def test_help_shows_the_names_of_configuration_tables(group: str) -> None:
    """Rich takes `[store]` for a style and leaves it out: such brackets must be escaped."""
    for where, text in _texts(typer.main.get_command(command_line([group])), "wanderbuch"):
        assert render(text).plain == text.replace("\\[", "["), where
