"""What the wallet's page reads aloud, and by which voice: the page's own, the phone's English one, no service's."""

from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page
from tests.browser.looking import PHONE, looking
from tests.browser.test_wallet_screens import DRAW, Here, serve

pytestmark = [pytest.mark.needs("node", "chromium"), pytest.mark.asyncio(loop_scope="session")]

# Headless Chromium has no voices: these stand for a phone's.
SPEECH: Final = """
window.spoken = []
window.voices = []
window.SpeechSynthesisUtterance = class { constructor(text) { Object.assign(this, { text, lang: '', voice: null }) } }
const speech = Object.assign(new EventTarget(), {
  speaking: false,
  getVoices: () => window.voices,
  speak: ({ lang, voice, text }) => window.spoken.push([lang, voice?.name ?? null, text]),
  cancel: () => {},
})
Object.defineProperty(window, 'speechSynthesis', { value: speech })
"""
# The button, with these voices, pressed once; gives whether it is there, and what was said.
READ: Final = """async ({ tag, voices }) => {
  const [{ aloud }, { Words }] = await Promise.all(['aloud', 'words'].map((name) => import(`/build/page/${name}.js`)))
  Object.assign(window, { voices: [], spoken: [] })
  const button = aloud(await Words.load(tag))
  const without = button.hidden
  window.voices = voices.map(([name, lang, localService]) => ({ name, lang, localService }))
  speechSynthesis.dispatchEvent(new Event('voiceschanged'))
  if (!button.hidden) button.click()
  return { without, isThere: !button.hidden, spoken: window.spoken }
}"""
SINHALA: Final = ("Nethmi", "si-LK", True)
ENGLISH: Final = ("Amy", "en_GB", True)
LENT: Final = ("Cloud", "en-US", False)
WELDERS: Final = "Welders and flamecutters"


async def read(page: Page, tag: str, *voices: tuple[str, str, bool]) -> dict[str, Any]:
    told: dict[str, Any] = await page.evaluate(READ, {"tag": tag, "voices": voices})
    assert told["without"] is True
    return told


async def test_each_language_is_read_by_a_voice_of_this_phone(chromium: Browser) -> None:
    async with looking(chromium, Here(), PHONE) as look:
        page = look.page
        await page.add_init_script(SPEECH)
        await page.route("**/*", serve)
        await look.open("/")
        await page.evaluate(DRAW, {"tag": "si", "screen": "question"})

        told = await read(page, "si", LENT, ENGLISH, SINHALA)
        by_voice = {
            name: " ".join(text for _, spoken, text in told["spoken"] if spoken == name) for name in ("Nethmi", "Amy")
        }
        assert {(lang, name) for lang, name, _ in told["spoken"]} == {("si", "Nethmi"), ("en", "Amy")}
        assert WELDERS in by_voice["Amy"]
        assert WELDERS not in by_voice["Nethmi"]
        assert "කවුද" in by_voice["Nethmi"] or "අස" in by_voice["Nethmi"]
        assert "Who asks" not in by_voice["Amy"]  # the second language beside a sentence is not read too

        # Without an English voice of its own, the phone's Sinhala one reads it: nothing goes to a service.
        told = await read(page, "si", LENT, SINHALA)
        assert {(lang, name) for lang, name, _ in told["spoken"]} == {("si", "Nethmi")}
        assert WELDERS in told["spoken"][0][2]

        # Nobody reads where no voice of the phone speaks the page's language.
        for voices in ([], [ENGLISH], [("Cloud", "si-LK", False)]):
            assert await read(page, "si", *voices) == {"without": True, "isThere": False, "spoken": []}

        await page.evaluate(DRAW, {"tag": "en", "screen": "question"})
        told = await read(page, "en", LENT, ENGLISH)
        assert [(lang, name) for lang, name, _ in told["spoken"]] == [("en", "Amy")]
        assert WELDERS in told["spoken"][0][2]
