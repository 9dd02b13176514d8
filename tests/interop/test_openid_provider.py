"""A real OpenID provider (oidc-provider) and a real browser: an invited official signs in with an account there."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from acapy_agent.utils.testing import create_test_profile
from aiohttp.test_utils import TestServer
from playwright.async_api import Page, async_playwright, expect
from tests.browser.conftest import ARGUMENTS, PATIENCE_MS
from tests.browser.looking import Look
from tests.interop.openid_install import SOURCE, install
from tests.needs import chromium_program
from tests.unit.authority_pages.place import Clock, Place, full_payload

from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.people.openid_provider import OpenIdClient, OpenIdProvider
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig

HOST = "accounts.wanderbuch.test"
LOCKED = json.loads((SOURCE / "package-lock.json").read_text())


class Now(Clock):
    """The real time, which the provider has, too."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Desk:
    place: Place
    url: str
    page: Page

    async def invite(self, official_id: str) -> str:
        officials = self.place.desk.officials
        await officials.add_without_token(official_id, name=official_id, roles={OfficialRole.EDITOR}, by="operator")
        return f"{self.url}/desk/invitation/{(await self.place.sign_in.invitations.make(official_id))[1]}"

    async def log_in(self, name: str) -> None:
        """Say at the provider who one is, and that the desk may know."""
        await self.page.wait_for_url(f"https://{HOST}/interaction/**")
        await self.page.fill("input[name=login]", name)
        await self.page.fill("input[name=password]", "any")
        await self.page.click("button[type=submit]")
        await self.page.click("button[type=submit]")


def test_the_lock_file_names_no_place_to_download_from_and_has_every_hash() -> None:
    packages = {name: locked for name, locked in LOCKED["packages"].items() if name}
    assert not [name for name, locked in packages.items() if "resolved" in locked]
    assert all(locked["integrity"].startswith("sha512-") for locked in packages.values())
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", package) for package in LOCKED["packages"][""]["dependencies"].values())


@asynccontextmanager
async def provider(told: dict[str, object]) -> AsyncIterator[None]:
    program = await asyncio.to_thread(install)
    process = await asyncio.create_subprocess_exec(
        "node", str(program), json.dumps(told), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            while (await process.stdout.readline()).strip() != b"ready":
                assert process.returncode is None
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
async def desk(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    authority, site_port, port = trustme.CA(), free_port(), free_port()
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(tmp_path / "host.pem")
    url = f"http://localhost:{site_port}"
    client = OpenIdClient(f"https://{HOST}", "desk", "s" * 40, "Accounts", f"{url}/desk/openid/callback")
    told = {
        "issuer": client.issuer,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "redirect_uri": client.redirect_uri,
        "back": f"{url}/desk/",
        "method": request.param,
        "pem": str(tmp_path / "host.pem"),
        "port": port,
    }
    connect = ConnectionMap.parse([f"{HOST}:443=127.0.0.1:{port}"])
    profile, clock = await create_test_profile({"wallet.type": "askar-anoncreds"}), Now()
    async with provider(told), HttpEdge(HttpEdgeConfig(connect=connect, ca_file=tmp_path / "ca.crt")) as edge:
        place = Place(
            profile,
            tmp_path / "public",
            clock=clock,
            app_url=url,
            provider=OpenIdProvider(client, edge, clock=clock),
        )
        await place.publish(full_payload())
        async with TestServer(place.application(), port=site_port), async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium_program(),
                args=[*ARGUMENTS, f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}"],
            )
            context = await browser.new_context(ignore_https_errors=True)  # its own: the desk's edge checks them
            page = await context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            yield Desk(place, url, page)
            await browser.close()
    await profile.close()


@pytest.mark.needs("node", "chromium")
async def test_an_invited_official_signs_in_and_out_and_strangers_do_not(desk: Desk) -> None:
    page = desk.page
    look = Look(page, desk.url)
    await page.goto(await desk.invite("n.ranga"))
    await look.check("people-invitation-provider")
    await page.get_by_role("link", name="Sign in with Accounts").click()
    await desk.log_in("nimali")
    await expect(page.locator(".me")).to_contain_text("n.ranga")
    await page.wait_for_url(f"{desk.url}/desk/en/**")
    await page.goto(f"{desk.url}/desk/en/means")
    await expect(page.locator("main")).to_contain_text(f"https://{HOST}")
    await look.check("people-means-provider")
    await page.click(".me button")
    await look.check("people-sign-in-provider")
    await page.get_by_role("link", name="Sign out there, too").click()
    await page.click("button[value=yes]")
    await page.wait_for_url(f"{desk.url}/desk/**")
    await page.goto(f"{desk.url}/desk/en/sign-in")
    await page.get_by_role("link", name="Sign in with Accounts").click()
    await desk.log_in("nimali")
    await expect(page.locator(".me")).to_contain_text("n.ranga")
    await page.wait_for_url(f"{desk.url}/desk/en/**")  # the page after signing in leads on by itself
    await desk.place.desk.officials.remove("n.ranga")
    await page.goto(f"{desk.url}/desk/en/means")
    await expect(page.locator("#token")).to_be_visible()
    await page.context.clear_cookies()
    await page.get_by_role("link", name="Sign in with Accounts").click()
    await desk.log_in("a stranger")
    await expect(page.locator("[role=alert]")).to_contain_text("nobody's here")
