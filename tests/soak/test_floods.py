"""Floods of strangers: an honest exchange takes at most twice its quiet time, and /health answers within a second.

The quiet time is measured in the same run, on the same machine, with the same agents; each time is the median of a few
exchanges. The floods come from a process of their own.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from acapy_agent.askar.didcomm.v1 import pack_message
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.wallet.did_method import DIDMethods
from acapy_agent.wallet.key_type import KeyTypes
from aries_askar import Key, KeyAlg
from tests.soak.flood import Flood, envelope, flooded, public_key_of
from tests.soak.village import WELDER, Village, ready_to_issue
from tests.unit.runtime.correspondents import connect

from wanderbuch.agents.demo.example import example_claim
from wanderbuch.agents.issuer.role import ROLE as ISSUER
from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.store import StoreGuard, WalletManager, WalletProfile

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXCHANGES = 5
SLOWER = 2.0
HEALTH_S = 1.0
SILENT = "silent.wanderbuch.test"
PING = "https://didcomm.org/trust_ping/1.0/ping"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def village(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Village]:
    """A village that has a name whose host takes connections and never answers."""
    village = Village(tmp_path_factory.mktemp("floods") / "village", centre={"registry_size": 256})
    port, writers = free_port(), []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await asyncio.Event().wait()

    server = await asyncio.start_server(hold, "127.0.0.1", port)
    for number in range(150):
        village.machine.reach(f"n{number}.{SILENT}", f"127.0.0.1:{port}")
    village.machine.reach(SILENT, f"127.0.0.1:{port}")
    try:
        await village.open()
        yield village
    finally:
        await village.machine.stop()
        for writer in writers:
            writer.close()
        server.close()


async def issue(village: Village) -> None:
    await village.issue()


def presenting(credential: str) -> Callable[[Village], Any]:
    async def present(village: Village) -> None:
        asked = await village.employer.post("/requests", {"requirement": WELDER})
        opened = await village.worker.post("/invitations", {"url": asked["invitation_url"]})
        await village.worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        await village.employer.wait_for(f"/requests/{asked['id']}", "state", "DECIDED")

    return present


async def time_of(exchange: Callable[[Village], Any], village: Village) -> float:
    """The median time of an honest exchange, in seconds."""
    times = []
    for _ in range(EXCHANGES):
        began = time.monotonic()
        await exchange(village)
        times.append(time.monotonic() - began)
    return median(times)


async def slowest_health(agent: AgentHandle, ended: asyncio.Event) -> float:
    """The slowest answer of /health until the event, in seconds."""
    slowest = 0.0
    async with aiohttp.ClientSession() as session:
        while not ended.is_set():
            began = time.monotonic()
            async with session.get(f"{agent.app_url}/health") as response:
                assert response.status == 200
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.1)
    return slowest


def did_exchange(number: int, invitation_id: str | None, host: str) -> dict[str, Any]:
    """The begin of a DID exchange by somebody whose DID lies at `host`."""
    did = f"did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:{host}:n{number}"
    thread = {"thid": f"flood-{number}", **({"pthid": invitation_id} if invitation_id else {})}
    return {
        "@type": "https://didcomm.org/didexchange/1.1/request",
        "@id": f"flood-{number}",
        "~thread": thread,
        "~transport": {"return_route": "all"},
        "label": "x",
        "did": did,
    }


async def poison(agent: AgentHandle) -> Flood:
    key = await public_key_of(agent)
    thread = {"~thread": {"thid": {"a": 1}}, "~transport": {"return_route": "thread"}}
    small = [envelope(key, {"@type": PING, "@id": str(number), **thread}, anonymous=True) for number in range(20)]
    return Flood("poison", tuple(small), 40)


async def large_poison(agent: AgentHandle) -> Flood:
    key = await public_key_of(agent)
    thread = {"~thread": {"thid": {"a": "x" * 1_400_000}}}
    large = [envelope(key, {"@type": PING, "@id": str(number), **thread}, anonymous=True) for number in range(5)]
    return Flood("large poison", tuple(large), 67)


async def deep_poison(agent: AgentHandle) -> Flood:
    key = await public_key_of(agent)
    deep = b'{"@type": "%s", "@id": "1", "x": %s}' % (PING.encode(), b"[" * 500_000 + b"]" * 500_000)
    return Flood("deep poison", (envelope(key, deep),), 20)


async def strangers(agent: AgentHandle) -> Flood:
    """Well-formed messages, of types that are served and of others, by people whom nobody knows."""
    key = await public_key_of(agent)
    kinds = ("trust_ping/1.0/ping", "did-rotate/1.0/rotate", "present-proof/2.0/presentation", "nobody/1.0/knows")
    bodies = [
        envelope(key, {"@type": f"https://didcomm.org/{kind}", "@id": f"{kind}-{number}"})
        for kind in kinds
        for number in range(10)
    ]
    return Flood("strangers", tuple(bodies), 50)


async def silent_host(agent: AgentHandle) -> Flood:
    key = await public_key_of(agent)
    bodies = [envelope(key, did_exchange(number, None, SILENT)) for number in range(150)]
    return Flood("150 that name a silent host", tuple(bodies), 150)


FLOODS = [poison, large_poison, deep_poison, strangers, silent_host]


async def measured(
    village: Village,
    agent: AgentHandle,
    exchange: Callable[[Village], Any],
    flood: Flood,
    folder: Path,
    tell: Callable[[str], None],
) -> None:
    await exchange(village)  # what is only done once is done
    quiet = await time_of(exchange, village)
    ended = asyncio.Event()
    async with flooded(agent, flood, folder) as statuses:
        watching = asyncio.create_task(slowest_health(agent, ended))
        await asyncio.sleep(2)
        loud = await time_of(exchange, village)
        ended.set()
        health = await watching
    tell(f"quiet {quiet:.2f} s, in the flood {loud:.2f} s, /health {health:.2f} s; answers {dict(statuses)}")
    assert health <= HEALTH_S
    assert loud <= SLOWER * quiet
    assert (await agent.get("/ready"))["ready"]


@pytest.mark.parametrize("make", FLOODS, ids=lambda make: make.__name__)
async def test_the_issuer_issues(
    village: Village, make: Callable[[AgentHandle], Any], tmp_path: Path, tell: Callable[[str], None]
) -> None:
    flood = await make(village.centre)
    await measured(village, village.centre, issue, flood, tmp_path, tell)


@pytest.mark.parametrize("make", FLOODS, ids=lambda make: make.__name__)
async def test_the_verifier_decides(
    village: Village, make: Callable[[AgentHandle], Any], tmp_path: Path, tell: Callable[[str], None]
) -> None:
    _, credential = await village.issue()
    flood = await make(village.employer)
    await measured(village, village.employer, presenting(credential), flood, tmp_path, tell)


@pytest.mark.parametrize("hosts", ["one", "many"])
async def test_whoever_holds_an_invitation_and_names_silent_hosts_holds_up_nobody_else(
    village: Village, hosts: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    key = await public_key_of(village.centre)
    made = await village.centre.post("/offers", {"claim": example_claim(), "deadline_s": 600})
    invitation_id = invitation_of(made["invitation_url"])
    names = [SILENT if hosts == "one" else f"n{number}.{SILENT}" for number in range(150)]
    bodies = [envelope(key, did_exchange(number, invitation_id, name)) for number, name in enumerate(names)]
    flood = Flood(f"150 of one invitation, {hosts}", tuple(bodies), 150)
    await measured(village, village.centre, issue, flood, tmp_path, tell)


def invitation_of(url: str) -> str:
    encoded = parse_qs(urlsplit(url).query)["oob"][0]
    return str(json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))["@id"])


async def test_whoever_has_a_connection_and_floods_over_it_holds_up_nobody_else(
    village: Village, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    key = Key.generate(KeyAlg.ED25519)
    await village.centre.stop()
    profile = await wallet_of(village.centre)
    recipient, _ = await connect(profile, key)
    await profile.close()
    await village.centre.start()
    await ready_to_issue(village.centre)
    pings = [{"@type": PING, "@id": str(number), "~transport": {"return_route": "all"}} for number in range(500)]
    bodies = [pack_message([recipient], key, json.dumps(ping).encode()) for ping in pings]
    flood = Flood("over a connection", tuple(bodies), 40)
    await measured(village, village.centre, issue, flood, tmp_path, tell)


async def wallet_of(agent: AgentHandle) -> WalletProfile:
    """The wallet of an agent that has stopped."""
    config = load_config(agent.config_path, {}, role=ISSUER)
    context = InjectionContext(settings={"ledger.disabled": True})
    context.injector.bind_instance(DIDMethods, DIDMethods())
    context.injector.bind_instance(KeyTypes, KeyTypes())
    opened = await WalletManager(config, StoreGuard(lambda _: None)).open(context, {})
    assert isinstance(opened, WalletProfile)
    return opened
