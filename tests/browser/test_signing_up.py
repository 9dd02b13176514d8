"""Signing up, applying, and the course of applications, in Chromium: for everybody, in both directions."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser
from tests.browser.looking import LOOKS, SIZES, looking
from tests.thorough import share_of
from tests.unit.verifier.test_course import ASKED, DECIDED, OwnApplications, own, site, standing

from wanderbuch.agents.runtime.own_applications import OwnApplication

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

STANDINGS = (
    None,
    standing(),
    standing("ASKED_BACK", questions=[ASKED]),
    standing("APPROVED", **DECIDED),
    standing("REFUSED", **DECIDED),
)


class Several(OwnApplications):
    """One application in every state."""

    async def all(self) -> list[OwnApplication]:
        return [own(now).model_copy(update={"id": f"{number:032x}"}) for number, now in enumerate(STANDINGS)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service() -> AsyncIterator[Any]:
    """A service where `yard-1` has applied."""
    async with TestServer(site(Several(own(STANDINGS[2])))) as server:
        yield SimpleNamespace(url=str(server.make_url("")).rstrip("/"))


@pytest.mark.parametrize(("language", "size"), share_of(LOOKS, 2))
async def test_every_page_can_be_used_by_everybody(chromium: Browser, service: Any, language: str, size: str) -> None:
    home = f"/sign-up/{language}"
    async with looking(chromium, service, SIZES[size]) as look:
        for name, path in {
            "form": "/",
            "apply": "/apply?tenant=yard-1",
            "course-form": "/applications?tenant=yard-1",
        }.items():
            await look.open(f"{home}{path}")
            await look.check(f"sign-up-{name}-{language}-{size}")
        await look.page.fill("#token", "key")
        async with look.page.expect_navigation():
            await look.page.click("main form button[type=submit]")
        await look.check(f"sign-up-course-{language}-{size}")
