import sys
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.anoncreds.events import RevListFinishedEvent, RevRegDefCreateRequestedEvent
from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.anoncreds.revocation.revocation_setup import DefaultRevocationSetup
from acapy_agent.config.default_context import DefaultContextBuilder
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import Event, EventBus
from acapy_agent.core.plugin_registry import PluginRegistry
from acapy_agent.core.profile import Profile
from acapy_agent.core.util import SHUTDOWN_EVENT_TOPIC, STARTUP_EVENT_TOPIC
from acapy_agent.resolver.default.webvh import WebvhDIDResolver
from acapy_agent.resolver.did_resolver import DIDResolver
from acapy_agent.revocation.util import REVOCATION_EVENT_PREFIX
from acapy_agent.utils.testing import create_test_profile

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.errors import UnreachableError
from wanderbuch.plugins.webvh import setup
from wanderbuch.plugins.webvh.config import PLUGIN_KEY, load_config
from wanderbuch.plugins.webvh.did_resolver import CheckedWebvhResolver
from wanderbuch.plugins.webvh.memory import InMemoryLogMemory, LogMemory, WalletLogMemory
from wanderbuch.plugins.webvh.publisher import FolderPublisher, NoPublisher, Publisher
from wanderbuch.plugins.webvh.registry import TailsPolicy, WebvhRegistry
from wanderbuch.plugins.webvh.revocation import WebvhRevocationSetup

PLUGIN = "wanderbuch.plugins.webvh"
STOCK_SETUP = "acapy_agent.anoncreds.revocation"


async def aca_py(**settings: Any) -> InjectionContext:
    """ACA-Py's own context with our plugin in it."""
    given = {"wallet.type": "askar-anoncreds", "external_plugins": [PLUGIN], "ledger.disabled": True, **settings}
    return await DefaultContextBuilder(settings=given).build_context()


async def test_aca_py_loads_the_plugin() -> None:
    context = await aca_py()
    assert PLUGIN in context.inject(PluginRegistry).plugin_names
    resolvers = [type(resolver) for resolver in context.inject(DIDResolver).resolvers]
    assert CheckedWebvhResolver in resolvers
    assert WebvhDIDResolver not in resolvers
    registry = context.inject(AnonCredsRegistry)
    assert isinstance(await registry._resolver_for_identifier("did:webvh:x/resources/y"), WebvhRegistry)
    assert isinstance(await registry._registrar_for_identifier("did:webvh:x"), WebvhRegistry)


async def test_makes_what_nobody_has_bound(tmp_path: Path) -> None:
    context = await aca_py(plugin_config={PLUGIN_KEY: {"public_folder": str(tmp_path)}})
    publisher = context.inject(Publisher)
    assert isinstance(publisher, FolderPublisher)
    assert publisher.folder == tmp_path
    assert isinstance(context.inject(LogMemory), WalletLogMemory)
    assert isinstance((await aca_py()).inject(Publisher), NoPublisher)


async def test_uses_what_is_bound(tmp_path: Path) -> None:
    context = InjectionContext()
    bound: dict[type, Any] = {
        HttpEdge: HttpEdge(),
        Publisher: FolderPublisher(tmp_path),
        LogMemory: InMemoryLogMemory(),
        DIDResolver: DIDResolver(),
        AnonCredsRegistry: AnonCredsRegistry(),
        EventBus: EventBus(),
    }
    for kind, instance in bound.items():
        context.injector.bind_instance(kind, instance)
    await setup(context)
    assert all(context.inject(kind) is instance for kind, instance in bound.items())


@pytest.fixture
async def profile() -> Profile:
    return await create_test_profile({"wallet.type": "askar-anoncreds"}, await aca_py())


async def test_the_wallet_remembers_logs_from_the_start_on(profile: Profile) -> None:
    memory = profile.inject(LogMemory)
    assert isinstance(memory, WalletLogMemory)
    assert not memory.attached
    await profile.notify(STARTUP_EVENT_TOPIC, {})
    await profile.inject(EventBus).task_queue.flush()
    assert memory.attached


async def test_closes_the_edge_that_it_has_made(profile: Profile) -> None:
    await profile.notify(SHUTDOWN_EVENT_TOPIC, {})
    await profile.inject(EventBus).task_queue.flush()
    with pytest.raises(UnreachableError, match="closed"):
        await profile.inject(HttpEdge).get("https://centre.example.test/", max_bytes=1, timeout_s=1)


# Revocation registries


def subscribers(context: InjectionContext, topic: str) -> list[Any]:
    bus = context.inject(EventBus)
    return [
        handler
        for pattern, handlers in bus.topic_patterns_to_subscribers.items()
        if pattern.match(topic)
        for handler in handlers
    ]


async def test_takes_the_upload_of_tails_files_over_from_aca_py() -> None:
    context = await aca_py()
    (creating,) = subscribers(context, RevRegDefCreateRequestedEvent.event_topic)
    assert isinstance(creating.__self__, WebvhRevocationSetup)
    (finished,) = subscribers(context, RevListFinishedEvent.event_topic)
    assert type(finished.__self__) is DefaultRevocationSetup


async def test_passes_on_what_was_revoked_where_aca_py_s_setup_is_blocked() -> None:
    context = await aca_py(blocked_plugins=[STOCK_SETUP])
    assert subscribers(context, RevRegDefCreateRequestedEvent.event_topic) == []
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"}, context)
    bus, heard = context.inject(EventBus), []

    async def listen(profile: Profile, event: Event) -> None:
        heard.append((event.topic, event.payload))

    bus.subscribe(f"^{REVOCATION_EVENT_PREFIX}published::.*", listen)
    await bus.notify(profile, RevListFinishedEvent.with_payload("registry", [3, 5]))
    await bus.task_queue.flush()
    assert heard == [(f"{REVOCATION_EVENT_PREFIX}published::registry", {"rev_reg_id": "registry", "crids": [3, 5]})]


# Configuration


def configured(**values: Any) -> InjectionContext:
    return InjectionContext(settings={"plugin_config": {PLUGIN_KEY: values}})


def test_reads_its_configuration(tmp_path: Path) -> None:
    config = load_config(configured(tails="held", connect=["a.example.test:443=127.0.0.1:1"], ca_file=str(tmp_path)))
    assert (config.tails, config.ca_file) == (TailsPolicy.HELD, tmp_path)
    assert load_config(InjectionContext()).tails is TailsPolicy.ALL


@pytest.mark.parametrize("values", [{"public_fodler": "x"}, {"tails": "none"}, {"connect": 7}])
def test_a_typo_in_the_configuration_names_the_key_and_the_allowed_ones(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"{PLUGIN_KEY}\.{next(iter(values))}") as error:
        load_config(configured(**values))
    assert "public_folder" in (error.value.hint or "")


def test_importing_the_package_does_not_load_aca_py() -> None:
    import subprocess

    code = "import sys, wanderbuch.plugins.webvh; print('acapy_agent' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
