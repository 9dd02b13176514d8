"""A real nginx that ends TLS before the sites of agents, as an organisation's own proxy does.

    front = TlsProxy(folder)
    async with running_ecosystem(folder, front=front.before):
        …                                    # everybody reaches everybody through it

Before a public site it speaks TLS on both sides, and checks the agent's certificate. Before an app site it speaks TLS
to browsers and plain HTTP to the agent. There are two names for each app site: `desk.<host>` passes the name on that
was asked for, `plain.<host>` is what a configuration without further thought makes, and passes its own.
"""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.children import start_child
from wanderbuch.agents.machine.ports import free_port

APP_NAMES: Final = ("desk", "plain")
START_S: Final = 20.0
_UNTIL_STDIN_ENDS: Final = 'nginx "$@" & cat >/dev/null; kill $!; wait $!'
_MAIN: Final = """
daemon off;
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  log_format measured '$host $request_method $status $connection_requests $upstream_connect_time';
  access_log {folder}/access.log measured;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 4m;
  server_names_hash_bucket_size 128;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
{servers}}}
"""
_SERVER: Final = """
  upstream {upstream} {{ server 127.0.0.1:{target}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name {host};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      proxy_pass {scheme}://{upstream};
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      {further}
    }}
  }}
"""


class TlsProxy:
    """One nginx, on one port for all names.

    Args:
        folder: where its files are; made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir()

    @asynccontextmanager
    async def before(self, machine: LocalMachine) -> AsyncIterator[None]:
        """Stand before every agent of a machine, from before its start on."""
        servers = "".join(self._servers(machine, agent) for agent in machine.agents)
        user = f"user {pwd.getpwuid(os.geteuid()).pw_name};\n" if os.geteuid() == 0 else ""
        configuration = self.folder / "nginx.conf"
        configuration.write_text(_MAIN.format(folder=self.folder, user=user, servers=servers))
        with (self.folder / "output.log").open("wb") as output:
            process = await start_child(
                [
                    "sh",
                    "-c",
                    _UNTIL_STDIN_ENDS,
                    "nginx",
                    "-e",
                    str(self.folder / "error.log"),
                    "-c",
                    str(configuration),
                ],
                stdout=output,
                stderr=output,
            )
        try:
            await self._listens(process)
            yield
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    def requests(self) -> list[list[str]]:
        """Return what was asked: host, method, status, the request's number on its connection, and how long it took to
        connect to the agent ("0.000": not at all)."""
        return [line.split() for line in (self.folder / "access.log").read_text().splitlines()]

    def _servers(self, machine: LocalMachine, agent: AgentHandle) -> str:
        machine.reach(agent.host, f"127.0.0.1:{self.port}")
        agent.configure(public={"trusted_proxies": ["127.0.0.0/8"]}, app={"url": f"https://plain.{agent.host}"})
        label = agent.host.partition(".")[0]
        checked = (
            "proxy_set_header Host $host; proxy_ssl_server_name on; proxy_ssl_verify on; "
            f"proxy_ssl_name {agent.host}; proxy_ssl_trusted_certificate {machine.ca_file};"
        )
        public = self._server(machine, f"{label}_public", agent.host, agent.public_port, "https", checked)
        further = {"desk": "proxy_set_header Host $host;", "plain": ""}
        return public + "".join(
            self._server(machine, f"{label}_{name}", f"{name}.{agent.host}", agent.app_port, "http", further[name])
            for name in APP_NAMES
        )

    def _server(self, machine: LocalMachine, upstream: str, host: str, target: int, scheme: str, further: str) -> str:
        certificate, key = self.folder / f"{host}.crt", self.folder / f"{host}.key"
        machine.authority.write_server(host, certificate, key)
        return _SERVER.format(
            upstream=upstream,
            target=target,
            port=self.port,
            host=host,
            certificate=certificate,
            key=key,
            scheme=scheme,
            further=further,
        )

    async def _listens(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(START_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    if process.returncode is not None:
                        raise AssertionError((self.folder / "error.log").read_text()) from None
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return
