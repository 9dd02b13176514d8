"""A wallet host's public site in this process: its page, its policy and its vaults, without an agent around them."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page, expect
from tests.browser.looking import PHONE

from wanderbuch.agents.machine.ports import free_port
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.wallet_host.config import WalletHostConfig
from wanderbuch.agents.wallet_host.page_files import PageFile, PageFiles, load_page
from wanderbuch.agents.wallet_host.vault_site import PLACE, VaultSite
from wanderbuch.agents.wallet_host.vaults import VaultBounds, Vaults, WriteOutcome
from wanderbuch.store.hashing import KeyedHash
from wanderbuch.store.sqlite import open_sqlite
from wanderbuch.store.tables import Tables, tables_on

MEDIATOR: Final = "https://mediator.wanderbuch.test/mediator"
"""Nobody is there: the wallet works without one, as on a phone without a network."""
PIN: Final = "246810"
WAIT_MS: Final = 30_000


class WatchedVaults(Vaults):
    """Vaults that remember what came."""

    def __init__(self, tenant: str, tables: Tables, bounds: VaultBounds) -> None:
        super().__init__(tenant, tables, bounds)
        self.written: list[bytes] = []

    async def write(
        self, vault: str, sealed: bytes, *, after: int, is_base: bool, upon: str | None = None
    ) -> tuple[WriteOutcome, int]:
        """Take it, and remember it."""
        self.written.append(sealed)
        return await super().write(vault, sealed, after=after, is_base=is_base, upon=upon)


@dataclass
class WalletSite:
    """Serves at `http://localhost`, which browsers take for safe.

    Args:
        port: the same after it was away.
        vaults: what workers keep here.
        mediator: which the page is told of.
        files: of the page; a test changes them as an update does.
        dropped: how often what is asked for is still lost on its way, by its path.
    """

    port: int
    vaults: WatchedVaults
    mediator: str = MEDIATOR
    files: dict[str, PageFile] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    _server: TestServer | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def settings(self, **changes: object) -> Mapping[str, object]:
        told = {"direct": False, "governance": None, "mediator": self.mediator, "name": "Wallets", "origin": self.url}
        return {**told, **changes}

    async def open(self) -> None:
        self.files = self.files or load_page(self.settings())
        site = VaultSite(self.vaults, WalletHostConfig(), origin=self.url, networks=Networks([]))
        calls = {"GET": site.read, "PUT": site.write, "DELETE": site.delete}

        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked.append(request.path)
            self.told.append(f"{request.raw_path} {dict(request.headers)}".encode())
            if self.dropped[request.path] > 0:
                self.dropped[request.path] -= 1
                return await dropped(request)
            if request.path == PLACE:
                return await calls[request.method](request)
            return PageFiles(self.files, mediator=self.mediator, direct=False).answer(request)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        self._server = TestServer(application, port=self.port)
        await self._server.start_server()

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()


async def dropped(request: web.Request) -> web.StreamResponse:
    """Begin to answer, and end before the end, as where a phone changes its network."""
    response = web.StreamResponse(headers={"Content-Type": "text/javascript", "Content-Length": "100000"})
    await response.prepare(request)
    await response.write(b"//")
    assert request.transport is not None
    request.transport.abort()
    return response


@asynccontextmanager
async def wallet_site() -> AsyncIterator[WalletSite]:
    """Open one with an empty store."""
    engine = open_sqlite(None)
    bounds = VaultBounds(vaults=100, bytes=2**22, revisions=256, all_bytes=2**30)
    site = WalletSite(free_port(), WatchedVaults("default", tables_on(engine, KeyedHash(bytes(32))), bounds))
    await site.open()
    try:
        yield site
    finally:
        await site.close()
        await engine.close()


@asynccontextmanager
async def phone(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """A browser that knows of nothing yet."""
    context = await browser.new_context(viewport=PHONE, reduced_motion="reduce", **options)
    context.set_default_timeout(WAIT_MS)
    try:
        yield context
    finally:
        await context.close()


async def sees(page: Page, title: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text(title, timeout=WAIT_MS)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def make_book(page: Page) -> list[str]:
    """Make a book; return the groups of its code."""
    await press(page, "Make my book")
    await page.locator(".groups span").first.wait_for()  # what follows waits for none
    groups = [str(text) for text in await page.locator(".groups span").all_text_contents()]
    await confirm(page, groups)
    return groups


async def confirm(page: Page, groups: Sequence[str]) -> None:
    """Say that the code is on paper, type the group that is asked for, and choose a PIN."""
    await press(page, "I have written it down")
    asked = await page.locator("main label").first.inner_text()
    group = int(next(letter for letter in asked if letter.isdigit()))
    await page.get_by_label("Group").fill(groups[group - 1])
    await page.get_by_label("A PIN").fill(PIN)
    await press(page, "Make my book")
    await sees(page, "My book")


async def kept(page: Page) -> None:
    """Wait until the service worker has the page's files."""
    await page.evaluate(
        """() => new Promise((done) => navigator.serviceWorker.controller
          ? done() : navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }))"""
    )


async def unlock(page: Page) -> None:
    await page.get_by_label("Your PIN").fill(PIN)
    await press(page, "Open my book")
    await sees(page, "My book")
