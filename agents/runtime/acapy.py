"""ACA-Py in this process: its settings, its bindings, and the checks it does not make itself."""

import asyncio
import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from acapy_agent.cache.base import BaseCache
from acapy_agent.config.default_context import DefaultContextBuilder
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.conductor import Conductor
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.goal_code_registry import GoalCodeRegistry
from acapy_agent.core.plugin_registry import PluginRegistry
from acapy_agent.core.profile import Profile, ProfileManager
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.resolver.default.universal import UniversalResolver
from acapy_agent.resolver.default.web import WebDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver

from wanderbuch.agents.runtime.cache import FreshCache
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.didcomm import KeepingTransport
from wanderbuch.agents.runtime.gate.served import Served
from wanderbuch.agents.runtime.responder import ResponderProvider
from wanderbuch.agents.runtime.role import Role
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager
from wanderbuch.errors import ConfigurationError, WanderbuchError
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.webvh.foreign_dids import guard_resolvers
from wanderbuch.store.tables import DEFAULT_TENANT, tenant_of

PLUGINS: Final = ("wanderbuch.plugins.webvh", "wanderbuch.plugins.indy")
"""Plugins of every agent, before the role's."""

# What is never loaded, so that its routes and records are not there either; what may be sent to us is another question,
# answered by the table in `gate/served`. And no stub registry for did:web.
_BLOCKED: Final = (
    "acapy_agent.protocols.actionmenu",
    "acapy_agent.protocols.basicmessage",
    "acapy_agent.protocols.endorse_transaction",
    "acapy_agent.protocols.introduction",
    "acapy_agent.anoncreds.default.did_web",
    "acapy_agent.anoncreds.default.legacy_indy",
    # Sets up revocation registries by a chain of events that a crash cuts; the issuer does it step by step.
    "acapy_agent.anoncreds.revocation",
)
_INBOUND: Final = "wanderbuch.agents.runtime.didcomm"
_OUTBOUND: Final = "wanderbuch.plugins.http.outbound"
_TRANSPORT_DEADLINE_S: Final = 60.0  # it takes milliseconds, but a machine may be slow
_POLL_S: Final = 0.02


class AcaPyError(WanderbuchError):
    """ACA-Py did not start as it was told to."""

    code = "acapy"


def acapy_settings(config: AgentConfig, role: Role, roles: Sequence[Role]) -> dict[str, Any]:
    """Return ACA-Py's settings by their internal names; what its command line would make of our configuration.

    Not taken from its argument parser, which would also read `ACAPY_…` from the environment. There is no auto-accept,
    auto-respond, auto-store or auto-verify: roles decide.

    Args:
        config: of the process.
        role: of the default tenant.
        roles: of any tenant, the default one's first.
    """
    settings: dict[str, Any] = {
        "auto_provision": True,
        "blocked_plugins": list(_BLOCKED),
        "default_endpoint": config.public.didcomm_endpoint,
        "default_label": config.name,
        "emit_new_didcomm_mime_type": True,
        "emit_new_didcomm_prefix": True,
        "external_plugins": plugins_of(roles),
        "invite_base_url": config.public.url,
        "ledger.disabled": True,
        "preserve_exchange_records": True,
        # A holder fetches the tails file before it stores a credential (plugins/trust); nobody else needs one.
        "plugin_config": {
            "wanderbuch_webvh": {"tails": "held"},
            **({"wanderbuch_indy": {"tails": "held"}} if config.indy.ledgers else {}),
        },
        "disclose_protocol_list": list(Served(role.speaks).families),
        "public_invites": role.has_public_did,
        "revocation.anoncreds_legacy_support": "reject",
        "tails_server_base_url": f"{config.public.base_url}/tails",
        "trace.target": "log",
        "trace.tag": "",
        "trace.label": config.name,
        "transport.inbound_configs": [[_INBOUND, *_listening(config)]],
        "transport.max_message_size": config.public.max_message_bytes,
        "transport.max_outbound_retry": 4,
        "transport.outbound_configs": [_OUTBOUND],
        "wallet.key": config.wallet_key.get_secret_value(),
        "wallet.key_derivation_method": "RAW",
        "wallet.name": "wallet",
        "wallet.storage_type": "default",
        "wallet.type": "askar-anoncreds",
    }
    for part in ("author", "endorser", "auto_endorse", "auto_write", "auto_create_rev_reg", "auto_promote_author_did"):
        settings[f"endorser.{part}"] = False
    if config.admin and config.admin_key:
        settings |= {
            "admin.enabled": True,
            "admin.host": config.admin.listen.host,
            "admin.port": config.admin.listen.port,
            "admin.admin_api_key": config.admin_key.get_secret_value(),
            "admin.admin_insecure_mode": False,
            "admin.webhook_urls": [],  # without it each event is an error of ACA-Py's, and its web sockets are silent
            "admin.admin_client_max_request_size": config.app.max_body_bytes,
        }
    for own_role in reversed(roles):
        settings |= own_role.acapy_settings
    return settings


def _listening(config: AgentConfig) -> tuple[str, str]:
    """Return where messages are received, which ACA-Py logs and nobody binds: our public site does, if there is one."""
    listen = config.public.listen
    return ("", "0") if listen is None else (listen.host, str(listen.port))


def plugins_of(roles: Sequence[Role]) -> list[str]:
    """Return the plugins of a process with these roles, in the order in which they are set up."""
    return list(dict.fromkeys((*PLUGINS, *(plugin for role in roles for plugin in role.plugins))))


class RuntimeContextBuilder(DefaultContextBuilder):  # type: ignore[misc]  # acapy_agent has no types
    """ACA-Py's context with our bindings, made before the plugins are set up.

    Args:
        settings: ACA-Py's settings.
        config: of the agent.
        guard: learns of the store's errors.
        bindings: further instances, by the type under which plugins ask for them.
    """

    def __init__(
        self, settings: dict[str, Any], config: AgentConfig, guard: StoreGuard, bindings: Mapping[type, object]
    ) -> None:
        super().__init__(settings)
        self._config = config
        self._guard = guard
        self._bindings = bindings

    async def bind_providers(self, context: InjectionContext) -> None:
        """Bind ACA-Py's providers, then ours in their place."""
        await super().bind_providers(context)
        bind = context.injector.bind_instance
        bind(AgentConfig, self._config)
        bind(StoreGuard, self._guard)
        bind(ProfileManager, WalletManager(self._config, self._guard))
        bind(BaseCache, FreshCache())
        bind(Objects, Objects())
        for kind, instance in self._bindings.items():
            bind(kind, instance)


async def set_up(conductor: Conductor, roles: Sequence[Role]) -> None:
    """Set ACA-Py up: the plugins, the wallet, the transports (not yet running).

    Raises:
        ConfigurationError: the wallet cannot be opened, or a plugin did not load.
    """
    await conductor.setup()
    context = conductor.root_profile.context
    loaded = context.inject(PluginRegistry).plugin_names
    if missing := [plugin for plugin in plugins_of(roles) if plugin not in loaded]:
        raise ConfigurationError(f"these plugins did not load: {', '.join(missing)}")
    # Discovery tells what is served (`disclose_protocol_list`), and no goal codes of protocols that are not.
    context.injector.bind_instance(GoalCodeRegistry, GoalCodeRegistry())
    # They fetch what a stranger's DID names with a client of their own: any address, any size, any redirect.
    resolver = context.inject(DIDResolver)
    resolver.resolvers = [
        known for known in resolver.resolvers if not isinstance(known, WebDIDResolver | UniversalResolver)
    ]
    guard_resolvers(resolver)


async def start(conductor: Conductor) -> KeepingTransport:
    """Start ACA-Py's transports and return the inbound one.

    Raises:
        AcaPyError: a transport or the Admin API does not run; ACA-Py itself would go on without.
    """
    # ACA-Py prints a banner; our standard output is for what a program reads.
    with contextlib.redirect_stdout(io.StringIO()):
        await conductor.start()
    await _let_others_start(conductor)  # the version of ACA-Py is written down, and what it upgrades is done
    # After the start: with the Admin API, ACA-Py has just bound a responder for the root alone.
    responders = ResponderProvider(conductor.outbound_message_router)
    conductor.root_profile.context.injector.bind_provider(BaseResponder, responders)
    inbound, outbound = conductor.inbound_transport_manager, conductor.outbound_transport_manager
    try:
        async with asyncio.timeout(_TRANSPORT_DEADLINE_S):
            await inbound.task_queue.flush()
            await outbound.task_queue.flush()
    except TimeoutError as err:
        raise AcaPyError(f"ACA-Py's transports did not start within {_TRANSPORT_DEADLINE_S:g} s") from err
    for manager in (inbound, outbound):
        if silent := manager.registered_transports.keys() - manager.running_transports.keys():
            raise AcaPyError(f"these transports do not run: {', '.join(sorted(silent))}")
    if conductor.admin_server and not conductor.admin_server.app._state.get("ready"):  # noqa: SLF001 (no accessor)
        raise AcaPyError("ACA-Py's Admin API does not run", hint="check that the address in [admin] listen is free")
    if conductor.admin_server:
        _tell_of_the_root_alone(conductor.admin_server)
    transport = inbound.running_transports[KeepingTransport.__qualname__]
    if not isinstance(transport, KeepingTransport):
        raise AcaPyError("ACA-Py runs another inbound transport than ours")
    return transport


def _tell_of_the_root_alone(server: Any) -> None:
    """Keep the Admin API to the default tenant: its web sockets would be sent the records of every profile."""
    send = server.send_webhook

    async def send_webhook(profile: Profile, topic: str, payload: dict[str, Any] | None = None) -> None:
        if tenant_of(profile) == DEFAULT_TENANT:
            await send(profile, topic, payload)

    server.send_webhook = send_webhook  # ACA-Py makes the server itself, of a class that nobody can choose


async def drain(conductor: Conductor, in_flight: Callable[[], int], deadline_s: float) -> bool:
    """Wait until nothing is being processed or sent, and return whether that was so before the deadline.

    What waits for a retry to a host that is down is not waited for.
    """
    bus = conductor.root_profile.inject(EventBus)
    outbound = conductor.outbound_transport_manager

    def busy() -> bool:
        sending = any(queued.state not in {"retry", "done"} for queued in outbound.outbound_buffer)
        return bool(
            in_flight()
            or conductor.dispatcher.task_queue.current_size
            or bus.task_queue.current_size
            or outbound.outbound_new
            or sending
        )

    try:
        async with asyncio.timeout(deadline_s):
            while busy():  # noqa: ASYNC110 (four queues of ACA-Py, none of which tells when it is empty)
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return False
    return True


async def stop(conductor: Conductor) -> None:
    """Stop ACA-Py, as far as it came, and close the wallet."""
    if conductor.root_profile is None:
        return
    await _let_others_start(conductor)
    await conductor.root_profile.inject(EventBus).shutdown()
    await conductor.stop(timeout=5.0)


async def _let_others_start(conductor: Conductor) -> None:
    manager = conductor.root_profile.inject(ProfileManager)
    if isinstance(manager, WalletManager):
        await manager.started()
