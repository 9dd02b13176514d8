"""Agents of one machine as subprocesses, each with a name, a certificate, ports, keys and a home of its own.

    machine = LocalMachine(folder)
    authority = machine.add("authority", "Authority of Lanka", "authority.wanderbuch.test")
    centre = machine.add("issuer", "Colombo Welding Centre", "centre.wanderbuch.test")
    await authority.start()
    did = (await authority.get("/authority"))["did"]
    centre.configure(governance={"url": f"{authority.public_url}/governance/lanka", "author": did})
    await centre.start()
    offer = await centre.post("/offers", {"claim": …})
    await machine.stop()

They end with this process, whatever ends it (`children`).

Everybody's name is in everybody's connection map, so `add` all agents before the first one starts.
"""

import asyncio
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import base58

from wanderbuch.agents.machine.certificates import LocalAuthority
from wanderbuch.agents.machine.children import STOP_S, kill_child, start_child, stop_child
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.machine.toml import to_toml
from wanderbuch.agents.runtime.parent import OPTION as UNTIL_STDIN_ENDS
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.errors import WanderbuchError

_POLL_S: Final = 0.05
# A process that ended is noticed at once, so these only end the wait for one that hangs: a machine may be slow.
_READY_S: Final = 300.0
_STEP_S: Final = 120.0
_LOG_TAIL: Final = 12
_WHOLE: Final = ("/v1/", "/health", "/ready", "/openapi.json")  # paths that no role's name stands before


class MachineError(WanderbuchError):
    """An agent did not start, or ended by itself."""

    code = "machine"


class AppError(WanderbuchError):
    """An agent's REST API answered with a problem; `status` and `problem` tell which."""

    code = "app"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = dict(problem)


class AgentHandle:
    """One agent: its addresses, its configuration, its process and its REST API."""

    def __init__(self, machine: "LocalMachine", role: str, name: str, host: str, command: Sequence[str]) -> None:
        self.role = role
        self.name = name
        self.host = host
        self.public_port = free_port()
        self.app_port = free_port()
        self.token = secrets.token_urlsafe(32)
        self.folder = machine.folder / host.partition(".")[0]
        self.config_path = self.folder / f"{role}.toml"
        self.log_path = self.folder / "agent.log"
        self.process: asyncio.subprocess.Process | None = None
        self._machine = machine
        self.command = tuple(command)
        """What runs it, without `--config`."""
        self._tables: dict[str, Mapping[str, object]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._prepare()

    @property
    def app_url(self) -> str:
        """Return the address of the REST API."""
        return f"http://127.0.0.1:{self.app_port}"

    @property
    def public_url(self) -> str:
        """Return `https://<host>`."""
        return f"https://{self.host}"

    @property
    def target(self) -> str:
        """Return where the public site really listens."""
        return f"127.0.0.1:{self.public_port}"

    @property
    def data(self) -> Path:
        """Return the agent's data folder."""
        return self.folder / "data"

    def configure(self, **tables: Mapping[str, object]) -> None:
        """Set whole tables of the configuration, such as `governance`, `log`, or the role's own; used at next start."""
        self._tables |= tables

    def use_store(self, url: str, password: str, **further: object) -> None:
        """Keep everything in a PostgreSQL from the next start on.

        Args:
            url: where, without the password: `postgresql://<user>@<host>:5432/<database>`.
            password: of the user.
            further: keys of `[store]`.
        """
        file = self.folder / "store.password"
        file.unlink(missing_ok=True)
        write_secret(file, password.encode())
        self.configure(store={"url": url, "password_file": file.name, **further})

    def enable_admin(self) -> tuple[str, str]:
        """Turn ACA-Py's own Admin API on at next start; return its address and its key (`X-API-Key`)."""
        port, key = free_port(), secrets.token_urlsafe(32)
        write_secret(self.folder / "admin.key", key.encode())
        self.configure(admin={"listen": f"127.0.0.1:{port}", "key_file": "admin.key"})
        return f"http://127.0.0.1:{port}", key

    async def start(self, *, timeout_s: float = _READY_S, wait: bool = True) -> None:
        """Start the agent and wait until it is ready.

        Raises:
            MachineError: it ended, or was not ready in time.
        """
        self.write_config()
        with self.log_path.open("ab") as log:
            self.process = await start_child(
                (*self.command, "--config", str(self.config_path), "--json", UNTIL_STDIN_ENDS), stdout=log, stderr=log
            )
        if wait:
            await self.wait_ready(timeout_s=timeout_s)

    async def wait_ready(self, *, timeout_s: float = _READY_S) -> None:
        """Wait until the agent is ready; errors as with `start`."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._is_ready():
                    if self.process is None or self.process.returncode is not None:
                        code = self.process.returncode if self.process else None
                        raise MachineError(f"the {self.role} {self.name!r} ended (exit code {code}): {self.log_tail()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as err:
            raise MachineError(
                f"the {self.role} {self.name!r} was not ready within {timeout_s:g} s: {self.log_tail()}"
            ) from err

    async def stop(self, *, timeout_s: float = STOP_S) -> int | None:
        """Stop the agent as an operator would and return its exit code; kill it if it hangs."""
        if self.process is not None:
            await stop_child(self.process, timeout_s=timeout_s)
        if self._session is not None:
            await self._session.close()
            self._session = None
        return self.process.returncode if self.process else None

    async def kill(self) -> None:
        """End the agent as a power cut would."""
        if self.process is not None:
            await kill_child(self.process)

    async def get(self, path: str, **query: str) -> Any:
        """Return the JSON answer of the REST API: of the role's own route, or below `/v1` where `path` says so.

        Raises:
            AppError: it answered with a problem.
        """
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send `body` and return the JSON answer; errors as with `get`."""
        return await self._call("POST", path, json=body)

    async def wait_for(self, path: str, key: str, *values: object, timeout_s: float = _STEP_S) -> Any:
        """Return the JSON answer of `path` once its `key` is one of `values`.

        Raises:
            MachineError: it was not in time.
        """
        answer: Any = None
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    answer = await self.get(path)
                    if answer[key] in values:
                        return answer
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as err:
            found = answer[key] if answer else None
            raise MachineError(
                f"{self.name}: expected {key} {' or '.join(map(str, values))} at {path}, found {found}"
            ) from err

    def log_tail(self) -> str:
        """Return the last lines that the agent wrote."""
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-_LOG_TAIL:])
        except FileNotFoundError:
            return "(no log)"

    async def _is_ready(self) -> bool:
        try:
            async with self._client().get(f"{self.app_url}/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        place = path if path.startswith(_WHOLE) else f"/v1/{self.role}{path}"
        async with self._client().request(method, f"{self.app_url}{place}", headers=headers, **options) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise AppError(response.status, answer if isinstance(answer, dict) else {})
            return answer

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_READY_S), trust_env=False)
        return self._session

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True)
        self._machine.authority.write_server(self.host, self.folder / "public.crt", self.folder / "public.key")
        for name, secret in (
            ("app.token", self.token),
            ("wallet.key", base58.b58encode(secrets.token_bytes(32)).decode()),
        ):
            write_secret(self.folder / name, secret.encode())

    def write_config(self) -> None:
        """Write the configuration; `start` does it too."""
        document: dict[str, object] = {
            "role": self.role,
            "name": self.name,
            "data": "data",
            "public": {
                "host": self.host,
                "path": "org",
                "listen": self.target,
                "tls_certificate": "public.crt",
                "tls_key": "public.key",
            },
            "app": {"listen": f"127.0.0.1:{self.app_port}", "token_file": "app.token"},
            "wallet": {"key_file": "wallet.key"},
            "network": {"ca_file": str(self._machine.ca_file), "connect": self._machine.connections()},
        }
        for name, table in self._tables.items():
            before = document.get(name)
            document[name] = {**before, **table} if isinstance(before, Mapping) else table
        self.config_path.write_text(to_toml(document))


class LocalMachine:
    """Agents of one machine below one folder.

    Args:
        folder: where everything is written; made if it is not there, and must be empty.
        working_folder: where the processes run; by default where this one runs.
    """

    def __init__(self, folder: Path, *, working_folder: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.working_folder = working_folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = LocalAuthority()
        self.ca_file = self.folder / "ca.crt"
        self.authority.write_certificate(self.ca_file)
        self.agents: list[AgentHandle] = []
        self._further: dict[str, str] = {}

    def add(
        self,
        role: str,
        name: str,
        host: str,
        *,
        command: Sequence[str] | None = None,
        **tables: Mapping[str, object],
    ) -> AgentHandle:
        """Lay out one more agent.

        Args:
            role: the word in its configuration.
            name: what people call it.
            host: its public name, such as `centre.wanderbuch.test`; the first label must be its own.
            command: what runs it, without `--config`; by default `wanderbuch <role> run` with this interpreter.
            tables: of its configuration, such as `issuer={"registry_size": 32}`.
        """
        default = (sys.executable, "-m", "wanderbuch.agents.cli", role, "run")
        handle = AgentHandle(self, role, name, host, command or default)
        handle.configure(**tables)
        self.agents.append(handle)
        return handle

    def reach(self, host: str, target: str) -> None:
        """Let agents that start from now on reach `host` at `target` (`127.0.0.1:<port>`), whoever it belongs to."""
        self._further[host] = target

    def connections(self) -> list[str]:
        """Return everybody's connection map."""
        targets = {agent.host: agent.target for agent in self.agents} | self._further
        return [f"{host}:443={target}" for host, target in targets.items()]

    async def start(self, *, timeout_s: float = _READY_S) -> None:
        """Start all agents at once and wait until all are ready."""
        await asyncio.gather(*(agent.start(timeout_s=timeout_s) for agent in self.agents))

    async def stop(self) -> None:
        """Stop all agents."""
        await asyncio.gather(*(agent.stop() for agent in self.agents))
