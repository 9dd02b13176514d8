"""What strangers could take of others by DIDComm v2: budgets, places, names, and answers to others' questions."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from aries_askar import Key, KeyAlg
from tests.unit.runtime.v2_correspondents import NETWORK, RESPONSE, V2Correspondent, contact_of, post

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.v2_receiver import _budget_of
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.v2 import sending
from wanderbuch.plugins.exchange.v2.asking import NoAnswerError, UnthreadedAnswerError, V2Asking
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext, new_message
from wanderbuch.plugins.exchange.v2.protocols.report_problem import PROBLEM_REPORT
from wanderbuch.plugins.exchange.v2.protocols.trust_ping import PING
from wanderbuch.plugins.exchange.v2.unpacking import Unpacked
from wanderbuch.plugins.webvh.own import own_did

SCID: Final = "QmXk3Zx9bFBqDGUNqLyXSWEUC3xgjUN1JwPj9pyAGGxVcT"


def contact_with(did: str, uri: str | None = None) -> V2Contact:
    return V2Contact(did, (AgreementKey(f"{did}#1", Key.generate(KeyAlg.X25519)),), uri)


def test_dids_that_cost_nothing_use_their_networks_budget_and_a_host_has_one() -> None:
    for did in ("did:peer:2.Ez", "did:key:z6", "did:jwk:eyJ", "did:example:whatever"):
        assert _budget_of(contact_with(did), NETWORK) is None
    hosted = [contact_with(f"did:webvh:{SCID}:evil.example:m{number}") for number in range(3)]
    assert len({_budget_of(contact, NETWORK) for contact in hosted}) == 1
    honest = contact_with(f"did:webvh:{SCID}:honest.example:m0")
    assert _budget_of(hosted[0], NETWORK) != _budget_of(honest, NETWORK)


def test_who_sends_anothers_envelope_again_uses_none_of_their_budget() -> None:
    honest = contact_with(f"did:webvh:{SCID}:honest.example:m0")
    assert _budget_of(honest, NETWORK) != _budget_of(honest, "203.0.113.0/24")


async def test_a_did_has_one_name(v2_agent: RunningAgent) -> None:
    """A decoder that skips what it does not know gave one did:jwk any number of names."""
    jwk = base64.urlsafe_b64encode(Key.generate(KeyAlg.X25519).get_jwk_public().replace("{", '{"use":"enc",').encode())
    did = f"did:jwk:{jwk.decode().rstrip('=')}"
    assert (await v2_agent._contacts.of(v2_agent.profile, did)).did == did
    for name in (f"{did}!!", f"{did}?x=1", f"{did}/x", f"{did};x", f"{did} ", "did:jwk:", f"{did}#0"):
        with pytest.raises(ExchangeError, match="without path and query"):
            await v2_agent._contacts.of(v2_agent.profile, name)


async def test_an_answer_whose_mediator_hangs_gives_its_place_back(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> V2Contact:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(sending, "_BESIDE_TIMEOUT_S", 0.05)
    monkeypatch.setattr(v2_agent._contacts, "of", hangs)
    told: list[str] = []
    mallory = contact_with("did:example:mallory", f"did:webvh:{SCID}:mediator.example:m")
    v2_agent._v2_sending.deliver_soon(v2_agent.profile, b"{}", mallory, network=NETWORK, on_lost=told.append)
    (task,) = v2_agent._v2_sending._beside
    await asyncio.wait({task})
    assert told == ["it took too long"]
    assert not v2_agent._v2_sending._beside


class Question:
    """A question of an agent that waits; what comes is handed to `take`."""

    def __init__(self, asking: V2Asking, own_did: str, peer: V2Contact, message: Plaintext) -> None:
        self.asking, self.own_did, self.peer, self.message = asking, own_did, peer, message
        self.answered: asyncio.Task[Plaintext]

    def take(self, *, to: str | None = None, by: V2Contact | None = None, kind: str = RESPONSE, **headers: Any) -> bool:
        """Hand over an answer, by who was asked and to who asked unless told otherwise."""
        sender = by or self.peer
        told = new_message(kind, {}, sender=sender.did, to=self.own_did)
        told = Plaintext(told.id, kind, {}, sender.did, thid=headers.get("thid", self.message.id))
        return self.asking.take(Unpacked(told, sender, f"{to or self.own_did}#1"))


@asynccontextmanager
async def asked(agent: RunningAgent, monkeypatch: pytest.MonkeyPatch, wait_s: float = 15.0) -> AsyncIterator[Question]:
    """Ping somebody who takes the question and answers later."""
    asking, peer = agent.profile.inject(V2Asking), contact_with("did:example:peer", "https://peer.example")
    went: asyncio.Future[Plaintext] = asyncio.get_running_loop().create_future()

    async def of(*_: object) -> V2Contact:
        return peer

    async def pack(_: object, message: Plaintext, *__: object) -> bytes:
        if not went.done():
            went.set_result(message)
        return b""

    async def deliver(*_: object) -> bytes:
        return b"ok"

    monkeypatch.setattr(agent._contacts, "of", of)
    monkeypatch.setattr(agent._v2_sending, "pack", pack)
    monkeypatch.setattr(agent._v2_sending, "deliver", deliver)
    own = await own_did(agent.profile, agent.tenant.did)
    assert own is not None
    waiting = asyncio.create_task(asking.ask(agent.profile, own.agreement_keys, peer.did, PING, {}, wait_s=wait_s))
    question = Question(asking, str(own.did), peer, await went)
    question.answered = waiting
    yield question
    waiting.cancel()
    await asyncio.wait({waiting})
    assert not asking._waiting


async def test_only_who_was_asked_answers_and_only_to_who_asked(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(v2_agent, monkeypatch) as question:
        assert not question.take(to="did:example:another-tenant")
        assert not question.take(by=contact_with("did:example:mallory"))
        assert not question.take(thid="another")
        assert question.take()
        assert not question.take()
        assert (await question.answered).type == RESPONSE


@pytest.mark.parametrize("kind", [RESPONSE, RESPONSE.replace("2.0", "2.1"), PROBLEM_REPORT])
async def test_an_answer_that_names_no_question_does_not_count_and_is_told(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Affinidi's registry answers so; whoever kept such an answer could give it again to a later question."""
    async with asked(v2_agent, monkeypatch, wait_s=0.05) as question:
        assert not question.take(thid="", kind=kind)
        with pytest.raises(UnthreadedAnswerError, match="without naming the question"):
            await question.answered


async def test_other_messages_of_who_was_asked_are_no_answers(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(v2_agent, monkeypatch, wait_s=0.05) as question:
        assert not question.take(thid="", kind=PING)
        assert not question.take(thid="", by=contact_with("did:example:mallory"))
        assert not question.take(thid="", kind="https://didcomm.org/discover-features/2.0/disclose")
        with pytest.raises(NoAnswerError):
            await question.answered


async def test_an_answer_that_names_the_question_counts_after_one_that_did_not(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(v2_agent, monkeypatch) as question:
        assert not question.take(thid="")
        assert question.take()
        assert (await question.answered).type == RESPONSE


async def test_asking_oneself_is_refused_in_one_line(v2_agent: RunningAgent) -> None:
    own = await own_did(v2_agent.profile, v2_agent.tenant.did)
    assert own is not None
    asking = v2_agent.profile.inject(V2Asking)
    with pytest.raises(ExchangeError, match="somebody else, found this agent's own"):
        await asking.ask(v2_agent.profile, own.agreement_keys, own.did, PING, {})


async def test_one_tenants_questions_leave_places_for_others(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await own_did(v2_agent.profile, v2_agent.tenant.did)
    assert own is not None
    async with asked(v2_agent, monkeypatch) as question:
        (one,) = question.asking._waiting.values()
        monkeypatch.setattr(one, "tenant", "another")
        ask = (
            question.asking.ask(v2_agent.profile, own.agreement_keys, "did:x:y", PING, {}, wait_s=1) for _ in "x" * 70
        )
        results = await asyncio.gather(*ask, return_exceptions=True)
        assert sum("too many questions" in str(result) for result in results) == 70 - 64
        assert sum(isinstance(result, NoAnswerError) for result in results) == 64


async def test_honest_senders_are_answered_as_before(v2_agent: RunningAgent) -> None:
    contact, alice = await contact_of(v2_agent), V2Correspondent()
    assert (await post(v2_agent, alice.packed(alice.message(), contact)))[0] == 200
