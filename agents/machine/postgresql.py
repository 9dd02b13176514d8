"""A real PostgreSQL on this machine, started as an ordinary user; it ends with this process, whatever ends that.

    server = PostgresServer()
    database = server.create_database()
    agent.use_store(database.url, database.password)
    …
    server.close()

It listens on 127.0.0.1 alone, on a free port, has no Unix socket and lets nobody in without a password (SCRAM).
PostgreSQL refuses to run as root: started by root it runs as `postgres` or `nobody`.

It is for demonstrations and tests: it survives no power cut (`fsync=off`), but a `kill` of its processes, as a real one
does. What passwords are checked by is hashed once, where PostgreSQL hashes 4,096 times: nobody guesses 144 random bits,
and half of what a connection costs is that.
"""

import base64
import hashlib
import hmac
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.secret_files import write_secret

VARIABLE: Final = "POSTGRESQL"
"""Names the folder of the programs `postgres` and `initdb` in the environment, where they lie elsewhere."""
MISSING: Final = "PostgreSQL (its programs postgres and initdb)"
HOW_TO_INSTALL: Final = f"Debian: apt-get install postgresql; or name their folder in the environment as {VARIABLE}"

_DEADLINE_S: Final = 60.0  # ends only the wait for a server that hangs: the machine may be slow
_POLL_S: Final = 0.02
KNOWS_STRATEGIES: Final = 150000
"""From this version on a server is told how to copy a database."""
# Holds the server as its child, and ends it and removes its folder once nobody holds our end of its input any more.
_KEEPER: Final = """
folder=$1; programs=$2; shift 2
while read -r word; do
  case $word in
    initialise)
      "$programs/initdb" -D "$folder/data" -U postgres -A scram-sha-256 --pwfile="$folder/password" \\
        -E UTF8 -N --locale=C </dev/null >>"$folder/log" 2>&1
      echo $?
      rm -f "$folder/password" ;;
    start) "$programs/postgres" -D "$folder/data" "$@" </dev/null >>"$folder/log" 2>&1 & server=$!; echo $server ;;
    wait) wait $server; server=; echo ended ;;
  esac
done
[ -z "$server" ] || { kill -QUIT $server 2>/dev/null; wait $server; }
rm -rf "$folder"
"""
_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "log_checkpoints": "off",
}


def postgresql_programs() -> Path | None:
    """Return the folder with `postgres` and `initdb`.

    The one that the environment names as POSTGRESQL, else the newest of Debian's, else that of the path.
    """
    if named := os.environ.get(VARIABLE):
        folders = [Path(named)]
    else:
        debian = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda path: float(path.parent.name))
        on_path = shutil.which("postgres")
        folders = [*reversed(debian), *([Path(on_path).resolve().parent] if on_path else [])]
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database that belongs to a role of its own, as an operator would make one."""

    host: str
    port: int
    name: str
    user: str
    password: str

    @property
    def url(self) -> str:
        """Return its address without the password, as it stands in a configuration."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/{self.name}"

    @property
    def dsn(self) -> str:
        """Return its address with the password."""
        return f"postgresql://{self.user}:{quote(self.password, safe='')}@{self.host}:{self.port}/{self.name}"

    def rows(self, statement: str, *args: object) -> list[tuple[Any, ...]]:
        """Run one SQL statement (`%s` stands for an argument) and return its rows."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), args)
            return cursor.fetchall() if cursor.description else []


class PostgresServer:
    """A PostgreSQL server with a folder of its own; stopped, started and killed as its owner wishes.

    Args:
        settings: beside its own, such as `{"max_connections": "400"}`.

    Raises:
        MachineError: PostgreSQL is not installed, or does not start.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        programs = postgresql_programs()
        if programs is None:
            raise MachineError(f"{MISSING} is not installed", hint=HOW_TO_INSTALL)
        self._as: dict[str, Any] = {}
        user = _ordinary_user() if os.geteuid() == 0 else None
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        self._folder = Path(tempfile.mkdtemp(prefix="wb-postgresql-", dir=None if user is None else _open_to_all()))
        if user is not None:
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        told = {**_SETTINGS, **(settings or {}), "port": str(self.port)}
        self._keeper: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603 (our own words)
            ["/bin/sh", "-c", _KEEPER, "sh", self._folder, programs, *(f"--{key}={told[key]}" for key in told)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
            **self._as,
        )
        self._pid: int | None = None
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def data(self) -> Path:
        """Return its data folder, with its settings."""
        return self._folder / "data"

    def start(self) -> None:
        """Start it where it was stopped or killed, and wait until it answers."""
        self._pid = int(self._tell("start"))
        deadline = time.monotonic() + _DEADLINE_S
        while True:
            try:
                self.admin("SELECT 1")
            except psycopg.OperationalError as err:
                if _has_ended(self._pid) or time.monotonic() > deadline:
                    raise MachineError(f"PostgreSQL does not start: {self.log_tail()}") from err
                time.sleep(_POLL_S)
            else:
                return

    def stop(self) -> None:
        """Stop it as an operator does who restarts it: transactions are rolled back, connections are closed."""
        if self._pid is not None:
            os.kill(self._pid, 2)  # SIGINT: "fast shutdown"
            self._ended()

    def kill(self) -> None:
        """End all its processes as by kill -9."""
        if self._pid is None:
            return
        all_of_them = [self._pid, *_children(self._pid)]
        for pid in all_of_them:
            os.kill(pid, 9)
        self._ended()
        while not all(_has_ended(pid) for pid in all_of_them):  # they hold its shared memory
            time.sleep(_POLL_S)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it for good and remove its folder."""
        self._keeper.communicate(timeout=_DEADLINE_S)

    def create_database(self, *, owner: bool = True) -> Database:
        """Make an empty database and a role for it.

        Args:
            owner: the role owns the database; else it may only connect.
        """
        name = f"wb_{secrets.token_hex(6)}"
        made = Database("127.0.0.1", self.port, name, name, secrets.token_urlsafe(18) + "@:/ %")
        role = sql.Identifier(name)
        with self._superuser() as connection:
            verifier = sql.Literal(_scram_verifier(made.password))
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, verifier))
            owned = sql.SQL("OWNER {}").format(role) if owner else sql.SQL("")
            # Half the work of the default, which spares a busy server the checkpoints; older ones know no other way.
            copied = sql.SQL("STRATEGY FILE_COPY" if connection.info.server_version >= KNOWS_STRATEGIES else "")
            connection.execute(sql.SQL("CREATE DATABASE {} {} {}").format(role, owned, copied))
        return made

    def drop_database(self, database: Database) -> None:
        """Remove a database and its role, whoever is connected."""
        with self._superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(database.user)))

    def admin(self, statement: str | sql.SQL | sql.Composed, *, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one SQL statement as the superuser and return its rows."""
        query = statement.encode() if isinstance(statement, str) else statement
        with self._superuser(database) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def _superuser(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", password=self.password, dbname=database, autocommit=True
        )

    def log_tail(self, lines: int = 10) -> str:
        """Return what it wrote last."""
        log = self._folder / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def _tell(self, word: str) -> str:
        if self._keeper.stdin is None or self._keeper.stdout is None:
            raise MachineError("the keeper has no pipes")
        self._keeper.stdin.write(f"{word}\n")
        self._keeper.stdin.flush()
        return self._keeper.stdout.readline().strip()

    def _ended(self) -> None:
        self._tell("wait")
        self._pid = None

    def _initialise(self) -> None:
        password = self._folder / "password"
        write_secret(password, _scram_verifier(self.password).encode())
        os.chown(password, self._as.get("user", -1), -1)
        if self._tell("initialise") != "0":
            raise MachineError(f"PostgreSQL's initdb failed: {self.log_tail()}")
        (self.data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")


def _scram_verifier(password: str) -> str:
    """Return what PostgreSQL keeps instead of a password (RFC 5803), of one round."""
    salt, rounds = secrets.token_bytes(16), 1
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    kept = hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")
    stored, server = (base64.b64encode(digest).decode() for digest in kept)
    return f"SCRAM-SHA-256${rounds}:{base64.b64encode(salt).decode()}${stored}:{server}"


def _ordinary_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MachineError(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody",
        hint="run this as an ordinary user",
    )


def _open_to_all() -> Path:
    """Return a folder for temporary files that another user can reach; root's own may be closed."""
    ours = Path(tempfile.gettempdir()).resolve()
    return ours if all(path.stat().st_mode & stat.S_IXOTH for path in (ours, *ours.parents)) else Path("/tmp")  # noqa: S108


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
