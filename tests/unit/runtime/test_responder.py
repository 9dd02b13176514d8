"""Trap 17: without the Admin API there is no responder, and tenants would inherit the root's."""

from typing import Any

from acapy_agent.askar.profile_anon import AskarAnonCredsProfile
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.transport.outbound.message import OutboundMessage
from acapy_agent.transport.outbound.status import OutboundSendStatus

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.agents.runtime.responder import ResponderProvider
from wanderbuch.agents.runtime.store import WalletProfile


async def test_an_agent_has_a_responder_without_the_admin_api(tiny_agent: RunningAgent) -> None:
    assert tiny_agent.profile.inject_or(BaseResponder) is not None


async def test_each_profile_sends_with_its_own_keys(wallet: WalletProfile) -> None:
    sent: list[Profile] = []

    async def send(profile: Profile, _: OutboundMessage) -> Any:
        sent.append(profile)
        return OutboundSendStatus.QUEUED_FOR_DELIVERY

    wallet.context.injector.bind_provider(BaseResponder, ResponderProvider(send))
    tenant = AskarAnonCredsProfile(wallet.opened, wallet.context, profile_id="tenant")
    for profile in (wallet, tenant):
        await profile.inject(BaseResponder).send('{"@type": "x/y/1.0/z", "@id": "1"}')
    assert sent[0] is wallet
    assert sent[1] is tenant
