"""An employer asks at the desk in Chromium, and a real wallet answers: accepted, declined, and by a link for many."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect
from tests.abuse.town import Town
from tests.browser.conftest import ARGUMENTS
from tests.flow.employer_scene import Scene, open_scene
from tests.needs import chromium_program

pytestmark = [pytest.mark.agents, pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_town: Town) -> Scene:
    return await open_scene(shared_town)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(scene: Scene) -> AsyncIterator[Page]:
    """A phone at the employer's desk, whose holder is signed in."""
    maria = {"id": "m.borg", "name": "Maria Borg", "roles": ["asker", "auditor", "administrator"]}
    added = await scene.employer.post("/people", maria)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=list(ARGUMENTS))
        page = await browser.new_page(viewport={"width": 360, "height": 640})
        await page.goto(f"{scene.employer.app_url}/")
        await page.click("main a[href*='/desk/']")
        await page.fill("#token", added["token"])
        await page.press("#token", "Enter")
        await expect(page.locator(".me")).to_be_attached()
        yield page
        await browser.close()


async def explained(page: Page, scene: Scene, *, subject: str) -> None:
    """Write a question for a welder, and have it explained."""
    await page.goto(f"{scene.employer.app_url}/desk/en/ask")
    await page.fill("[id='c0.about']", "welder")
    await page.select_option("[id='c0.level']", "EQF:3")
    await page.check(f"input[name=subject][value={subject}]")
    await page.fill("#place", "Malta")
    await page.click("p.actions button.button")
    await expect(page.locator("#learnt")).to_be_visible()


async def put(page: Page, scene: Scene, *, subject: str = "none") -> str:
    await explained(page, scene, subject=subject)
    await page.click("form[action$='/ask/put'] button")
    await expect(page.locator(".qr-large svg")).to_be_visible()
    return page.url.rpartition("/")[2]


async def test_a_question_at_the_desk_is_answered_by_a_wallet_and_decided_before_ones_eyes(
    desk: Page, scene: Scene
) -> None:
    question = await put(desk, scene, subject="name")
    asked = await scene.employer.get(f"/requests/{question}")
    assert asked["short_url"] in await desk.inner_text("main")
    received = await scene.opened(scene.worker, asked)
    await expect(desk.locator("[role=status]")).to_have_text("No answer yet.")  # that it was opened is the worker's
    await scene.worker.post(f"/requests/{received}/present", {"credential_id": scene.credential})
    await expect(desk.locator("#head h1")).to_have_text("Accepted", timeout=60_000)
    shown = await desk.locator("main").text_content() or ""  # also what is behind a fold
    decided = await scene.employer.get(f"/requests/{question}")
    for value in decided["seen"]:
        assert value["meaning"] in shown, value["attribute"]
    await desk.goto(f"{scene.employer.app_url}/desk/en/audit")
    row = desk.locator("tbody tr").first
    await expect(row).to_contain_text("Maria Borg")
    await expect(row).to_contain_text("Accepted")


async def test_a_wallet_that_declines_is_no_refusal(desk: Page, scene: Scene) -> None:
    asked = await scene.employer.get(f"/requests/{await put(desk, scene)}")
    received = await scene.opened(scene.worker, asked)
    await scene.worker.post(f"/requests/{received}/decline", {"reason": "UNWILLING"})
    await expect(desk.locator("#head h1")).to_have_text("Nothing was shown", timeout=60_000)


async def test_what_was_taken_back_at_the_desk_is_answered_by_no_wallet(desk: Page, scene: Scene) -> None:
    asked = await scene.employer.get(f"/requests/{await put(desk, scene)}")
    received = await scene.opened(scene.worker, asked)
    await desk.click("form[action$='/withdraw'] button")
    await expect(desk.locator("#head h1")).to_have_text("Question taken back")
    await scene.worker.post(f"/requests/{received}/present", {"credential_id": scene.credential})
    await scene.worker.wait_for(f"/requests/{received}", "state", "REFUSED_BY_VERIFIER")
    assert (await scene.employer.get(f"/requests/{asked['id']}"))["state"] == "CANCELLED"


async def test_applicants_of_a_link_stand_under_their_references(desk: Page, scene: Scene) -> None:
    await explained(desk, scene, subject="none")
    await desk.click("details:has(#link-title) summary")
    await desk.fill("#link-title", "Welders, spring")
    await desk.click("form[action$='/ask/link'] button")
    await expect(desk.locator("h1")).to_have_text("Welders, spring")
    link = await scene.employer.get(f"/links/{desk.url.rpartition('/')[2]}")
    opened = await scene.worker.post("/invitations", {"url": link["short_url"]})
    await scene.worker.post(f"/requests/{opened['id']}/present", {"credential_id": scene.credential})
    (applicant,) = (await scene.employer.get(f"/links/{link['id']}/applicants"))["items"]
    await scene.employer.wait_for(f"/requests/{applicant['id']}", "state", "DECIDED")
    await desk.reload()
    row = desk.locator("tbody tr", has_text=applicant["ref"])
    await expect(row).to_contain_text("Accepted")


async def test_a_template_of_the_product_is_asked_by_rest_with_one_call(scene: Scene) -> None:
    asked = await scene.employer.post("/templates/welder/ask", {"place": "Malta", "ref": "K7-42"})
    assert (asked["requirement"]["occupation"], asked["ref"]) == ("C7212", "K7-42")
    templates = (await scene.employer.get("/templates"))["items"]
    assert {"welder", "care-worker", "domestic-worker", "driver"} <= {template["id"] for template in templates}
