"""The public register in Chromium: accessible, narrow enough, by keyboard, without JavaScript."""

import pytest
from playwright.async_api import Browser, expect
from tests.browser.conftest import Town
from tests.browser.looking import DESKTOP, LOOKS, PHONE, SIZES, follow, looking, press, tab_to
from tests.unit.authority_pages.place import GALLE, REFUSED, SHIPYARD, WELDERS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]

PAGES = {
    "search": "/",
    "results": "/?occupation=7126&country=LKA&name=",
    "choice": "/?occupation=metal",
    "occupations": "/occupations",
    "occupation": "/occupation/C7411",
    "centre": f"/institution/{WELDERS}",
    "answer": f"/institution/{GALLE}/answer?occupation=7126&country=LKA&on=2026-11-01",
    "refused": f"/institution/{REFUSED}",
    "verifier": f"/institution/{SHIPYARD}",
    "recognition": "/recognition",
    "file": "/file",
}


@pytest.mark.parametrize(("language", "size"), LOOKS)
async def test_every_page_can_be_used_by_everybody(chromium: Browser, town: Town, language: str, size: str) -> None:
    async with looking(chromium, town, SIZES[size]) as look:
        for name, path in PAGES.items():
            await look.open(f"/registry/{language}{path}")
            await look.check(f"register-{name}-{language}-{size}")


@pytest.mark.parametrize("language", ["si", "ta", "ar", "fr", "es"])
async def test_other_languages_fit_a_phone(chromium: Browser, town: Town, language: str) -> None:
    async with looking(chromium, town, PHONE) as look:
        for name in ("search", "answer"):
            await look.open(f"/registry/{language}{PAGES[name]}")
            await look.check(f"register-{name}-{language}-phone", with_axe=False)


async def test_dark_mode_has_enough_contrast(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP, color_scheme="dark") as look:
        for name in ("answer", "file"):
            await look.open(f"/registry/en{PAGES[name]}")
            await look.check(f"register-{name}-en-dark")


async def test_what_is_not_there_is_a_page_that_can_be_used(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, PHONE) as look:
        await look.open("/registry/en/institution/did:web:nobody.example")
        look.noise.clear()  # the browser itself says that the answer was 404
        await look.check("register-lost-en-phone")


async def test_somebody_finds_an_institution_with_the_keyboard_alone(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP) as look:
        page = look.page
        await look.open("/registry/en/")
        await press(page, "Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await press(page, "Enter")
        await tab_to(page, "#occupation")
        await page.keyboard.type("7212")
        await press(page, "Enter")
        await expect(page.locator("#announcement")).to_have_text("Institutions found: 1")
        assert "occupation=7212" in page.url
        await expect(page.locator("#occupation")).to_be_focused()
        await tab_to(page, ".row a")
        await follow(page)
        await expect(page.locator("h1")).to_have_text("Colombo Welding Centre (example)")
        await tab_to(page, "#occupation")
        await page.keyboard.type("7212")
        await tab_to(page, "#country")
        await page.keyboard.type("Malta")
        await tab_to(page, "form.panel button")
        await follow(page)
        await expect(page.locator("#answer h3")).to_have_text("Yes, it counts")
        await page.go_back()
        assert look.noise == []


async def test_the_register_reads_without_javascript(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, PHONE, java_script_enabled=False) as look:
        page = look.page
        await look.open("/registry/fr/")
        await page.fill("#occupation", "7212")
        await page.click("form#search button")
        await page.click(".row a")
        await expect(page.locator("h1")).to_have_text("Colombo Welding Centre (example)")
        await page.click("nav.languages a[hreflang=ar]")
        await expect(page.locator("html")).to_have_attribute("dir", "rtl")
        await expect(page.locator("h1")).to_have_text("Colombo Welding Centre (example)")


async def test_titles_are_offered_while_one_types(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP) as look:
        await look.open("/registry/en/")
        await look.page.fill("#occupation", "weld")
        await expect(look.page.locator("datalist option")).to_have_count(619)
        assert look.elsewhere == []


async def test_a_printed_page_has_no_forms_and_shows_where_links_lead(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP) as look:
        await look.open(f"/registry/en{PAGES['answer']}")
        await look.page.emulate_media(media="print")
        await expect(look.page.locator("form").first).to_be_hidden()
        await expect(look.page.locator("h1")).to_be_visible()
