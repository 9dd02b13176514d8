"""The public register in Chromium: accessible, narrow enough, by keyboard, without JavaScript."""

import pytest
from playwright.async_api import Browser, expect
from tests.browser.conftest import Town
from tests.browser.looking import DESKTOP, LOOKS, PHONE, SIZES, follow, looking, press, tab_to
from tests.thorough import share_of
from tests.unit.authority_pages.place import GALLE, REFUSED, SHIPYARD, WELDERS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

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


@pytest.mark.parametrize(("language", "size"), share_of(LOOKS, 1))
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


# Letters of one width in any font that has them, beside one that no font has: it is drawn as a box.
_DRAWN = """([letters, font]) => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", {willReadFrequently: true});
  canvas.width = canvas.height = 80;
  const drawn = (letter) => {
    pen.clearRect(0, 0, 80, 80);
    pen.font = `32px ${font}`;
    pen.fillText(letter, 20, 50);
    return pen.getImageData(0, 0, 80, 80).data.join();
  };
  return new Set([...letters].map(drawn)).size;
}"""


@pytest.mark.parametrize(
    ("language", "letters"), [("si", "කවහරමස"), ("ta", "கசதமயழ"), ("ar", "بحدسعك"), ("en", "abcdef")]
)
async def test_letters_of_every_script_are_letters_and_not_boxes(
    chromium: Browser, town: Town, language: str, letters: str
) -> None:
    async with looking(chromium, town, DESKTOP) as look:
        await look.open(f"/registry/{language}/")
        font = await look.page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily")
        assert await look.page.evaluate(_DRAWN, [letters, font]) == len(letters)
        unassigned = "\U0010fff0\U0010fff1\U0010fff2"  # what boxes look like: all the same
        assert await look.page.evaluate(_DRAWN, [unassigned, font]) == 1


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
        await expect(page.locator("#announcement")).to_have_text("1 institution found")
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
        await page.click("header summary")
        await page.click("nav.languages a[hreflang=ar]")
        await expect(page.locator("html")).to_have_attribute("dir", "rtl")
        await expect(page.locator("h1")).to_have_text("Colombo Welding Centre (example)")


# How far the name of the site is from the button of the menu, whichever is to the left.
_BESIDE_EACH_OTHER = """() => {
  const box = (selector) => document.querySelector(selector).getBoundingClientRect();
  const name = box(".site-name span"), menu = box("header summary");
  return Math.max(menu.left - name.right, name.left - menu.right);
}"""


@pytest.mark.parametrize("language", ["en", "si", "ta", "ar", "fr", "es"])
async def test_the_head_leaves_a_phone_to_the_page(chromium: Browser, town: Town, language: str) -> None:
    async with looking(chromium, town, PHONE, java_script_enabled=False) as look:
        page = look.page
        await look.open(f"/registry/{language}/")
        assert await page.evaluate("document.querySelector('header').offsetHeight") <= 90
        assert await page.evaluate(_BESIDE_EACH_OTHER) >= 4
        await expect(page.locator("header nav").first).to_be_hidden()
        await tab_to(page, "header summary")
        await press(page, "Enter")
        await expect(page.locator("header nav")).to_have_count(2)
        await tab_to(page, "nav.main-nav a[href$='/occupations']")
        await tab_to(page, f"nav.languages a[hreflang={'fr' if language == 'es' else 'es'}]")
        await look.check(f"register-menu-{language}-phone", with_axe=False)


async def test_a_wide_screen_shows_the_menu_open(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP) as look:
        await look.open("/registry/en/")
        await expect(look.page.locator("header summary")).to_be_hidden()
        for selector in ("nav.main-nav a", "nav.languages a"):
            await expect(look.page.locator(selector).first).to_be_visible()
        await tab_to(look.page, "nav.languages a[hreflang=es]")


@pytest.mark.parametrize("with_scripts", [True, False])
async def test_what_a_search_found_is_seen_at_once(chromium: Browser, town: Town, *, with_scripts: bool) -> None:
    async with looking(chromium, town, PHONE, java_script_enabled=with_scripts) as look:
        page = look.page
        await look.open("/registry/en/")
        await page.fill("#occupation", "7212")
        await press(page, "Enter")
        await expect(page.locator(".row a").first).to_be_visible()
        top = await page.evaluate("document.querySelector('#results .count').getBoundingClientRect().top")
        assert 0 <= top < PHONE["height"] / 2
        assert page.url.endswith("&name=#results")


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
        await expect(look.page.locator("header details")).to_be_hidden()
        for heading in await look.page.locator("h1, h2, h3").all():
            assert await heading.evaluate("(each) => getComputedStyle(each).breakAfter") == "avoid"
        await expect(look.page.locator("h1")).to_be_visible()


async def test_what_is_printed_is_dark_on_white_whatever_the_screen_is(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP, color_scheme="dark") as look:
        await look.open(f"/registry/en{PAGES['answer']}")
        await look.page.emulate_media(media="print", color_scheme="dark")
        await expect(look.page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
        await expect(look.page.locator("main a").first).to_have_css("color", "rgb(10, 85, 104)")
        await expect(look.page.locator("main .badge").first).not_to_have_css("background-color", "rgb(21, 51, 36)")
