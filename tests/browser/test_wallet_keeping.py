"""The wallet's page on a phone that keeps it: off line, updated, with other settings, after its storage went."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect
from tests.browser.wallet_site import (
    PIN,
    WAIT_MS,
    WalletSite,
    confirm,
    kept,
    make_book,
    phone,
    press,
    sees,
    unlock,
    wallet_site,
)

from wanderbuch.agents.wallet_host.page_files import PageFile, load_page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

# Asked in the page itself: its policy lets nobody make code of a text, as Playwright's polling does.
IS_KEPT = """async (path) => {
  const cache = await caches.open('page')
  while (!(await cache.match(path, { ignoreSearch: true }))) await new Promise(requestAnimationFrame)
}"""
IS_WAITING = """async () => {
  const registration = await navigator.serviceWorker.getRegistration()
  while (!registration.waiting) await new Promise(requestAnimationFrame)
}"""
POLICY = """async (path) => {
  const file = await (await caches.open('page')).match(path, { ignoreSearch: true })
  return file.headers.get('content-security-policy')
}"""
LINK = "https://centre.wanderbuch.test/i/abc"
STORED = """async () => {
  const texts = []
  const bytes = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)
  const isFolder = (value) => value !== null && typeof value === 'object' && !(value instanceof CryptoKey)
  const text = (value) => {
    if (ArrayBuffer.isView(value)) return String.fromCharCode(...bytes(value))
    return isFolder(value) ? Object.values(value).map(text).join(' ') : String(value)
  }
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise((done) => (indexedDB.open(name).onsuccess = ({ target }) => done(target.result)))
    for (const store of base.objectStoreNames) {
      const all = base.transaction(store).objectStore(store).getAll()
      await new Promise((done) => (all.onsuccess = done))
      texts.push(...all.result.map(text))
    }
    base.close()
  }
  return texts.join(' ') + Object.values(localStorage).join(' ')
}"""
# What a browser says that asks nobody.
STORAGE = """
window.askedToKeep = 0
window.mayKeep = false
navigator.storage.persist = async () => { window.askedToKeep += 1; return window.mayKeep }
navigator.storage.persisted = async () => window.mayKeep
"""
WORDS = """async () => (await (await caches.open('page')).keys()).filter(({ url }) => url.includes('en.json')).length"""


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[WalletSite]:
    async with wallet_site() as running:
        yield running


async def test_the_book_opens_without_a_network_in_the_language_that_was_picked(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium, locale="fr-FR") as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await page.locator("#language").select_option("en")
        await make_book(page)
        await kept(page)
        await page.locator("#language").select_option("ta")
        await page.evaluate(IS_KEPT, "/words/ta.json")
        await page.locator("#language").select_option("en")
        await press(page, "Lock now")
        await site.close()
        # A language that is not here: it is said soon, and another one can be picked.
        await page.locator("#language").select_option("si")
        await expect(page.get_by_role("status")).not_to_have_text("", timeout=5_000)
        await expect(page.locator("#language")).to_have_value("en")
        for tag in ("en", "ta"):
            await page.goto(f"{site.url}/")
            await page.locator("#language").select_option(tag)
            await expect(page.locator("#unloaded")).to_have_count(0)
        # One that is not on the phone cannot be had now: that is said, and why.
        await page.locator("#language").select_option("si")
        await expect(page.get_by_role("status")).to_contain_text("இணையம் இல்லை", timeout=WAIT_MS)
        await page.locator("#language").select_option("en")
        await unlock(page)
        # A link that comes meanwhile waits for a network, sealed, and the page says so: now and after it was closed.
        await page.get_by_label("The link").fill(LINK)
        await press(page, "Open the link")
        await expect(page.get_by_role("status")).to_contain_text("opened as soon as the network is there")
        await sees(page, "My book")
        await page.goto(f"{site.url}/")
        await unlock(page)
        main = page.get_by_role("main")
        await expect(main).to_contain_text("opened as soon as the network is there")
        stored = await page.evaluate(STORED)
        assert len(stored) > 500
        assert [part for part in (LINK, "centre.wanderbuch", "i/abc") if part in stored] == []
        await press(page, "Put it away")
        await expect(main).not_to_contain_text("opened as soon as")


async def test_who_has_a_book_here_is_asked_for_the_pin_before_the_worker_is_there_and_the_worker_has_the_last_word(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium, service_workers="block") as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await make_book(page)
        begins = asyncio.Event()

        async def late(route: Route) -> None:
            await begins.wait()
            await route.continue_()

        await page.route("**/worker.js", late)
        await page.goto(f"{site.url}/")
        await sees(page, "Your book is locked")
        await page.get_by_label("Your PIN").fill(PIN)
        await press(page, "Open my book")
        begins.set()
        await sees(page, "My book")
        # The browser wiped the book, but not what says that one is here.
        await page.goto(f"{site.url}/licences.txt")
        assert await page.evaluate("localStorage.getItem('door')") == "pin"
        await page.evaluate("new Promise((done) => (indexedDB.deleteDatabase('wanderbuch').onsuccess = done))")
        await page.goto(f"{site.url}/")
        await sees(page, "Your certificates, in your hands")
        assert await page.evaluate("localStorage.getItem('door')") is None


async def test_the_browser_is_asked_to_keep_the_book_and_what_it_says_is_told(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium) as context:
        page = await context.new_page()
        await page.add_init_script(STORAGE)
        await page.goto(f"{site.url}/")
        await make_book(page)
        assert await page.evaluate("window.askedToKeep") == 1
        await press(page, "Who can see what, and deleting")
        main = page.get_by_role("main")
        await expect(main).to_contain_text("The browser may then clear your book from this phone.")
        await press(page, "Ask the browser to keep it")
        await expect(page.get_by_role("status")).to_have_text("The browser did not agree. Keep your code at hand.")
        assert await page.evaluate("window.askedToKeep") == 2
        await page.evaluate("window.mayKeep = true")
        await press(page, "Ask the browser to keep it")
        await expect(main).not_to_contain_text("clear your book")
        await expect(page.get_by_role("status")).to_have_text("That is done.")


async def test_an_update_takes_over_when_no_page_is_open_whole_and_fetches_what_differs(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await make_book(page)
        await kept(page)
        words = site.files["words/en.json"]
        changed = PageFile.of("words/en.json", words.body.replace(b'"locked.code":"', b'"locked.code":"Now: '))
        site.files["words/en.json"] = changed
        await page.reload()
        await sees(page, "Your book is locked")
        is_new = "document.querySelector('main').textContent.includes('Now: ')"
        # What the host changes without its keeper is not taken.
        assert not await page.evaluate(is_new)

        digests = [base64.b64encode(hashlib.sha256(file.body).digest()) for file in (words, changed)]
        body = site.files["keeper.js"].body.replace(*digests)
        assert body != site.files["keeper.js"].body
        site.files["keeper.js"] = PageFile.of("keeper.js", body)
        site.asked.clear()
        await page.reload()
        await page.evaluate(IS_WAITING)
        assert not await page.evaluate(is_new)  # this visit goes on with the files that it began with
        await unlock(page)
        assert "/page.js" not in site.asked
        assert "/words/en.json" in site.asked
        async with asyncio.timeout(WAIT_MS / 1000):
            while True:  # the browser changes from one to the other some time after the page was closed
                await page.close()
                page = await context.new_page()
                await page.goto(f"{site.url}/")
                await sees(page, "Your book is locked")
                if await page.evaluate(is_new):
                    break
        await unlock(page)
        assert await page.evaluate(WORDS) == 1


async def test_settings_are_the_hosts_at_each_visit_and_the_policy_follows(chromium: Browser, site: WalletSite) -> None:
    async with phone(chromium) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await sees(page, "Your certificates, in your hands")
        await kept(page)
        site.mediator = "https://other.wanderbuch.test/mediator"
        site.files = load_page(site.settings())
        await page.reload()
        await sees(page, "Your certificates, in your hands")
        policy = await page.evaluate(POLICY, "/")
        assert "https://other.wanderbuch.test" in policy
        assert "https://mediator.wanderbuch.test" not in policy


async def test_what_carries_the_policy_and_is_lost_on_its_way_comes_with_the_next_visit(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await make_book(page)
        await kept(page)
        site.mediator = "https://other.wanderbuch.test/mediator"
        site.files = load_page(site.settings())
        site.dropped["/worker.js"] = 1
        for _ in range(2):
            await page.reload()
            await unlock(page)
        assert site.dropped["/worker.js"] == 0
        assert "https://other.wanderbuch.test" in await page.evaluate(POLICY, "/worker.js")


@pytest.mark.parametrize("how", ["full", "cleared"])
async def test_a_phone_that_is_full_or_cleared_while_the_keeper_lives_shuts_nobody_out(
    chromium: Browser, site: WalletSite, how: str
) -> None:
    async with phone(chromium) as context:
        page = await context.new_page()
        told = await context.new_cdp_session(page)
        await page.goto(f"{site.url}/")
        await make_book(page)
        await kept(page)
        clears = {"origin": site.url, "storageTypes": "cache_storage"}
        await told.send("Storage.clearDataForOrigin", clears)
        if how == "full":
            await told.send("Storage.overrideQuotaForOrigin", {"origin": site.url, "quotaSize": 1})
        for _ in range(2):
            await page.reload()
            await unlock(page)
        if how == "cleared":  # it is kept again
            await page.evaluate(IS_KEPT, "/settings.json")
            await page.evaluate(IS_KEPT, "/page.js")


async def test_what_a_browser_wiped_comes_back_by_the_code_and_two_tabs_take_turns(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        groups = await make_book(page)
        await expect(page.get_by_role("main")).not_to_contain_text("copy", timeout=WAIT_MS)
        other = await context.new_page()
        await other.goto(f"{site.url}/")
        await sees(other, "Your book is locked")
        await sees(page, "Your book is open in another tab")
        await unlock(other)
        await other.close()
        await kept(page)
        cdp = await context.new_cdp_session(page)
        await cdp.send("Storage.clearDataForOrigin", {"origin": site.url, "storageTypes": "all"})
        await page.goto(f"{site.url}/")
        await sees(page, "Your certificates, in your hands")
        await press(page, "I have a book already")
        # As it stands on paper, in the digits of whoever wrote it down.
        written = " ".join("".join(chr(0x0BE6 + int(digit)) for digit in group) for group in groups)
        await page.get_by_label("Your recovery code").fill(written)
        await page.get_by_label("A PIN").fill(PIN)
        await press(page, "Open my book")
        await sees(page, "My book")


async def test_who_lost_code_and_pin_finds_the_way_to_a_new_book_and_a_code_of_elsewhere_is_told_from_a_wrong_one(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium) as context, phone(chromium) as new:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        lost = await make_book(page)
        await expect(page.get_by_role("main")).not_to_contain_text("copy", timeout=WAIT_MS)
        await press(page, "Lock now")
        await press(page, "I do not know the PIN")
        await press(page, "I have lost code and PIN")
        await sees(page, "Make a new book")
        await expect(page.get_by_role("main")).to_contain_text("go to your centre")
        await press(page, "Make a new book")
        await sees(page, "Make a new book")  # the tick is wanted first
        await page.get_by_label("I am sure").check()
        await press(page, "Make a new book")
        await sees(page, "Write this down")
        # Nothing is gone before the new one is made.
        await page.reload()
        await unlock(page)
        await press(page, "Lock now")
        await press(page, "I do not know the PIN")
        await press(page, "I have lost code and PIN")
        await page.get_by_label("I am sure").check()
        await press(page, "Make a new book")
        groups = [str(text) for text in await page.locator(".groups span").all_text_contents()]
        await confirm(page, groups)
        await expect(page.get_by_role("main")).not_to_contain_text("copy", timeout=WAIT_MS)
        assert groups != lost
        other = await new.new_page()
        await other.goto(f"{site.url}/")
        await press(other, "Make my book")
        await sees(other, "Write this down")
        of_elsewhere = " ".join(await other.locator(".groups span").all_text_contents())
        await other.reload()
        await press(other, "I have a book already")
        field = other.get_by_label("Your recovery code")
        await field.fill(of_elsewhere)
        # All of it is seen while it is typed: whoever is told of a mistake in group 4 finds it.
        assert await field.evaluate("({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth")
        assert await field.evaluate("({ scrollHeight, clientHeight }) => scrollHeight <= clientHeight")
        await other.get_by_label("A PIN").fill(PIN)
        await press(other, "Open my book")
        told = other.get_by_role("status")
        await expect(told).to_contain_text("no book for this code at this address", timeout=WAIT_MS)
        await expect(told).to_be_in_viewport(ratio=1)
        await other.get_by_label("Your recovery code").fill(" ".join(lost))
        await press(other, "Open my book")
        await sees(other, "My book")  # its copy is there for who finds the paper after all


async def test_settings_that_did_not_come_are_asked_for_again_when_the_book_is_opened(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium, service_workers="block") as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await make_book(page)
        away = site.files.pop("settings.json")
        await page.reload()
        await sees(page, "Your book is locked")
        await page.get_by_label("Your PIN").fill(PIN)
        await press(page, "Open my book")
        await expect(page.get_by_role("status")).to_have_text("Something went wrong. Nothing was lost. Try again.")
        site.files["settings.json"] = away
        await unlock(page)  # the page was not loaded again


async def test_a_message_with_a_link_in_it_is_enough_and_what_has_none_is_answered_in_the_pages_language(
    chromium: Browser, site: WalletSite
) -> None:
    async with phone(chromium) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await make_book(page)
        await page.get_by_label("The link").fill(f"Your certificate is ready: {LINK} Regards, the centre")
        await press(page, "Open the link")
        await expect(page.get_by_role("status")).to_contain_text("opened as soon as the network is there")
        await page.get_by_label("The link").fill("my certificate")
        await press(page, "Open the link")
        await expect(page.get_by_role("status")).to_have_text("This is not a link that a wallet can open.")
