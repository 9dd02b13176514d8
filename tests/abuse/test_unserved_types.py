"""What a role does not serve is refused by the running role before a handler or a record exists, whoever sends it.

Each case comes over a live connection, names an open invitation, and has either prefix.
"""

import importlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.unit.runtime.correspondents import (
    connected_to,
    invitation_of,
    known_on_our_path,
    refuse_without_waiting,
    stranger_to,
)
from tests.unit.runtime.gate.test_served import NOBODY_SERVES

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.gate.served import TABLE, Served

pytestmark = [pytest.mark.agents, pytest.mark.asyncio(loop_scope="module")]

AUTHOR = "did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.wanderbuch.test:org"
PREFIXES = ("https://didcomm.org", "did:sov:BzCbsNYhMrjHiqZDTUASHg;spec")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["issuer", "holder", "verifier", "authority"])
async def agent(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningAgent]:
    """A role that runs; there is no authority to be reached, which keeps nobody from receiving messages."""
    machine = LocalMachine(tmp_path_factory.mktemp(request.param) / "machine")
    role = importlib.import_module(f"wanderbuch.agents.{request.param}.role").ROLE
    handle = machine.add(request.param, "Somebody", f"{request.param}.wanderbuch.test")
    if request.param == "authority":
        handle.configure(authority={"ecosystem": "lanka"})
    else:
        handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": AUTHOR})
        machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    handle.write_config()
    running = await start(load_config(handle.config_path, {}, role=role), role)
    await running.wait_ready()
    refuse_without_waiting(running)
    yield running
    await running.stop()


async def records_of(agent: RunningAgent) -> dict[str, int]:
    """How many records of each kind the wallet holds, but for those that these tests make."""
    counts: dict[str, int] = {}
    async for entry in agent.profile.store.scan(None):
        counts[entry.category] = counts.get(entry.category, 0) + 1
    return counts


def message(message_type: str, invitation_id: str) -> dict[str, Any]:
    thread = {"thid": "t", "pthid": invitation_id}
    return {"@type": message_type, "@id": "1", "~thread": thread, "~transport": {"return_route": "all"}}


async def test_refuses_every_type_that_it_does_not_serve(agent: RunningAgent) -> None:
    served = Served(agent.role.speaks)
    unserved = [name for name in (*TABLE, *NOBODY_SERVES) if name not in served.rows]
    peer, invitation_id = await connected_to(agent), await invitation_of(agent)
    before, started = await records_of(agent), agent._conductor.dispatcher.task_queue.total_started
    taken = []
    for name in unserved:
        for prefix in PREFIXES:
            answer = await agent._transport.receive(peer.envelope(message(f"{prefix}/{name}", invitation_id)))
            if answer.status != 400 or answer.body:
                taken.append((name, answer.status))
    assert len(unserved) > len(NOBODY_SERVES)
    assert taken == []
    assert await records_of(agent) == before
    assert agent._conductor.dispatcher.task_queue.total_started == started


async def test_takes_what_it_serves_over_a_connection_and_nothing_from_nobody(agent: RunningAgent) -> None:
    served = Served(agent.role.speaks)
    peer, stranger, invitation_id = await connected_to(agent), await stranger_to(agent), await invitation_of(agent)
    await known_on_our_path(peer)
    wrong = []
    for name in served.rows:
        kind = f"https://didcomm.org/{name}"
        known = (await agent._transport.receive(peer.envelope(message(kind, invitation_id)))).status
        unknown = (await agent._transport.receive(stranger.envelope({"@type": kind, "@id": "1"}))).status
        if (known, unknown) != (200, 400):
            wrong.append((name, known, unknown))
    assert wrong == []
    assert bool(served.rows) == bool(agent.role.speaks)
