"""The employer's desk in Chromium: for everybody, with the keyboard alone, without JavaScript, and on paper."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
import pytest_asyncio
from acapy_agent.utils.testing import create_test_profile
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, Route, ViewportSize, expect
from tests.browser.conftest import SCREENSHOTS
from tests.browser.looking import DESKTOP, SIZES, Look, follow, looking, tab_to, violations_on
from tests.thorough import share_of
from tests.unit.trust.receipts.test_receipts import DECIDED, verification
from tests.unit.verifier.test_receipt_page import page as receipt_page
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, AUDITOR, DeskPlace, open_place
from tests.unit.verifier_pages.test_answer_page import OVER
from tests.unit.verifier_pages.test_paper_page import PAPER

from wanderbuch.agents.runtime.own_applications import ApplicationStanding, OwnApplication
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.getting_in.presets import use_of
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.pages.kit import KIT
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.facts.question import Requirement, Subject
from wanderbuch.governance.signed.application import Application, VerifierWants
from wanderbuch.plugins.trust.verifying.answer_facts import (
    AnswerFact,
    AnswerGrounds,
    AnswerSource,
    FactKind,
    FactOutcome,
    SourceKind,
)
from wanderbuch.plugins.trust.verifying.asked import AskedGroup, AwardPrecision
from wanderbuch.plugins.trust.verifying.exchange import open_verifications
from wanderbuch.store.records import RecordStore, new_id

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.needs("chromium")]

DESK_LOOKS: Final = (
    ("fr", "phone", "light"),
    ("ar", "desktop", "dark"),
    ("ar", "phone", "light"),
    ("en", "phone", "dark"),
    ("en", "desktop", "light"),
)
"""How every page is looked at; the first two of them in `make system`."""
SMALL: ViewportSize = {"width": 360, "height": 640}
ASKED_BACK: Final = {"id": "case", "revision": 1, "state": "ASKED_BACK", "decided_at": None, "waited_s": {}}
_USE: Final = {
    "aim": "To hire welders for the yard",
    "privacy_policy": "https://yard.example/privacy",
    "legal_basis": "https://law.example/1",
    "purposes": ["employment"],
    "jurisdictions": ["MLT"],
    "keeps_days": "30",
}
WANTS: Final = VerifierWants(uses=(use_of("qualification", _USE),))


@dataclass(frozen=True)
class Yard:
    """The desk of a shipyard, and a question that is over for every way in which one ends."""

    place: DeskPlace
    url: str
    over: dict[str, str]

    @property
    def tokens(self) -> dict[str, str]:
        return self.place.tokens


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def yard() -> AsyncIterator[Yard]:
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    place = await open_place(profile)
    verifications, over = open_verifications(profile), {}
    for number, (name, how) in enumerate(OVER.items()):
        ended = verification(**{"id": f"{number:032x}", "ended_at": place.employer.now, "asked_by": ASKER, **how})
        over[name] = (await verifications.insert(ended)).id
    async with TestServer(place.application()) as server:
        yield Yard(place, str(server.make_url("")).rstrip("/"), over)
    await profile.close()


async def sign_in(look: Look, token: str, language: str = "en") -> None:
    await look.open(f"/desk/{language}/sign-in")
    await look.page.fill("#token", token)
    await look.page.focus("#token")
    await follow(look.page)
    await expect(look.page.locator(".me")).to_be_attached()


async def write_question(look: Look, language: str = "en") -> None:
    """Fill in the form for a welder, and have it explained."""
    await look.open(f"/desk/{language}/ask")
    await look.page.fill("[id='c0.about']", "Welders and flamecutters")
    await look.page.select_option("[id='c0.level']", "EQF:3")
    await look.page.check("input[name=subject][value=name]")
    await look.page.fill("#place", "Malta")
    async with look.page.expect_navigation():
        await look.page.click("p.actions button.button")


async def put_question(look: Look, language: str = "en") -> str:
    await write_question(look, language)
    async with look.page.expect_navigation():
        await look.page.click("form[action$='/ask/put'] button")
    return look.page.url.rpartition("/")[2]


async def fill_in_paper(page: Page) -> None:
    for name in ("centre", "occupation", "awarded_on"):
        await page.fill(f"[name={name}]", PAPER[name])
    await page.fill("[name=place]", "Malta")
    async with page.expect_navigation():
        await page.click("main form.panel button.button")


@pytest.mark.parametrize(("language", "size", "scheme"), share_of(DESK_LOOKS, 0, 1))
async def test_every_page_can_be_used_by_everybody(
    chromium: Browser, yard: Yard, language: str, size: str, scheme: Any
) -> None:
    home, name = f"/desk/{language}", f"{language}-{size}-{scheme}"
    async with looking(chromium, yard, SIZES[size], color_scheme=scheme) as look:
        page = look.page
        await look.open(f"{home}/sign-in")
        await look.check(f"asking-sign-in-{name}")
        await sign_in(look, yard.tokens[ASKER], language)
        await look.check(f"asking-start-{name}")
        await look.open(f"{home}/ask?template=driver")
        await page.locator("details.part summary").click()
        await look.check(f"asking-form-{name}")
        await page.fill("[id='c0.about']", "driver")
        await page.fill("#place", "Malta")
        async with page.expect_navigation():
            await page.click("p.actions button.button")
        await expect(page.locator("#problems")).to_be_visible()
        look.noise.clear()  # the browser itself says that the answer was 422
        await look.check(f"asking-problems-{name}")
        await write_question(look, language)
        for summary in await page.locator("details.part summary").all():
            await summary.click()
        await look.check(f"asking-explained-{name}")
        await page.fill("#link-title", "Welders, spring")
        async with page.expect_navigation():
            await page.click("form[action$='/ask/link'] button")
        await look.check(f"asking-link-{name}")
        await look.open(f"{home}/paper")
        await look.check(f"asking-paper-{name}")
        await fill_in_paper(page)
        await look.check(f"asking-paper-answer-{name}")
        await look.open(f"{home}/links")
        await look.check(f"asking-links-{name}")
        question = await put_question(look, language)
        await look.check(f"asking-live-{name}")
        await look.open(f"{home}/question/{question}/codes")
        await expect(page.locator("#codes-shown canvas")).to_be_visible()
        await look.check(f"asking-codes-{name}")
        await look.open(f"{home}/question/{question}")
        await yard.place.answer(question)
        await expect(page.locator("#head")).to_be_visible()
        await look.check(f"asking-answer-{name}")
        for over in ("accepted-nobody-named", "refused", "unknown", "declined"):
            await look.open(f"{home}/question/{yard.over[over]}")
            await look.check(f"asking-over-{over}-{name}")
    async with looking(chromium, yard, SIZES[size], color_scheme=scheme) as look:
        await look.open(f"{home}/recover")
        await look.check(f"asking-recover-{name}")
        await sign_in(look, yard.tokens[AUDITOR], language)
        await look.check(f"asking-start-auditor-{name}")
        await look.open(f"{home}/audit")
        await look.check(f"asking-audit-{name}")
    async with looking(chromium, yard, SIZES[size], color_scheme=scheme) as look:
        await sign_in(look, yard.tokens[ADMINISTRATOR], language)
        for path in ("settings", "rules", "people", "means", "applications", "applications/new"):
            await look.open(f"{home}/{path}")
            await look.check(f"asking-{path.replace('/', '-')}-{name}")


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("fr", "light"), ("ar", "dark")])
async def test_the_verdict_stands_above_the_fold_whatever_it_is(
    chromium: Browser, yard: Yard, language: str, scheme: str
) -> None:
    async with looking(chromium, yard, SMALL, color_scheme=scheme) as look:
        await sign_in(look, yard.tokens[ASKER], language)
        for name, question_id in yard.over.items():
            await look.open(f"/desk/{language}/question/{question_id}")
            box = await look.page.locator("#head").bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= SMALL["height"], name
            await look.check(
                f"asking-fold-{name}-{language}-{scheme}", with_axe=scheme == "dark" and name in ("refused", "unknown")
            )


@pytest.mark.parametrize(("language", "size", "scheme"), [("fr", "phone", "light"), ("ar", "desktop", "dark")])
async def test_an_administrator_sees_applications_name_and_rules(
    chromium: Browser,
    yard: Yard,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    size: str,
    scheme: str,
) -> None:
    """The authority is away: how an application stood is shown, with a form for the answer that it waits for."""

    async def away(*_: Any, **__: Any) -> Any:
        raise ResolutionError("the authority does not answer")

    office, name = yard.place.office, f"{language}-{size}-{scheme}"
    monkeypatch.setattr(yard.place.employer.host, "post", away, raising=False)
    at, applications = office.tenant.clock(), RecordStore(yard.place.profile, OwnApplication)
    back = {"question": "Who are you?", "asked_at": at, "is_answered": False}
    asked = {**ASKED_BACK, "received_at": at, "questions": [back]}
    told: dict[str, Any] = {
        "name": office.name,
        "country": "MLT",
        "revision": 1,
        "to": office.own_applications.authority,
        "made_at": at,
        "wants": WANTS,
    }
    for standing in (None, ApplicationStanding.model_validate(asked)):
        made = Application.model_validate({**told, "id": new_id()})
        await applications.insert(OwnApplication(id=made.id, application=made, jws="a.b.c", standing=standing))
    question = {"place": "Malta", "subject": "name", "credentials": [{"ask": "qualification", "occupation": "welder"}]}
    await make_link(office, NewLink.model_validate({"title": "Welders, by name", "question": question}))
    async with looking(chromium, yard, SIZES[size], color_scheme=scheme) as look:
        page, home = look.page, f"/desk/{language}"
        await sign_in(look, yard.tokens[ADMINISTRATOR], language)
        await look.open(f"{home}/applications")
        await expect(page.locator("main .note").first).to_be_visible()
        await expect(page.locator("main textarea").first).to_be_visible()
        await look.check(f"asking-away-{name}")
        await page.click(f"main a[href='{home}/applications/new']")
        await look.check(f"asking-apply-{name}")
        await page.evaluate("document.querySelector('main form').noValidate = true")
        async with page.expect_navigation():
            await page.click("main form button.button")
        await expect(page.locator("main [role=alert]")).to_be_visible()
        look.noise.clear()  # the browser itself says that the answer was 422
        await look.check(f"asking-apply-incomplete-{name}")
        await look.open(f"{home}/settings")
        await page.fill("#own-name", "[")
        async with page.expect_navigation():
            await page.click("form[action$='/settings'] button.button")
        await expect(page.locator("#own-name-problem")).to_contain_text("[ ]")
        look.noise.clear()
        await look.check(f"asking-name-problem-{name}")
        await look.open(f"{home}/rules")
        await page.select_option("#name", "never")
        async with page.expect_navigation():
            await page.click(f"form[action='{home}/rules'] button.button")
        await expect(page.locator("#against")).to_be_visible()
        await look.check(f"asking-rules-forbid-{name}")
        async with page.expect_navigation():
            await page.click("form[action$='/rules/remove'] button")
        await expect(page.locator("#against")).to_have_count(0)


async def test_a_question_is_asked_and_read_with_the_keyboard_alone(chromium: Browser, yard: Yard) -> None:
    async with looking(chromium, yard, DESKTOP) as look:
        page = look.page
        await look.open("/desk/en/")
        await tab_to(page, "#token")
        await page.keyboard.type(yard.tokens[ASKER])
        await follow(page)
        await tab_to(page, "main p.actions a.button")
        await follow(page)
        await tab_to(page, "[id='c0.about']")
        await page.keyboard.type("welder")
        await tab_to(page, "[id='c0.level']")
        await page.keyboard.type("Level 3")
        await tab_to(page, "input[name=subject]")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowUp")
        await tab_to(page, "#place")
        await page.keyboard.type("Malta")
        await tab_to(page, "main p.actions button")
        await follow(page)
        await expect(page.locator("h1")).to_have_text("What you will learn")
        await tab_to(page, "form[action$='/ask/put'] button")
        await follow(page)
        await expect(page.locator("h1")).to_have_text("Show this code to the worker")
        question = page.url.rpartition("/")[2]
        await yard.place.answer(question)
        await expect(page.locator("#head h1")).to_have_text("Accepted")
        await tab_to(page, "form[action$='/again'] button")
        await follow(page)
        await tab_to(page, "form[action$='/withdraw'] button")
        await follow(page)
        await expect(page.locator("#head h1")).to_have_text("Question taken back")
        assert look.noise == []


async def test_the_desk_works_without_javascript(chromium: Browser, yard: Yard) -> None:
    async with looking(chromium, yard, SMALL, java_script_enabled=False) as look:
        await sign_in(look, yard.tokens[ASKER])
        question = await put_question(look)
        await expect(look.page.locator("[role=status]")).to_have_text("No answer yet.")
        await yard.place.answer(question)
        await expect(look.page.locator("#head h1")).to_have_text("Accepted")


async def test_on_paper_the_decision_has_no_buttons(chromium: Browser, yard: Yard) -> None:
    async with looking(chromium, yard, DESKTOP) as look:
        await sign_in(look, yard.tokens[ASKER])
        await look.open(f"/desk/en/question/{yard.over['accepted']}")
        await look.page.emulate_media(media="print")
        await expect(look.page.locator("#head h1")).to_be_visible()
        await expect(look.page.locator("#facts")).to_be_visible()
        assert not any([await element.is_visible() for element in await look.page.locator("button, nav").all()])
        await look.check("asking-paper", with_axe=False)


NAMES: Final = ("occupation_isco08", "award_year", "expires_on", "framework", "crosswalk_version", "family_name")
ON_ONE_PAGE: Final = (*((tag, count) for count in (1, 2) for tag in LANGUAGES), ("en", 3), ("es", 3))
"""Which receipts, in which language and about how many certificates, fit on one page of paper."""
LEAST_PT: Final = 8
_SMALLEST: Final = """() => Math.min(...[...document.querySelectorAll(".receipt *")]
  .filter((one) => one.checkVisibility() && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .map((one) => parseFloat(getComputedStyle(one).fontSize)))"""
"""The size of the smallest letters of a receipt, in CSS pixels: 96 are 72 points."""
RECEIPT: Final = "https://shipyard.wanderbuch.test/receipts/1/2"
THREE: Final = {"welder": "C7212", "nurse": "C2221", "cook": "C5120"}


def receipt(language: str, *, credentials: int) -> str:
    """Return the page of a receipt with every fact about each certificate, and the sources of each."""
    names = list(THREE)[:credentials]
    asked = [
        AskedGroup(name, Requirement(THREE[name], "MLT", min_eqf_level=4, subject=Subject.NAME), AwardPrecision.YEAR,
                   NAMES, (), (), ())
        for name in names
    ]  # fmt: skip
    together = (FactKind.ONE_WALLET, FactKind.ONE_PERSON)
    own = [kind for kind in FactKind if kind not in together]
    counts = {"by": "Training Authority of Sri Lanka (example)", "version": "sri-lanka 3"}
    facts = [
        AnswerFact(
            kind, FactOutcome.HOLDS, counts if kind is FactKind.ISSUER_COUNTS else {}, as_of(kind, number), part=name
        )
        for number, name in enumerate(names if credentials > 1 else [""])
        for kind in own
    ]
    further = tuple(asked[1:])
    if further:
        facts += [AnswerFact(kind, FactOutcome.HOLDS) for kind in together]
    did = "did:webvh:QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG:centre-number-{}.wanderbuch.test:org/resources/zQm"
    sources = [
        AnswerSource(SourceKind.GOVERNANCE, "https://authority.wanderbuch.test/governance/x", DECIDED, version=3)
    ]
    for number in range(credentials):
        kinds = (SourceKind.STATUS_LIST, SourceKind.ISSUER_OBJECTS)
        sources += [AnswerSource(kind, did.format(number) + "1" * 44, DECIDED) for kind in kinds]
    grounds = AnswerGrounds(tuple(facts), tuple(sources))
    only = {} if credentials == 1 else {"group": names[0]}
    return receipt_page(
        language, requirement=asked[0].requirement, names=NAMES, further=further, grounds=grounds, **only
    )


def as_of(kind: FactKind, number: int) -> datetime:
    """Return how old a fact is: each certificate has a status list of its own, and its issuer's keys."""
    return DECIDED - timedelta(hours=number) if kind in (FactKind.NOT_REVOKED, FactKind.GENUINE) else DECIDED


@pytest.mark.parametrize(("language", "credentials"), share_of(ON_ONE_PAGE, 2, 3, 8))
async def test_a_receipt_is_printed_on_one_page_without_controls(
    chromium: Browser, yard: Yard, language: str, credentials: int
) -> None:
    text = receipt(language, credentials=credentials)

    async def give(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        asset = KIT.assets.get(name)
        body, kind = (text.encode(), "text/html; charset=utf-8") if asset is None else (asset.body, asset.content_type)
        await route.fulfill(body=body, content_type=kind)

    async with looking(chromium, yard, DESKTOP) as look:
        page = look.page
        await page.route("https://shipyard.wanderbuch.test/**", give)
        await page.goto(RECEIPT)
        assert await violations_on(page) == []
        await page.emulate_media(media="print")
        await expect(page.locator("#decided")).to_be_visible()
        await expect(page.locator("#facts")).to_be_visible()
        assert not any([await one.is_visible() for one in await page.locator("button, nav, a.button").all()])
        assert await page.evaluate(_SMALLEST) * 72 / 96 >= LEAST_PT - 0.01
        for paper in ("A4", "Letter"):
            printed = await page.pdf(format=paper)
            if SCREENSHOTS is not None:
                (SCREENSHOTS / f"receipt-{language}-{credentials}-{paper}.pdf").write_bytes(printed)
            assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1, (language, paper)
