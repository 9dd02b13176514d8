"""Questions of a real agent in DIDComm v2: whose answer counts, and which way it may come back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import did_peer_2
import pytest
from aries_askar import Key, KeyAlg
from tests.flow.tiny_role import TinyRole
from tests.interop.didcomm_peer import mailbox
from tests.unit.runtime.v2_correspondents import PING, RESPONSE, V2Correspondent, contact_of

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2.asking import NoAnswerError, V2Asking
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey, authcrypt
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext
from wanderbuch.plugins.exchange.v2.protocols.report_problem import PROBLEM_REPORT
from wanderbuch.plugins.exchange.v2.sending import NoWayError
from wanderbuch.plugins.webvh.agreement_keys import agreement_multikey
from wanderbuch.plugins.webvh.own import own_did

PEER: Final = "peer.wanderbuch.test"
ENDPOINT: Final = f"https://{PEER}/didcomm"

type Answer = Callable[[Plaintext], bytes | Awaitable[bytes]]


@dataclass
class Town:
    """An agent that asks, and where its peers listen."""

    machine: LocalMachine
    port: int
    agent: RunningAgent
    contact: V2Contact

    async def ask(self, peer: V2Correspondent, answer: Answer, *, wait_s: float = 15.0) -> Plaintext:
        """Ping `peer`, who answers on the same connection with what `answer` makes of the ping."""

        async def take(packed: bytes) -> bytes:
            made = answer(peer.opened(packed, self.contact))
            return made if isinstance(made, bytes) else await made

        own = await own_did(self.agent.profile, self.agent.tenant.did)
        assert own is not None
        async with mailbox(self.machine, PEER, self.port, take):
            return await self.agent.profile.inject(V2Asking).ask(
                self.agent.profile, own.agreement_keys, peer.did, PING, {}, wait_s=wait_s
            )


@asynccontextmanager
async def _town(machine: LocalMachine, handle: AgentHandle) -> AsyncIterator[Town]:
    port, role = free_port(), TinyRole()
    machine.reach(PEER, f"127.0.0.1:{port}")
    handle.write_config()
    config = load_config(handle.config_path, {}, role=role)
    public = config.public.model_copy(update={"didcomm_v2": True})
    agent = await start(config.model_copy(update={"public": public}), role)
    await agent.wait_ready()
    yield Town(machine, port, agent, await contact_of(agent))
    await agent.stop()


@pytest.fixture
async def town(machine: LocalMachine, tiny_handle: AgentHandle) -> AsyncIterator[Town]:
    async with _town(machine, tiny_handle) as made:
        yield made


async def test_an_answer_may_come_to_our_key_on_another_curve(town: Town) -> None:
    peer, second = V2Correspondent(endpoint=ENDPOINT), Key.generate(KeyAlg.P256)
    specs = [did_peer_2.KeySpec.key_agreement(agreement_multikey(key)) for key in (peer.key, second)]
    service = {"type": "DIDCommMessaging", "serviceEndpoint": {"uri": ENDPOINT, "accept": ["didcomm/v2"]}}
    peer.did = did_peer_2.generate(specs, [service])

    def on_the_other(ping: Plaintext) -> bytes:
        told = peer.message(RESPONSE, thid=ping.id)
        return authcrypt(told, to=town.contact.keys_like(second), own=AgreementKey(f"{peer.did}#key-2", second))

    town.agent._keys.forget(town.agent.tenant.id)
    assert (await town.ask(peer, on_the_other)).type == RESPONSE


@pytest.mark.parametrize("headers", [{"pthid": True}, {"thid": True}, {"thid": True, "pthid": True}])
async def test_a_problem_report_is_an_answer_by_its_parent_thread(town: Town, headers: dict[str, bool]) -> None:
    """The specification has `pthid` alone; some repeat the thread."""
    peer = V2Correspondent(endpoint=ENDPOINT)

    def report(ping: Plaintext) -> bytes:
        told = peer.message(PROBLEM_REPORT, {"code": "e.p.msg"}, id="2", **dict.fromkeys(headers, ping.id))
        return peer.packed(told, town.contact)

    assert (await town.ask(peer, report)).type == PROBLEM_REPORT


async def test_another_message_is_no_answer_by_its_parent_thread(town: Town) -> None:
    peer = V2Correspondent(endpoint=ENDPOINT)

    def child(ping: Plaintext) -> bytes:
        return peer.packed(peer.message(RESPONSE, id="2", pthid=ping.id), town.contact)

    with pytest.raises(NoAnswerError):
        await town.ask(peer, child, wait_s=0.1)


async def test_a_servers_own_words_on_the_connection_do_not_end_the_question(town: Town) -> None:
    peer, later = V2Correspondent(endpoint=ENDPOINT), list[asyncio.Task[object]]()

    def taken(ping: Plaintext) -> bytes:
        answer = peer.packed(peer.message(RESPONSE, thid=ping.id), town.contact)
        later.append(asyncio.create_task(town.agent._transport.receive(answer, "198.51.100.0/24")))
        return b'{"status": "ok"}'

    assert (await town.ask(peer, taken)).type == RESPONSE
    await asyncio.gather(*later)


async def test_an_answer_by_somebody_else_ends_the_question_and_their_document_is_not_fetched(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, mallory, resolved = V2Correspondent(endpoint=ENDPOINT), V2Correspondent(), list[str]()
    of = town.agent._contacts.of

    async def watched(profile: object, did: str) -> V2Contact:
        resolved.append(did)
        return await of(town.agent.profile, did)

    monkeypatch.setattr(town.agent._contacts, "of", watched)
    with pytest.raises(ExchangeError, match="by who was asked"):
        await town.ask(peer, lambda ping: mallory.packed(mallory.message(RESPONSE, thid=ping.id), town.contact))
    assert set(resolved) == {peer.did}


async def test_an_answer_for_somebody_else_is_refused(town: Town) -> None:
    peer = V2Correspondent(endpoint=ENDPOINT)
    other = V2Contact(town.contact.did, (AgreementKey(f"{town.contact.did}#other", peer.key),), None)
    with pytest.raises(ExchangeError, match="for who asked"):
        await town.ask(peer, lambda ping: peer.packed(peer.message(RESPONSE, thid=ping.id), other))


@pytest.mark.parametrize(("fragment", "reaches"), [("#key-1", True), ("", True), ("#key-9", False)])
async def test_a_routing_key_that_the_mediators_document_lacks_is_not_replaced(
    town: Town, fragment: str, reaches: bool
) -> None:
    mediator, peer = V2Correspondent(), V2Correspondent()
    endpoint = {"uri": ENDPOINT, "accept": ["didcomm/v2"], "routingKeys": [f"{mediator.did}{fragment}"]}
    spec = did_peer_2.KeySpec.key_agreement(agreement_multikey(peer.key))
    peer.did = did_peer_2.generate([spec], [{"type": "DIDCommMessaging", "serviceEndpoint": endpoint}])
    contact = await town.agent._contacts.of(town.agent.profile, peer.did)
    packed = peer.packed(peer.message(), town.contact)
    wrapping = town.agent._v2_sending._wrapped(town.agent.profile, packed, contact)
    if reaches:
        assert (await wrapping)[0] == ENDPOINT
    else:
        with pytest.raises(NoWayError, match="list the routing key"):
            await wrapping


async def test_a_sender_whose_document_cannot_be_fetched_is_told_to_come_again(town: Town) -> None:
    """It was not checked, which is no refusal."""
    alice, began = V2Correspondent(), time.monotonic()
    alice.did = f"did:webvh:QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT:{PEER}:alice"  # nobody listens there
    answer = await town.agent._transport.receive(alice.packed(alice.message(), town.contact), "198.51.100.0/24")
    assert answer.status == 503, time.monotonic() - began
