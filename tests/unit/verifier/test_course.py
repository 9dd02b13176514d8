"""The course of an application on its page: what happened, for whom it waits, and how long; in every language."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import MultiDict
from tests.unit.authority.test_applications import application
from tests.unit.governance.signed.test_application import USE

from wanderbuch.agents.runtime.gate.budget import TooOftenError
from wanderbuch.agents.runtime.own_applications import ApplicationStanding, OwnApplication
from wanderbuch.agents.runtime.sign_up import SignUp
from wanderbuch.agents.runtime.tenants import Tenants
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.rendering import Pages
from wanderbuch.agents.verifier.getting_in.applying_form import answer_in
from wanderbuch.agents.verifier.getting_in.course import CourseStep, CourseWait, course_of
from wanderbuch.agents.verifier.getting_in.kit import KIT
from wanderbuch.agents.verifier.getting_in.sign_up_pages import PLACE, sign_up_pages
from wanderbuch.agents.verifier.office import VerifierOffice
from wanderbuch.errors import ResolutionError

SENT = datetime(2026, 11, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def standing(state: str = "RECEIVED", **changes: Any) -> ApplicationStanding:
    told = {
        "id": "case",
        "revision": 1,
        "state": state,
        "received_at": SENT + DAY,
        "decided_at": None,
        "waited_s": {"authority": 4 * 86_400, "applicant": 86_400},
        "questions": [],
    }
    return ApplicationStanding.model_validate(told | changes)


def own(now: ApplicationStanding | None = None, **changes: Any) -> OwnApplication:
    made = application(1, wants={"uses": [USE | {"aim": "To hire <b>welders</b>"}]}, **changes)
    return OwnApplication(id=made.id, created_at=SENT, application=made, jws="a.b.c", standing=now)


ASKED = {"question": "Who <i>are</i> you?", "asked_at": SENT + 3 * DAY, "is_answered": False}
DECIDED = {"decided_at": SENT + 6 * DAY, "reason": "It is a yard", "redress": "https://appeals.test/"}


@pytest.mark.parametrize(
    ("now", "steps", "waits_for", "days"),
    [
        (None, "sent", CourseWait.REACHING, 7),
        (standing(), "sent received", CourseWait.AUTHORITY, 6),
        (standing("ASKED_BACK", questions=[ASKED]), "sent received asked", CourseWait.APPLICANT, 4),
        (standing("APPROVED", **DECIDED), "sent received approved", CourseWait.NOBODY, 0),
        (standing("REFUSED", **DECIDED), "sent received refused", CourseWait.NOBODY, 0),
    ],
)
def test_says_what_happened_and_for_whom_it_waits(
    now: ApplicationStanding | None, steps: str, waits_for: CourseWait, days: int
) -> None:
    course = course_of(own(now), at=SENT + 7 * DAY)
    assert [one.step.value for one in course.entries] == steps.split()
    assert (course.waits_for, course.days) == (waits_for, days)
    assert course.question == ("Who <i>are</i> you?" if waits_for is CourseWait.APPLICANT else "")
    if now is not None:
        assert (course.authority_days, course.applicant_days) == (4, 1)


def test_each_step_says_how_long_it_took_and_clocks_that_disagree_make_no_negative_day() -> None:
    decided = standing("REFUSED", questions=[ASKED | {"is_answered": True}], **DECIDED)
    assert [one.days for one in course_of(own(decided), at=SENT + 9 * DAY).entries] == [0, 1, 2, 3]
    early = standing(received_at=SENT - DAY)
    assert [one.days for one in course_of(own(early), at=SENT - 2 * DAY).entries] == [0, 0]
    assert course_of(own(early), at=SENT - 2 * DAY).days == 0


def page(language: str, *courses: Any) -> str:
    return Pages(PLACE, KIT).text(
        "course.html", LANGUAGES[language], site_name="Here", courses=courses or None, tenant="yard-1"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_it_in_every_language_and_foreign_texts_stay_text(language: str) -> None:
    every = [
        own(None),
        own(standing()),
        own(standing("ASKED_BACK", questions=[ASKED])),
        own(standing("APPROVED", **DECIDED)),
        own(standing("REFUSED", **DECIDED | {"redress": "javascript:alert(1)", "reason": "No <b>yard</b>"})),
    ]
    text = page(language, *(course_of(one, at=SENT + 7 * DAY, is_old=True) for one in every))
    assert "course." not in text
    assert text.count("<form") == 1  # only the question that waits has one
    assert "To hire &lt;b&gt;welders" in text
    assert "Who &lt;i&gt;are" in text
    assert "No &lt;b&gt;yard" in text
    assert 'href="https://appeals.test/"' in text
    assert 'href="javascript' not in text
    assert "<form" in page(language)


class OwnApplications:
    """Stands for the applications of a tenant, at an authority that is away."""

    def __init__(self, kept: OwnApplication) -> None:
        self.kept, self.answers = kept, []  # type: ignore[var-annotated]

    async def find(self, application_id: str) -> OwnApplication | None:
        return self.kept if application_id == self.kept.id else None

    async def all(self) -> list[OwnApplication]:
        return [self.kept]

    async def look(self, _: str) -> OwnApplication:
        raise ResolutionError("the authority does not answer")

    async def answer(self, application_id: str, answer: str, uses: Any) -> None:
        self.answers.append((application_id, answer, uses))


async def test_a_second_click_answers_nothing_and_another_persons_number_neither() -> None:
    asked = own(standing("ASKED_BACK", questions=[ASKED]))
    applications = OwnApplications(asked)
    office: Any = SimpleNamespace(own_applications=applications)
    form = {"application": asked.id, "answer": " A yard ", "revision": "1"}
    await answer_in(office, MultiDict(form))
    await answer_in(office, MultiDict(form | {"revision": "0"}))
    await answer_in(office, MultiDict(form | {"application": "f" * 32}))
    await answer_in(office, MultiDict(form | {"answer": " "}))
    assert applications.answers == [(asked.id, "A yard", None)]


def site(applications: OwnApplications, *, may_try: bool = True) -> web.Application:
    """Return the pages of a service where one tenant, `yard-1` with the token `key`, has an application."""
    its_own = VerifierOffice.__new__(VerifierOffice)
    its_own.__dict__.update(own_applications=applications, tenant=SimpleNamespace(clock=lambda: SENT + 7 * DAY))

    async def identify(tenant: str, token: str) -> Any:
        return object() if (tenant, token) == ("yard-1", "key") else None

    async def its_office(tenant: str, role: str) -> VerifierOffice:
        assert (tenant, role) == ("yard-1", "verifier")
        return its_own

    def count_try(_: str) -> None:
        if not may_try:
            raise TooOftenError(60)

    bound: dict[Any, Any] = {
        Tenants: SimpleNamespace(identify=identify, office=its_office),
        SignUp: SimpleNamespace(count_try=count_try),
    }
    config = SimpleNamespace(public=SimpleNamespace(trusted_proxies=()))
    office = SimpleNamespace(
        tenant=SimpleNamespace(
            name="Here",
            parts=SimpleNamespace(config=config),
            profile=SimpleNamespace(inject=bound.__getitem__, inject_or=bound.get),
        )
    )
    app = web.Application()

    def handler(route: Any) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse = await route.handler(office, request)
            return response

        return handle

    for route in sign_up_pages():
        app.router.add_route(route.method, route.path, handler(route))
    return app


async def test_only_who_has_the_token_sees_it_and_an_authority_that_is_away_is_said() -> None:
    asked = own(standing("ASKED_BACK", questions=[ASKED]))
    async with TestClient(TestServer(site(OwnApplications(asked)))) as client:
        shown = await client.post("/sign-up/en/applications", data={"tenant": "yard-1", "token": "key"})
        text = await shown.text()
        assert shown.status == 200
        assert "could not be reached just now" in text
        assert "It waits for your answer. Days so far: 4" in text
        for wrong in ({"tenant": "yard-1", "token": "other"}, {"tenant": "yard-2", "token": "key"}, {}):
            refused = await client.post("/sign-up/en/applications", data=wrong)
            assert refused.status == 422
            assert "Who" not in await refused.text()
    async with TestClient(TestServer(site(OwnApplications(asked), may_try=False))) as client:
        refused = await client.post("/sign-up/en/applications", data={"tenant": "yard-1", "token": "key"})
        assert refused.status == 429
        assert "waits for your answer" not in await refused.text()


def test_every_step_and_everybody_it_waits_for_has_words() -> None:
    keys = {f"course.{one.value}" for one in CourseStep} | {
        f"course.waits.{one.value}" for one in CourseWait if one is not CourseWait.NOBODY
    }
    for tag in LANGUAGES:
        words = KIT.words(LANGUAGES[tag])
        assert all(str(words(key, days=1)) != key for key in keys)
