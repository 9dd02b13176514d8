"""What people meet at the addresses of every agent, in Chromium: the start, an invitation, and what did not work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Request, Route, async_playwright, expect
from tests.browser.conftest import ARGUMENTS
from tests.browser.looking import DESKTOP, PHONE, Look, looking
from tests.flow.tiny_role import TinyRole
from tests.needs import chromium_program
from tests.prepared import start_prepared
from tests.thorough import share_of

from wanderbuch.agents.machine import LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.front import Asked, Entry, SiteKind
from wanderbuch.agents.runtime.tenant_config import TenantConfig
from wanderbuch.agents.site.front import FRONT
from wanderbuch.agents.verifier.questions.explaining import explain
from wanderbuch.governance.facts.question import Requirement
from wanderbuch.plugins.exchange.connecting.invitations import invitation_address, invitation_message
from wanderbuch.plugins.trust.verifying.asked import AskedCredential

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

HOST: Final = "tiny.wanderbuch.test"
DID: Final = f"did:webvh:QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG:{HOST}:org"
ASKED: Final = "2"
LONG_NAME: Final = "Institute for Welding, Shipbuilding and Electrical Trades of the Southern Province (Galle)"


async def say_asked(_: object, invitation_id: str, language: str) -> Asked | None:
    """Say the question of a link as the verifier's role does."""
    if invitation_id != ASKED:
        return None
    need = Requirement(credential_type="qualification/1.0", occupation="C7212", jurisdiction="MLT", min_eqf_level=3)
    told = explain([AskedCredential("welder", need)], (), (), language=language)
    return Asked(told.marked_learnt, told.marked_not_learnt)


class FrontedRole(TinyRole):
    front = FRONT
    say_asked = staticmethod(say_asked)

    def entries(self, config: TenantConfig) -> tuple[Entry, ...]:
        return Entry(SiteKind.PUBLIC, "file", "/org/{language}/file"), Entry(SiteKind.APP, "desk", "/desk/{language}/")


@dataclass(frozen=True)
class Sites:
    """An agent with both its sites."""

    agent: RunningAgent
    chromium: Browser
    app_url: str
    url: str = f"https://{HOST}"

    async def short_link(self, invitation_id: str = "1", **members: Any) -> str:
        message = invitation_message(invitation_id=invitation_id, label=LONG_NAME, did=DID, **members)
        return await self.agent.tenant.short_links.add(invitation_address(f"{self.url}/didcomm", message))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sites(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sites]:
    machine = LocalMachine(tmp_path_factory.mktemp("front") / "machine", start_child=start_prepared)
    wallets = ["https://wallet.wanderbuch.test", "https://books-of-the-southern-province.wanderbuch.test"]
    handle, role = machine.add("tiny", LONG_NAME, HOST, public={"wallets": wallets}), FrontedRole()
    handle.write_config()
    agent = await start(load_config(handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    rule = f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{handle.public_port}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=[*ARGUMENTS, rule])
        yield Sites(agent, browser, handle.app_url)
        await browser.close()
    await agent.stop()
    await machine.stop()


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    share_of(
        [
            ("en", PHONE, "light"),
            ("ar", DESKTOP, "light"),
            ("ta", PHONE, "dark"),
            ("hi", PHONE, "light"),
            ("en", DESKTOP, "dark"),
        ],
        1,
        2,
    ),
)
async def test_every_page_can_be_used_by_everybody(sites: Sites, language: str, size: Any, scheme: Any) -> None:
    question, offer = await sites.short_link(ASKED, goal_code="wanderbuch.verify.study"), await sites.short_link()
    message = invitation_message(invitation_id="1", label="X", did=DID)
    name = f"{language}-{size['width']}-{scheme}"
    options = {"color_scheme": scheme, "locale": language, "ignore_https_errors": True}
    async with looking(sites.chromium, sites, size, **options) as look:
        for page, path in (
            ("start", "/"),
            ("question", question.removeprefix(sites.url)),
            ("offer", offer.removeprefix(sites.url)),
            ("carried", invitation_address("/didcomm", message)),
        ):
            await look.open(path)
            await expect(look.page.locator("html")).to_have_attribute("lang", language)
            await expect(look.page.locator("#asked")).to_have_count(1 if page == "question" else 0)
            await look.check(f"front-{page}-{name}")
        await look.open("/none")
        await refused(look, 404)
        await look.check(f"front-404-{name}")
        await look.page.route("**/none", sent)
        await look.open("/none")
        await refused(look, 405)
        await look.check(f"front-405-{name}")
    inside = "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Version/4.0 Chrome/130.0 Mobile Safari/537.36"
    async with looking(sites.chromium, sites, size, **options, user_agent=inside) as look:
        await look.open(offer.removeprefix(sites.url))
        await expect(look.page.locator("a[href^='intent://']")).to_have_count(1)
        await look.check(f"front-inside-{name}")
    async with looking(sites.chromium, Sites(sites.agent, sites.chromium, "", sites.app_url), size, **options) as look:
        await look.open("/")
        await look.check(f"front-app-{name}")
        await look.open("/v1/none")
        await refused(look, 401)
        await look.check(f"front-401-{name}")
        ready, sites.agent._ready = sites.agent._ready, asyncio.Event()
        try:
            await look.open("/")
            await refused(look, 503)
            await look.check(f"front-503-{name}")
        finally:
            sites.agent._ready = ready


async def refused(look: Look, status: int) -> None:
    """See that the page says its number, and forget that the browser's console says it too."""
    await expect(look.page.locator("main .hint").last).to_contain_text(str(status))
    look.noise.clear()


async def sent(route: Route, _: Request) -> None:
    """Send what a browser asks for as a form would."""
    await route.continue_(method="POST")
