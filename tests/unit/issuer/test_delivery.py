"""An offer goes to the first wallet that connects on its invitation, and to nobody else."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.issuer.conftest import restart
from tests.unit.issuer.workshop import Phone, Workshop

from wanderbuch.agents.issuer.invitation import find_invitation
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.connecting import acapy_entries as acapy
from wanderbuch.plugins.exchange.connecting.connections import acapy_connection
from wanderbuch.plugins.exchange.handling import Invited

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFER, REPORT = "offer-credential", "problem-report"


async def invited(workshop: Workshop, *, lifetime: timedelta = timedelta(hours=1)) -> tuple[Offer, Phone]:
    """Return an offer, and a wallet that its invitation brought and that has it."""
    offer = await workshop.make(lifetime=lifetime)
    phone = await workshop.connect(offer.id)
    workshop.wallets.by_offer[offer.id] = phone
    assert await workshop.take(phone)
    return offer, phone


async def times_sent(workshop: Workshop, offer: Offer) -> int:
    """Return how often wallets were sent this offer since the last time; there are others from the tests before."""
    return sum(message["@id"] == offer.thread_id for _, message in await workshop.messages())


async def test_offer_follows_when_the_wallet_has_connected_and_names_its_invitation(workshop: Workshop) -> None:
    offer, phone = await invited(workshop)
    await workshop.complete(phone)
    ((to, message),) = await workshop.messages()
    assert to is phone
    assert (message["@id"], message["~thread"]) == (offer.thread_id, {"pthid": offer.id})
    assert {
        attribute["name"]: attribute["value"] for attribute in message["credential_preview"]["attributes"]
    } == offer.values
    taken = await workshop.desk.get(offer.id)
    assert taken.wallet is not None
    assert taken.wallet.channel == phone.connection.channel


async def test_offer_is_the_reply_where_the_wallet_waits_for_one(workshop: Workshop) -> None:
    offer, phone = await invited(workshop)
    incoming = workshop.incoming(phone, {"@type": "x/1.0/complete", "@id": "y"}, waits=True)
    await workshop.desk.delivery.connected(offer.id, phone.connection, incoming)
    reply = incoming.way_back.body  # type: ignore[attr-defined]
    assert phone.opens(reply)["@id"] == offer.thread_id
    assert await workshop.messages() == []


async def test_who_waits_for_the_offer_again_gets_it_again(workshop: Workshop) -> None:
    """The first answer is lost with the connection that it went back on."""
    offer, phone = await invited(workshop)
    told = []
    for waits in (True, True, False):
        incoming = workshop.incoming(phone, {"@type": "x/1.0/complete", "@id": "y"}, waits=waits)
        await workshop.desk.delivery.connected(offer.id, phone.connection, incoming)
        told.append(getattr(incoming.way_back, "body", None))
    assert told[2] is None
    assert {phone.opens(envelope)["@id"] for envelope in told[:2]} == {offer.thread_id}
    assert await times_sent(workshop, offer) == 0  # who does not wait has it already


async def test_offer_is_sent_once(workshop: Workshop) -> None:
    offer, phone = await invited(workshop)
    await asyncio.gather(*(workshop.complete(phone) for _ in range(3)))
    await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 1


async def test_second_wallet_on_the_same_invitation_gets_nothing(workshop: Workshop) -> None:
    offer, first = await invited(workshop)
    await workshop.complete(first)
    second = await workshop.connect(offer.id)
    await workshop.heard()
    told = await find_invitation(workshop.profile, offer.id)  # so it can be told, and nothing is kept for it
    assert told == Invited(reusable=False, is_over=True)
    assert not await workshop.take(second)
    await workshop.complete(second)
    await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 0
    taken = await workshop.desk.get(offer.id)
    assert taken.wallet is not None
    assert taken.wallet.own_key == first.connection.own_key
    assert await workshop.take(first)  # the same request again


async def test_of_many_wallets_at_once_one_gets_the_offer(
    tmp_path: Path, wallet: WalletProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    workshop = Workshop(tmp_path, wallet)  # a store as agents open it: Askar alone may tell one call another's error
    await workshop.open()
    offer = await workshop.make()
    phones = [await workshop.connect(offer.id) for _ in range(5)]
    told = await asyncio.gather(*map(workshop.take, phones))
    assert sorted(told) == [False] * 4 + [True]
    taken = await workshop.desk.get(offer.id)
    assert taken.wallet is not None
    assert taken.wallet.own_key == phones[told.index(True)].connection.own_key
    await workshop.sending.stop(wait_s=5)


async def test_wallet_that_connects_after_the_deadline_gets_nothing(workshop: Workshop) -> None:
    offer = await workshop.make(lifetime=timedelta(seconds=-1))
    phone = await workshop.connect(offer.id)
    assert not await workshop.take(phone)
    await workshop.complete(phone)
    assert await times_sent(workshop, offer) == 0
    assert await find_invitation(workshop.profile, offer.id) is None
    assert (await workshop.desk.get(offer.id)).state is OfferState.NO_ANSWER


@pytest.mark.parametrize("name", ["0" * 32, "", "x", "../..", "0" * 31 + ".", "é" * 32])
async def test_what_is_no_invitation_of_ours_is_none(workshop: Workshop, name: str) -> None:
    assert await find_invitation(workshop.profile, name) is None


async def test_connection_on_some_other_invitation_brings_no_offer(workshop: Workshop) -> None:
    offer = await workshop.make()
    stranger = await workshop.connect("0" * 32)
    assert not await workshop.take(stranger)
    await workshop.complete(stranger)
    assert await times_sent(workshop, offer) == 0


async def test_sweep_sends_the_offer_that_a_crash_kept_back_after_the_connection(workshop: Workshop) -> None:
    offer, _ = await invited(workshop)  # connected, and then the process was killed
    await restart(workshop)
    await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 1


async def test_next_process_sends_once_more_what_may_have_been_lost(workshop: Workshop) -> None:
    offer, phone = await invited(workshop)
    await workshop.complete(phone)
    assert await times_sent(workshop, offer) == 1
    workshop.start()
    await workshop.standing.prepare()
    for _ in range(2):
        await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 1


async def test_offer_that_did_not_arrive_is_tried_again_by_the_sweep(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.plugins.exchange.sending._PAUSES_S", (0.0, 0.0))
    offer, phone = await invited(workshop)
    workshop.network.away.add(phone.connection.endpoint)
    await workshop.complete(phone)
    assert await times_sent(workshop, offer) == 0
    await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 0
    workshop.network.away.clear()
    for _ in range(2):
        await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 1


@pytest.mark.parametrize("end", ["asked", "declined", "withdrawn"])
async def test_offer_that_was_answered_is_not_sent_again(workshop: Workshop, end: str) -> None:
    offer, phone = await invited(workshop)
    await workshop.complete(phone)
    match end:
        case "asked":
            await workshop.ask(offer)
        case "declined":
            await workshop.decline(offer)
        case _:
            await workshop.desk.withdraw(offer.id)
    await workshop.heard()
    workshop.start()
    await workshop.standing.prepare()
    await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 0


async def test_unfinished_connection_gets_no_offer_until_it_is_finished(workshop: Workshop) -> None:
    offer = await workshop.make()
    phone = await workshop.connect(offer.id, state=acapy.ANSWERED)
    assert await workshop.take(phone)
    await restart(workshop)
    assert await times_sent(workshop, offer) == 0
    async with workshop.profile.session() as session:
        await acapy.set_state(session, acapy_connection(phone.connection), acapy.COMPLETED)
    await workshop.desk.sweep(datetime.now(UTC))
    assert await times_sent(workshop, offer) == 1


async def test_a_wallet_whose_response_did_not_arrive_is_answered_again_after_growing_pauses(
    workshop: Workshop,
) -> None:
    offer, began = await workshop.make(lifetime=timedelta(days=2)), datetime.now(UTC)
    phone = workshop.wallets.by_offer[offer.id] = await workshop.connect(offer.id, state=acapy.ANSWERED)
    assert await workshop.take(phone)
    workshop.desk.delivery.unanswered(offer.id, phone.connection)
    for minutes in range(61):
        await workshop.desk.sweep(began + timedelta(minutes=minutes))
    answered = [message for to, message in await workshop.messages() if to is phone]
    assert {message["@type"].rpartition("/")[2] for message in answered} == {"response"}
    assert {message["@id"] for message in answered} == {answered[0]["@id"]}
    assert len(answered) == 7  # at once, then after 1, 2, 4, 8, 16 and 32 minutes: the sweep comes once a minute
    async with workshop.profile.session() as session:
        await acapy.set_state(session, acapy_connection(phone.connection), acapy.COMPLETED)
    await workshop.complete(phone)
    await workshop.desk.sweep(began + timedelta(days=1))
    assert [message["@id"] for to, message in await workshop.messages() if to is phone] == [offer.thread_id]


async def test_a_wallet_may_take_a_further_offer_over_its_connection(workshop: Workshop) -> None:
    first = await workshop.issue()
    phone, second = workshop.phone_of(first), await workshop.make()
    workshop.wallets.by_offer[second.id] = phone
    await workshop.heard()
    assert await workshop.take(phone, invitation_id=second.id)
    await workshop.complete(phone, invitation_id=second.id)
    assert await times_sent(workshop, second) == 1
    await workshop.ask(second)
    assert (await workshop.desk.get(second.id)).state is OfferState.ISSUED


async def test_withdrawn_offer_is_over_for_the_wallet_that_has_it_and_for_any_other(workshop: Workshop) -> None:
    offer = await workshop.offer()
    await workshop.heard()
    for _ in range(2):  # asking again changes nothing
        assert (await workshop.desk.withdraw(offer.id)).state is OfferState.WITHDRAWN
    ((phone, report),) = await workshop.messages()
    assert phone is workshop.phone_of(offer)
    assert report["@type"].endswith(REPORT)
    assert report["~thread"] == {"thid": offer.thread_id, "pthid": offer.id}
    await workshop.ask(offer)
    assert await workshop.heard() == [REPORT]
    assert (await workshop.desk.get(offer.id)).state is OfferState.WITHDRAWN
    alone = await workshop.make()
    await workshop.desk.withdraw(alone.id)
    assert not await workshop.take(await workshop.connect(alone.id))
    assert await workshop.messages() == []


@pytest.mark.parametrize("end", ["issued", "declined", "late"])
async def test_what_is_over_is_not_withdrawn(workshop: Workshop, end: str) -> None:
    offer = await (workshop.make(lifetime=timedelta(seconds=-1)) if end == "late" else workshop.offer())
    if end != "late":
        await (workshop.ask(offer) if end == "issued" else workshop.decline(offer))
    before = await workshop.desk.get(offer.id)
    with pytest.raises(ExchangeError):
        await workshop.desk.withdraw(offer.id)
    assert await workshop.desk.get(offer.id) == before
