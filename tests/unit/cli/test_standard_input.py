"""`-` is standard input, wherever a file is read."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.cli.conftest import EXAMPLE, Run
from tests.unit.cli.office import Office

QUESTION = ("--issuer", "Colombo", "--occupation", "C7212", "--jurisdiction", "MLT")


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """What stands on standard input."""
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    return content


def put(piped: io.BytesIO, content: bytes) -> None:
    piped.write(content)
    piped.seek(0)


@pytest.mark.parametrize(
    "command",
    [
        ("governance", "validate", "-"),
        ("governance", "diff", "-", str(EXAMPLE)),
        ("governance", "diff", str(EXAMPLE), "-"),
        ("governance", "explain", "-", *QUESTION, "--awarded", "2024-05-01"),
        ("governance", "query", "-", *QUESTION, "--on", "2024-05-01"),
        ("governance", "export", "-", "--to", "w3c"),
    ],
)
def test_a_governance_file_comes_from_standard_input(run: Run, piped: io.BytesIO, command: tuple[str, ...]) -> None:
    put(piped, EXAMPLE.read_bytes())
    assert run(*command)[0] == 0


def test_what_is_wrong_on_standard_input_is_told(run: Run, piped: io.BytesIO) -> None:
    put(piped, b"{}")
    code, out, _ = run("governance", "validate", "-")
    assert code == 1
    assert "-: " in out


def test_an_empty_standard_input_is_no_file(run: Run, piped: io.BytesIO) -> None:
    assert run("governance", "validate", "-")[0] == 1


def test_standard_input_is_named_once(run: Run) -> None:
    code, _, err = run("governance", "diff", "-", "-")
    assert code == 2
    assert "more than once" in err


def piped_to(content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "wanderbuch.agents.cli", *arguments], input=content, capture_output=True, timeout=60
    )


def test_a_key_comes_from_a_pipe(office: Office) -> None:
    words = list(office.sign())
    words[words.index(str(office.key))] = "-"
    signed = piped_to(office.key.read_bytes(), *words)
    assert signed.returncode == 0, signed.stderr
    assert office.signed.exists()


def test_a_key_that_others_can_read_is_refused_on_standard_input_too(office: Office, tmp_path: Path) -> None:
    exposed = tmp_path / "exposed.pem"
    exposed.write_bytes(office.key.read_bytes())
    exposed.chmod(0o644)
    words = list(office.sign())
    words[words.index(str(office.key))] = "-"
    with exposed.open("rb") as stream:
        ended = subprocess.run(
            [sys.executable, "-m", "wanderbuch.agents.cli", *words], stdin=stream, capture_output=True, timeout=60
        )
    assert ended.returncode == 2
    assert b"others can use it" in ended.stderr
    assert not office.signed.exists()


def test_a_tenant_s_settings_come_from_standard_input(run: Run, piped: io.BytesIO, tmp_path: Path) -> None:
    token = tmp_path / "app.token"
    token.write_text("t" * 32)
    token.chmod(0o600)
    put(piped, json.dumps([]).encode())
    code, _, err = run(
        "tenant", "add", "galle", "--name", "Galle", "--role", "issuer", "--settings", "-", "--token-file", str(token)
    )
    assert code == 2
    assert "-: expected an object of tables" in err
