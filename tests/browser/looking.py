"""How a page is looked at: with axe, by its width, by what it asks other hosts for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from tests.browser.conftest import PATIENCE_MS, SCREENSHOTS

PHONE: ViewportSize = {"width": 320, "height": 640}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
SIZES = {"phone": PHONE, "desktop": DESKTOP}
LOOKS: Final = (("en", "phone"), ("ar", "desktop"), ("fr", "phone"))
"""How every page is looked at: from left to right and from right to left, on both sizes, and in longer words.

`make system` takes one of them a page, `make soak` all (`tests.thorough`).
"""
_DRAWN_MS: Final = 30_000
# What a browser draws by itself, and the closed branches of the tree, which are all made alike.
_LOOKED_AT = {"exclude": [["datalist"], [".tree details details"]]}
_VIOLATIONS: Final = "async ([context, options]) => (await axe.run(context, options)).violations"
"""Only those leave the page: to hand on all that is right takes as long as to find it."""
_OF_COLOURS: Final = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""Those of axe's rules that ask for a colour."""
_CROOKED: Final = """() => [...document.querySelectorAll('.fields')].flatMap((grid) => {
  const boxes = [...grid.children].map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.height);
  return boxes.slice(1).filter(([one, box], at) => {
    const before = boxes[at][1], margin = parseFloat(getComputedStyle(one).marginBlockStart);
    return margin > 0 || (box.top < before.bottom && Math.abs(box.top - before.top) > 1);
  }).map(([one]) => one.outerHTML.slice(0, 150));
})"""
"""Fields that stand lower than the one beside them, or farther below the one above than the grid's gap."""
_CONTEXTS: Final[WeakKeyDictionary[Browser, dict[str, BrowserContext]]] = WeakKeyDictionary()


class Site(Protocol):
    """What is looked at."""

    @property
    def url(self) -> str:
        """Where it is."""
        ...


@dataclass
class Look:
    """A page under watch."""

    page: Page
    url: str
    noise: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        response = await self.page.goto(f"{self.url}{path}")
        assert response is not None

    async def check(self, name: str, *, with_axe: bool = True) -> None:
        """Fail if axe finds anything, if one must scroll sideways, or if another site was asked."""
        if SCREENSHOTS is not None:
            await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        violations = await violations_on(self.page) if with_axe else []
        assert violations == [], f"{name}: {violations}"
        wide = await self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{name} is {wide} pixels too wide"
        assert await self.page.evaluate(_CROOKED) == [], name
        assert self.elsewhere == [], name
        assert self.noise == [], name


async def violations_on(page: Page, *, only_colours: bool = False) -> list[Any]:
    """Return what axe finds on a page that has drawn its heading, but on what a browser draws by itself.

    Args:
        page: what is looked at.
        only_colours: nothing but colours has changed since axe looked before.
    """
    with suppress(PlaywrightTimeoutError):  # axe names a page that never gets one
        await page.locator("h1").first.wait_for(timeout=_DRAWN_MS)
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], **({"runOnly": _OF_COLOURS} if only_colours else {})}
    violations = await page.evaluate(_VIOLATIONS, [_LOOKED_AT, options])
    return [
        (violation["id"], violation["help"], [node["html"][:200] for node in violation["nodes"][:3]])
        for violation in violations
    ]


@asynccontextmanager
async def looking(chromium: Browser, town: Site, size: ViewportSize, **options: Any) -> AsyncIterator[Look]:
    """Open a window that knows of none before: those of a kind share what Chromium keeps for them, but cookies."""
    context = await _context(chromium, viewport=size, reduced_motion="reduce", **options)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    look = Look(page, town.url)
    page.on("console", lambda worker: look.noise.append(worker.text) if worker.type in {"error", "warning"} else None)
    page.on("pageerror", lambda err: look.noise.append(str(err)))
    page.on("request", lambda asked: None if asked.url.startswith(town.url) else look.elsewhere.append(asked.url))
    try:
        yield look
    finally:
        await page.close()
        await context.clear_cookies()


async def _context(chromium: Browser, **options: Any) -> BrowserContext:
    """Return what windows with these options share: to make one anew takes longer than most pages do."""
    kind = repr(sorted(options.items()))
    kept = _CONTEXTS.setdefault(chromium, {})
    if kind not in kept:
        kept[kind] = await chromium.new_context(**options)
    return kept[kind]


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def follow(page: Page) -> None:
    """Press Enter on what leads to another page, and wait for it."""
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def tab_to(page: Page, selector: str, *, limit: int = 80) -> None:
    """Press Tab until the focus is there; every stop on the way must be visible and marked."""
    for _ in range(limit):
        await page.keyboard.press("Tab")
        seen = await page.evaluate(
            """() => {
              const at = document.activeElement;
              if (at === document.body) return {name: "", shown: true, marked: true};
              const box = at.getBoundingClientRect(), style = getComputedStyle(at);
              return {name: at.outerHTML.slice(0, 150), shown: box.width > 0 && box.height > 0,
                      marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
            }"""
        )
        assert seen["shown"], f"the focus is on something that cannot be seen: {seen['name']}"
        assert seen["marked"], f"the focus cannot be seen: {seen['name']}"
        if await page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"{selector} was not reached with the keyboard")
