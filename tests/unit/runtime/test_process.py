"""What an operator reads when an agent cannot start: one line, a hint, an exit code, and nothing half done."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import base58
import pytest
from tests.flow.tiny_role import TinyRole

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.process import run_process
from wanderbuch.agents.runtime.store import DataLock


@pytest.fixture
def handle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentHandle]:
    """The layout of a tiny agent; what a process changes for itself is put back at the end."""
    monkeypatch.setenv("HOME", str(tmp_path))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = LocalMachine(tmp_path / "machine").add("tiny", "Tiny", "tiny.wanderbuch.test")
    made.write_config()
    yield made
    root.handlers[:] = handlers
    root.setLevel(level)


def refused(handle: AgentHandle, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the agent and return the one line that it ends with."""
    assert run_process(TinyRole(), handle.config_path) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    line = captured.err.splitlines()[-1]
    assert line.startswith("wanderbuch: ")
    return line


async def _run_once(handle: AgentHandle) -> None:
    role = TinyRole()
    agent = await start(load_config(handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    await agent.stop()


def run_once(handle: AgentHandle) -> None:
    with asyncio.Runner() as runner:  # ACA-Py replaces asyncio.run by one that does not close the loop
        runner.run(_run_once(handle))


@pytest.mark.parametrize("which", ["public_port", "app_port"])
def test_a_port_in_use(handle: AgentHandle, capsys: pytest.CaptureFixture[str], which: str) -> None:
    """Trap 15: ACA-Py would start without its transport."""
    port = getattr(handle, which)
    with socket.create_server(("127.0.0.1", port)):
        assert f"listen 127.0.0.1:{port} is in use by another program" in refused(handle, capsys)
    assert not (handle.data / "wallet").exists()


def test_a_wallet_of_another_key_stays_as_it_was(handle: AgentHandle, capsys: pytest.CaptureFixture[str]) -> None:
    run_once(handle)
    key = handle.folder / "wallet.key"
    right = key.read_text()
    key.write_text(base58.b58encode(bytes(32)).decode())
    line = refused(handle, capsys)
    assert "was made with another key" in line
    assert "nothing was changed" in line
    key.write_text(right)
    run_once(handle)


def test_a_data_folder_in_use(handle: AgentHandle, capsys: pytest.CaptureFixture[str]) -> None:
    lock = DataLock(handle.data)
    assert "another process uses the data folder" in refused(handle, capsys)
    lock.release()


def test_a_typo(handle: AgentHandle, capsys: pytest.CaptureFixture[str]) -> None:
    handle.config_path.write_text(handle.config_path.read_text().replace("tls_key", "tls_kez"))
    assert "unknown key [public] tls_kez; did you mean 'tls_key'?" in refused(handle, capsys)


def test_a_certificate_that_does_not_belong_to_its_key(handle: AgentHandle, capsys: pytest.CaptureFixture[str]) -> None:
    (handle.folder / "public.key").write_text("no key")
    assert "cannot be used (check that both files exist" in refused(handle, capsys)


def test_a_certificate_authority_that_is_not_there(handle: AgentHandle, capsys: pytest.CaptureFixture[str]) -> None:
    (handle.folder.parent / "ca.crt").unlink()
    assert "ca.crt" in refused(handle, capsys)
