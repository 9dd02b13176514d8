"""A clerk in Chromium goes from a class list to a certificate in a real wallet: upload, start, print, claim."""

import pytest
from playwright.async_api import Page, async_playwright, expect
from tests.abuse.town import Town
from tests.browser.conftest import ARGUMENTS
from tests.needs import chromium_program

pytestmark = [pytest.mark.agents, pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

LIST = """Galle Technical School;;;
Cert No;Surname;Forename;DOB
0099001;Wijesinghe;Sanduni;23/07/1994
0099002;Jayawardena;Kasun;1995
"""
SHARED = {
    "occupation_isco08": "welder",
    "qualification_title": "National Certificate, Plate Welder",
    "awarding_body": "Galle Technical School",
    "awarded_on": "2024-06-10",
    "country_of_award": "Sri Lanka",
}


async def press(page: Page, selector: str) -> None:
    async with page.expect_navigation():
        await page.click(selector)


async def test_a_clerk_goes_from_a_class_list_to_a_certificate_in_a_wallet(shared_town: Town) -> None:
    centre, worker = shared_town.academy, shared_town.people["worker"]
    assert centre is not None
    added = await centre.post("/people", {"id": "n.silva", "name": "Nadeesha Silva", "roles": ["clerk"]})
    rule = f"--host-resolver-rules=MAP {centre.host}:443 {centre.target}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=[*ARGUMENTS, rule])
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        # She signs in, and finds what the centre may issue.
        await page.goto(f"{centre.app_url}/")
        await press(page, "main a[href*='/desk/']")
        await page.fill("#token", added["token"])
        await press(page, "main form button")
        await expect(page.locator("#may")).to_be_visible()
        # She uploads the list as it is, says what its days mean and what holds for all, and reads what is wrong.
        await press(page, "main a[href$='/lists']")
        await page.set_input_files("#list", {"name": "g.csv", "mimeType": "text/csv", "buffer": LIST.encode()})
        await press(page, "form[enctype] button")
        for name, text in SHARED.items():
            await page.fill(f"#{name}", text)
        await page.select_option("#framework_level", "EQF:4")
        await page.select_option("#learning_setting", "formal")
        await page.select_option("#day_order", "day-first")
        await press(page, "#said button")
        await expect(page.locator("#ready")).to_have_text("1 ready, 1 to look at, of 2 rows.")
        await expect(page.locator("[aria-labelledby=look] .findings")).to_contain_text("a year without month and day")
        # The row with half a day is left out; the other becomes a batch, which she starts.
        await page.fill("#title", "Welders 2024 B")
        await page.check("#make input[value=pin]")
        await page.check("input[name=leaves_out]")
        await press(page, "#make button")
        await press(page, "form[action$='/do/start'] button")
        batch = page.url
        # She prints the slip, and apart from it the PIN.
        await press(page, "a[href$='/slips']")
        slip = await page.locator(".slip-address").inner_text()
        await page.goto(f"{batch}/pins")
        pin = await page.locator(".pin-digits").inner_text()
        # Sanduni opens her slip, and her wallet takes the certificate.
        phone = await browser.new_page(viewport={"width": 360, "height": 640}, ignore_https_errors=True)
        await phone.goto(slip)
        await phone.fill("#told", pin)
        await press(phone, "main form button")
        invitation = await phone.locator("a.button").first.get_attribute("href") or ""
        opened = await worker.post("/invitations", {"url": f"{centre.public_url}/?{invitation.partition('?')[2]}"})
        assert opened["kind"] == "offer"
        await worker.post(f"/offers/{opened['id']}/accept")
        done = await worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
        credential = await worker.get(f"/credentials/{done['credential_id']}")
        assert (credential["values"]["family_name"], credential["revocation"]) == ("Wijesinghe", "valid")
        # The clerk sees it.
        await page.goto(batch)
        await expect(page.locator("#progress")).to_have_text("1 of 1 taken")
        await browser.close()
