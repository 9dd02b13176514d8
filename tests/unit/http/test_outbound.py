import asyncio
from collections.abc import AsyncIterator

import pytest
from acapy_agent.connections.models.connection_target import ConnectionTarget
from acapy_agent.core.profile import Profile
from acapy_agent.transport.outbound.base import OutboundDeliveryError, OutboundTransportError
from acapy_agent.transport.outbound.manager import OutboundTransportManager
from acapy_agent.transport.outbound.message import OutboundMessage
from acapy_agent.utils.testing import create_test_profile
from aiohttp import web
from tests.unit.http.tls_host import TlsHost

from wanderbuch.plugins.http.edge import HttpEdge

MODULE = "wanderbuch.plugins.http.outbound"


@pytest.fixture
async def profile(edge: HttpEdge) -> AsyncIterator[Profile]:
    opened = await create_test_profile({"wallet.type": "askar-anoncreds", "transport.outbound_configs": [MODULE]})
    opened.context.injector.bind_instance(HttpEdge, edge)
    yield opened
    await opened.close()


@pytest.fixture
async def manager(profile: Profile) -> AsyncIterator[OutboundTransportManager]:
    made = OutboundTransportManager(profile)
    await made.setup()
    await made.start()
    await made.task_queue.flush()
    yield made
    await made.stop(wait=False)


async def test_aca_py_delivers_an_envelope_over_the_edge(
    manager: OutboundTransportManager, profile: Profile, host: TlsHost
) -> None:
    delivered: asyncio.Future[tuple[str, bytes]] = asyncio.get_running_loop().create_future()

    async def inbox(request: web.Request) -> web.StreamResponse:
        delivered.set_result((request.content_type, await request.read()))
        return web.Response()

    host.handlers["didcomm"] = inbox
    target = ConnectionTarget(endpoint=host.url("didcomm"))
    await manager.enqueue_message(profile, OutboundMessage(payload="", enc_payload=b"envelope", target=target))
    assert await asyncio.wait_for(delivered, 60) == ("application/ssi-agent-wire", b"envelope")


async def test_says_why_nothing_was_delivered(
    manager: OutboundTransportManager, profile: Profile, host: TlsHost
) -> None:
    transport = manager.get_transport_instance("HttpsOutboundTransport")
    with pytest.raises(OutboundTransportError, match="nothing at"):
        await transport.handle_message(profile, b"envelope", host.url("nothing"))


async def test_does_not_deliver_in_the_clear(manager: OutboundTransportManager, profile: Profile) -> None:
    target = ConnectionTarget(endpoint="http://registry.example.test/didcomm")
    with pytest.raises(OutboundDeliveryError):
        await manager.enqueue_message(profile, OutboundMessage(payload="", enc_payload=b"envelope", target=target))


async def test_does_not_deliver_to_a_private_address(manager: OutboundTransportManager, profile: Profile) -> None:
    transport = manager.get_transport_instance("HttpsOutboundTransport")
    with pytest.raises(OutboundTransportError, match="not public"):
        await transport.handle_message(profile, b"envelope", "https://localhost/didcomm")


async def test_does_not_start_without_the_edge() -> None:
    bare = await create_test_profile({"wallet.type": "askar-anoncreds", "transport.outbound_configs": [MODULE]})
    manager = OutboundTransportManager(bare)
    await manager.setup()
    await manager.start()
    await manager.task_queue.flush()
    assert manager.running_transports == {}
    await bare.close()
