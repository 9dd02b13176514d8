"""A phone changes its network while the page loads: what was lost on its way is asked for again, by itself."""

import pytest
from playwright.async_api import Browser, expect
from tests.browser.wallet_site import WAIT_MS, make_book, phone, sees, wallet_site

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

TITLE = "Your certificates, in your hands"
WORDS = ("/words/en.json", "/words/facts.json")
ENDLESS = """const own = setTimeout
globalThis.setTimeout = (act, ms, ...more) => {
  if (ms !== 8000) return own(act, ms, ...more)
  document.documentElement.id = "waits"
}"""
SCRIPTS = ("/page.js", "/worker.js", "/chunk.js", "/session.js")


@pytest.mark.parametrize("path", [*WORDS, *SCRIPTS, "/settings.json"])
async def test_what_is_lost_on_its_way_twice_comes_the_third_time(chromium: Browser, path: str) -> None:
    async with wallet_site() as site, phone(chromium, service_workers="block") as context:
        site.dropped[path] = 2
        page = await context.new_page()
        await page.goto(site.url)
        await sees(page, TITLE)
        await make_book(page)
        assert site.dropped[path] == 0
        assert site.asked.count(path) == 3
        assert await page.get_by_text("could not be loaded whole").count() == 0


@pytest.mark.parametrize("path", ["/words/en.json", "/page.js"])
async def test_what_never_comes_is_said_and_comes_once_the_device_has_a_network(chromium: Browser, path: str) -> None:
    async with wallet_site() as site, phone(chromium, service_workers="block") as context:
        site.dropped[path] = 4
        page = await context.new_page()
        await page.goto(site.url)
        await expect(page.get_by_text("This page could not be loaded whole.")).to_be_visible(timeout=WAIT_MS)
        assert site.asked.count(path) == 4
        for is_away in (True, False):
            await context.set_offline(is_away)
        await sees(page, TITLE)
        assert site.asked.count(path) == 5


async def test_a_device_that_says_it_has_a_network_does_not_wait(chromium: Browser) -> None:
    """The third wait is of eight seconds, which never end here; what the device says ends it."""
    path = "/words/en.json"
    async with wallet_site() as site, phone(chromium, service_workers="block") as context:
        site.dropped[path] = 3
        await context.add_init_script(ENDLESS)
        page = await context.new_page()
        await page.goto(site.url)
        await expect(page.locator("#waits")).to_be_attached()
        assert site.asked.count(path) == 3
        for is_away in (True, False):
            await context.set_offline(is_away)
        await sees(page, TITLE)
        assert site.asked.count(path) == 4


async def test_a_worker_that_is_lost_while_the_words_are_waited_for_is_asked_for_again(chromium: Browser) -> None:
    """It fails when nobody listens to it yet."""
    async with wallet_site() as site, phone(chromium, service_workers="block") as context:
        site.dropped.update({"/worker.js": 1, "/words/en.json": 2})
        page = await context.new_page()
        await page.goto(site.url)
        await sees(page, TITLE)
        await make_book(page)
        assert site.asked.count("/worker.js") == 2


async def test_a_worker_that_never_comes_is_said(chromium: Browser) -> None:
    async with wallet_site() as site, phone(chromium, service_workers="block") as context:
        site.dropped["/worker.js"] = 4
        page = await context.new_page()
        await page.goto(site.url)
        await sees(page, "The wallet cannot start")
        assert site.asked.count("/worker.js") == 4
