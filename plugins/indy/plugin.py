"""Sets the plugin up within ACA-Py.

The runtime binds `IndyLedgers` before; an ACA-Py that it did not start says in its plugin configuration:

wanderbuch_indy:
  tails: held                      # as of wanderbuch_webvh
  ledgers:
    - {namespace: "sovrin", genesis_file: "/etc/agent/pool.txn"}     # as [[indy.ledgers]] in docs/running-agents.md
"""

from typing import Any, Final

from acapy_agent.anoncreds.default.legacy_indy.registry import LegacyIndyRegistry
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.core.util import SHUTDOWN_EVENT_PATTERN, STARTUP_EVENT_PATTERN
from acapy_agent.resolver.did_resolver import DIDResolver
from pydantic import ValidationError

from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.indy import OldNames
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.indy.config import IndyConfig
from wanderbuch.plugins.indy.did_documents import IndyDocuments
from wanderbuch.plugins.indy.did_documents import take_over as resolve_by
from wanderbuch.plugins.indy.ledger import IndyLedger, IndyLedgers
from wanderbuch.plugins.indy.registry import IndyRegistry
from wanderbuch.plugins.webvh.registry import TailsPolicy

PLUGIN_KEY: Final = "wanderbuch_indy"


def open_ledgers(config: IndyConfig, edge: HttpEdge) -> IndyLedgers:
    """Return the configured ledgers; no node is asked yet.

    Raises:
        GenesisError: a genesis file cannot be used.
    """
    return IndyLedgers(tuple(IndyLedger(ledger, edge) for ledger in config.ledgers), config.of_old_ids)


async def set_up(context: InjectionContext) -> None:
    """Register the AnonCreds registry and the DID resolver where there are ledgers.

    Raises:
        ConfigurationError: the plugin's configuration, or a genesis file, cannot be used.
    """
    received: dict[str, Any] = dict((context.settings.get("plugin_config") or {}).get(PLUGIN_KEY) or {})
    try:
        tails = TailsPolicy(received.pop("tails", TailsPolicy.ALL))
        config = IndyConfig.model_validate(received)
    except (ValidationError, ValueError) as err:
        raise ConfigurationError(f"{PLUGIN_KEY} in the plugin configuration: {err}") from err
    ledgers = context.inject_or(IndyLedgers)
    if ledgers is None:
        edge = context.inject_or(HttpEdge)
        if edge is None:
            edge = HttpEdge(HttpEdgeConfig())
            context.injector.bind_instance(HttpEdge, edge)
        ledgers = open_ledgers(config, edge)
        context.injector.bind_instance(IndyLedgers, ledgers)
    if not ledgers:
        return
    context.injector.bind_instance(OldNames, ledgers.old_names)
    registry = IndyRegistry(ledgers, tails)
    context.injector.bind_instance(IndyRegistry, registry)
    take_over(context.inject(AnonCredsRegistry), registry)
    documents = IndyDocuments(ledgers)
    resolve_by(context.inject(DIDResolver), documents)

    async def on_startup(profile: Profile, event: Event) -> None:
        take_over(profile.inject(AnonCredsRegistry), registry)
        resolve_by(profile.inject(DIDResolver), documents)

    async def on_shutdown(profile: Profile, event: Event) -> None:
        ledgers.close()

    bus = context.inject(EventBus)
    bus.subscribe(STARTUP_EVENT_PATTERN, on_startup)
    bus.subscribe(SHUTDOWN_EVENT_PATTERN, on_shutdown)


def take_over(all_registries: AnonCredsRegistry, ours: IndyRegistry) -> None:
    """Let ours be the only registry for ids of Indy: ACA-Py registers its own with its AnonCreds plugin."""
    for registries in (all_registries.resolvers, all_registries.registrars):
        registries[:] = [
            registry for registry in registries if not isinstance(registry, LegacyIndyRegistry | IndyRegistry)
        ]
    all_registries.register(ours)
