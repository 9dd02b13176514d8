"""An approved draft that takes a while: its page tells how far it is, with and without JavaScript."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from tests.unit.authority_pages.conftest import Browser, hidden
from tests.unit.authority_pages.place import GALLE, Place, full_payload

from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.pages.desk_sessions import COOKIE
from wanderbuch.agents.authority.published import lay_out
from wanderbuch.agents.authority.stages import Stage
from wanderbuch.agents.authority.versions import Cause
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.signed.history import Action


@pytest.fixture
async def draft(place: Place, open_site: Any) -> tuple[Browser, str]:
    """A draft that waits for approval, and the browser of its approver; forms have no patience."""
    tokens = await place.hire()
    editor = await open_site(place)
    await editor.sign_in(tokens["e.perera"])
    chosen = hidden((await editor.ask("/desk/en/")).text, "new_id")
    address = (await editor.send("/desk/en/drafts", why="A new name", new_id=chosen)).target
    page = (await editor.ask(f"{address}/record?did={GALLE}")).text
    assert (
        await editor.send(f"{address}/record", did=str(GALLE), name="Galle (new)", revision=hidden(page, "revision"))
    ).status == 303
    await editor.send(f"{address}/submit")
    approver = Browser(editor.server, editor.session)
    await approver.sign_in(tokens["a.silva"])
    place.works._patience_s = 0.01
    return approver, address


async def approve(browser: Browser, address: str) -> None:
    page = (await browser.ask(address)).text
    fields = {name: hidden(page, name) for name in ("revision", "digest")}
    assert (await browser.send(f"{address}/approve", **fields)).target == address


@asynccontextmanager
async def somebody_else_publishing(place: Place) -> AsyncIterator[None]:
    async with place.publication.turn():
        yield


@asynccontextmanager
async def listening(browser: Browser, address: str) -> AsyncIterator[aiohttp.StreamReader]:
    headers = {"Cookie": f"{COOKIE}={browser.cookie}", "Accept": "text/event-stream"}
    url = browser.server.make_url(f"{address}/progress")
    async with asyncio.timeout(30), browser.session.get(url, headers=headers, allow_redirects=False) as response:
        assert response.status == 200
        yield response.content


async def next_state(stream: aiohttp.StreamReader) -> dict[str, Any]:
    while not (line := await stream.readline()).startswith(b"data: "):
        assert line
    state: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return state


async def test_the_page_of_a_draft_tells_how_far_its_publication_is(place: Place, draft: tuple[Browser, str]) -> None:
    browser, address = draft
    async with somebody_else_publishing(place):
        await approve(browser, address)
        page = (await browser.ask(address)).text
        assert "Waiting for its turn" in page
        assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
        assert f'data-progress="{address}/progress"' in page
        async with listening(browser, address.replace("/en/", "/fr/")) as stream:
            state = await next_state(stream)
            assert state == {"text": "En attente de son tour…", "done": 0, "of": 0, "over": False}
    work = place.works.find(f"publish {address.rpartition('/')[2]}")
    assert work is not None
    assert (await work.over()).failure is None
    page = (await browser.ask(address)).text
    assert "Published" in page
    assert "data-progress" not in page
    async with listening(browser, address) as stream:
        assert (await next_state(stream))["over"]
        assert await stream.read() in {b"\n", b""}


async def test_a_stream_that_listens_from_the_beginning_hears_the_end(place: Place, draft: tuple[Browser, str]) -> None:
    browser, address = draft
    states = []
    async with AsyncExitStack() as stack:
        async with somebody_else_publishing(place):
            await approve(browser, address)
            stream = await stack.enter_async_context(listening(browser, address))
            states.append(await next_state(stream))
        while not states[-1]["over"]:
            states.append(await next_state(stream))
    assert states[0]["text"] == "Waiting for its turn …"
    assert "Published" in (await browser.ask(address)).text


async def test_the_stages_of_a_publication_are_told_in_order_part_by_part(place: Place) -> None:
    told: list[tuple[Stage, int, int]] = []
    place.publication.divide_above_bytes = 1000
    body = {**full_payload(), "version": 2}
    async with place.publication.turn(lambda *stage: told.append(stage)) as turn:
        laid_out = await asyncio.to_thread(lay_out, body, 1000)
        await turn.publish(laid_out, Cause(who="a.silva", action=Action.PUBLICATION, why="divided"))
    stages = [stage for stage, _, _ in told]
    assert list(dict.fromkeys(stages)) == [
        Stage.WAITING,
        Stage.CHECKING,
        Stage.SIGNING,
        Stage.PARTS,
        Stage.SERVING,
    ]
    parts = [(done, of) for stage, done, of in told if stage is Stage.PARTS]
    assert parts == [(number, len(laid_out.parts)) for number in range(len(laid_out.parts))]
    assert len(parts) > 1


async def test_a_publication_that_fails_says_why_on_the_page(
    place: Place, draft: tuple[Browser, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, address = draft

    async def full(*_: object, **__: object) -> None:
        raise ConfigurationError("the disk is full", hint="make room")

    async with somebody_else_publishing(place):
        await approve(browser, address)
        monkeypatch.setattr(place.publication, "put_version", full)
    draft_id = address.rpartition("/")[2]
    work = place.works.find(f"publish {draft_id}")
    assert work is not None
    await work.over()
    page = (await browser.ask(address)).text
    assert "This has not worked yet" in page
    assert "the disk is full" in page
    assert "data-progress" not in page
    monkeypatch.undo()
    await place.desk.go_on()  # as the next sweep does
    assert (await place.desk.drafts.get(draft_id)).state is DraftState.PUBLISHED
    assert "This has not worked yet" not in (await browser.ask(address)).text


async def test_another_process_tells_only_that_it_is_done(
    place: Place, draft: tuple[Browser, str], open_site: Any
) -> None:
    browser, address = draft
    other = Place(place.profile, place.folder, key=place.key, clock=place.clock)
    there = replace(await open_site(other), cookie=browser.cookie)
    async with AsyncExitStack() as stack:
        async with somebody_else_publishing(place):
            await approve(browser, address)
            assert "Waiting for its turn" in (await there.ask(address)).text
            stream = await stack.enter_async_context(listening(there, address))
            assert not (await next_state(stream))["over"]
        assert (await next_state(stream))["over"]
    assert "Published" in (await there.ask(address)).text


async def test_nobody_listens_without_a_session(place: Place, draft: tuple[Browser, str]) -> None:
    browser, address = draft
    async with somebody_else_publishing(place):
        await approve(browser, address)
        stranger = Browser(browser.server, browser.session)
        assert (await stranger.ask(f"{address}/progress")).status == 303
        async with listening(browser, address) as stream:
            await next_state(stream)
            await browser.send("/desk/en/sign-out")
            await stream.read()


async def test_a_browser_that_connects_again_by_itself_keeps_no_session_alive(
    place: Place, draft: tuple[Browser, str]
) -> None:
    browser, address = draft
    async with somebody_else_publishing(place):
        await approve(browser, address)
        place.clock.advance(minutes=11)
        async with listening(browser, address) as stream:
            await next_state(stream)
        place.clock.advance(minutes=11)
        assert (await browser.ask(f"{address}/progress", Accept="text/event-stream")).status == 303


async def test_listening_keeps_no_session_alive(place: Place, draft: tuple[Browser, str]) -> None:
    browser, address = draft
    async with somebody_else_publishing(place):
        await approve(browser, address)
        place.parts.access.sessions.streams._beat_s = 0.02
        async with listening(browser, address) as stream:
            await next_state(stream)
            place.clock.advance(minutes=11)
            while (await stream.readline()) != b": \n":
                pass
            place.clock.advance(minutes=11)
            await stream.read()
    assert (await browser.ask("/desk/en/")).status == 303
