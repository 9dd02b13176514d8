"""The same at once, and ten times: one effect, and the others get the same or a clear refusal."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from acapy_agent.anoncreds.holder import AnonCredsHolder
from tests.unit.holder.offered import CONFIG, OfferedWallet

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.errors import ExchangeError

MANY = pytest.mark.parametrize("number", [2, 10])


async def at_once(number: int, call: Callable[[], Awaitable[object]]) -> list[object]:
    """Return what each of some calls at once gave, an error being one answer."""
    return list(await asyncio.gather(*(call() for _ in range(number)), return_exceptions=True))


@MANY
async def test_an_offer_delivered_at_once_is_one_offer(offered: OfferedWallet, number: int) -> None:
    offer = offered.offer()
    made = await at_once(number, lambda: offered.receive_offer(offer))
    assert {type(outcome) for outcome in made}.isdisjoint({ExchangeError})
    assert len(await offered.every()) == 1


@MANY
async def test_two_offers_on_one_thread_at_once_are_one_offer(offered: OfferedWallet, number: int) -> None:
    first = offered.offer()
    others = [offered.offer(thread=first["@id"]) for _ in range(number)]
    await asyncio.gather(*(offered.receive_offer(incoming) for incoming in (first, *others)))
    (offer,) = await offered.every()
    shown = await offers.get_offer(offered.profile, CONFIG, offer.id)
    assert shown.claim["family_name"] == "Perera"


@MANY
async def test_an_offer_accepted_at_once_is_asked_for_once(offered: OfferedWallet, number: int) -> None:
    held_offer = await offered.receive_offer(offered.offer())
    answers = await at_once(number, lambda: offers.accept(offered.profile, CONFIG, held_offer.id))
    await offered.settled()
    assert [offer.state for offer, _ in answers] == [OfferState.ACCEPTED] * number
    again, decision = await offers.accept(offered.profile, CONFIG, held_offer.id)
    assert (again.state, decision) == (OfferState.ACCEPTED, None)
    assert offered.kinds() == ["request-credential"]


@MANY
async def test_of_yes_and_no_at_once_one_wins(offered: OfferedWallet, number: int) -> None:
    offer = await offered.receive_offer(offered.offer())
    answers = await asyncio.gather(
        at_once(number, lambda: offers.accept(offered.profile, CONFIG, offer.id)),
        at_once(number, lambda: offers.decline(offered.profile, CONFIG, offer.id)),
    )
    await offered.settled()
    refused = [sum(isinstance(outcome, ExchangeError) for outcome in side) for side in answers]
    assert sorted(refused) == [0, number]
    assert len(offered.sent) == 1


@MANY
async def test_a_credential_delivered_at_once_is_kept_once(offered: OfferedWallet, number: int) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    issued = await offered.credential(offer)
    answers = await asyncio.gather(at_once(number, lambda: offered.receive(issued)), at_once(2, offered.sweep))
    assert answers == [[True] * number, [None] * 2]
    credentials = await AnonCredsHolder(offered.profile).get_credentials(offset=0, limit=10, wql={})
    assert [credential["referent"] for credential in credentials] == [offer.id]
    assert (await offered.kept_offer(offer.id)).state is OfferState.RECEIVED


@MANY
async def test_of_two_credentials_at_once_one_is_kept(offered: OfferedWallet, number: int) -> None:
    offered.place_tails()
    offer = await offered.accepted()
    issued = [await offered.credential(offer) for _ in range(number)]
    await asyncio.gather(*(offered.receive(credential) for credential in issued))
    assert len(await AnonCredsHolder(offered.profile).get_credentials(offset=0, limit=10, wql={})) == 1
    after = await offered.kept_offer(offer.id)
    assert after.state is OfferState.RECEIVED
    acks = [kind for kind in offered.kinds() if kind == "ack"]
    assert len(acks) >= 1


async def test_what_another_sends_on_the_thread_of_an_offer_is_another_offer(offered: OfferedWallet) -> None:
    """A thread is its sender's: anybody who sees an invitation knows it."""
    first = offered.offer()
    offer = await offered.receive_offer(first)
    elsewhere = offered.origin.model_copy(update={"own_key": "8HH5gYEeNc3z7PYXmd54d4x6qAfCNrqQqEB3nS7Zfu7K"})
    planted = await offered.receive_offer(offered.offer(thread=first["@id"]), origin=elsewhere)
    assert planted.id != offer.id
    assert len(await offered.every()) == 2
