"""A place with a published file, officials, and both sites on a socket."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer, TestServer
from tests.memory_wallet import memory_wallet
from tests.unit.authority_pages.place import Place, full_payload

from wanderbuch.agents.authority.pages.desk_sessions import COOKIE

EDITOR, APPROVER = "e.perera", "a.silva"


@pytest.fixture
async def empty_place(tmp_path: Path) -> AsyncIterator[Place]:
    """An authority that has started and published nothing."""
    profile = await memory_wallet()
    place = Place(profile, tmp_path / "public")
    yield place
    await profile.close()


@pytest.fixture
async def place(empty_place: Place) -> Place:
    """An authority that has published the full example."""
    await empty_place.publish(full_payload())
    return empty_place


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Any

    @property
    def target(self) -> str:
        return str(self.headers["Location"])


type Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
async def open_site() -> AsyncIterator[Callable[[Place], Awaitable["Browser"]]]:
    """Opens a place's sites and gives a browser that looks at them."""
    servers: list[TestServer] = []
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def opened(place: Place) -> "Browser":
        server = TestServer(place.application())
        await server.start_server()
        servers.append(server)
        return Browser(server, session)

    yield opened
    await session.close()
    for server in servers:
        await server.close()


@pytest.fixture
async def browser(place: Place, open_site: Any) -> "Browser":
    """A browser at the sites of the full example."""
    return await open_site(place)  # type: ignore[no-any-return]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator["Browser"]:
    """A browser at the full example, for tests that only read."""
    profile = await memory_wallet()
    place = Place(profile, tmp_path_factory.mktemp("public"))
    await place.publish(full_payload())
    jar = aiohttp.DummyCookieJar()
    async with TestServer(place.application()) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(server, session)
    await profile.close()


@dataclass
class Browser:
    """What a browser without JavaScript does: it asks, keeps one cookie, and sends forms."""

    server: "BaseTestServer[Any]"
    session: aiohttp.ClientSession
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def ask(self, path: str, *, method: str = "GET", data: Any = None, **headers: str) -> Answer:
        own = {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}
        async with self.session.request(
            method,
            self.server.make_url(path),
            data=data,
            headers={**own, **self.headers, **{key.replace("_", "-"): value for key, value in headers.items()}},
            allow_redirects=False,
        ) as response:
            if cookie := response.cookies.get(COOKIE):
                self.cookie = cookie.value
            return Answer(response.status, await response.text(), response.headers)

    async def sign_in(self, token: str, language: str = "en") -> Answer:
        return await self.ask(f"/desk/{language}/sign-in", method="POST", data={"token": token})

    async def form_token(self) -> str:
        return hidden((await self.ask("/desk/en/")).text, "form_token")

    async def send(self, path: str, **fields: Any) -> Answer:
        """Send a form with the session's token."""
        return await self.ask(path, method="POST", data={"form_token": await self.form_token(), **fields})


def hidden(text: str, name: str) -> str:
    """Return the value of a hidden field."""
    return text.partition(f'name="{name}" value="')[2].partition('"')[0]


@pytest.fixture
async def tokens(place: Place) -> dict[str, str]:
    return await place.hire()


@pytest.fixture
async def editor(browser: Browser, tokens: dict[str, str]) -> Browser:
    await browser.sign_in(tokens[EDITOR])
    return browser


@pytest.fixture
async def approver(browser: Browser, tokens: dict[str, str]) -> Browser:
    other = Browser(browser.server, browser.session)
    await other.sign_in(tokens[APPROVER])
    return other
