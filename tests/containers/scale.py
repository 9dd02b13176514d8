"""`compose/compose.scale.yaml` as an operator runs it, beside an object store."""

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import aiohttp
from botocore.exceptions import BotoCoreError
from tests.containers.images import podman, run
from tests.containers.project import LABEL, OWNER, READY_S, ROLES, ROOT, Project, set_tables
from tests.objects import ACCESS_KEY, SECRET, client

from wanderbuch.agents.demo.services import Service
from wanderbuch.agents.machine.agent_process import AgentProcess
from wanderbuch.agents.machine.app_client import AppClient
from wanderbuch.agents.machine.local import AgentHandle, LocalMachine
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.secret_files import write_secret

NET: Final = "10.89.214"
BUCKET: Final = "public-files"
OBJECTS: Final = f"http://{NET}.8:5000"
_PLACES: Final = {
    f"{role}-{number}": f"{NET}.{place}{at}" for at, role in enumerate(ROLES, 1) for number, place in ((1, 1), (2, 2))
}


class ScaleService(AgentHandle):
    """A role of the compose file as the demo's stage knows its agents.

    Args:
        project: that it is a part of.
        machine: of the demo's other agents.
        service: of the demo.
        name: what people call it.
    """

    def __init__(self, project: "ScaleProject", machine: LocalMachine, service: Service, name: str) -> None:
        self._project = project
        super().__init__(machine, service.role, name, service.host, (), 1)
        machine.agents.append(self)
        first = self.processes[0]
        second = AgentProcess(self.role, name, self.folder, "", 2, machine.start_child)
        self.processes = (first, second)

    @property
    def target(self) -> str:
        """Return where the proxy is."""
        return f"{NET}.10:8443"

    async def start(self, *, timeout_s: float = READY_S, wait: bool = True) -> None:
        """Lay the role out and start it."""
        network = {"ca_file": "ca.crt", "connect": self._machine.connections()}
        tables = {name: table for name, table in self._tables.items() if table is not None}
        await self._project.add(self.role, tables | {"network": network})
        for process, number in zip(self.processes, (1, 2), strict=True):
            process.app = self._project.processes[f"{self.role}-{number}"]
        self.app = self._project.clients[self.role]
        await self._project.wait_ready(self.role)  # through the proxy

    async def stop(self, *, timeout_s: float = READY_S) -> int | None:
        """Leave it to the project."""
        return None

    def _prepare(self) -> None:
        """Leave it to `start`."""


class ScaleProject(Project):
    """The services of the file, in a folder of their own.

    Args:
        folder: is made.
        images: of the agents, the database and the proxy.
    """

    def __init__(self, folder: Path, images: tuple[str, str, str]) -> None:
        super().__init__(folder, images[0])
        self._images = images
        self.files = (self.folder / "compose.scale.yaml", ROOT / "tests" / "containers" / "compose.objects.yaml")
        self.name = f"{self.name}-scale"
        self.port = free_port()
        self.processes: dict[str, AppClient] = {}
        self._turn = asyncio.Lock()  # of podman-compose
        for name in ("database", *(f"{role}/{part}" for role in ROLES for part in ("database", "proxy"))):
            (self.folder / name).mkdir(parents=True)
        os.chown(self.folder / "database", OWNER, OWNER)

    def serve(self, machine: LocalMachine, service: Service, name: str) -> "ScaleService":
        """Return what plays a service of the demo: the two processes of its role."""
        self.tls = machine.authority
        return ScaleService(self, machine, service, name)

    def lay_out(self, role: str, *further: str, **tables: Mapping[str, object]) -> None:
        """Do what the guide says, and what this machine needs for want of a DNS and a real object store."""
        folder, host = self.folder / role, f"{role}.wanderbuch.test"
        bucket = ("--bucket", BUCKET, "--access-key", ACCESS_KEY, "--objects-url", OBJECTS)
        unsafe = ("--objects-unsafe-unencrypted", "--proxy", f"{NET}.10")
        named = ("--name", f"The {role}", "--host", host, "--scale", *bucket, *unsafe)
        run(sys.executable, "-m", "wanderbuch.agents.cli", role, "init", folder, *named, *further)
        self.tls.write_server(host, folder / "proxy" / "public.crt", folder / "proxy" / "public.key")
        self.tls.write_certificate(folder / "ca.crt")
        write_secret(folder / "objects.secret", SECRET.encode())
        set_tables(folder / f"{role}.toml", tables)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, OWNER, OWNER)
        token = (folder / "app.token").read_text().strip()
        self.clients[role] = AppClient(role, role, f"http://127.0.0.1:{self.ports[role][1]}", token)
        for number in (1, 2):
            service = f"{role}-{number}"
            self.processes[service] = AppClient(role, service, f"http://{_PLACES[service]}:8081", token)

    def environment(self) -> dict[str, str]:
        """Return what the files ask for."""
        agents, database, proxy = self._images
        return super().environment() | {
            "WANDERBUCH_NET": NET,
            "WANDERBUCH_IMAGE": agents,
            "WANDERBUCH_DATABASE_IMAGE": database,
            "WANDERBUCH_PROXY_IMAGE": proxy,
            "WANDERBUCH_PORT": str(self.port),
            "MOTO": sysconfig.get_paths()["purelib"],
        }

    async def add(self, role: str, tables: Mapping[str, Mapping[str, object]]) -> None:
        """Lay out a role and start its two processes, as the guide says."""
        processes = tuple(f"{role}-{number}" for number in (1, 2))
        async with self._turn:
            governance = tables.get("governance", {})
            followed = [f"--governance-{key}={value}" for key, value in governance.items()]
            ecosystem = [f"--ecosystem={tables[role]['ecosystem']}"] if role == "authority" else []
            self.lay_out(role, *followed, *ecosystem, **tables)
            if role == "authority":
                await asyncio.to_thread(self.compose, "up", "--detach", "--no-build", "database", *processes, "proxy")
            else:
                await asyncio.to_thread(podman, "exec", self.container("database"), "database", "roles")
                await asyncio.to_thread(self.compose, "up", "--detach", "--no-build", *processes)
                await asyncio.to_thread(podman, "exec", self.container("proxy"), "nginx", "-s", "reload")
        await asyncio.gather(*(self.wait_service(process) for process in processes))

    async def lose_all(self) -> None:
        """Kill all but the object store, and give everything a fresh volume; the database starts on its own."""
        containers = [self.container(service) for service in ("proxy", *self.processes, "database")]
        await asyncio.to_thread(podman, "kill", "--signal", "KILL", *containers)
        for service in self.processes:
            self.lose(service)
        shutil.rmtree(self.folder / "database")
        (self.folder / "database").mkdir()
        os.chown(self.folder / "database", OWNER, OWNER)
        await self.up_services("database")
        async with asyncio.timeout(READY_S):
            while not await asyncio.to_thread(self._is_database_ready):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.2)

    def _is_database_ready(self) -> bool:
        """Tell whether the database takes connections, after it has made its cluster."""
        asked = ("podman", "exec", self.container("database"), "pg_isready", "--quiet", "--host", "127.0.0.1")
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0

    async def up_services(self, *services: str) -> None:
        """Start services, and wait until those of agents are ready."""
        async with self._turn:
            await asyncio.to_thread(self.compose, "up", "--detach", "--no-build", *services)
        await asyncio.gather(*(self.wait_service(service) for service in services if service in self.processes))

    async def wait_service(self, service: str) -> None:
        try:
            async with asyncio.timeout(READY_S):
                while not await self.processes[service].is_ready():  # noqa: ASYNC110 (another process)
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise RuntimeError(f"{service} was not ready: {self.logs(service)}") from None

    async def make_bucket(self) -> None:
        """Make the bucket, once the object store answers."""
        async with asyncio.timeout(READY_S):
            while True:
                try:
                    await asyncio.to_thread(client(OBJECTS).create_bucket, Bucket=BUCKET)
                except BotoCoreError:
                    await asyncio.sleep(0.2)
                else:
                    return

    def ask(
        self, session: aiohttp.ClientSession, role: str, path: str, *, method: str = "GET", body: bytes | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Return a request to a role's public site as a stranger makes it: at the published port, by its name."""
        host = f"{role}.wanderbuch.test"
        return session.request(
            method,
            f"https://127.0.0.1:{self.port}{path}",
            headers={"Host": host},
            data=body,
            server_hostname=host,
            ssl=self.trusting(),
        )

    async def close(self) -> None:
        """Stop and remove the containers."""
        for process in self.processes.values():
            await process.close()
        listed = await asyncio.to_thread(podman, "ps", "--quiet", "--filter", f"label={LABEL}={self.name}")
        if running := listed.split():
            await asyncio.to_thread(podman, "kill", "--signal", "KILL", *running)
        await super().close()
