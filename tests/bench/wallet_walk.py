"""A worker's walk through the wallet in the page, in Chromium among real agents: bytes, and time where all is slow.

- Which files they are of is counted by path where that can be seen (`asked_paths`).
- Bytes are all that goes over the phone's line, TLS with it, both ways; the phone knows nothing before, and keeps its
  cache between the parts. The authority's file has so many institutions, divided; so many certificates are revoked.
- A phone that is six times slower: the processes that draw and reckon pay for what they use (`slow_phone`). Agents and
  network are not slowed.
- What is counted there is what the worker waits for: from loading the page until it asks for the PIN, from the press on
  the button to the screen that follows, from the yes to the verdict. Between them a person takes three seconds a press,
  as in the walk (ADR 135); `at once` in the details is the same by somebody who takes none. So it is there, too, with
  what the browser itself slows, the page's own thread alone: so the bars were set.
- On that phone the page is handled from within, at once: Playwright fills and presses in a dozen messages each, which a
  slowed page answers when its turn comes, and an empty page with one field and one button then takes half a second.
- The slow line: 50 kbit/s each way and a round trip of 600 ms, for all connections together.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from playwright.async_api import Page, ViewportSize
from tests.bench.institutions import institutions
from tests.bench.slow_phone import slow_phone
from tests.interop.asked_paths import AskedPaths
from tests.interop.page_town import PageTown, page_town
from tests.interop.page_walk import PIN, S_A_TAP, WAIT_MS, Walk, answer, take
from tests.issuer_keys import share_issuer_keys
from tests.needs import chromium_shell

from wanderbuch.agents.demo.example import next_version

_PHONE: Final[ViewportSize] = {"width": 320, "height": 640}
_SLOWER: Final = 6
_DIVIDE_ABOVE: Final = 64 * 1024
_LINE_KBIT_S: Final = 50.0
_ROUND_TRIP_S: Final = 0.6
_BY_ITSELF: Final = """
async ([pin, title, answers, person_ms]) => {
  const comes = (wanted) => new Promise((resolve) => {
    const look = () => {
      if (document.querySelector("h1")?.textContent.trim() !== wanted) return
      observer.disconnect()
      resolve()
    }
    const observer = new MutationObserver(look)
    observer.observe(document, { childList: true, characterData: true, subtree: true })
    look()
  })
  const person = () => new Promise((resolve) => person_ms ? setTimeout(resolve, person_ms) : resolve())
  let waited = 0
  let since = 0  // the page's loading began
  const seen = () => { waited += performance.now() - since }
  const buttons = () => [...document.querySelectorAll("button")]
  const press = (name) => {
    since = performance.now()
    buttons().find((each) => each.textContent.trim() === name).click()
  }
  await comes("Your book is locked")
  seen()
  const field = document.querySelector("input[autocomplete=current-password]")
  field.focus()
  field.value = pin
  field.dispatchEvent(new InputEvent("input", { bubbles: true }))
  await person()
  press("Open my book")
  await comes(title)
  seen()
  if (!answers) return waited
  await person()
  press("Yes, show them this")
  await comes("Your answer has arrived")
  seen()
  return waited
}
"""
_LOOP: Final = """
() => {
  const began = performance.now()
  let rest = 1
  for (let count = 0; count < 40_000_000; count++) rest = (rest * 31 + 7) % 1_000_007
  return performance.now() - began
}
"""
_ROUNDS: Final = 5
_REST_S: Final = 2.0  # a visit begins when the agents have done with the one before, and the question that it is about
_SEED: Final = 14
_MOST_BODY: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class WalletWalkFigures:
    """The figures by key, and what was counted."""

    values: Mapping[str, float]
    details: Mapping[str, object]


async def measure_wallet_walk(
    folder: Path, *, count: int, revoked: int, progress: Callable[[str], None]
) -> WalletWalkFigures:
    """Answer on a slow phone and on a slow line; then, in another town, walk and count bytes.

    What tells by path what was asked for stands before the agents, and makes each of their answers later: so times are
    measured where nobody counts. They are measured without a desktop's windows, too: those have pages of their own, for
    their address bar, that are drawn at each visit, and no phone has them.

    Args:
        folder: where the agents keep their files.
        count: further institutions in the authority's file.
        revoked: certificates of the centre.
        progress: told of each step.
    """
    await asyncio.to_thread(folder.mkdir, parents=True)
    share_issuer_keys(folder)
    progress("A worker's walk through the wallet in the page")
    async with _town(folder / "timed", count=count, revoked=revoked, program=chromium_shell()) as town:
        times, slow = await _times(town, progress)
    asked = AskedPaths()
    paths: dict[str, Mapping[str, str]] = {}
    async with _town(folder / "counted", count=count, revoked=revoked, asked=asked) as town:
        context = await town.browser.new_context(viewport=_PHONE, reduced_motion="reduce")
        context.on("requestfinished", asked.browser_asked)
        page = await context.new_page()
        await asked.since()
        walk = Walk(town.line)
        offer = await town.ecosystem.offer()
        await take(walk, page, f"{town.url}/#{offer['short_url']}")
        paths["first credential"] = await asked.since()
        await answer(walk, await context.new_page(), f"{town.url}/#{await _question(town)}")
        paths["answer"] = await asked.since()
    for part, report in paths.items():
        progress(f"Asked for ({part}):" + "".join(f"\n  {name}: {size}" for name, size in report.items()))
    values = {
        "first_credential_kb": sum(walk.bytes["first credential"].values()) / 1_000,
        "answer_kb": sum(walk.bytes["answer"].values()) / 1_000,
    }
    progress(f"Bytes on the phone's line: {walk.bytes}; {values}")
    values |= times
    progress(f"So far: {values}")
    details = {**walk.told(), "institutions": count, "revoked": revoked, "paths": paths, "slow phone": slow}
    return WalletWalkFigures({key: round(value, 1) for key, value in values.items()}, details)


@asynccontextmanager
async def _town(
    folder: Path, *, count: int, revoked: int, asked: AskedPaths | None = None, program: Path | None = None
) -> AsyncIterator[PageTown]:
    options = {"divide_above_bytes": _DIVIDE_ABOVE}
    async with page_town(
        folder,
        worker=True,
        authority_options=options,
        authority_body_bytes=_MOST_BODY,
        asked=asked,
        program=program,
    ) as town:
        await _add_institutions(town, count)
        await _revoke(town, revoked)
        yield town


async def _times(town: PageTown, progress: Callable[[str], None]) -> tuple[Mapping[str, float], Mapping[str, object]]:
    """Take a certificate; then open the book and answer in another tab, on a slow phone, and on a slow line."""
    context = await town.browser.new_context(viewport=_PHONE, reduced_motion="reduce")
    walk, page = Walk(town.line), await context.new_page()
    offer = await town.ecosystem.offer()
    await take(walk, page, f"{town.url}/#{offer['short_url']}")
    tab = await context.new_page()
    await answer(walk, tab, f"{town.url}/#{await _question(town)}")
    progress("The same with the page's own thread six times slower, by the browser; nobody takes any time")
    throttling = await context.new_cdp_session(tab)
    await throttling.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    by_browser = await _waits(town, tab, person_s=0.0)
    await throttling.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    await throttling.detach()
    progress(f"Waited for, opening and answering: {by_browser}")
    progress("The same on a phone six times slower")
    at_full_speed = await _loop_ms(tab)
    async with slow_phone(times=_SLOWER):
        slower = await _loop_ms(tab) / at_full_speed
        waits = await _waits(town, tab, person_s=S_A_TAP)
        at_once = await _waits(town, tab, person_s=0.0)
    progress(f"Waited for, opening and answering: {waits}; at once {at_once}; a loop takes {slower:.1f} times as long")
    progress("The same on a line of 50 kbit/s")
    town.line.kbit_s, town.line.round_trip_s = _LINE_KBIT_S, _ROUND_TRIP_S
    link = f"{town.url}/#{await _question(town)}"
    began = time.monotonic()
    try:
        await _waited_ms(tab, link, "Somebody asks you", answers=True)
    except AssertionError:  # it gave up waiting: the figure is what it waited, at least
        progress("On the slow line no answer arrived in time")
    opened, answered = map(median, waits)
    values = {
        "wallet_open_ms_6x": opened,
        "wallet_scan_to_trusted_ms_6x": answered,
        "wallet_answer_50_kbit_s": time.monotonic() - began,
    }
    slow = {
        "a loop takes so many times as long": slower,
        "waited for": waits,
        "waited for at once": at_once,
        "waited for at once, slowed by the browser": by_browser,
    }
    return values, slow


async def _question(town: PageTown) -> str:
    return str((await town.ecosystem.ask(min_eqf_level=3, deadline_s=300))["short_url"])


async def _waits(town: PageTown, tab: Page, *, person_s: float) -> tuple[list[float], list[float]]:
    """Open the book and answer, in turns; give what each took, in ms."""
    opened, answered = [], []
    for _ in range(_ROUNDS):
        opened.append(await _waited_ms(tab, town.url, "My book", person_s=person_s))
        link = f"{town.url}/#{await _question(town)}"
        answered.append(await _waited_ms(tab, link, "Somebody asks you", answers=True, person_s=person_s))
    return opened, answered


async def _waited_ms(page: Page, url: str, title: str, *, answers: bool = False, person_s: float = 0.0) -> float:
    """Load the page, open the book, come to a screen and answer; give what a person waits for, who takes so long."""
    await page.goto("about:blank")
    await asyncio.sleep(_REST_S)
    await page.goto(url, wait_until="commit")
    try:
        async with asyncio.timeout(WAIT_MS / 1_000):
            return round(float(await page.evaluate(_BY_ITSELF, [PIN, title, answers, person_s * 1_000])), 1)
    except TimeoutError:
        raise AssertionError(f"the page did not come to {title!r}, or to the end of an answer") from None


async def _loop_ms(page: Page) -> float:
    """Return what a loop takes that waits for nothing."""
    return median([float(await page.evaluate(_LOOP)) for _ in range(_ROUNDS)])


async def _add_institutions(town: PageTown, count: int) -> None:
    """Publish the next version, in which so many others may do what the centre may."""
    ecosystem = town.ecosystem
    changed = next_version(ecosystem.payload)
    entries = changed["participants"]["entries"]
    did = changed["author"]
    name = next(entry[did]["name"] for entry in entries.values() if "name" in entry.get(did, {}))
    authority = {"did": did, "name": name, "site": f"https://{ecosystem.authority.host}"}
    for institution in institutions(count, authority=authority, seed=_SEED):
        for schema, statement in institution.statements.items():
            entries[schema][institution.did] = statement
    await ecosystem.authority.post("/versions", {"payload": changed})
    for agent in (ecosystem.centre, ecosystem.employer, ecosystem.worker):
        assert agent is not None
        await agent.post("/governance/refresh")


async def _revoke(town: PageTown, count: int) -> None:
    """Let another wallet take so many certificates, and the centre revoke them."""
    centre, worker = town.ecosystem.centre, town.ecosystem.worker
    assert worker is not None
    for _ in range(count):
        offer = await town.ecosystem.offer()
        opened = await worker.post("/invitations", {"url": offer["short_url"]})
        await worker.wait_for(f"/offers/{opened['id']}", "state", "OPEN")
        await worker.post(f"/offers/{opened['id']}/accept")
        await centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
        await centre.post(f"/credentials/{offer['id']}/revoke")
