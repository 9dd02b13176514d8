"""A real nginx that ends TLS before both sites of every agent: the exchanges, the desk, addresses and streams."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from tests.interop.ecosystem import Ecosystem, running_ecosystem
from tests.interop.tls_proxy import APP_NAMES, TlsProxy

from wanderbuch.agents.machine import AgentHandle

pytestmark = [pytest.mark.agents, pytest.mark.needs("nginx"), pytest.mark.asyncio(loop_scope="module")]

STREAM_S = 30.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Agents behind a proxy."""

    ours: Ecosystem
    proxy: TlsProxy
    worker: AgentHandle

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A browser's connections and cookies; every name leads to the proxy."""
        trusted = ssl.create_default_context(cafile=str(self.ours.machine.ca_file))
        connector = aiohttp.TCPConnector(ssl=trusted, resolver=ToTheProxy(self.proxy.port))
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        async with aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False) as session:
            yield session


class ToTheProxy(aiohttp.abc.AbstractResolver):
    """Resolves every name to the proxy."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
        return [{"hostname": host, "host": "127.0.0.1", "port": self._port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing is open."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("proxied")
    proxy = TlsProxy(folder / "proxy")
    async with running_ecosystem(folder / "machine", worker=True, front=proxy.before) as ours:
        assert ours.worker is not None
        yield Scene(ours, proxy, ours.worker)


async def test_a_credential_is_offered_kept_shown_and_trusted(scene: Scene) -> None:
    offer = await scene.ours.offer()
    opened = await scene.worker.post("/invitations", {"url": offer["short_url"]})
    await scene.worker.post(f"/offers/{opened['id']}/accept")
    kept = await scene.worker.wait_for(f"/offers/{opened['id']}", "state", "RECEIVED")
    await scene.ours.centre.wait_for(f"/offers/{offer['id']}", "receipt", "KEPT")
    question = await scene.ours.ask(min_eqf_level=3)
    asked = await scene.worker.post("/invitations", {"url": question["short_url"]})
    await scene.worker.post(f"/requests/{asked['id']}/present", {"credential_id": kept["credential_id"]})
    outcome = await scene.ours.outcome(question)
    assert outcome["decision"]["verdict"] == "TRUSTED"
    hosts = {host for host, *_ in scene.proxy.requests()}
    assert {scene.ours.authority.host, scene.ours.centre.host, scene.worker.host, scene.ours.employer.host} <= hosts


async def test_connections_are_used_again_on_both_sides_of_the_proxy(scene: Scene) -> None:
    before = len(scene.proxy.requests())
    host = scene.ours.authority.host
    async with scene.browser() as browser:
        for _ in range(20):
            async with browser.get(f"https://{host}/") as answer:
                assert answer.status == 200
                await answer.read()
    async with asyncio.timeout(30):  # nginx writes its log a moment after the answer
        while len(ours := [one for one in scene.proxy.requests()[before:] if one[:2] == [host, "GET"]]) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert max(int(number) for *_, number, _ in ours) >= 20  # one connection of the browser
    assert sum(took == "0.000" for *_, took in ours) >= 15  # and few of the proxy


async def test_the_page_of_an_invitation_names_public_addresses_alone(scene: Scene) -> None:
    offer = await scene.ours.offer()
    assert offer["short_url"].startswith(f"https://{scene.ours.centre.host}/")
    assert offer["invitation_url"].startswith(f"https://{scene.ours.centre.host}/")
    async with scene.browser() as browser, browser.get(offer["short_url"]) as answer:
        assert answer.status == 200
        page = await answer.text()
        assert answer.url.host == scene.ours.centre.host
    assert offer["short_url"] in page
    assert "127.0.0.1" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


async def official(scene: Scene, name: str) -> str:
    """Return the token of a new editor at the authority."""
    added = await scene.ours.authority.post("/officials", {"id": name, "name": name, "roles": ["editor"]})
    return str(added["token"])


@pytest.mark.parametrize("name", APP_NAMES)
async def test_an_official_signs_in_at_the_desk_and_opens_a_draft(scene: Scene, name: str) -> None:
    """Whether the proxy passes on the name that was asked for, or its own."""
    site = f"https://{name}.{scene.ours.authority.host}"
    token = await official(scene, f"clerk-{name}")
    async with scene.browser() as browser:
        async with browser.get(f"{site}/desk") as answer:
            assert str(answer.url) == f"{site}/desk/en/sign-in"
        async with browser.post(f"{site}/desk/en/sign-in", data={"token": token}, headers={"Origin": site}) as answer:
            assert (answer.status, str(answer.url)) == (200, f"{site}/desk/en/")
            page = await answer.text()
        cookies = [cookie for cookie in browser.cookie_jar if cookie.key.startswith("__Host-")]
        assert cookies
        assert all(cookie["secure"] for cookie in cookies)
        hidden = dict(re.findall(r'<input type="hidden" name="(form_token|new_id)" value="([^"]+)"', page))
        assert set(hidden) == {"form_token", "new_id"}
        form = {**hidden, "why": "behind a proxy"}
        async with browser.post(f"{site}/desk/en/drafts", data=form, headers={"Origin": site}) as answer:
            assert answer.status == 200
            assert str(answer.url).startswith(f"{site}/desk/en/draft/")


@pytest.mark.parametrize("name", APP_NAMES)
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}], ids=["origin", "fetch"]
)
async def test_a_form_of_another_site_is_refused_behind_the_proxy_too(
    scene: Scene, name: str, headers: dict[str, str]
) -> None:
    site = f"https://{name}.{scene.ours.authority.host}"
    async with scene.browser() as browser:
        sent = browser.post(f"{site}/desk/en/sign-in", data={"token": "x" * 40}, headers=headers)
        async with sent as answer:
            assert answer.status == 403
            assert "another site" in await answer.text()


async def test_a_stream_of_events_arrives_while_it_goes_on(scene: Scene) -> None:
    """The proxy holds nothing of it back."""
    centre = scene.ours.centre
    headers = {"Authorization": f"Bearer {centre.token}", "Accept": "text/event-stream"}
    async with scene.browser() as browser:
        stream = browser.get(f"https://desk.{centre.host}/v1/events", headers=headers)
        async with asyncio.timeout(STREAM_S), stream as answer:
            assert answer.content_type == "text/event-stream"
            assert await answer.content.readline() == b"retry: 3000\n"
            offer = await scene.ours.offer()
            await centre.post(f"/offers/{offer['id']}/withdraw")
            async for line in answer.content:
                if line.startswith(b"data: "):
                    assert json.loads(line.removeprefix(b"data: "))["subject"] == offer["id"]
                    break


async def test_an_agent_that_ended_is_a_bad_gateway_until_it_is_back(scene: Scene) -> None:
    employer = scene.ours.employer
    async with scene.browser() as browser:
        address = f"https://desk.{employer.host}/health"
        async with browser.get(address) as answer:
            assert answer.status == 200
        await employer.kill()
        async with browser.get(address) as answer:
            assert answer.status == 502
        await employer.start()
        async with browser.get(address) as answer:
            assert answer.status == 200
    question = await scene.ours.ask(min_eqf_level=3)
    assert question["short_url"].startswith(f"https://{employer.host}/")
