"""A question and its answer by codes alone: a wallet's page and a desk's page, each before the other's screen.

What one page draws is taken from its canvas, turned and blurred as a camera of 640 x 480 sees it, and is the film of
the other's fake camera, at 10 pictures a second: each code on two of them, as the pages show them.
"""

import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.browser.conftest import ARGUMENTS
from tests.browser.test_wallet_moving import open_file
from tests.browser.wallet_site import MEDIATOR, WalletSite, phone, press, sees
from tests.needs import chromium_program, whole_chromium
from tests.unit.verifier_pages.place import ASKER, DeskPlace
from tests.unit.wallet.offline_book import book_rows
from tests.unit.wallet.wallet_process import WalletProcess

WIDTH: Final = 640
HEIGHT: Final = 480
PICTURES_A_SECOND: Final = 10
WAIT_MS: Final = 120_000
"""A bound for what a machine under load does; nothing is decided by it."""

_FILM: Final = """async ([width, height]) => {
  const canvas = document.querySelector('canvas')
  const count = Number(canvas.dataset.codes)
  const drawn = Object.assign(document.createElement('canvas'), { width, height })
  const context = drawn.getContext('2d', { willReadFrequently: true })
  const seen = new Map()
  while (seen.size < count) {
    await new Promise((done) => setTimeout(done, 20))
    const picture = canvas.toDataURL()
    if (seen.has(picture)) continue
    const side = 0.92 * height
    context.resetTransform()
    context.filter = 'none'
    context.fillStyle = '#999'
    context.fillRect(0, 0, width, height)
    context.filter = 'blur(1px)'
    context.translate(width / 2, height / 2)
    context.rotate(0.03)
    context.drawImage(canvas, -side / 2, -side / 2, side, side)
    const { data } = context.getImageData(0, 0, width, height)
    let light = ''
    for (let at = 0; at < data.length; at += 4) light += String.fromCharCode(16 + Math.round(data[at] * 219 / 255))
    seen.set(picture, btoa(light))
  }
  return [...seen.values()]
}"""


@dataclass(frozen=True, slots=True)
class OfflineWalk:
    """How a walk went.

    Args:
        asked: id of the question.
        request_codes, answer_codes: how many codes each took.
        request_s, answer_s: from the press until the wallet, or the desk, had read all of them.
        consent, verdict: texts of the page of consent, and of the verdict.
    """

    asked: str
    request_codes: int
    answer_codes: int
    request_s: float
    answer_s: float
    consent: str
    verdict: str


def film(lights: list[str], into: Path) -> Path:
    """Write pictures as a video (YUV4MPEG2, 4:2:0), each twice."""
    grey = b"\x80" * (WIDTH * HEIGHT // 2)
    pictures = [b"FRAME\n" + base64.b64decode(light) + grey for light in lights]
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{PICTURES_A_SECOND}:1 Ip A1:1 C420mpeg2\n".encode()
    into.write_bytes(head + b"".join(picture * 2 for picture in pictures))
    return into


@asynccontextmanager
async def before_screen(shown: Path | None) -> AsyncIterator[Browser]:
    """A browser whose camera sees a film; without one it has none."""
    camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={shown}") if shown else ()
    async with async_playwright() as playwright:
        program = whole_chromium() if shown else chromium_program()
        browser = await playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *camera])
        yield browser
        await browser.close()


async def filmed(page: Page, into: Path) -> tuple[int, Path]:
    """Film the codes that a page shows; give how many there are."""
    await page.locator("canvas").wait_for()
    lights = await page.evaluate(_FILM, [WIDTH, HEIGHT])
    return len(lights), film(lights, into)


async def at_desk(page: Page, url: str, token: str, question_id: str) -> None:
    """Sign in, and open the question's page of codes from its own."""
    page.set_default_timeout(WAIT_MS)
    await page.goto(f"{url}/desk/en/sign-in")
    await page.fill("#token", token)
    await page.press("#token", "Enter")
    await page.locator(".me").wait_for(state="attached")
    await page.goto(f"{url}/desk/en/question/{question_id}")
    await page.get_by_role("link", name="Without a network, by codes").click()
    await page.locator("canvas").wait_for()


async def walk_offline(place: DeskPlace, site: WalletSite, wallet: WalletProcess, folder: Path) -> OfflineWalk:
    """Ask at the desk, say yes in the wallet, have the desk judge; everything between them by screen and camera."""
    asked = await place.employer.ask()
    rows = book_rows(wallet, place.welder.issuer)
    book = wallet.call("book_file", rows=rows, mediator=MEDIATOR)
    (folder / "my.book").write_bytes(bytes.fromhex(book["file"]))
    async with TestServer(place.application()) as server:
        url = str(server.make_url("")).rstrip("/")
        async with before_screen(None) as browser:
            page = await browser.new_page()
            await at_desk(page, url, place.tokens[ASKER], asked.id)
            request_codes, request = await filmed(page, folder / "request.y4m")
        async with before_screen(request) as browser, phone(browser, permissions=["camera"]) as context:
            page = await context.new_page()
            page.set_default_timeout(WAIT_MS)
            await page.goto(f"{site.url}/")
            await press(page, "I have a book already")
            await press(page, "I have it as a file")
            await open_file(page, folder / "my.book", " ".join(book["code"]))
            await sees(page, "My book")
            begun = time.monotonic()
            await press(page, "Scan a code")
            await expect(page.locator("h1")).to_have_text("Somebody asks you", timeout=WAIT_MS)
            request_s = time.monotonic() - begun
            consent = await page.locator("main").inner_text()
            await page.locator(".choice button.main").click()
            await expect(page.locator("h1")).to_have_text("Hold this in front of their camera", timeout=WAIT_MS)
            answer_codes, answer = await filmed(page, folder / "answer.y4m")
        async with before_screen(answer) as browser:
            context = await browser.new_context(permissions=["camera"])
            page = await context.new_page()
            await at_desk(page, url, place.tokens[ASKER], asked.id)
            begun = time.monotonic()
            async with page.expect_request(lambda sent: sent.method == "POST"):
                await page.get_by_role("button", name="Scan the answer").click()
            answer_s = time.monotonic() - begun
            await page.locator(".verdict").wait_for()
            verdict = await page.locator("main").inner_text()
    return OfflineWalk(asked.id, request_codes, answer_codes, request_s, answer_s, consent, verdict)
