"""One code for many takers: a stock Credo wallet and ours answer an employer's link, each in an exchange of its own.

The link has a bound, and whoever comes after it is told; it is closed, and who has begun still answers. An offer has no
such code (docs/adr/0113): what happens to its second taker is in `test_credo_wallet`.
"""

from pathlib import Path

import pytest
from tests.interop.credo_wallet import CredoWallet
from tests.interop.ecosystem import Ecosystem, Json

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.needs("node", "compiler"), pytest.mark.asyncio(loop_scope="session")]

QUESTION = {
    "place": "MLT",
    "credentials": [{"ask": "qualification", "occupation": "C7212", "level": {"at_least": "3"}}],
}


async def taken_by_ours(ecosystem: Ecosystem, worker: AgentHandle) -> str:
    """Let our wallet take a welder's certificate, and return its id."""
    offer = await ecosystem.offer()
    opened = await worker.post("/invitations", {"url": offer["short_url"]})
    await worker.post(f"/offers/{opened['id']}/accept")
    received = await worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED", timeout_s=45)
    return str(received["credential_id"])


async def taken_by_credo(ecosystem: Ecosystem, wallet: CredoWallet) -> None:
    """Let a Credo wallet take a welder's certificate."""
    offer = await ecosystem.offer()
    await wallet.accept(await wallet.offer_of(await wallet.receive(offer["short_url"])))


async def applicants(ecosystem: Ecosystem, link: Json) -> list[Json]:
    listed: list[Json] = (await ecosystem.employer.get(f"/links/{link['id']}/applicants"))["items"]
    return listed


async def is_told(ecosystem: Ecosystem, link: Json, folder: Path) -> bool:
    """Let a further wallet come by a link, and return whether it is told that it gets nothing."""
    async with ecosystem.wallet(folder) as wallet:
        await wallet.receive(link["invitation_url"])
        return (await wallet.told("/problem_report")).code == "request_not_accepted" and wallet.events == []


async def test_two_takers_have_an_exchange_each_and_others_are_told(ecosystem: Ecosystem, tmp_path: Path) -> None:
    worker, employer = ecosystem.worker, ecosystem.employer
    assert worker is not None
    link = await employer.post("/links", {"title": "Welders", "question": QUESTION, "most_applicants": 2})
    place = f"/links/{link['id']}"
    credential = await taken_by_ours(ecosystem, worker)
    async with ecosystem.wallet(tmp_path / "credo") as wallet:
        await taken_by_credo(ecosystem, wallet)
        # each taker is asked over a connection of its own
        opened = await worker.post("/invitations", {"url": link["short_url"]})
        question = await wallet.request_of(await wallet.receive(link["short_url"]))
        both = await applicants(ecosystem, link)
        assert len({taker["id"] for taker in both}) == len({taker["ref"] for taker in both}) == 2
        assert question.thread_id in {taker["id"] for taker in both}
        # the bound
        assert (await employer.get(place))["is_full"]
        assert await is_told(ecosystem, link, tmp_path / "third")
        # stopped: nobody begins any more, also where there is room, and who has begun goes on
        await employer.post(f"{place}/widen", {"most_applicants": 3})
        assert not (await employer.post(f"{place}/close"))["is_open"]
        assert await is_told(ecosystem, link, tmp_path / "fourth")
        await worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
        await wallet.answer(question)
        for taker in both:
            ended = await employer.wait_for(f"/requests/{taker['id']}", "state", "DECIDED", timeout_s=60)
            assert ended["decision"]["verdict"] == "TRUSTED", ended["decision"]
        await wallet.reached(question, "done")
        await worker.wait_for(f"/requests/{opened['id']}", "state", "ACCEPTED", timeout_s=30)
        assert {applicant["id"] for applicant in await applicants(ecosystem, link)} == {taker["id"] for taker in both}
