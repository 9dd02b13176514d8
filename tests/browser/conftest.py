"""Chromium, and the authority's two sites in this process over a real store.

With SCREENSHOTS in the environment, every page that is looked at is kept as a picture in that folder.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from acapy_agent.utils.testing import create_test_profile
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, async_playwright, expect
from tests.needs import chromium_program
from tests.unit.authority_pages.place import Place, full_payload

SCREENSHOTS = Path(os.environ["SCREENSHOTS"]) if "SCREENSHOTS" in os.environ else None
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000
"""What a page may take: a machine that runs other tests too is slow now and then. Playwright waits five seconds."""
expect.set_options(timeout=PATIENCE_MS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A browser for all tests; with xdist they go to one worker."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_program(), args=list(ARGUMENTS))
        yield browser
        await browser.close()


@dataclass(frozen=True)
class Town:
    """The sites, and who works there."""

    place: Place
    url: str
    tokens: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """The full example, published, with an editor and an approver."""
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    place = Place(profile, tmp_path_factory.mktemp("public"))
    await place.publish(full_payload())
    async with TestServer(place.application()) as server:
        yield Town(place, str(server.make_url("")).rstrip("/"), await place.hire())
    await profile.close()
