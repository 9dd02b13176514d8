"""Without a network, with real agents: a wallet of the page's code and a verifier, neither of which reaches anybody.

The verifier's agent judges from a bundle that `wanderbuch governance bundle` fetched before; question and answer go as
codes. What came by message before the network went is answered without one, and goes out with the next visit; a link
that is opened meanwhile is followed then.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright
from tests.browser.conftest import ARGUMENTS
from tests.interop.conftest import MEDIATOR_OF_PAGES
from tests.interop.ecosystem import Ecosystem
from tests.interop.page_wallet_process import PageWallet, PageWalletError, page_wallet
from tests.interop.page_wallet_visits import answers_of
from tests.interop.test_page_wallet import take
from tests.needs import chromium_program

from wanderbuch.agents.machine import AgentHandle

pytestmark = [
    pytest.mark.agents,
    pytest.mark.needs("node", "chromium"),
    pytest.mark.asyncio(loop_scope="session"),
]

NOBODY = "127.0.0.1:1"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mediator(ecosystem: Ecosystem) -> AsyncIterator[AgentHandle]:
    (running,) = [agent for agent in ecosystem.machine.agents if agent.host == MEDIATOR_OF_PAGES]
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def wallet(ecosystem: Ecosystem, mediator: AgentHandle) -> AsyncIterator[PageWallet]:
    async with page_wallet(ecosystem.machine, MEDIATOR_OF_PAGES) as running:
        await running.visit(egress=True)
        yield running


async def fetch_bundle(ecosystem: Ecosystem, registry: str, into: Path) -> dict[str, Any]:
    """Fetch a bundle from the running agents by the command of that name."""
    machine, identity = ecosystem.machine, await ecosystem.authority.get("/identity")
    reached = [part for line in machine.connections() for part in ("--connect", line)]
    command = ["-m", "wanderbuch.agents.cli", "governance", "bundle", identity["governance_url"]]
    options = ["--author", identity["did"], "--registry", registry, "--out", str(into), "--json"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, *options, "--ca-file", str(machine.ca_file), *reached),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    made: dict[str, Any] = json.loads(told)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def yard(ecosystem: Ecosystem) -> AsyncIterator[AgentHandle]:
    """The employer's own computer: a verifier's agent, not begun, that reaches no other host."""
    identity = await ecosystem.authority.get("/identity")
    hosts = sorted({line.split(":443=")[0] for line in ecosystem.machine.connections()})
    handle = ecosystem.machine.add("verifier", "The yard", "yard.wanderbuch.test")
    bundle = handle.folder / "facts.zip"
    governance = {"url": identity["governance_url"], "author": identity["did"], "bundle": str(bundle)}
    handle.configure(network={"connect": [f"{host}:443={NOBODY}" for host in hosts]}, governance=governance)
    yield handle
    await handle.stop()


async def judged_by_codes(yard: AgentHandle, wallet: PageWallet, question: str) -> str:
    """At the yard's desk: its codes to the wallet, the wallet's yes back as codes; give what the page says then."""
    person = {"id": "m.borg", "name": "Maria Borg", "roles": ["asker"]}
    token = (await yard.post("/people", person))["token"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=list(ARGUMENTS))
        page = await browser.new_page()
        page.set_default_timeout(60_000)
        await page.goto(f"{yard.app_url}/desk/en/sign-in")
        await page.fill("#token", token)
        await page.press("#token", "Enter")
        await page.locator(".me").wait_for(state="attached")
        await page.goto(f"{yard.app_url}/desk/en/question/{question}/codes")
        assert "was fetched on" in await page.locator("main").inner_text()
        shown = await page.locator("#codes-shown").get_attribute("data-frames")
        assert shown is not None
        taken = await wallet.do("read_codes", frames=shown.split("|")[::-1])
        await wallet.do("answer", id=taken, answers=await answers_of(wallet, taken))
        frames = await wallet.do("codes", id=taken)
        async with page.expect_navigation():
            await page.evaluate(
                """codes => {
                  const form = document.getElementById('codes-answer')
                  form.elements.codes.value = codes
                  form.submit()
                }""",
                "|".join(frames),
            )
        text = await page.locator("main").inner_text()
        await browser.close()
    return text


async def test_two_who_reach_nobody_by_codes_and_what_was_asked_before_goes_out_later(
    ecosystem: Ecosystem, mediator: AgentHandle, wallet: PageWallet, yard: AgentHandle
) -> None:
    _, credential = await take(ecosystem, wallet)
    registry = (await wallet.rows("credential"))[credential]["sealed"]["rev_reg_id"]
    made = await fetch_bundle(ecosystem, registry, yard.folder / "facts.zip")
    assert [
        note for note in made["notes"] if "centre.wanderbuch.test" in note
    ] == []  # others of the example are not real
    await wallet.do("make_ready")
    # Asked by message while there is a network; answered when there is none.
    before, unopened = [await ecosystem.ask(min_eqf_level=3) for _ in range(2)]
    asked = (await wallet.do("follow", address=before["short_url"]))["id"]
    await mediator.stop()
    # A link that is opened now cannot be followed: it is kept.
    assert await wallet.do("open", address=unopened["short_url"]) is None
    assert [row["address"] for row in (await wallet.rows("link")).values()] == [unopened["short_url"]]

    await yard.start()
    question = await yard.post("/requests", {"requirement": {"occupation": "C7212", "jurisdiction": "MLT"}})
    text = await judged_by_codes(yard, wallet, question["id"])
    ended = await yard.get(f"/requests/{question['id']}")
    assert ended["decision"]["verdict"] == "TRUSTED", ended["decision"]
    assert text.startswith("Accepted")
    assert "min old" in text
    assert (await ecosystem.employer.get(f"/requests/{before['id']}"))["state"] == "OPEN"

    answering = asyncio.create_task(wallet.do("answer", id=asked, answers=await answers_of(wallet, asked)))
    await wallet.until("question", id=asked, state="answering")  # it is kept before anybody is reached
    assert await wallet.rows("outbox") == {}
    await mediator.start()
    await wallet.do("leave")
    with suppress(PageWalletError):  # it could not be done then
        await answering
    await wallet.visit(egress=True)
    await wallet.until("question", id=asked, state="accepted")
    assert (await ecosystem.outcome(before))["decision"]["verdict"] == "TRUSTED"
    # The link led to its question by itself, and to nothing more; the worker answers it.
    followed = await wallet.until("question", state="asked")
    assert await wallet.rows("link") == {}
    assert (await ecosystem.employer.get(f"/requests/{unopened['id']}"))["state"] == "OPEN"
    await wallet.do("answer", id=followed, answers=await answers_of(wallet, followed))
    assert (await ecosystem.outcome(unopened))["decision"]["verdict"] == "TRUSTED"
    assert await wallet.do("dropped") == []
