"""DIDComm v2 at a real agent: who is answered, who is refused, and that nothing of it is kept."""

import asyncio
import json
from typing import Final

import pytest
from aries_askar import Key, KeyAlg
from tests.flow.tiny_role import TinyRole
from tests.unit.runtime.correspondents import Correspondent, connected_to
from tests.unit.runtime.envelopes import kept_by
from tests.unit.runtime.v2_correspondents import (
    NETWORK,
    PING,
    RESPONSE,
    V2Correspondent,
    anonymous,
    contact_of,
    post,
    refused,
)

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, anoncrypt, authcrypt
from wanderbuch.plugins.exchange.v2.handling import V2Handler
from wanderbuch.plugins.exchange.v2.protocols.discover_features import QUERIES
from wanderbuch.plugins.webvh.agreement_keys import new_agreement_keys

EVE: Final = "did:example:eve"


@pytest.fixture
def agent(v2_agent: RunningAgent) -> RunningAgent:
    return v2_agent


@pytest.fixture
async def contact(agent: RunningAgent) -> V2Contact:
    return await contact_of(agent)


@pytest.mark.parametrize("algorithm", [KeyAlg.X25519, KeyAlg.P256])
async def test_a_ping_is_answered_to_who_proves_to_have_sent_it(
    agent: RunningAgent, contact: V2Contact, algorithm: KeyAlg
) -> None:
    alice = V2Correspondent(algorithm)
    status, body = await post(agent, alice.packed(alice.message(), contact))
    answer = alice.opened(body, contact)
    assert (status, answer.type, answer.thid, answer.sender) == (200, RESPONSE, "1", contact.did)
    assert not await kept_by(agent)


async def test_the_same_ping_twice_is_answered_twice(agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    packed = alice.packed(alice.message(), contact)
    answers = [alice.opened((await post(agent, packed))[1], contact) for _ in range(2)]
    assert {answer.thid for answer in answers} == {"1"}


async def test_an_authenticated_envelope_may_be_inside_an_anonymous_one(
    agent: RunningAgent, contact: V2Contact
) -> None:
    alice = V2Correspondent()
    inner = alice.packed(alice.message(), contact)
    (key,) = contact.keys_like(alice.key)
    assert alice.opened((await post(agent, anoncrypt(inner, to=[key])))[1], contact).type == RESPONSE
    other = next(candidate for candidate in contact.keys if candidate is not key)
    assert "for the same key" in await refused(agent, anoncrypt(inner, to=[other]))
    twice = anoncrypt(anoncrypt(inner, to=[key]), to=[key])
    assert "expected an authenticated envelope" in await refused(agent, twice)


async def test_who_asks_for_no_answer_gets_none(agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    quiet = alice.packed(alice.message(body={"response_requested": False}), contact)
    assert await post(agent, quiet) == (202, b"")


async def test_an_anonymous_ping_has_nobody_to_answer(agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    assert await post(agent, anonymous(alice.message(**{"from": None}), contact)) == (202, b"")


async def test_an_anonymous_message_that_speaks_of_recipients_is_a_message(
    agent: RunningAgent, contact: V2Contact
) -> None:
    alice = V2Correspondent()
    told = alice.message(body={"recipients": ["Bob"], "response_requested": True}, **{"from": None})
    assert await post(agent, anonymous(told, contact)) == (202, b"")
    assert "strict JSON" in await refused(agent, anonymous(b'{"recipients": [', contact))


async def test_nobody_writes_in_anothers_name(agent: RunningAgent, contact: V2Contact) -> None:
    alice, mallory = V2Correspondent(), V2Correspondent()
    assert "names another sender" in await refused(agent, mallory.packed(alice.message(), contact))
    assert "does not prove" in await refused(agent, anonymous(alice.message(), contact))
    mallory.did = alice.did  # her key, under his name
    assert "cannot be opened" in await refused(agent, mallory.packed(mallory.message(), contact))


async def test_a_key_that_the_senders_document_does_not_list_is_refused(
    agent: RunningAgent, contact: V2Contact
) -> None:
    alice = V2Correspondent()
    unlisted = AgreementKey(f"{alice.did}#key-2", alice.key)
    packed = authcrypt(alice.message(), to=contact.keys_like(alice.key), own=unlisted)
    assert "listed for key agreement" in await refused(agent, packed)


async def test_a_sender_who_cannot_be_resolved_is_refused(agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    alice.did = EVE
    assert "can be resolved" in await refused(agent, alice.packed(alice.message(), contact))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("https://didcomm.org/issue-credential/2.0/propose-credential", "not served here"),
        ("https://didcomm.org/didexchange/1.1/request", "DIDComm v1 protocol in a v2 envelope"),
        ("https://example.org/made-up/1.0/thing", "not served here"),
    ],
)
async def test_what_is_not_served_in_v2_is_refused_with_a_line(
    agent: RunningAgent, contact: V2Contact, kind: str, reason: str
) -> None:
    alice = V2Correspondent()
    assert reason in await refused(agent, alice.packed(alice.message(kind), contact))


async def test_an_envelope_for_a_key_of_nobodys_is_refused(agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    other = V2Contact(contact.did, (AgreementKey(f"{contact.did}#other", Key.generate(KeyAlg.X25519)),), None)
    reason = await refused(agent, alice.packed(alice.message(), other))
    assert reason.endswith("key of ours")


async def test_a_message_that_has_expired_is_refused(agent: RunningAgent, contact: V2Contact) -> None:
    alice = V2Correspondent()
    assert "expired" in await refused(agent, alice.packed(alice.message(expires_time=1), contact))


async def test_an_agent_that_takes_v1_alone_says_so(tiny_agent: RunningAgent) -> None:
    alice, did = V2Correspondent(), tiny_agent.tenant.did
    (kid, _) = await new_agreement_keys(tiny_agent.profile, did)  # of a time when it took v2
    async with tiny_agent.profile.session() as session:
        entry = await session.handle.fetch_key(kid)
        assert entry is not None
    contact = V2Contact(did, (AgreementKey(kid, entry.key),), None)
    assert "didcomm_v2 is off" in await refused(tiny_agent, alice.packed(alice.message(), contact))


async def test_an_agent_that_never_took_v2_says_so_too(tiny_agent: RunningAgent) -> None:
    alice, did = V2Correspondent(), tiny_agent.tenant.did
    contact = V2Contact(did, (AgreementKey(f"{did}#any", Key.generate(KeyAlg.X25519)),), None)
    assert "didcomm_v2 is off" in await refused(tiny_agent, alice.packed(alice.message(), contact))


async def test_v1_goes_on_beside_v2(agent: RunningAgent, contact: V2Contact) -> None:
    peer, alice = await connected_to(agent), V2Correspondent()
    assert (await agent._transport.receive(peer.envelope())).status == 200
    assert (await post(agent, alice.packed(alice.message(), contact)))[0] == 200


@pytest.mark.parametrize("is_told", [True, False])
async def test_discovery_tells_of_what_a_role_has_switched_on(
    agent: RunningAgent, contact: V2Contact, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    async def take(*_: object) -> None:
        return None

    kind, alice = "https://example.org/weather/1.0/ask", V2Correspondent()
    monkeypatch.setattr(TinyRole, "v2_handlers", {kind: V2Handler(take, is_told=lambda _: is_told)})
    asks = {"queries": [{"feature-type": "protocol", "match": "https://example.org/*"}]}
    _, body = await post(agent, alice.packed(alice.message(QUERIES, asks), contact))
    told = [disclosure["id"] for disclosure in alice.opened(body, contact).body["disclosures"]]
    assert told == (["https://example.org/weather/1.0"] if is_told else [])


async def test_a_v2_message_in_a_v1_envelope_is_refused(agent: RunningAgent) -> None:
    peer: Correspondent = await connected_to(agent)
    for message in ({"@type": PING, "@id": "1"}, json.loads(V2Correspondent().message())):
        assert "in a v1 envelope: it is taken in a v2 envelope" in await refused(agent, peer.envelope(message))
    assert "not served here" in await refused(agent, peer.envelope({"@type": f"{PING}s", "@id": "1"}))
    assert "expected @type" in await refused(agent, peer.envelope({"@id": "1"}))


async def test_a_flood_of_one_network_is_told_to_come_again_and_others_are_answered(
    agent: RunningAgent, contact: V2Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, waits = asyncio.Event(), asyncio.Event()

    async def hangs(*_: object) -> V2Contact:
        going.set()
        await waits.wait()
        return contact

    alice, packed = V2Correspondent(), []
    for _ in range(70):
        mallory = V2Correspondent()
        packed.append(mallory.packed(mallory.message(), contact))
    with monkeypatch.context() as patch:
        patch.setattr(agent._contacts, "of", hangs)
        flood = [asyncio.create_task(agent._transport.receive(body, NETWORK)) for body in packed]
        await going.wait()
    try:
        answer = await agent._transport.receive(alice.packed(alice.message(), contact), "203.0.113.0/24")
        assert answer.status == 200
    finally:
        waits.set()
    statuses = [(await task).status for task in flood]
    assert statuses.count(503) >= 70 - 64
