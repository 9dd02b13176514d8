"""Two processes of one wallet on one PostgreSQL: of two clicks at two processes one comes second."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.processes import Processes
from tests.unit.holder.process import CONFIG, HolderProcess, invitation_with
from tests.unit.power import Power
from tests.unit.trust.ecosystem import Authority, Issuer

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.offers import OfferState
from wanderbuch.agents.holder.requests import DeclineReason, RequestState
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.errors import ExchangeError

pytestmark = pytest.mark.needs("postgresql")


@dataclass
class Wallet:
    """Two processes."""

    first: HolderProcess
    second: HolderProcess

    @property
    def both(self) -> tuple[HolderProcess, HolderProcess]:
        return self.first, self.second

    async def at_once[T](
        self, call: Callable[[HolderProcess], Awaitable[T]], number: int = 10
    ) -> list[T | BaseException]:
        """Return what each of some calls at once gave, split over the two; an error is an answer."""
        calls = (call(self.both[each % 2]) for each in range(number))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    def kinds(self) -> list[str]:
        return [kind for each in self.both for kind in each.kinds()]


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
    made = Wallet(
        *(HolderProcess(agent_config, training_centre, authority, power, each.profile) for each in processes.both)
    )
    for each in made.both:
        await each.start()
        each.place_tails()
    await made.first.connect()
    made.second.connection_id = made.first.connection_id
    return made


def one_alone(answers: list[object]) -> None:
    """Expect that one was done, and that the others were told why not."""
    refused = [each for each in answers if isinstance(each, BaseException)]
    assert {type(each) for each in refused} <= {ExchangeError}
    assert len(refused) == len(answers) - 1


async def test_a_question_opened_at_both_at_once_is_one_question(wallet_of_two: Wallet) -> None:
    invitation = invitation_with(wallet_of_two.first.question())
    opened = await wallet_of_two.at_once(lambda process: process.open(invitation))
    assert len(set(opened)) == 1
    assert not isinstance(opened[0], BaseException)
    assert len(await wallet_of_two.second.questions()) == 1


async def test_an_offer_that_comes_at_both_at_once_is_one_offer(wallet_of_two: Wallet) -> None:
    offer = wallet_of_two.first.offer()
    assert set(await wallet_of_two.at_once(lambda process: process.receive(offer))) == {None}
    assert len(await wallet_of_two.second.offers()) == 1


async def test_an_offer_accepted_and_declined_at_both_at_once_ends_in_one_way(wallet_of_two: Wallet) -> None:
    offer_id = (await wallet_of_two.first.open(invitation_with(wallet_of_two.first.offer()))).id

    async def click(process: HolderProcess) -> object:
        if process is wallet_of_two.first:
            return await offers.accept(process.profile, CONFIG, offer_id)
        return await offers.decline(process.profile, CONFIG, offer_id)

    one_alone(await wallet_of_two.at_once(click))
    sent = Counter(wallet_of_two.kinds())
    assert sent in (Counter(["request-credential"]), Counter(["problem-report"]))
    shown = await offers.get_offer(wallet_of_two.second.profile, CONFIG, offer_id)
    assert shown.state is (OfferState.ACCEPTED if "request-credential" in sent else OfferState.DECLINED)


async def test_a_credential_that_comes_at_both_at_once_is_kept_once(wallet_of_two: Wallet) -> None:
    first, offer = wallet_of_two.first, wallet_of_two.first.offer()
    await first.receive(offer)
    (record,) = await first.offers()
    await offers.accept(first.profile, CONFIG, record.cred_ex_id)
    issued = first.credential(offer, first.sent[-1].message)
    assert set(await wallet_of_two.at_once(lambda process: process.receive(issued))) == {None}
    held = await list_credentials(wallet_of_two.second.profile, check_revocation=False)
    assert [each.id for each in held] == [record.cred_ex_id]
    shown = await offers.get_offer(wallet_of_two.second.profile, CONFIG, record.cred_ex_id)
    assert shown.state is OfferState.RECEIVED
    assert set(wallet_of_two.kinds()) == {"request-credential", "ack"}


async def test_a_question_answered_at_both_at_once_is_answered_once(wallet_of_two: Wallet) -> None:
    first = wallet_of_two.first
    credential = await first.receive_credential()
    question = (await first.open(invitation_with(first.question()))).id
    one_alone(
        await wallet_of_two.at_once(lambda process: requests.present(process.profile, CONFIG, question, credential))
    )
    assert wallet_of_two.kinds().count("presentation") == 1
    shown = await requests.get_request(wallet_of_two.second.profile, CONFIG, question)
    assert shown.state is RequestState.PRESENTED


async def test_what_is_overdue_is_ended_once_whoever_sweeps(wallet_of_two: Wallet) -> None:
    first = wallet_of_two.first
    await first.open(invitation_with(first.question()))
    declined = (await first.open(invitation_with(first.question()))).id
    await requests.decline(first.profile, CONFIG, declined, DeclineReason.UNWILLING)
    later = datetime.now(UTC) + timedelta(seconds=CONFIG.request_deadline_s + 1)
    assert set(await wallet_of_two.at_once(lambda process: process.sweep(later))) == {None}
    assert wallet_of_two.kinds().count("problem-report") == 2
