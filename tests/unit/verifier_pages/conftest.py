"""An employer's desk for the tests of a module, and browsers without JavaScript that its people use."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest_asyncio
from aiohttp.test_utils import TestServer
from tests.memory_wallet import memory_wallet
from tests.unit.verifier_pages.place import DeskPlace, fields, open_place

from wanderbuch.agents.verifier.staff import COOKIE


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Any
    body: bytes = b""

    @property
    def target(self) -> str:
        return str(self.headers["Location"])


@dataclass
class Browser:
    """What a browser without JavaScript does: it asks, keeps one cookie, and sends forms."""

    server: TestServer
    session: aiohttp.ClientSession
    cookie: str = ""
    base: str = "/desk"
    name: str = COOKIE

    async def ask(self, path: str, *, data: Any = None) -> Answer:
        headers = {"Cookie": f"{self.name}={self.cookie}"} if self.cookie else {}
        method = "GET" if data is None else "POST"
        url = self.server.make_url(path)
        async with self.session.request(method, url, data=data, headers=headers, allow_redirects=False) as response:
            if kept := response.cookies.get(self.name):
                self.cookie = kept.value
            body = await response.read()
            return Answer(response.status, body.decode("utf-8", "replace"), response.headers, body)

    async def sign_in(self, token: str) -> None:
        assert (await self.ask(f"{self.base}/en/sign-in", data={"token": token})).status == 303

    async def send(self, path: str, **fields: str) -> Answer:
        """Send a form with the session's token."""
        return await self.post(path, fields)

    async def post(self, path: str, fields: dict[str, str]) -> Answer:
        token = hidden((await self.ask(f"{self.base}/en/means")).text, "form_token")
        return await self.ask(path, data={"form_token": token, **fields})

    async def preview(self, fields: dict[str, str], language: str = "en") -> Answer:
        return await self.post(f"/desk/{language}/ask", fields)


def hidden(text: str, name: str) -> str:
    """Return the value of a hidden field."""
    value = text.partition(f'name="{name}" value="')[2].partition('"')[0]
    return value.replace("&#34;", '"').replace("&amp;", "&")


async def put(browser: Browser, **changed: str) -> str:
    """Ask as the form does, and return the id of the question."""
    explained = await browser.preview(fields(**changed))
    assert explained.status == 200, explained.text
    answer = await browser.send("/desk/en/ask/put", question=hidden(explained.text, "question"))
    assert answer.status == 303
    return answer.target.removeprefix("/desk/en/question/")


async def save_settings(browser: Browser, path: str, **changed: str) -> Answer:
    """Send the form of the settings as the page has it now."""
    return await browser.send(path, **{"revision": hidden((await browser.ask(path)).text, "revision"), **changed})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place() -> AsyncIterator[DeskPlace]:
    profile = await memory_wallet()
    yield await open_place(profile)
    await profile.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browsers(place: DeskPlace) -> AsyncIterator[dict[str, Browser]]:
    """A browser for each of the people, signed in."""
    jar = aiohttp.DummyCookieJar()
    async with TestServer(place.application()) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
        people = {person: Browser(server, session) for person in place.tokens}
        for person, browser in people.items():
            await browser.sign_in(place.tokens[person])
        yield people
