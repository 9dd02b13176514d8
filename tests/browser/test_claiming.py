"""A slip in Chromium: opened, its PIN told, taken; what it says when it cannot be."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect
from tests.browser.looking import LOOKS, SIZES, looking
from tests.thorough import share_of
from tests.unit.issuer.batches.scene import Centre, claim_site
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.agents.site.front import FRONT

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

LONG_NAME = "Institute for Welding, Shipbuilding and Electrical Trades of the Southern Province (Galle)"


@dataclass(frozen=True)
class ClaimSite:
    """A centre and the public site on which its slips are claimed."""

    centre: Centre
    url: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClaimSite]:
    folder = tmp_path_factory.mktemp("centre")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        workshop = Workshop(folder)
        await workshop.open()
        centre = Centre(workshop)
        app, _ = claim_site(centre, LONG_NAME)

        async def code(request: web.Request) -> web.Response:
            answer: web.Response = FRONT.qr(f"https://centre.wanderbuch.test{request.path}")  # type: ignore[assignment]
            return answer

        app.router.add_get("/i/{id}/code.svg", code)
        app.router.add_get("/favicon.ico", FRONT.favicon)
        async with TestServer(app) as server:
            yield ClaimSite(centre, str(server.make_url("")).rstrip("/"))
        await workshop.sending.stop(wait_s=5)
        await workshop.profile.close()


@pytest.mark.parametrize(("language", "size"), share_of(LOOKS, 1))
async def test_a_slip_is_claimed_by_whoever_has_its_pin(
    chromium: Browser, site: ClaimSite, language: str, size: str
) -> None:
    centre = site.centre
    batch = await centre.running(2, access=Access.PIN)
    token = await centre.token(batch)
    pin = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)
    async with looking(chromium, site, SIZES[size], locale=language) as look:
        name = f"claim-{language}-{size}"
        await look.open(f"/claim/{token}")
        assert look.page.url == f"{site.url}/claim/{token}"
        assert await look.page.get_attribute("html", "lang") == language
        await look.check(name)
        await look.page.locator("#told").fill("000" + pin)
        await look.page.locator("main button").click()
        await expect(look.page.locator("#told-problem")).to_be_visible()
        look.noise.clear()  # Chromium tells that a page came with 403
        await look.check(f"{name}-wrong")
        await look.page.locator("#told").fill(pin)
        await look.page.locator("#told").press("Enter")
        await expect(look.page.locator("img.qr")).to_be_visible()
        assert (await look.page.locator("a.button").first.get_attribute("href") or "").startswith("didcomm://invite?")
        await look.check(f"{name}-offer")
        await centre.desk.cancel(batch.id, by="n.silva")
        await look.open(f"/claim/{language}/{token}")
        await expect(look.page.locator("main form")).to_have_count(0)
        look.noise.clear()  # and with 410
        await look.check(f"{name}-cancelled")
        await look.open(f"/claim/{language}/{token[::-1]}")
        look.noise.clear()
        await look.check(f"{name}-unknown")
