"""Two whole agents on one PostgreSQL: a message may come at either, and what one leaves the other handles."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from acapy_agent.messaging.base_handler import BaseHandler
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.trustping.v1_0.messages.ping import Ping
from tests.flow.tiny_role import TinyRole
from tests.postgresql import Database
from tests.unit.runtime.correspondents import Correspondent, connected_to
from tests.unit.runtime.envelopes import kept_by, leave_kept

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.needs("postgresql")


class _Notes(BaseHandler):
    """A handler that notes whose agent handles what."""

    handled: list[tuple[int, str]]

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        self.handled.append((id(context.profile.opened), context.message._id))


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    _Notes.handled = []
    monkeypatch.setattr(Ping, "Handler", _Notes)
    return _Notes.handled


async def _run(handle: AgentHandle) -> RunningAgent:
    role = TinyRole()
    agent = await start(load_config(handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    return agent


@pytest.fixture
async def agents(machine: LocalMachine, database: Database) -> AsyncIterator[list[RunningAgent]]:
    """Two processes of one agent."""
    handles = [machine.add("tiny", "Tiny", f"tiny{number}.wanderbuch.test") for number in range(2)]
    for handle in handles:
        handle.use_store(database.url, database.password)
        handle.configure(
            public={"host": handles[0].host, "folder": str(handles[0].folder / "public")},
            wallet={"key_file": str(handles[0].folder / "wallet.key")},
        )
        handle.write_config()
    running = list(await asyncio.gather(*(_run(handle) for handle in handles)))
    yield running
    for agent in running:
        await agent.stop(drain_s=0.1)


@pytest.fixture
async def peer(agents: list[RunningAgent]) -> Correspondent:
    """Somebody with a live connection, which the first process has made."""
    return await connected_to(agents[0])


async def nothing_left(agent: RunningAgent) -> None:
    engine = tables_of(agent.profile).engine
    async with asyncio.timeout(60):
        while await kept_by(agent) or await engine.run("SELECT id FROM envelope"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_message_comes_at_either_and_nothing_is_left_of_it(
    agents: list[RunningAgent], peer: Correspondent, handled: list[tuple[int, str]]
) -> None:
    for agent in agents:
        assert (await agent._transport.receive(peer.envelope())).status == 200
    await nothing_left(agents[0])
    assert {who for who, _ in handled} == {id(agent.profile.opened) for agent in agents}
    assert len(handled) == 2


async def test_what_a_process_that_ends_has_acknowledged_the_other_handles(
    agents: list[RunningAgent], peer: Correspondent, handled: list[tuple[int, str]]
) -> None:
    ending, left = agents
    ending._transport.hold()
    for _ in range(5):
        assert (await ending._transport.receive(peer.envelope())).status == 200
    assert handled == []
    await ending.stop()
    await nothing_left(left)
    assert [who for who, _ in handled] == [id(left.profile.opened)] * 5
    assert len({message for _, message in handled}) == 5


async def test_what_a_killed_process_has_acknowledged_one_of_those_left_handles(
    agents: list[RunningAgent], peer: Correspondent, handled: list[tuple[int, str]]
) -> None:
    """Its time is over: it renews nothing any more."""
    await leave_kept(agents[0], peer.envelope().decode())
    (envelope,) = await kept_by(agents[0])
    await tables_of(agents[0].profile).engine.run(
        "INSERT INTO envelope (id, tenant, size, owner, until, at) VALUES (?, 'default', 1, 'killed', 1, 1)",
        envelope.id,
    )
    await asyncio.gather(*(agent._transport.replay() for agent in agents))
    await nothing_left(agents[0])
    assert len(handled) == 1
