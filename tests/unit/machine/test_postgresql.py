"""The server that tests and the demo start: reachable as said and not otherwise, and gone with whoever started it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.machine.postgresql import Database, PostgresServer

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.needs("postgresql")

_STARTED = """
import sys, time
from wanderbuch.agents.machine.postgresql import PostgresServer
server = PostgresServer()
print(server._pid, server._folder, flush=True)
time.sleep(600)
"""


def test_a_database_is_empty_and_belongs_to_its_role(database: Database) -> None:
    assert database.rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    database.rows("CREATE TABLE here (x int)")
    assert database.rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


def test_nobody_is_let_in_without_the_password(database: Database) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(database.url)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(database.url, password="another")


def test_only_this_machine_reaches_it(postgresql_server: PostgresServer) -> None:
    assert postgresql_server.admin("SHOW listen_addresses") == [("127.0.0.1",)]
    assert postgresql_server.admin("SHOW unix_socket_directories") == [("",)]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", postgresql_server.port))


def test_a_role_reaches_no_database_but_its_own_tables(postgresql_server: PostgresServer) -> None:
    bare = postgresql_server.create_database(owner=False)
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bare.rows("CREATE TABLE here (x int)")
    finally:
        postgresql_server.drop_database(bare)


@pytest.mark.parametrize("end", [PostgresServer.stop, PostgresServer.kill])
def test_what_was_committed_is_there_after_a_restart(
    postgresql_server: PostgresServer, database: Database, end: object
) -> None:
    database.rows("CREATE TABLE here AS SELECT 7 AS x")
    end(postgresql_server)  # type: ignore[operator]
    with pytest.raises(psycopg.OperationalError):
        database.rows("SELECT x FROM here")
    postgresql_server.start()
    assert database.rows("SELECT x FROM here") == [(7,)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_the_process_that_started_it(number: int) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", _STARTED], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert started.stdout is not None
    pid, folder = started.stdout.readline().split()
    assert Path(f"/proc/{pid}").exists()
    started.send_signal(number)
    started.wait()
    started.stdout.close()
    deadline = time.monotonic() + 30
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()
    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_where_postgresql_is_not_installed_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POSTGRESQL", str(tmp_path))
    with pytest.raises(MachineError, match="not installed") as refused:
        PostgresServer()
    assert "apt-get install postgresql" in str(refused.value.hint)


def test_a_server_that_does_not_start_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    make = tempfile.mkdtemp

    def remembered(prefix: str, dir: Path | None) -> str:  # noqa: A002 (its name there)
        made.append(Path(make(prefix=prefix, dir=dir)))
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", remembered)
    with pytest.raises(MachineError, match="does not start"):
        PostgresServer({"max_connections": "many"})
    assert [path.exists() for path in made] == [False]


_AS_NOBODY = """
import os, pwd
from wanderbuch.agents.machine.postgresql import PostgresServer
if os.geteuid() == 0:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
server = PostgresServer()
print(server.create_database().rows("SELECT 7"), server.data.stat().st_uid == os.getuid())
server.close()
"""


def test_an_ordinary_user_runs_it_as_itself() -> None:
    run = subprocess.run([sys.executable, "-c", _AS_NOBODY], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout == "[(7,)] True\n", run.stderr


def test_a_folder_for_temporary_files_that_is_closed_to_others_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "closed"))
    server = PostgresServer()
    assert server.admin("SELECT 7") == [(7,)]
    server.close()
