import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wanderbuch.agents.site.streams import A_PERSON, A_SESSION, IN_ALL, Message, Streams, TooManyStreamsError
from wanderbuch.errors import ConfigurationError


class Teller:
    """Tells messages as the test lets them be."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.is_signed_in = True
        self.asked_after: list[int] = []
        self._more = asyncio.Event()

    def say(self, number: int, *, is_last: bool = False) -> None:
        self.told.append(Message(number, "progress", {"done": number, "text": "a\nb"}, is_last))
        self._more.set()

    async def next(self, number: int) -> Message:
        self.asked_after.append(number)
        while not (newer := [message for message in self.told if message.number > number]):
            self._more.clear()
            await self._more.wait()
        return newer[-1]

    async def still(self) -> bool:
        return self.is_signed_in


type Open = Callable[..., Awaitable[aiohttp.ClientResponse]]


@pytest.fixture
def teller() -> Teller:
    return Teller()


@pytest.fixture
def streams() -> Streams:
    return Streams(beat_s=0.02)


@pytest.fixture
async def opened(teller: Teller, streams: Streams) -> AsyncIterator[Open]:
    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            session = request.query.get("session", "a")
            person = session.partition(":")[0]
            return await streams.serve(request, session, teller.next, teller.still, person=person)
        except TooManyStreamsError:
            return web.Response(status=429)

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:

        async def opened(name: str = "a", **headers: str) -> aiohttp.ClientResponse:
            address = server.make_url("/").with_query(session=name)
            return await session.get(address, headers={key.replace("_", "-"): value for key, value in headers.items()})

        yield opened


async def read_until(response: aiohttp.ClientResponse, wanted: str) -> str:
    text = ""
    async with asyncio.timeout(60):
        while wanted not in text:
            chunk = await response.content.readany()
            assert chunk, f"the stream ended after {text!r}"
            text += chunk.decode()
    return text


async def test_messages_have_numbers_and_the_last_one_ends_the_stream(opened: Open, teller: Teller) -> None:
    teller.say(1)
    response = await opened()
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    text = await read_until(response, "id: 1\n")
    assert text.startswith("retry: 2000\n\n")
    teller.say(2, is_last=True)
    async with asyncio.timeout(60):
        rest = (await response.content.read()).decode()
    assert 'id: 2\nevent: progress\ndata: {"done":2,"text":"a\\nb"}\n\n' in text + rest


async def test_a_browser_that_comes_again_gets_what_is_newer(opened: Open, teller: Teller) -> None:
    teller.say(3)
    teller.say(4, is_last=True)
    text = (await (await opened(Last_Event_ID="3")).content.read()).decode()
    assert teller.asked_after == [3]
    assert "id: 4" in text
    assert "id: 3" not in text


@pytest.mark.parametrize("number", ["-1", "x", "9" * 17, "1.5", ""])
async def test_a_number_that_is_none_begins_anew(opened: Open, teller: Teller, number: str) -> None:
    teller.say(1, is_last=True)
    assert "id: 1" in (await (await opened(Last_Event_ID=number)).content.read()).decode()
    assert teller.asked_after == [0]


async def test_the_stream_beats_while_nothing_changes(opened: Open) -> None:
    await read_until(await opened(), ": \n\n: \n\n")


async def test_the_stream_ends_with_the_session_found_at_the_next_look(opened: Open, teller: Teller) -> None:
    response = await opened()
    await read_until(response, ": \n\n")
    teller.is_signed_in = False
    async with asyncio.timeout(60):
        await response.content.read()
    teller.say(1)
    assert response.content.at_eof()


async def test_the_stream_ends_at_once_for_who_signs_out_and_for_nobody_else(
    opened: Open, streams: Streams, teller: Teller
) -> None:
    mine, other = await opened("a"), await opened("b")
    await read_until(mine, "retry")
    await read_until(other, "retry")
    streams.end("a")
    async with asyncio.timeout(60):
        await mine.content.read()
    teller.say(1)
    await read_until(other, "id: 1")


async def test_all_streams_end_when_the_office_closes(opened: Open, streams: Streams) -> None:
    open_streams = [await opened(name) for name in "ab"]
    for open_stream in open_streams:
        await read_until(open_stream, "retry")
    streams.close()
    async with asyncio.timeout(60):
        for open_stream in open_streams:
            await open_stream.content.read()
    while len(streams):  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_a_session_has_a_few_streams_and_another_session_its_own(opened: Open, streams: Streams) -> None:
    for _ in range(A_SESSION):
        assert (await opened()).status == 200
    assert (await opened()).status == 429
    assert (await opened("b")).status == 200
    assert len(streams) == A_SESSION + 1


async def test_a_person_has_some_streams_however_many_sessions(opened: Open, streams: Streams) -> None:
    one = [await opened(f"ana:{number}") for number in range(A_PERSON)]
    assert {response.status for response in one} == {200}
    assert (await opened("ana:further")).status == 429
    assert (await opened("ben:1")).status == 200
    one[0].close()
    async with asyncio.timeout(60):
        while len(streams) > A_PERSON:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (await opened("ana:further")).status == 200


async def test_a_place_is_free_again_when_a_browser_leaves(opened: Open, streams: Streams) -> None:
    gone = [await opened() for _ in range(A_SESSION)]
    for client_response in gone:
        client_response.close()
    async with asyncio.timeout(60):
        while len(streams):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert (await opened()).status == 200


async def test_a_process_serves_so_many_and_no_more(opened: Open, streams: Streams) -> None:
    streams._a_session.update({str(number): 1 for number in range(IN_ALL)})
    assert (await opened("new")).status == 429


async def test_a_source_that_fails_ends_the_stream(
    opened: Open, teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: int) -> Message:
        raise ConfigurationError("gone")

    monkeypatch.setattr(teller, "next", broken)
    assert (await (await opened()).content.read()).decode() == "retry: 2000\n\n"
