"""A flood over one tenant of a process: an honest exchange with another takes at most twice its quiet time.

The flood comes over connections that the flooded tenant really has, so nothing of it is refused for what it is: each
message is decrypted, kept, handled and answered, as far as the tenant's share goes. The quiet time is measured in the
same run.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from acapy_agent.askar.didcomm.v1 import pack_message
from aries_askar import Key, KeyAlg
from tests.soak.flood import Flood, flooded
from tests.soak.test_floods import HEALTH_S, SLOWER, presenting, slowest_health, time_of
from tests.soak.village import Village
from tests.unit.runtime.correspondents import connect

from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.verifier.role import VerifierRole

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRIENDS = 40  # each of them may send 20 messages a second
QUERY = {
    "@type": "https://didcomm.org/discover-features/2.0/queries",
    "queries": [],
    "~transport": {"return_route": "all"},
}


@dataclass
class Host:
    """A village whose employer is the first tenant of a process that runs here, so that its wallet is at hand."""

    village: Village
    agent: RunningAgent


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Host]:
    village = Village(tmp_path_factory.mktemp("floods") / "village", centre={"registry_size": 64})
    try:
        await village.open()
        employer, role = village.employer, VerifierRole()
        await employer.stop()
        employer.write_config()
        agent = await start(load_config(employer.config_path, {}, role=role), role)
        try:
            await agent.wait_ready()
            await employer.post("/governance/refresh")
            yield Host(village, agent)
        finally:
            await agent.stop()
    finally:
        await village.machine.stop()


async def flood_over(agent: RunningAgent, tenant_id: str) -> Flood:
    """What those who have connections with a tenant send it."""
    tenant = await agent.tenants.enter(tenant_id)
    bodies = []
    for friend in range(FRIENDS):
        key = Key.generate(KeyAlg.ED25519)
        recipient, _ = await connect(tenant.profile, key)
        for number in range(25):
            content = json.dumps({**QUERY, "@id": f"{friend}-{number}"}).encode()
            bodies.append(pack_message([recipient], key, content))
    bodies = [bodies[number * 25 % len(bodies) + number // FRIENDS] for number in range(len(bodies))]
    return Flood(f"over {FRIENDS} connections", tuple(bodies), FRIENDS)


async def test_a_flood_over_one_tenant_holds_up_no_other(
    host: Host, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    village, agent = host.village, host.agent
    _, credential = await village.issue()
    exchange = presenting(credential)
    noisy = {"id": "noisy", "name": "Noisy", "roles": {"verifier": {}}}
    await village.employer.post("/v1/tenants", noisy)
    flood = await flood_over(agent, "noisy")
    await exchange(village)  # what is only done once is done
    quiet = await time_of(exchange, village)
    ended = asyncio.Event()
    async with flooded(village.employer, flood, tmp_path) as statuses:
        watching = asyncio.create_task(slowest_health(village.employer, ended))
        await asyncio.sleep(12)  # what may come at once has come
        loud = await time_of(exchange, village)
        ended.set()
        health = await watching
    tell(f"quiet {quiet:.2f} s, in the flood {loud:.2f} s, /health {health:.2f} s; answers {dict(statuses)}")
    assert statuses["200"] > 100  # it is handled, as far as the share goes
    assert statuses["503"] > 100
    assert health <= HEALTH_S
    assert loud <= SLOWER * quiet
