"""An approved draft that takes a while, in Chromium: its page turns into the published one by itself."""

import pytest
from playwright.async_api import Browser, expect
from tests.browser.conftest import Town
from tests.browser.looking import DESKTOP, PHONE, looking
from tests.browser.test_desk import begin, sign_in
from tests.thorough import share_of
from tests.unit.authority_pages.place import GALLE, WELDERS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

APPROVE = "form[action$='/approve'] button"


async def handed_in(chromium: Browser, town: Town, why: str) -> str:
    async with looking(chromium, town, DESKTOP) as look:
        await sign_in(look, town.tokens["e.perera"])
        draft = (await begin(look.page, why)).removeprefix(town.url)
        await look.open(f"{draft}/record?did={GALLE}")
        await look.page.fill("#name", why)
        async with look.page.expect_navigation():
            await look.page.click("form[action$='/record'] button.button")
        await look.open(draft)
        async with look.page.expect_navigation():
            await look.page.click("form[action$='/submit'] button")
    return draft


@pytest.mark.parametrize(
    ("language", "size", "has_script", "scheme"),
    share_of([("en", PHONE, True, "light"), ("ar", DESKTOP, True, "light"), ("en", DESKTOP, False, "dark")], 0, 2),
)
async def test_the_page_of_a_draft_turns_into_the_published_one_by_itself(
    chromium: Browser, town: Town, language: str, size: dict[str, int], has_script: bool, scheme: str
) -> None:
    draft = await handed_in(chromium, town, f"Galle, {language} {has_script}")
    patience, town.place.works._patience_s = town.place.works._patience_s, 0.01
    options = {"java_script_enabled": has_script, "color_scheme": scheme}
    async with looking(chromium, town, size, **options) as look:  # type: ignore[arg-type]
        await sign_in(look, town.tokens["a.silva"], language)
        await look.open(draft.replace("/en/", f"/{language}/"))
        async with town.place.publication.turn():  # somebody else publishes
            async with look.page.expect_navigation():
                await look.page.click(APPROVE)
            await expect(look.page.locator("main progress")).to_be_visible()
            if has_script:
                await look.check(f"desk-publishing-{language}-{size['width']}")
        await expect(look.page.locator("main progress")).to_have_count(0)
        await expect(look.page.locator("main .badge").first).to_have_class("badge badge-counts")
        assert look.noise == []
    town.place.works._patience_s = patience


async def test_a_suspension_tells_how_far_it_is_and_turns_into_its_draft(chromium: Browser, town: Town) -> None:
    patience, town.place.works._patience_s = town.place.works._patience_s, 0.01
    async with looking(chromium, town, PHONE) as look:
        page = look.page
        await sign_in(look, town.tokens["a.silva"])
        await look.open(f"/desk/en/suspend?did={WELDERS}")
        await look.check("desk-suspend-form-320")
        await page.fill("#why", "No supervision")
        await page.check("input[name=sure]")
        async with town.place.publication.turn():  # somebody else publishes
            async with page.expect_navigation():
                await page.click("main form.panel button.danger")
            await expect(page.locator("main progress")).to_be_visible()
            await look.check("desk-suspending-320")
        await expect(page.locator("main .answer-trusted")).to_contain_text("The suspension is published.")
        await look.check("desk-suspended-320")
    town.place.works._patience_s = patience
