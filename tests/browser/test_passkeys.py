"""Passkeys in Chromium with its virtual authenticator (CDP WebAuthn): invited, signed in, recovered, and refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from acapy_agent.utils.testing import create_test_profile
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect
from tests.browser.looking import DESKTOP, LOOKS, SIZES, Look, follow, looking, tab_to
from tests.thorough import share_of
from tests.unit.authority_pages.place import Place, full_payload

from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.machine.ports import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

SUBMIT = "form[data-passkey] button"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass(frozen=True)
class Desk:
    """An authority whose desk people reach at a name, as passkeys need."""

    place: Place
    url: str

    async def hire(self, official_id: str, role: OfficialRole) -> str:
        """Add an official; return the link that invites them."""
        officials = self.place.desk.officials
        await officials.add_without_token(official_id, name=f"Nimali {official_id}", roles={role}, by="operator")
        return await self.invite(official_id)

    async def invite(self, official_id: str) -> str:
        return f"/desk/invitation/{(await self.place.sign_in.invitations.make(official_id))[1]}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    profile, port = await create_test_profile({"wallet.type": "askar-anoncreds"}), free_port()
    place = Place(profile, tmp_path_factory.mktemp("public"), app_url=f"http://localhost:{port}")
    await place.publish(full_payload())
    async with TestServer(place.application(), port=port):
        yield Desk(place, f"http://localhost:{port}")
    await profile.close()


async def device(page: Page, **changes: Any) -> tuple[Any, str]:
    """Give the browser a device; return how to speak to it."""
    cdp = await page.context.new_cdp_session(page)
    await cdp.send("WebAuthn.enable")
    added = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, **changes}})
    return cdp, added["authenticatorId"]


async def press(page: Page, selector: str = SUBMIT) -> None:
    """Press a button that leads to another page."""
    async with page.expect_navigation():
        await page.click(selector)


async def accept(look: Look, link: str) -> str:
    """Make a passkey from an invitation; return the recovery code, if one is shown."""
    await look.open(link)
    await press(look.page)
    shown = look.page.locator("#recovery-code")
    return (await shown.inner_text()).strip() if await shown.count() else ""


async def test_an_invited_official_makes_a_passkey_and_signs_in_with_the_keyboard_alone(
    chromium: Browser, town: Desk
) -> None:
    link = await town.hire("n.ranga", OfficialRole.EDITOR)
    async with looking(chromium, town, DESKTOP) as look:
        page = look.page
        cdp, authenticator = await device(page)
        await look.open(link)
        await tab_to(page, "#label")
        await page.keyboard.type("My phone")
        await tab_to(page, SUBMIT)
        await follow(page)
        await expect(page.locator("#recovery-code")).to_be_visible()
        [kept] = (await cdp.send("WebAuthn.getCredentials", {"authenticatorId": authenticator}))["credentials"]
        assert (kept["isResidentCredential"], kept["rpId"]) == (True, "localhost")
        await tab_to(page, "main a.button")
        await follow(page)
        await expect(page.locator(".me")).to_contain_text("Nimali n.ranga")
        await press(page, ".me button")
        await tab_to(page, SUBMIT)
        await follow(page)
        await expect(page.locator(".me")).to_contain_text("Nimali n.ranga")
        await look.open("/desk/en/means")
        await expect(page.locator("main h3").first).to_have_text("My phone")
        [passkey] = await town.place.sign_in.needed_passkeys().of("n.ranga")
        assert passkey.sign_count > 0
        await look.open(link)
        await expect(page.locator("[role=alert]")).to_contain_text("this link was used")


async def test_a_recovery_code_lets_in_once_and_a_further_passkey_is_made(chromium: Browser, town: Desk) -> None:
    link = await town.hire("k.perera", OfficialRole.EDITOR)
    async with looking(chromium, town, DESKTOP) as look:
        await device(look.page)
        code = await accept(look, link)
    async with looking(chromium, town, DESKTOP) as look:  # another browser: the device is lost
        page = look.page
        await device(page)
        await look.open("/desk/en/recover")
        await page.fill("#id", "k.perera")
        await page.fill("#code", code.upper())
        await press(page, "main button")
        next_code = (await page.locator("#recovery-code").inner_text()).strip()
        assert next_code not in {"", code}
        await look.open("/desk/en/means")
        await page.fill("#label", "New phone")
        await press(page)
        await expect(page.locator("main h3", has_text="New phone")).to_be_visible()
        await press(page, ".me button")
        await press(page)
        await expect(page.locator(".me")).to_contain_text("k.perera")
        await press(page, ".me button")
        await look.open("/desk/en/recover")
        await page.fill("#id", "k.perera")
        await page.fill("#code", code)
        look.noise.clear()
        await press(page, "main button")
        await expect(page.locator("[role=alert]")).to_be_visible()


async def test_who_is_removed_is_signed_out_at_once_in_every_window(chromium: Browser, town: Desk) -> None:
    link = await town.hire("r.gone", OfficialRole.EDITOR)
    async with looking(chromium, town, DESKTOP) as look:
        await device(look.page)
        await accept(look, link)
        await look.open("/desk/en/")
        await expect(look.page.locator(".me")).to_contain_text("r.gone")
        await town.place.desk.officials.remove("r.gone")
        await look.open("/desk/en/means")
        await expect(look.page.locator(SUBMIT)).to_be_visible()
        await press(look.page)
        await expect(look.page.locator("main [role=alert]").first).to_contain_text("does not let you in")


async def test_a_device_that_does_not_know_its_owner_makes_nothing(chromium: Browser, town: Desk) -> None:
    link = await town.hire("u.nverified", OfficialRole.EDITOR)
    async with looking(chromium, town, DESKTOP) as look:
        await device(look.page, isUserVerified=False)
        await look.open(link)
        await look.page.click(SUBMIT)
        await expect(look.page.locator("[data-say=failed]")).to_be_visible()
    assert await town.place.sign_in.needed_passkeys().of("u.nverified") == []


async def test_a_page_at_another_name_of_the_same_machine_gets_no_passkey(chromium: Browser, town: Desk) -> None:
    link = await town.hire("o.ther", OfficialRole.EDITOR)
    async with looking(chromium, town, DESKTOP) as look:
        await device(look.page)
        elsewhere = town.url.replace("localhost", "127.0.0.1")
        await look.page.goto(f"{elsewhere}{link}")
        await look.page.click(SUBMIT)
        await expect(look.page.locator("[data-say=failed]")).to_be_visible()
    assert await town.place.sign_in.needed_passkeys().of("o.ther") == []


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    share_of([(*look, scheme) for look, scheme in zip(LOOKS, ("light", "dark", "light"), strict=True)], 1),
)
async def test_every_page_can_be_used_by_everybody(
    chromium: Browser, town: Desk, language: str, size: str, scheme: Any
) -> None:
    name = f"{language}-{size}-{scheme}"
    official_id = f"a.{name}".lower()
    link = (await town.hire(official_id, OfficialRole.ADMINISTRATOR)).replace("/desk/", f"/desk/{language}/")
    await town.place.desk.officials.add(f"b.{name}", name="Blocked", roles={OfficialRole.EDITOR})
    await town.place.desk.officials.block(f"b.{name}")
    async with looking(chromium, town, SIZES[size], color_scheme=scheme) as look:
        page, home = look.page, f"/desk/{language}"
        await device(page)
        await look.open(link)
        await look.check(f"people-invitation-{name}")
        await press(page)
        await look.check(f"people-code-{name}")
        await look.open(f"{home}/means")
        await page.locator("main details").first.evaluate("(each) => each.open = true")
        await look.check(f"people-means-{name}")
        await look.open(f"{home}/people")
        await page.locator("main details").first.evaluate("(each) => each.open = true")
        await look.check(f"people-list-{name}")
        await page.fill("#name", "Esha Perera")
        await page.fill("#id", f"n.{name}")
        await page.locator("form[action$='/people'] input[value=approver]").check()
        await press(page, "form[action$='/people'] button")
        await expect(page.locator("#invitation")).to_be_visible()
        await look.check(f"people-invited-{name}")
    async with looking(chromium, town, SIZES[size], color_scheme=scheme) as look:
        await look.open(f"{home}/sign-in")
        await look.check(f"people-sign-in-{name}")
        await look.open(f"{home}/recover")
        await look.check(f"people-recover-{name}")
        await look.open(f"{home}/invitation/nobody~x")
        look.noise.clear()  # the browser tells of the status
        await look.check(f"people-no-invitation-{name}")
