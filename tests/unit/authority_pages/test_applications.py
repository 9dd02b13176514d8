"""Applications at the desk, and the register's way to the authority's own verifier."""

from typing import Any

import pytest
from tests.unit.authority.test_applications import YARD, application
from tests.unit.authority_pages.conftest import APPROVER, EDITOR, Browser
from tests.unit.authority_pages.place import REDRESS, Place

from wanderbuch.agents.site.languages import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_application_is_decided_by_two_in_every_language(
    place: Place, browser: Browser, language: str
) -> None:
    tokens = await place.hire()
    case = await place.applications.take(YARD, application(name="Yard <b>"), "a.b.c", network="203.0.113.0/24")
    await browser.sign_in(tokens[EDITOR], language)
    assert "Yard &lt;b&gt;" in (await browser.ask(f"/desk/{language}/applications")).text
    page = f"/desk/{language}/application/{case.id}"
    text = (await browser.ask(page)).text
    assert "To hire welders" in text
    trail = text.partition('id="trail"')[2]
    assert "Yard &lt;b&gt;" in trail  # who applied, by name
    assert "applicant" not in trail
    told: dict[str, Any] = {"revision": "0", "outcome": "approve", "reason": "Right", "redress": REDRESS}
    proposed = await browser.send(f"{page}/propose", **told, use0="occupation_isco08")
    assert proposed.status == 303
    case = await place.applications.get(case.id)
    content = await place.applications.content(case)
    assert content is not None
    assert content.grants[0].attributes == ("occupation_isco08",)  # the name was not ticked
    browser.cookie = ""
    await browser.sign_in(tokens[APPROVER], language)
    assert (await browser.send(f"{page}/approve", revision=str(case.revision), digest=case.digest)).status == 303
    case = await place.applications.get(case.id)
    assert case.outcome == "approve"
    assert f"/draft/{case.draft_id}" in (await browser.ask(page)).text


async def test_a_form_that_says_no_decision_decides_nothing(place: Place, browser: Browser) -> None:
    tokens = await place.hire()
    case = await place.applications.take(YARD, application(), "a.b.c", network="203.0.113.0/24")
    await browser.sign_in(tokens[EDITOR])
    page = f"/desk/en/application/{case.id}"
    for told in (
        {"outcome": "perhaps", "reason": "x", "redress": REDRESS, "revision": "0"},
        {"outcome": "refuse", "reason": "", "redress": REDRESS, "revision": "0"},
        {"outcome": "refuse", "reason": "x", "redress": "javascript:x()", "revision": "0"},
        {"outcome": "refuse", "reason": "x", "redress": REDRESS, "revision": "x"},
    ):
        assert (await browser.send(f"{page}/propose", **told)).status == 400
    assert await place.applications.get(case.id) == case


async def test_the_register_leads_to_the_authoritys_own_verifier_where_there_is_one(
    place: Place, browser: Browser
) -> None:
    assert "Ask a worker to prove it" not in (await browser.ask("/registry/en/")).text
    place.register.prove_url = "https://authority.wanderbuch.test/check/prove"
    for path in ("/registry/en/", "/registry/en/occupation/C7212"):
        assert "https://authority.wanderbuch.test/check/prove/en/?occupation=" in (await browser.ask(path)).text
