"""What is left of an offer a day after it has ended, and how the list of offers is read in parts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from acapy_agent.connections.base_manager import BaseConnectionManager
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from tests.unit.issuer.workshop import WELDER, Workshop

from wanderbuch.agents.issuer import offers
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.runtime.short_links import ShortLinks
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.errors import CursorError
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXCHANGE = {"cred_ex_v20", "anoncreds_cred_ex_v20"}
INVITATION = {OobRecord.RECORD_TYPE, ConnRecord.RECORD_TYPE, ConnRecord.RECORD_TYPE_INVITATION}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))

        async def resolve_invitation(*_: Any, **__: Any) -> tuple[str, list[str], list[str]]:
            key = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
            return "https://centre.wanderbuch.test/didcomm", [key], []

        patch.setattr(BaseConnectionManager, "resolve_invitation", resolve_invitation)  # our own DID, by https
        made = Workshop(folder)
        await made.open()
        made.profile.settings["default_endpoint"] = "https://centre.wanderbuch.test/didcomm"
        yield made
        await made.profile.close()


@pytest_asyncio.fixture(loop_scope="module")
async def workshop(opened: Workshop) -> Workshop:
    opened.start()
    opened.desk._short_links = ShortLinks(opened.profile, "https://centre.wanderbuch.test")
    await opened.standing.prepare()
    return opened


async def kept(workshop: Workshop) -> dict[str, set[str]]:
    async with workshop.profile.session() as session:
        return {kind: {e.name for e in await fetch_entries(session, kind)} for kind in EXCHANGE | INVITATION}


async def left_of(workshop: Workshop, before: dict[str, set[str]]) -> set[str]:
    """Return the kinds of records that are there now and were not before."""
    return {kind for kind, names in (await kept(workshop)).items() if names - before[kind]}


async def test_of_an_offer_that_nobody_answered_its_own_record_stays_and_nothing_else(workshop: Workshop) -> None:
    before = await kept(workshop)
    offer = await workshop.desk.make(WELDER, lifetime=timedelta(minutes=10))
    ended = offer.answer_by + timedelta(seconds=1)
    await workshop.desk.sweep(ended)
    assert (await workshop.desk.get(offer.id)).state is OfferState.NO_ANSWER
    assert await left_of(workshop, before) == {"cred_ex_v20"} | INVITATION
    await workshop.desk.sweep(offer.answer_by + timedelta(days=1, seconds=-1))
    assert await left_of(workshop, before) == {"cred_ex_v20"} | INVITATION
    for _ in range(2):
        await workshop.desk.sweep(offer.answer_by + timedelta(days=1, seconds=1))
        assert await left_of(workshop, before) == set()
    assert (await workshop.desk.get(offer.id)).values == offer.values


async def test_connection_of_a_wallet_that_declined_goes_too(workshop: Workshop) -> None:
    before = await kept(workshop)
    offer = await workshop.desk.make(WELDER, lifetime=timedelta(hours=1))
    connection = await workshop.connect(offer.invitation_id or "")
    store = RecordStore(workshop.profile, Offer)
    await store.change(offer.id, offers.connect(connection.connection_id, at=datetime.now(UTC)))
    await workshop.desk.declined(offer.cred_ex_id)
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(days=1, seconds=1))
    assert connection.connection_id not in (await kept(workshop))[ConnRecord.RECORD_TYPE]
    assert EXCHANGE.isdisjoint(await left_of(workshop, before))


async def test_connection_that_brought_a_credential_stays_for_its_revocation(workshop: Workshop) -> None:
    details = (await kept(workshop))["anoncreds_cred_ex_v20"]
    offer = await workshop.issue()
    await workshop.desk.acknowledged(offer.cred_ex_id)
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(days=1, seconds=1))
    left = await kept(workshop)
    assert offer.cred_ex_id not in left["cred_ex_v20"]
    assert left["anoncreds_cred_ex_v20"] <= details
    assert offer.connection_id in left[ConnRecord.RECORD_TYPE]


async def test_list_of_offers_is_read_in_parts_the_newest_first(workshop: Workshop) -> None:
    made = [await workshop.offer(lifetime=timedelta(hours=1)) for _ in range(5)]
    late = await workshop.offer(lifetime=timedelta(seconds=-1))
    first = await workshop.desk.page(limit=4)
    assert [offer.id for offer in first.items] == [late.id, *(offer.id for offer in made[:1:-1])]
    assert first.items[0].state is OfferState.NO_ANSWER
    rest = await workshop.desk.page(limit=500, cursor=first.next_cursor)
    assert [offer.id for offer in rest.items[:2]] == [made[1].id, made[0].id]
    assert rest.next_cursor is None
    still_open = await workshop.desk.page(OfferState.OPEN, limit=5)
    assert [offer.id for offer in still_open.items] == [offer.id for offer in made[::-1]]
    with pytest.raises(CursorError):
        await workshop.desk.page(OfferState.OPEN, cursor=first.next_cursor)
