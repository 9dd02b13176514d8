"""A wallet without an address gets what others send it: kept until it says that it has it."""

import asyncio

import pytest
from tests.unit.mediator.conftest import LIMITS, Start
from tests.unit.mediator.phones import (
    Phone,
    Site,
    attached,
    inner,
    key_name,
    message,
    read,
    write,
)

from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.connecting.peer_dids import short_form


async def test_takes_what_waits_and_it_goes_when_the_wallet_says_that_it_has_it(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    assert [await write(phone, key, text) for text in ("one", "two", "three")] == [200] * 3
    assert (await phone.status())["message_count"] == 3
    first, second = await phone.deliver(limit=2)
    assert [read(key, envelope) for _, envelope in (first, second)] == ["one", "two"]
    assert await phone.deliver(limit=2) == [first, second]  # not acknowledged
    assert (await phone.received(first[0], second[0]))["message_count"] == 1
    ((last, envelope),) = await phone.deliver()
    assert read(key, envelope) == "three"
    assert (await phone.received(last))["message_count"] == 0
    assert await phone.deliver() == []


async def test_the_grant_tells_the_limits_and_the_did_names_both_ways_in(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    limits = phone.grant["limits"]
    assert (limits["messages"], limits["keys"]) == (LIMITS["queue_messages"], LIMITS["wallet_keys"])
    assert phone.grant["endpoint"] == "https://mediator.wanderbuch.test/didcomm"
    assert phone.their_did != short_form(phone.their_did)
    from did_peer_4 import resolve

    addresses = [service["serviceEndpoint"] for service in resolve(phone.their_did)["service"]]
    assert addresses == ["wss://mediator.wanderbuch.test/didcomm", "https://mediator.wanderbuch.test/didcomm"]


async def test_live_mode_delivers_at_once_and_again_after_a_socket_that_did_not_acknowledge(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await write(phone, key, "before")
    async with phone.live() as live:
        assert (await live.next("status"))["live_delivery"] is True
        ((kept, envelope),) = attached(await live.next("delivery"))
        assert read(key, envelope) == "before"
        await live.acknowledge(kept)
        await write(phone, key, "while")
        ((_, envelope),) = attached(await live.next("delivery"))
        assert read(key, envelope) == "while"
    async with phone.live() as live:
        ((again, envelope),) = attached(await live.next("delivery"))
        assert read(key, envelope) == "while"
        assert (await live.next("status"))["live_delivery"] is True
        await live.acknowledge(again)
        assert (await live.next("status"))["message_count"] == 0
        await live.send(message("messagepickup/2.0/live-delivery-change", live_delivery=True, delivery_as="text"))
        await live.next("status")
        await write(phone, key, "as text")
        (item,) = (await live.next("delivery"))["~attach"]
        assert read(key, item["data"]["text"].encode()) == "as text"
        for wanted, name in (("text", "text"), ("other", "base64"), (["text"], "base64")):
            await live.send(message("messagepickup/2.0/delivery-request", limit=1, delivery_as=wanted))
            assert list((await live.next("delivery"))["~attach"][0]["data"]) == [name]
        await live.acknowledge(item["@id"])
        assert (await live.next("status"))["message_count"] == 0


async def test_implicit_pickup_by_socket_gives_all_as_it_came_and_removes_it_once_read(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await write(phone, key, "one")
    async with site.socket() as socket:
        ping = message("trust_ping/1.0/ping", response_requested=False)
        await socket.send_bytes(phone.packed(ping))
        assert read(key, await socket.receive_bytes(timeout=30)) == "one"
        await write(phone, key, "two")
        assert read(key, await socket.receive_bytes(timeout=30)) == "two"
        await _until_empty(phone, socket)


async def _until_empty(phone: Phone, socket: object) -> None:
    """Read on, so that pings are answered, until nothing waits."""
    reading = asyncio.ensure_future(socket.receive())  # type: ignore[attr-defined]
    try:
        async with asyncio.timeout(30):
            while (await phone.status())["message_count"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        reading.cancel()


async def test_implicit_pickup_by_https_gives_one_in_each_answer(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await write(phone, key, "one")
    await write(phone, key, "two")
    ping = message("trust_ping/1.0/ping")
    for text in ("one", "two"):
        _, body = await site.post(phone.packed(ping))
        assert read(key, body) == text
    answer = await phone.ask(ping)
    assert answer is not None
    assert answer["@type"].endswith("/ping_response")


async def test_a_new_socket_takes_over_and_the_one_before_is_closed(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    async with phone.live() as old:
        await old.next("status")
        async with phone.live() as new:
            await new.next("status")
            with pytest.raises(ConnectionResetError):
                await old.frame()
            await write(phone, key, "for the new one")
            ((_, envelope),) = attached(await new.next("delivery"))
            assert read(key, envelope) == "for the new one"


async def test_what_was_acknowledged_is_there_after_a_restart_and_the_wallet_is_known(begin: Start, site: Site) -> None:
    agent = await begin()
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    await write(phone, key, "kept")
    before = await site.get("/mediator")
    await agent.stop()
    await begin()
    assert await site.get("/mediator") == before
    ((_, envelope),) = await phone.deliver()
    assert read(key, envelope) == "kept"
    assert await write(phone, key, "after") == 200


async def test_tells_which_protocols_it_speaks_in_both_versions_of_discovery(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    pid = "https://didcomm.org/messagepickup/2.0"
    one = await phone.ask(message("discover-features/1.0/query", query=pid))
    assert one is not None
    assert one["protocols"] == [{"pid": pid}]
    asked = [{"feature-type": "protocol", "match": "https://didcomm.org/*pickup*"}]
    two = await phone.ask(message("discover-features/2.0/queries", queries=asked))
    assert two is not None
    assert [told["id"] for told in two["disclosures"]] == [pid]


async def test_lists_the_keys_of_a_wallet_and_gives_them_back(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    listed = await phone.ask(message("coordinate-mediation/1.0/keylist-query", paginate={"limit": 10, "offset": 0}))
    assert listed is not None
    assert len(listed["keys"]) == 1
    assert (await phone.register(key_name(key), action="remove"))[0]["result"] == "success"
    assert (await phone.register(key_name(key), action="remove"))[0]["result"] == "no_change"
    assert await write(phone, key) == 400


async def test_delivers_by_key_what_is_for_that_key_alone(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    one, other = await phone.new_key(), await phone.new_key()
    await write(phone, one, "for one")
    await write(phone, other, "for the other")
    ((_, envelope),) = await phone.deliver(recipient_key=key_name(other))
    assert read(other, envelope) == "for the other"
    assert len(await phone.deliver()) == 2
    assert inner(one) not in [envelope for _, envelope in await phone.deliver()]
