"""The wallet's page is ended after each of its steps: the next visit ends what it began, and nothing comes twice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.interop.ecosystem import running_ecosystem
from tests.interop.page_wallet_process import page_wallet
from tests.interop.page_wallet_visits import answer_in_two_visits, meet_in_two_visits, take_in_two_visits

pytestmark = [pytest.mark.needs("node")]

HOST = "mediator.wanderbuch.test"
TAKING = 40
ANSWERING = 14


async def test_a_page_that_ends_after_each_step(tmp_path: Path, tell: Callable[[str], None]) -> None:
    async with running_ecosystem(tmp_path, further=lambda machine: machine.add("mediator", "M", HOST)) as ecosystem:
        (mediator,) = [agent for agent in ecosystem.machine.agents if agent.host == HOST]
        await mediator.start()
        async with page_wallet(ecosystem.machine, HOST) as wallet:
            for last in range(1, 10):
                await meet_in_two_visits(wallet, last)
            for last in range(1, TAKING):
                await take_in_two_visits(ecosystem, wallet, last)
            for last in range(1, ANSWERING):
                await answer_in_two_visits(ecosystem, wallet, last)
            assert not await wallet.rows("inbox")
            dropped = await wallet.do("dropped")
    tell(f"{TAKING - 1} credentials, {ANSWERING - 1} answers, dropped: {dropped}")
