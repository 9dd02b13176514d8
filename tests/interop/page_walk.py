"""A first-time worker's walk through the page, counted: from the link of an offer to a certificate, and from the link
of a request to an answer.

A tap is a press on a link, a field or a button; what is typed is counted apart. Words are what has a letter in it, of
all that `main` shows of each screen that the worker comes to, labels of buttons too; what is behind a fold need not be
read. The certificate's own words, its values with their labels, are counted apart: an issuer can make them as many as
it likes.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.async_api import Locator, Page, expect
from tests.interop.phone_line import PhoneLine

S_A_TAP: Final = 3.0
WORDS_A_MINUTE: Final = 120
PIN: Final = "246810"
WAIT_MS: Final = 120_000
MOST_TABS: Final = 30
VISIBLE_PX: Final = 2.0
PICTURES: Final = {
    "Write this down": "wallet-code",
    "An offer for you": "wallet-offer",
    "Somebody asks you": "wallet-question",
}
"""Of screens that `docs/workers.md` shows."""


@dataclass
class Walk:
    """What was counted so far.

    Args:
        by_keyboard: whether nothing but keys is used: Tab to what is wanted, seen to have the focus, then Enter.
        pictures: a folder for pictures of the screens that the guide shows.
    """

    line: PhoneLine
    pictures: Path | None = None
    by_keyboard: bool = False
    taps: int = 0
    typed: int = 0
    words: dict[str, int] = field(default_factory=dict)
    certificate_words: int = 0
    bytes: dict[str, Mapping[str, int]] = field(default_factory=dict)
    machine_s: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _before: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._before = dict(self.line.bytes)

    @property
    def all_words(self) -> int:
        """Of all screens."""
        return sum(self.words.values())

    @property
    def seconds(self) -> float:
        """For a worker: the taps, the reading, and what network and phone took here."""
        return self.taps * S_A_TAP + (self.all_words + self.certificate_words) * 60 / WORDS_A_MINUTE + self.machine_s

    def told(self) -> Mapping[str, object]:
        """Return it for people."""
        return {
            "taps": self.taps,
            "digits typed": self.typed,
            "words": self.all_words,
            "words by screen": self.words,
            "the certificate's own words": self.certificate_words,
            "bytes": self.bytes,
            "seconds": round(self.seconds),
            "of them network and phone": round(self.machine_s, 1),
        }

    async def comes_to(self, page: Page, title: str) -> None:
        """Wait for a screen, and read it."""
        await expect(page.get_by_role("heading", level=1)).to_have_text(title, timeout=WAIT_MS)
        self.machine_s += time.monotonic() - self._began
        if self.by_keyboard:
            await expect(page.get_by_role("heading", level=1)).to_be_focused()
        main = page.get_by_role("main")
        if self.pictures is not None and title in PICTURES:
            await page.screenshot(path=self.pictures / f"{PICTURES[title]}.png")
        own = sum(_count(text) for text in await main.locator("dl:visible").all_inner_texts())
        self.certificate_words += own
        self.words[title] = _count(await main.inner_text()) - own

    async def opens(self, page: Page, url: str) -> None:
        """Follow a link from elsewhere: a message, or what the camera shows."""
        self.taps += 1
        self._began = time.monotonic()
        await page.goto(url)

    async def presses(self, page: Page, name: str) -> None:
        """Press a button."""
        self.taps += 1
        self._began = time.monotonic()
        button = page.get_by_role("button", name=name, exact=True)
        if self.by_keyboard:
            await _tab_to(page, button)
            await page.keyboard.press("Enter")
        else:
            await button.click()

    async def types(self, page: Page, label: str, digits: str) -> None:
        """Press on a field, and type."""
        self.taps += 1
        self.typed += len(digits)
        if self.by_keyboard:
            await _tab_to(page, page.get_by_label(label))
            await page.keyboard.type(digits)
        else:
            await page.get_by_label(label).fill(digits)

    def part(self, name: str) -> None:
        """Say that a part of the walk is over, for its bytes."""
        now = dict(self.line.bytes)
        self.bytes[name] = {counter: count - self._before.get(counter, 0) for counter, count in now.items()}
        self._before = now


async def _tab_to(page: Page, wanted: Locator) -> None:
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("element => element === document.activeElement"):
            break
    await expect(wanted).to_be_focused()
    assert await wanted.evaluate("element => parseFloat(getComputedStyle(element).outlineWidth)") >= VISIBLE_PX


def _count(text: str) -> int:
    return len(re.findall(r"\S*[^\W\d_]\S*", text))


async def take(walk: Walk, page: Page, link: str) -> None:
    """Make a book for an offer, and take what is offered."""
    await walk.opens(page, link)
    await walk.comes_to(page, "Your certificates, in your hands")
    await walk.presses(page, "Make my book")
    await walk.comes_to(page, "Write this down")
    groups = await page.locator(".groups span").all_text_contents()
    await walk.presses(page, "I have written it down")
    await walk.comes_to(page, "Make sure, and choose a PIN")
    asked = re.search(r"Group (\d)", await page.locator("main label").first.inner_text())
    assert asked is not None
    await walk.types(page, "Group", groups[int(asked[1]) - 1])
    await walk.types(page, "A PIN", PIN)
    await walk.presses(page, "Make my book")
    await walk.comes_to(page, "An offer for you")
    await walk.presses(page, "It is right, I take it")
    await walk.comes_to(page, "It is in your book")
    walk.part("first credential")


async def answer(walk: Walk, page: Page, link: str, *, yes: str = "Yes, show them this") -> None:
    """Answer who asks, in a tab of its own: so do phones open what comes in a message; `yes`: with which button."""
    await walk.opens(page, link)
    await walk.comes_to(page, "Your book is locked")
    await walk.types(page, "Your PIN", PIN)
    await walk.presses(page, "Open my book")
    await walk.comes_to(page, "Somebody asks you")
    await walk.presses(page, yes)
    await walk.comes_to(page, "Your answer has arrived")
    walk.part("answer")
