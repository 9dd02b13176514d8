"""Messages of present-proof 2.0 reach the desk through ACA-Py's own registry and parser, whatever they hold."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.dispatcher import Dispatcher
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.oob_processor import OobMessageProcessor
from acapy_agent.core.profile import Profile
from acapy_agent.core.protocol_registry import ProtocolRegistry
from acapy_agent.messaging.base_handler import HandlerException
from acapy_agent.messaging.request_context import RequestContext
from acapy_agent.messaging.responder import MockResponder
from acapy_agent.protocols.present_proof.v2_0.message_types import MESSAGE_TYPES as STOCK
from acapy_agent.transport.inbound.receipt import MessageReceipt
from acapy_agent.utils.testing import create_test_profile
from tests.unit.trust.ecosystem import Authority, FileHost

from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig
from wanderbuch.plugins.trust.verifier import VerificationDesk, setup_verifying

PREFIXES = ("https://didcomm.org", "did:sov:BzCbsNYhMrjHiqZDTUASHg;spec")


class Desk(VerificationDesk):
    """Notes what reaches it."""

    def __init__(self, source: GovernanceSource) -> None:
        super().__init__(source)
        self.received: list[tuple[str, Any]] = []
        self.declines: list[tuple[str, str]] = []
        self.ours = True

    async def receive(self, profile: Profile, thread_id: str, message: Any, responder: Any) -> None:
        self.received.append((thread_id, message))

    async def declined(self, profile: Profile, thread_id: str, code: str) -> bool:
        self.declines.append((thread_id, code))
        return self.ours


@pytest.fixture
def desk() -> Desk:
    authority = Authority()
    config = GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=authority.did)
    return Desk(GovernanceSource(config, edge=cast(HttpEdge, FileHost()), resolve_key=authority.resolve_key))


@pytest.fixture
async def profile(desk: Desk) -> AsyncIterator[Profile]:
    opened = await create_test_profile({"wallet.type": "askar-anoncreds"})
    injector = opened.context.injector
    registry = ProtocolRegistry()
    registry.register_message_types(STOCK)
    injector.bind_instance(ProtocolRegistry, registry)
    injector.bind_instance(EventBus, EventBus())
    injector.bind_instance(OobMessageProcessor, OobMessageProcessor(lambda *_: None))
    injector.bind_instance(GovernanceSource, desk._source)
    injector.bind_instance(VerificationDesk, desk)
    await setup_verifying(opened.context)
    yield opened
    await opened.close()


async def deliver(profile: Profile, received: dict[str, Any], *, encrypted: bool = True) -> MockResponder:
    """Take a message through ACA-Py's parser to its handler."""
    context = RequestContext(profile)
    context.message = await Dispatcher(profile).make_message(profile, received)
    verkey = "3Dn1SJNPaCXcvvJvSbsFWP2xaCjMom3can8CQNhWrTRx" if encrypted else None
    context.message_receipt = MessageReceipt(recipient_verkey=verkey, thread_id=context.message._thread_id)
    responder = MockResponder()
    await context.message.Handler().handle(context, responder)
    return responder


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_presentation_reaches_the_desk_as_it_came(profile: Profile, desk: Desk, prefix: str) -> None:
    formats, attached = [{"attach_id": "a", "format": "anoncreds/proof@v1.0"}], [{"@id": "a", "data": {"base64": "e"}}]
    message = {
        "@type": f"{prefix}/present-proof/2.0/presentation",
        "@id": "1",
        "~thread": {"thid": "thread"},
        "formats": formats,
        "presentations~attach": attached,
    }
    await deliver(profile, message)
    assert desk.received == [("thread", {"formats": formats, "presentations~attach": attached})]


@pytest.mark.parametrize(
    "members", [{}, {"formats": 7}, {"formats": [], "presentations~attach": None}, {"presentations~attach": [[]]}]
)
async def test_a_malformed_presentation_reaches_the_desk_too(
    profile: Profile, desk: Desk, members: dict[str, Any]
) -> None:
    # ACA-Py's own message would not even parse: the exchange would never end.
    message = {"@type": f"{PREFIXES[0]}/present-proof/2.0/presentation", "@id": "1", **members}
    await deliver(profile, message)
    assert len(desk.received) == 1


async def test_a_message_in_plain_text_is_refused(profile: Profile, desk: Desk) -> None:
    message = {"@type": f"{PREFIXES[0]}/present-proof/2.0/presentation", "@id": "1"}
    with pytest.raises(HandlerException, match="not encrypted"):
        await deliver(profile, message, encrypted=False)
    assert desk.received == []


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ({"code": "abandoned", "en": "No."}, "abandoned"),
        ({"code": "x" * 65}, "other"),
        ({"code": "Nimal Perera declines"}, "other"),
    ],
)
async def test_a_decline_reaches_the_desk_without_its_words(
    profile: Profile, desk: Desk, description: dict[str, str], code: str
) -> None:
    message = {
        "@type": f"{PREFIXES[0]}/present-proof/2.0/problem-report",
        "@id": "1",
        "~thread": {"thid": "thread"},
        "description": description,
    }
    await deliver(profile, message)
    assert desk.declines == [("thread", code)]


async def test_a_report_about_another_exchange_goes_on_to_acapy(
    profile: Profile, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.ours = False
    message = {
        "@type": f"{PREFIXES[0]}/present-proof/2.0/problem-report",
        "@id": "1",
        "description": {"code": "abandoned"},
    }
    await deliver(profile, message)
    assert "Record not found while processing present-proof v2.0 problem report" in caplog.text


async def test_an_agent_without_governance_keeps_acapys_handlers() -> None:
    context, registry = InjectionContext(), ProtocolRegistry()
    context.injector.bind_instance(ProtocolRegistry, registry)
    await setup_verifying(context)
    assert registry.message_types == ()
