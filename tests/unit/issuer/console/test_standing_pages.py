"""Joining at the console: what cannot be sent is said beside the form, and stands in no log."""

import json
from typing import Any

import pytest
from tests.unit.issuer.console.place import ADMINISTRATOR, ConsolePlace
from tests.unit.verifier_pages.conftest import Browser

from wanderbuch.agents.runtime.own_applications import UnfitApplicationError
from wanderbuch.governance.signed.check_in import CheckInCode
from wanderbuch.plugins.http.edge import Fetched

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHO: dict[str, Any] = {"name": "Centre", "country": "LKA", "website": None, "email": None}
AT = "2026-11-01T09:00:00Z"


@pytest.fixture
def asked_back(place: ConsolePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority that asks something back, whatever is sent."""
    told = {
        "id": "case",
        "revision": 1,
        "state": "ASKED_BACK",
        "received_at": AT,
        "decided_at": None,
        "waited_s": {},
        "questions": [{"question": "Who are you?", "asked_at": AT, "is_answered": False}],
    }

    async def post(*_: Any, **__: Any) -> Fetched:
        return Fetched(200, json.dumps(told).encode(), "application/json", None)

    monkeypatch.setattr(place.workshop.host, "post", post, raising=False)


@pytest.mark.usefixtures("asked_back")
async def test_an_answer_of_two_lines_is_sent_as_one_and_what_cannot_be_sent_stays_in_its_form(
    place: ConsolePlace, browsers: dict[str, Browser], caplog: pytest.LogCaptureFixture
) -> None:
    browser, joining = browsers[ADMINISTRATOR], place.office.joining
    made = await joining.apply(WHO, ())
    assert (await browser.send("/desk/en/standing/answer", answer="We are\r\na school")).status == 303
    kept = await joining.applications.find(made.id)
    assert (kept.application.answer, kept.application.revision) == ("We are a school", 2)
    wrong = await browser.send("/desk/en/standing/answer", answer="turned\u202eround")
    assert (wrong.status, "turned\u202eround</textarea>" in wrong.text, "as answer" in wrong.text) == (422, True, True)
    assert "turned" not in caplog.text


@pytest.mark.usefixtures("asked_back")
@pytest.mark.parametrize("page", ["standing/check-in", "keys/tell"])
async def test_an_address_that_is_none_is_no_failure_of_the_agent(
    page: str, browsers: dict[str, Browser], caplog: pytest.LogCaptureFixture
) -> None:
    told = {"code": CheckInCode.make().shown, "country": "Sri Lanka", "email": "office.yard.example"}
    wrong = await browsers[ADMINISTRATOR].send(f"/desk/en/{page}", **told)
    assert (wrong.status, "as email" in wrong.text) == (422, True)
    assert "office.yard" not in caplog.text


@pytest.mark.parametrize(("name", "text"), [("name", "Cen\ntre"), ("email", "a\u0007@b"), ("website", "ftp://x y")])
async def test_what_programs_send_is_named_and_not_repeated(place: ConsolePlace, name: str, text: str) -> None:
    with pytest.raises(UnfitApplicationError, match=f"as {name}$") as caught:
        await place.office.joining.apply(WHO | {name: text}, ())
    assert text not in str(caught.value)
