"""While a mediator is not ready, who asks it gets no answer; what is for others is kept."""

import aiohttp
import pytest
from tests.unit.mediator.phones import LivePhone, Phone, Site, attached, message, read, write
from tests.unit.runtime.envelopes import kept_by

from wanderbuch.agents.runtime.agent import RunningAgent

STATUS = "messagepickup/2.0/status-request"


async def test_ends_the_connection_of_who_asks_keeps_nothing_of_it_and_answers_once_it_is_ready(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    mediator._transport.hold()
    with pytest.raises(aiohttp.ClientConnectionError):
        await phone.status()
    async with site.socket() as socket:
        await LivePhone(phone, socket).send(message(STATUS))
        frame = await socket.receive(timeout=30)
        assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.TRY_AGAIN_LATER)
    assert await kept_by(mediator) == []
    assert await write(phone, key, "kept") == 200
    assert len(await kept_by(mediator)) == 1
    mediator._transport.open()
    await mediator._transport.replay()
    ((_, envelope),) = await phone.deliver()
    assert read(key, envelope) == "kept"


async def test_ends_the_connection_of_who_asks_before_messages_are_taken_at_all(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    receiver, sockets = mediator._public._receiver, mediator._public._sockets
    mediator._public.connect(None)
    with pytest.raises(aiohttp.ClientConnectionError):
        await phone.status()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with site.socket():
            raise AssertionError("the web socket was opened")
    mediator._public.connect(receiver, sockets)
    assert (await phone.status())["message_count"] == 0


async def test_a_connection_that_was_ended_is_one_of_many(mediator: RunningAgent, site: Site) -> None:
    """Another wallet's live socket goes on."""
    one, other = await Phone.mediated(site), await Phone.mediated(site)
    key = await other.new_key()
    async with other.live() as live:
        await live.next("status")
        mediator._transport.hold()
        with pytest.raises(aiohttp.ClientConnectionError):
            await one.status()
        mediator._transport.open()
        await write(other, key)
        assert len(attached(await live.next("delivery"))) == 1
