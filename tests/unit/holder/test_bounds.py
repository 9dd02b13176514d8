"""Whoever has a connection with a wallet fills it with nothing: what waits for the person has a bound of its own."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

import pytest
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG, NoRoute, OfferedWallet

from wanderbuch.agents.holder import bounds
from wanderbuch.agents.holder.bounds import TooManyOpenError
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.agents.holder.offer_messages import OFFER_HANDLERS
from wanderbuch.agents.holder.offers import decline
from wanderbuch.agents.holder.request_book import RequestState
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.credential_messages import OFFER, PROBLEM
from wanderbuch.plugins.exchange.incoming import Incoming
from wanderbuch.store.entries import fetch_entries

OPEN, UNWANTED = 3, 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_OPEN", OPEN)
    monkeypatch.setattr(bounds, "MOST_UNWANTED", UNWANTED)


async def entries(wallet: OfferedWallet) -> int:
    async with wallet.profile.session() as session:
        return len(await fetch_entries(session, None))


async def test_what_waits_over_one_connection_has_a_bound_and_more_leaves_nothing(offered: OfferedWallet) -> None:
    first = offered.offer(thread="first")
    kept = [await offered.receive_offer(first)]
    kept += [await offered.receive_offer(offered.offer()) for _ in range(OPEN - 1)]
    before = await entries(offered)
    with pytest.raises(TooManyOpenError):
        await offered.receive_offer(offered.offer())
    assert await entries(offered) == before
    assert (await offered.receive_offer(first)).id == kept[0].id  # the same again is none more
    elsewhere = offered.origin.model_copy(update={"connection_id": str(uuid4()), "own_key": "another"})
    assert (await offered.receive_offer(offered.offer(), origin=elsewhere)).state is OfferState.OPEN
    await decline(offered.profile, CONFIG, kept[0].id)
    assert (await offered.receive_offer(offered.offer())).state is OfferState.OPEN


async def test_what_came_to_nothing_has_a_bound_too_and_what_the_person_took_has_none(offered: OfferedWallet) -> None:
    offered.place_tails()
    for _ in range(OPEN):
        await offered.received()
    for _ in range(UNWANTED):
        offer = await offered.receive_offer(offered.offer())
        withdrawn = {"@type": f"https://didcomm.org/{PROBLEM}", "@id": "x", "~thread": {"thid": offer.thread_id}}
        assert await offered.receive(withdrawn)
    with pytest.raises(TooManyOpenError):
        await offered.receive_offer(offered.offer())
    states = [offer.state for offer in await offered.every()]
    assert states.count(OfferState.RECEIVED) == OPEN
    assert len(states) == OPEN + UNWANTED


async def test_questions_over_one_connection_have_a_bound_and_who_asks_more_is_told(asked: AskedWallet) -> None:
    connection = await asked.connect_verifier()
    questions = [asked.question() for _ in range(OPEN + 2)]
    for question in questions:
        assert await asked.take(question, recipient=connection.own_key)
    kept = await asked.requests()
    assert [request.state for request in kept] == [RequestState.OPEN] * OPEN
    assert asked.heard_kinds() == ["problem-report"] * 2
    assert await asked.take(questions[0], recipient=connection.own_key)  # once more; it is there
    assert asked.heard_kinds() == ["problem-report"] * 2
    fetched = await asked.asked()  # the person has opened an invitation
    assert fetched.state is RequestState.OPEN


async def test_an_issuer_whose_offers_are_too_many_is_told(offered: OfferedWallet) -> None:
    first_message = offered.offer(thread="first")
    assert await over_connection(offered, first_message)
    for _ in range(OPEN - 1):
        assert await over_connection(offered, offered.offer())
    assert offered.kinds() == []
    assert await over_connection(offered, offered.offer())
    assert offered.kinds() == ["problem-report"]
    assert await over_connection(offered, first_message)  # once more; it is there
    assert offered.kinds() == ["problem-report"]
    assert [offer.state for offer in await offered.every()] == [OfferState.OPEN] * OPEN


async def over_connection(wallet: OfferedWallet, message: Mapping[str, Any]) -> bool:
    """Have an offer taken as the gate does where it came over the connection."""
    origin = wallet.origin
    connection = Connection(
        id=origin.own_key,
        connection_id=str(origin.connection_id),
        own_did="did:peer:4zQmOurs",
        their_did="did:peer:4zQmTheirs",
        their_key=origin.their_key,
        endpoint=origin.endpoint,
        invitation_id="invitation",
        request_id="request",
        protocol="didexchange/1.1",
    )
    incoming = Incoming(
        profile=wallet.profile,
        kind=OFFER,
        id=message["@id"],
        thread_id=message["~thread"].get("thid", message["@id"]),
        parent_thread_id=None,
        members=message,
        sender=origin.their_key,
        recipient=origin.own_key,
        way_back=NoRoute(),
        connection=connection,
    )
    taken = await OFFER_HANDLERS[OFFER].take(cast(Any, wallet), incoming)
    await wallet.settled()
    return taken
