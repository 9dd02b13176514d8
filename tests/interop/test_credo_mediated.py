"""A stock Credo wallet without an address, behind our mediator: it takes, proves, declines and hears, whether it stays
open or was away when the mediator was killed.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.flow.operator_eyes import a_day_passes
from tests.interop.conftest import MEDIATOR, MEDIATOR_OF_TWO
from tests.interop.credo_wallet import CredoError
from tests.interop.ecosystem import Ecosystem
from tests.postgresql import Database

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.needs("node", "compiler"), pytest.mark.asyncio(loop_scope="session")]

LIVE = "PickUpV2LiveMode"


def at(host: str, pickup: str = LIVE) -> dict[str, str]:
    return {"invitation": f"https://{host}/mediator", "pickup": pickup}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def running_mediator(ecosystem: Ecosystem) -> AsyncIterator[None]:
    mediator = mediator_of(ecosystem)
    await mediator.start()
    yield
    await mediator.stop()


def mediator_of(ecosystem: Ecosystem, host: str = MEDIATOR) -> AgentHandle:
    (mediator,) = [agent for agent in ecosystem.machine.agents if agent.host == host]
    return mediator


async def restart(mediator: AgentHandle) -> None:
    """Kill it, and start it again."""
    await mediator.kill()
    await mediator.start()


async def test_takes_what_came_while_it_was_away_for_a_day(ecosystem: Ecosystem, tmp_path: Path) -> None:
    """The first of this mediator's wallets: notices to those of other tests come again, and wait for them."""
    mediator = mediator_of(ecosystem)
    offer = await ecosystem.offer()
    async with ecosystem.wallet(tmp_path / "wallet", mediator=at(MEDIATOR)) as wallet:
        await wallet.accept(await wallet.offer_of(await wallet.receive(offer["short_url"])))
        issued = await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
    assert (await ecosystem.centre.post(f"/credentials/{issued['id']}/revoke"))["published"]
    async with asyncio.timeout(60):
        while not (await mediator.get("/status"))["messages"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await mediator.kill()
    assert a_day_passes(mediator)
    await mediator.start()
    async with ecosystem.wallet(tmp_path / "wallet", mediator=at(MEDIATOR)) as wallet:
        await wallet.until(lambda seen: seen.kind == "revocation")
        await wallet.has_all()


@pytest.mark.parametrize("pickup", [LIVE, "Implicit"])
async def test_takes_proves_and_hears_of_a_revocation_while_the_mediator_is_killed(
    ecosystem: Ecosystem, tmp_path: Path, pickup: str
) -> None:
    mediator = mediator_of(ecosystem)
    offer = await ecosystem.offer()
    async with ecosystem.wallet(tmp_path / "wallet", mediator=at(MEDIATOR, pickup)) as wallet:
        offered = await wallet.offer_of(await wallet.receive(offer["short_url"]))
        await restart(mediator)
        await wallet.accept(offered)
        issued = await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        request = await ecosystem.ask(min_eqf_level=3)
        received = await wallet.request_of(await wallet.receive(request["short_url"]))
        await wallet.answer(received)
        outcome = await ecosystem.outcome(request)
        assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
        declined = await ecosystem.ask(min_eqf_level=5)
        received = await wallet.request_of(await wallet.receive(declined["short_url"]))
        with pytest.raises(CredoError):
            await wallet.answer(received)
        await wallet.decline(received)
        assert (await ecosystem.outcome(declined))["state"] == "DECLINED"
        await mediator.kill()
        assert (await ecosystem.centre.post(f"/credentials/{issued['id']}/revoke"))["published"]
        await mediator.start()
        await wallet.until(lambda seen: seen.kind == "revocation")
        if pickup == LIVE:  # else it is told no numbers
            await wallet.has_all()


@pytest.mark.needs("postgresql")
async def test_two_processes_serve_a_wallet_that_stays_open_whichever_of_them_is_killed(
    ecosystem: Ecosystem, tmp_path: Path, database: Database
) -> None:
    mediator = mediator_of(ecosystem, MEDIATOR_OF_TWO)
    mediator.use_store(database.url, database.password)
    await mediator.start()
    first, second = mediator.processes
    offer = await ecosystem.offer()
    async with ecosystem.wallet(tmp_path / "wallet", mediator=at(MEDIATOR_OF_TWO)) as wallet:
        offered = await wallet.offer_of(await wallet.receive(offer["short_url"]))
        await first.kill()
        await wallet.accept(offered)
        issued = await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        await mediator.start_one(first)
        await second.kill()
        request = await ecosystem.ask(min_eqf_level=3)
        await wallet.answer(await wallet.request_of(await wallet.receive(request["short_url"])))
        assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"
        assert (await ecosystem.centre.post(f"/credentials/{issued['id']}/revoke"))["published"]
        await wallet.until(lambda seen: seen.kind == "revocation")
        await wallet.has_all()
    await mediator.stop()
