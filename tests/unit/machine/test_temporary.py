"""Folders with keys go at the end; what a kill -9 left goes at the next start, and nothing else does."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from wanderbuch.agents.machine.temporary import TemporaryFolder, remove_left_behind
from wanderbuch.agents.runtime.store import DataLock

KIND = "wanderbuch-try"
# Works in a new folder until it is killed.
WORK = """
import sys, time
from wanderbuch.agents.machine.temporary import TemporaryFolder
folder = TemporaryFolder(sys.argv[1])
(folder.path / "one").mkdir()
(folder.path / "one" / "wallet.key").write_text("secret")
print(folder.path, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def start() -> tuple[subprocess.Popen[str], Path]:
    working = subprocess.Popen([sys.executable, "-c", WORK, KIND], stdout=subprocess.PIPE, text=True)
    assert working.stdout is not None
    return working, Path(working.stdout.readline().strip())


def test_what_a_killed_process_left_is_removed_by_the_next_start() -> None:
    working, left = start()
    working.kill()
    working.wait()
    assert (left / "one" / "wallet.key").exists()
    folder = TemporaryFolder(KIND)
    assert not left.exists()
    assert folder.path.exists()
    folder.remove()
    assert not folder.path.exists()


def test_a_folder_in_which_somebody_works_stays() -> None:
    working, folder = start()
    assert remove_left_behind(KIND) == []
    assert (folder / "one" / "wallet.key").exists()
    working.kill()
    working.wait()
    assert remove_left_behind(KIND) == [folder]


def test_a_folder_in_which_an_agent_still_stops_stays() -> None:
    """Its parent is gone, but it closes its wallet: it holds the lock of its data folder."""
    working, folder = start()
    (folder / "one" / "data").mkdir()
    agent = DataLock(folder / "one" / "data")
    working.kill()
    working.wait()
    assert remove_left_behind(KIND) == []
    agent.release()
    assert remove_left_behind(KIND) == [folder]


@pytest.mark.parametrize("what", ["no lock", "other kind", "open to others", "a link", "a file"])
def test_what_is_not_left_behind_by_us_stays(temp: Path, what: str) -> None:
    folder = temp / (f"{KIND}-x" if what != "other kind" else "wanderbuch-other-x")
    folder.mkdir(mode=0o700)
    if what != "no lock":
        (folder / "lock").touch()
    if what == "open to others":
        folder.chmod(0o755)
    elif what == "a link":
        folder = folder.rename(temp / "elsewhere")
        (temp / f"{KIND}-x").symlink_to(folder)
    elif what == "a file":
        (folder / "lock").unlink()
        folder.rmdir()
        folder.touch(mode=0o600)
    assert remove_left_behind(KIND) == []
    assert folder.exists()


def test_of_a_failed_run_the_logs_stay_and_the_keys_go() -> None:
    folder = TemporaryFolder(KIND)
    for name in ("one", "other"):
        (folder.path / name).mkdir()
        (folder.path / name / "wallet.key").write_text("secret")
        (folder.path / name / "agent.log").write_text(f"{name} says")
    logs = folder.remove_but_logs()
    assert not folder.path.exists()
    assert sorted(str(path.relative_to(logs)) for path in logs.rglob("*") if path.is_file()) == [
        "one/agent.log",
        "other/agent.log",
    ]
    assert remove_left_behind(KIND) == []
    assert (logs / "one" / "agent.log").read_text() == "one says"
