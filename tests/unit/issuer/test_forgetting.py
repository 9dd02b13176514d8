"""What is left of an offer a day after it has ended, and how the list of offers is read in parts."""

from datetime import UTC, datetime, timedelta

import pytest
from acapy_agent.connections.models.conn_record import ConnRecord
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.plugins.exchange.connecting.connections import find_connection
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.payloads import CATEGORY as PAYLOAD
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.errors import CursorError

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1, seconds=1)
WEEK = timedelta(days=7, seconds=1)
KINDS = (PAYLOAD, Connection.category, ConnRecord.RECORD_TYPE, Offer.category, f"{Offer.category}.marker")


async def kept(workshop: Workshop) -> dict[str, set[str]]:
    async with workshop.profile.session() as session:
        return {kind: {entry.name for entry in await fetch_entries(session, kind)} for kind in KINDS}


async def left_of(workshop: Workshop, before: dict[str, set[str]]) -> set[str]:
    """Return the kinds of records that are there now and were not before."""
    return {kind for kind, names in (await kept(workshop)).items() if names - before[kind]}


async def test_of_an_offer_that_nobody_answered_its_own_record_stays_and_nothing_else(workshop: Workshop) -> None:
    before = await kept(workshop)
    offer = await workshop.make(lifetime=timedelta(minutes=10))
    await workshop.desk.sweep(offer.answer_by + timedelta(seconds=1))
    assert (await workshop.desk.get(offer.id)).state is OfferState.NO_ANSWER
    for _ in range(2):
        await workshop.desk.sweep(offer.answer_by + DAY)
        assert await left_of(workshop, before) == {Offer.category, f"{Offer.category}.marker"}
    assert (await workshop.desk.get(offer.id)).values == offer.values
    assert await workshop.desk.book.offers.due(datetime.now(UTC) + timedelta(days=9)) == []


async def test_connection_of_a_wallet_that_declined_goes_a_day_later(workshop: Workshop) -> None:
    offer = await workshop.offer()
    own_key = workshop.phone_of(offer).connection.own_key
    await workshop.decline(offer)
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(hours=23))
    assert await find_connection(workshop.profile, own_key) is not None
    await workshop.desk.sweep(datetime.now(UTC) + DAY)
    assert await find_connection(workshop.profile, own_key) is None
    left = await kept(workshop)
    assert own_key not in left[Connection.category]
    assert workshop.phone_of(offer).connection.connection_id not in left[ConnRecord.RECORD_TYPE]
    async with workshop.profile.session() as session:
        assert await session.handle.fetch_key(own_key) is None


async def test_connection_that_served_another_offer_stays_whichever_was_declined(workshop: Workshop) -> None:
    issued = await workshop.issue()
    phone = workshop.phone_of(issued)
    declined = await workshop.make()
    workshop.wallets.by_offer[declined.id] = phone
    assert await workshop.take(phone, invitation_id=declined.id)
    await workshop.decline(declined)
    first, later = await workshop.offer(), await workshop.make()
    reused = workshop.wallets.by_offer[later.id] = workshop.phone_of(first)
    await workshop.decline(first)
    assert await workshop.take(reused, invitation_id=later.id)
    await workshop.ask(later)
    await workshop.desk.sweep(datetime.now(UTC) + DAY)
    for wallet in (phone, reused):
        assert await find_connection(workshop.profile, wallet.connection.own_key) is not None


async def test_credential_that_nobody_acknowledged_goes_a_week_later_and_its_connection_stays(
    workshop: Workshop,
) -> None:
    offer = await workshop.issue()
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(days=6, hours=23))
    assert offer.id in (await kept(workshop))[PAYLOAD]
    await workshop.desk.sweep(datetime.now(UTC) + WEEK)
    left = await kept(workshop)
    assert offer.id not in left[PAYLOAD]
    assert workshop.phone_of(offer).connection.own_key in left[Connection.category]


async def test_connection_that_brought_a_credential_stays_for_its_revocation(workshop: Workshop) -> None:
    offer = await workshop.issue()
    await workshop.acknowledge(offer)
    await workshop.desk.sweep(datetime.now(UTC) + DAY)
    assert await find_connection(workshop.profile, workshop.phone_of(offer).connection.own_key) is not None


async def test_list_of_offers_is_read_in_parts_the_newest_first(workshop: Workshop) -> None:
    before = len((await workshop.desk.page(OfferState.OPEN)).items)
    made = [await workshop.make(lifetime=timedelta(hours=1)) for _ in range(5)]
    late = await workshop.make(lifetime=timedelta(seconds=-1))
    first = await workshop.desk.page(limit=4)
    assert [offer.id for offer in first.items] == [late.id, *(offer.id for offer in made[:1:-1])]
    assert first.items[0].state is OfferState.NO_ANSWER
    rest = await workshop.desk.page(limit=500, cursor=first.next_cursor)
    assert [offer.id for offer in rest.items[:2]] == [made[1].id, made[0].id]
    assert rest.next_cursor is None
    still_open = await workshop.desk.page(OfferState.OPEN, limit=5 + before)
    assert [offer.id for offer in still_open.items[:5]] == [offer.id for offer in made[::-1]]
    with pytest.raises(CursorError):
        await workshop.desk.page(OfferState.OPEN, cursor=first.next_cursor)
