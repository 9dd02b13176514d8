"""A suspension at once at the desk: what it means and from when, how far it is, and what became of it."""

import asyncio
from typing import Any

import pytest
from tests.unit.authority_pages.conftest import APPROVER, EDITOR, Answer, Browser, hidden
from tests.unit.authority_pages.forms import begun
from tests.unit.authority_pages.place import HOTEL, WELDERS, Place
from tests.unit.authority_pages.test_publishing import approve, listening, next_state, somebody_else_publishing

from wanderbuch.errors import ConfigurationError

FIRST, DURING = (f"anoncreds:{WELDERS}/resources/zQm{name.ljust(44, '1')}" for name in ("First", "During"))
FORM = f"/desk/en/suspend?did={WELDERS}"


async def suspend(approver: Browser, **changes: str) -> str:
    chosen = hidden((await approver.ask(FORM)).text, "new_id")
    form = {"did": str(WELDERS), "why": "No supervision", "statuses": "", "new_id": chosen, "sure": "yes", **changes}
    answer = await approver.send("/desk/en/suspend", **form)
    assert answer.status == 303
    return answer.target


@pytest.fixture
def hasty(place: Place) -> Place:
    """The place where forms have no patience."""
    place.works._patience_s = 0.01
    return place


async def test_the_form_says_what_happens_and_from_when(approver: Browser) -> None:
    text = (await approver.ask(FORM)).text
    assert "Certificates awarded from today on do not count" in text
    assert "published at once, under your name" in text
    assert "it is known after 60 minutes at the latest" in text
    assert "A second official looks at it afterwards" in text


async def test_a_published_suspension_says_when_everybody_knows_of_it(approver: Browser) -> None:
    text = (await approver.ask(await suspend(approver))).text
    assert "The suspension is published." in text
    assert '<time datetime="2026-11-22T10:00:00+00:00">22 November 2026, 10:00 UTC</time>' in text
    assert "known by" in text


async def test_a_suspension_that_waits_has_a_page_that_leads_to_its_draft(approver: Browser, hasty: Place) -> None:
    async with somebody_else_publishing(hasty):
        target = await suspend(approver)
        page, _, query = target.partition("?")
        assert (page.startswith("/desk/en/suspend/"), query) == (True, f"did={WELDERS}")
        text = (await approver.ask(target)).text
        assert "The suspension is under way" in text
        assert "Waiting for its turn" in text
        assert "it is known after 60 minutes at the latest" in text
        assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in text
        assert f'data-progress="{page}/progress"' in text
        async with listening(approver, page) as stream:
            assert not (await next_state(stream))["over"]
    work = hasty.works.find(f"publish {page.rpartition('/')[2]}")
    assert work is not None
    assert (await work.over()).failure is None
    led = await approver.ask(target)
    assert (led.status, led.target) == (303, f"/desk/en/draft/{page.rpartition('/')[2]}")
    assert "The suspension is published." in (await approver.ask(led.target)).text


async def test_the_search_for_lists_is_told(approver: Browser, hasty: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    event = asyncio.Event()

    async def slowly(_: str) -> tuple[str, ...]:
        await event.wait()
        return ()

    monkeypatch.setattr(hasty.desk, "_find_statuses", slowly)
    target = await suspend(approver)
    assert "Looking for the institution’s lists" in (await approver.ask(target)).text
    event.set()
    work = hasty.works.find(f"publish {target.partition('?')[0].rpartition('/')[2]}")
    assert work is not None
    assert (await work.over()).failure is None


async def test_a_suspension_that_fails_later_says_why_and_leads_back(
    approver: Browser, hasty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(*_: object, **__: object) -> None:
        raise ConfigurationError("the file cannot be read", hint="look at the disk")

    async with somebody_else_publishing(hasty):
        target = await suspend(approver)
        monkeypatch.setattr(hasty.desk.drafts, "insert_decided", unreadable)
    work = hasty.works.find(f"publish {target.partition('?')[0].rpartition('/')[2]}")
    assert work is not None
    assert (await work.over()).failure is not None
    text = (await approver.ask(target)).text
    assert "Nothing was published, and it is not tried again by itself." in text
    assert "the file cannot be read" in text
    assert f'href="{FORM}"' in text
    assert "data-progress" not in text


async def test_a_suspension_that_nobody_knows_is_said_to_be_unknown(approver: Browser) -> None:
    text = (await approver.ask(f"/desk/en/suspend/{'0' * 32}?did={WELDERS}")).text
    assert "Nothing is known here of this suspension" in text
    assert (await approver.ask(f"/desk/en/suspend/{'0' * 32}/progress")).status == 404
    assert (await approver.ask(f"/desk/en/suspend/x?did={WELDERS}")).status == 404


async def test_an_editor_begins_no_suspension(editor: Browser, place: Place) -> None:
    chosen: Any = {"did": str(WELDERS), "why": "No supervision", "statuses": "", "new_id": "1" * 32, "sure": "yes"}
    assert (await editor.send("/desk/en/suspend", **chosen)).status == 403
    assert place.works.find(f"publish {'1' * 32}") is None


async def test_a_suspension_is_lifted_in_a_draft_and_by_a_second_official(
    editor: Browser, approver: Browser, place: Place, tokens: dict[str, str]
) -> None:
    lists: dict[str, tuple[str, ...]] = {}

    async def listed(issuer: str) -> tuple[str, ...]:
        if issuer not in lists:
            raise ConfigurationError("the institution's host does not answer")
        return lists[issuer]

    place.desk._find_statuses = listed
    lists[str(WELDERS)] = (FIRST,)
    await suspend(approver)
    place.clock.advance(days=2)
    await editor.sign_in(tokens[EDITOR])
    await approver.sign_in(tokens[APPROVER])
    page = (draft := await begun(editor)) + f"/record?did={WELDERS}"
    assert "/lift" not in (await editor.ask(f"{draft}/record?did={HOTEL}")).text  # it is not suspended

    async def lift(**changes: str) -> Answer:
        revision = hidden((await editor.ask(page)).text, "revision")
        form = {"did": str(WELDERS), "revision": revision, "why": "Supervised again", "statuses": "", **changes}
        return await editor.send(f"{draft}/lift", **form)

    kept = await place.desk.drafts.record(draft.rpartition("/")[2], WELDERS)
    lists.clear()
    for changes, told in (
        ({}, "could not be had"),
        ({"statuses": "x"}, "expected revocation registries"),
        ({"why": ""}, "<h1"),
    ):
        refused = await lift(**changes)
        assert (refused.status >= 400, told in refused.text) == (True, True), changes
    assert (await approver.send(f"{draft}/lift", did=str(WELDERS), revision="1", why="Mine", statuses="")).status == 403
    assert await place.desk.drafts.record(draft.rpartition("/")[2], WELDERS) == kept
    lists[str(WELDERS)] = (FIRST, DURING)  # one more was made meanwhile: what is backdated into it never counts
    answer = await lift()
    assert answer.status == 303, answer.text.partition("<main")[2]
    assert "/lift" not in (await editor.ask(page)).text
    assert (await place.desk.publication.published()).version == 2  # nothing is published by one official
    await editor.send(f"{draft}/submit")
    await approve(approver, draft)
    record = await (await place.desk.publication.published()).record(str(WELDERS))
    assert record is not None
    for accreditation in record["accreditations"]:
        *_, before, after = accreditation["status"]
        assert (before["status"], before["statuses"]) == ("suspended", [FIRST])
        assert (after["status"], after["effective_from"], after["statuses"]) == (
            "active",
            "2026-11-24",
            sorted([FIRST, DURING]),
        )
