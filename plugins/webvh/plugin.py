"""Putting the plugin's parts into ACA-Py's places.

It finds an `HttpEdge`, a `Publisher`, a `LogMemory` and `WebvhDocuments` through the injector, where our runtime binds
them before plugins are set up; what is not bound is made from the plugin configuration (`config.py`).
"""

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.core.util import SHUTDOWN_EVENT_PATTERN, STARTUP_EVENT_PATTERN
from acapy_agent.resolver.did_resolver import DIDResolver

from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.webvh.config import bind_missing, load_config
from wanderbuch.plugins.webvh.did_resolver import CheckedWebvhResolver, take_over
from wanderbuch.plugins.webvh.documents import WebvhDocuments
from wanderbuch.plugins.webvh.memory import LogMemory, WalletLogMemory
from wanderbuch.plugins.webvh.objects import AttestedObjects
from wanderbuch.plugins.webvh.publisher import Publisher
from wanderbuch.plugins.webvh.registry import WebvhRegistry


async def set_up(context: InjectionContext) -> None:
    """Register the DID resolver and the AnonCreds registry.

    Raises:
        ConfigurationError: the plugin's configuration cannot be used.
    """
    config = load_config(context)
    owns_edge = bind_missing(context, config)
    edge, memory, documents = (context.inject(kind) for kind in (HttpEdge, LogMemory, WebvhDocuments))
    objects = AttestedObjects(edge, documents, memory)
    registry = WebvhRegistry(objects, context.inject(Publisher), config.tails)
    context.injector.bind_instance(AttestedObjects, objects)
    context.injector.bind_instance(WebvhRegistry, registry)
    context.inject(AnonCredsRegistry).register(registry)
    resolver = CheckedWebvhResolver(documents)
    take_over(context.inject(DIDResolver), resolver)

    async def on_startup(profile: Profile, event: Event) -> None:
        if isinstance(memory, WalletLogMemory) and not memory.attached:
            memory.attach(profile)
        take_over(profile.inject(DIDResolver), resolver)

    async def on_shutdown(profile: Profile, event: Event) -> None:
        if owns_edge:
            await edge.close()

    bus = context.inject(EventBus)
    bus.subscribe(STARTUP_EVENT_PATTERN, on_startup)
    bus.subscribe(SHUTDOWN_EVENT_PATTERN, on_shutdown)
