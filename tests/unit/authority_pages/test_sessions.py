"""How many sessions a person and a tenant have: the one that would end first gives way."""

import pytest
from tests.unit.authority_pages.conftest import Browser
from tests.unit.authority_pages.place import Place

from wanderbuch.agents.authority.pages.desk_sessions import DeskSession
from wanderbuch.agents.site import sessions
from wanderbuch.store.records import RecordStore


async def signed_in(approver: Browser, token: str) -> Browser:
    browser = Browser(approver.server, approver.session)
    await browser.sign_in(token)
    return browser


async def is_in(browser: Browser) -> bool:
    return (await browser.ask("/desk/en/")).status == 200


async def test_a_person_keeps_the_newest_sessions(
    approver: Browser, editor: Browser, place: Place, tokens: dict[str, str]
) -> None:
    browsers = [approver]
    for _ in range(sessions.A_PERSON):
        place.clock.advance(seconds=1)
        browsers.append(await signed_in(approver, tokens["a.silva"]))
    assert [await is_in(browser) for browser in browsers] == [False] + [True] * sessions.A_PERSON
    assert await is_in(editor)
    assert len(await RecordStore(place.profile, DeskSession).find(person_id="a.silva")) == sessions.A_PERSON


async def test_the_session_that_is_used_stays(approver: Browser, place: Place, tokens: dict[str, str]) -> None:
    second = await signed_in(approver, tokens["a.silva"])
    place.clock.advance(minutes=2)
    assert await is_in(approver)
    for _ in range(sessions.A_PERSON - 1):
        await signed_in(approver, tokens["a.silva"])
    assert (await is_in(approver), await is_in(second)) == (True, False)


async def test_a_tenant_keeps_the_newest_sessions_and_locks_nobody_out(
    approver: Browser, editor: Browser, place: Place, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "A_TENANT", 2)
    place.clock.advance(minutes=2)
    assert await is_in(editor)
    second = await signed_in(approver, tokens["a.silva"])
    assert [await is_in(browser) for browser in (approver, editor, second)] == [False, True, True]
    assert await RecordStore(place.profile, DeskSession).count() == 2
