"""The page of an employer's own rules: who may change them, in whose words, and what holds afterwards."""

import re

import pytest
from tests.unit.verifier_pages.conftest import Browser
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, AUDITOR, DeskPlace, fields

from wanderbuch.agents.verifier.forbidden_links import forbidden_links
from wanderbuch.agents.verifier.links.link import QuestionLink
from wanderbuch.agents.verifier.links.models import NewLink
from wanderbuch.agents.verifier.making_links import make_link
from wanderbuch.agents.verifier.policies.document import PolicyDocument, compiled

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/desk/en/rules"
NO_RULE = {
    "name": "may_be_asked",
    "birth_date": "may_be_asked",
    "award_day": "may_be_asked",
    "keeping": "where_a_law_asks",
    "most_credentials": "5",
    "revocation": "must_be_valid",
    "alike": "never",
}


async def revision_on(browser: Browser, path: str = PATH) -> str:
    revision = re.search(r'name="revision" value="([0-9]+)"', (await browser.ask(path)).text)
    assert revision is not None
    return revision[1]


async def test_only_administrators_see_and_change_the_rules(browsers: dict[str, Browser], place: DeskPlace) -> None:
    for person in (ASKER, AUDITOR):
        assert (await browsers[person].ask(PATH)).status == 403
        for path in (PATH, f"{PATH}/remove"):
            assert (await browsers[person].send(path, revision="0", **NO_RULE)).status == 403
    assert (await place.office.policy.get()).document is None


async def test_rules_are_set_in_words_hold_for_the_next_question_and_are_removed(
    browsers: dict[str, Browser], place: DeskPlace
) -> None:
    browser = browsers[ADMINISTRATOR]
    assert "There are none" in (await browser.ask(PATH)).text
    rules = {**NO_RULE, "name": "never", "places": " malta\r\nSri Lanka\r\n\r\n", "purposes": "employment"}
    changed = await browser.send(PATH, revision=await revision_on(browser), **rules)
    assert (changed.status, changed.target) == (303, f"{PATH}?saved=1")
    document = (await place.office.policy.get()).document
    assert document is not None
    assert (document.places, document.name, document.most_credentials) == (["LKA", "MLT"], "never", 5)
    page = (await browser.ask(changed.target)).text
    for part in (
        "Saved.",
        "Issuers must count in: ",
        "No question asks for the worker’s name.",
        "Sri Lanka\nMalta</textarea>",
    ):
        assert part in page, part
    assert re.search(r'value="employment"[^>]* checked', page)
    assert "LKA" not in page
    refused = await browsers[ASKER].preview(fields(subject="name"))
    assert "against your own policy" in refused.text
    french = (await browser.ask("/desk/fr/rules")).text
    assert "Aucune question ne demande le nom du travailleur." in french
    removed = await browser.send(f"{PATH}/remove", revision=await revision_on(browser))
    assert removed.status == 303
    assert (await place.office.policy.get()).document is None


async def test_what_is_wrong_is_told_and_nothing_is_lost(browsers: dict[str, Browser], place: DeskPlace) -> None:
    browser = browsers[ADMINISTRATOR]
    revision = await revision_on(browser)
    wrong = await browser.send(PATH, revision=revision, **{**NO_RULE, "places": "Atlantis", "name": "always"})
    assert (wrong.status, "Atlantis" in wrong.text) == (422, True)
    assert re.search(r'value="always" selected', wrong.text)
    for senseless in ({"name": "sometimes"}, {"most_credentials": "0"}, {"purposes": "curiosity"}, {"revision": "-1"}):
        assert (await browser.send(PATH, **{"revision": revision, **NO_RULE, **senseless})).status == 400, senseless
    assert (await place.office.policy.get()).document is None


async def test_two_administrators_do_not_undo_each_other(browsers: dict[str, Browser], place: DeskPlace) -> None:
    browser = browsers[ADMINISTRATOR]
    revision = await revision_on(browser)
    assert (await browser.send(PATH, revision=revision, **{**NO_RULE, "birth_date": "never"})).status == 303
    late = await browser.send(PATH, revision=revision, **{**NO_RULE, "places": "Malta"})
    assert (late.status, "Somebody changed this" in late.text) == (409, True)
    assert ">Malta</textarea>" in late.text, "what was typed stays"
    document = (await place.office.policy.get()).document
    assert document is not None
    assert (document.places, document.birth_date) == (None, "never")
    assert (await browser.send(f"{PATH}/remove", revision=await revision_on(browser))).status == 303


async def link_of(place: DeskPlace, title: str, **changed: object) -> QuestionLink:
    asked = {"place": "Malta", "credentials": [{"ask": "qualification", "occupation": "welder"}], **changed}
    return await make_link(place.office, NewLink.model_validate({"title": title, "question": asked}))


async def test_it_is_told_how_many_open_links_ask_what_the_rules_forbid(
    browsers: dict[str, Browser], place: DeskPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, browser = place.office, browsers[ADMINISTRATOR]
    named = await link_of(place, "Welders <b>by name</b>", subject="name")
    over = await link_of(place, "Its time is over", subject="name")
    await office.links._links.change(over.id, lambda link: link.model_copy(update={"closes_at": link.created_at}))
    closed = await link_of(place, "Closed by hand", subject="name")
    await office.links.close(closed.id)
    await link_of(place, "Nobody named")
    full = await link_of(place, "Full, may be widened", subject="name")
    full = await office.links._links.change(full.id, lambda link: link.model_copy(update={"taken": link.most}))
    policy = compiled(PolicyDocument(name="never"))
    forbidden = await forbidden_links(office, policy)
    assert forbidden is not None
    assert (forbidden.count, forbidden.is_all) == (2, True)
    assert [link.id for link in forbidden.named] == [full.id, named.id], "the newest first"
    page = (await browser.send(PATH, revision=await revision_on(browser), **{**NO_RULE, "name": "never"})).target
    text = (await browser.ask(page)).text
    assert "Open links that ask what these rules forbid: 2" in text
    assert "Welders &lt;b&gt;by name&lt;/b&gt;" in text
    assert "Nobody named" not in text
    assert "Closed by hand" not in text
    monkeypatch.setattr("wanderbuch.agents.verifier.forbidden_links._MOST_COMPARED", 1)
    monkeypatch.setattr("wanderbuch.agents.verifier.forbidden_links._A_PAGE", 1)
    assert "forbid, at least: 1<" in (await browser.ask(PATH)).text, "the newest that is open by its mark is full"

    async def none_yet() -> None:
        return None

    monkeypatch.setattr(office.governance, "current", none_yet)
    assert "can be said when the authority" in (await browser.ask(PATH)).text
    monkeypatch.undo()
    removed = await browser.send(f"{PATH}/remove", revision=await revision_on(browser))
    assert "Open links" not in (await browser.ask(removed.target)).text
