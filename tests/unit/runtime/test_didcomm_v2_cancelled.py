"""Whoever hangs up, or is cancelled, at any wait of DIDComm v2 leaves nothing held: no place, question, connection.

What is fetched of a host is shared by all who wait for it, so that goes on to its own end.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from acapy_agent.core.profile import Profile
from aiohttp import web
from tests.interop.didcomm_peer import mailbox
from tests.unit.runtime.cancelling import at_each_wait
from tests.unit.runtime.envelopes import kept_by
from tests.unit.runtime.test_didcomm_v2_asking import ENDPOINT, PEER, Town, _town
from tests.unit.runtime.v2_correspondents import NETWORK, PING, RESPONSE, V2Correspondent

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.gate.room import Room
from wanderbuch.plugins.exchange.v2.asking import V2Asking
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.http import lanes
from wanderbuch.plugins.webvh.own import own_did

SCID = "QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT"
MANY = 4  # fewer waits than that, and the test looks at something else


@pytest.fixture
async def town(machine: LocalMachine, tiny_handle: AgentHandle) -> AsyncIterator[Town]:
    async with _town(machine, tiny_handle) as made:
        yield made


def forget(town: Town) -> None:
    """Have nothing at hand, so that everything is waited for."""
    agent = town.agent
    agent._keys.forget(agent.tenant.id)
    agent._contacts._peers.clear()
    agent._contacts._resolved.clear()
    agent._v2_keys.changed(agent.tenant.did)


def held_by(room: Room) -> tuple[int, int, int]:
    return len(room._tenants), room._bytes, room._running


async def assert_nothing_is_held(town: Town) -> None:
    agent, transport = town.agent, town.agent._transport
    beside = (*agent._v2_sending._beside, *agent.documents._documents._loading.values())
    await asyncio.gather(*beside, return_exceptions=True)
    for room in (transport._v2._looking, transport.admission._known, transport.admission._unknown):
        assert held_by(room) == (0, 0, 0)
    lane = agent.edge._strangers
    assert (dict(lane._by_host), lane._free._value) == ({}, lanes._PLACES)
    assert not agent.profile.inject(V2Asking)._waiting
    for session in agent.edge._sessions.by_lane.values():
        assert session.connector is not None
        assert not session.connector._acquired  # type: ignore[attr-defined]  # aiohttp tells it nowhere else
    assert not agent._v2_sending._beside
    assert not await kept_by(agent)


async def test_a_message_that_is_answered_on_the_connection_holds_nothing_when_it_is_cut(town: Town) -> None:
    alice = V2Correspondent()
    packed, rounds = alice.packed(alice.message(), town.contact), 0
    async for work in at_each_wait():
        forget(town)
        answer = await work.cut(town.agent._transport.receive(packed, NETWORK))
        await assert_nothing_is_held(town)
        rounds += 1
    assert isinstance(answer, web.Response)
    assert (answer.status, rounds >= MANY) == (200, True)


async def test_a_message_whose_answer_is_delivered_beside_holds_nothing_when_it_is_cut(town: Town) -> None:
    alice, came = V2Correspondent(endpoint=ENDPOINT), list[bytes]()
    packed = alice.packed(alice.message(return_route="none"), town.contact)

    async def take(answer: bytes) -> None:
        came.append(answer)

    async with mailbox(town.machine, PEER, town.port, take):
        async for work in at_each_wait():
            forget(town)
            answer = await work.cut(town.agent._transport.receive(packed, NETWORK))
            await assert_nothing_is_held(town)
    assert isinstance(answer, web.Response)
    assert answer.status == 202
    assert alice.opened(came[-1], town.contact).type == RESPONSE


async def test_a_message_whose_senders_host_is_asked_holds_nothing_when_it_is_cut(town: Town) -> None:
    alice, rounds = V2Correspondent(), 0
    alice.did = f"did:webvh:{SCID}:{PEER}:alice"
    packed = alice.packed(alice.message(), town.contact)

    async def take(_: bytes) -> None:
        return None

    async with mailbox(town.machine, PEER, town.port, take):  # where there is no such log
        async for work in at_each_wait():
            forget(town)
            answer = await work.cut(town.agent._transport.receive(packed, NETWORK))
            await assert_nothing_is_held(town)
            rounds += 1
    assert isinstance(answer, web.Response)
    assert (answer.status in (400, 503), rounds >= MANY) == (True, True)


async def test_a_question_holds_nothing_when_it_is_cut(town: Town) -> None:
    peer, rounds = V2Correspondent(endpoint=ENDPOINT), 0
    agent, own = town.agent, await own_did(town.agent.profile, town.agent.tenant.did)
    assert own is not None

    async def take(packed: bytes) -> bytes:
        ping = peer.opened(packed, town.contact)
        return peer.packed(peer.message(RESPONSE, thid=ping.id), town.contact)

    async with mailbox(town.machine, PEER, town.port, take):
        async for work in at_each_wait():
            forget(town)
            asking = agent.profile.inject(V2Asking)
            answer = await work.cut(asking.ask(agent.profile, own.agreement_keys, peer.did, PING, {}))
            await assert_nothing_is_held(town)
            rounds += 1
    assert isinstance(answer, Plaintext)
    assert (answer.type, rounds >= MANY) == (RESPONSE, True)


async def test_a_question_that_waits_for_its_answer_holds_nothing_when_it_is_cut(town: Town) -> None:
    peer, own = V2Correspondent(endpoint=ENDPOINT), await own_did(town.agent.profile, town.agent.tenant.did)
    assert own is not None
    taken = asyncio.Event()

    async def take(_: bytes) -> None:
        taken.set()

    async with mailbox(town.machine, PEER, town.port, take):
        asking = town.agent.profile.inject(V2Asking)
        waits = asyncio.create_task(asking.ask(town.agent.profile, own.agreement_keys, peer.did, PING, {}))
        await taken.wait()
        assert asking._waiting
        waits.cancel()
        await asyncio.wait({waits})
    await assert_nothing_is_held(town)


async def test_who_hangs_up_while_they_wait_for_their_turn_leaves_it_to_the_next(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, waits, full = V2Correspondent(), asyncio.Event(), asyncio.Semaphore(0)
    packed, of = alice.packed(alice.message(), town.contact), town.agent._contacts.of

    async def hangs(profile: Profile, did: str) -> V2Contact:
        full.release()
        await waits.wait()
        return await of(profile, did)

    monkeypatch.setattr(town.agent._contacts, "of", hangs)
    at_once = town.agent._transport._v2._looking.limits.party_at_once
    begun = [asyncio.create_task(town.agent._transport.receive(packed, NETWORK)) for _ in range(at_once + 3)]
    for _ in range(at_once):
        await full.acquire()
    for task in (begun[0], begun[-2]):  # one whose turn it is, and one that waits
        task.cancel()
    waits.set()
    answers = await asyncio.gather(*begun, return_exceptions=True)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers].count(True) == 2
    assert all(answer.status == 200 for answer in answers if isinstance(answer, web.Response))
    await assert_nothing_is_held(town)
