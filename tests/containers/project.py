"""`compose/compose.yaml` as an operator runs it: `wanderbuch <role> init`, podman-compose, real containers."""

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.containers.images import podman, run

from wanderbuch.agents.cli.laying_out import DATA_IN_CONTAINER
from wanderbuch.agents.machine.app_client import AppClient
from wanderbuch.agents.machine.certificates import LocalAuthority
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.machine.toml import to_toml

ROOT: Final = Path(__file__).parents[2]
NET: Final = "10.89.213"
PLACES: Final = {"authority": 11, "issuer": 12, "holder": 13, "verifier": 14}
ROLES: Final = tuple(PLACES)
LABEL: Final = "io.podman.compose.project"
OWNER: Final = 10_001
READY_S: Final = 240.0
HOSTS: Final = {
    "authority": "authority.wanderbuch.test",
    "issuer": "centre.wanderbuch.test",
    "holder": "holder.wanderbuch.test",
    "verifier": "verifier.wanderbuch.test",
}


def set_tables(config: Path, tables: Mapping[str, Mapping[str, object]]) -> None:
    """Set keys of tables of a configuration."""
    document = tomllib.loads(config.read_text())
    for name, table in tables.items():
        document[name] = document.get(name, {}) | table
    config.write_text(to_toml(document))


class Project:
    """The four services of the compose file, in a folder of their own.

    Args:
        folder: is made.
        image: of the services; may be changed before `up`.
    """

    def __init__(self, folder: Path, image: str) -> None:
        self.folder = folder / "compose"
        shutil.copytree(ROOT / "compose", self.folder)
        self.image = image
        self.files: tuple[Path, ...] = (self.folder / "compose.yaml",)
        self.name = f"wanderbuch-{os.getpid()}"
        self.ports = {role: (free_port(), free_port()) for role in ROLES}
        self.tls = LocalAuthority()
        self.clients: dict[str, AppClient] = {}

    def lay_out(self, role: str, *further: str, **tables: Mapping[str, object]) -> None:
        """Do what the guide says: `init`, the certificate, and what this machine needs for want of a DNS."""
        folder = self.folder / role
        named = ("--name", f"The {role}", "--host", HOSTS[role], "--in-container")
        run(sys.executable, "-m", "wanderbuch.agents.cli", role, "init", folder, *named, *further)
        (folder / "data").mkdir()
        self._settle(role, tables)

    def take_over(self, role: str, before: Path) -> None:
        """Lay a role out with the configuration, the keys and the data that an older version left elsewhere."""
        folder = self.folder / role
        shutil.copytree(before, folder)
        config = folder / f"{role}.toml"
        config.write_text(to_toml(tomllib.loads(config.read_text()) | {"data": DATA_IN_CONTAINER}))
        self._settle(role, {"public": {"listen": "0.0.0.0:8443"}, "app": {"listen": "0.0.0.0:8081"}})

    def _settle(self, role: str, tables: Mapping[str, Mapping[str, object]]) -> None:
        folder = self.folder / role
        self.tls.write_server(HOSTS[role], folder / "public.crt", folder / "public.key")
        self.tls.write_certificate(folder / "ca.crt")
        connect = [f"{HOSTS[machine]}:443={NET}.{place}:8443" for machine, place in PLACES.items()]
        set_tables(folder / f"{role}.toml", {"network": {"ca_file": "ca.crt", "connect": connect}, **tables})
        for path in (folder, *folder.rglob("*")):
            os.chown(path, OWNER, OWNER)
        token = (folder / "app.token").read_text().strip()
        self.clients[role] = AppClient(role, role, f"http://127.0.0.1:{self.ports[role][1]}", token)

    def compose(self, *arguments: str) -> str:
        """Run podman-compose on the file.

        Raises:
            RuntimeError: it failed.
        """
        files = [word for file in self.files for word in ("--file", str(file))]
        done = subprocess.run(
            [
                sys.executable, "-m", "podman_compose", "--in-pod=false",
                "--project-name", self.name, *files, *arguments,
            ],
            env=os.environ | self.environment(), capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        told = done.stdout + done.stderr
        if done.returncode:
            raise RuntimeError(f"podman-compose {arguments}: {told[-3000:]}")
        return told

    def environment(self) -> dict[str, str]:
        """Return what the compose file asks for."""
        environment = {"WANDERBUCH_IMAGE": self.image, "WANDERBUCH_NET": NET}
        for role, (public, app) in self.ports.items():
            environment |= {f"{role.upper()}_PORT": str(public), f"{role.upper()}_APP_PORT": str(app)}
        return environment

    async def up(self, *roles: str) -> None:
        """Start services, and wait until each says that it is ready."""
        await asyncio.to_thread(self.compose, "up", "--detach", "--no-build", *roles)
        await asyncio.gather(*(self.wait_ready(role) for role in roles))

    async def wait_ready(self, role: str) -> None:
        try:
            async with asyncio.timeout(READY_S):
                while not await self.clients[role].is_ready():  # noqa: ASYNC110 (another process)
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise RuntimeError(f"the {role} was not ready: {self.logs(role)}") from None

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        label = f"label={LABEL}={self.name}"
        listed = json.loads(podman("ps", "--all", "--filter", label, "--format", "json"))
        (container_name,) = [
            listing["Names"][0] for listing in listed if listing["Labels"]["com.docker.compose.service"] == service
        ]
        return str(container_name)

    def data(self, service: str) -> Path:
        """Return the data folder of a service."""
        role, _, number = service.partition("-")
        return self.folder / role / ("data" if not number else f"data-{number}")

    def back_up(self, service: str) -> Path:
        """Make a backup of a service that runs, as the guide says, and bring it to where no key is."""
        backup = f"{service}.backup"
        config = f"/etc/wanderbuch/{service.partition('-')[0]}.toml"
        words = ("wanderbuch", "backup", "--config", config, "--to", f"/var/lib/wanderbuch/{backup}")
        self.compose("exec", "-T", service, *words)
        kept = self.folder.parent / "backups" / backup
        kept.parent.mkdir(exist_ok=True)
        shutil.move(self.data(service) / backup, kept)
        return kept

    def lose(self, service: str) -> None:
        """Give a service that is stopped a fresh volume: what it had is gone."""
        shutil.rmtree(self.data(service))
        self.data(service).mkdir()
        os.chown(self.data(service), OWNER, OWNER)

    def restore(self, service: str, backup: Path) -> str:
        """Restore a service that does not run, as the guide says; return what that said."""
        inside = self.data(service) / backup.name
        shutil.copy(backup, inside)
        os.chown(inside, OWNER, OWNER)
        config = f"/etc/wanderbuch/{service.partition('-')[0]}.toml"
        words = ("wanderbuch", "restore", f"/var/lib/wanderbuch/{backup.name}", "--config", config)
        told = self.compose("run", "--rm", "--no-deps", "-T", service, *words)
        inside.unlink()
        return told

    def inspected(self, role: str) -> dict[str, Any]:
        """Return what the engine says of a service's container."""
        (document,) = json.loads(podman("inspect", self.container(role)))
        return dict(document)

    def logs(self, role: str) -> str:
        """Return the end of what a service wrote."""
        done = subprocess.run(["podman", "logs", self.container(role)], capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr)[-3000:]

    def trusting(self) -> ssl.SSLContext:
        """Return what trusts the certificates of the project."""
        return ssl.create_default_context(cafile=str(self.folder / "authority" / "ca.crt"))

    async def close(self) -> None:
        """Stop and remove the containers."""
        for client in self.clients.values():
            await client.close()
        await asyncio.to_thread(self.compose, "down")
