"""A malformed message of any type that we handle gets a problem report or silence: never a record, never a 500.

It comes by the transport of a running agent, over a live connection or with another's key, and names no exchange of
ours. Exceptions that nobody expected would stand in the log as errors.
"""

import asyncio
import importlib
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.abuse.malformed import EXAMPLES, example, malformed
from tests.unit.runtime.correspondents import (
    Correspondent,
    connected_to,
    known_on_our_path,
    refuse_without_waiting,
)

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.role import Role

pytestmark = pytest.mark.agents

AUTHOR = "did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.wanderbuch.test:org"
ROLES = ("issuer", "holder", "verifier")
NOWHERE = "0c2f8a52-11d1-4f0e-8a4b-1a1b1c1d1e1f"
EXAMPLES_A_TYPE = 40


class Errors(logging.Handler):
    """What was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()} {record.exc_info}")


@dataclass(frozen=True, slots=True)
class Scene:
    """A role that runs, and who writes to it: somebody with a connection, and who only knows the same key."""

    agent: RunningAgent
    peer: Correspondent
    stranger: Correspondent

    async def send(self, content: bytes, *, is_strangers: bool) -> int:
        sender = self.stranger if is_strangers else self.peer
        answer = await self.agent._transport.receive(sender.envelope(content))
        return answer.status

    async def counts(self) -> Counter[str]:
        """Return how many entries of each category the store holds, once nothing is in flight."""
        async with asyncio.timeout(30):
            while self.agent._transport.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        found: Counter[str] = Counter()
        async for entry in self.agent.profile.store.scan(None):
            found[entry.category] += 1
        return found


def role_named(name: str) -> Role:
    role: Role = importlib.import_module(f"wanderbuch.agents.{name}.role").ROLE
    return role


def cases() -> list[Any]:
    return [
        pytest.param(name, kind, id=f"{name}-{kind}") for name in ROLES for kind in sorted(role_named(name).handlers)
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scenes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Scene]]:
    """Every role that handles messages itself; no authority can be reached, which keeps nobody from receiving."""
    machine = LocalMachine(tmp_path_factory.mktemp("machine"))
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    running: dict[str, Scene] = {}
    for name in [each for each in ROLES if role_named(each).handlers]:
        role, handle = role_named(name), machine.add(name, "Somebody", f"{name}.wanderbuch.test")
        handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": AUTHOR})
        handle.write_config()
        agent = await start(load_config(handle.config_path, {}, role=role), role)
        await agent.wait_ready()
        refuse_without_waiting(agent)
        peer = await connected_to(agent)
        running[name] = Scene(agent, peer, Correspondent(agent, peer.recipient))
        await known_on_our_path(peer)
    yield running
    for scene in running.values():
        await scene.agent.stop()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "kind"), cases())
@settings(
    max_examples=EXAMPLES_A_TYPE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(data=st.data())
async def test_malformed_message_leaves_nothing(
    scenes: dict[str, Scene], name: str, kind: str, data: st.DataObject
) -> None:
    scene, errors = scenes[name], Errors()
    message = data.draw(malformed(kind, (NOWHERE, "t")))
    before = await scene.counts()
    logging.getLogger().addHandler(errors)
    try:
        status = await scene.send(message.content, is_strangers=message.is_strangers)
        after = await scene.counts()
    finally:
        logging.getLogger().removeHandler(errors)
    assert status in (200, 400)
    assert after - before == Counter()
    assert before - after == Counter()
    assert errors.lines == []


def test_every_type_that_we_handle_is_among_the_examples() -> None:
    handled = {kind for name in ROLES for kind in role_named(name).handlers}
    assert handled
    assert {f"{kind.split('/')[0]}/{kind.split('/')[2]}" for kind in handled} <= set(EXAMPLES)


@pytest.mark.asyncio(loop_scope="module")
async def test_well_formed_neighbour_leaves_a_record(scenes: dict[str, Scene]) -> None:
    scene, message = scenes["holder"], example("present-proof/2.0/request-presentation", {"thid": NOWHERE})
    before = await scene.counts()
    assert await scene.send(json.dumps(message).encode(), is_strangers=False) == 200
    assert (await scene.counts() - before).total() == 1
