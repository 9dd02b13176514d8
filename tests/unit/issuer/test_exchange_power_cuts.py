"""The power fails behind every step of what follows an offer, on each engine: nothing is lost, nothing is done twice.

Several takers at once, an offer over a connection that is gone on with, an offer that is withdrawn, the
notice of a revocation, and the sweep that sends each of them again.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.issuer.each_engine import a_minute_passes, leases_end, workshop
from tests.unit.issuer.workshop import Message, Phone, Workshop, credential_of
from tests.unit.power import Power, power

from wanderbuch.agents.issuer.intents import RevocationState
from wanderbuch.agents.issuer.notices import ACK
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.plugins.exchange.credential_messages import acknowledging

__all__ = ["power", "workshop"]


async def taken_up(workshop: Workshop) -> list[tuple[Phone, Message]]:
    """Do what a start does, and what the next minute's sweeps do; return what wallets are sent by it."""
    sent = await workshop.messages()  # what had left before the cut
    await leases_end(workshop)
    workshop.start()
    await workshop.standing.prepare()
    for minutes in range(2):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        await workshop.desk.sweep(at)
        await workshop.revocations.notices.sweep(at)
        await a_minute_passes(workshop)
    return sent + await workshop.messages()


async def all_is_forgotten(workshop: Workshop) -> None:
    """Let the time pass after which nothing is due of what is over."""
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(days=3))
    await a_minute_passes(workshop)


async def assert_listed(workshop: Workshop, offer_id: str, state: OfferState) -> None:
    """Check that an offer has a state, and is found in the list of that state alone."""
    assert (await workshop.desk.get(offer_id)).state is state
    for offer_state in OfferState:
        listed = [offer.id async for offer in workshop.desk.book.offers.every(state=offer_state.value)]
        assert (offer_id in listed) is (state is offer_state), offer_state


async def test_wallets_that_come_at_once_have_one_offer_and_one_credential_each(
    workshop: Workshop, power: Power
) -> None:
    for steps in power.cuts():
        made = [await workshop.make() for _ in range(2)]
        phones = [await workshop.connect(offer.id) for offer in made]
        where = f"cut after {steps} steps"
        await workshop.heard()

        async def come(phone: Phone) -> None:
            assert await workshop.take(phone)
            await workshop.complete(phone)

        async def all_come(phones: list[Phone] = phones) -> None:
            await asyncio.gather(*(come(phone) for phone in phones))

        cut = await power.lasts(steps, all_come)
        sent = await workshop.messages()
        if cut:
            sent += await taken_up(workshop)
            await all_come()  # the senders of what was cut off got no 200
            sent += await workshop.messages()
        offers: dict[str, Offer] = {}
        for phone, message in sent:
            if phone not in phones:
                continue
            offer = await workshop.desk.book.of_thread(message["@id"])
            assert offer is not None, where
            assert offer.wallet is not None, where
            assert offer.wallet.own_key == phone.connection.own_key, where
            workshop.wallets.by_offer[offer.id] = phone
            offers[offer.id] = offer
        assert {workshop.phone_of(offer) for offer in offers.values()} == set(phones), where
        assert len(offers) == len({offer.nonce for offer in offers.values()}) == 2, where
        assert {offer.id for offer in made} == set(offers), where
        for offer in offers.values():
            await workshop.decline(offer)  # so that no later sweep sends it
        if not cut:
            break
    assert steps > 2
    await answer_all(workshop, power)


async def answer_all(workshop: Workshop, power: Power) -> None:
    """Have two wallets ask at once, wherever the power fails then."""
    for steps in power.cuts():
        offers, requests = [], []
        for _ in range(2):
            offer = await workshop.offer()
            offers.append(offer)
            requests.append((await workshop.request_for(offer), workshop.phone_of(offer)))
        await workshop.heard()

        async def ask(requests: list[tuple[dict[str, object], Phone]] = requests) -> None:
            await asyncio.gather(*(workshop.receive(request, phone) for request, phone in requests))

        cut = await power.lasts(steps, ask)
        sent = await workshop.messages()
        if cut:
            sent += await taken_up(workshop)
            await ask()
            sent += await workshop.messages()
        where = f"cut after {steps} steps"
        places = []
        for offer in offers:
            got = [mapping for _, mapping in sent if mapping.get("~thread", {}).get("thid") == offer.thread_id]
            kept = [(str(credential_of(mapping)["rev_reg_id"]), index_of(mapping)) for mapping in got]
            assert len(set(kept)) == 1, where
            now = await workshop.desk.get(offer.id)
            assert (now.registry, now.index) == kept[0], where
            assert now.state is OfferState.ISSUED, where
            places.append(kept[0])
            await workshop.acknowledge(offer)
        assert len(set(places)) == 2, where
        if not cut:
            break
    assert steps > 8


def index_of(message: Message) -> int:
    return int(credential_of(message)["signature"]["r_credential"]["i"])


async def test_an_offer_goes_over_a_connection_that_is_there_wherever_the_power_fails(
    workshop: Workshop, power: Power
) -> None:
    first = await workshop.offer()
    phone = workshop.phone_of(first)
    for steps in power.cuts():
        offer = await workshop.make()
        await workshop.heard()

        async def go_on(offer: Offer = offer) -> None:
            assert await workshop.take(phone, invitation_id=offer.id)
            await workshop.complete(phone, invitation_id=offer.id)

        cut = await power.lasts(steps, go_on)
        sent = await workshop.messages()
        if cut:
            sent += await taken_up(workshop)
            await go_on()
            sent += await workshop.messages()
        where = f"cut after {steps} steps"
        assert offer.thread_id in {message["@id"] for to, message in sent if to is phone}, where
        workshop.wallets.by_offer[offer.id] = phone
        await workshop.decline(offer)
        await all_is_forgotten(workshop)
        if not cut:
            break
    assert steps > 1
    last = await workshop.make()
    assert await workshop.take(phone, invitation_id=last.id)  # it serves on


@pytest.mark.parametrize("asks_again", [True, False])
async def test_the_wallet_hears_of_a_withdrawn_offer_wherever_the_power_fails(
    workshop: Workshop, power: Power, asks_again: bool
) -> None:
    for steps in power.cuts():
        offer = await workshop.offer()
        phone = workshop.phone_of(offer)
        await workshop.heard()
        cut = await power.lasts(steps, lambda o=offer: workshop.desk.withdraw(o.id))
        sent = await workshop.messages()
        if cut:
            sent += await taken_up(workshop)
            if asks_again or (await workshop.desk.get(offer.id)).state is OfferState.OPEN:
                await workshop.desk.withdraw(offer.id)
                sent += await workshop.messages()
        where = f"cut after {steps} steps"
        told = [message for to, message in sent if to is phone and message["@type"].endswith("problem-report")]
        assert {mapping["~thread"]["thid"] for mapping in told} == {offer.thread_id}, where
        await assert_listed(workshop, offer.id, OfferState.WITHDRAWN)
        if not cut:
            break
    assert steps > 1


async def test_a_withdrawal_crosses_an_acceptance_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    """One of the two counts, and the wallet hears of that one."""
    for steps in power.cuts():
        offer = await workshop.offer()
        request, phone = await workshop.request_for(offer), workshop.phone_of(offer)
        await workshop.heard()

        async def both(offer: Offer = offer, request: dict[str, object] = request, phone: Phone = phone) -> None:
            await asyncio.gather(
                workshop.receive(request, phone), workshop.desk.withdraw(offer.id), return_exceptions=True
            )

        cut = await power.lasts(steps, both)
        sent = await workshop.messages()
        if cut:
            sent += await taken_up(workshop)
            await workshop.receive(request, phone)  # it got no 200
            sent += await workshop.messages()
        kinds = {message["@type"].rpartition("/")[2] for to, message in sent if to is phone}
        state = (await workshop.desk.get(offer.id)).state
        where = f"cut after {steps} steps: {state}"
        if state is OfferState.ISSUED:
            assert "issue-credential" in kinds, where
        else:
            assert state is OfferState.WITHDRAWN, where
            assert kinds <= {"problem-report", "offer-credential"}, where
            assert "problem-report" in kinds, where
            assert await workshop.desk.book.payloads.find(offer.id) is None, where
        await assert_listed(workshop, offer.id, state)
        if not cut:
            break
    assert steps > 3


async def test_the_word_that_a_notice_came_counts_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    for steps in power.cuts():
        offer = await workshop.issue()
        phone = workshop.phone_of(offer)
        await workshop.revocations.request(offer, wait_s=0)
        await workshop.revocations.publish_all()
        intent = await workshop.revocations.get_or_none(offer.id)
        assert intent is not None
        ack = acknowledging(ACK.rpartition("/")[0], thread_id=intent.thread_id)
        await workshop.heard()
        cut = await power.lasts(steps, lambda a=ack, p=phone: workshop.receive(a, p))
        where = f"cut after {steps} steps"
        if cut:
            sent = await taken_up(workshop)
            if (await workshop.revocations._intents.get(offer.id)).told_at is None:
                assert intent.thread_id in {message["@id"] for to, message in sent if to is phone}, where
                await workshop.receive(ack, phone)
        now = await workshop.revocations.get_or_none(offer.id)
        assert now is not None
        assert now.state is RevocationState.PUBLISHED
        assert now.told_at is not None, where
        assert await workshop.desk.book.payloads.find(intent.thread_id) is None, where
        await workshop.heard()
        later = [message["@id"] for _, message in await taken_up(workshop)]
        assert intent.thread_id not in later, where  # nobody is told for ever
        if not cut:
            break
    assert steps > 1


@pytest.mark.parametrize("kind", ["offer", "credential", "notice"])
async def test_what_is_sent_again_arrives_wherever_the_power_fails_in_the_sweep(
    workshop: Workshop, power: Power, kind: str
) -> None:
    for steps in power.cuts():
        if kind == "offer":
            offer = await workshop.make()
            phone = workshop.wallets.by_offer[offer.id] = await workshop.connect(offer.id)
            await workshop.take(phone)  # and the process ends before it is sent
        else:
            offer = await workshop.issue()
            phone = workshop.phone_of(offer)
        wanted = offer.thread_id
        if kind == "notice":
            await workshop.acknowledge(offer)
            await workshop.revocations.request(offer, wait_s=0)
            await workshop.revocations.publish_all()
            wanted = f"{offer.id}.r"
        workshop.start()
        await workshop.standing.prepare()
        await workshop.heard()

        async def sweep() -> None:
            at = datetime.now(UTC) + timedelta(seconds=31)
            await workshop.desk.sweep(at)
            await workshop.revocations.notices.sweep(at)
            await workshop.sending.stop(wait_s=5)

        cut = await power.lasts(steps, sweep)
        where = f"{kind}, cut after {steps} steps"
        if cut:
            sent = await taken_up(workshop)
        else:
            sent = await workshop.messages()
        got = [message for to, message in sent if to is phone]
        assert {wanted} <= {threads(message) for message in got}, where
        for _ in range(2):
            assert await end(workshop, kind, offer), where
        await workshop.heard()
        assert wanted not in {threads(message) for _, message in await taken_up(workshop)}, where
        assert await workshop.desk.book.payloads.find(offer.id) is None, where
        if not cut:
            break
    assert steps > 1


def threads(message: Message) -> str:
    return str(message.get("~thread", {}).get("thid") or message["@id"])


async def end(workshop: Workshop, kind: str, offer: Offer) -> bool:
    """Have the wallet say the last word about what it was sent."""
    match kind:
        case "offer" | "credential":
            if kind == "offer" and (await workshop.desk.get(offer.id)).state is OfferState.OPEN:
                await workshop.ask(offer)  # and nothing is due of it, which would be one more step of the next sweep
            taken = await workshop.acknowledge(offer)
            assert (await workshop.desk.get(offer.id)).receipt is Receipt.KEPT
            return taken
        case _:
            ack = acknowledging(ACK.rpartition("/")[0], thread_id=f"{offer.id}.r")
            return await workshop.receive(ack, workshop.phone_of(offer))
