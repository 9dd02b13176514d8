"""A training centre's console in Chromium: for everybody, with the keyboard alone, without JavaScript, and on paper."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, ViewportSize, expect
from tests.browser.looking import DESKTOP, LOOKS, PHONE, SIZES, Look, follow, looking, tab_to
from tests.thorough import share_of
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace, open_place
from tests.unit.issuer.console.test_holding_pages import report_wrong
from tests.unit.issuer.workshop import Workshop

from wanderbuch.plugins.exchange.wrong import WrongPart

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

SMALL: ViewportSize = {"width": 360, "height": 640}
A4: ViewportSize = {"width": 688, "height": 1000}
"""What is left of a sheet beside its margins."""
LONG_NAME = "Institute for Welding, Shipbuilding and Electrical Trades of the Southern Province (Galle)"
LIST = "Class of 2024\nCert No;Surname;Forename;DOB;Result\n" + "".join(
    f"{number:04};Wickramasinghe;Tharushi Nethmi;{number % 28 + 1:02}/03/1991;{'Pass' if number != 3 else 'Absent'}\n"
    for number in range(1, 11)
)
TEXTS = {
    "occupation_isco08": "Welders and flamecutters (C7212)",
    "qualification_title": "National Certificate for Welder",
    "awarded_on": "2024-06-10",
    "country_of_award": "LKA",
}
CHOICES = {"framework_level": "EQF:3", "learning_setting": "formal"}


@dataclass(frozen=True)
class Site:
    """The console of a centre."""

    place: ConsolePlace
    url: str

    @property
    def tokens(self) -> dict[str, str]:
        return self.place.tokens


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("console")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        workshop = Workshop(folder)
        await workshop.open()
        place = await open_place(workshop, name=LONG_NAME)
        async with TestServer(place.application()) as server:
            yield Site(place, str(server.make_url("")).rstrip("/"))
        await workshop.sending.stop(wait_s=5)
        await workshop.profile.close()


async def sign_in(look: Look, token: str, language: str = "en") -> None:
    await look.open(f"/desk/{language}/sign-in")
    await look.page.fill("#token", token)
    await look.page.focus("#token")
    await follow(look.page)
    await expect(look.page.locator(".me")).to_be_attached()


async def go(look: Look, selector: str) -> None:
    """Click what leads to another page, and wait for it."""
    async with look.page.expect_navigation():
        await look.page.click(selector)


async def fill_claim(look: Look, **more: str) -> None:
    """Fill in what the form of a certificate asks for, as far as it asks."""
    for name, text in {**TEXTS, **more}.items():
        await look.page.fill(f"#{name}", text)
    for name, value in CHOICES.items():
        await look.page.select_option(f"#{name}", value)


async def upload(look: Look, language: str, text: str = LIST) -> None:
    """Upload a list, and say what holds for everybody in it."""
    await look.open(f"/desk/{language}/lists")
    await look.page.set_input_files("#list", {"name": "class.csv", "mimeType": "text/csv", "buffer": text.encode()})
    await go(look, "form[enctype] button")


async def make_batch(look: Look, language: str, title: str, text: str = LIST) -> str:
    """Make a batch of a list, and return the address of its page."""
    await upload(look, language, text)
    await fill_claim(look, awarding_body="Galle")
    await look.page.select_option("#day_order", "day-first")
    if await look.page.locator("[id='answer.not-passed']").count():
        await look.page.select_option("[id='answer.not-passed']", "leave-out")
    await go(look, "#said button[type=submit]")
    await look.page.fill("#title", title)
    await look.page.check("#make input[value=pin]")
    await go(look, "#make button[type=submit]")
    return look.page.url.removeprefix(look.url)


@pytest.mark.parametrize(("language", "size"), share_of(LOOKS, 1))
async def test_every_page_can_be_used_by_everybody(chromium: Browser, site: Site, language: str, size: str) -> None:
    home, name = f"/desk/{language}", f"{language}-{size}"
    async with looking(chromium, site, SIZES[size], color_scheme="dark" if language == "ar" else "light") as look:
        page = look.page
        await look.open(f"{home}/sign-in")
        await look.check(f"console-sign-in-{name}")
        await sign_in(look, site.tokens[CLERK], language)
        await look.open(f"{home}/issue")
        await look.check(f"console-issue-{name}")
        own = {"family_name": "Perera", "given_names": "Nimal", "birth_date": "1991-03-05"}
        await fill_claim(look, **own, occupation_isco08="engineer", details="Gas metal arc")
        await go(look, "p.actions button")
        await expect(page.locator("#problems")).to_be_visible()
        look.noise.clear()  # the browser itself says that the answer was 422
        await look.check(f"console-issue-problems-{name}")
        await fill_claim(look)
        await go(look, "p.actions button")
        await look.check(f"console-preview-{name}")
        await go(look, "button[value=offer]")
        await look.check(f"console-offer-{name}")
        await go(look, "a[href$='/slip']")
        await look.check(f"console-slip-{name}")
        await page.go_back()
        await go(look, "form[action$='/withdraw'] button")
        await look.check(f"console-withdrawn-{name}")
        text = LIST.replace("\n00", f"\n{language}00")  # a number is of one certificate
        await upload(look, language, text)
        await look.check(f"console-list-{name}")
        batch = await make_batch(look, language, f"Welders 2024 {name}", text)
        await look.check(f"console-batch-{name}")
        await go(look, "form[action$='/do/start'] button")
        for path in ("slips", "pins", "row/3", "row/3/edit"):
            await look.open(f"{batch}/{path}")
            await look.check(f"console-batch-{path.replace('/', '-')}-{name}")
        for path in ("", "batches", "lists", "standing", "keys", "means"):
            await look.open(f"{home}/{path}")
            await look.check(f"console-{path or 'start'}-{name}")
    async with looking(chromium, site, SIZES[size]) as look:
        await sign_in(look, site.tokens[ADMINISTRATOR], language)
        await look.check(f"console-start-administrator-{name}")
        await look.open(f"{home}/people")
        await look.check(f"console-people-{name}")


@pytest.mark.parametrize(("language", "size"), share_of(LOOKS, 0, 1))
async def test_what_is_wrong_is_put_right_by_everybody(chromium: Browser, site: Site, language: str, size: str) -> None:
    name, workshop = f"{language}-{size}", site.place.workshop
    old = await workshop.issue(credential_id=f"WRONG-{name}", family_name="Wickramasinghe Arachchige")
    await report_wrong(
        site.place, old, WrongPart.NAME, WrongPart.BIRTH, text="It is Wikramasinghe, with one k and no c."
    )
    async with looking(chromium, site, SIZES[size], color_scheme="dark" if language == "ar" else "light") as look:
        page = look.page
        await sign_in(look, site.tokens[CLERK], language)
        await go(look, "a[href$='/reports']")
        await look.check(f"console-reports-{name}")
        await go(look, f"a[href$='/issued/{old.id}']")
        await page.locator("details.part summary").first.click()
        await look.check(f"console-issued-{name}")
        await go(look, "a[href$='/correct']")
        await look.check(f"console-correct-{name}")
        await page.fill("#family_name", "Wikramasinghe Arachchige")
        await page.check("input[value=misspelt]")
        await go(look, "p.actions button")
        await expect(page.locator(".qr-large svg")).to_be_visible()
        await go(look, f"a[href$='/issued/{old.id}']")
        await expect(page.locator("#successor")).to_be_visible()
        await look.check(f"console-superseded-{name}")


async def state_is_seen(look: Look) -> None:
    """The state of each row stands where nobody has to scroll for it."""
    assert look.page.viewport_size is not None
    width = look.page.viewport_size["width"]
    states = await look.page.locator("td.first").all()
    assert states
    boxes = [await state.bounding_box() for state in states]
    assert [box for box in boxes if box is None or box["x"] < 0 or box["x"] + box["width"] > width] == []


@pytest.mark.parametrize(("language", "size"), LOOKS)
async def test_what_was_issued_is_found_and_counted_on_every_screen(
    chromium: Browser, site: Site, language: str, size: str
) -> None:
    workshop, home = site.place.workshop, f"/desk/{language}"
    for number in range(2):
        await workshop.issue(credential_id=f"FOUND-{language}-{number}", family_name="Wickramasinghe Arachchige")
    sizes = {"phone": PHONE, "small": SMALL} if size == "phone" else {"desktop": DESKTOP}
    for called, screen in sizes.items():
        name = f"{language}-{called}"
        async with looking(chromium, site, screen, color_scheme="dark" if language == "ar" else "light") as look:
            await sign_in(look, site.tokens[CLERK], language)
            batch = await make_batch(look, language, f"Found {name}", LIST.replace("\n00", f"\nF{name}"))
            await look.check(f"console-batch-{name}")
            await state_is_seen(look)
            await look.open(f"{home}/register")
            await look.check(f"console-register-{name}")
            await state_is_seen(look)
            year = workshop.now.year
            for path in ("log", "counts", f"counts/{year}"):
                await look.open(f"{home}/{path}")
                await look.check(f"console-{path.replace('/', '-')}-{name}")
            if called != "small":
                continue
            await look.page.set_viewport_size(A4)
            await look.page.emulate_media(media="print")
            for path in (f"{home}/register", batch, f"{home}/counts/{year}"):
                await look.open(path)
                await look.check(f"console-paper-{path.rpartition('/')[2]}-{name}", with_axe=False)


async def test_one_certificate_is_issued_with_the_keyboard_alone(chromium: Browser, site: Site) -> None:
    async with looking(chromium, site, DESKTOP) as look:
        page = look.page
        await look.open("/desk/en/")
        await tab_to(page, "#token")
        await page.keyboard.type(site.tokens[CLERK])
        await follow(page)
        await tab_to(page, "main p.actions a.button")
        await follow(page)
        typed = {"family_name": "Perera", "given_names": "Nimal", "birth_date": "03051991"}
        typed |= {"occupation_isco08": "welder", "qualification_title": "Welder", "framework_level": "EQF, level 3"}
        typed |= {"learning_setting": "School", "awarded_on": "06102024", "country_of_award": "Sri Lanka"}
        for name, text in typed.items():
            await tab_to(page, f"#{name}")
            await page.keyboard.type(text)
        await tab_to(page, "main p.actions button")
        await follow(page)
        await expect(page.locator("h1")).to_have_text("As the wallet will show it")
        await tab_to(page, "button[value=offer]")
        await follow(page)
        await expect(page.locator(".qr-large svg")).to_be_visible()
        await tab_to(page, "form[action$='/withdraw'] button")
        await follow(page)
        await expect(page.locator(".standing .badge")).to_have_text("taken back")
        assert look.noise == []


async def test_the_console_works_without_javascript(chromium: Browser, site: Site) -> None:
    async with looking(chromium, site, SMALL, java_script_enabled=False) as look:
        await sign_in(look, site.tokens[CLERK])
        offer = await site.place.workshop.offer()
        await look.open(f"/desk/en/issued/{offer.id}")
        await expect(look.page.locator("[role=status]")).to_have_text("A wallet has it; the person is looking at it.")
        await site.place.workshop.ask(offer)
        await expect(look.page.locator(".standing .badge")).to_have_text("taken")


async def test_slips_stand_many_to_a_sheet_and_none_is_cut(chromium: Browser, site: Site) -> None:
    async with looking(chromium, site, DESKTOP) as look:
        await sign_in(look, site.tokens[CLERK])
        batch = await make_batch(look, "en", "On paper", LIST.replace("\n00", "\nP00"))
        await look.open(f"{batch}/slips")
        await look.page.emulate_media(media="print")
        slips = look.page.locator(".slip")
        assert await slips.count() == 9  # one did not pass
        assert not any([await element.is_visible() for element in await look.page.locator("button, nav, header").all()])
        boxes = [await slip.bounding_box() for slip in await slips.all()]
        heights = {round(box["height"]) for box in boxes if box is not None}
        assert max(heights) < 260, "at least eight slips stand on one sheet of A4"
        await look.check("console-paper-slips", with_axe=False)
