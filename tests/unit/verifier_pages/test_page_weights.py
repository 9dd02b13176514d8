"""What every page of the desk weighs, with all that it loads: in each language, and full, as after a busy year."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pytest
import pytest_asyncio
from tests.unit.trust.receipts.test_receipts import verification
from tests.unit.verifier_pages.conftest import Browser, put
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, AUDITOR, DeskPlace, fields
from tests.unit.verifier_pages.test_answer_page import OVER
from tests.unit.verifier_pages.test_paper_page import PAPER

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.pages.mounting import desk_handlers
from wanderbuch.plugins.trust.verifying.exchange import open_verifications

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST: Final = 100_000
MANY: Final = 60
HOME: Final = "/desk/{language}"
PAGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "/": (ASKER, ("/",)),
    "/sign-in": ("", ("/sign-in",)),
    "/recover": ("", ("/recover",)),
    "/ask": (ASKER, ("/ask", "/ask?template=driver")),
    "/question/{id}": (ASKER, ("/question/open", *(f"/question/{name}" for name in OVER))),
    "/question/{id}/codes": (ASKER, ("/question/open/codes",)),
    "/links": (ASKER, ("/links",)),
    "/link/{id}": (ASKER, ("/link/advert",)),
    "/paper": (ASKER, ("/paper",)),
    "/means": (ASKER, ("/means",)),
    "/audit": (AUDITOR, ("/audit",)),
    "/settings": (ADMINISTRATOR, ("/settings",)),
    "/rules": (ADMINISTRATOR, ("/rules",)),
    "/people": (ADMINISTRATOR, ("/people",)),
    "/applications": (ADMINISTRATOR, ("/applications",)),
    "/applications/new": (ADMINISTRATOR, ("/applications/new",)),
}
"""Who sees it, and where: `open`, `advert` and the names of `OVER` stand for ids."""
NO_PAGES: Final = frozenset(
    {
        "/occupations.json",
        "/question/{id}/events",
        "/invitation/{secret}",  # of somebody who signs in for the first time: tests/unit/people
        "/openid",
        "/openid/{secret}",
        "/{lost:.*}",
    }
)


@dataclass(frozen=True)
class Full:
    """A desk with much on its lists, by the names that `PAGES` has for ids."""

    browsers: Mapping[str, Browser]
    ids: Mapping[str, str]

    async def weight(self, person: str, page: str) -> int:
        """Return the bytes of a page and of all that it loads."""
        browser = self.browsers[person or ASKER]
        addresses = set(re.findall(r'(?:src|href)="(/desk/assets/[^"]+)"', page))
        addresses |= set(re.findall(r'data-titles="([^"]+)"', page))
        assert any(address.endswith("site.css") for address in addresses)
        loaded = [await browser.ask(address) for address in addresses]
        assert {one.status for one in loaded} == {200}
        return len(page.encode()) + sum(len(one.text.encode()) for one in loaded)

    async def page(self, person: str, path: str) -> str:
        """Return a page that is there."""
        for name, own in self.ids.items():
            path = re.sub(rf"/{name}(?=/|$)", f"/{own}", path)
        if person:
            answer = await self.browsers[person].ask(path)
        else:
            known = self.browsers[ASKER]
            answer = await Browser(known.server, known.session).ask(path)
        assert answer.status == 200, path
        return answer.text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def full(place: DeskPlace, browsers: dict[str, Browser]) -> Full:
    verifications, at = open_verifications(place.profile), place.employer.now
    ids = {"open": await put(browsers[ASKER], subject="name", ref="R" * 32)}
    for number, (name, how) in enumerate(OVER.items()):
        told = {"id": f"{number:032x}", "ended_at": at, "asked_by": ASKER, **how}
        ids[name] = (await verifications.insert(verification(**told))).id
    for number in range(MANY):
        told = {"id": f"{number + 1000:032x}", "ended_at": at, "asked_by": ASKER, **OVER["accepted"]}
        await verifications.insert(verification(**told))
        question = {
            "place": "Malta",
            "subject": "name",
            "credentials": [{"ask": "qualification", "occupation": "welder"}],
        }
        told = {"title": f"Welders for the new yard, number {number}", "question": question}
        ids["advert"] = (await make_link(place.office, NewLink.model_validate(told), made_by=ASKER)).id
    return Full(browsers, ids)


async def test_every_page_is_weighed() -> None:
    below = {path.removeprefix(HOME) for method, path in desk_handlers() if method == "GET" and path.startswith(HOME)}
    assert below - {""} == set(PAGES) | NO_PAGES


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_page_and_what_it_loads_weigh_less_than_100_kilobytes(full: Full, language: str) -> None:
    home, weights = HOME.format(language=language), dict[str, int]()
    for person, paths in PAGES.values():
        for path in paths:
            weights[path] = await full.weight(person, await full.page(person, home + path))
    asker = full.browsers[ASKER]
    explained = await asker.preview(fields(subject="name_and_birth_date"), language)
    problems = await asker.preview(fields(place="nowhere", c0__about="driver"), language)
    paper = await asker.post(f"{home}/paper", {**PAPER, "place": "Malta"})
    for name, answer in {"explained": explained, "problems": problems, "paper": paper}.items():
        assert answer.status in {200, 422}, name
        weights[name] = await full.weight(ASKER, answer.text)
    assert {name: weight for name, weight in weights.items() if weight >= MOST} == {}
