"""A desk's own applications, whoever made its tenant: sent, asked back, answered, and seen by administrators alone."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.verifier_pages.conftest import Browser
from tests.unit.verifier_pages.place import ADMINISTRATOR, ASKER, AUDITOR, NAME, DeskPlace

from wanderbuch.agents.runtime.own_applications import OwnApplication
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.desk_log import DeskAct
from wanderbuch.agents.verifier.getting_in import applying_form
from wanderbuch.agents.verifier.getting_in.applying_form import courses_of
from wanderbuch.agents.verifier.putting import put_in_words
from wanderbuch.agents.verifier.questions.document import WordedQuestion
from wanderbuch.errors import ResolutionError
from wanderbuch.governance.signed.application import Application
from wanderbuch.plugins.http.edge import Fetched
from wanderbuch.store.records import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = "/desk/en/applications"
FORM = {
    "once": "page-1",
    "country": "MLT",
    "preset": "qualification",
    "purpose": "employment",
    "aim": "To hire <b>welders</b>",
    "place": "MLT",
    "keeps_days": "30",
    "privacy_policy": "https://yard.example/privacy",
    "legal_basis": "https://law.example/1",
}
ASKED = {"question": "Who <i>are</i> you?", "asked_at": "2026-11-02T09:00:00Z", "is_answered": False}


async def _nothing() -> None:
    pass


class Authority:
    """Stands for the authority's intake: away, or asking something back."""

    def __init__(self) -> None:
        self.is_away, self.received = True, 0
        self.before: Callable[[], Awaitable[Any]] = _nothing

    async def post(self, *_: Any, **__: Any) -> Fetched:
        await self.before()
        if self.is_away:
            raise ResolutionError("the authority does not answer")
        self.received += 1
        told = {
            "id": "case",
            "revision": 1,
            "state": "ASKED_BACK",
            "received_at": "2026-11-01T09:00:00Z",
            "decided_at": None,
            "waited_s": {},
            "questions": [ASKED],
        }
        return Fetched(200, json.dumps(told).encode(), "application/json", None)


@pytest.fixture
def authority(place: DeskPlace, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority, and a desk whose key is not in this wallet: what it sends is not signed here."""
    made, own = Authority(), place.office.own_applications

    async def unsigned(application_id: str | None, revision: int, told: dict[str, Any], wants: Any) -> OwnApplication:
        at = place.office.tenant.clock()
        about = {"id": application_id or new_id(), "revision": revision, "to": own.authority, "made_at": at}
        application = Application.model_validate({**told, **about, "wants": wants})
        return OwnApplication(id=application.id, application=application, jws="a.b.c")

    monkeypatch.setattr(place.employer.host, "post", made.post, raising=False)
    monkeypatch.setattr(own, "_signed", unsigned)
    return made


async def test_an_administrator_applies_and_answers_and_the_log_says_who(
    place: DeskPlace, browsers: dict[str, Browser], authority: Authority
) -> None:
    browser = browsers[ADMINISTRATOR]
    assert 'href="/desk/en/applications"' in (await browser.ask("/desk/en/settings")).text
    assert "You have not applied yet." in (await browser.ask(PAGE)).text
    form = (await browser.ask(f"{PAGE}/new")).text
    assert NAME in form
    assert 'type="password"' not in form
    wrong = await browser.send(f"{PAGE}/new", **{**FORM, "privacy_policy": "yard.example"})
    assert (wrong.status, "Something is missing" in wrong.text, "To hire &lt;b&gt;" in wrong.text) == (422, True, True)
    for _ in range(2):  # a second click makes no second one
        assert (await browser.send(f"{PAGE}/new", **FORM)).target == PAGE
    (kept,) = await place.office.own_applications.all()
    assert kept.application.name == NAME
    waiting = (await browser.ask(PAGE)).text
    assert "It has not reached the authority yet" in waiting
    assert "To hire &lt;b&gt;welders" in waiting
    authority.is_away = False
    asked = (await browser.ask(PAGE)).text
    assert "Who &lt;i&gt;are&lt;/i&gt; you?" in asked
    answer = {"application": kept.id, "revision": "1", "answer": "A yard"}
    for _ in range(2):
        assert (await browser.send(PAGE, **answer)).target == PAGE
    (answered,) = await place.office.own_applications.all()
    assert (answered.application.answer, answered.application.revision) == ("A yard", 2)
    lines = [(line.by, line.what) for line in await place.office.log.entries() if line.act.value == "applied"]
    assert lines == [(ADMINISTRATOR, kept.id)] * 2
    assert "sent an application, or an answer" in (await browser.ask("/desk/en/audit")).text
    for language in LANGUAGES:
        for path in ("applications", "applications/new"):
            text = (await browser.ask(f"/desk/{language}/{path}")).text
            assert f'<html lang="{language}"' in text
            assert not any(key in text for key in ("course.", "apply.", "desk.act."))


async def test_an_answer_that_waits_for_the_authority_has_its_line_in_the_log(
    place: DeskPlace, browsers: dict[str, Browser], authority: Authority
) -> None:
    browser, own = browsers[ADMINISTRATOR], place.office.own_applications

    async def lines(of: str) -> int:
        entries = await place.office.log.entries()
        return sum(line.act.value == "applied" and line.what == of for line in entries)

    authority.is_away = False
    before = {application.id for application in await own.all()}
    assert (await browser.send(f"{PAGE}/new", **FORM | {"once": "page-2"})).target == PAGE
    (made,) = {application.id for application in await own.all()} - before
    answer = {"application": made, "revision": "1", "answer": "A yard"}
    authority.is_away = True
    assert (await browser.send(PAGE, **answer)).status == 422
    assert await lines(made) == 1, "nothing was answered"
    posts = iter((False, True, True, True))

    async def goes_away() -> None:
        authority.is_away = next(posts, True)

    authority.before = goes_away
    assert (await browser.send(PAGE, **answer)).status == 422
    kept = await own.find(made)
    assert kept is not None
    assert (kept.application.revision, await lines(made)) == (2, 2)


async def test_the_page_of_applications_looks_at_all_at_once_and_waits_for_none(
    place: DeskPlace, browsers: dict[str, Browser], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, own = browsers[ADMINISTRATOR], place.office.own_applications
    for once in ("page-3", "page-4"):
        await browser.send(f"{PAGE}/new", **FORM | {"once": once})
    waiting = sum(application.is_open for application in await own.all())
    assert waiting > 1
    authority.is_away, authority.before = False, asyncio.Barrier(waiting).wait
    assert all(not course.is_old for course in await courses_of(place.office))

    monkeypatch.setattr(applying_form, "_LOOKED_FOR_S", 0.01)
    authority.before = asyncio.Event().wait
    assert all(course.is_old for course in await courses_of(place.office))


async def test_what_a_desk_has_of_its_own_and_what_only_others_give_it(
    place: DeskPlace, browsers: dict[str, Browser], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """See `runtime.sign_up`: what its people have done keeps a place for a while, what others gave it for good."""
    office, browser = place.office, browsers[ADMINISTRATOR]
    authority.is_away = False
    await browser.send(f"{PAGE}/new", **FORM | {"once": "page-5"})
    await browser.ask(PAGE)
    assert any(own.standing is not None for own in await office.own_applications.all())
    assert await office.has_dealt(), "the authority has its application"

    async def nothing(*_: Any, **__: Any) -> Any:
        return []

    monkeypatch.setattr(office.own_applications, "all", nothing)
    assert not await office.has_dealt()
    assert await office.worked_at() is not None
    monkeypatch.setattr(office.staff, "all", nothing)
    entries = await office.log.entries()
    monkeypatch.setattr(office.log, "entries", nothing)
    assert await office.worked_at() is None
    let_in = [replace(entries[0], by="operator", act=act) for act in (DeskAct.PERSON_ADDED, DeskAct.PERSON_CHANGED)]
    for by, act in (("operator", DeskAct.TEMPLATE_SAVED), ("ann", DeskAct.PERSON_CHANGED)):  # she made a passkey
        for lines, is_work in ((let_in, False), ([*let_in, replace(entries[0], by=by, act=act)], True)):

            async def lines_of(lines: Any = lines) -> Any:
                return lines

            monkeypatch.setattr(office.log, "entries", lines_of)
            assert (await office.worked_at() is not None) is is_work
    monkeypatch.setattr(office.log, "entries", nothing)
    wanted = {"place": "MLT", "credentials": [{"ask": "qualification", "occupation": "C7212"}]}
    asked = await put_in_words(office, WordedQuestion.model_validate(wanted))
    assert await office.worked_at() == asked.created_at
    assert not await office.has_dealt(), "nobody has answered"
    assert (await place.answer(asked.id)).decision is not None
    assert await office.has_dealt()


@pytest.mark.parametrize("person", [ASKER, AUDITOR])
async def test_nobody_else_sees_or_sends_any(browsers: dict[str, Browser], person: str) -> None:
    browser = browsers[person]
    for path in (PAGE, f"{PAGE}/new"):
        assert (await browser.ask(path)).status == 403
        assert (await browser.send(path, **FORM)).status == 403
