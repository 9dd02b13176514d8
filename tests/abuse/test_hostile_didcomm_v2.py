"""DIDComm v2 at every role: floods, silent hosts and mutilated messages leave nothing, and others are served."""

import asyncio
import importlib
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.runtime.v2_correspondents import PING, V2Correspondent, anonymous, contact_of

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.plugins.exchange.v2.contacts import V2Contacts
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact

pytestmark = [pytest.mark.agents, pytest.mark.system]

AUTHOR: Final = "did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.wanderbuch.test:org"
SILENT: Final = "silent.wanderbuch.test"
SCID: Final = "QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT"
HOSTILE, HONEST = "198.51.100.0/24", "203.0.113.0/24"
ROLES: Final = ("issuer", "verifier", "authority")  # who has a public DID
TYPES: Final = (
    PING,
    "https://didcomm.org/discover-features/2.0/queries",
    "https://didcomm.org/report-problem/2.0/problem-report",
    "https://affinidi.com/didcomm/protocols/trqp/1.0/query-authorization",
    "https://didcomm.org/issue-credential/3.0/offer-credential",
)
ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)


@asynccontextmanager
async def silent_host() -> AsyncIterator[int]:
    """A host that takes connections and says nothing."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    port = free_port()
    server = await asyncio.start_server(hold, "127.0.0.1", port)
    try:
        yield port
    finally:
        server.close()
        server.abort_clients()


@pytest.fixture
async def agent(request: pytest.FixtureRequest, machine: LocalMachine) -> AsyncIterator[RunningAgent]:
    """A role that runs and takes DIDComm v2."""
    name = getattr(request, "param", "authority")
    role = importlib.import_module(f"wanderbuch.agents.{name}.role").ROLE
    handle = machine.add(name, "Somebody", f"{name}.wanderbuch.test")
    handle.configure(public={"didcomm_v2": True})
    if name == "authority":
        handle.configure(authority={"ecosystem": "lanka", "trqp": {"enabled": True}})
    else:
        handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": AUTHOR})
        machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    async with silent_host() as port:
        machine.reach(SILENT, f"127.0.0.1:{port}")
        handle.write_config()
        running = await start(load_config(handle.config_path, {}, role=role), role)
        await running.wait_ready()
        running._transport._v2._brake.refused = lambda _: 0.0  # type: ignore[method-assign]
        yield running
        await running.stop()


async def records_of(agent: RunningAgent) -> dict[str, int]:
    counts: dict[str, int] = {}
    async for entry in agent.profile.store.scan(None):
        counts[entry.category] = counts.get(entry.category, 0) + 1
    return counts


async def status_of(agent: RunningAgent, body: bytes, network: str = HOSTILE) -> int:
    return (await agent._transport.receive(body, network)).status


async def assert_honest_is_answered(agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    answer = await agent._transport.receive(alice.packed(alice.message(), contact), HONEST)
    assert answer.status == 200
    assert isinstance(answer.body, bytes)
    assert alice.opened(answer.body, contact).thid == "1"


def says_the_same(one: bytes, other: bytes) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


@pytest.mark.parametrize("agent", ROLES, indirect=True)
async def test_every_role_answers_and_keeps_nothing_of_what_is_mutilated(agent: RunningAgent) -> None:
    contact, before = await contact_of(agent), await records_of(agent)
    alice, chance = V2Correspondent(), random.Random(20261127)  # noqa: S311 (the same each time)
    whole = alice.packed(alice.message(), contact)
    for _ in range(300):
        cut = bytearray(whole)
        match chance.randrange(4):
            case 0:
                cut[chance.randrange(len(cut))] = chance.randrange(256)
            case 1:
                del cut[chance.randrange(len(cut)) :]
            case 2:
                at = chance.randrange(len(cut))
                cut[at:at] = cut[chance.randrange(len(cut)) :][:40]
            case _:
                members = json.loads(whole)
                name = chance.choice(sorted(members))
                members[name] = chance.choice([None, {}, [], 7, "", members["protected"], [dict(members)]])
                cut = bytearray(json.dumps(members).encode())
        assert await status_of(agent, bytes(cut)) == (200 if says_the_same(bytes(cut), whole) else 400)
    assert await records_of(agent) == before
    await assert_honest_is_answered(agent, contact)


@pytest.mark.parametrize("agent", ["authority", "verifier"], indirect=True)
async def test_whatever_a_message_says_it_leaves_no_record(agent: RunningAgent) -> None:
    contact, before, loop = await contact_of(agent), await records_of(agent), asyncio.get_running_loop()
    alice = V2Correspondent()

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.sampled_from(TYPES), ANYTHING, st.dictionaries(st.text(max_size=12), ANYTHING, max_size=3))
    def says(kind: str, body: Any, headers: dict[str, Any]) -> None:
        told = {"id": "1", "type": kind, "from": alice.did, "return_route": "all", **headers, "body": body}
        packed = alice.packed(json.dumps(told).encode(), contact)
        answered = asyncio.run_coroutine_threadsafe(status_of(agent, packed), loop).result(30)
        assert answered in (200, 202, 400)

    await asyncio.to_thread(says)
    assert await records_of(agent) == before


async def test_senders_at_a_silent_host_hold_up_their_own_network_alone(agent: RunningAgent) -> None:
    contact = await contact_of(agent)
    flood = []
    for number in range(40):
        mallory = V2Correspondent()
        mallory.did = f"did:webvh:{SCID}:{SILENT}:m{number}"
        flood.append(asyncio.create_task(status_of(agent, mallory.packed(mallory.message(), contact))))
    await asyncio.sleep(0)
    for _ in range(5):
        await assert_honest_is_answered(agent, contact)
    assert set(await asyncio.gather(*flood)) <= {400, 503}


async def test_a_flood_by_many_dids_is_bounded_and_keeps_nothing(agent: RunningAgent) -> None:
    contact, before = await contact_of(agent), await records_of(agent)
    flood = []
    for _ in range(200):
        mallory = V2Correspondent()
        flood.append(mallory.packed(mallory.message(), contact))
    statuses = await asyncio.gather(*(status_of(agent, body) for body in flood))
    assert set(statuses) <= {200, 503}
    assert statuses.count(503) > 0
    await assert_honest_is_answered(agent, contact)
    assert await records_of(agent) == before


async def test_made_up_dids_of_one_network_share_its_pace(agent: RunningAgent) -> None:
    """A did:peer costs nothing: one after the other, a thousand of them are one sender."""
    contact = await contact_of(agent)
    many = [V2Correspondent() for _ in range(200)]
    packed = [mallory.packed(mallory.message(), contact) for mallory in many]  # before: a slow machine earns no pace
    assert 503 in await asyncio.gather(*(status_of(agent, body) for body in packed))
    await assert_honest_is_answered(agent, contact)


async def test_answers_are_not_sent_again_and_again_to_whom_a_stranger_names(agent: RunningAgent) -> None:
    """A did:peer may name any address: it gets one request an answer, and no more."""
    contact = await contact_of(agent)
    mallory = V2Correspondent(endpoint=f"https://{SILENT}/didcomm")
    body = mallory.packed(mallory.message(return_route="none"), contact)
    assert await status_of(agent, body) == 202
    (task,) = agent._v2_sending._beside
    task.cancel()


async def test_senders_with_long_dids_leave_little_in_memory(agent: RunningAgent) -> None:
    contact, contacts = await contact_of(agent), V2Contacts(max_bytes=40_000)
    long = f"https://{SILENT}/" + "x" * 1_900
    for _ in range(12):
        mallory = V2Correspondent(endpoint=long)
        assert len(mallory.did) > 2_000
        await status_of(agent, mallory.packed(mallory.message(), contact))
        assert (await contacts.of(agent.profile, mallory.did)).did == mallory.did
    assert 0 < len(contacts._peers) < 12
    assert all(len(str(key)) < 300 for key in agent._transport.admission._meters._spent)
    assert agent._transport.admission._meters._spent


async def test_answers_to_addresses_that_hang_take_no_place_of_other_networks(agent: RunningAgent) -> None:
    contact, sending = await contact_of(agent), agent._v2_sending
    for _ in range(40):
        mallory = V2Correspondent(endpoint=f"https://{SILENT}/didcomm")
        body = mallory.packed(mallory.message(return_route="none"), contact)
        assert await status_of(agent, body) in (202, 503)
    of_the_flood = len(sending._beside)
    assert 0 < of_the_flood <= 8
    alice = V2Correspondent(endpoint=f"https://{SILENT}/didcomm")
    body = alice.packed(alice.message(return_route="none"), contact)
    assert await status_of(agent, body, HONEST) == 202
    assert list(sending._beside.values()).count(HONEST) == 1
    for task in tuple(sending._beside):
        task.cancel()


async def test_a_wide_envelope_and_a_long_message_are_refused(agent: RunningAgent) -> None:
    contact, alice = await contact_of(agent), V2Correspondent()
    assert await status_of(agent, alice.packed(alice.message(body={"comment": "x" * 300_000}), contact)) == 400
    assert await status_of(agent, alice.packed(alice.message(body={"comment": "x" * 40_000}), contact)) == 400
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    assert (
        await status_of(agent, anonymous(json.dumps({"id": "1", "type": PING, "body": {"a": deep}}).encode(), contact))
        == 400
    )
