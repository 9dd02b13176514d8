"""A passkey opens the book where the phone has PRF, beside the PIN: Chromium has a virtual one, with and without."""

import base64
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect
from tests.browser.looking import violations_on
from tests.browser.wallet_site import WAIT_MS, make_book, phone, press, sees, unlock, wallet_site

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
# What the phone makes of a salt is kept aside, so that the test can look for it.
ASIDE: Final = """
for (const name of ['get', 'create']) {
  const before = navigator.credentials[name].bind(navigator.credentials)
  navigator.credentials[name] = async (options) => {
    const made = await before(options)
    const first = made.getClientExtensionResults().prf?.results?.first
    if (first) window.secretOfPhone = [...new Uint8Array(first)]
    return made
  }
}
"""
OPEN: Final = "Open with fingerprint or face"


async def _phone_with(page: Page, **changes: Any) -> tuple[Any, str]:
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    added = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, **changes}})
    return cdp, added["authenticatorId"]


async def test_a_passkey_with_prf_opens_the_book_and_its_secret_stays_in_the_page(chromium: Browser) -> None:
    async with wallet_site() as site, phone(chromium) as context:
        page = await context.new_page()
        await page.add_init_script(ASIDE)
        cdp, authenticator = await _phone_with(page, hasPrf=True)
        await page.goto(f"{site.url}/")
        await make_book(page)
        await press(page, "Who can see what, and deleting")
        await press(page, "Use fingerprint or face")
        # What has changed is seen where the button was, and said.
        await expect(page.get_by_role("button", name="Do not use it any more")).to_be_in_viewport()
        await expect(page.get_by_role("status")).to_have_text("That is done.")
        await press(page, "Lock now")
        await sees(page, "Your book is locked")
        await page.reload()
        assert await violations_on(page) == []
        await press(page, OPEN)
        await sees(page, "My book")
        await expect(page.get_by_role("main")).not_to_contain_text("copy", timeout=WAIT_MS)
        assert site.vaults.written
        secret = bytes(await page.evaluate("window.secretOfPhone"))
        assert len(secret) == 32
        forms = (
            secret,
            secret.hex().encode(),
            *(make(secret).rstrip(b"=") for make in (base64.b64encode, base64.urlsafe_b64encode)),
        )
        assert [form for form in forms if any(form in told for told in (*site.told, *site.vaults.written))] == []

        # Somebody else's finger: the PIN is still there, and so is the passkey afterwards.
        await press(page, "Lock now")
        await cdp.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
        await press(page, OPEN)
        await expect(page.get_by_role("status")).to_have_text("That did not work. Use your PIN.")
        await unlock(page)
        await press(page, "Who can see what, and deleting")
        await press(page, "Do not use it any more")
        await expect(page.get_by_role("button", name="Use fingerprint or face")).to_be_visible()
        await press(page, "Lock now")
        await sees(page, "Your book is locked")
        await expect(page.get_by_role("button", name=OPEN)).to_have_count(0)


async def test_without_prf_the_pin_stays(chromium: Browser) -> None:
    async with wallet_site() as site, phone(chromium) as context:
        page = await context.new_page()
        await _phone_with(page, hasPrf=False)
        await page.goto(f"{site.url}/")
        await make_book(page)
        await press(page, "Who can see what, and deleting")
        await press(page, "Use fingerprint or face")
        told = page.get_by_role("status")
        await expect(told).to_have_text("This phone cannot do that. Your PIN stays.")
        # The button stands far below: what came of it is read without scrolling back.
        assert await page.evaluate("scrollY") > 0
        await expect(told).to_be_in_viewport(ratio=1)
        await press(page, "Lock now")
        await sees(page, "Your book is locked")
        await expect(page.get_by_role("button", name=OPEN)).to_have_count(0)
        await unlock(page)


async def test_a_browser_inside_an_app_is_named_and_the_code_is_printed_as_a_card(chromium: Browser) -> None:
    agent = "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36 [FB_IAB]"
    async with wallet_site() as site, phone(chromium, user_agent=agent) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/#https://centre.wanderbuch.test/i/abc")
        main = page.get_by_role("main")
        await expect(main).to_contain_text("Open this address in Chrome")
        await expect(main).to_contain_text(f"{site.url}/#https://centre.wanderbuch.test/i/abc")
        assert await violations_on(page) == []
        await press(page, "Make my book")
        await expect(page.get_by_role("button", name="Print")).to_be_visible()
        await expect(page.locator(".printed")).to_be_hidden()
        await page.emulate_media(media="print")
        await expect(page.locator(".printed")).to_contain_text(f"go to {site.url}")
        await expect(page.locator(".groups span")).to_have_count(6)
        await expect(page.get_by_role("button")).to_have_count(0)
