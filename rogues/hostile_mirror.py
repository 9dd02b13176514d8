"""A server that stands in front of the authority's host, with a certificate that a trusted CA signed, and lies at will.

    python -m rogues.hostile_mirror --config FILE

Whoever controls a name in the DNS, a reverse proxy or a CDN can do this. It passes everything through to the real
authority, keeps a copy of every governance file and freshness statement that passes, and can then, for `current.jws`
and `freshness.jws` only:

- OLDER: serve a kept version and the statement that vouched for it, both validly signed;
- ALTERED: serve the newest file with its payload changed and its signature left as it was;
- FROZEN: go on serving the newest copies it has, whatever the authority publishes;
- DOWN: answer 503.

Configuration: an agent's TOML with `role = "hostile_mirror"`; `[public] listen` is where it stands, and its own table:

    [hostile_mirror]
    impersonates = "authority.wanderbuch.test"
    upstream = "127.0.0.1:8441"       # where the authority really listens
    certificate = "authority.crt"     # for the impersonated name
    key = "authority.key"

Control, on `[app] listen` with the bearer token: GET /state, POST /mode, POST /capture.
"""

import argparse
import asyncio
import base64
import json
import os
import signal
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import aiohttp
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.agents.runtime import parent
from wanderbuch.agents.runtime.app import ApiModel, Call, ReadyReport, Route, get, post
from wanderbuch.agents.runtime.app_site import Mount, make_app
from wanderbuch.agents.runtime.config import AgentConfig, load_config
from wanderbuch.agents.runtime.exits import show_error
from wanderbuch.agents.runtime.office import Office
from wanderbuch.agents.runtime.openapi import DescribedGroup, describe
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.sockets import bind
from wanderbuch.errors import ConfigurationError, WanderbuchError

MAX_BYTES = 16 * 1024 * 1024
CURRENT, FRESHNESS = "current.jws", "freshness.jws"
_PASSED_HEADERS = ("Content-Type", "Cache-Control")


class Mode(Enum):
    """What is served in place of the authority's two changing files."""

    PASS = "PASS"
    OLDER = "OLDER"
    ALTERED = "ALTERED"
    FROZEN = "FROZEN"
    DOWN = "DOWN"


class MirrorConfig(BaseModel):
    """`[hostile_mirror]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    impersonates: str
    upstream: str
    certificate: Path
    key: Path


class MirrorRole(Role):
    """Only reads the configuration; there is no ACA-Py behind it."""

    name = "hostile_mirror"
    settings = MirrorConfig

    async def open(self, tenant: object) -> Office:
        raise NotImplementedError


class ModeIn(ApiModel):
    """What to serve from now on.

    Args:
        version: OLDER: which kept version.
        find, replace: ALTERED: texts in the payload.
    """

    mode: Mode
    version: int | None = None
    find: str = Field(default="", max_length=1_000)
    replace: str = Field(default="", max_length=1_000)


class StateOut(ApiModel):
    """What the mirror does and has."""

    mode: Mode
    kept_versions: list[int]
    newest: int | None
    lies: int


@dataclass(slots=True)
class Kept:
    """A governance file and the newest statement about it."""

    file: bytes
    statement: bytes | None = None


@dataclass(slots=True)
class Mirror:
    """The mirror's memory and its way to the authority."""

    config: MirrorConfig
    session: aiohttp.ClientSession
    tls: ssl.SSLContext
    order: ModeIn = field(default_factory=lambda: ModeIn(mode=Mode.PASS))
    kept: dict[int, Kept] = field(default_factory=dict)
    folder: str | None = None
    lies: int = 0

    @property
    def newest(self) -> int | None:
        return max(self.kept, default=None)

    async def serve(self, request: web.Request) -> web.Response:
        """Answer as the authority would, or not."""
        name = request.path.rpartition("/")[2]
        changing = request.path.startswith("/governance/") and name in (CURRENT, FRESHNESS)
        if changing and self.order.mode is not Mode.PASS:
            body = self._lie(name)
            if body is not None:
                self.lies += 1
                return web.Response(body=body, content_type="application/jose")
            if self.order.mode is Mode.DOWN:
                return web.Response(status=503)
        return await self._pass(request)

    async def capture(self) -> None:
        """Fetch and keep what the authority serves now."""
        if self.folder is None:
            raise MalformedError("nothing has passed yet, so the mirror does not know the folder")
        for name in (CURRENT, FRESHNESS):
            async with self._upstream("GET", f"{self.folder}/{name}", {}, None) as response:
                self._keep(name, await response.read())

    def command(self, order: ModeIn) -> None:
        """Do as told from now on."""
        if order.mode is Mode.OLDER and order.version not in self.kept:
            raise MalformedError(f"expected one of the kept versions {sorted(self.kept)}")
        if order.mode in (Mode.ALTERED, Mode.FROZEN) and not self.kept:
            raise MalformedError("nothing was kept yet")
        if order.mode is Mode.ALTERED and altered(self.kept[max(self.kept)].file, order) is None:
            raise MalformedError("the text to find is not in the payload")
        self.order = order

    def state(self) -> StateOut:
        return StateOut(mode=self.order.mode, kept_versions=sorted(self.kept), newest=self.newest, lies=self.lies)

    def _lie(self, name: str) -> bytes | None:
        if self.order.mode is Mode.DOWN or self.newest is None:
            return None
        version = self.order.version if self.order.mode is Mode.OLDER else self.newest
        kept = self.kept[version if version is not None else self.newest]
        if name == FRESHNESS:
            return kept.statement
        return altered(kept.file, self.order) if self.order.mode is Mode.ALTERED else kept.file

    async def _pass(self, request: web.Request) -> web.Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() in ("accept", "content-type", "if-none-match")
        }
        body = await request.read()
        async with self._upstream(request.method, request.path_qs, headers, body or None) as response:
            received = await response.read()
            name = request.path.rpartition("/")[2]
            if response.status == 200 and request.path.startswith("/governance/") and name in (CURRENT, FRESHNESS):
                self.folder = request.path.rpartition("/")[0]
                self._keep(name, received)
            passed = {header: response.headers[header] for header in _PASSED_HEADERS if header in response.headers}
            if "ETag" in response.headers:
                passed["ETag"] = response.headers["ETag"]
            return web.Response(status=response.status, body=received, headers=passed)

    def _upstream(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> aiohttp.client._RequestContextManager:
        return self.session.request(
            method,
            f"https://{self.config.upstream}{path}",
            headers={**headers, "Host": self.config.impersonates},
            data=body,
            ssl=self.tls,
            server_hostname=self.config.impersonates,
            allow_redirects=False,
        )

    def _keep(self, name: str, received: bytes) -> None:
        payload = payload_of(received)
        version = payload.get("version")
        if not isinstance(version, int):
            return
        if name == CURRENT:
            self.kept.setdefault(version, Kept(received)).file = received
        elif version in self.kept:
            self.kept[version].statement = received


def payload_of(jws: bytes) -> dict[str, object]:
    """Return the payload of a compact JWS, without checking anything."""
    parts = jws.split(b".")
    if len(parts) != 3:
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def altered(jws: bytes, order: ModeIn) -> bytes | None:
    """Return the JWS with a text of its payload replaced and the old signature; None if the text is not there."""
    header, payload, signature = jws.split(b".")
    text = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
    if not order.find or order.find.encode() not in text:
        return None
    changed = text.replace(order.find.encode(), order.replace.encode())
    return b".".join((header, base64.urlsafe_b64encode(changed).rstrip(b"="), signature))


async def state(mirror: Mirror, _: Call[None]) -> StateOut:
    return mirror.state()


async def mode(mirror: Mirror, call: Call[ModeIn]) -> StateOut:
    mirror.command(call.body)
    return mirror.state()


async def capture(mirror: Mirror, _: Call[None]) -> StateOut:
    await mirror.capture()
    return mirror.state()


CONTROL: Sequence[Route] = (
    get("/state", state, result=StateOut, summary="What the mirror does"),
    post("/mode", mode, body=ModeIn, result=StateOut, summary="Say what to serve"),
    post("/capture", capture, result=StateOut, summary="Keep what the authority serves now"),
)


async def run(config: AgentConfig) -> None:
    """Serve until told to stop."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    settings = config.settings(MirrorConfig)
    tls = ssl.create_default_context(cafile=str(config.network.ca_file) if config.network.ca_file else None)
    async with aiohttp.ClientSession(auto_decompress=False, trust_env=False) as session:
        mirror = Mirror(settings, session, tls)
        public = web.Application(client_max_size=MAX_BYTES)
        public.router.add_route("*", "/{path:.*}", mirror.serve)

        async def enter(_: str) -> Mirror:
            return mirror

        async def look() -> ReadyReport:
            return ReadyReport(ready=True, checks={})

        control = make_app(
            (Mount(MirrorRole.name, enter, CONTROL),),
            token=config.app_token,
            max_body_bytes=config.app.max_body_bytes,
            is_serving=lambda: True,
            look=look,
            description=lambda: describe([DescribedGroup(MirrorRole.name, CONTROL)], title="Mirror", version="0"),
        )
        server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server_tls.load_cert_chain(settings.certificate, settings.key)
        runners = [web.AppRunner(app, access_log=None, shutdown_timeout=2) for app in (public, control)]
        for runner in runners:
            await runner.setup()
        if config.public.listen is None:
            raise ConfigurationError("expected [public] listen")
        public_socket = bind(config.public.listen, "[public] listen")
        await web.SockSite(runners[0], public_socket, ssl_context=server_tls).start()
        await web.SockSite(runners[1], bind(config.app.listen, "[app] listen")).start()
        await told.wait()
        for runner in runners:
            await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description="Stand in front of the authority and lie.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(parent.OPTION, action="store_true", dest="until_stdin_ends", help=parent.HELP)
    given = parser.parse_args()
    if given.until_stdin_ends:
        parent.end_with_stdin()
    try:
        asyncio.run(run(load_config(given.config, os.environ, role=MirrorRole())))
    except WanderbuchError as err:
        show_error(err, as_json=given.json)
        sys.exit(2)


if __name__ == "__main__":
    main()
