"""What strangers and wallets try at a mediator: nobody takes another's messages, or fills more than their own."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from acapy_agent.core.profile import Profile
from aries_askar import Key, KeyAlg
from tests.unit.mediator.conftest import LIMITS
from tests.unit.mediator.phones import (
    Phone,
    Site,
    attached,
    forward,
    inner,
    key_name,
    message,
    read,
    write,
)

from wanderbuch.agents.mediator import live as live_module
from wanderbuch.agents.mediator.office import MediatorOffice
from wanderbuch.agents.runtime import message_sockets
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.connecting import inviter
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.packing import pack
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import tables_of


async def kept(mediator: RunningAgent) -> int:
    return int((await tables_of(mediator.profile).engine.run("SELECT count(*) FROM mediated_message"))[0][0])


async def test_refuses_what_is_for_a_key_that_no_wallet_has(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    unknown = Key.generate(KeyAlg.ED25519)
    assert await write(phone, unknown) == 400
    known = await phone.new_key()
    assert await write(phone, known) == 200
    assert await kept(mediator) == 1


async def test_keeps_nothing_that_is_no_envelope(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    for content in ("a text", {"content": "readable"}, ["list"], None, 7, ""):
        status, _ = await site.post(forward(phone.routing_key, key_name(key), content))
        assert (status, await kept(mediator)) == (400, 0), content
    assert (await site.post(forward(phone.routing_key, key_name(key), json.loads(inner(key)))))[0] == 200
    assert await kept(mediator) == 1


async def test_opens_one_layer_of_nested_forwards(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    for_us = forward(phone.routing_key, key_name(key), json.loads(inner(key)))
    for depth in range(4):
        nested = forward(phone.routing_key, phone.routing_key, json.loads(for_us))
        assert (await site.post(nested))[0] == 400, depth  # our own routing key is no wallet's
        for_us = nested
    assert await kept(mediator) == 0


async def test_a_key_is_the_first_wallets_and_a_stranger_gets_nothing_of_it(mediator: RunningAgent, site: Site) -> None:
    phone, thief = await Phone.mediated(site), await Phone.mediated(site)
    key = await phone.new_key()
    assert (await thief.register(key_name(key)))[0]["result"] == "client_error"
    assert (await thief.register(key_name(key), action="remove"))[0]["result"] == "no_change"
    await write(phone, key, "for the phone")
    assert await thief.deliver() == []
    ((ident, envelope),) = await phone.deliver()
    assert read(key, envelope) == "for the phone"
    await thief.received(ident)
    assert len(await phone.deliver()) == 1


async def test_an_envelope_from_another_key_over_a_wallets_connection_is_refused(
    mediator: RunningAgent, site: Site
) -> None:
    phone = await Phone.mediated(site)
    await write(phone, await phone.new_key())
    asked = message("messagepickup/2.0/delivery-request", limit=10) | {"~transport": {"return_route": "all"}}
    status, body = await site.post(pack(asked, to=phone.mediator_key, own=Key.generate(KeyAlg.ED25519)))
    assert (status, body) == (400, b"")
    assert len(await phone.deliver()) == 1


async def test_nothing_is_granted_to_a_wallet_before_it_asks(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.connect(site)
    key = Key.generate(KeyAlg.ED25519)
    assert (await phone.register(key_name(key)))[0]["result"] == "client_error"
    await phone.ask(message("coordinate-mediation/1.0/mediate-request"))
    assert (await phone.register(key_name(key)))[0]["result"] == "success"


async def test_a_wallet_has_so_many_keys_and_no_more(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    keys = [Key.generate(KeyAlg.ED25519) for _ in range(LIMITS["wallet_keys"] + 2)]
    results = [updated["result"] for updated in await phone.register(*map(key_name, keys))]
    assert results == ["success"] * LIMITS["wallet_keys"] + ["client_error"] * 2
    await phone.register(key_name(keys[0]), action="remove")
    assert (await phone.register(key_name(keys[-1])))[0]["result"] == "success"


async def test_a_malformed_update_is_answered_and_changes_nothing(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    updates = ({}, {"recipient_key": "?", "action": "add"}, {"recipient_key": 7, "action": "add"}, "text")
    for update in updates:
        answer = await phone.ask(message("coordinate-mediation/1.0/keylist-update", updates=[update]))
        assert answer is not None, update
        assert answer["updated"][0]["result"] == "client_error", update


async def test_who_floods_one_wallet_fills_that_queue_alone_and_its_wallet_is_told(
    mediator: RunningAgent, site: Site
) -> None:
    flooded, other = await Phone.mediated(site), await Phone.mediated(site)
    victim, friend = await flooded.new_key(), await other.new_key()
    statuses = [await write(flooded, victim) for _ in range(LIMITS["queue_messages"] + 3)]
    assert statuses == [200] * LIMITS["queue_messages"] + [503] * 3
    assert await write(other, friend, "still") == 200
    assert [read(friend, envelope) for _, envelope in await other.deliver()] == ["still"]
    status = await flooded.status()
    assert (status["message_count"], status["refused_count"]) == (LIMITS["queue_messages"], 3)
    assert "refused_count" not in await flooded.status()
    await flooded.received(*[ident for ident, _ in await flooded.deliver()])
    assert await write(flooded, victim) == 200  # there is room again


async def test_large_messages_count_by_their_size(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    large = "x" * 150_000
    statuses = [await write(phone, key, large) for _ in range(10)]
    assert statuses == [200] * 7 + [503] * 3  # of 256 KiB each as they are kept, with their seals
    assert await write(phone, key, "x" * 300_000) == 400  # larger than any that is kept


@pytest.mark.parametrize("window", [{"_WINDOW": 2}, {"_WINDOW_BYTES": 2 * 1024}], ids=["messages", "bytes"])
async def test_a_wallet_that_never_acknowledges_gets_no_more_and_nothing_is_lost(
    mediator: RunningAgent, site: Site, monkeypatch: pytest.MonkeyPatch, window: dict[str, int]
) -> None:
    for name, most in window.items():
        monkeypatch.setattr(live_module, name, most)
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    async with phone.live() as live:
        await live.next("status")
        sent: list[str] = []
        for index in range(LIMITS["queue_messages"]):  # one after the other, so that bytes are counted one by one
            assert await write(phone, key, str(index) + "x" * 500) == 200
            if index < 2:
                sent += [ident for ident, _ in attached(await live.next("delivery"))]
        assert await write(phone, key, "too many") == 503
        await live.send(message("messagepickup/2.0/status-request"))
        assert (await live.next("status"))["message_count"] == LIMITS["queue_messages"]
        assert not live.heard, "what came before that answer"
        assert len(sent) == 2
        await live.acknowledge(*sent)
        assert attached(await live.next("delivery"))
    texts: list[str] = []
    async with phone.live() as live:
        while len(texts) < LIMITS["queue_messages"] - len(sent):
            delivered = attached(await live.next("delivery"))
            texts += [read(key, envelope).rstrip("x") for _, envelope in delivered]
            await live.acknowledge(*(ident for ident, _ in delivered))
    assert texts == [str(index) for index in range(2, LIMITS["queue_messages"])]


async def test_what_is_too_old_goes_and_nothing_an_hour_sooner(mediator: RunningAgent, site: Site) -> None:
    """Days are counted in hours, since no finer time is kept."""
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    engine, hour = tables_of(mediator.profile).engine, int(time.time()) // 3600
    phone, gone, stays = [await Phone.mediated(site) for _ in range(3)]
    limits = phone.grant["limits"]
    assert limits == office.config.limits
    key = await phone.new_key()
    for text in ("old", "not yet"):
        assert await write(phone, key, text) == 200
    old, not_yet = (await office.queue.part(office.wallets.id_of(phone.mediator_key), limit=2))[0]
    for waiting, hours in ((old, limits["days"] * 24 + 2), (not_yet, limits["days"] * 24 - 2)):
        await engine.run("UPDATE mediated_message SET hour = ? WHERE id = ?", hour - hours, waiting.id)
    for other, hours in (
        (gone, limits["forgotten_after_days"] * 24 + 2),
        (stays, limits["forgotten_after_days"] * 24 - 2),
    ):
        await engine.run(
            "UPDATE mediated SET seen = ? WHERE id = ?", hour - hours, office.wallets.id_of(other.mediator_key)
        )
    await office.sweep(datetime.now(UTC))
    assert [read(key, envelope) for _, envelope in await phone.deliver()] == ["not yet"]
    left = {row[0] for row in await engine.run("SELECT id FROM mediated")}
    assert left == {office.wallets.id_of(owner.mediator_key) for owner in (phone, stays)}


async def test_a_socket_of_a_stranger_is_closed_and_one_of_a_wallet_stays(
    mediator: RunningAgent, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await Phone.mediated(site)
    async with phone.live() as live, site.socket() as stranger:
        await live.next("status")
        await stranger.send_bytes(forward(phone.routing_key, phone.routing_key, {}))
        monkeypatch.setattr(message_sockets, "STRANGER_S", 0.0)
        await mediator._transport.sockets.look()
        async with asyncio.timeout(30):
            assert (await stranger.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        await live.send(message("messagepickup/2.0/status-request"))
        assert (await live.next("status"))["live_delivery"] is True


async def test_a_silent_socket_is_asked_and_closed_if_it_does_not_answer(
    mediator: RunningAgent, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await Phone.mediated(site)
    async with phone.live() as live:
        await live.next("status")
        monkeypatch.setattr(message_sockets, "QUIET_S", 0.0)
        sockets = mediator._transport.sockets
        await sockets.look()  # asks
        (socket,) = sockets._open
        assert socket.pinged_at is not None
        await sockets.look()  # nobody has read, so nobody has answered
        with pytest.raises(ConnectionResetError):
            await live.frame()


async def test_garbage_over_a_socket_is_answered_by_nothing(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    async with phone.live() as live:
        await live.next("status")
        for body in (b"", b"{}", b"\xff\xfe", b'{"protected": 7}'):
            await live.socket.send_bytes(body)
        await live.send(message("messagepickup/2.0/status-request"))
        assert (await live.next("status"))["message_count"] == 0


async def test_live_mode_by_https_is_refused_in_words(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    answer = await phone.ask(message("messagepickup/2.0/live-delivery-change", live_delivery=True))
    assert answer is not None
    assert answer["@type"].endswith("/problem-report")


async def test_no_more_wallets_than_there_is_room_for_and_who_is_refused_leaves_nothing(
    mediator: RunningAgent, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await Phone.mediated(site)
    wallets = mediator.tenant.offices["mediator"].wallets  # type: ignore[attr-defined]
    most = LIMITS["max_wallets"]
    for index in range(most - 1):
        assert await wallets.enter(f"key {index}", most=most)
    assert await wallets.enter("key 0", most=most)
    kept_for: list[str] = []
    keep = inviter._keep

    async def noting(profile: Profile, made: Connection, *rest: Any) -> Any:
        kept_for.append(made.connection_id)
        return await keep(profile, made, *rest)

    monkeypatch.setattr(inviter, "_keep", noting)
    wallets._room.clear()
    before = await entries(mediator)
    for _ in range(2):
        with pytest.raises(AssertionError, match="problem_report"):
            await Phone.connect(site)
    assert (kept_for, await entries(mediator)) == ([], before)
    assert (await phone.status())["message_count"] == 0  # who is there stays
    await wallets.forget(wallets.id_of("key 0"))
    wallets._room.clear()
    await Phone.mediated(site)
    assert len(kept_for) == 1


async def entries(mediator: RunningAgent) -> int:
    async with mediator.profile.session() as session:
        return len(await fetch_entries(session, None))


async def test_a_key_of_the_mediators_own_is_no_wallets(mediator: RunningAgent, site: Site) -> None:
    phone, other = await Phone.mediated(site), await Phone.mediated(site)
    for own in (phone.routing_key, phone.mediator_key, other.mediator_key):
        assert (await phone.register(own))[0]["result"] == "client_error"
    key = await phone.new_key()
    nested = forward(phone.routing_key, phone.routing_key, json.loads(forward(phone.routing_key, key_name(key), {})))
    assert ((await site.post(nested))[0], await kept(mediator)) == (400, 0)


async def test_rows_that_somebody_damaged_keep_no_other_from_its_end(mediator: RunningAgent, site: Site) -> None:
    phones = [await Phone.mediated(site) for _ in range(3)]
    key = await phones[0].new_key()
    lost = await phones[0].new_key()
    engine = tables_of(mediator.profile).engine
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    await engine.run(
        "UPDATE mediated_key SET sealed = ? WHERE hash = ?", b"x" * 60, office.wallets.hash_of(key_name(lost))
    )
    listed = await phones[0].ask(message("coordinate-mediation/1.0/keylist-query"))
    assert listed is not None
    assert [bare_key(told["recipient_key"]) for told in listed["keys"]] == [key_name(key)]
    await engine.run(
        "UPDATE mediated SET sealed = ?, seen = 0 WHERE id <> ?",
        b"x" * 60,
        office.wallets.id_of(phones[0].mediator_key),
    )
    await office.sweep(datetime.now(UTC))
    assert (await office.wallets.counts()).wallets == 1
    assert await write(phones[0], key) == 200


async def test_what_is_written_at_once_does_not_pass_a_quota(mediator: RunningAgent, site: Site) -> None:
    """On PostgreSQL a statement does not see what another one is writing: both would find room for one more."""
    phone = await Phone.mediated(site)
    keys = [Key.generate(KeyAlg.ED25519) for _ in range(3 * LIMITS["wallet_keys"])]
    answers = await asyncio.gather(*(phone.register(key_name(key)) for key in keys))
    registered = [key for key, (told,) in zip(keys, answers, strict=True) if told["result"] == "success"]
    assert len(registered) == LIMITS["wallet_keys"]
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    key = registered[0]
    key_hash, envelope = office.wallets.hash_of(key_name(key)), inner(key)
    taken = await asyncio.gather(*(office.queue.keep(key_hash, envelope) for _ in range(3 * LIMITS["queue_messages"])))
    assert sum(taken) == await kept(mediator) == LIMITS["queue_messages"]
