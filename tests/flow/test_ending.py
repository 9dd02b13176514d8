"""The demo ends with all its agents and keys, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.agents

CHECKOUT = Path(__file__).resolve().parents[2]


def agents_in(folder: Path) -> set[int]:
    """Return the processes whose command line names something in `folder`, or whose temporary files are there.

    Agents that were forked have the command line, and the environment, of what they were forked from.
    """
    pids = set()
    temporary = b"TMPDIR=" + os.fsencode(folder)
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in command or temporary in environment.split(b"\0"):
                pids.add(int(process.name))
    return pids


def wait_until(true: Callable[[], bool], what: str, within_s: float = 120) -> None:
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, f"not in time: {what}"
        time.sleep(0.1)


def serves(folder: Path) -> bool:
    """Tell whether an agent below this folder is ready."""
    return any('"ready": true' in log.read_text() for log in folder.rglob("agent.log"))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the demo and returns once agents of it serve."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        before = set(tmp_path.iterdir())
        running = subprocess.Popen(
            [sys.executable, "-m", "wanderbuch.agents.cli", "demo", "--keep", *options],
            cwd=CHECKOUT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(running)
        wait_until(lambda: any(map(serves, set(tmp_path.iterdir()) - before)), "an agent is ready")
        assert len(agents_in(tmp_path) - {running.pid}) > 1  # what agents are forked from is one
        return running

    inherited = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, and what we start too
    yield start
    signal.signal(signal.SIGHUP, inherited)
    for running in started:
        running.kill()
        running.wait()


@pytest.mark.thorough  # less of it: tests/unit/machine/test_interrupting.py
@pytest.mark.needs("postgresql")
def test_killed_the_demo_takes_all_with_it_and_the_next_one_removes_its_keys_and_ends_with_its_own(
    tmp_path: Path, demo: Callable[..., subprocess.Popen[str]]
) -> None:
    """By one signal: which there are, and that they do the same, `tests/unit/machine/test_interrupting.py` sees."""
    killed = demo("--store", "postgresql")
    folder = postgresql_of(killed.pid)
    assert agents_in(folder)
    killed.kill()
    killed.wait()
    wait_until(lambda: not folder.exists() and not agents_in(folder), "the server has ended, and its folder is gone")
    wait_until(lambda: not agents_in(tmp_path), "the agents have ended")
    (left,) = tmp_path.iterdir()
    assert list(left.rglob("wallet.key"))
    running = demo()
    assert not left.exists()
    running.send_signal(signal.SIGHUP)
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 128 + signal.SIGHUP, output
    assert not agents_in(tmp_path)
    assert list(tmp_path.iterdir()) == []


def postgresql_of(pid: int) -> Path:
    """Return the folder of the server that a process holds."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    for process in (child for thread in threads for child in thread.read_text().split()):
        for word in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0"):
            if Path(os.fsdecode(word)).name.startswith("wb-postgresql-"):
                return Path(os.fsdecode(word))
    raise AssertionError("the demo holds no PostgreSQL")
