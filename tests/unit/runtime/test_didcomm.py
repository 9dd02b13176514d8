"""Traps 14 and 22: our transport is the one that ACA-Py loads, and it keeps before it acknowledges."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.error import ProfileError
from acapy_agent.messaging.base_handler import BaseHandler
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.trustping.v1_0.messages.ping import Ping
from acapy_agent.transport.inbound.base import BaseInboundTransport
from acapy_agent.utils.classloader import ClassLoader
from aries_askar import AskarError, AskarErrorCode
from tests.flow.tiny_role import TinyRole
from tests.unit.runtime.correspondents import Correspondent, connected_to
from tests.unit.runtime.envelopes import kept_by, leave_kept

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime import store
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.didcomm import MAX_ATTEMPTS, KeepingTransport, KeptEnvelope
from wanderbuch.agents.runtime.gate import kept
from wanderbuch.agents.runtime.gate.admission import BusyError
from wanderbuch.agents.runtime.gate.envelope import read_envelope
from wanderbuch.agents.runtime.store import StoreBusyError, StoreGuard, WalletManager, is_store_failure
from wanderbuch.plugins.exchange.sending import TakenIn
from wanderbuch.store.errors import LeaseBusyError, LeaseLostError, StoreUnreachableError


async def kept_on_disk(handle: AgentHandle) -> int:
    """How many envelopes the wallet of an agent that has stopped holds."""
    config = load_config(handle.config_path, {}, role=TinyRole())
    context = InjectionContext(settings={"ledger.disabled": True})
    profile = await WalletManager(config, StoreGuard(lambda _: None)).open(context, {})
    async with profile.session() as session:
        count: int = await session.handle.count(KeptEnvelope.category)
    await profile.close()
    return count


@pytest.fixture
async def peer(tiny_agent: RunningAgent) -> Correspondent:
    """Somebody with a live connection."""
    return await connected_to(tiny_agent)


def transport_of(agent: RunningAgent) -> KeepingTransport:
    return agent._transport


async def nothing_kept(agent: RunningAgent) -> None:
    async with asyncio.timeout(60):
        while await kept_by(agent):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_acapy_loads_our_transport_from_this_module() -> None:
    loaded = ClassLoader.load_subclass_of(BaseInboundTransport, "agents.runtime.didcomm", "wanderbuch")
    assert loaded is KeepingTransport


async def test_keeps_the_envelope_while_it_is_processed_and_removes_it_after(
    tiny_agent: RunningAgent, peer: Correspondent
) -> None:
    during: list[int] = []

    class Slow(BaseHandler):
        async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
            during.append(len(await kept_by(tiny_agent)))

    handler, Ping.Handler = Ping.Handler, Slow
    try:
        response = await transport_of(tiny_agent).receive(peer.envelope())
        assert response.status == 200
        await nothing_kept(tiny_agent)
    finally:
        Ping.Handler = handler
    assert during == [1]


async def test_a_handler_that_takes_too_long_is_cut_off(
    tiny_agent: RunningAgent, peer: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off: list[str] = []

    class Hangs(BaseHandler):
        async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cut_off.append(context.message._id)

    monkeypatch.setattr(Ping, "Handler", Hangs)
    monkeypatch.setattr(transport_of(tiny_agent).admission, "handler_s", lambda _: 0.1)
    assert (await transport_of(tiny_agent).receive(peer.envelope())).status == 200
    await nothing_kept(tiny_agent)
    assert len(cut_off) == 1


class _Waits(BaseHandler):
    """A handler that waits until it is let go."""

    go: asyncio.Event

    async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
        await self.go.wait()


@pytest.fixture
def waiting() -> Iterator[asyncio.Event]:
    """Makes the agent's ping handler wait for the event."""
    handler, Ping.Handler, _Waits.go = Ping.Handler, _Waits, asyncio.Event()
    yield _Waits.go
    Ping.Handler = handler


async def test_stopping_finishes_what_is_in_flight(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, peer: Correspondent, waiting: asyncio.Event
) -> None:
    await transport_of(tiny_agent).receive(peer.envelope())
    stopping = asyncio.create_task(tiny_agent.stop())
    await asyncio.sleep(0.1)
    assert not stopping.done()
    waiting.set()
    await stopping
    assert await kept_on_disk(tiny_handle) == 0


async def test_what_does_not_finish_before_the_deadline_stays_kept(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, peer: Correspondent, waiting: asyncio.Event
) -> None:
    """ACA-Py cancels the handler and then calls its message processed."""
    await transport_of(tiny_agent).receive(peer.envelope())
    await tiny_agent.stop(drain_s=0.1)
    assert not waiting.is_set()
    assert await kept_on_disk(tiny_handle) == 1


async def test_keeps_without_processing_while_held_and_replays_later(
    tiny_agent: RunningAgent, peer: Correspondent
) -> None:
    transport = transport_of(tiny_agent)
    transport.hold()
    assert (await transport.receive(peer.envelope())).status == 200
    (left,) = await kept_by(tiny_agent)
    assert "protected" in json.loads(left.envelope)  # still encrypted
    transport.open()
    await transport.replay()
    await nothing_kept(tiny_agent)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b'{"@type": "https://didcomm.org/trust_ping/1.0/ping", "@id": "1"}',
        b'{"protected": "e30", "iv": "", "ciphertext": "", "tag": ""}',
    ],
)
async def test_refuses_what_is_not_encrypted_to_us_and_keeps_nothing(tiny_agent: RunningAgent, body: bytes) -> None:
    assert (await transport_of(tiny_agent).receive(body)).status == 400
    assert await kept_by(tiny_agent) == []


async def test_takes_no_more_while_too_much_waits(
    tiny_agent: RunningAgent, peer: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, body = transport_of(tiny_agent), peer.envelope()
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", kept.padded_bytes(len(body)) + 1)
    transport.hold()
    assert (await transport.receive(body)).status == 200
    assert (await transport.receive(peer.envelope())).status == 503
    assert len(await kept_by(tiny_agent)) == 1
    transport.open()
    await transport.replay()
    await nothing_kept(tiny_agent)
    assert (await transport.receive(peer.envelope())).status == 200


@pytest.mark.parametrize("error", [RuntimeError("a bug"), TypeError("a bug"), KeyError("x"), TimeoutError()])
async def test_whatever_a_handler_fails_with_ends_its_envelope(
    tiny_agent: RunningAgent, peer: Correspondent, error: Exception
) -> None:
    class Broken(BaseHandler):
        async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
            raise error

    handler, Ping.Handler = Ping.Handler, Broken
    try:
        assert (await transport_of(tiny_agent).receive(peer.envelope())).status == 200
        await nothing_kept(tiny_agent)
    finally:
        Ping.Handler = handler
    assert transport_of(tiny_agent).tally.counts["didcomm.failed"] == 1


async def test_what_was_not_handled_because_the_store_failed_is_handled_again(
    tiny_agent: RunningAgent, peer: Correspondent
) -> None:
    """ACA-Py calls it processed."""
    transport, tries = transport_of(tiny_agent), 0
    locked = AskarError(AskarErrorCode.BACKEND, "database is locked")

    class Unlucky(BaseHandler):
        async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise ProfileError("Error opening store session") from locked

    handler, Ping.Handler = Ping.Handler, Unlucky
    try:
        await transport.receive(peer.envelope())
        async with asyncio.timeout(60):
            while transport.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        (left,) = await kept_by(tiny_agent)
        await transport.replay()
        await nothing_kept(tiny_agent)
    finally:
        Ping.Handler = handler
    assert (tries, left.attempts) == (2, 0)


@pytest.mark.parametrize(
    "failure", [StoreBusyError("busy"), AskarError(AskarErrorCode.BACKEND, "x"), StoreUnreachableError("away")]
)
async def test_what_a_mediator_kept_is_not_done_while_the_store_fails(
    tiny_agent: RunningAgent, peer: Correspondent, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    transport = transport_of(tiny_agent)

    async def fails(*_: object) -> None:
        raise failure

    with monkeypatch.context() as away:
        away.setattr(transport._kept, "keep", fails)
        assert await transport.take_in(peer.envelope()) == TakenIn(is_done=False)
    assert (await transport.take_in(peer.envelope())).is_done
    await nothing_kept(tiny_agent)
    monkeypatch.setattr(tiny_agent.profile.inject(StoreGuard), "fatal", "the disk is full")
    assert await transport.take_in(peer.envelope()) == TakenIn(is_done=False)


async def test_what_a_mediator_kept_beyond_a_senders_budget_is_told_with_our_key(
    tiny_agent: RunningAgent, peer: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = transport_of(tiny_agent)

    def refuses(*_: object, **__: object) -> None:
        raise BusyError("too many messages")

    monkeypatch.setattr(transport.admission, "enter", refuses)
    envelope = peer.envelope()
    (ours,) = read_envelope(envelope, max_bytes=len(envelope)).recipients
    assert await transport.take_in(envelope) == TakenIn(is_done=False, over=ours.key)
    transport.hold()
    assert await transport.take_in(envelope) == TakenIn(is_done=False)


def test_tells_a_store_that_failed_from_one_that_said_no() -> None:
    for code, failed in (
        (AskarErrorCode.BUSY, True),
        (AskarErrorCode.BACKEND, True),
        (AskarErrorCode.NOT_FOUND, False),
    ):
        assert is_store_failure(AskarError(code, "x")) is failed
    assert not is_store_failure(ValueError("x"))


@pytest.mark.parametrize("passing", [StoreUnreachableError, LeaseBusyError, LeaseLostError, StoreBusyError])
def test_a_store_that_failed_is_seen_behind_what_others_made_of_it(passing: type[Exception]) -> None:
    """What ACA-Py made of it is what a request ends with: it was a 500, where "ask again" is true."""
    told = ProfileError("no session")
    told.__cause__ = passing("x")
    assert is_store_failure(told)


async def test_what_found_no_turn_in_the_store_is_handled_again(
    tiny_agent: RunningAgent, peer: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, done = transport_of(tiny_agent), 0

    class Writes(BaseHandler):
        async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
            nonlocal done
            async with context.profile.transaction():
                done += 1

    monkeypatch.setattr(store, "_TURN_S", 0.1)
    monkeypatch.setattr(Ping, "Handler", Writes)
    async with tiny_agent.profile.turn:  # somebody's transaction takes its time
        await transport.receive(peer.envelope())
        async with asyncio.timeout(60):
            while transport.in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert (done, len(await kept_by(tiny_agent))) == (0, 1)
    await transport.replay()
    await nothing_kept(tiny_agent)
    assert done == 1


async def left_by_an_earlier_process(agent: RunningAgent, *envelopes: str, attempts: int = 0) -> None:
    """Put envelopes into the store as a process that ended before it was done with them."""
    await transport_of(agent).replay()  # the start's own may still run, and would note the tenant as counted
    transport_of(agent).hold()
    for envelope in envelopes:
        await leave_kept(agent, envelope, attempts=attempts)
    transport_of(agent)._counted.clear()
    transport_of(agent).open()


async def test_what_was_begun_too_often_is_deleted(tiny_agent: RunningAgent, peer: Correspondent) -> None:
    await left_by_an_earlier_process(tiny_agent, peer.envelope().decode(), attempts=MAX_ATTEMPTS)
    await transport_of(tiny_agent).replay()
    assert await kept_by(tiny_agent) == []


async def test_what_was_begun_less_often_is_handled(tiny_agent: RunningAgent, peer: Correspondent) -> None:
    handled = asyncio.Event()

    class Notes(BaseHandler):
        async def handle(self, context: RequestContext, responder: BaseResponder) -> None:
            handled.set()

    await left_by_an_earlier_process(tiny_agent, peer.envelope().decode(), attempts=MAX_ATTEMPTS - 1)
    handler, Ping.Handler = Ping.Handler, Notes
    try:
        await transport_of(tiny_agent).replay()
    finally:
        Ping.Handler = handler
    assert handled.is_set()
    await nothing_kept(tiny_agent)


@pytest.mark.parametrize("envelope", ['{"protected": "e30"}', "", "[" * 100_000, "no JSON", '{"protected": {"a": []}}'])
async def test_forgets_an_envelope_that_nobody_can_open(tiny_agent: RunningAgent, envelope: str) -> None:
    await left_by_an_earlier_process(tiny_agent, envelope)
    await transport_of(tiny_agent).replay()
    assert await kept_by(tiny_agent) == []


async def test_forgets_what_is_no_envelope_at_all(tiny_agent: RunningAgent) -> None:
    async with tiny_agent.profile.session() as session:
        await session.handle.insert(KeptEnvelope.category, "odd", "{}")
    await left_by_an_earlier_process(tiny_agent)
    await transport_of(tiny_agent).replay()
    async with tiny_agent.profile.session() as session:
        assert await session.handle.count(KeptEnvelope.category) == 0


async def test_what_an_earlier_process_left_counts_against_the_room_there_is(
    tiny_agent: RunningAgent, peer: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, body = transport_of(tiny_agent), peer.envelope()
    monkeypatch.setattr(kept, "MAX_KEPT_BYTES", kept.padded_bytes(len(body)) + 1)
    await left_by_an_earlier_process(tiny_agent, body.decode())
    await transport._kept.count("default")
    assert (await transport.receive(peer.envelope())).status == 503
    await transport.replay()
    assert (await transport.receive(peer.envelope())).status == 200


async def test_what_is_replayed_does_not_decide_whether_or_when_an_agent_is_ready(
    tiny_agent: RunningAgent, tiny_handle: AgentHandle, peer: Correspondent, waiting: asyncio.Event
) -> None:
    envelopes = [peer.envelope().decode() for _ in range(20)]
    for envelope in envelopes:
        await leave_kept(tiny_agent, envelope)
    await tiny_agent.stop()
    role = TinyRole()
    again = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    try:
        await asyncio.wait_for(again.wait_ready(), 20)
        async with asyncio.timeout(60):
            while not transport_of(again).in_flight:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await again.look()).ready
        waiting.set()
        await nothing_kept(again)
    finally:
        await again.stop()


async def test_an_authority_that_is_silent_keeps_nobody_from_being_ready(
    tiny_handle: AgentHandle, machine: LocalMachine
) -> None:
    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    machine.reach("authority.wanderbuch.test", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    author = "did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.wanderbuch.test:org"
    tiny_handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": author})
    tiny_handle.write_config()
    role = TinyRole()
    agent = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    assert agent.tenant.governance is not None
    agent.tenant.governance.config = replace(agent.tenant.governance.config, timeout_s=0.2)
    try:
        await asyncio.wait_for(agent.wait_ready(), 20)
        assert not (await agent.look()).checks["governance"]
    finally:
        await agent.stop()
        server.close()
