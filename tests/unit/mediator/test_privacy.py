"""What the operator of a mediator can see: ciphertext, how much, since which hour. Nobody's words, no sender."""

import json
import logging
import time
from typing import Any

import pytest
from aries_askar import Key, KeyAlg
from tests.unit.mediator.phones import Phone, Site, inner, key_name, read

from wanderbuch.agents.mediator.office import MediatorOffice
from wanderbuch.agents.mediator.sealing import SIZES
from wanderbuch.agents.runtime.agent import RunningAgent
from wanderbuch.plugins.exchange.packing import PREFIX, pack
from wanderbuch.store.schema import OF_A_TENANT
from wanderbuch.store.tables import tables_of

SECRET = "Perera, Nimal; NVQ 4; C7212"  # what a claim says


async def rows(mediator: RunningAgent) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the plain tables."""
    engine = tables_of(mediator.profile).engine
    return {
        table: await engine.run(f"SELECT * FROM {table}")  # noqa: S608
        for table in (*OF_A_TENANT, "meta", "lease", "number")
    }


async def entries(mediator: RunningAgent) -> list[bytes]:
    """All that the wallet store holds, decrypted, with its names and tags."""
    store = mediator.profile.store
    return [
        f"{entry.category}|{entry.name}|{entry.tags}|".encode() + bytes(entry.value)
        async for entry in store.scan(None, None)
    ]


def opened_rows(mediator: RunningAgent, by_table: dict[str, list[tuple[Any, ...]]]) -> list[bytes]:
    """What the mediator's keys open of its rows."""
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    sealing = office.keys.sealing
    return [
        *(sealing.open(bytes(row[-1]), place=row[2]) for row in by_table["mediated_message"]),
        *(sealing.open_text(bytes(row[3]), place=row[2]).encode() for row in by_table["mediated_key"]),
        *(sealing.open_text(bytes(row[-1]), place=row[1]).encode() for row in by_table["mediated"]),
    ]


async def test_all_that_is_stored_and_logged_names_no_sender_and_says_nothing(
    mediator: RunningAgent, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sender = Key.generate(KeyAlg.ED25519)
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    offer = {"@type": f"{PREFIX}issue-credential/2.0/offer-credential", "@id": "1", "content": SECRET}
    packed = pack(offer, to=key_name(key), own=sender, routing_keys=[phone.routing_key])
    assert (await site.post(packed))[0] == 200
    async with phone.live() as live:
        await live.next("delivery")  # and is not acknowledged: it stays kept
    by_table = await rows(mediator)
    (row,) = by_table["mediated_message"]
    everything = [*opened_rows(mediator, by_table), *await entries(mediator), *(repr(by_table).encode(),)]
    assert sum(b'"ciphertext"' in item for item in everything) == 1  # we did look into what is kept
    assert any(key_name(key).encode() in item for item in everything)
    log = "\n".join(json.dumps(record.__dict__, default=str) for record in caplog.records)
    for item in (*everything, log.encode()):
        assert SECRET.encode() not in item
        assert key_name(sender).encode() not in item
    for name in (key_name(key), phone.did, row[1], row[2]):
        assert name not in log  # nobody can tell from it who was written to
    assert key_name(key) not in repr(by_table)  # nor from the tables alone


async def test_rows_say_no_finer_time_than_an_hour_and_one_of_a_few_sizes(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    for length in (1, 10, 2_000, 9_000, 20_000, 100_000):
        own = Key.generate(KeyAlg.ED25519)
        basic_message = {"@type": f"{PREFIX}basicmessage/1.0/message", "@id": "1", "content": "x" * length}
        await site.post(pack(basic_message, to=key_name(key), own=own, routing_keys=[phone.routing_key]))
    messages = (await rows(mediator))["mediated_message"]
    sizes = {row[5] for row in messages}
    assert {size - 28 for size in sizes} <= set(SIZES)
    assert len(messages) == 6
    assert len(sizes) == 4
    hour = int(time.time()) // 3600
    assert {row[4] for row in messages} <= {hour - 1, hour}
    tables = await rows(mediator)
    assert {row[4] for row in tables["mediated"]} <= {hour - 1, hour}
    delivered = [read(key, envelope) for _, envelope in await phone.deliver()]
    assert delivered[0] == "x"


async def test_what_is_moved_or_changed_in_the_tables_is_not_delivered(mediator: RunningAgent, site: Site) -> None:
    phone = await Phone.mediated(site)
    key = await phone.new_key()
    engine = tables_of(mediator.profile).engine
    office = mediator.tenant.offices["mediator"]
    assert isinstance(office, MediatorOffice)
    assert await office.queue.keep(office.wallets.hash_of(key_name(key)), inner(key))
    assert len(await phone.deliver()) == 1
    await engine.run("UPDATE mediated_message SET id = 'another'")
    assert await office.queue.keep(office.wallets.hash_of(key_name(key)), inner(key, "after it"))
    assert [read(key, envelope) for _, envelope in await phone.deliver()] == ["after it"]


async def test_a_rows_number_says_nothing_of_when_it_came(mediator: RunningAgent, site: Site) -> None:
    """Other rows take numbers of the store beside a time to the second; a message's is its place in its queue."""
    phones = [await Phone.mediated(site) for _ in range(2)]
    for phone in phones:
        key = await phone.new_key()
        for _ in range(3):
            assert (await site.post(pack_to(phone, key)))[0] == 200
    numbers: dict[str, list[int]] = {}
    for row in (await rows(mediator))["mediated_message"]:
        numbers.setdefault(row[1], []).append(row[3])
    assert [sorted(of_wallet) for of_wallet in numbers.values()] == [[1, 2, 3]] * 2


def pack_to(phone: Phone, key: Key) -> bytes:
    basic_message = {"@type": f"{PREFIX}basicmessage/1.0/message", "@id": "1", "content": "hello"}
    return pack(basic_message, to=key_name(key), own=Key.generate(KeyAlg.ED25519), routing_keys=[phone.routing_key])
