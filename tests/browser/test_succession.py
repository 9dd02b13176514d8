"""Who goes on for a centre, in Chromium: the page that hands a batch over, and the one that takes it over elsewhere."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect
from tests.browser.looking import LOOKS, SIZES, Look, follow, looking
from tests.thorough import share_of
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace, open_place
from tests.unit.issuer.succession.pair import Pair
from tests.unit.issuer.workshop import Workshop
from tests.unit.trust.ecosystem import webvh

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]


@dataclass(frozen=True)
class Site:
    """The console of a centre, beside another one."""

    place: ConsolePlace
    other: Workshop
    url: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder, beside = tmp_path_factory.mktemp("console"), tmp_path_factory.mktemp("other")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        workshop = Workshop(folder)
        await workshop.open()
        other = Workshop(beside, beside=workshop)
        await other.open()
        place = await open_place(workshop)
        async with TestServer(place.application()) as server:
            yield Site(place, other, str(server.make_url("")).rstrip("/"))
        for process in (other, workshop):
            await process.sending.stop(wait_s=5)
            await process.profile.close()


async def sign_in(look: Look, token: str, language: str) -> None:
    await look.open(f"/desk/{language}/sign-in")
    await look.page.fill("#token", token)
    await look.page.focus("#token")
    await follow(look.page)


async def go(look: Look, selector: str) -> None:
    async with look.page.expect_navigation():
        await look.page.click(selector)


@pytest.mark.parametrize(("language", "size"), share_of(LOOKS, 2))
async def test_a_batch_goes_on_elsewhere_for_everybody(chromium: Browser, site: Site, language: str, size: str) -> None:
    place, name = site.place, f"{language}-{size}"
    leaving, number = Pair(place.workshop, site.other), 100 * LOOKS.index((language, size))
    leaving.old.made = number
    await leaving.publish(old={"status": []})
    batch = await leaving.old.running(3)
    await leaving.named()
    async with looking(chromium, site, SIZES[size], color_scheme="dark" if language == "ar" else "light") as look:
        await sign_in(look, place.tokens[ADMINISTRATOR], language)
        await look.check(f"succession-start-{name}")
        await go(look, f"a[href$='/batch/{batch.id}/hand-over']")
        await look.check(f"succession-hand-over-{name}")
        await look.page.check("main input[name=sure]")
        await go(look, "main form:has(input[name=sure]) button")
        await look.check(f"succession-handed-over-{name}")

    coming = Pair(site.other, place.workshop)
    place.office.taking, coming.old.made = coming.taking, 9000 + number
    await coming.publish(old={"status": []})
    theirs = await coming.old.running(3)
    await coming.named()
    file = {"name": "open-rows.json", "mimeType": "application/json", "buffer": await coming.hand_over(theirs)}
    async with looking(chromium, site, SIZES[size], color_scheme="dark" if language == "ar" else "light") as look:
        await sign_in(look, place.tokens[CLERK], language)
        await look.open(f"/desk/{language}/batch/{batch.id}")
        await look.check(f"succession-batch-{name}")
        await look.open(f"/desk/{language}/take-over")
        await look.check(f"succession-take-over-{name}")
        await look.page.set_input_files("main input[type=file]", {**file})
        await go(look, "main button[name=look]")
        await look.check(f"succession-looked-{name}")
        await look.page.set_input_files("main input[type=file]", {**file})
        await go(look, "main form[enctype] button:not([name=look])")
        await look.check(f"succession-taken-{name}")
        await coming.publish(named=str(webvh("third")))
        await look.open(f"/desk/{language}/take-over")
        await expect(look.page.locator("#former")).to_be_visible()
        await look.check(f"succession-former-{name}")

    leaving.open()
    place.office.handing = leaving.handing
    await leaving.publish(named=str(webvh("third")))
    async with looking(chromium, site, SIZES[size], color_scheme="dark" if language == "ar" else "light") as look:
        await sign_in(look, place.tokens[ADMINISTRATOR], language)
        await look.open(f"/desk/{language}/batch/{batch.id}/hand-over")
        await expect(look.page.locator("#anew")).to_be_visible()
        await look.check(f"succession-anew-{name}")
