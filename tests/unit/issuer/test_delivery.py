"""An offer goes to the first wallet that connects on its invitation, and to nobody else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from acapy_agent.connections.models.conn_record import ConnRecord
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer import offers
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made = Workshop(folder)
        await made.open()
        yield made
        await made.profile.close()


@pytest_asyncio.fixture(loop_scope="module")
async def workshop(opened: Workshop) -> Workshop:
    opened.start()
    await opened.standing.prepare()
    opened.heard()
    return opened


async def invited(workshop: Workshop, **how: Any) -> tuple[Offer, ConnRecord]:
    """Return an offer, and the connection that its invitation brought."""
    invitation_id = str(uuid4())
    return await workshop.offer(invitation_id=invitation_id, **how), await workshop.connect(invitation_id)


def times_sent(workshop: Workshop, offer: Offer) -> int:
    """Return how often wallets were sent this offer since the last time; there are others from the tests before."""
    sent = [message for message, _ in workshop.wallet_hears.messages]
    workshop.heard()
    return sum(message._thread.pthid == offer.invitation_id for message in sent if isinstance(message, V20CredOffer))


async def complete(workshop: Workshop, connection: ConnRecord) -> None:
    await workshop.receive(workshop.complete(connection), over=connection)


async def test_offer_follows_when_the_wallet_has_connected_and_names_its_invitation(workshop: Workshop) -> None:
    offer, connection = await invited(workshop)
    await complete(workshop, connection)
    ((message, how),) = workshop.wallet_hears.messages
    assert how["connection_id"] == connection.connection_id
    exchange = await workshop.exchange(offer)
    assert (message._thread.thid, message._thread.pthid) == (exchange.thread_id, offer.invitation_id)
    assert {each.name: each.value for each in message.credential_preview.attributes} == offer.values
    assert exchange.connection_id == (await workshop.desk.get(offer.id)).connection_id == connection.connection_id


async def test_offer_is_sent_once(workshop: Workshop) -> None:
    offer, connection = await invited(workshop)
    await asyncio.gather(*(complete(workshop, connection) for _ in range(3)))
    await workshop.desk.sweep(datetime.now(UTC))
    assert times_sent(workshop, offer) == 1


async def test_second_wallet_on_the_same_invitation_gets_nothing(workshop: Workshop) -> None:
    offer, first = await invited(workshop)
    await complete(workshop, first)
    second = await workshop.connect(offer.invitation_id or "")
    workshop.heard()
    await complete(workshop, second)
    await workshop.desk.sweep(datetime.now(UTC))
    assert times_sent(workshop, offer) == 0
    assert (await workshop.desk.get(offer.id)).connection_id == first.connection_id


async def test_request_over_another_connection_is_not_heard(workshop: Workshop) -> None:
    offer, connection = await invited(workshop)
    await complete(workshop, connection)
    request = await workshop.request_for(await workshop.exchange(offer))
    await workshop.receive(request, over=await workshop.connect(str(uuid4())))
    assert (await workshop.desk.get(offer.id)).state is OfferState.OPEN
    await workshop.receive(request, over=connection)
    assert (await workshop.desk.get(offer.id)).state is OfferState.ISSUED


async def test_wallet_that_connects_after_the_deadline_gets_nothing(workshop: Workshop) -> None:
    offer, connection = await invited(workshop, lifetime=timedelta(seconds=-1))
    await complete(workshop, connection)
    assert times_sent(workshop, offer) == 0
    assert (await workshop.desk.get(offer.id)).state is OfferState.NO_ANSWER


async def test_connection_on_some_other_invitation_brings_no_offer(workshop: Workshop) -> None:
    offer, _ = await invited(workshop)
    await complete(workshop, await workshop.connect(str(uuid4())))
    assert times_sent(workshop, offer) == 0


async def test_sweep_sends_the_offer_that_a_crash_kept_back_after_the_connection(workshop: Workshop) -> None:
    offer, _ = await invited(workshop)  # connected, and then the process was killed
    workshop.start()
    await workshop.desk.sweep(datetime.now(UTC))
    await workshop.desk.sweep(datetime.now(UTC))
    assert times_sent(workshop, offer) == 1


@pytest.mark.parametrize("is_bound", [False, True], ids=["before the exchange was bound", "after"])
async def test_sweep_goes_on_where_a_crash_came_between_the_steps(workshop: Workshop, is_bound: bool) -> None:
    offer, connection = await invited(workshop)
    step = offers.connect(connection.connection_id, at=datetime.now(UTC))
    await RecordStore(workshop.profile, Offer).change(offer.id, step)
    if is_bound:
        exchange = await workshop.exchange(offer)
        exchange.connection_id = connection.connection_id
        async with workshop.profile.session() as session:
            await exchange.save(session)
    workshop.start()
    await workshop.desk.sweep(datetime.now(UTC))
    assert times_sent(workshop, offer) == 1


async def test_next_process_sends_once_more_what_may_have_been_lost_in_the_queue(workshop: Workshop) -> None:
    """ACA-Py queues what goes out in memory."""
    offer, connection = await invited(workshop)
    await complete(workshop, connection)
    workshop.start()
    for _ in range(2):
        await workshop.desk.sweep(datetime.now(UTC))
    assert times_sent(workshop, offer) == 2


async def test_offer_that_was_answered_is_not_sent_again(workshop: Workshop) -> None:
    offer, connection = await invited(workshop)
    await complete(workshop, connection)
    async with workshop.profile.session() as session:
        exchange = await V20CredExRecord.retrieve_by_id(session, offer.cred_ex_id)
        exchange.state = V20CredExRecord.STATE_REQUEST_RECEIVED
        await exchange.save(session)
    workshop.start()
    workshop.heard()
    await workshop.desk.sweep(datetime.now(UTC))
    assert times_sent(workshop, offer) == 0


async def test_unfinished_connection_gets_no_offer(workshop: Workshop) -> None:
    offer, connection = await invited(workshop)
    connection.state = ConnRecord.State.RESPONSE.rfc160
    async with workshop.profile.session() as session:
        await connection.save(session)
    await workshop.desk.sweep(datetime.now(UTC))
    assert times_sent(workshop, offer) == 0
