"""One agent in one process: started in an order in which nothing is promised before it can be kept, stopped in reverse.

Start:

1. the data folder is ours alone and has room; both sockets are bound;
2. ACA-Py is set up with our bindings; the wallet is open;
3. both sites serve (the app site only /health and /ready, the public site files; messages are kept, not processed);
4. ACA-Py's transports run, and we looked;
5. in the background: the DID is there, governance was asked for, the role has started (tried again while somebody whom
   it needs can not be reached): ready;
6. beside the work of a ready agent: kept messages are replayed, and the first sweep runs. Nothing that a stranger sent,
   and no stranger's host, decides whether or when an agent is ready.

Stop: nothing new is accepted; what is in flight finishes within a deadline; the rest stays kept; the wallet is closed.
"""

import asyncio
import contextlib
import logging
import shutil
import socket
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from acapy_agent.core.conductor import Conductor
from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime import acapy
from wanderbuch.agents.runtime.app import ReadyReport, make_app
from wanderbuch.agents.runtime.certificates import Certificates
from wanderbuch.agents.runtime.conductor import TellingConductor
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.connections import SocketLimits
from wanderbuch.agents.runtime.didcomm import KeepingTransport, KeptEnvelope
from wanderbuch.agents.runtime.gate.parties import Parties
from wanderbuch.agents.runtime.gate.served import Served
from wanderbuch.agents.runtime.listening import Site, site_limits
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.network import make_edge
from wanderbuch.agents.runtime.openapi import describe
from wanderbuch.agents.runtime.privacy import tighten
from wanderbuch.agents.runtime.public import PublicSite
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.agents.runtime.sockets import bind
from wanderbuch.agents.runtime.store import DataLock, StoreGuard
from wanderbuch.agents.runtime.sweeper import Sweeper
from wanderbuch.errors import ConfigurationError, ResolutionError, WanderbuchError
from wanderbuch.governance.identifiers import Did, WebvhDid
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.pacing import Backoff
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.webvh.dids import create_did
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import LogMemory, WalletLogMemory
from wanderbuch.plugins.webvh.publisher import FolderPublisher, Publisher
from wanderbuch.store.records import Record, RecordStore

_LOG = logging.getLogger(__name__)
MIN_FREE_BYTES: Final = 32 * 1024 * 1024
_DRAIN_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 20.0


class StoreFailedError(WanderbuchError):
    """The wallet store can not be relied on any more, so the process ends; nothing acknowledged is lost."""

    code = "store"


class RunningAgent:
    """An agent that runs; made by `start`.

    What roles use: `config`, `profile`, `did`, `edge`, `publisher`, `documents`, `governance`, `short_links`,
    `records`, `spawn`.
    """

    def __init__(self, config: AgentConfig, role: Role) -> None:
        """Bind the sockets and make what needs no wallet; nothing runs yet."""
        self.config = config
        self.role = role
        self.began = time.monotonic()
        self.failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """Set when the agent can not go on: whoever runs it should stop it then."""
        self.guard = StoreGuard(lambda reason: self.fail(StoreFailedError(reason)))
        self.edge = make_edge(config.network, config.governance)
        self.publisher: Publisher = FolderPublisher(config.public_folder)
        self.memory = WalletLogMemory()
        self.documents = WebvhDocuments(self.edge, self.memory)
        self.governance = self._governance_source()
        self._ready = asyncio.Event()
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._cleanup = AsyncExitStack()
        self._did: WebvhDid | None = None
        self._conductor: Conductor
        self._transport: KeepingTransport
        self.certificates: Certificates
        self.short_links: ShortLinks

    @property
    def profile(self) -> Profile:
        """Return the agent's root profile."""
        return self._conductor.root_profile

    @property
    def did(self) -> WebvhDid:
        """Return the agent's public DID.

        Raises:
            ConfigurationError: this role has none, or it is not made yet.
        """
        if self._did is None:
            raise ConfigurationError(f"the {self.role.name} {self.config.name!r} has no public DID")
        return self._did

    @property
    def has_did(self) -> bool:
        """Return whether the agent has a public DID (by now)."""
        return self._did is not None

    @property
    def is_serving(self) -> bool:
        """Return whether the agent has started, is not stopping and can rely on its store."""
        return self._ready.is_set() and not self._stopping and self.guard.fatal is None

    def records[R: Record](self, kind: type[R]) -> RecordStore[R]:
        """Return the store of this kind of records in the root profile."""
        return RecordStore(self.profile, kind)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside; it is logged if it fails and cancelled when the agent stops."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def fail(self, err: Exception) -> None:
        """Say that the agent can not go on."""
        if not self.failure.done():
            self.failure.set_result(err)

    async def wait_ready(self) -> None:
        """Wait until the agent is ready.

        Raises:
            Exception: what keeps it from ever being so.
        """
        ready: asyncio.Future[Any] = asyncio.ensure_future(self._ready.wait())
        ends: set[asyncio.Future[Any]] = {ready, self.failure}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if self.failure.done():
            raise self.failure.result()

    async def look(self) -> ReadyReport:
        """Return whether the agent can work now, and each thing looked at."""
        checks = {"started": self._ready.is_set(), "running": not self._stopping}
        checks["wallet"] = await self._wallet_answers()
        needed = all(checks.values())
        if self.governance is not None:
            # Not needed: without it the agent answers, and its answers are UNKNOWN or STALE.
            checks["governance"] = self.governance.snapshot() is not None
        return ReadyReport(needed, checks, self.certificates.concerns())

    async def stop(self, *, drain_s: float = _DRAIN_S) -> None:
        """Stop: accept nothing new, finish what is in flight, close the wallet. Calling it again does nothing.

        Args:
            drain_s: how long to wait for what is in flight; the rest is replayed at the next start.
        """
        if self._stopping:
            return
        self._stopping = True
        log_event(_LOG, logging.INFO, "agent.stopping")
        drained = False
        if hasattr(self, "_transport"):
            self._transport.hold()
            await self._public.stop_accepting()
            if self.guard.fatal is None:
                drained = await acapy.drain(self._conductor, lambda: self._transport.in_flight, drain_s)
            # ACA-Py now cancels what is left, and would call it processed.
            self._transport.abandon()
            if self.guard.fatal is None:
                with contextlib.suppress(Exception):
                    await self.role.stopping(self)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._cleanup.aclose()
        log_event(_LOG, logging.INFO, "agent.stopped", drained=drained)

    def _governance_source(self) -> GovernanceSource | None:
        told = self.config.governance
        if told is None:
            return None
        return GovernanceSource(
            GovernanceSourceConfig(url=told.url, author=Did.parse(told.author), folder=self.config.data / "governance"),
            edge=self.edge,
            resolve_key=self.documents.assertion_key,
        )

    async def _start(self) -> None:
        """Do steps 1 to 4, and begin step 5."""
        config = self.config
        lock = DataLock(config.data)  # 1
        self._cleanup.callback(lock.release)
        await asyncio.to_thread(tighten, config.data, config.public_folder)
        refuse_full_disk(config.data, (await asyncio.to_thread(shutil.disk_usage, config.data)).free)
        self._public = PublicSite(config.public, config.public_folder)
        self._cleanup.push_async_callback(self._public.close)
        self.certificates = Certificates(self._public.tls, self.edge)
        await self.certificates.look()
        app_socket = bind(config.app.listen, "[app] listen")
        self._cleanup.callback(app_socket.close)
        self._cleanup.push_async_callback(self.edge.close)
        bindings: dict[type, object] = {
            RunningAgent: self,
            PublicSite: self._public,
            HttpEdge: self.edge,
            Publisher: self.publisher,
            LogMemory: self.memory,
            WebvhDocuments: self.documents,
            Served: Served(self.role.speaks),
        }
        if self.governance is not None:
            bindings[GovernanceSource] = self.governance
        settings = acapy.acapy_settings(config, self.role)
        self._conductor = TellingConductor(
            acapy.RuntimeContextBuilder(settings, config, self.guard, bindings), Served(self.role.speaks)
        )
        self._cleanup.push_async_callback(acapy.stop, self._conductor)
        await acapy.set_up(self._conductor, self.role)  # 2
        self.memory.attach(self.profile)
        self.short_links = ShortLinks(self.profile, config.public.url)
        public_limits, app_limits = site_limits(config)
        await self._public.start(self.role.public_routes(self), self.short_links, public_limits)  # 3
        await self._serve_app(app_socket, app_limits)
        self._transport = await acapy.start(self._conductor)  # 4
        self.spawn("agent.become_ready", self._become_ready())  # 5
        self.spawn("certificates", self.certificates.run())

    async def _serve_app(self, app_socket: socket.socket, limits: SocketLimits) -> None:
        routes = self.role.routes(self)
        app = make_app(
            routes,
            token=self.config.app_token,
            max_body_bytes=self.config.app.max_body_bytes,
            is_serving=lambda: self.is_serving,
            look=self.look,
            description=describe(routes, title=f"Wanderbuch {self.role.name}", version=version("wanderbuch")),
            identify=lambda token: self.role.identify(self, token),
            pages=self.role.app_pages(self),
        )
        site = Site("app", app, app_socket, limits)
        self._cleanup.push_async_callback(site.close)
        await site.start()

    async def _become_ready(self) -> None:
        try:
            if self.role.has_public_did:
                self._did = await self._own_did()
            if self.governance is not None:
                self.edge.know_parties(Parties(self.governance).is_party)
                await self.governance.attach(self.profile)
                self.spawn("governance.run", self.governance.run())
                await self.governance.first_round()
            await self._start_role()
        except Exception as err:  # noqa: BLE001 (whoever runs the agent stops it and says why)
            self.fail(err)
            return
        self._transport.open()
        sweeper = Sweeper(
            {
                "envelopes": lambda _: self._transport.replay(),
                "short_links": self.short_links.sweep,
                self.role.name: lambda now: self.role.sweep(self, now),
            }
        )
        self._ready.set()
        self.spawn("sweeper", sweeper.run())  # 6
        log_event(_LOG, logging.INFO, "agent.ready", ms=round((time.monotonic() - self.began) * 1000), did=self._did)

    async def _start_role(self) -> None:
        """Start the role; again and again while somebody whom it needs can not be reached."""
        backoff = Backoff(longest_s=_LONGEST_PAUSE_S)
        while True:
            try:
                await self.role.started(self)
            except ResolutionError as err:
                pause = backoff.failed()
                log_event(
                    _LOG, logging.WARNING, "agent.waiting", code=err.code, reason=err.message, pause_s=round(pause, 1)
                )
                await asyncio.sleep(pause)
            else:
                return

    async def _own_did(self) -> WebvhDid:
        """Return the agent's DID; it is made and published at first start, and looked after at every other."""
        public = self.config.public
        return await create_did(
            self.profile,
            host=public.host,
            path=public.path,
            didcomm_endpoint=public.didcomm_endpoint,
            publisher=self.publisher,
            prerotation=self.role.prerotation,
            services=self.role.services(self.config),
            witnesses=public.witnesses.rule if public.witnesses else None,
        )

    async def _wallet_answers(self) -> bool:
        if self.guard.fatal is not None:
            return False
        try:
            async with asyncio.timeout(5), self.profile.session() as session:
                await session.handle.count(KeptEnvelope.category)
        except Exception as err:  # noqa: BLE001 (the answer is no, whatever the reason)
            _LOG.warning("agent.wallet_silent", exc_info=err)
            return False
        return True

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (err := task.exception()):
            _LOG.error("task.failed: %s", task.get_name(), exc_info=err)


async def start(config: AgentConfig, role: Role) -> RunningAgent:
    """Start an agent; it becomes ready in the background (`wait_ready`).

    Raises:
        ConfigurationError: a port in use, a wallet of another key, a full disk, …: one plain sentence.
    """
    agent = RunningAgent(config, role)
    try:
        await agent._start()  # noqa: SLF001 (one module)
    except BaseException:
        await agent.stop()
        raise
    return agent


def refuse_full_disk(folder: Path, free_bytes: int) -> None:
    """Refuse to start where there is no room to keep anything.

    Raises:
        ConfigurationError: fewer bytes are free than an agent needs.
    """
    if free_bytes < MIN_FREE_BYTES:
        raise ConfigurationError(
            f"the disk that holds {folder} is full: {free_bytes // 1024 // 1024} MiB are free, "
            f"{MIN_FREE_BYTES // 1024 // 1024} MiB are needed",
            hint="free some space, then start again; nothing was written",
        )
