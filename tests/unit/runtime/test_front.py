"""Who asks with a browser, and what people meet at the two sites of an agent; programs get what they always got."""

import asyncio
import base64
import html
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request
from markupsafe import Markup, escape
from tests.flow.tiny_role import TinyOffice, TinyRole
from yarl import URL

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.front import Asked, Entry, Failure, SiteKind, wants_page
from wanderbuch.agents.runtime.store import StoreBusyError
from wanderbuch.agents.runtime.tenant_config import TenantConfig
from wanderbuch.agents.site.front import FRONT
from wanderbuch.agents.site.opening import OLDEST_BROWSERS
from wanderbuch.errors import ResolutionError
from wanderbuch.plugins.exchange.connecting.invitations import invitation_address, invitation_message
from wanderbuch.store.tables import DEFAULT_TENANT

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language": "fr"}


@pytest.mark.parametrize(
    "accept",
    [BROWSER["Accept"], "text/html", "TEXT/HTML; q=0.5, application/json;q=0.4", "application/json, text/html"],
)
def test_a_browser_is_told_by_the_html_it_asks_for(accept: str) -> None:
    assert wants_page(make_mocked_request("GET", "/", headers={"Accept": accept}))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*"},
        {"Accept": "application/json"},
        {"Accept": "application/didcomm-envelope-enc, */*"},
        {"Accept": "text/html;q=0"},
        {"Accept": "text/html;q=0.5, application/json"},
        {"Accept": "text/htmlx"},
        {"Accept": BROWSER["Accept"], "Authorization": "Bearer x"},
        {"Accept": ", ;q=,text/html;q=high;q=0.0"},
    ],
)
def test_a_program_is_no_browser(headers: dict[str, str]) -> None:
    assert not wants_page(make_mocked_request("GET", "/", headers=headers))


async def say_asked(office: TinyOffice, invitation_id: str, language: str) -> Asked | None:
    """Say what invitations of this name ask."""
    if invitation_id == "broken":
        raise ResolutionError("it cannot be said now")
    if invitation_id == "busy":
        raise StoreBusyError("no session was opened in time")
    if invitation_id != "asked":
        return None
    learnt = Markup("{} learns a <b>trade</b> in {}").format(office.tenant.id, language)
    return Asked([learnt], [escape("no <i>name</i>")])


class FrontedRole(TinyRole):
    front = FRONT
    say_asked = staticmethod(say_asked)

    def entries(self, config: TenantConfig) -> tuple[Entry, ...]:
        return Entry(SiteKind.PUBLIC, "file", "/org/{language}/file"), Entry(SiteKind.APP, "desk", "/desk/{language}/")


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def is_page(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("text/html") and "<!doctype html>" in self.text


@dataclass
class Site:
    agent: RunningAgent
    ask: Callable[..., Awaitable[Answer]]
    ask_app: Callable[..., Awaitable[Answer]]


WALLETS = ["https://wallet.wanderbuch.test", "https://books.wanderbuch.test"]


@pytest.fixture
async def site(tiny_handle: AgentHandle, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    role = FrontedRole()
    tiny_handle.configure(public={"wallets": getattr(request, "param", [])})
    tiny_handle.write_config()
    agent = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    await agent.wait_ready()
    context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
    async with aiohttp.ClientSession() as session:

        async def ask(path: str, headers: dict[str, str] = BROWSER, *, method: str = "GET") -> Answer:
            url = URL(f"https://127.0.0.1:{tiny_handle.public_port}{path}", encoded=True)
            options = {"ssl": context, "server_hostname": tiny_handle.host, "allow_redirects": False}
            async with session.request(method, url, headers=headers, **options) as got:  # type: ignore[arg-type]
                return Answer(got.status, await got.text(), dict(got.headers))

        async def ask_app(path: str, headers: dict[str, str] = BROWSER, *, method: str = "GET") -> Answer:
            url = URL(f"{tiny_handle.app_url}{path}", encoded=True)
            async with session.request(method, url, headers=headers, allow_redirects=False) as got:
                return Answer(got.status, await got.text(), dict(got.headers))

        yield Site(agent, ask, ask_app)
    await agent.stop()


async def test_the_public_root_says_where_one_is_in_ones_language(site: Site) -> None:
    page = await site.ask("/")
    assert (page.status, page.is_page, page.headers["Content-Language"]) == (200, True, "fr")
    assert "<bdi>Tiny</bdi>" in page.text
    assert str(site.agent.tenant.did) in page.text
    assert 'href="/org/fr/file"' in page.text
    assert "/desk/" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Accept" in page.headers["Vary"]
    assert (await site.ask("/?language=ta")).headers["Content-Language"] == "ta"
    assert (await site.ask("/", {"Accept": "application/json"})).status == 404
    assert (await site.ask("/", {})).text == "404: Not Found"


async def test_the_pages_bring_what_they_need(site: Site) -> None:
    page = await site.ask("/")
    (sheet,) = [part.split('"')[0] for part in page.text.split('<link rel="stylesheet" href="')[1:]]
    for ask in (site.ask, site.ask_app):
        assert (await ask(sheet, {})).headers["Content-Type"] == "text/css; charset=utf-8"
        assert (await ask("/site/assets/0123456789abcdef/site.css")).status == 404
    async with aiohttp.ClientSession() as session, session.get(f"{_app_url(site)}/favicon.ico") as icon:
        assert (icon.status, icon.content_type) == (200, "image/vnd.microsoft.icon")
        assert (await icon.read()).startswith(b"\x00\x00\x01\x00")


def _app_url(site: Site) -> str:
    return f"http://{site.agent.config.app.listen}"


async def test_the_app_root_says_so_too_and_programs_still_need_a_token(site: Site) -> None:
    page = await site.ask_app("/")
    assert (page.status, page.is_page) == (200, True)
    assert 'href="/desk/fr/"' in page.text
    assert 'href="/openapi.json"' in page.text
    assert "/org/fr/file" not in page.text
    refused = await site.ask_app("/", {"Accept": "*/*"})
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert '"code": "unauthorized"' in refused.text


@pytest.mark.parametrize("path", ["/none", "/i/AAAAAAAAAAAAAAAA", "/i/x/code.svg", "/org/", "/registry/si/x", "/..%2f"])
async def test_nothing_bare_is_shown_to_people_on_the_public_site(site: Site, path: str) -> None:
    page = await site.ask(path)
    assert (page.status, page.is_page) == (404, True)
    assert page.headers["Content-Language"] == ("si" if "/si/" in path else "fr")
    assert (await site.ask(path, {})).text == "404: Not Found"


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example/x", "///evil.example/"])
async def test_no_link_of_a_page_leads_to_another_host_whatever_its_address_is(path: str) -> None:
    app = web.Application()
    app.router.add_get("/{path:.*}", _lost)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET {path}?a=1 HTTP/1.1\r\nHost: tiny.test\r\nConnection: close\r\n\r\n".encode())
        page = (await reader.read()).decode()
        writer.close()
    links = [html.unescape(href) for href in re.findall(r'<a href="([^"]*)" hreflang', page)]
    assert "?a=1&language=ta" in links
    own = f"http://tiny.test{path}"
    assert {urlsplit(urljoin(own, link)).netloc for link in links} == {"tiny.test"}


async def _lost(request: web.Request) -> web.StreamResponse:
    return FRONT.problem(request, Failure(404))


@pytest.mark.parametrize(("path", "status"), [("/", 405), ("/i/x", 405), ("/none", 405), ("/didcomm", 400)])
async def test_what_cannot_be_sent_is_a_page_too(site: Site, path: str, status: int) -> None:
    page = await site.ask(path, method="POST")
    programs = await site.ask(path, {}, method="POST")
    assert (page.status, page.is_page, programs.is_page) == (programs.status, True, False)
    assert page.status == status
    assert page.headers.get("Allow") == programs.headers.get("Allow")


async def test_a_failure_is_a_page_that_tells_a_stranger_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: str) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(site.agent.tenants, "behind", broken)
    page = await site.ask("/i/AAAAAAAAAAAAAAAA")
    assert (page.status, page.is_page) == (500, True)
    assert "secret" not in page.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/none", 401), ("GET", "/v1/tiny/counts", 401), ("POST", "/openapi.json", 405), ("DELETE", "/", 401)],
)
async def test_nothing_bare_is_shown_to_people_on_the_app_site(site: Site, method: str, path: str, status: int) -> None:
    page = await site.ask_app(path, method=method)
    assert (page.status, page.is_page) == (status, True)
    assert ("hreflang" in page.text) == (method == "GET")  # a form cannot be sent again by a link
    problem = await site.ask_app(path, {}, method=method)
    assert problem.headers["Content-Type"].startswith("application/problem+json")
    assert page.headers.get("Allow") == problem.headers.get("Allow")


async def test_an_agent_that_is_not_ready_says_so_to_people_as_well(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.agent, "_ready", asyncio.Event())
    page = await site.ask_app("/")
    assert (page.status, page.is_page) == (503, True)


DID = "did:webvh:QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG:tiny.wanderbuch.test:org"


async def short_link(
    site: Site, invitation_id: str = "1", *, tenant: str = DEFAULT_TENANT, **members: str
) -> tuple[str, dict[str, object]]:
    message = invitation_message(invitation_id=invitation_id, label="Evil\u202e<b>Centre", did=DID, **members)  # type: ignore[arg-type]
    links = (await site.agent.tenants.enter(tenant)).short_links
    address = await links.add(invitation_address("https://tiny.wanderbuch.test/didcomm", message))
    return address.removeprefix(site.agent.config.public.url), message


async def test_a_short_link_in_a_browser_is_a_page_that_says_whose_it_is(site: Site) -> None:
    path, message = await short_link(site)
    page = await site.ask(path, BROWSER | {"Accept-Language": "en"})
    assert (page.status, page.is_page) == (200, True)
    assert "<bdi>Evil&lt;b&gt;Centre</bdi>" in page.text
    assert DID in page.text
    assert ">Not checked</span>" in page.text
    assert 'href="didcomm://invite?oob=' in page.text
    carried = page.text.split("didcomm://invite?oob=")[1].split('"')[0]
    assert json.loads(base64.urlsafe_b64decode(carried + "==")) == message
    assert f"https://tiny.wanderbuch.test{path}" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    code = await site.ask(f"{path}/code.svg", {"Accept": "image/svg+xml"})
    assert (code.status, code.headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
    assert "asks you to show" not in page.text


@pytest.mark.parametrize("site", [WALLETS], indirect=True)
async def test_a_short_link_offers_the_operators_wallet_first_and_names_others(site: Site) -> None:
    path, _ = await short_link(site)
    short = f"https://tiny.wanderbuch.test{path}"
    page = await site.ask(path, BROWSER | {"Accept-Language": "en"})
    first, second = (page.text.index(f'href="{wallet}/#{short}"') for wallet in WALLETS)
    app = page.text.index('href="didcomm://invite?oob=')
    assert first < second < app
    assert "Open it at wallet.wanderbuch.test" in page.text
    assert OLDEST_BROWSERS in page.text
    assert "wallet.wanderbuch.test makes one for you" in page.text
    assert "inside another app" not in page.text
    inside = "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Version/4.0 Chrome/130.0 Mobile Safari/537.36"
    page = await site.ask(path, BROWSER | {"Accept-Language": "en", "User-Agent": inside})
    chrome = f'href="intent://tiny.wanderbuch.test{path}#Intent;scheme=https;package=com.android.chrome;end"'
    assert page.text.index(chrome) < page.text.index(f'href="{WALLETS[0]}/#{short}"')
    apple = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS]"
    page = await site.ask(path, BROWSER | {"Accept-Language": "en", "User-Agent": apple})
    assert "Open in Safari" in page.text
    assert "intent:" not in page.text


async def test_without_a_wallet_of_the_operators_none_is_offered(site: Site) -> None:
    path, _ = await short_link(site)
    page = await site.ask(path, BROWSER | {"Accept-Language": "en"})
    assert "Ask the sender which one to use" in page.text
    assert OLDEST_BROWSERS not in page.text
    assert "/#https" not in page.text


async def test_a_question_says_what_it_is_for(site: Site) -> None:
    path, _ = await short_link(site, goal_code="wanderbuch.verify.study")
    page = await site.ask(path, BROWSER | {"Accept-Language": "en"})
    assert "asks you to show certificates. What for: study." in page.text


async def test_a_link_says_what_its_tenants_question_asks_in_the_readers_language(
    site: Site, tiny_handle: AgentHandle
) -> None:
    await tiny_handle.post("/v1/tenants", {"id": "galle", "name": "Galle", "roles": {"tiny": {}}})
    for tenant in (DEFAULT_TENANT, "galle"):
        path, message = await short_link(site, "asked", tenant=tenant)
        page = await site.ask(path)
        assert (page.status, page.is_page) == (200, True)
        assert f"<li>{tenant} learns a <b>trade</b> in fr</li>" in page.text
        assert "<li>no &lt;i&gt;name&lt;/i&gt;</li>" in page.text
        assert f"{tenant} learns a <b>trade</b> in ta" in (await site.ask(f"{path}?language=ta")).text
        assert json.loads((await site.ask(path, {"Accept": "application/json"})).text) == message
    await tiny_handle.post("/v1/tenants/galle/suspend")
    assert (await site.ask(path)).status == 404


@pytest.mark.parametrize("invitation_id", ["1", "broken", "busy"])
async def test_a_link_that_asks_nothing_or_cannot_say_it_now_is_a_page_without(site: Site, invitation_id: str) -> None:
    path, _ = await short_link(site, invitation_id)
    page = await site.ask(path)
    assert (page.status, page.is_page) == (200, True)
    assert 'id="asked"' not in page.text
    assert "didcomm://" in page.text


async def test_wallets_get_from_a_short_link_what_rfc_0434_says(site: Site) -> None:
    path, message = await short_link(site)
    got = await site.ask(path, {"Accept": "application/json"})
    assert json.loads(got.text) == message
    for headers in ({}, {"Accept": "*/*"}):
        sent_on = await site.ask(path, headers)
        assert (sent_on.status, "oob=" in sent_on.headers["Location"]) == (302, True)


async def test_a_long_link_in_a_browser_shows_nothing_of_what_anybody_may_have_made(site: Site) -> None:
    _, message = await short_link(site)
    for base in ("/", "/didcomm"):
        path = invitation_address(base, message)
        page = await site.ask(path)
        assert (page.status, page.is_page) == (200, True)
        assert "Evil" not in page.text
        assert "didcomm://" not in page.text
        assert (await site.ask(path, {})).status == 404


async def test_each_site_says_once_that_a_proxy_is_not_believed(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    forwarded = BROWSER | {"X-Forwarded-For": "203.0.113.7"}
    for _ in range(2):
        await site.ask("/", forwarded)
        await site.ask_app("/", forwarded)
    told = [record for record in caplog.records if record.getMessage() == "proxy.not_trusted"]
    assert len(told) == 2
