"""The wallet of `wallet/` with real agents, behind our mediator: it takes, proves, declines and hears of a revocation.

Whenever its page is ended, the next visit ends what it began; nothing comes out twice.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.interop.conftest import MEDIATOR_OF_PAGES
from tests.interop.ecosystem import Ecosystem
from tests.interop.page_wallet_process import PageWallet, PageWalletError, page_wallet
from tests.interop.page_wallet_visits import answer_in_two_visits, answers_of, meet_in_two_visits, take_in_two_visits

from wanderbuch.agents.demo.example import example_claim

pytestmark = [pytest.mark.agents, pytest.mark.needs("node"), pytest.mark.asyncio(loop_scope="session")]

TAKING = (3, 12, 22, 27)
ANSWERING = (6, 9)
"""After how many steps a visit is ended: a write to the store, a file, a message sent. `tests/soak` has all of them."""


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def running_mediator(ecosystem: Ecosystem) -> AsyncIterator[None]:
    (mediator,) = [agent for agent in ecosystem.machine.agents if agent.host == MEDIATOR_OF_PAGES]
    await mediator.start()
    yield
    await mediator.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def wallet(ecosystem: Ecosystem) -> AsyncIterator[PageWallet]:
    async with page_wallet(ecosystem.machine, MEDIATOR_OF_PAGES) as running:
        yield running


async def take(ecosystem: Ecosystem, wallet: PageWallet, **changes: str) -> tuple[str, str]:
    """Let the wallet take a welder's qualification; give the offer's id at the centre and the credential's here."""
    offer = await ecosystem.offer(changes)
    await wallet.do("follow", address=offer["short_url"])
    received = await wallet.until("offer", state="offered")
    await wallet.do("accept", id=received)
    await wallet.until("offer", id=received, state="kept")
    await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
    return offer["id"], received


async def test_takes_proves_declines_and_hears_of_a_revocation(ecosystem: Ecosystem, wallet: PageWallet) -> None:
    await wallet.visit(egress=True)
    offer_id, credential = await take(ecosystem, wallet)
    assert set(await wallet.rows("credential")) == {credential}
    assert "secrets" not in (await wallet.rows("offer"))[credential]

    for requirement in ({"min_eqf_level": 3}, {"min_eqf_level": 3, "level_proof": "predicate"}):
        request = await ecosystem.ask(**requirement)
        opened = await wallet.do("follow", address=request["short_url"])
        assert opened["kind"] == "question"
        await wallet.do("answer", id=opened["id"], answers=await answers_of(wallet, opened["id"]))
        await wallet.until("question", id=opened["id"], state="accepted")
        outcome = await ecosystem.outcome(request)
        assert outcome["decision"]["verdict"] == "TRUSTED", outcome["decision"]
        with pytest.raises(PageWalletError, match="not open"):
            await wallet.do("answer", id=opened["id"], answers={})

    higher = await ecosystem.ask(min_eqf_level=5)
    opened = await wallet.do("follow", address=higher["short_url"])
    assert await answers_of(wallet, opened["id"]) == {}
    with pytest.raises(PageWalletError, match="no credential"):
        await wallet.do("answer", id=opened["id"], answers={})
    await wallet.do("decline", id=opened["id"])
    assert (await ecosystem.outcome(higher))["state"] == "DECLINED"

    assert (await ecosystem.centre.post(f"/credentials/{offer_id}/revoke"))["published"]
    await wallet.until("credential", id=credential, **{"is": "revoked"})
    late = await ecosystem.ask(min_eqf_level=3)
    opened = await wallet.do("follow", address=late["short_url"])
    with pytest.raises(PageWalletError, match="revoked"):
        await wallet.do("answer", id=opened["id"], answers=await answers_of(wallet, opened["id"]))
    await wallet.do("decline", id=opened["id"])
    assert await wallet.do("dropped") == []


async def test_answers_without_what_may_be_left_out(ecosystem: Ecosystem, wallet: PageWallet) -> None:
    await wallet.visit(egress=True)
    await take(ecosystem, wallet)
    for is_less, least, left_out in ((True, "name", ["birth_date"]), (False, "none", [])):
        request = await ecosystem.ask(subject="name_and_birth_date", least_subject=least)
        opened = await wallet.do("follow", address=request["short_url"])
        answers = await answers_of(wallet, opened["id"])
        await wallet.do("answer", id=opened["id"], answers=answers, isLess=is_less)
        await wallet.until("question", id=opened["id"], state="accepted")
        outcome = await ecosystem.outcome(request)
        assert (outcome["decision"]["verdict"], outcome["left_out"]) == ("TRUSTED", left_out)
        seen = {shown["attribute"] for shown in outcome["seen"]}
        assert ("family_name" in seen, "birth_date" in seen) == (True, not is_less)
        view = await wallet.do("view_question", id=opened["id"])
        assert ("birth_date" in view["parts"][0]["shown"], view["left"]) == (not is_less, left_out)


async def test_hears_that_an_offer_is_withdrawn_and_cannot_take_it(ecosystem: Ecosystem, wallet: PageWallet) -> None:
    await wallet.visit(egress=True)
    offer = await ecosystem.offer()
    await wallet.do("follow", address=offer["short_url"])
    received = await wallet.until("offer", state="offered")
    assert (await ecosystem.centre.post(f"/offers/{offer['id']}/withdraw"))["state"] == "WITHDRAWN"
    await wallet.until("offer", id=received, state="withdrawn")
    assert (await wallet.rows("offer"))[received]["why"] == "This offer is over. Ask the issuer for a new one."
    with pytest.raises(PageWalletError, match="not open"):
        await wallet.do("accept", id=received)
    assert received not in await wallet.rows("credential")


async def test_what_is_wrong_is_a_task_and_the_right_one_takes_its_place(
    ecosystem: Ecosystem, wallet: PageWallet
) -> None:
    await wallet.visit(egress=True)
    centre = ecosystem.centre
    offer = await ecosystem.offer()
    await wallet.do("follow", address=offer["short_url"])
    received = await wallet.until("offer", state="offered")
    await wallet.do("decline_offer", id=received, wrong={"name": "the name", "date": "another date"})
    await centre.wait_for(f"/offers/{offer['id']}", "state", "DECLINED")
    (report,) = (await centre.get("/reports?state=OPEN"))["items"]
    assert (report["id"], report["what"], report["next_steps"]) == (offer["id"], ["name", "date"], ["correct"])

    number = {"credential_id": "CWC-2024-WRONG"}
    old, current = await take(ecosystem, wallet, **number)
    claim = example_claim(family_name="Pereira", **number)
    made = await centre.post(f"/credentials/{old}/supersede", {"why": "misspelt", "claim": claim})
    assert (await centre.get(f"/offers/{old}"))["state"] == "ISSUED"
    await wallet.do("follow", address=(await centre.get(f"/offers/{made['offer']}"))["short_url"])
    received = await wallet.until("offer", state="offered")
    await wallet.do("accept", id=received)
    await wallet.until("offer", id=received, state="kept")
    revoked = await centre.wait_for(f"/offers/{old}", "state", "REVOKED")
    assert (revoked["superseded_by"], revoked["revocation"]["reason"]) == (made["offer"], "replaced")
    await wallet.until("credential", id=current, **{"is": "revoked"})
    assert await wallet.do("dropped") == []


async def test_what_one_visit_begins_another_ends(ecosystem: Ecosystem, wallet: PageWallet) -> None:
    """A visit is ended after each step of meeting the mediator, and after some of taking a credential and answering."""
    for last in (2, 4, 6):
        await meet_in_two_visits(wallet, last)
    for last in TAKING:
        await take_in_two_visits(ecosystem, wallet, last)
    for last in ANSWERING:
        await answer_in_two_visits(ecosystem, wallet, last)
