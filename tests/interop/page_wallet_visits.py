"""Doing a thing with the page wallet in two visits: the first ends after so many steps, the next ends the thing."""

from tests.interop.ecosystem import Ecosystem
from tests.interop.page_wallet_process import PageWallet


async def meet_in_two_visits(wallet: PageWallet, last: int) -> None:
    """Meet the mediator; the wallet forgets all before."""
    await wallet.do("forget")
    await wallet.visit(last=last)
    await wallet.do("end")
    assert not await wallet.visit()
    assert set(await wallet.rows("mediator")) == {"granted"}
    await wallet.do("end")


async def take_in_two_visits(ecosystem: Ecosystem, wallet: PageWallet, last: int) -> None:
    """Take a credential, in a visit that ends after so many steps and in the next one."""
    offer = await ecosystem.offer()
    count = len(await wallet.rows("offer")) + 1
    await wallet.visit()
    await wallet.do("end_after", steps=last)
    alive = await wallet.lives("follow", address=offer["short_url"])
    alive = alive and await wallet.lives("until", kind="offer", count=count)
    if alive:
        received = await wallet.until("offer", count=count)
        alive = await wallet.lives("accept", id=received)
    if alive:
        await wallet.lives("until", kind="offer", state="kept", count=count)
    await wallet.do("end")
    assert not await wallet.visit()
    await wallet.do(
        "follow", address=offer["short_url"]
    )  # if it was cut before anything was kept; else it changes nothing
    received = await wallet.until("offer", count=count)
    if (await wallet.rows("offer"))[received]["state"] == "offered":
        await wallet.do("accept", id=received)
    await wallet.until("offer", state="kept", count=count)
    await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
    assert len(await wallet.rows("credential")) == count
    await wallet.do("end")


async def answer_in_two_visits(ecosystem: Ecosystem, wallet: PageWallet, last: int) -> None:
    """Answer a request, in a visit that ends after so many steps and in the next one."""
    request = await ecosystem.ask(min_eqf_level=3)
    count, address = len(await wallet.rows("question")) + 1, request["short_url"]
    await wallet.visit()
    await wallet.do("end_after", steps=last)
    if await wallet.lives("follow", address=address):
        question = await wallet.until("question", count=count)
        answers = {
            referent: next(iter(await wallet.rows("credential"))) for referent in await asked_of(wallet, question)
        }
        await wallet.lives("answer", id=question, answers=answers)
    await wallet.do("end")
    assert not await wallet.visit()
    question = (await wallet.do("follow", address=address))["id"]
    if (await wallet.rows("question"))[question]["state"] == "asked":
        await wallet.do("answer", id=question, answers=await answers_of(wallet, question))
    await wallet.until("question", id=question, state="accepted")
    assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"
    await wallet.do("end")


async def asked_of(wallet: PageWallet, question: str) -> list[str]:
    """The referents of a question."""
    request = (await wallet.rows("question"))[question]["request"]
    return [*request["requested_attributes"], *request["requested_predicates"]]


async def answers_of(wallet: PageWallet, question: str) -> dict[str, str]:
    """The first credential that fits each part."""
    candidates = await wallet.do("candidates", id=question)
    return {referent: fitting[0] for referent, fitting in candidates.items() if fitting}
