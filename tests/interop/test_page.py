"""The wallet in the page, in Chromium on a phone's width, from a link to TRUSTED; on a second phone; and deleted."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from tests.browser.looking import PHONE, Look
from tests.interop.page_town import MEDIATOR, PageTown, page_town
from tests.interop.page_walk import Walk, answer, take

pytestmark = [pytest.mark.agents, pytest.mark.needs("node", "chromium"), pytest.mark.asyncio(loop_scope="module")]

PIN: Final = "246810"
WAIT_MS: Final = 120_000
SECRETS: Final = (b"Perera", b"C7212", b"National Certificate", PIN.encode())
"""What the credential says, and the PIN: in no file of the host or the mediator."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PageTown]:
    async with page_town(tmp_path_factory.mktemp("town")) as running:
        yield running


@asynccontextmanager
async def phone(town: PageTown) -> AsyncIterator[Look]:
    """A browser that knows of nothing yet."""
    context = await town.browser.new_context(viewport=PHONE, reduced_motion="reduce")
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    look = Look(page, town.url)
    page.on("console", lambda told: look.noise.append(told.text) if told.type in {"error", "warning"} else None)
    page.on("pageerror", lambda err: look.noise.append(str(err)))
    ours = (town.url, f"https://{MEDIATOR}/")
    context.on("request", lambda asked: None if asked.url.startswith(ours) else look.elsewhere.append(asked.url))
    try:
        yield look
    finally:
        await context.close()


async def sees(page: Page, title: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(title, timeout=WAIT_MS)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).click()


async def have_it_erased(look: Look) -> None:
    """The history opens by the PIN; who asked erases what was shown, and can be reported."""
    page, main = look.page, look.page.get_by_role("main")
    await press(page, "What I showed to whom")
    await sees(page, "What I showed to whom")
    await page.get_by_label("Your PIN").fill(PIN)
    await press(page, "Show it")
    await expect(main).to_contain_text("They have checked it and accept it.")
    await look.check("page-history")
    await press(page, "Ask them to erase it")
    await expect(main).to_contain_text("They say that they erased it on", timeout=WAIT_MS)
    await press(page, "Report this asker")
    await sees(page, "Report this asker")
    await expect(main).not_to_contain_text("Perera")
    await look.check("page-report")
    await press(page, "Back to my book")


async def in_other_languages(look: Look) -> None:
    """Consent in a language that a machine made has English beside it; a choice of language stays."""
    page = look.page
    for tag, name in (("ar", "من يسأل"), ("ta", "கேட்பவர் யார்"), ("en", "Who asks")):
        await page.locator("#language").select_option(tag)
        await expect(page.get_by_role("heading", level=2).first).to_contain_text(name)
        assert await page.evaluate("document.documentElement.dir") == ("rtl" if tag == "ar" else "ltr")
        beside = page.locator("h2 .second").first
        if tag == "en":
            await expect(beside).to_have_count(0)
        else:
            await expect(beside).to_have_text("Who asks")
            await look.check(f"page-question-{tag}")


async def make_book(look: Look) -> list[str]:
    """Make a book as a worker does for the first time; return the groups of the code."""
    page = look.page
    await look.check("page-start")
    await press(page, "Make my book")
    await sees(page, "Write this down")
    await look.check("page-code")
    groups = [str(text) for text in await page.locator(".groups span").all_text_contents()]
    assert [len(group) for group in groups] == [6] * 6
    await press(page, "I have written it down")
    await sees(page, "Make sure, and choose a PIN")
    await look.check("page-confirm")
    asked = re.search(r"Group (\d)", await page.locator("main label").first.inner_text())
    assert asked is not None
    wrong = groups[int(asked[1]) % 6]
    for typed in (wrong, groups[int(asked[1]) - 1]):
        await page.get_by_label("Group").fill(typed)
        await page.get_by_label("A PIN").fill(PIN)
        await press(page, "Make my book")
        if typed == wrong:
            await expect(page.get_by_role("status")).to_contain_text(f"not group {asked[1]}")
    return groups


async def test_from_a_link_to_trusted_and_on_to_another_phone(town: PageTown) -> None:
    ecosystem = town.ecosystem
    vaults = await town.host.get("/status")
    offer = await ecosystem.offer()
    async with phone(town) as look:
        page = look.page
        await look.open(f"/#{offer['short_url']}")
        await sees(page, "Your certificates, in your hands")
        assert "#" not in page.url  # neither the address bar nor the history keeps the link
        groups = await make_book(look)

        await sees(page, "An offer for you")
        main = page.get_by_role("main")
        await expect(main).to_contain_text("Colombo Welding Centre")
        await expect(main).to_contain_text("has them on its list: they may issue this")
        await expect(main).to_contain_text("Welders and flamecutters")
        await expect(main).to_contain_text("Sri Lanka")
        await look.check("page-offer")
        await press(page, "Something is wrong")
        await sees(page, "What is wrong?")
        await look.check("page-wrong")
        await press(page, "Back to my book")
        await press(page, "An offer waits for your answer")
        await press(page, "It is right, I take it")
        await sees(page, "It is in your book")
        await ecosystem.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        await press(page, "Back to my book")
        await sees(page, "My book")
        await page.locator("summary").first.click()
        await expect(main).to_contain_text("counts it.")
        await expect(main).to_contain_text("Where: Sri Lanka")
        await look.check("page-book")

        request = await ecosystem.ask(min_eqf_level=3)
        await page.get_by_label("The link").fill(request["short_url"])
        await press(page, "Open the link")
        await sees(page, "Somebody asks you")
        await expect(main).to_contain_text("says nothing of them. Answer only if you know them and expect this.")
        await expect(main).to_contain_text("Level 3 or more on the European scale")
        await expect(main).to_contain_text("Not shown: Family name, Given names, Date of birth.")
        await expect(main).not_to_contain_text("Perera")
        await expect(main).to_contain_text("It is the only one in your book that fits.")
        await expect(main).to_contain_text("They do not say that they keep your answer")
        await look.check("page-question")
        await in_other_languages(look)
        await press(page, "Yes, show them this")
        await sees(page, "Your answer has arrived")
        await look.check("page-answered")
        assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"
        await press(page, "Back to my book")
        await have_it_erased(look)

        async with phone(town) as second:
            await second.open("/")
            await press(second.page, "I have a book already")
            typo = [*groups[:3], "000000" if groups[3] != "000000" else "111111", *groups[4:]]
            for code in (typo, groups):
                await second.page.get_by_label("Your recovery code").fill(" ".join(code))
                await second.page.get_by_label("A PIN").fill("135790")
                await press(second.page, "Open my book")
                if code is typo:
                    await expect(second.page.get_by_role("status")).to_contain_text("mistake in group 4")
            await sees(second.page, "My book")
            await expect(second.page.locator("summary").first).to_contain_text("National Certificate")

            # The first phone learns it with the line to the mediator, which one phone has at a time, and does not
            # take it back by itself.
            await sees(page, "Your book is open on another phone")
            await press(page, "Use it here")
            await sees(page, "My book")
            await sees(second.page, "Your book is open on another phone")
            await press(page, "Lock now")
            await sees(page, "Your book is locked")
            await look.check("page-locked")
            await page.get_by_label("Your PIN").fill("246811")
            await press(page, "Open my book")
            await expect(page.get_by_role("status")).to_contain_text("Tries left: 9")
            await press(second.page, "Use it here")
            await sees(second.page, "My book")
            await page.get_by_label("Your PIN").fill(PIN)
            await press(page, "Open my book")
            await sees(page, "Your book is open on another phone")
            await look.check("page-elsewhere")

            higher = await ecosystem.ask(min_eqf_level=5)
            await second.page.get_by_label("The link").fill(higher["short_url"])
            await press(second.page, "Open the link")
            await sees(second.page, "Somebody asks you")
            await expect(second.page.get_by_role("main")).to_contain_text("They ask for a higher level")
            await second.check("page-nothing-fits")
            await press(second.page, "No, and tell them so")
            await sees(second.page, "You said no")
            assert (await ecosystem.outcome(higher))["state"] == "DECLINED"

            assert found_in(town) == {}
            await press(second.page, "Back to my book")
            await press(second.page, "Who can see what")
            await second.check("page-more")
            await second.page.get_by_label("I am sure").check()
            await press(second.page, "Delete my book")
            await sees(second.page, "Your certificates, in your hands")
            await expect(second.page.get_by_role("status")).to_have_text("Your book was deleted.")
            assert await town.host.get("/status") == vaults


async def test_a_first_time_worker_needs_few_taps_and_few_words(
    town: PageTown, capsys: pytest.CaptureFixture[str]
) -> None:
    ecosystem = town.ecosystem
    offer = await ecosystem.offer()
    async with phone(town) as look:
        walk = Walk(town.line, by_keyboard=True)
        await take(walk, look.page, f"{town.url}/#{offer['short_url']}")
        request = await ecosystem.ask(min_eqf_level=3)
        tab = await look.page.context.new_page()
        tab.set_default_timeout(WAIT_MS)
        await answer(walk, tab, f"{town.url}/#{request['short_url']}")
        assert (await ecosystem.outcome(request))["decision"]["verdict"] == "TRUSTED"
    with capsys.disabled():
        print(f"\n{json.dumps(walk.told(), indent=2)}")
    assert walk.taps <= 12
    assert walk.all_words <= 250, walk.words


async def test_what_may_be_left_out_is_left_out_by_one_button_and_the_history_says_so(town: PageTown) -> None:
    ecosystem = town.ecosystem
    offer = await ecosystem.offer()
    async with phone(town) as look:
        walk = Walk(town.line, by_keyboard=True)
        await take(walk, look.page, f"{town.url}/#{offer['short_url']}")
        request = await ecosystem.ask(min_eqf_level=3, subject="name_and_birth_date", least_subject="name")
        tab = await look.page.context.new_page()
        tab.set_default_timeout(WAIT_MS)
        await answer(walk, tab, f"{town.url}/#{request['short_url']}", yes="Yes, but without: Date of birth")
        main = tab.get_by_role("main")
        await expect(main).to_contain_text("Not shown: Date of birth.")
        outcome = await ecosystem.outcome(request)
        assert (outcome["decision"]["verdict"], outcome["left_out"]) == ("TRUSTED", ["birth_date"])
        assert "birth_date" not in {shown["attribute"] for shown in outcome["seen"]}
        await press(tab, "Back to my book")
        await press(tab, "What I showed to whom")
        await tab.get_by_label("Your PIN").fill(PIN)
        await press(tab, "Show it")
        await expect(main).to_contain_text("Asked, and left out: Date of birth.")


def found_in(town: PageTown) -> dict[str, list[str]]:
    """Return which secrets stand in which files of the host and the mediator, their logs too."""
    places: dict[str, list[str]] = {}
    for agent in (town.host, town.mediator):
        for path in sorted(agent.folder.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                for secret in SECRETS:
                    if secret in content:
                        places.setdefault(secret.decode(), []).append(str(path.relative_to(town.host.folder.parent)))
    return places
