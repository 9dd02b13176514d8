"""Two processes of one wallet on one PostgreSQL: of two steps at two processes one comes second."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from acapy_agent.anoncreds.holder import AnonCredsHolder
from tests.processes import Processes
from tests.unit.holder.offered import CONFIG, OfferedWallet, after
from tests.unit.holder.two_wallets import TwoWallets
from tests.unit.told import told
from tests.unit.trust.ecosystem import Authority, Issuer

from wanderbuch.agents.holder import offers
from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, hear
from wanderbuch.agents.holder.held_offer import OfferState
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ExchangeError

pytestmark = pytest.mark.needs("postgresql")


type Wallet = TwoWallets[OfferedWallet]


def kinds(wallet: Wallet) -> list[str]:
    return [*wallet.first.kinds(), *wallet.second.kinds()]


@pytest.fixture
async def wallet_of_two(
    processes: Processes,
    agent_config: AgentConfig,
    training_centre: Issuer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Wallet:
    monkeypatch.setenv("HOME", str(tmp_path))
    authority = Authority()
    first, second = processes.both
    one = OfferedWallet(agent_config, (training_centre,), authority, None, first.profile)
    two = OfferedWallet(agent_config, (training_centre,), authority, None, second.profile, issuer_key=one.post.key)
    both = TwoWallets(one, two)
    await both.open()
    return both


async def test_an_offer_that_comes_at_both_at_once_is_one_offer(wallet_of_two: Wallet) -> None:
    offer = wallet_of_two.first.offer()
    made = await wallet_of_two.at_once(lambda process: process.receive_offer(offer))
    assert not any(isinstance(outcome, BaseException) for outcome in made)
    assert len(await wallet_of_two.second.every()) == 1


async def test_an_offer_that_comes_at_one_is_told_to_who_waits_at_the_other(wallet_of_two: Wallet) -> None:
    heard: list[Arrival | None] = []
    end = hear(wallet_of_two.second.profile, heard.append)
    offer = await wallet_of_two.first.receive_offer(wallet_of_two.first.offer())
    async with asyncio.timeout(60):
        while not any(heard):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    end()
    arrival = next(arrival for arrival in heard if arrival is not None)
    assert (arrival.kind, arrival.exchange_id) == (ArrivalKind.OFFER, offer.id)


async def test_an_offer_accepted_and_declined_at_both_at_once_ends_in_one_way(wallet_of_two: Wallet) -> None:
    offer = await wallet_of_two.first.receive_offer(wallet_of_two.first.offer())

    async def click(process: OfferedWallet) -> OfferState:
        if process is wallet_of_two.first:
            return (await offers.accept(process.profile, CONFIG, offer.id))[0].state
        return (await offers.decline(process.profile, CONFIG, offer.id)).state

    answers = list(await wallet_of_two.at_once(click))
    refused = [answer for answer in answers if isinstance(answer, ExchangeError)]
    assert len(refused) == len(answers) // 2
    assert len({answer for answer in answers if answer not in refused}) == 1
    assert len(kinds(wallet_of_two)) == 1


async def test_a_credential_that_comes_at_both_at_once_is_kept_once(wallet_of_two: Wallet) -> None:
    offer = await wallet_of_two.first.accepted()
    issued = await wallet_of_two.second.credential(offer)
    assert set(await wallet_of_two.at_once(lambda process: process.receive(issued))) == {True}
    credentials = await AnonCredsHolder(wallet_of_two.second.profile).get_credentials(offset=0, limit=10, wql={})
    assert [credential["referent"] for credential in credentials] == [offer.id]
    assert (await wallet_of_two.second.kept_offer(offer.id)).state is OfferState.RECEIVED
    assert set(kinds(wallet_of_two)) == {"request-credential", "ack"}
    assert await told(wallet_of_two.first.profile) == [("wallet.credential-kept", offer.id, {})]


async def test_the_issuers_no_and_its_credential_at_both_at_once_end_in_one_way(wallet_of_two: Wallet) -> None:
    offer = await wallet_of_two.first.accepted()
    issued = await wallet_of_two.second.credential(offer)

    async def come(process: OfferedWallet) -> object:
        return await process.receive(issued if process is wallet_of_two.first else process.report(offer))

    await wallet_of_two.at_once(come, 6)
    credentials = await AnonCredsHolder(wallet_of_two.second.profile).get_credentials(offset=0, limit=10, wql={})
    state = (await wallet_of_two.second.kept_offer(offer.id)).state
    assert state in (OfferState.RECEIVED, OfferState.ENDED_BY_ISSUER)
    assert len(credentials) == int(state is OfferState.RECEIVED)
    assert len(await told(wallet_of_two.first.profile)) == 1


async def test_what_is_overdue_is_ended_once_whoever_sweeps(wallet_of_two: Wallet) -> None:
    for _ in range(3):
        await wallet_of_two.first.receive_offer(wallet_of_two.first.offer())
    later = after(CONFIG.offer_deadline_s + 1)
    assert set(await wallet_of_two.at_once(lambda process: process.sweep(later))) == {None}
    assert Counter(kinds(wallet_of_two)) == {"problem-report": 3}
