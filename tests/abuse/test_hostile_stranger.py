"""A hostile stranger before a process with several tenants: what it names, packs and takes for its own, for real."""

import asyncio
import json
import ssl
from typing import Any

import base58
import pytest
from acapy_agent.askar.didcomm.v1 import pack_message
from aries_askar import Key, KeyAlg
from tests.abuse.many_tenants import HOST, SCHOOL, add, agent, handle, until
from tests.unit.runtime.correspondents import PING, Correspondent, connect, verkey_of

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.tables import tables_of

__all__ = ["agent", "handle"]

pytestmark = pytest.mark.agents


async def raw(agent: RunningAgent, handle: AgentHandle, *, sni: str, request: str) -> tuple[int, bytes]:
    """Send a request just so to the public site."""
    tls = ssl.create_default_context(cafile=str(agent.config.network.ca_file))
    host, _, port = handle.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=tls, server_hostname=sni)
    try:
        writer.write(request.replace("\n", "\r\n").encode("latin-1") + b"\r\nConnection: close\r\n\r\n")
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def test_each_host_shows_its_own_files_however_it_is_named(agent: RunningAgent, handle: AgentHandle) -> None:
    await add(handle, "school", host=SCHOOL)
    await add(handle, "galle")
    school, galle = [(await agent.tenants.enter(tenant)).did for tenant in ("school", "galle")]
    default = agent.tenant.did

    async def shows(request: str, sni: str = HOST) -> str:
        status, body = await raw(agent, handle, sni=sni, request=request)
        assert status in {200, 400, 404}, (request, status)
        known = {"school": school, "galle": galle, "default": default}
        shown = [name for name, did in known.items() if str(did).encode() in body]
        return shown[0] if status == 200 and shown else str(status)

    expected = {
        f"GET /org/did.jsonl HTTP/1.1\nHost: {HOST}": "default",
        f"GET /org/did.jsonl HTTP/1.1\nHost: {SCHOOL}": "school",
        f"GET /org/did.jsonl HTTP/1.1\nHost: {SCHOOL.upper()}": "school",
        f"GET /org/did.jsonl HTTP/1.1\nHost: {SCHOOL}:443": "school",
        f"GET /org/did.jsonl HTTP/1.1\nHost: {SCHOOL}.": "school",
        f"GET /org/did.jsonl HTTP/1.1\nHost: {SCHOOL}.:8443": "school",
        f"GET https://{SCHOOL}/org/did.jsonl HTTP/1.1\nHost: {SCHOOL}": "school",
        f"GET /galle/did.jsonl HTTP/1.1\nHost: {HOST}": "galle",
        f"GET /galle/did.jsonl HTTP/1.1\nHost: {SCHOOL}": "404",
        f"GET /hosts/{SCHOOL}/org/did.jsonl HTTP/1.1\nHost: {HOST}": "404",
        f"GET /hosts%2f{SCHOOL}/org/did.jsonl HTTP/1.1\nHost: {HOST}": "404",
        f"GET /%68osts/{SCHOOL}/org/did.jsonl HTTP/1.1\nHost: {HOST}": "404",
        f"GET //hosts/{SCHOOL}/org/did.jsonl HTTP/1.1\nHost: {HOST}": "404",
        f"GET /galle/../hosts/{SCHOOL}/org/did.jsonl HTTP/1.1\nHost: {HOST}": "404",
        f"GET /galle/..%2forg/did.jsonl HTTP/1.1\nHost: {HOST}": "404",
        f"GET /../../org/did.jsonl HTTP/1.1\nHost: {SCHOOL}": "404",
        f"GET /.numbers/org HTTP/1.1\nHost: {HOST}": "404",
        f"GET /galle/%2e%2e/org/did.jsonl HTTP/1.1\nHost: {HOST}": "404",
        f"GET /\xe4/did.jsonl HTTP/1.1\nHost: {HOST}": "400",
    }
    for sni in (HOST, SCHOOL):
        for request, what in expected.items():
            assert await shows(request, sni) == what, (sni, request)


async def test_a_message_to_a_tenant_that_is_suspended_meanwhile_is_refused_or_kept_and_takes_no_room(
    agent: RunningAgent, handle: AgentHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(handle, "leaving")
    tenant = await agent.tenants.enter("leaving")
    friend = await friend_of(agent, tenant)
    transport, desk = agent._transport, agent.tenant_desk
    keep, begin = transport._kept.keep, transport._acapy.session

    async def suspended_before(*told: Any) -> None:
        await desk.suspend("leaving")
        await keep(*told)

    async def suspended_after(*told: Any, **options: Any) -> Any:
        await desk.suspend("leaving")
        return await begin(*told, **options)

    with monkeypatch.context() as patch:
        patch.setattr(transport._kept, "keep", suspended_before)
        assert (await transport.receive(friend.envelope())).status == 400
    assert (await transport.receive(friend.envelope())).status == 400
    await desk.resume("leaving")
    with monkeypatch.context() as patch:
        patch.setattr(transport._acapy, "session", suspended_after)
        assert (await transport.receive(friend.envelope())).status == 200  # it is kept
    assert (transport.admission._known._bytes, transport.admission._known._running) == (0, 0)
    await desk.resume("leaving")
    office: Any = (await agent.tenants.enter("leaving")).offices["tiny"]
    await transport.replay()
    await until(lambda: office.received == 1)  # and handled, once
    await transport.replay()
    assert office.received == 1


async def friend_of(agent: RunningAgent, tenant: Tenant) -> Correspondent:
    """Give somebody a connection with a tenant."""
    key = Key.generate(KeyAlg.ED25519)
    recipient, connection = await connect(tenant.profile, key)
    return Correspondent(agent, recipient, connection, key)


async def test_an_envelope_for_two_tenants_is_answered_like_one_for_nobody(
    agent: RunningAgent, handle: AgentHandle
) -> None:
    """Whichever of the two is suspended, removed, not open, or the sender's friend."""
    tenants = [(await add(handle, name), await agent.tenants.enter(name))[1] for name in ("one", "two", "gone", "shut")]
    friends = [await friend_of(agent, tenant) for tenant in tenants]
    await handle.app.delete("/v1/tenants/gone")
    await handle.post("/v1/tenants/shut/suspend")
    one, two, gone, shut = friends
    nobody = verkey_of(Key.generate(KeyAlg.ED25519))
    receive = agent._transport.receive
    ping = json.dumps({"@type": PING, "@id": "1"}).encode()
    answers = []
    for to in ([one, two], [two, one], [one, gone], [gone], [shut], [one, shut], [shut, one]):
        answer = await receive(pack_message([correspondent.recipient for correspondent in to], one.key, ping))
        answers.append((answer.status, answer.body))
    refused = await receive(pack_message([nobody], one.key, ping))
    assert (refused.status, refused.body) == (400, None)
    # A key that went with its tenant is nobody's: the envelope is for the other alone.
    assert answers == [(400, None), (400, None), (200, None), *[(400, None)] * 4]


async def test_a_tenant_cannot_take_anothers_key_for_its_own(agent: RunningAgent, handle: AgentHandle) -> None:
    a, b = [(await add(handle, name), await agent.tenants.enter(name))[1] for name in ("a", "b")]
    friend = await friend_of(agent, b)
    secret = Key.generate(KeyAlg.ED25519)
    public = Key.from_public_bytes(KeyAlg.ED25519, base58.b58decode(friend.recipient))
    async with a.profile.session() as session:
        with pytest.raises(DuplicateError):
            await session.handle.insert_key(friend.recipient, public)
        with pytest.raises(DuplicateError):  # another secret under the name of B's key
            await session.handle.insert_key(friend.recipient, secret)
    assert await tables_of(a.profile).keys.find([friend.recipient]) == {friend.recipient: "b"}
    await tables_of(a.profile).keys.remove(friend.recipient, "a")
    office: Any = b.offices["tiny"]
    assert (await agent._transport.receive(friend.envelope())).status == 200
    await until(lambda: office.received == 1)
