"""Agents of one machine as subprocesses, each with a name, a certificate, ports, keys and a home of its own.

    machine = LocalMachine(folder)
    authority = machine.add("authority", "Authority of Lanka", "authority.wanderbuch.test")
    centre = machine.add("issuer", "Colombo Welding Centre", "centre.wanderbuch.test")
    await authority.start()
    did = (await authority.get("/identity"))["did"]
    centre.configure(governance={"url": f"{authority.public_url}/governance/lanka", "author": did})
    await centre.start()
    offer = await centre.post("/offers", {"claim": …})
    await machine.stop()

An agent may have several processes on one PostgreSQL, behind a plain TCP proxy (`proxy`) for each of its two sites:

    centre = machine.add("issuer", "Colombo Welding Centre", "centre.wanderbuch.test", processes=2)
    centre.use_store("postgresql://user@127.0.0.1:5432/centre", password)
    await centre.processes[0].kill()
    await centre.start_one(centre.processes[0])

They share the name, the certificate, the wallet key, the token, the store and the folder of public files; each has a
data folder, ports and a log of its own.

They end with this process, whatever ends it (`children`).

Everybody's name is in everybody's connection map, so `add` all agents before the first one starts.
"""

import asyncio
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import base58

from wanderbuch.agents.machine.agent_process import READY_S, AgentProcess
from wanderbuch.agents.machine.app_client import STEP_S, AppClient
from wanderbuch.agents.machine.certificates import LocalAuthority
from wanderbuch.agents.machine.children import STOP_S, Child, StartChild, start_child
from wanderbuch.agents.machine.errors import MachineError
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.machine.proxy import TcpProxy
from wanderbuch.agents.machine.toml import to_toml
from wanderbuch.agents.runtime.secret_files import write_secret

LOOPBACK: Final = "127.0.0.1"


class AgentHandle:
    """One agent: its addresses, its configuration, its processes and its REST API."""

    def __init__(
        self, machine: "LocalMachine", role: str, name: str, host: str, command: Sequence[str], processes: int
    ) -> None:
        self.role = role
        self.name = name
        self.host = host
        self.token = secrets.token_urlsafe(32)
        self.folder = machine.folder / host.partition(".")[0]
        numbers = range(1, processes + 1) if processes > 1 else (None,)
        self.processes = tuple(
            AgentProcess(role, name, self.folder, self.token, number, machine.start_child) for number in numbers
        )
        self.public_port, self.app_port = self.processes[0].public_port, self.processes[0].app_port
        self.proxies: tuple[TcpProxy, ...] = ()
        """Where there are several processes: before the public site and before the REST API."""
        if processes > 1:
            self.public_port, self.app_port = free_port(), free_port()
            self.proxies = (
                TcpProxy(self.public_port, [process.public_port for process in self.processes]),
                TcpProxy(self.app_port, [process.app_port for process in self.processes]),
            )
        self._machine = machine
        self._address = LOOPBACK if self.proxies else machine.address
        self.command = tuple(command)
        """What runs it, without `--config`."""
        self._tables: dict[str, Mapping[str, object] | None] = {}
        self.app = AppClient(role, name, self.app_url, self.token, keep_alive=processes == 1)
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
    def has_address(self) -> bool:
        """Return whether it has a public site; else a mediator reaches it."""
        return self._tables.get("public", {}) is not None

    @property
    def target(self) -> str:
        """Return where the public site really listens, or the proxy before it."""
        return f"{self._address}:{self.public_port}"

    @property
    def process(self) -> Child | None:
        """Return the process, the first of several."""
        return self.processes[0].process

    @property
    def data(self) -> Path:
        """Return the agent's data folder, that of the first of several processes."""
        return self.processes[0].data

    @property
    def config_path(self) -> Path:
        """Return the configuration file, that of the first of several processes."""
        return self.processes[0].config_path

    @property
    def log_path(self) -> Path:
        """Return the log, that of the first of several processes."""
        return self.processes[0].log_path

    @property
    def public_folder(self) -> Path:
        """Return the folder of the files that it publishes; several processes share it."""
        return self.folder / "public" if self.proxies else self.data / "public"

    def configure(self, **tables: Mapping[str, object] | None) -> None:
        """Set whole tables of the configuration, such as `governance`, `log`, or the role's own; used at next start.

        None leaves a table out: `public`, where a wallet is reached by a mediator alone.
        """
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
        """Turn ACA-Py's own Admin API on at next start; return its address and its key (`X-API-Key`).

        Raises:
            MachineError: the agent has several processes, which cannot listen on one port.
        """
        if self.proxies:
            raise MachineError(f"the {self.role} {self.name!r} has several processes: the Admin API is for one")
        port, key = free_port(), secrets.token_urlsafe(32)
        write_secret(self.folder / "admin.key", key.encode())
        self.configure(admin={"listen": f"127.0.0.1:{port}", "key_file": "admin.key"})
        return f"http://127.0.0.1:{port}", key

    async def start(self, *, timeout_s: float = READY_S, wait: bool = True) -> None:
        """Start the agent, all its processes at once, and wait until it is ready.

        Raises:
            MachineError: it ended, or was not ready in time.
        """
        self.write_config()
        for proxy in self.proxies:
            await proxy.open()
        await asyncio.gather(*(process.launch(self.command) for process in self.processes if not process.is_running))
        if wait:
            await self.wait_ready(timeout_s=timeout_s)

    async def start_one(self, process: AgentProcess, *, timeout_s: float = READY_S) -> None:
        """Start one process again and wait until it is ready; errors as with `start`."""
        self.write_config()
        await process.launch(self.command)
        await process.wait_ready(timeout_s=timeout_s)

    async def wait_ready(self, *, timeout_s: float = READY_S) -> None:
        """Wait until every process is ready; errors as with `start`."""
        await asyncio.gather(*(process.wait_ready(timeout_s=timeout_s) for process in self.processes))

    async def stop(self, *, timeout_s: float = STOP_S) -> int | None:
        """Stop the agent as an operator would and return its exit code, the worst of several; kill what hangs."""
        codes = await asyncio.gather(*(process.stop(timeout_s=timeout_s) for process in self.processes))
        for proxy in self.proxies:
            await proxy.close()
        await self.app.close()
        return max((code for code in codes if code is not None), key=abs, default=None)

    async def kill(self) -> None:
        """End the agent, all its processes, as a power cut would."""
        await asyncio.gather(*(process.kill() for process in self.processes))

    async def get(self, path: str, **query: str) -> Any:
        """Return the JSON answer of the REST API; as in `AppClient`, of any process."""
        return await self.app.get(path, **query)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send `body` and return the JSON answer; as in `AppClient`, of any process."""
        return await self.app.post(path, body)

    async def wait_for(self, path: str, key: str, *values: object, timeout_s: float = STEP_S) -> Any:
        """Return the JSON answer of `path` once its `key` is one of `values`; as in `AppClient`."""
        return await self.app.wait_for(path, key, *values, timeout_s=timeout_s)

    def carried(self) -> tuple[int, ...]:
        """Return how many connections each of several processes took from the proxies, on both sites."""
        if not self.proxies:
            return ()
        public, app = (proxy.carried.values() for proxy in self.proxies)
        return tuple(map(sum, zip(public, app, strict=True)))

    def log_tail(self) -> str:
        """Return the last lines that each process wrote."""
        return "\n".join(process.log_tail() for process in self.processes)

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True)
        self._machine.authority.write_server(self.host, self.folder / "public.crt", self.folder / "public.key")
        for name, secret in (
            ("app.token", self.token),
            ("wallet.key", base58.b58encode(secrets.token_bytes(32)).decode()),
        ):
            write_secret(self.folder / name, secret.encode())

    def write_config(self) -> None:
        """Write the configuration of each process; `start` does it too."""
        for process in self.processes:
            process.config_path.write_text(to_toml(self._document(process)))

    def _document(self, process: AgentProcess) -> dict[str, object]:
        document: dict[str, object] = {
            "role": self.role,
            "name": self.name,
            "data": process.data.name,
            "public": {
                "host": self.host,
                "path": "org",
                "listen": f"{self._address}:{process.public_port}",
                "tls_certificate": "public.crt",
                "tls_key": "public.key",
                "folder": str(self.public_folder) if self.proxies else None,
            },
            "app": {"listen": f"127.0.0.1:{process.app_port}", "token_file": "app.token"},
            "wallet": {"key_file": "wallet.key"},
            "network": {"ca_file": str(self._machine.ca_file), "connect": self._machine.connections()},
        }
        for name, table in self._tables.items():
            before = document.get(name)
            document[name] = {**before, **table} if isinstance(before, Mapping) and table is not None else table
        return document


class LocalMachine:
    """Agents of one machine below one folder.

    Args:
        folder: where everything is written; made if it is not there, and must be empty.
        start_child: how processes are started.
        address: where public sites of one process listen, such as that at which containers reach this machine.
    """

    def __init__(self, folder: Path, *, start_child: StartChild = start_child, address: str = LOOPBACK) -> None:
        self.folder = folder.resolve()
        self.address = address
        self.start_child = start_child
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
        processes: int = 1,
        **tables: Mapping[str, object] | None,
    ) -> AgentHandle:
        """Lay out one more agent.

        Args:
            role: the word in its configuration.
            name: what people call it.
            host: its public name, such as `centre.wanderbuch.test`; the first label must be its own.
            command: what runs it, without `--config`; by default `wanderbuch <role> run` with this interpreter.
            processes: how many it has; several need `use_store` before they start.
            tables: of its configuration, such as `issuer={"registry_size": 32}`.
        """
        default = (sys.executable, "-m", "wanderbuch.agents.cli", role, "run")
        handle = AgentHandle(self, role, name, host, command or default, processes)
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

    async def start(self, *, timeout_s: float = READY_S) -> None:
        """Start all agents at once and wait until all are ready."""
        await asyncio.gather(*(agent.start(timeout_s=timeout_s) for agent in self.agents))

    async def stop(self) -> None:
        """Stop all agents."""
        await asyncio.gather(*(agent.stop() for agent in self.agents))
