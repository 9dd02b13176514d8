"""Two processes of one wallet on one PostgreSQL: of two clicks at two processes one comes second."""

from pathlib import Path

import pytest
from tests.processes import Processes
from tests.unit.holder.asked_wallet import AskedWallet
from tests.unit.holder.offered import CONFIG, after
from tests.unit.holder.two_wallets import TwoWallets
from tests.unit.power import Power
from tests.unit.trust.ecosystem import Authority, Issuer

from wanderbuch.agents.holder import requests
from wanderbuch.agents.holder.request_book import RequestState
from wanderbuch.agents.holder.requests import DeclineReason
from wanderbuch.agents.holder.wallet import credentials_at_hand
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ExchangeError
from wanderbuch.plugins.exchange.payloads import Payloads

pytestmark = pytest.mark.needs("postgresql")


type Wallet = TwoWallets[AskedWallet]


def kinds(wallet: Wallet) -> list[str]:
    return [*wallet.first.heard_kinds(), *wallet.second.heard_kinds()]


@pytest.fixture
async def wallet_of_two(
    processes: Processes,
    agent_config: AgentConfig,
    training_centre: Issuer,
    power: Power,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Wallet:
    monkeypatch.setenv("HOME", str(tmp_path))
    authority = Authority()
    first, second = processes.both
    one = AskedWallet(agent_config, (training_centre,), authority, power, first.profile)
    two = AskedWallet(
        agent_config,
        (training_centre,),
        authority,
        power,
        second.profile,
        issuer_key=one.post.key,
        verifier_key=one.verifier,
    )
    both = TwoWallets(one, two)
    await both.open()
    return both


def one_alone(answers: list[object]) -> None:
    """Expect that one was done, and that the others were told why not."""
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert {type(outcome) for outcome in refused} <= {ExchangeError}
    assert len(refused) == len(answers) - 1


async def test_a_question_opened_at_both_at_once_is_one_question(wallet_of_two: Wallet) -> None:
    invitation = wallet_of_two.first.invitation(wallet_of_two.first.question())
    opened = await wallet_of_two.at_once(lambda process: process.open(invitation))
    assert len(set(opened)) == 1
    assert not isinstance(opened[0], BaseException)
    assert len(await wallet_of_two.second.requests()) == 1


async def test_a_question_that_comes_over_a_connection_at_both_at_once_is_one_question(wallet_of_two: Wallet) -> None:
    connection = await wallet_of_two.first.connect_verifier()
    question = wallet_of_two.first.question()
    taken = await wallet_of_two.at_once(lambda process: process.take(question, recipient=connection.own_key))
    assert set(taken) == {True}
    assert len(await wallet_of_two.second.requests()) == 1


async def test_a_question_answered_at_both_at_once_is_answered_once(wallet_of_two: Wallet) -> None:
    credential, question = await wallet_of_two.first.credential_id(), (await wallet_of_two.first.asked()).id
    one_alone(
        await wallet_of_two.at_once(lambda process: requests.present(process.profile, CONFIG, question, credential))
    )
    assert kinds(wallet_of_two) == ["presentation"]
    shown = await requests.get_request(wallet_of_two.second.profile, CONFIG, question)
    assert shown.state is RequestState.PRESENTED
    assert await Payloads(wallet_of_two.second.profile).find(question) is not None


async def test_a_question_answered_and_declined_at_both_at_once_ends_in_one_way(wallet_of_two: Wallet) -> None:
    credential, question = await wallet_of_two.first.credential_id(), (await wallet_of_two.first.asked()).id

    async def click(process: AskedWallet) -> object:
        if process is wallet_of_two.first:
            return await requests.present(process.profile, CONFIG, question, credential)
        return await requests.decline(process.profile, CONFIG, question, DeclineReason.UNWILLING)

    one_alone(await wallet_of_two.at_once(click))
    (sent,) = kinds(wallet_of_two)
    shown = await requests.get_request(wallet_of_two.second.profile, CONFIG, question)
    assert shown.state is (RequestState.PRESENTED if sent == "presentation" else RequestState.DECLINED)


async def test_an_acknowledgement_at_both_at_once_ends_it_once(wallet_of_two: Wallet) -> None:
    credential, request = await wallet_of_two.first.credential_id(), await wallet_of_two.first.asked()
    await requests.present(wallet_of_two.first.profile, CONFIG, request.id, credential)
    assert set(await wallet_of_two.at_once(lambda process: process.hear_ack(request))) == {True}
    assert (await wallet_of_two.second.request(request.id)).state is RequestState.ACCEPTED


async def test_what_is_overdue_is_ended_once_whoever_sweeps(wallet_of_two: Wallet) -> None:
    first = wallet_of_two.first
    await first.asked()
    declined = await first.asked()
    await requests.decline(first.profile, CONFIG, declined.id, DeclineReason.UNWILLING)
    later = after(CONFIG.request_deadline_s + 1)
    assert set(await wallet_of_two.at_once(lambda process: process.sweep(later))) == {None}
    assert kinds(wallet_of_two).count("problem-report") == 2


async def test_a_credential_that_one_process_kept_fits_at_once_in_the_other(wallet_of_two: Wallet) -> None:
    first, second = wallet_of_two.first, wallet_of_two.second
    assert await credentials_at_hand(second.profile) == ()
    made = [await first.credential_id()]
    assert [credential.id for credential in await credentials_at_hand(second.profile)] == made
    made.append(await first.credential_id())
    request = await second.asked()
    shown = await requests.get_request(second.profile, CONFIG, request.id)
    assert [fit.credential_id for fit in shown.fits] == made[::-1]
