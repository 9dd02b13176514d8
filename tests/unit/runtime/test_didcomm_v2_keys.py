"""Replacing an agent's keys for DIDComm v2: what is on its way still opens for a stated time, and nothing else does."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from tests.flow.tiny_role import TinyRole
from tests.unit.runtime.v2_correspondents import V2Correspondent, contact_of, post, refused

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.encrypting import AgreementKey
from wanderbuch.plugins.webvh.agreement_keys import new_agreement_keys
from wanderbuch.plugins.webvh.agreement_rotation import rotate_agreement_keys
from wanderbuch.plugins.webvh.own import OwnDid, own_did

HOUR: Final = timedelta(hours=1)


async def own_of(agent: RunningAgent) -> OwnDid:
    own = await own_did(agent.profile, agent.tenant.did)
    assert own is not None
    return own


async def rotate(agent: RunningAgent, keep_old: timedelta) -> OwnDid:
    """As another process would do it: this one is not told."""
    tenant = agent.tenant
    return await rotate_agreement_keys(tenant.profile, tenant.did, publisher=tenant.publisher, keep_old=keep_old)


def later(agent: RunningAgent, monkeypatch: pytest.MonkeyPatch, by: timedelta) -> datetime:
    """Have the agent's keys be looked at at a later time."""
    at = datetime.now(UTC) + by
    monkeypatch.setattr(agent._v2_keys, "_clock", at.timestamp)
    return at


async def is_kept(agent: RunningAgent, kid: str) -> bool:
    async with agent.profile.session() as session:
        return await session.handle.fetch_key(kid) is not None


async def test_what_is_on_its_way_opens_until_the_time_of_the_old_keys_is_over(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, old = V2Correspondent(), await contact_of(v2_agent)
    on_its_way = alice.packed(alice.message(), old)
    await rotate(v2_agent, HOUR)
    new = await contact_of(v2_agent)
    assert {key.kid for key in new.keys}.isdisjoint(key.kid for key in old.keys)
    for packed, sender in ((on_its_way, new), (alice.packed(alice.message(), new), new)):
        status, body = await post(v2_agent, packed)
        assert status == 200
        if packed is not on_its_way:
            alice.opened(body, sender)
    later(v2_agent, monkeypatch, HOUR + timedelta(seconds=2))
    assert "names no more" in await refused(v2_agent, on_its_way)
    assert (await post(v2_agent, alice.packed(alice.message(), new)))[0] == 200


async def test_keys_that_somebody_else_may_have_open_nothing_more(v2_agent: RunningAgent) -> None:
    alice, old = V2Correspondent(), await contact_of(v2_agent)
    on_its_way = alice.packed(alice.message(), old)
    assert (await post(v2_agent, on_its_way))[0] == 200  # so it is at hand
    await rotate(v2_agent, timedelta(0))
    v2_agent._v2_keys.changed(v2_agent.tenant.did)
    assert "names no more" in await refused(v2_agent, on_its_way)


async def test_another_process_takes_them_for_a_minute_longer_at_most(v2_agent: RunningAgent) -> None:
    alice, old = V2Correspondent(), await contact_of(v2_agent)
    on_its_way = alice.packed(alice.message(), old)
    assert (await post(v2_agent, on_its_way))[0] == 200
    await rotate(v2_agent, timedelta(0))
    assert (await post(v2_agent, on_its_way))[0] == 200
    v2_agent._v2_keys._named.expire(v2_agent._v2_keys._named.timer() + 61)
    assert "names no more" in await refused(v2_agent, on_its_way)


async def test_old_keys_are_removed_from_the_wallet_when_their_time_is_over(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (await own_of(v2_agent)).agreement_keys
    await rotate(v2_agent, HOUR)
    second = (await own_of(v2_agent)).agreement_keys
    await v2_agent._v2_keys.sweep([v2_agent.tenant], datetime.now(UTC))
    assert [await is_kept(v2_agent, kid) for kid in (*first, *second)] == [True] * 4
    await rotate(v2_agent, timedelta(0))
    third = (await own_of(v2_agent)).agreement_keys
    v2_agent._v2_keys.changed(v2_agent.tenant.did)
    await v2_agent._v2_keys.sweep([v2_agent.tenant], later(v2_agent, monkeypatch, timedelta(seconds=2)))
    assert [await is_kept(v2_agent, kid) for kid in (*first, *second, *third)] == [True, True, False, False, True, True]
    own = await own_of(v2_agent)
    assert [key.name for key in own.old_agreement_keys] == list(first)
    assert v2_agent._keys.at_hand(second[0]) is None


async def test_old_keys_that_another_process_made_old_are_removed_without_any_message(
    v2_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where witnesses approve the entry by way of another process."""
    keys, tenant = v2_agent._v2_keys, v2_agent.tenant
    first = (await own_of(v2_agent)).agreement_keys
    await keys.sweep([tenant], datetime.now(UTC))
    await rotate(v2_agent, timedelta(0))
    await keys.sweep([tenant], datetime.now(UTC))
    assert await is_kept(v2_agent, first[0])  # nothing said that there is something to do
    for minutes in (61, 62):
        await keys.sweep([tenant], later(v2_agent, monkeypatch, timedelta(minutes=minutes)))
    assert not await is_kept(v2_agent, first[0])


async def test_a_key_that_no_document_names_is_none(v2_agent: RunningAgent) -> None:
    """Such as one of a rotation that was cut off before its entry."""
    alice, did = V2Correspondent(), v2_agent.tenant.did
    (kid, _) = await new_agreement_keys(v2_agent.profile, did)
    async with v2_agent.profile.session() as session:
        entry = await session.handle.fetch_key(kid)
        assert entry is not None
    contact = V2Contact(did, (AgreementKey(kid, entry.key),), None)
    assert "names no more" in await refused(v2_agent, alice.packed(alice.message(), contact))


async def started(handle: AgentHandle, *, takes_v2: bool) -> RunningAgent:
    role = TinyRole()
    config = load_config(handle.config_path, {}, role=role)
    public = config.public.model_copy(update={"didcomm_v2": takes_v2})
    agent = await start(config.model_copy(update={"public": public}), role)
    await agent.wait_ready()
    return agent


async def test_keys_of_a_time_before_v2_was_switched_off_open_nothing_when_it_is_on_again(
    tiny_handle: AgentHandle,
) -> None:
    agent, alice = await started(tiny_handle, takes_v2=True), V2Correspondent()
    on_its_way = alice.packed(alice.message(), await contact_of(agent))
    first = (await own_of(agent)).agreement_keys
    assert (await post(agent, on_its_way))[0] == 200
    await agent.stop()
    await (await started(tiny_handle, takes_v2=False)).stop()
    agent = await started(tiny_handle, takes_v2=True)
    try:
        assert "key of ours" in await refused(agent, on_its_way)
        await agent._v2_keys.sweep([agent.tenant], datetime.now(UTC) + timedelta(seconds=2))
        assert not any([await is_kept(agent, kid) for kid in first])
        assert (await post(agent, alice.packed(alice.message(), await contact_of(agent))))[0] == 200
    finally:
        await agent.stop()


async def test_who_takes_no_v2_has_no_keys_to_replace(tiny_agent: RunningAgent) -> None:
    with pytest.raises(ConfigurationError, match="no keys for DIDComm v2"):
        await rotate(tiny_agent, HOUR)
