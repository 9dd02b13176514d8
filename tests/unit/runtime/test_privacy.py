import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from wanderbuch.agents.runtime.privacy import make_data_folder, tighten
from wanderbuch.plugins.webvh.publisher import FolderPublisher, replace_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_process_of_ours_leaves_no_core_and_nothing_readable(tmp_path: Path) -> None:
    code = (
        "import ctypes, json, os, resource, sys\n"
        "from wanderbuch.agents.runtime.privacy import keep_private\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)\n"
        "os.umask(0)\n"
        "keep_private()\n"
        "open(sys.argv[1], 'w').close()\n"
        "dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) if sys.platform == 'linux' else 0\n"
        "print(json.dumps([resource.getrlimit(resource.RLIMIT_CORE), dumpable]))\n"
        "open('/proc/self/status').close(); os.listdir('/proc/self/fd')\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "made")], check=True, capture_output=True, text=True
    )
    assert json.loads(told.stdout) == [[0, 0], 0]
    assert mode(tmp_path / "made") == 0o600


def test_the_command_line_is_such_a_process(tmp_path: Path) -> None:
    code = (
        "import os, resource\nfrom wanderbuch.agents.cli import main\n"
        "os.umask(0)\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(os.umask(0), resource.getrlimit(resource.RLIMIT_CORE)[0])\n"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.splitlines()[-1] == f"{0o077} 0"


async def test_public_files_are_for_everybody_whatever_the_umask_and_others_are_not(tmp_path: Path) -> None:
    make_data_folder(tmp_path / "data")
    public = tmp_path / "data" / "public"
    await FolderPublisher(public).put("org/tails/abc", b"x", "application/octet-stream")
    assert [mode(path) for path in (public, public / "org", public / "org" / "tails")] == [0o755] * 3
    assert mode(public / "org" / "tails" / "abc") == 0o644
    assert mode(tmp_path / "data") == 0o711  # a web server passes through, and reads nothing
    replace_file(tmp_path / "data" / "own" / "seen.json", b"x")
    assert mode(tmp_path / "data" / "own" / "seen.json") == 0o600
    assert mode(tmp_path / "data" / "own") == 0o700


def test_tightens_a_data_folder_of_an_older_version(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = tmp_path / "data"
    for name in ("wallet/wallet.db", "public/org/did.jsonl", ".indy_client/tails/x", "lock"):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (data / "elsewhere").symlink_to(tmp_path / "outside")
    (tmp_path / "outside").touch()
    (tmp_path / "outside").chmod(0o644)
    for path in (data, *data.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)
    (data / "public" / "org" / "did.jsonl").chmod(0o600)
    with caplog.at_level(logging.WARNING):
        tighten(data, data / "public")
    assert [record.getMessage() for record in caplog.records] == ["data.tightened"]
    assert mode(data) == 0o711
    assert mode(data / "wallet") == mode(data / ".indy_client" / "tails") == 0o700
    assert mode(data / "wallet" / "wallet.db") == mode(data / "lock") == 0o600
    assert mode(data / "public") == mode(data / "public" / "org") == 0o755
    assert mode(data / "public" / "org" / "did.jsonl") == 0o644
    assert mode(tmp_path / "outside") == 0o644
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        tighten(data, data / "public")
    assert not caplog.records


def test_a_data_folder_that_is_closed_to_everybody_stays_closed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    tighten(tmp_path / "data", tmp_path / "data" / "public")
    assert mode(tmp_path / "data") == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming somebody else needs root")
def test_a_web_server_of_another_user_reads_public_files_and_no_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_data_folder(data)
    replace_file(data / "public" / "org" / "did.jsonl", b"x", is_public=True)
    replace_file(data / "wallet" / "wallet.db", b"x")
    code = (
        "import os, sys\n"
        "os.chroot(sys.argv[1]); os.chdir('/'); os.setgroups([]); os.setgid(12345); os.setuid(12345)\n"
        "assert open('/data/public/org/did.jsonl').read() == 'x'\n"
        "for name, read in (('/data/wallet/wallet.db', open), ('/data', os.listdir)):\n"
        "    try:\n        read(name)\n    except PermissionError:\n        print('no')\n"
    )
    tmp_path.chmod(0o711)
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["no", "no"]
