"""`make pictures`: the pictures of the README and the guides, made of agents that really run.

The demo's agents start, the training centre issues, the employer asks; Chromium looks at the public register and at
an official's desk, and what the employer has of the first scene is drawn as the demo prints it. At the employer's desk
a question is written, put, answered by the worker's agent, and decided. At the centre's console a clerk issues to one
person and to a class. Last, a worker takes a certificate and answers an employer with the wallet in a page.
"""

import asyncio
import io
import sys
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect
from rich.console import Console
from tests.browser.conftest import ARGUMENTS
from tests.interop.page_town import page_town
from tests.interop.page_walk import WAIT_MS, Walk, answer, take
from tests.issuer_keys import share_issuer_keys
from tests.needs import whole_chromium

from wanderbuch.agents.demo.outcome import DemoResult
from wanderbuch.agents.demo.report import show_result
from wanderbuch.agents.demo.scenes import Play
from wanderbuch.agents.demo.stage import Stage, visitor_token

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs" / "pictures"
SIZE: Final[ViewportSize] = {"width": 900, "height": 700}
PHONE: Final[ViewportSize] = {"width": 360, "height": 640}
_COLUMNS: Final = 96
CLASS: Final = """Galle Technical School
Cert No;Surname;Forename;DOB
0017;Perera;Nimal Ruwan;05/03/1991
0018;Silva;Kamala;17/11/1993
0019;Jayawardena;Kasun;1995
0020;Fernando;Ruwan;30/06/1992
"""
CENTRES: Final = """Ministry of Skills;;;;;
Accredited centres 2026;;;;;
Reg. Number;Name of Institution;ISCO;NVQ Level;Valid from;Remark
P01/0142;Matara Plumbing School;7126;3-4;2026-01-01;
P01/0143;Negombo Joinery School;7115;2-4;2026-01-01;
P01/0144;Kandy Metal School;7212;2;31/02/2026;
P01/0145;Jaffna Trade School;7212;9;2026-01-01;
"""
SHARED: Final = {
    "occupation_isco08": "welder",
    "qualification_title": "National Certificate, Plate Welder",
    "awarding_body": "Galle Technical School",
    "awarded_on": "2024-06-10",
    "country_of_award": "Sri Lanka",
}


async def make_pictures() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wanderbuch-pictures-") as folder:
        stage = Stage(ROOT, Path(folder) / "agents", lambda text: print(text, file=sys.stderr))
        try:
            await stage.open()
            play = Play(stage)
            await play._levels()
            draw_proof(DemoResult(play.results[:1], 0.0, "sqlite", {}))
            await stage.admit_visitors()
            rule = f"MAP {stage.authority.host}:443 {stage.authority.target}"
            async with async_playwright() as playwright:
                arguments = [*ARGUMENTS, f"--host-resolver-rules={rule}", "--font-render-hinting=none"]
                browser = await playwright.chromium.launch(executable_path=whole_chromium(), args=arguments)
                await look_at_register(browser, stage)
                await look_at_desk(browser, stage)
                await ask_at_desk(browser, stage)
                await issue_at_console(browser, stage)
                await browser.close()
        finally:
            await stage.close()
    await walk_with_wallet()


def draw_proof(result: DemoResult) -> None:
    """Draw what the employer asked, saw and did not see, and what was decided, as the demo prints it."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    show_result(console, result)
    (FOLDER / "proof.svg").write_text(console.export_svg(title="wanderbuch demo", unique_id="proof"))


async def look_at_register(browser: Browser, stage: Stage) -> None:
    """Ask the register whether the training centre counts for welders in Malta."""
    centre = (await stage.issuer.get("/standing"))["did"]
    page = await browser.new_page(viewport=SIZE, ignore_https_errors=True)
    asked = "occupation=7212&country=MLT&on=2024-06-10&level=3#answer"
    await page.goto(f"{stage.authority.public_url}/registry/en/institution/{centre}/answer?{asked}")
    answer = page.locator("#answer")
    await expect(answer).to_be_visible()
    await answer.scroll_into_view_if_needed()
    await page.screenshot(path=FOLDER / "register.png")
    await page.close()


async def look_at_desk(browser: Browser, stage: Stage) -> None:
    """Sign in as an official, and look at the desk, as `docs/authority.md` tells it."""
    page = await browser.new_page(viewport=SIZE)
    await page.goto(f"{stage.authority.app_url}/desk/en/sign-in")
    await page.fill("#token", visitor_token(stage.authority).read_text().strip())
    await page.press("#token", "Enter")
    await expect(page.locator(".me")).to_be_attached()
    await page.fill("#why", "The yearly review of the welding centres")
    await page.locator("form:has(#why) button").click()
    await expect(page.locator("#trail")).to_be_visible()
    await page.evaluate("scrollTo(0, 0)")
    await page.screenshot(path=FOLDER / "desk.png")
    draft = page.url
    about = (await stage.authority.get("/identity"))["did"]
    new = urlencode({"did": about, "kind": "crosswalks", "at": "new", "framework": "LK-NVQ"})
    await page.goto(f"{draft}/statement?{new}")
    await page.evaluate("document.getElementById('levels').scrollIntoView()")
    await page.screenshot(path=FOLDER / "authority-levels.png")
    await page.goto(f"{draft}/statement?{urlencode({'did': about, 'kind': 'signatories', 'at': 'new'})}")
    await expect(page.locator("[id='parties.0.name']")).to_be_visible()
    await page.screenshot(path=FOLDER / "authority-signing.png")
    home = draft.partition("/draft/")[0]
    await page.goto(f"{home}/lists")
    await page.set_input_files("#list", {"name": "centres.csv", "mimeType": "text/csv", "buffer": CENTRES.encode()})
    await page.click("form[enctype] button")
    await page.select_option("[id='meant.A']", "register_id")
    await page.select_option("[id='meant.F']", "-")
    await page.select_option("#framework", "LK-NVQ")
    await page.select_option("#jurisdictions", "LKA")
    await page.fill("#decision", "https://authority.wanderbuch.test/gazette/2026")
    await page.fill("#redress", "https://authority.wanderbuch.test/appeals")
    await page.click("form.panel button:has-text('Read again')")
    await expect(page.locator("#look")).to_be_visible()
    await page.screenshot(path=FOLDER / "authority-list.png")
    await page.click("form[action$='/draft'] button")
    await expect(page.locator("#words")).to_be_visible()
    await page.screenshot(path=FOLDER / "authority-draft.png")
    await page.close()


async def ask_at_desk(browser: Browser, stage: Stage) -> None:
    """Ask the worker at the employer's desk, as `docs/employers.md` tells it; a picture of each step."""
    _, credential = await stage.give(stage.holder)
    page = await browser.new_page(viewport=PHONE, device_scale_factor=2)
    await page.goto(f"{stage.verifier.app_url}/desk/en/sign-in")
    await page.fill("#token", visitor_token(stage.verifier).read_text().strip())
    await page.press("#token", "Enter")
    await expect(page.locator(".me")).to_be_attached()
    await page.goto(f"{stage.verifier.app_url}/desk/en/ask")
    await page.fill("[id='c0.about']", "welder")
    await page.select_option("[id='c0.level']", "EQF:3")
    await page.check("input[name=subject][value=none]")
    await page.fill("#place", "Malta")
    await page.evaluate("scrollTo(0, 0)")
    await page.screenshot(path=FOLDER / "ask.png")
    await page.click("p.actions button.button")
    await expect(page.locator("#learnt")).to_be_visible()
    await page.screenshot(path=FOLDER / "explained.png")
    await page.click("form[action$='/ask/put'] button")
    await expect(page.locator(".qr-large")).to_be_visible()
    await page.screenshot(path=FOLDER / "live.png")
    asked = await stage.verifier.get(f"/requests/{page.url.rpartition('/')[2]}")
    opened = await stage.holder.post("/invitations", {"url": asked["short_url"]})
    await stage.holder.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
    await expect(page.locator("#head")).to_be_visible(timeout=60_000)
    await page.screenshot(path=FOLDER / "answer.png")
    await page.close()


async def issue_at_console(browser: Browser, stage: Stage) -> None:
    """Issue to one person and to a class at the centre's console, as `docs/centres.md` tells it."""
    page = await browser.new_page(viewport=SIZE)
    home = f"{stage.issuer.app_url}/desk/en"
    await page.goto(f"{home}/sign-in")
    await page.fill("#token", visitor_token(stage.issuer).read_text().strip())
    await page.press("#token", "Enter")
    await expect(page.locator(".me")).to_be_attached()
    await page.goto(f"{home}/issue")
    own = {"family_name": "Wijesinghe", "given_names": "Sanduni", "birth_date": "1994-07-23"}
    for name, text in {**own, **SHARED}.items():
        await page.fill(f"#{name}", text)
    await _choose(page)
    await page.click("p.actions button")
    await page.click("button[value=offer]")
    await expect(page.locator(".qr-large")).to_be_visible()
    await page.screenshot(path=FOLDER / "centre-offer.png")
    await page.goto(f"{home}/lists")
    await page.set_input_files("#list", {"name": "welders.csv", "mimeType": "text/csv", "buffer": CLASS.encode()})
    await page.click("form[enctype] button")
    for name, text in SHARED.items():
        await page.fill(f"#{name}", text)
    await _choose(page)
    await page.select_option("#day_order", "day-first")
    await page.click("#said button")
    await expect(page.locator("#make")).to_be_visible()
    await page.screenshot(path=FOLDER / "centre-list.png")
    await page.fill("#title", "Welders 2024 B")
    await page.check("#make input[value=pin]")
    await page.check("input[name=leaves_out]")
    await page.click("#make button")
    await page.click("form[action$='/do/start'] button")
    await page.click("a[href$='/slips']")
    await expect(page.locator(".slip").first).to_be_visible()
    await page.emulate_media(media="print")
    await page.screenshot(path=FOLDER / "centre-slips.png")
    await page.emulate_media(media="screen")
    await page.goto(f"{home}/")
    await page.screenshot(path=FOLDER / "centre-start.png")
    await page.close()


async def walk_with_wallet() -> None:
    """Take a certificate and answer an employer, as `docs/workers.md` tells it, among agents of a town of its own."""
    with tempfile.TemporaryDirectory(prefix="wanderbuch-pictures-") as folder:
        share_issuer_keys(Path(folder))
        async with page_town(Path(folder) / "town") as town:
            context = await town.browser.new_context(viewport=PHONE, device_scale_factor=2, reduced_motion="reduce")
            page = await context.new_page()
            walk = Walk(town.line, pictures=FOLDER)
            offer = await town.ecosystem.offer()
            await take(walk, page, f"{town.url}/#{offer['short_url']}")
            await page.get_by_role("button", name="Back to my book").click()
            await expect(page.get_by_role("heading", level=1)).to_have_text("My book", timeout=WAIT_MS)
            await page.locator("summary").first.click()
            await page.screenshot(path=FOLDER / "wallet-book.png")
            request = await town.ecosystem.ask(min_eqf_level=3)
            await answer(walk, await context.new_page(), f"{town.url}/#{request['short_url']}")


async def _choose(page: Page) -> None:
    await page.select_option("#framework_level", "LK-NVQ:4")
    await page.select_option("#learning_setting", "formal")


if __name__ == "__main__":
    asyncio.run(make_pictures())
