"""Scanning in the wallet's page: Chromium's fake camera shows a real code, or there is no camera, or it is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
import segno
from playwright.async_api import Browser, Page, async_playwright, expect
from tests.browser.conftest import ARGUMENTS
from tests.browser.wallet_site import WAIT_MS, WalletSite, make_book, phone, press, sees, wallet_site
from tests.needs import whole_chromium

pytestmark = [pytest.mark.needs("chromium", "camera"), pytest.mark.asyncio(loop_scope="session")]

LINK: Final = "https://centre.wanderbuch.test/i/0123456789abcdefghijkl"
WIDTH: Final = 640
HEIGHT: Final = 480
DETECTOR: Final = """globalThis.BarcodeDetector = class {
  static getSupportedFormats() { return Promise.resolve(['qr_code']) }
  detect() { return %s }
}"""


def video(text: str) -> bytes:
    """A video of one picture (YUV4MPEG2, 4:2:0), with a code in its middle."""
    modules = [list(line) for line in segno.make(text, micro=False).matrix]
    scale = HEIGHT * 3 // 4 // len(modules)
    side = scale * len(modules)
    left, top = (WIDTH - side) // 2, (HEIGHT - side) // 2
    light = bytearray(b"\xeb" * WIDTH * HEIGHT)
    for row in range(side):
        line = b"".join((b"\x10" if module else b"\xeb") * scale for module in modules[row // scale])
        at = (top + row) * WIDTH + left
        light[at : at + side] = line
    frame = b"FRAME\n" + bytes(light) + b"\x80" * (WIDTH * HEIGHT // 2)
    return f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420mpeg2\n".encode() + frame * 2


@asynccontextmanager
async def with_camera(*further: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=whole_chromium(), args=[*ARGUMENTS, *further])
        yield browser
        await browser.close()


@asynccontextmanager
async def book(browser: Browser, site: WalletSite) -> AsyncIterator[Page]:
    async with phone(browser, permissions=["camera"]) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await make_book(page)
        yield page


async def test_what_the_camera_sees_is_opened_by_the_browsers_own_detector_or_by_ours(tmp_path: Path) -> None:
    shown = tmp_path / "code.y4m"
    shown.write_bytes(video(LINK))
    flags = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={shown}")
    detectors = {
        "one that works": DETECTOR % f"Promise.resolve([{{ rawValue: '{LINK}' }}])",
        "one that fails": DETECTOR % "Promise.reject(new DOMException('none', 'NotSupportedError'))",
        "none": "delete globalThis.BarcodeDetector",
    }
    told = {}
    async with with_camera(*flags) as browser, wallet_site() as site, book(browser, site) as page:
        for name, script in detectors.items():
            await page.evaluate(f"() => {{ {script} }}")
            await press(page, "Scan a code")
            # Nobody is there to ask about the link; what is seen is followed all the same.
            await expect(page.get_by_role("status")).to_contain_text("network", timeout=WAIT_MS)
            await sees(page, "My book")
            await expect(page.locator("video")).to_have_count(0)
            told[name] = site.asked.count("/decoder.js")
    assert told == {"one that works": 0, "one that fails": 1, "none": 1}


async def test_a_camera_that_sees_nothing_is_closed_with_its_screen(tmp_path: Path) -> None:
    shown = tmp_path / "nothing.y4m"
    head, _, _ = video(LINK).partition(b"FRAME\n")
    shown.write_bytes(head + (b"FRAME\n" + b"\x80" * (WIDTH * HEIGHT * 3 // 2)) * 2)
    flags = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={shown}")
    live = "video => { globalThis.track = video.srcObject.getTracks()[0]; return track.readyState }"
    async with with_camera(*flags) as browser, wallet_site() as site, book(browser, site) as page:
        for leave in ("Back to my book", "Lock now"):
            await press(page, "Scan a code")
            await sees(page, "Hold the code in front of the camera")
            assert await page.locator("video").evaluate(live) == "live"
            await press(page, leave)
            await sees(page, "My book" if leave.startswith("Back") else "Your book is locked")
            assert await page.evaluate("track.readyState") == "ended"


async def test_without_a_camera_or_without_leave_the_page_says_what_to_do(chromium: Browser) -> None:
    refused = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
    missing = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })"
    cases = (("", "finds no camera"), (refused, "camera is not allowed"), (missing, "finds no camera"))
    async with wallet_site() as site, book(chromium, site) as page:
        for script, sentence in cases:
            await page.evaluate(f"() => {{ {script} }}")
            await press(page, "Scan a code")
            await expect(page.get_by_role("status")).to_contain_text(sentence)
            await sees(page, "My book")


@pytest.mark.parametrize(
    ("path", "code", "came"),
    [
        pytest.param("/decoder.js", "a code of another kind", "not a link", id="what reads codes"),
        pytest.param("/offline.js", "WB1 of nobody", "none of these", id="what reads a question in codes"),
    ],
)
async def test_what_was_lost_on_its_way_comes_when_somebody_scans_again(
    tmp_path: Path, path: str, code: str, came: str
) -> None:
    shown = tmp_path / "code.y4m"
    shown.write_bytes(video(code))
    flags = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={shown}")
    async with (
        with_camera(*flags) as browser,
        wallet_site() as site,
        phone(browser, permissions=["camera"], service_workers="block") as context,
    ):
        page = await context.new_page()
        await page.goto(f"{site.url}/")
        await make_book(page)
        await page.evaluate("() => { delete globalThis.BarcodeDetector }")
        site.dropped[path] = 1
        await press(page, "Scan a code")
        await expect(page.get_by_role("status")).to_contain_text("The network is not there", timeout=WAIT_MS)
        await sees(page, "My book")
        await press(page, "Scan a code")
        await expect(page.get_by_role("status")).to_contain_text(came, timeout=WAIT_MS)
        assert (site.dropped[path], site.asked.count(path)) == (0, 2)
        # At another address: many browsers remember by its address what did not come.
        assert [told.split(b" ")[0] for told in site.told if told.startswith(path.encode())] == [
            path.encode(),
            f"{path}?1".encode(),
        ]
