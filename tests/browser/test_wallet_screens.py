"""The screens of the wallet's page in all languages, light and dark, on a phone: drawn of views, without agents."""

import mimetypes
import re
from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route
from tests.browser.looking import PHONE, looking
from tests.wallet_tools import PAGE, build
from tests.wallet_words import OTHERS, catalogues

pytestmark = [pytest.mark.needs("node", "chromium"), pytest.mark.asyncio(loop_scope="session")]

SCREENS: Final = (
    "start",
    "book",
    "doors",
    "more",
    "file",
    "offer",
    "unsigned",
    "wrong",
    "question",
    "too-much",
    "less",
    "misfits",
    "unfit",
    "history",
    "report",
)
WITH_AXE: Final = {("en", "dark"), ("ar", "light")}
OF_CONSENT: Final = ("book", "offer", "question", "less", "misfits")
"""What is looked at in the other languages: they are made of the same parts."""
MARKUP: Final = "<img src=x onerror=window.ran=1><b>bold</b><script>window.ran=1</script>"
_KEY: Final = re.compile(
    r"\b(?:question|offer|misfit|good|history|report|wrong|more|book|attribute|proven|code)\.[a-z]"
)
DRAW: Final = (PAGE.parents[2] / "tests" / "browser" / "wallet_screens.js").read_text()
"""A function that draws one screen."""
_UNMARKED: Final = """async (tag) => {
  const { occupations, frameworks } = await (await fetch('/words/facts.json')).json()
  const own = new Set(['es', 'fr'].includes(tag) ? await (await fetch(`/words/titles.${tag}.json`)).json() : [])
  const levels = Object.values(frameworks).flatMap(({ label, levels }) => [label, ...Object.values(levels)])
  const english = new Set([...occupations.titles, ...levels].filter((text) => !own.has(text) && text.length > 3))
  const nodes = document.createTreeWalker(document.getElementById('main'), NodeFilter.SHOW_TEXT)
  const found = { marked: 0, unmarked: [] }
  for (let node = nodes.nextNode(); node; node = nodes.nextNode())
    for (const text of english)
      if (node.textContent.includes(text)) {
        if (node.parentElement.closest('[lang]').lang === 'en') found.marked += 1
        else found.unmarked.push(text)
      }
  return found
}"""


_CUT: Final = r"""(titles) => {
  const main = document.getElementById('main')
  const heading = (text) => Object.assign(document.createElement('h1'), { textContent: text })
  if (titles.length) main.replaceChildren(...titles.map(heading))
  const words = []
  for (const element of main.querySelectorAll('h1, h2, h3, button, summary, label')) {
    const nodes = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
    for (let node = nodes.nextNode(); node; node = nodes.nextNode())
      for (const { 0: word, index } of node.textContent.matchAll(/[^\s\u2068\u2069/-]+/g)) {
        const range = document.createRange()
        range.setStart(node, index)
        range.setEnd(node, index + word.length)
        const tops = [...range.getClientRects()].map(({ top }) => top)
        if (Math.max(...tops) - Math.min(...tops) > 8) words.push(word)
      }
  }
  return words
}"""
"""Words that stand on two lines."""


class Here:
    """Where the page is: nothing is asked of anybody."""

    url = "https://wallet.wanderbuch.test"


async def serve(route: Route) -> None:
    path = urlsplit(route.request.url).path.lstrip("/")
    if path == "":
        html = (PAGE / "index.html").read_text().replace('<script type="module" src="/page.js"></script>', "")
        await route.fulfill(body=html, content_type="text/html")
        return
    file = build() / path.removeprefix("build/") if path.startswith("build/") else PAGE / path
    kind = "text/javascript" if path.endswith(".js") else mimetypes.guess_type(path)[0]
    await route.fulfill(body=file.read_bytes(), content_type=kind or "application/json")


async def test_every_screen_in_every_language_fits_a_phone_and_says_all_in_words(chromium: Browser) -> None:
    wrong: list[object] = []
    async with looking(chromium, Here(), PHONE) as look:
        await look.page.route("**/*", serve)
        await look.open("/")
        for tag in ("en", *OTHERS):
            for scheme in ("light", "dark") if tag == "en" else ("light",):
                with_axe = (tag, scheme) in WITH_AXE
                await look.page.emulate_media(color_scheme=scheme)
                for screen in SCREENS if with_axe else OF_CONSENT:
                    text = await look.page.evaluate(DRAW, {"tag": tag, "screen": screen})
                    await look.check(f"wallet-{screen}-{tag}-{scheme}", with_axe=with_axe)
                    wrong += [
                        (tag, screen, leftovers)
                        for leftovers in (_KEY.findall(text), re.findall(r"\{|undefined", text))
                        if leftovers
                    ]
                    english = await look.page.evaluate(_UNMARKED, tag)
                    if english["unmarked"] or (
                        screen in ("book", "offer", "question", "less") and not english["marked"]
                    ):
                        wrong.append((tag, screen, english))
                    if "C7212" in text or "99991231" in text or "eqf_min" in text:
                        wrong.append((tag, screen, ["a code"]))
    assert wrong == []


async def test_no_word_of_a_heading_or_a_button_is_cut_in_two_on_a_phone(chromium: Browser) -> None:
    cut: list[object] = []
    async with looking(chromium, Here(), PHONE) as look:
        await look.page.route("**/*", serve)
        await look.open("/")
        for tag, catalogue in catalogues().items():
            titles = [text for key, text in catalogue["sentences"].items() if re.search(r"(^|\.)title(\.|$)", key)]
            for screen in ("doors", *OF_CONSENT, "more", "history"):
                await look.page.evaluate(DRAW, {"tag": tag, "screen": screen})
                cut += [(tag, screen, word) for word in await look.page.evaluate(_CUT, [])]
            cut += [(tag, "title", word) for word in await look.page.evaluate(_CUT, titles)]
    assert cut == []


async def test_html_in_every_field_is_text(chromium: Browser) -> None:
    """Whatever issuers, askers and the authority's file say stands there as they wrote it, and is nothing else."""
    wrong: list[object] = []
    script = "() => document.querySelectorAll('main :is(img, b, script, svg, iframe, a)').length + (window.ran ?? 0)"
    async with looking(chromium, Here(), PHONE) as look:
        await look.page.route("**/*", serve)
        await look.open("/")
        for screen in ("book", "offer", "question", "too-much", "misfits", "history", "report"):
            text = await look.page.evaluate(DRAW, {"tag": "en", "screen": screen, "markup": MARKUP})
            made = await look.page.evaluate(script)
            if made or (MARKUP not in text and screen != "too-much"):
                wrong.append((screen, made, text))
            await look.check(f"wallet-markup-{screen}", with_axe=False)
    assert wrong == []


async def test_what_nobody_will_see_is_not_said_to_be_seen(chromium: Browser) -> None:
    will, want = "What they will see", "What they want to see"
    async with looking(chromium, Here(), PHONE) as look:
        await look.page.route("**/*", serve)
        await look.open("/")
        answerable = await look.page.evaluate(DRAW, {"tag": "en", "screen": "question"})
        refused = await look.page.evaluate(DRAW, {"tag": "en", "screen": "too-much"})
    assert (will in answerable, want in answerable) == (True, False)
    assert (will in refused, want in refused) == (False, True)


async def test_numbers_for_programs_stand_aside_and_not_in_a_report(chromium: Browser) -> None:
    table, plain = "Table by which levels are compared", "main :is(li, dt, p):not(details *)"
    seen: dict[str, tuple[bool, bool]] = {}
    async with looking(chromium, Here(), PHONE) as look:
        await look.page.route("**/*", serve)
        await look.open("/")
        for screen in ("question", "unfit", "report"):
            await look.page.evaluate(DRAW, {"tag": "en", "screen": screen})
            whole = await look.page.get_by_role("main").text_content() or ""
            outside = await look.page.locator(plain).all_text_contents()
            seen[screen] = (table in whole, any(table in text for text in outside))
            assert any("Occupation" in text for text in outside)
    assert seen == {"question": (True, False), "unfit": (True, False), "report": (False, False)}
