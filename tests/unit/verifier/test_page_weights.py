"""What the pages without a desk weigh, with all that they load: they are opened on cheap phones and dear lines."""

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Final

from aiohttp.test_utils import TestClient, TestServer
from tests.unit.verifier import test_receipt_page, test_walk_in_page
from tests.unit.verifier.test_getting_in_pages import site
from tests.unit.verifier.test_walk_in import ended

from wanderbuch.agents.site.asset_files import Asset
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.rendering import Pages
from wanderbuch.agents.verifier.getting_in import kit as getting_in
from wanderbuch.agents.verifier.getting_in.first_person import FirstPerson
from wanderbuch.agents.verifier.getting_in.sign_up_pages import sign_up_pages
from wanderbuch.agents.verifier.getting_in.walk_in_pages import walk_in_routes
from wanderbuch.agents.verifier.pages import kit as desk
from wanderbuch.governance.facts.question import Verdict

MOST: Final = 100_000


def weight(page: str, assets: Mapping[str, Asset]) -> int:
    """Return the bytes of a page and of the files that it names."""
    names = set(re.findall(r'/assets/[0-9a-f]{16}/([^"]+)"', page))
    assert "site.css" in names
    return len(page.encode()) + sum(len(assets[name].body) for name in names)


async def test_the_pages_of_getting_in_weigh_less_than_100_kilobytes() -> None:
    app, _ = site((*walk_in_routes(), *sign_up_pages()), signs_up=True)
    async with TestClient(TestServer(app)) as client:
        for language in LANGUAGES:
            for path in ("prove/{}/", "sign-up/{}/", "sign-up/{}/apply", "sign-up/{}/applications"):
                response = await client.get("/" + path.format(language))
                assert response.status == 200
                assert weight(await response.text(), getting_in.KIT.assets) < MOST, (path, language)


def test_what_is_shown_to_who_signed_up_or_asked_weighs_less_than_100_kilobytes() -> None:
    for language in LANGUAGES:
        made = Pages("/sign-up", getting_in.KIT).text(
            "sign_up_done.html",
            LANGUAGES[language],
            site_name="Authority",
            record=SimpleNamespace(id="valletta-yard-1172ff", name="Valletta Yard"),
            token="t" * 43,
            app="/v1/t/valletta-yard-1172ff",
            first=FirstPerson("first-1", "/t/valletta-yard-1172ff/desk", "https://a.test/i/x", None),
            idle_days=60,
        )
        assert weight(made, getting_in.KIT.assets) < MOST, language
        for verdict in Verdict:
            asked = test_walk_in_page.page(language, ended(verdict))
            assert weight(asked, getting_in.KIT.assets) < MOST, (language, verdict)


def test_a_receipt_weighs_less_than_100_kilobytes() -> None:
    for language in LANGUAGES:
        for verdict in Verdict:
            page = test_receipt_page.page(language, verdict)
            assert weight(page, desk.KIT.assets) < MOST, (language, verdict)
