"""What the pages of getting in say to who cannot: a form of another site, a service where nobody signs up."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from wanderbuch.agents.runtime.app import OWN_ADDRESS, PublicRoute
from wanderbuch.agents.runtime.tenant_config import Place
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.config import VerifierConfig, WalkInConfig
from wanderbuch.agents.verifier.getting_in.sign_up_pages import sign_up_pages
from wanderbuch.agents.verifier.getting_in.walk_in_pages import walk_in_routes

ADDRESS = "https://authority.wanderbuch.test"
FILLED = {"occupation": "C7212", "level": "3", "country": "MLT"}


class Asked:
    """Stands for the questions: says which were put."""

    def __init__(self) -> None:
        self.networks: list[str] = []

    async def begin(self, _: Any, *, network: str) -> str:
        self.networks.append(network)
        return "token"


def site(routes: tuple[PublicRoute, ...], *, signs_up: bool = False) -> tuple[web.Application, Asked]:
    asked = Asked()
    tenant = SimpleNamespace(
        name="Authority",
        place=Place("authority.wanderbuch.test", "org", "", f"{ADDRESS}/didcomm"),
        parts=SimpleNamespace(config=SimpleNamespace(public=SimpleNamespace(trusted_proxies=()))),
        profile=SimpleNamespace(inject_or=lambda _: object() if signs_up else None),
    )
    config = VerifierConfig(walk_in=WalkInConfig(enabled=True, place="MLT"))
    office = SimpleNamespace(tenant=tenant, config=config, walk_ins=asked)
    app = web.Application()
    app[OWN_ADDRESS] = ADDRESS

    def bound(route: PublicRoute) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await route.handler(office, request)

        return handle

    for route in routes:
        app.router.add_route(route.method, route.path, bound(route))
    return app, asked


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": ADDRESS}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_the_form_of_another_site_puts_no_question(headers: dict[str, str], status: int) -> None:
    app, asked = site(walk_in_routes())
    async with TestClient(TestServer(app)) as client:
        response = await client.post("/prove/en/", data=FILLED, headers=headers, allow_redirects=False)
        assert response.status == status
        assert len(asked.networks) == (status == 303)
        assert ("sent from another site" in await response.text()) == (status == 403)


async def test_a_browser_of_before_fetch_metadata_says_whose_form_it_is() -> None:
    """With `no-referrer` it would send `Origin: null` with our own form (Fetch, "append a request Origin header")."""
    app, _ = site((*walk_in_routes(), *sign_up_pages()))
    async with TestClient(TestServer(app)) as client:
        for path in ("/prove/en/", "/sign-up/en/"):
            assert (await client.get(path)).headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_nobody_signs_up_the_page_says_so_and_leads_to_the_desk(language: str) -> None:
    app, _ = site(sign_up_pages())
    async with TestClient(TestServer(app)) as client:
        for response in (
            await client.get("/sign-up/", headers={"Accept-Language": language}),
            await client.get(f"/sign-up/{language}/apply"),
            await client.post(f"/sign-up/{language}/", data={"name": "Yard"}),
        ):
            text = await response.text()
            assert response.status == 404
            assert f'href="/desk/{language}/"' in text
            assert f'<html lang="{language}"' in text
