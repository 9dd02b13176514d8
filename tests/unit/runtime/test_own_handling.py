"""Messages that a role handles itself: acknowledged when the handler has committed, kept first if that takes long."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from aries_askar import AskarError, AskarErrorCode
from tests.flow.tiny_role import TinyOffice, TinyRole
from tests.unit.runtime.correspondents import (
    PING,
    Correspondent,
    connected_to,
    refuse_without_waiting,
    stranger_to,
    verkey_of,
)
from tests.unit.runtime.envelopes import kept_by

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime import didcomm
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.gate.admission import BusyError, Ticket
from wanderbuch.agents.runtime.gate.brake import Brake
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.channel import QUEUE, Channel
from wanderbuch.plugins.exchange.handling import Handler
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.plugins.exchange.sending import Sending

type Step = Callable[[Incoming], Awaitable[bool]]


@dataclass
class Taking:
    """What the handler of the test's role does, and what it was given."""

    threads: set[str] = field(default_factory=set)
    taken: list[Incoming] = field(default_factory=list)
    step: Step | None = None

    async def knows(self, incoming: Incoming) -> bool:
        return incoming.thread_id in self.threads

    async def take(self, office: Any, incoming: Incoming) -> bool:
        assert isinstance(office, TinyOffice)
        self.taken.append(incoming)
        return True if self.step is None else await self.step(incoming)


@pytest.fixture
def taking() -> Taking:
    return Taking()


def role_of(taking: Taking) -> TinyRole:
    role = TinyRole()
    role.handlers = {"trust_ping/1.0/ping": Handler(taking.take, taking.knows)}  # type: ignore[misc]
    return role


@pytest.fixture
async def agent(tiny_handle: AgentHandle, taking: Taking) -> AsyncIterator[RunningAgent]:
    role = role_of(taking)
    running = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    await running.wait_ready()
    refuse_without_waiting(running)
    yield running
    await running.stop()


@pytest.fixture
async def known(agent: RunningAgent, taking: Taking) -> Correspondent:
    """Somebody whose thread is known."""
    taking.threads.add("ours")
    # A ping demands a connection; what a role knows stands for an exchange.
    return await stranger_to(agent)


def ping(**members: Any) -> dict[str, Any]:
    return {"@type": PING, "@id": str(uuid4()), "~thread": {"thid": "ours"}, **members}


@pytest.fixture(autouse=True)
def _an_exchange_is_near_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    from wanderbuch.agents.runtime.gate import served

    row = served.TABLE["trust_ping/1.0/ping"]
    near = served.Row(row.by, served.Nearness.EXCHANGE, row.max_bytes)
    table = {**served.TABLE, "trust_ping/1.0/ping": near}
    monkeypatch.setattr(served.Served.__init__, "__defaults__", (table,))


async def test_acknowledges_when_the_handler_has_ended_and_keeps_nothing(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    during: list[int] = []

    async def step(_: Incoming) -> bool:
        during.append(len(await kept_by(agent)))
        return True

    taking.step = step
    assert (await agent._transport.receive(known.envelope(ping()))).status == 200
    assert during == [0]
    assert [(incoming.kind, incoming.thread_id, incoming.sender is not None) for incoming in taking.taken] == [
        ("trust_ping/1.0/ping", "ours", True)
    ]


async def test_refuses_a_thread_that_no_role_knows(agent: RunningAgent, known: Correspondent, taking: Taking) -> None:
    other = ping() | {"~thread": {"thid": "another"}}
    assert (await agent._transport.receive(known.envelope(other))).status == 400
    assert taking.taken == []


async def test_what_takes_long_is_kept_before_it_is_acknowledged_and_gone_when_it_has_ended(
    agent: RunningAgent, known: Correspondent, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(didcomm, "_AT_ONCE_S", 0.05)
    go = asyncio.Event()

    async def step(_: Incoming) -> bool:
        await go.wait()
        return True

    taking.step = step
    assert (await agent._transport.receive(known.envelope(ping()))).status == 200
    assert len(await kept_by(agent)) == 1
    go.set()
    async with asyncio.timeout(60):
        while await kept_by(agent):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(taking.taken) == 1


async def test_what_was_cut_off_by_the_end_is_taken_again_after_the_next_start(
    agent: RunningAgent,
    known: Correspondent,
    taking: Taking,
    tiny_handle: AgentHandle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(didcomm, "_AT_ONCE_S", 0.05)

    async def hangs(_: Incoming) -> bool:
        await asyncio.Event().wait()
        return True

    taking.step = hangs
    assert (await agent._transport.receive(known.envelope(ping()))).status == 200
    await agent.stop(drain_s=0.1)
    taking.step = None
    role = role_of(taking)
    again = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    try:
        await again.wait_ready()
        async with asyncio.timeout(60):
            while len(taking.taken) < 2 or await kept_by(again):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await again.stop()
    assert taking.taken[0].id == taking.taken[1].id


async def test_a_store_that_does_not_answer_is_told_to_the_sender_who_comes_again(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    async def fails(_: Incoming) -> bool:
        raise AskarError(AskarErrorCode.BUSY, "busy")

    taking.step = fails
    answer = await agent._transport.receive(known.envelope(ping()))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert await kept_by(agent) == []
    taking.step = None
    assert (await agent._transport.receive(known.envelope(ping()))).status == 200


@pytest.mark.parametrize("error", [ExchangeError("not so"), ValueError("a fault of ours")])
async def test_what_a_handler_refuses_is_over_and_its_sender_learns_nothing(
    agent: RunningAgent, known: Correspondent, taking: Taking, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuses(_: Incoming) -> bool:
        raise error

    taking.step = refuses
    with caplog.at_level(logging.INFO):
        answer = await agent._transport.receive(known.envelope(ping()))
    assert (answer.status, answer.body) == (200, None)
    assert await kept_by(agent) == []
    assert any(record.levelno == logging.ERROR for record in caplog.records) is isinstance(error, ValueError)


async def test_an_agent_that_is_not_ready_keeps_what_comes(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    agent._transport.hold()
    assert (await agent._transport.receive(known.envelope(ping()))).status == 200
    assert (len(await kept_by(agent)), taking.taken) == (1, [])
    agent._transport.open()
    await agent._transport.replay()
    assert (len(await kept_by(agent)), len(taking.taken)) == (0, 1)


async def answers(incoming: Incoming, *, to: str | None = None) -> bool:
    channel = Channel(incoming.recipient, to or str(incoming.sender), QUEUE)
    reply = {"@type": PING, "@id": "reply", "~thread": {"thid": incoming.thread_id}}
    await incoming.profile.inject(Sending).answer(incoming, channel, reply)
    return True


async def test_a_sender_that_waits_gets_the_reply(agent: RunningAgent, known: Correspondent, taking: Taking) -> None:
    taking.step = answers
    waits = ping() | {"~transport": {"return_route": "all"}}
    answer = await agent._transport.receive(known.envelope(waits))
    assert isinstance(answer.body, bytes)
    assert json.loads(known.opened(answer.body))["@id"] == "reply"


async def test_what_comes_in_an_answer_is_heard_like_what_is_posted(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    hears = agent.profile.inject(Sending).hears
    assert hears is not None
    await hears(known.envelope(ping()))
    assert len(taking.taken) == 1
    await hears(known.envelope(ping(**{"~thread": {"thid": "not ours"}})))
    await hears(b"no envelope")
    assert len(taking.taken) == 1  # it passes the gate, or it does not
    assert await kept_by(agent) == []


async def test_what_comes_in_an_answer_has_no_way_back_of_its_own(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    taking.step = answers
    waits = ping() | {"~transport": {"return_route": "all"}}
    await agent._transport.hear(known.envelope(waits))
    assert not taking.taken[0].way_back.is_open
    answer = await agent._transport.receive(known.envelope(waits))  # so the reply is still there
    assert isinstance(answer.body, bytes)


async def test_what_comes_in_an_answer_waits_until_there_is_room(
    agent: RunningAgent, known: Correspondent, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(didcomm, "_HEAR_AGAIN_S", (0.0, 0.0))
    enter, left = agent._transport.admission.enter, [1, 1]

    def full(*args: Any, **how: Any) -> Ticket:
        if left:
            left.pop()
            raise BusyError("full")
        return enter(*args, **how)

    monkeypatch.setattr(agent._transport.admission, "enter", full)
    await agent._transport.hear(known.envelope(ping()))
    assert len(taking.taken) == 1
    left.extend([1, 1, 1])
    await agent._transport.hear(known.envelope(ping()))  # given up: its sender sends it again
    assert (len(taking.taken), left) == (1, [])


async def test_an_agent_that_stops_asks_for_no_answers(agent: RunningAgent) -> None:
    sending = agent.profile.inject(Sending)
    await agent._transport.stop()
    assert sending.hears is None


async def test_what_had_no_way_to_a_sender_is_there_when_it_waits_next(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    taking.step = answers
    assert (await agent._transport.receive(known.envelope(ping()))).body is None
    taking.step = None
    other = await stranger_to(agent)
    waits = ping() | {"~transport": {"return_route": "all"}}
    assert (await agent._transport.receive(other.envelope(waits))).body is None  # it is not for them
    answer = await agent._transport.receive(known.envelope(waits))
    assert isinstance(answer.body, bytes)
    assert json.loads(known.opened(answer.body))["@id"] == "reply"
    assert (await agent._transport.receive(known.envelope(waits))).body is None


async def test_a_reply_for_somebody_else_does_not_go_to_the_sender(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    other = await stranger_to(agent)

    async def step(incoming: Incoming) -> bool:
        return await answers(incoming, to=verkey_of(other.key))

    taking.step = step
    waits = ping() | {"~transport": {"return_route": "all"}}
    assert (await agent._transport.receive(known.envelope(waits))).body is None


async def test_a_role_that_does_not_have_the_message_leaves_it_to_the_next(
    agent: RunningAgent, known: Correspondent, taking: Taking
) -> None:
    async def not_mine(_: Incoming) -> bool:
        return False

    taking.step = not_mine
    assert (await agent._transport.receive(known.envelope(ping()))).status == 200
    assert await kept_by(agent) == []


async def test_a_poll_for_acapy_gets_what_waits_first_and_its_own_answer_at_the_next(
    tiny_agent: RunningAgent,
) -> None:
    """A wallet without an address asks with a ping, which ACA-Py's dispatcher answers."""
    peer = await connected_to(tiny_agent)
    channel = Channel(peer.recipient, verkey_of(peer.key), QUEUE)
    await tiny_agent.profile.inject(Sending).send_soon(tiny_agent.profile, channel, {"@type": PING, "@id": "waits"})
    told = []
    for response_requested in (True, False):
        poll = {"@type": PING, "@id": str(uuid4()), "response_requested": response_requested}
        answer = await tiny_agent._transport.receive(peer.envelope(poll | {"~transport": {"return_route": "all"}}))
        assert isinstance(answer.body, bytes)
        told.append(json.loads(peer.opened(answer.body)))
    assert told[0]["@id"] == "waits"
    assert told[1]["@type"].endswith("/ping_response")


async def test_replies_that_are_refused_slow_nobody_down(agent: RunningAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    brake = Brake()
    monkeypatch.setattr(agent._transport, "_brake", brake)
    await asyncio.gather(*(agent._transport.hear(b"no envelope") for _ in range(1_000)))
    assert brake.refused(0) < 0.1  # what others are told to wait
