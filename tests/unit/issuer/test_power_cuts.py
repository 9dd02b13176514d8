"""The power fails behind every step of an issuer, one after the other: one credential for one offer, one revocation."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from acapy_agent.anoncreds.constants import CATEGORY_REV_REG_DEF
from tests.unit.issuer.conftest import open_workshop, restart
from tests.unit.issuer.workshop import Workshop, credential_of
from tests.unit.power import Power, marks_end, power
from tests.welders import CLAIM as WELDER

from wanderbuch.agents.issuer.intents import RevocationState
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.agents.issuer.registries import Registries, RegistryState, is_nearly_full
from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.plugins.exchange.credential_messages import ack_message
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["power"]


@pytest_asyncio.fixture(loop_scope="module")
async def opened(tmp_path: Path) -> AsyncIterator[Workshop]:
    """A workshop for each test: after every cut a start looks through all that earlier tests would leave."""
    async with open_workshop(tmp_path) as made:
        yield made


async def public_list(workshop: Workshop, registry: str) -> list[int]:
    result = await workshop.registry.get_revocation_list(workshop.profile, RevRegDefId.parse(registry))
    return list(result.revocation_list.revocation_list)


async def a_minute_passes(workshop: Workshop) -> None:
    """Let what a process had claimed, or was in the middle of, end by itself."""
    await marks_end(workshop.profile)
    await tables_of(workshop.profile).engine.run("UPDATE row SET until = 0")


async def assert_listed(workshop: Workshop, offer_id: str) -> None:
    """Check that an offer is found in the list of its state, and in no other."""
    await marks_end(workshop.profile)
    offer = await workshop.desk.get(offer_id)
    for state in OfferState:
        listed = [offer.id async for offer in workshop.desk.book.offers.every(state=state.value)]
        assert (offer_id in listed) is (state is offer.state), state


@pytest.mark.parametrize("asks_again", [True, False])
async def test_an_offer_is_answered_with_one_credential_wherever_the_power_fails(
    workshop: Workshop, power: Power, asks_again: bool
) -> None:
    places: list[tuple[str | None, int | None]] = []
    steps = 0
    for steps in power.cuts():
        offer = await workshop.offer()
        request = await workshop.request_for(offer)
        phone = workshop.phone_of(offer)
        await workshop.heard()
        cut = await power.lasts(steps, lambda r=request, p=phone: workshop.receive(r, p))
        sent = [message for _, message in await workshop.messages()]
        if cut:
            began = await workshop.desk.book.payloads.find(offer.id) is not None
            workshop.start()
            await workshop.standing.prepare()
            await workshop.desk.sweep(datetime.now(UTC))
            await a_minute_passes(workshop)
            await workshop.desk.sweep(datetime.now(UTC) + timedelta(minutes=1))
            sent += [message for _, message in await workshop.messages()]
            if began:  # it leaves without the wallet's asking again
                assert sent, f"cut after {steps} steps: what was signed was not sent"
            if asks_again or not began:
                await workshop.receive(request, phone)
                sent += [message for _, message in await workshop.messages()]
        credentials = [credential_of(mapping) for mapping in sent if mapping["~thread"].get("thid") == offer.thread_id]
        assert credentials, f"cut after {steps} steps: nothing was sent"
        assert len({json.dumps(credential, sort_keys=True) for credential in credentials}) == 1
        ended = await workshop.desk.get(offer.id)
        assert ended.state is OfferState.ISSUED
        place = (credentials[0]["rev_reg_id"], credentials[0]["signature"]["r_credential"]["i"])
        assert (ended.registry, ended.index) == place
        await assert_listed(workshop, offer.id)
        places.append(place)
        if not cut:
            break
    assert steps > 5
    assert len(set(places)) == len(places)


async def test_an_offer_is_handed_over_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    steps = 0
    for steps in power.cuts():
        offer = await workshop.make()
        phone = await workshop.connect(offer.id)
        await workshop.heard()

        async def take(phone: object = phone) -> None:
            assert await workshop.take(phone)  # type: ignore[arg-type]
            await workshop.complete(phone)  # type: ignore[arg-type]

        cut = await power.lasts(steps, take)
        sent = await workshop.messages()
        if cut:
            workshop.start()
            await workshop.standing.prepare()
            await workshop.desk.sweep(datetime.now(UTC))
            sent += [message for message in await workshop.messages() if message[0] is phone]
            if not sent:  # its handshake was cut off before anything was kept: it begins again
                await take()
                sent += await workshop.messages()
        assert {(to, message["@id"]) for to, message in sent} == {(phone, offer.thread_id)}, f"cut after {steps} steps"
        taken = await workshop.desk.get(offer.id)
        assert taken.wallet is not None
        assert taken.wallet.own_key == phone.connection.own_key
        if not cut:
            break
    assert steps > 0


async def test_an_acknowledgement_counts_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    steps = 0
    for steps in power.cuts():
        offer = await workshop.issue()
        phone, ack = workshop.phone_of(offer), ack_message(thread_id=offer.thread_id)
        cut = await power.lasts(steps, lambda a=ack, p=phone: workshop.receive(a, p))
        if cut:
            await restart(workshop)
            if steps % 2:
                await workshop.receive(ack, phone)
            await a_minute_passes(workshop)
            await workshop.desk.sweep(datetime.now(UTC) + timedelta(minutes=1))
            if (await workshop.desk.get(offer.id)).receipt is Receipt.NONE:  # sent again, so it is acknowledged again
                await workshop.receive(ack, phone)
        offer_now = await workshop.desk.get(offer.id)
        assert offer_now.receipt is Receipt.KEPT, f"cut after {steps} steps"
        assert await workshop.desk.book.payloads.find(offer.id) is None, f"cut after {steps} steps"
        await assert_listed(workshop, offer.id)
        if not cut:
            break
    assert steps > 2


@pytest.mark.parametrize("end", ["declined", "withdrawn", "late"])
async def test_an_offer_ends_once_wherever_the_power_fails(workshop: Workshop, power: Power, end: str) -> None:
    states = {"declined": OfferState.DECLINED, "withdrawn": OfferState.WITHDRAWN, "late": OfferState.NO_ANSWER}
    steps = 0
    for steps in power.cuts():
        offer = await workshop.offer()
        over = offer.answer_by + timedelta(seconds=1)

        async def work(offer: Offer = offer, over: datetime = over) -> None:
            match end:
                case "declined":
                    await workshop.decline(offer)
                case "withdrawn":
                    await workshop.desk.withdraw(offer.id)
                case _:
                    await workshop.desk.sweep(over)

        cut = await power.lasts(steps, work)
        if cut:
            await restart(workshop)
            if end != "withdrawn" or (await workshop.desk.get(offer.id)).state is OfferState.OPEN:
                await a_minute_passes(workshop)
                await work()
        assert (await workshop.desk.get(offer.id)).state is states[end], f"cut after {steps} steps"
        await assert_listed(workshop, offer.id)
        if not cut:
            break
    assert steps > 2


async def test_a_credential_is_revoked_in_public_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    steps = 0
    for steps in power.cuts():
        offer = await workshop.issue()
        assert offer.registry is not None
        assert offer.index is not None
        before = await public_list(workshop, offer.registry)
        await workshop.heard()

        async def revoke(offer: Offer = offer) -> None:
            await workshop.revocations.request(offer, wait_s=0)
            await workshop.revocations.publish_all()

        cut = await power.lasts(steps, revoke)
        heard = await workshop.heard()
        if cut:
            workshop.start()
            await workshop.standing.prepare()
            await workshop.desk.sweep(datetime.now(UTC))
            await workshop.revocations.publish_all()  # what the sweep has it look for
            intent = await workshop.revocations.get_or_none(offer.id)
            assert (intent is None) == (steps <= 1)  # the first step is its row in the plain tables
            await revoke()  # who saw no answer asks again
            await workshop.revocations.notices.sweep(datetime.now(UTC))
            heard += await workshop.heard()
        intent = await workshop.revocations.get_or_none(offer.id)
        assert intent is not None
        assert intent.state is RevocationState.PUBLISHED
        assert "revoke" in heard, f"cut after {steps} steps: the wallet was not told"
        assert await workshop.desk.book.payloads.find(intent.thread_id) is not None
        assert (await workshop.desk.get(offer.id)).state is OfferState.REVOKED
        await assert_listed(workshop, offer.id)
        after = await public_list(workshop, offer.registry)
        assert [index for index, bit in enumerate(after) if bit and not before[index]] == [offer.index]
        assert all(bit for index, bit in enumerate(after) if before[index])
        if not cut:
            break
    assert steps > 5


async def test_a_registry_is_whole_or_completed_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    steps = 0
    for steps in power.cuts():
        registries = Registries(workshop.profile, size=6)
        cut = await power.lasts(steps, lambda in_memory=registries: in_memory._make(workshop.cred_def_id))
        registries = Registries(workshop.profile, size=6)
        await registries.ensure_active(workshop.cred_def_id)
        await registries.ensure_spare(workshop.cred_def_id)
        on_disk = await registries.all(workshop.cred_def_id)
        assert [registry.state for registry in on_disk].count(RegistryState.ACTIVE) == 1
        assert RegistryState.SPARE in [registry.state for registry in on_disk]
        async with workshop.profile.session() as session:
            kept = [fetch_entry.name for fetch_entry in await fetch_entries(session, CATEGORY_REV_REG_DEF)]
        assert {str(registry.id) for registry in on_disk} == set(kept)
        for registry in on_disk:
            assert len(await public_list(workshop, registry.id)) in (registry.size, registry.size + 1)
        if not cut:
            break
    assert steps > 3


async def test_the_spare_takes_over_once_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    steps = 0
    for steps in power.cuts():
        registries = Registries(workshop.profile, size=4)
        await registries.ensure_spare(workshop.cred_def_id)
        full = await registries.ensure_active(workshop.cred_def_id)
        while (active := next(iter(await registries.all(workshop.cred_def_id)))).id == full:
            if is_nearly_full(size=active.size, used=active.used):
                break
            await workshop.issue()

        async def take_over(in_memory: Registries = registries) -> None:
            await in_memory.ensure_active(workshop.cred_def_id)
            await in_memory.ensure_spare(workshop.cred_def_id)

        cut = await power.lasts(steps, take_over)
        await take_over(Registries(workshop.profile, size=4))
        on_disk = await Registries(workshop.profile, size=4).all(workshop.cred_def_id)
        assert [registry.state for registry in on_disk].count(RegistryState.ACTIVE) == 1
        assert on_disk[0].id != full
        assert RegistryState.SPARE in [registry.state for registry in on_disk]
        assert (await workshop.issue()).registry == on_disk[0].id
        if not cut:
            break
    assert steps > 0


async def test_an_offer_is_made_whole_or_not_at_all_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    steps = 0
    for steps in power.cuts():
        before = {offer.id for offer in (await workshop.desk.page(limit=500)).items}
        cut = await power.lasts(steps, lambda: workshop.desk.make(WELDER, lifetime=timedelta(hours=1)))
        if cut:
            await restart(workshop)
            await marks_end(workshop.profile)
        made = [offer for offer in (await workshop.desk.page(limit=500)).items if offer.id not in before]
        assert all(offer.invitation_url and offer.short_url for offer in made), f"cut after {steps} steps"
        for offer in made:
            assert offer.short_url is not None
            assert await workshop.short_links.target(offer.short_url.rpartition("/")[2]) == offer.invitation_url
        if not cut:
            assert len(made) == 1
            break
    assert steps > 2
