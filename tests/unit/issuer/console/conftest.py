"""A centre's console for the tests of a module, and browsers without JavaScript that its people use."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from tests.unit.issuer.console.place import ConsolePlace, open_place
from tests.unit.issuer.workshop import Workshop
from tests.unit.verifier_pages.conftest import Browser

from wanderbuch.agents.issuer.console.clerks import cookie_of


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsolePlace]:
    folder = tmp_path_factory.mktemp("console")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        workshop = Workshop(folder)
        await workshop.open()
        yield await open_place(workshop)
        await workshop.sending.stop(wait_s=5)
        await workshop.profile.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browsers(place: ConsolePlace) -> AsyncIterator[dict[str, Browser]]:
    """A browser for each of the people, signed in."""
    jar = aiohttp.DummyCookieJar()
    async with TestServer(place.application()) as server, aiohttp.ClientSession(cookie_jar=jar) as session:
        people = {person: Browser(server, session, name=cookie_of("default")) for person in place.tokens}
        for person, browser in people.items():
            await browser.sign_in(place.tokens[person])
        yield people
