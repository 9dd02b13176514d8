"""The desk behind a TLS proxy that asks under another name, for browsers that do not say `Sec-Fetch-Site`."""

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from tests.unit.authority_pages.place import Place

from wanderbuch.agents.runtime.app import OWN_ADDRESS

TOLD = "https://desk.example"


@pytest.mark.parametrize("host", ["desk.example", "app:8081", "10.0.0.5"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [(TOLD, 303), ("https://desk.example.evil.example", 403), ("https://evil.example", 403), ("null", 403)],
)
async def test_a_form_is_ours_by_the_address_that_the_configuration_names(
    place: Place, host: str, origin: str, status: int
) -> None:
    token = (await place.hire())["e.perera"]
    app = place.application()
    app[OWN_ADDRESS] = TOLD
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        answer = await session.post(
            server.make_url("/desk/en/sign-in"),
            data={"token": token},
            headers={"Host": host, "Origin": origin},
            allow_redirects=False,
        )
        assert answer.status == status
        assert (answer.headers.get("Location") == "/desk/en/") == (status == 303)
        assert ("This did not work" in await answer.text()) == (status == 403)


async def test_without_that_address_the_proxys_own_name_is_what_counts(place: Place) -> None:
    token = (await place.hire())["e.perera"]
    async with TestServer(place.application()) as server, aiohttp.ClientSession() as session:
        for host, status in (("desk.example", 303), ("app:8081", 403)):
            answer = await session.post(
                server.make_url("/desk/en/sign-in"),
                data={"token": token},
                headers={"Host": host, "Origin": TOLD},
                allow_redirects=False,
            )
            assert answer.status == status
