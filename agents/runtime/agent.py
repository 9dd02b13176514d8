"""One agent in one process: started in an order in which nothing is promised before it can be kept, stopped in reverse.

Start:

1. the data folder is ours alone and has room, public files can be published; both sockets are bound;
2. ACA-Py is set up with our bindings; the wallet is open;
3. both sites serve (the app site only /health and /ready, the public site files; messages are kept, not processed);
4. ACA-Py's transports run, and we looked;
5. in the background: the DID is there, governance was asked for, the role has started (tried again while somebody whom
   it needs cannot be reached): ready;
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
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from acapy_agent.core.conductor import Conductor
from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime import acapy
from wanderbuch.agents.runtime.app import PublicRoute, ReadyReport
from wanderbuch.agents.runtime.app_site import Enter, Mount, make_app
from wanderbuch.agents.runtime.certificates import Certificates
from wanderbuch.agents.runtime.conductor import TellingConductor
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.connections import SocketLimits
from wanderbuch.agents.runtime.copying import COPY_ROUTES, TableCopier
from wanderbuch.agents.runtime.didcomm import KeepingTransport
from wanderbuch.agents.runtime.event_process import ProcessEvents
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.gate.served import Served
from wanderbuch.agents.runtime.governance_library import GovernanceLibrary
from wanderbuch.agents.runtime.idempotency import forget_keys
from wanderbuch.agents.runtime.indy import indy_bindings
from wanderbuch.agents.runtime.listening import Site, site_limits
from wanderbuch.agents.runtime.logs import log_event
from wanderbuch.agents.runtime.network import make_edge, make_keeper
from wanderbuch.agents.runtime.openapi import describe, read_examples
from wanderbuch.agents.runtime.privacy import tighten
from wanderbuch.agents.runtime.public import PublicSite
from wanderbuch.agents.runtime.public_folder import SharedFolder
from wanderbuch.agents.runtime.public_place import public_files
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.roles import NAMES
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.agents.runtime.sign_up import SignUp
from wanderbuch.agents.runtime.sign_up_api import SIGN_UP_ROUTES
from wanderbuch.agents.runtime.sockets import bind
from wanderbuch.agents.runtime.store import DataLock, StoreGuard
from wanderbuch.agents.runtime.store_tables import open_engine
from wanderbuch.agents.runtime.sweeper import Sweeper
from wanderbuch.agents.runtime.tenant import ProcessParts, Tenant
from wanderbuch.agents.runtime.tenant_api import TENANT_ROUTES
from wanderbuch.agents.runtime.tenant_config import default_tenant
from wanderbuch.agents.runtime.tenant_desk import TenantDesk
from wanderbuch.agents.runtime.tenant_limits import Shares
from wanderbuch.agents.runtime.tenant_making import TenantMaker
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.agents.runtime.v2_api import V2_ROUTES
from wanderbuch.agents.runtime.v2_own_keys import V2OwnKeys
from wanderbuch.errors import ConfigurationError, WanderbuchError
from wanderbuch.plugins.exchange.connecting.at_hand import ConnectionsAtHand
from wanderbuch.plugins.exchange.key_ring import KeyRing
from wanderbuch.plugins.exchange.sending import Sending
from wanderbuch.plugins.exchange.v2.asking import V2Asking
from wanderbuch.plugins.exchange.v2.contacts import V2Contacts
from wanderbuch.plugins.exchange.v2.sending import V2Sending
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import LogMemory, WalletLogMemory
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.store.answering import look_into
from wanderbuch.store.category_writes import CategoryWrites
from wanderbuch.store.clock import StoreClock
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.fellows import Fellows, bind_fellows
from wanderbuch.store.tables import DEFAULT_TENANT, bind_tables, open_tables, tables_of

_LOG = logging.getLogger(__name__)
MIN_FREE_BYTES: Final = 32 * 1024 * 1024
_DRAIN_S: Final = 10.0


class StoreFailedError(WanderbuchError):
    """The wallet store cannot be relied on any more, so the process ends; nothing acknowledged is lost."""

    code = "store"


class RunningAgent:
    """An agent that runs; made by `start`.

    What belongs to one tenant is the `Tenant`'s; the default one is `tenant`.
    """

    def __init__(self, config: AgentConfig, role: Role, further: Sequence[Role] = ()) -> None:
        """Make what needs no wallet; nothing runs yet.

        Args:
            config: of the process.
            role: of the default tenant.
            further: roles that other tenants may have beside it.
        """
        self.config = config
        self.role = role
        self.roles: Mapping[str, Role] = {entry.name: entry for entry in (role, *further)}
        self.began = time.monotonic()
        self.failure: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """Set when the agent cannot go on: whoever runs it should stop it then."""
        self.guard = StoreGuard(lambda reason: self.fail(StoreFailedError(reason)))
        self.edge = make_edge(config.network, config.governance)
        self.files = public_files(config)
        self.publisher = self.files.publisher()
        self.memory = WalletLogMemory()
        self.documents = WebvhDocuments(self.edge, self.memory)
        self._keys = KeyRing()
        self._sending = Sending(self.edge, self._keys)
        self._contacts = V2Contacts()
        self._v2_keys = V2OwnKeys(self._keys)
        self._v2_sending = V2Sending(self.edge, self._keys, self._contacts)
        self.library = GovernanceLibrary(self.edge, self.documents, folder=config.data / "governance", spawn=self.spawn)
        self._ready = asyncio.Event()
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._cleanup = AsyncExitStack()
        self._conductor: Conductor
        self._transport: KeepingTransport
        self._events: ProcessEvents
        self.certificates: Certificates
        self.tenants: Tenants
        self.tenant_desk: TenantDesk

    @property
    def profile(self) -> Profile:
        """Return the agent's root profile."""
        return self._conductor.root_profile

    @property
    def tenant(self) -> Tenant:
        """Return the default tenant."""
        return self.tenants.default

    @property
    def is_serving(self) -> bool:
        """Return whether the agent has started, is not stopping and can rely on its store."""
        return self._ready.is_set() and not self._stopping and self.guard.fatal is None

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside; it is logged if it fails and cancelled when the agent stops."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def fail(self, err: Exception) -> None:
        """Say that the agent cannot go on."""
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
        if (governance := self.library.source(self.config.governance)) is not None:
            # Not needed: without it the agent answers, and its answers are UNKNOWN or STALE.
            checks["governance"] = governance.snapshot() is not None
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
            self._events.close()
            self._transport.hold()
            await self._public.stop_accepting()
            if self.guard.fatal is None:
                began = time.monotonic()
                drained = await acapy.drain(self._conductor, lambda: self._transport.in_flight, drain_s)
                await self._sending.stop(wait_s=max(0.5, drain_s - (time.monotonic() - began)))
                await self._v2_sending.stop(wait_s=0.5)
            # ACA-Py now cancels what is left, and would call it processed.
            self._transport.abandon()
            with contextlib.suppress(StoreUnreachableError):  # then it is another's when our time is over
                await self._transport.free()
                await self.fellows.leave(is_clean=drained)
            if self.guard.fatal is None:
                await self.tenants.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._cleanup.aclose()
        log_event(_LOG, logging.INFO, "agent.stopped", drained=drained)

    async def _start(self) -> None:
        """Do steps 1 to 4, and begin step 5."""
        config = self.config
        lock = DataLock(config.data)  # 1
        self._cleanup.callback(lock.release)
        await asyncio.to_thread(tighten, config.data, config.public_folder)
        refuse_full_disk(config.data, (await asyncio.to_thread(shutil.disk_usage, config.data)).free)
        await self.files.check()
        self._public = PublicSite(config.public, self.files)
        self._cleanup.push_async_callback(self._public.close)
        self.certificates = Certificates(self._public.tls, self.edge, further=self._public.hosts)
        await self.certificates.look()
        app_socket = bind(config.app.listen, "[app] listen")
        self._cleanup.callback(app_socket.close)
        self._cleanup.push_async_callback(self.edge.close)
        bindings: dict[type, object] = {
            PublicSite: self._public,
            HttpEdge: self.edge,
            Publisher: self.publisher,
            LogMemory: self.memory,
            WebvhDocuments: self.documents,
            KeyRing: self._keys,
            Sending: self._sending,
            V2Contacts: self._contacts,
            V2OwnKeys: self._v2_keys,
            V2Sending: self._v2_sending,
            V2Asking: V2Asking(self._contacts, self._keys, self._v2_sending),
            Served: Served(self.role.speaks),
            **indy_bindings(config, self.edge),
        }
        if not config.store.is_shared:  # else another process may end a connection, or keep a credential
            bindings |= {ConnectionsAtHand: ConnectionsAtHand(), CategoryWrites: CategoryWrites()}
        roles = list(self.roles.values())
        settings = acapy.acapy_settings(config, self.role, roles)
        self._conductor = TellingConductor(acapy.RuntimeContextBuilder(settings, config, self.guard, bindings))
        self._cleanup.push_async_callback(acapy.stop, self._conductor)
        await acapy.set_up(self._conductor, roles)  # 2
        await self._open_tables()
        self.memory.attach(self.profile)
        self._add_tenants()
        await self.tenants.load()
        public_limits, app_limits = site_limits(config)
        public_routes = [route for role in roles for route in self._entered(role, role.public_routes())]
        takes_sockets = any(role.takes_sockets for role in roles)
        await self._public.start(
            public_routes, self.tenants, public_limits, front=self.role.front, hangs_up=takes_sockets
        )  # 3
        await self._serve_app(app_socket, app_limits)
        self._transport = await acapy.start(self._conductor)  # 4
        self._maker.settle()
        self._transport.serve(self.tenants)
        self.spawn("agent.become_ready", self._become_ready())  # 5
        if (keeper := make_keeper(self.edge, config.network, config.governance)) is not None:
            self.spawn("governance.bundle", keeper.run())
        self.spawn("certificates", self.certificates.run())
        self.spawn("fellows", self.fellows.run())
        self.spawn("clock", self.clock.run())
        self.spawn("didcomm.claims", self._transport.run())
        self.spawn("didcomm.sockets", self._transport.sockets.run())

    async def _open_tables(self) -> None:
        tables = await open_tables(await open_engine(self.config), self.profile)
        self._cleanup.push_async_callback(tables.close)
        bind_tables(self.profile, tables)
        self.clock = StoreClock(tables.engine)
        await self.clock.ask()
        self.fellows = Fellows(tables.engine, on_loss=lambda: self._transport.replay_soon())
        bind_fellows(tables, self.fellows)
        self._shared_folder = SharedFolder(self.files, tables.engine)
        if tables.engine.is_shared:  # before the next process may start
            await self._shared_folder.claim(await self.fellows.others())
            await self.fellows.show()
            self._cleanup.push_async_callback(self._leave)

    def _add_tenants(self) -> None:
        config = self.config
        parts = ProcessParts(
            config, self.edge, self.documents, self.library, self.clock.now, shares=Shares(config.tenants)
        )
        short_links = ShortLinks(self.profile, config.public.url)
        default = Tenant(default_tenant(config), self.profile, parts, publisher=self.publisher, short_links=short_links)
        self._maker = TenantMaker(self.roles, default, self.files)
        self.tenants = Tenants(self.roles, default, make=self._maker.make)
        self.tenant_desk = TenantDesk(config, self.tenants, self.files)
        self._sign_up = self._open_sign_up()
        self._events = ProcessEvents(
            tables_of(self.profile), self.edge, self._profile_of, streams_a_tenant=config.tenants.event_streams
        )
        self.tenants.on_change = self._events.doubt

    def _open_sign_up(self) -> SignUp | None:
        """Return what lets organisations make themselves tenants; None: it is not switched on.

        Raises:
            ConfigurationError: it is, and the process's role does not let them.
        """
        config = self.config.tenants.sign_up
        if not config.enabled:
            return None
        if not self.role.may_sign_up:
            raise ConfigurationError(
                f"[tenants.sign_up] is switched on, and nobody signs up as {self.role.name}", hint="switch it off"
            )
        sign_up = SignUp(config, self.tenant_desk, self.tenants, self.role.name)
        self.tenants.default.bind(SignUp, sign_up)
        self.tenants.default.bind(Tenants, self.tenants)
        return sign_up

    async def _profile_of(self, tenant: str) -> Profile:
        return (await self.tenants.profile(tenant)).profile

    def _entered(self, role: Role, routes: Sequence[PublicRoute]) -> list[tuple[PublicRoute, Enter]]:
        return [(route, self._enter(role.name)) for route in routes]

    def _enter(self, role: str) -> Enter:
        return lambda tenant: self.tenants.office(tenant, role)

    async def _serve_app(self, app_socket: socket.socket, limits: SocketLimits) -> None:
        async def desk(_: str) -> TenantDesk:
            return self.tenant_desk

        table_copier = TableCopier(tables_of(self.profile).engine, self.config.data)

        async def copier(_: str) -> TableCopier:
            return table_copier

        mounts = [
            *(Mount(role.name, self._enter(role.name), role.routes()) for role in self.roles.values()),
            Mount("tenants", desk, TENANT_ROUTES, is_shared=True),
            Mount("backup", copier, COPY_ROUTES, is_shared=True),
            Mount("didcomm", self.tenants.enter, V2_ROUTES),
            *self._sign_up_mounts(),
            *self._events.mounts(),
        ]
        described, title = [mount.described() for mount in mounts], f"Wanderbuch {self.role.name}"
        packages = ("wanderbuch.agents.runtime", *(f"wanderbuch.agents.{name}" for name in NAMES if name in self.roles))
        app = make_app(
            mounts,
            token=self.config.app_token,
            max_body_bytes=self.config.app.max_body_bytes,
            is_serving=lambda: self.is_serving,
            look=self.look,
            description=lambda: describe(
                described, title=title, version=version("wanderbuch"), examples=read_examples(packages)
            ),
            identify=self.tenants.identify,
            pages=self._entered(self.role, self.role.app_pages()),
            front=self.role.front,
            who=lambda: self.tenants.who(DEFAULT_TENANT),
            address=self.config.app.url,
            networks=Networks(self.config.public.trusted_proxies),
            profile_of=self._profile_of,
        )
        site = Site("app", app, app_socket, limits)
        self._cleanup.push_async_callback(site.close)
        await site.start()

    def _sign_up_mounts(self) -> Sequence[Mount]:
        sign_up = self._sign_up
        if not self.role.may_sign_up:
            return ()

        async def enter(_: str) -> SignUp | None:
            return sign_up

        return (Mount("sign-up", enter, SIGN_UP_ROUTES, is_shared=True, is_open=True),)

    async def _become_ready(self) -> None:
        try:
            await self.tenants.open(self.tenant)
        except Exception as err:  # noqa: BLE001 (whoever runs the agent stops it and says why)
            self.fail(err)
            return
        self._transport.open()
        sweeper = Sweeper(
            {
                "envelopes": lambda _: self._transport.replay(),
                "short_links": self.tenant.short_links.sweep,
                "blobs": self.tenants.sweep_blobs,
                "idempotency": self._forget_keys,
                "didcomm_v2.keys": lambda now: self._v2_keys.sweep(self.tenants.opened(), now),
                "tenants": self._look_after_tenants,
                "tenants.suspended": self.tenants.forget,
                "public_folder": self._look_after_folder,
                "events": self._events.sweep,
                **{name: partial(self.tenants.sweep, name) for name in self.roles},
            }
        )
        self._ready.set()
        self.spawn("sweeper", sweeper.run())  # 6
        self.spawn("events", self._events.run())
        did = self.tenant.did if self.tenant.has_did else None
        log_event(_LOG, logging.INFO, "agent.ready", ms=round((time.monotonic() - self.began) * 1000), did=did)

    async def _forget_keys(self, now: datetime) -> None:
        due = await tables_of(self.profile).due.tenants()
        await forget_keys([tenant.profile for tenant in self.tenants.opened() if tenant.id in due], now)

    async def _look_after_folder(self, _: datetime) -> None:
        await self._shared_folder.look()

    async def _leave(self) -> None:
        """Say that this process ends, where it never came to work."""
        if not hasattr(self, "_transport"):
            with contextlib.suppress(StoreUnreachableError):
                await self.fellows.leave(is_clean=True)

    async def _look_after_tenants(self, now: datetime) -> None:
        await self.tenants.look_again()  # what was announced may have been missed
        await self.tenant_desk.go_on()
        if self._sign_up is not None:
            await self._sign_up.sweep(now)
        await self.tenants.visit()

    async def _wallet_answers(self) -> bool:
        if self.guard.fatal is not None:
            return False
        try:
            async with asyncio.timeout(5):
                await look_into(self.profile)
                await tables_of(self.profile).engine.run("SELECT 1")
        except Exception as err:  # noqa: BLE001 (the answer is no, whatever the reason)
            _LOG.warning("agent.wallet_silent", exc_info=err)
            return False
        return True

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (err := task.exception()):
            _LOG.error("task.failed: %s", task.get_name(), exc_info=err)


async def start(config: AgentConfig, role: Role, *, further: Sequence[Role] = ()) -> RunningAgent:
    """Start an agent; it becomes ready in the background (`wait_ready`).

    Args:
        config: of the process.
        role: of the default tenant.
        further: roles that other tenants may have beside it.

    Raises:
        ConfigurationError: a port in use, a wallet of another key, a full disk, …: one plain sentence.
    """
    agent = RunningAgent(config, role, further)
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
