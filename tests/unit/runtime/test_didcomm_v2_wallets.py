"""DIDComm v2 at an agent without a public DID: a DID for each occasion, and little of it kept."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.flow.tiny_role import TinyRole
from tests.unit.runtime.v2_correspondents import RESPONSE, V2Correspondent, post, refused

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.app import Call
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.v2_api import V2InvitationIn, V2InvitationOut, _asking_keys, _invite, _with_cause
from wanderbuch.errors import ExchangeError, ResolutionError
from wanderbuch.plugins.exchange.connecting.did_documents import resolve_document
from wanderbuch.plugins.exchange.v2 import own_peers
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact, read_v2_contact
from wanderbuch.plugins.http.errors import HttpError


class Wallet(TinyRole):
    """A role without a public DID."""

    has_public_did = False


@pytest.fixture
async def wallet_agent(tiny_handle: AgentHandle) -> AsyncIterator[RunningAgent]:
    role = Wallet()
    config = load_config(tiny_handle.config_path, {}, role=role)
    public = config.public.model_copy(update={"didcomm_v2": True})
    agent = await start(config.model_copy(update={"public": public}), role)
    await agent.wait_ready()
    yield agent
    await agent.stop()


async def invite(agent: RunningAgent) -> tuple[V2InvitationOut, V2Contact]:
    invitation = await _invite(agent.tenant, Call({}, {}, V2InvitationIn()))
    did, document = await resolve_document(agent.profile, invitation.did)
    return invitation, read_v2_contact(did, document)


async def kept(agent: RunningAgent) -> int:
    async with agent.profile.session() as session:
        return await session.handle.count(own_peers._CATEGORY)


async def test_each_invitation_names_a_did_of_its_own_that_is_answered(wallet_agent: RunningAgent) -> None:
    (one, contact), (other, _) = await invite(wallet_agent), await invite(wallet_agent)
    assert one.did != other.did
    assert contact.uri == wallet_agent.tenant.place.didcomm_endpoint
    assert one.valid_until is not None
    assert one.valid_until - datetime.now(UTC) > timedelta(days=29)
    alice = V2Correspondent()
    status, body = await post(wallet_agent, alice.packed(alice.message(), contact))
    answer = alice.opened(body, contact)
    assert (status, answer.type, answer.sender) == (200, RESPONSE, one.did)


async def test_an_invitation_that_has_ended_opens_nothing_and_leaves_nothing(
    wallet_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, contact), (_, second) = await invite(wallet_agent), await invite(wallet_agent)
    alice = V2Correspondent()
    packed = alice.packed(alice.message(), contact)
    assert (await post(wallet_agent, packed))[0] == 200
    at = datetime.now(UTC) + own_peers.KEPT + timedelta(seconds=2)
    monkeypatch.setattr(wallet_agent._v2_keys, "_clock", at.timestamp)
    assert "names no more" in await refused(wallet_agent, packed)
    await wallet_agent._v2_keys.sweep([wallet_agent.tenant], at)
    assert await kept(wallet_agent) == 0
    for contact_of_one in (contact, second):
        assert "key of ours" in await refused(wallet_agent, alice.packed(alice.message(), contact_of_one))
    async with wallet_agent.profile.session() as session:
        assert await session.handle.fetch_key(f"{first.did}#key-1") is None


async def test_the_sweep_leaves_invitations_that_are_open(wallet_agent: RunningAgent) -> None:
    _, contact = await invite(wallet_agent)
    await wallet_agent._v2_keys.sweep([wallet_agent.tenant], datetime.now(UTC))
    alice = V2Correspondent()
    assert (await post(wallet_agent, alice.packed(alice.message(), contact)))[0] == 200
    assert await kept(wallet_agent) == 1


async def test_so_many_invitations_are_open_and_no_more(
    wallet_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_peers, "MAX_KEPT", 2)
    for _ in range(2):
        await invite(wallet_agent)
    with pytest.raises(ExchangeError, match="2 invitations of DIDComm v2 are open"):
        await invite(wallet_agent)


async def test_a_did_to_ask_with_is_gone_after_the_question(wallet_agent: RunningAgent) -> None:
    ring, kids = wallet_agent._keys, list[tuple[str, ...]]()
    for _ in range(2):
        async with _asking_keys(wallet_agent.tenant) as own_kids:
            kids.append(own_kids)
            assert all(ring.at_hand(kid) for kid in own_kids)
            alice = V2Correspondent()
            did, document = await resolve_document(wallet_agent.profile, own_kids[0].partition("#")[0])
            contact: Any = read_v2_contact(did, document)
            assert "key of ours" in await refused(wallet_agent, alice.packed(alice.message(), contact))
    assert not any(ring.at_hand(kid) for own_kids in kids for kid in own_kids)
    assert set(kids[0]).isdisjoint(kids[1])
    assert await kept(wallet_agent) == 0


def test_whoever_asks_learns_why_a_did_is_not_resolved() -> None:
    hidden = ResolutionError("a DID of the other side could not be resolved", hint="try again later")
    hidden.__cause__ = ValueError()
    assert _with_cause(hidden) is None
    hidden.__cause__.__cause__ = HttpError("could not reach x.test", hint="check that it is up")
    told = _with_cause(hidden)
    assert told is not None
    assert (told.message, told.hint) == (f"{hidden.message}: could not reach x.test", "check that it is up")
