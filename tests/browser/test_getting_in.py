"""Who gets in without an account, or with one of their own: real agents, a real wallet, a browser.

An authority with its own verifier in a tenant, a centre, a worker's wallet, and an agency at whose agent employers sign
up.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.abuse.town import Town
from tests.browser.conftest import ARGUMENTS, PATIENCE_MS, SCREENSHOTS
from tests.browser.looking import violations_on
from tests.needs import chromium_program
from tests.welders import LEVELS, certificate

pytestmark = [pytest.mark.agents, pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

PROVE = "https://authority.wanderbuch.test/check/prove"
FOLD = {"width": 360, "height": 640}
MAY_ASK = {
    "id": "V-OWN",
    "credential_type": "qualification/1.0",
    "attributes": [
        "occupation_isco08", "award_year", "expires_on", "framework", "crosswalk_version",
        *(f"eqf_min_{level}" for level in range(1, 9)),
    ],
    "purposes": ["employment"],
    "jurisdictions": ["MLT", "LKA"],
    "intervals": [{"start": "2025-01-01"}],
    "legal_basis": "https://authority.wanderbuch.test/law",
    "redress": "https://authority.wanderbuch.test/appeals",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    own = {"prove_url": PROVE, "intake": {"enabled": True}}
    made = Town(
        tmp_path_factory.mktemp("town"), holders=("worker",), employers=("agency",), school=False, authority=own
    )
    made.authority.configure(tenants={"roles": ["verifier"]})
    made.people["agency"].configure(tenants={"sign_up": {"enabled": True}})
    try:
        await made.open()
        own = {"walk_in": {"enabled": True, "place": "MLT", "network_a_minute": 600, "all_a_minute": 600}}
        tenant = {
            "id": "check",
            "name": "Authority of Lanka",
            "roles": {"verifier": own},
            "governance": made.governance,
        }
        await made.authority.post("/v1/tenants", tenant)
        did = (await made.authority.get("/v1/t/check/verifier/identity"))["did"]
        await made.publish(may_ask={did: MAY_ASK})
        await made.authority.post("/v1/t/check/verifier/governance/refresh")
        await made.people["worker"].post("/governance/refresh")
        yield made
    finally:
        await made.machine.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(town: Town) -> AsyncIterator[Browser]:
    """A browser that finds these agents."""
    rules = ", ".join(
        f"MAP {agent.host}:443 127.0.0.1:{agent.public_port}" for agent in (town.authority, *town.people.values())
    )
    async with async_playwright() as playwright:
        arguments = [*ARGUMENTS, f"--host-resolver-rules={rules}"]
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page that shares nothing with those of other tests."""
    context = await browser.new_context(ignore_https_errors=True, viewport=FOLD)
    opened = await context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    await context.close()


async def given(town: Town, **changed: Any) -> str:
    """Have the worker receive a welder's credential, and return its id."""
    worker = town.people["worker"]
    made = await town.centre.post("/offers", {"claim": certificate(**changed), **LEVELS})
    opened = await worker.post("/invitations", {"url": made["invitation_url"]})
    await worker.post(f"/offers/{opened['id']}/accept")
    return str((await worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED"))["credential_id"])


async def pictured(page: Page, name: str) -> None:
    """Take a picture, if pictures are wanted; axe itself does not run where a page has no JavaScript."""
    if SCREENSHOTS is not None:
        await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


async def shown(page: Page, name: str) -> None:
    """Have everybody able to use what is shown, by day and by night."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await pictured(page, f"{name}-{scheme}")
        violations = await violations_on(page, only_colours=scheme == "dark")
        assert violations == [], f"{name}, {scheme}: {violations}"


async def asked(page: Page, level: str = "3") -> str:
    """Come from the register, ask, and return the address behind the code."""
    await page.goto("https://authority.wanderbuch.test/registry/en/?occupation=welder&country=MLT&name=")
    await page.click("text=Ask a worker to prove it")
    await expect(page.locator("#occupation")).to_have_value("welder")
    await page.select_option("#level", level)
    await shown(page, "walk-in")
    await page.click("button[type=submit]")
    await expect(page.locator("h1")).to_have_text("Let the worker scan this")
    await expect(page.locator(".qr")).to_be_visible()
    await page.wait_for_function("() => document.querySelector('.qr').naturalWidth > 100")
    await shown(page, "walk-in-code")
    return str(await page.locator(".progress .code").text_content())


async def test_a_household_asks_from_the_register_and_sees_the_verdict(town: Town, page: Page) -> None:
    credential, worker = await given(town), town.people["worker"]
    address = await asked(page)
    opened = await worker.post("/invitations", {"url": address})
    request = await worker.get(f"/requests/{opened['id']}")
    assert request["asking"]["verdict"] == "TRUSTED"
    assert not {"family_name", "given_names", "birth_date"} & {item["attribute"] for item in request["asked"]}
    await worker.post(f"/requests/{opened['id']}/present", {"credential_id": credential})
    await expect(page.locator("#verdict h1")).to_have_text("Proven.")  # the page hears of it by itself
    box = await page.locator("#verdict").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= FOLD["height"]
    assert len((await page.locator("#verdict").inner_text()).split()) <= 25
    await shown(page, "walk-in-proven")
    kept = (await town.authority.get("/v1/t/check/verifier/requests"))["items"]
    detail = await town.authority.get(f"/v1/t/check/verifier/requests/{kept[-1]['id']}")
    assert detail["decision"]["verdict"] == "TRUSTED"
    await page.click("text=Signed receipt")
    await expect(page.locator("h1")).to_have_text("Receipt")
    await shown(page, "receipt")


async def test_who_says_no_and_what_is_out_of_reach_reads_like_no_refusal(town: Town, page: Page) -> None:
    worker = town.people["worker"]
    opened = await worker.post("/invitations", {"url": await asked(page, "5")})
    await worker.post(f"/requests/{opened['id']}/decline", {"reason": "NO_FITTING_CREDENTIAL"})
    await expect(page.locator("#verdict h1")).to_have_text("Not answered.")
    await shown(page, "walk-in-declined")
    await page.goto(f"{PROVE}/en/?occupation=baker&country=MLT")
    await page.click("button[type=submit]")
    await expect(page.locator("[role=alert]")).to_contain_text("No centre")


async def test_without_javascript_the_page_asks_again_by_itself(town: Town, page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    context = await browser.new_context(ignore_https_errors=True, java_script_enabled=False, viewport=FOLD)
    quiet = await context.new_page()
    await quiet.goto(f"{PROVE}/ar/?occupation=C7212&country=MLT")
    await pictured(quiet, "walk-in-ar")
    await quiet.click("button[type=submit]")
    address = str(await quiet.locator(".progress .code").text_content())
    opened = await town.people["worker"].post("/invitations", {"url": address})
    await town.people["worker"].post(f"/requests/{opened['id']}/decline", {"reason": "NO_FITTING_CREDENTIAL"})
    await expect(quiet.locator("#verdict h1")).to_be_visible()
    await pictured(quiet, "walk-in-ar-declined")
    await context.close()


async def test_an_employer_signs_up_applies_and_is_known_when_two_officials_have_approved(
    town: Town, page: Page
) -> None:
    agency, worker = town.people["agency"], town.people["worker"]
    tokens = {}
    for name, role in (("e.perera", "editor"), ("a.silva", "approver")):
        added = await town.authority.post("/officials", {"id": name, "name": name, "roles": [role]})
        tokens[name] = added["token"]

    await page.goto(f"{agency.app_url}/sign-up/en/")
    await shown(page, "sign-up")
    await page.fill("#name", "Valletta Yard")
    await page.click("button[type=submit]")
    await expect(page.locator("h1")).to_have_text("Your desk is made")
    tenant, token = [str(await page.locator(name).text_content()) for name in ("#tenant", "#token")]
    await shown(page, "sign-up-done")

    desk_token = str(await page.locator("#desk-token").text_content())
    async with page.context.expect_page() as opened_desk:
        await page.click("text=Open the desk")
    desk = await opened_desk.value
    await desk.fill("#token", desk_token)
    await desk.click("button[type=submit]")
    await expect(desk).to_have_url(re.compile(f"/t/{tenant}/desk/en/$"))
    await desk.close()

    api, headers = f"{agency.app_url}/v1/t/{tenant}/verifier", {"Authorization": f"Bearer {token}"}
    question = {"place": "MLT", "credentials": [{"ask": "qualification", "occupation": "welder"}]}
    asked = await page.request.post(f"{api}/questions", headers=headers, data=question)
    assert asked.status == 201  # it works at once
    opened = await worker.post("/invitations", {"url": (await asked.json())["invitation_url"]})
    request = await worker.get(f"/requests/{opened['id']}")
    assert request["asking"]["verdict"] == "UNKNOWN"
    assert request["registered"] is None

    await page.click("text=Apply at the authority")
    for name, text in {
        "token": token, "aim": "To hire welders", "keeps_days": "30",
        "privacy_policy": "https://yard.wanderbuch.test/privacy", "legal_basis": "https://yard.wanderbuch.test/law",
    }.items():  # fmt: skip
        await page.fill(f"#{name}", text)
    for name in ("country", "place"):
        await page.select_option(f"#{name}", "MLT")
    await shown(page, "apply")
    await page.click("button[type=submit]")
    await expect(page.locator("h1")).to_have_text("Your application was sent")
    await shown(page, "applied")
    await page.reload()  # sends the form again
    await expect(page.locator("h1")).to_have_text("Your application was sent")
    listed = await page.request.get(f"{api}/applications", headers=headers)
    assert len((await listed.json())["items"]) == 1

    for who in ("e.perera", "a.silva"):
        await page.context.clear_cookies()
        await page.goto(f"{town.authority.app_url}/desk/en/sign-in")
        await page.fill("#token", tokens[who])
        await page.press("#token", "Enter")
        await expect(page.locator(".me span")).to_have_text(who)
        await page.goto(f"{town.authority.app_url}/desk/en/applications")
        await shown(page, f"applications-{who}")
        await page.click("text=Valletta Yard")
        await shown(page, f"application-{who}")
        if who == "e.perera":
            await page.check("input[name=outcome][value=approve]")
            await page.fill("#reason", "It is a shipyard")
            await page.fill("#redress", "https://authority.wanderbuch.test/appeals")
            await page.click("text=Propose it to an approver")
            await expect(page.locator(".badge").first).to_have_text("Waits for an approver")
        else:
            await page.click("text=Confirm this decision")
            await expect(page.locator(".badge").first).to_have_text("Approved")
            await page.click("text=Go to the draft")
            await shown(page, "application-draft")
            await page.click("form[action$='/approve'] button[type=submit]")
            await expect(page.locator(".badge").first).to_have_text("Published")

    await worker.post("/governance/refresh")
    await page.request.post(f"{api}/governance/refresh", headers=headers)
    asked = await page.request.post(f"{api}/questions", headers=headers, data=question)
    opened = await worker.post("/invitations", {"url": (await asked.json())["invitation_url"]})
    request = await worker.get(f"/requests/{opened['id']}")
    assert request["asking"]["verdict"] == "TRUSTED"
    assert request["registered"]["is_within"]
    assert request["registered"]["uses"][0]["aim"] == "To hire welders"
    named = question | {"subject": "name"}
    refused = await page.request.post(f"{api}/questions", headers=headers, data=named)
    assert (refused.status, (await refused.json())["decision"]["verdict"]) == (409, "NOT_TRUSTED")
    (application,) = (await (await page.request.get(f"{api}/applications", headers=headers)).json())["items"]
    looked = await (await page.request.get(f"{api}/applications/{application['id']}", headers=headers)).json()
    assert looked["standing"]["state"] == "APPROVED"
    assert looked["standing"]["redress"] == "https://authority.wanderbuch.test/appeals"
