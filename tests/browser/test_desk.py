"""The officials' desk in Chromium: accessible on every page, and a draft's whole way with the keyboard alone."""

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect
from tests.browser.conftest import Town
from tests.browser.looking import DESKTOP, LOOKS, SIZES, Look, follow, looking, tab_to
from tests.thorough import share_of
from tests.unit.authority.test_applications import YARD, application
from tests.unit.authority_pages.place import AUTHORITY, GALLE, KENYA, WELDERS
from tests.unit.authority_pages.test_party_signing import Other, document
from tests.unit.authority_pages.test_uploading import LIST
from tests.unit.trust.ecosystem import AUTHORITY as OTHER
from tests.unit.trust.ecosystem import Authority

from wanderbuch.agents.authority.changes import canonical

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

SUBMIT = "main form button.button"


async def sign_in(look: Look, token: str, language: str = "en") -> None:
    await look.open(f"/desk/{language}/sign-in")
    await look.page.fill("#token", token)
    await follow(look.page)
    await expect(look.page.locator(".me")).to_be_attached()  # on a phone it is in the menu


async def begin(page: Page, why: str) -> str:
    await page.fill("#why", why)
    await follow(page)
    await expect(page.locator("#trail")).to_be_visible()
    return page.url


@pytest.mark.parametrize(("language", "size"), share_of(LOOKS, 0))
async def test_every_page_can_be_used_by_everybody(chromium: Browser, town: Town, language: str, size: str) -> None:
    case = await town.place.applications.take(YARD, application(), "a.b.c", network="203.0.113.0/24")
    async with looking(chromium, town, SIZES[size]) as look:
        page, home = look.page, f"/desk/{language}"
        await look.open(f"{home}/sign-in")
        await look.check(f"desk-sign-in-{language}-{size}")
        await sign_in(look, town.tokens["e.perera"], language)
        draft = (await begin(page, f"Review of levels ({language}, {size})")).removeprefix(town.url)
        await look.open(f"{draft}/statement?did={GALLE}&kind=accreditations&at=0")
        await page.locator("input[name=occupations]").last.fill("plumbrs")
        await page.locator("main button.button:not(.danger)").first.click()
        await expect(page.locator("#problems")).to_be_focused()
        await look.check(f"desk-statement-{language}-{size}")
        for name, path in {
            "draft": f"{draft}?name=galle",
            "record": f"{draft}/record?did={GALLE}",
            "recognition": f"{draft}/statement?did={KENYA}&kind=recognitions&at=0",
            "programme": f"{draft}/statement?did={WELDERS}&kind=programmes&at=0",
            "refusal": f"{draft}/statement?did={WELDERS}&kind=refusals&at=new",
            "own-record": f"{draft}/record?did={AUTHORITY}",
            "levels": f"{draft}/statement?did={AUTHORITY}&kind=crosswalks&at=new&framework=LK-NVQ",
            "signing": f"{draft}/statement?did={AUTHORITY}&kind=signatories&at=new",
            "dashboard": f"{home}/",
            "invitations": f"{home}/invitations",
            "applications": f"{home}/applications",
            "application": f"{home}/application/{case.id}",
            "lists": f"{home}/lists",
        }.items():
            await look.open(path)
            await look.check(f"desk-{name}-{language}-{size}")
        await page.set_input_files(
            "input[name=list]", files=[FilePayload(name="c.csv", mimeType="", buffer=LIST.encode())]
        )
        async with page.expect_navigation():
            await page.click("form[enctype] button.button")
        await look.check(f"desk-list-{language}-{size}")
        await page.goto(f"{town.url}{home}/lists")
        await page.set_input_files(
            "input[name=list]", files=[FilePayload(name="c.pdf", mimeType="", buffer=b"%PDF-1.7")]
        )
        async with page.expect_navigation():
            await page.click("form[enctype] button.button")
        await expect(page.locator("main [role=alert]")).to_be_visible()
        look.noise.clear()  # the browser itself says that the answer was 422
        await look.check(f"desk-list-unread-{language}-{size}")
        await look.open(f"{home}/party")
        await look.check(f"desk-party-{language}-{size}")
        other = Other(town.place, Authority(OTHER))
        town.place.others[OTHER] = other.authority.resolve_key
        await other.publish(document(1))
        to_sign = canonical(document(2, title="Institute for Welding, Shipbuilding and Electrical Trades"))
        await page.set_input_files("input[name=file]", files=[FilePayload(name="v.json", mimeType="", buffer=to_sign)])
        async with page.expect_navigation():
            await page.click("form[enctype] button.button")
        await expect(page.locator("#words")).to_be_visible()
        await look.check(f"desk-party-file-{language}-{size}")
        party = page.url.removeprefix(town.url)
        for name, path in {"problem": f"{home}/draft/none", "lost": f"{home}/nowhere"}.items():
            await look.open(path)
            await expect(page.locator("main [role=alert]")).to_be_visible()
            look.noise.clear()  # the browser itself says that the answer was 404
            await look.check(f"desk-{name}-{language}-{size}")
    async with looking(chromium, town, SIZES[size]) as look:
        await sign_in(look, town.tokens["a.silva"], language)
        await look.open(f"{home}/?name=welding")
        await look.check(f"desk-approver-{language}-{size}")
        await look.open(party)
        await look.page.check("input[name=looked_into]")
        await look.page.check("input[name=sure]")
        async with look.page.expect_navigation():
            await look.page.click("main form:has(input[name=sure]) button")
        await look.check(f"desk-party-signed-{language}-{size}")
        await look.open(f"{home}/application/{case.id}")
        await look.check(f"desk-approver-application-{language}-{size}")
        await look.open(f"{home}/suspend?did={WELDERS}")
        await look.check(f"desk-suspend-{language}-{size}")


async def test_two_officials_edit_and_approve_with_the_keyboard_alone(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP) as look:
        page = look.page
        await look.open("/desk/en/")
        await tab_to(page, "#token")
        await page.keyboard.type(town.tokens["e.perera"])
        await follow(page)
        await tab_to(page, "#why")
        await page.keyboard.type("Galle counts for welders")
        await follow(page)
        await expect(page.locator("h1")).to_have_text("Galle counts for welders")
        draft = page.url
        await tab_to(page, "#name")
        await page.keyboard.type("galle")
        await follow(page)
        await tab_to(page, "main [role=status] a")
        await follow(page)
        await tab_to(page, ".row h3 a")
        await follow(page)
        await tab_to(page, "input[name=occupations][value='']")
        await page.keyboard.type("7212")
        await tab_to(page, "main p.actions button")
        await follow(page)
        await expect(page.locator("main [role=status]")).to_have_text("Saved in the draft. Nothing is published yet.")
        await tab_to(page, ".crumbs li:nth-child(2) a")
        await follow(page)
        await expect(page.locator(".differences")).to_contain_text("now also counts for C7212")
        await tab_to(page, "form[action$='/submit'] button")
        await follow(page)
        await expect(page.locator("main .badge").first).to_have_text("Waits for approval")
        await tab_to(page, ".me button")
        await follow(page)
        await expect(page.locator("#token")).to_be_visible()
        assert look.noise == []
    async with looking(chromium, town, DESKTOP) as look:
        page = look.page
        await look.open("/desk/en/")
        await tab_to(page, "#token")
        await page.keyboard.type(town.tokens["a.silva"])
        await follow(page)
        await tab_to(page, f"a[href='{draft.removeprefix(town.url)}']")
        await follow(page)
        await look.check("desk-approve-en-desktop")
        await tab_to(page, "form[action$='/approve'] button")
        await follow(page)
        await expect(page.locator("main .badge").first).to_have_text("Published")
        await look.open(f"/registry/en/institution/{GALLE}")
        await expect(page.locator("main")).to_contain_text("Welders and flamecutters")
        assert look.noise == []


async def test_the_desk_works_without_javascript(chromium: Browser, town: Town) -> None:
    async with looking(chromium, town, DESKTOP, java_script_enabled=False) as look:
        page = look.page
        await sign_in(look, town.tokens["e.perera"])
        draft = (await begin(page, "Without scripts")).removeprefix(town.url)
        await look.open(f"{draft}/statement?did={WELDERS}&kind=accreditations&at=0")
        count = await page.locator("input[name=jurisdictions]").count()
        await page.click("#jurisdictions button[name=add]")
        await expect(page.locator("input[name=jurisdictions]")).to_have_count(count + 1)
        await page.locator("input[name=jurisdictions]").last.fill("Kenya")
        await page.locator("main p.actions button").click()
        await expect(page.locator("input[name=jurisdictions]").nth(2)).to_have_value("Kenya (KEN)")
