"""The desks of two tenants on one host: whatever of one's a browser has, the other's is closed to it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
import pytest
from tests.unit.runtime.correspondents import refuse_without_waiting
from tests.unit.verifier_pages.conftest import hidden

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.site.desks import desk_place
from wanderbuch.agents.verifier.role import VerifierRole
from wanderbuch.agents.verifier.staff import cookie_of

pytestmark = pytest.mark.agents

AUTHOR: Final = "did:webvh:QmTest:authority.wanderbuch.test"
QUESTION: Final = {"place": "Malta", "credentials": [{"ask": "qualification", "occupation": "welder"}]}
ROLES: Final = ["asker", "administrator"]


@dataclass
class Site:
    """An agent with the desks of two tenants, and a person's token at each of three."""

    handle: AgentHandle
    browser: aiohttp.ClientSession
    tokens: Mapping[str, str]

    async def ask(self, path: str, *, cookies: str = "", data: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Return status, text and target of a page, as a browser without JavaScript asks for it."""
        method = "GET" if data is None else "POST"
        headers = {"Accept": "text/html", "Cookie": cookies}
        url = f"{self.handle.app_url}{path}"
        async with self.browser.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            text = await answer.text()
            target = answer.headers.get("Location", "")
            if (kept := next((c for c in answer.cookies.values() if c.key.endswith("asking")), None)) is not None:
                target = f"{kept.key}={kept.value}"
            return answer.status, text, target

    async def sign_in(self, tenant: str) -> str:
        """Sign in at a tenant's own desk, and return the cookie."""
        status, _, cookie = await self.ask(f"{desk_place(tenant)}/en/sign-in", data={"token": self.tokens[tenant]})
        assert (status, cookie.partition("=")[0]) == (303, cookie_of(tenant))
        return cookie


@pytest.fixture
async def site(machine: LocalMachine) -> AsyncIterator[Site]:
    handle = machine.add("verifier", "Everybody", "all.wanderbuch.test")
    handle.configure(governance={"url": "https://authority.wanderbuch.test/governance/x", "author": AUTHOR})
    machine.reach("authority.wanderbuch.test", "127.0.0.1:9")
    handle.write_config()
    agent = await start(load_config(handle.config_path, {}, role=VerifierRole()), VerifierRole())
    try:
        await agent.wait_ready()
        refuse_without_waiting(agent)
        tokens = {}
        for tenant in ("default", "a", "b"):
            if tenant != "default":
                await handle.post("/v1/tenants", {"id": tenant, "name": tenant, "roles": {"verifier": {}}})
            api = "/v1/verifier" if tenant == "default" else f"/v1/t/{tenant}/verifier"
            told = {"id": "m.borg", "name": f"Borg of {tenant}", "roles": ROLES}
            tokens[tenant] = (await handle.post(f"{api}/people", told))["token"]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser:
            yield Site(handle, browser, tokens)
    finally:
        await handle.stop()
        await agent.stop()


async def test_one_tenants_desk_is_closed_to_all_that_is_anothers(site: Site) -> None:
    cookies = {tenant: await site.sign_in(tenant) for tenant in site.tokens}
    template = await site.handle.post("/v1/t/b/verifier/templates", {"title": "Secret", "question": QUESTION})
    for tenant in site.tokens:
        own = desk_place(tenant)
        status, page, _ = await site.ask(f"{own}/en/people", cookies="; ".join(cookies.values()))
        assert status == 200
        assert page.count("Borg of ") == page.count(f"Borg of {tenant}") > 0
        stolen = [f"{cookie_of(tenant)}={cookie.partition('=')[2]}" for of, cookie in cookies.items() if of != tenant]
        for cookie in (*stolen, *(cookie for of, cookie in cookies.items() if of != tenant)):
            for path in ("/", "/people", "/audit", f"/ask?template={template['id']}"):
                status, page, target = await site.ask(f"{own}/en{path}", cookies=cookie)
                assert (status, target.partition("?")[0]) == (303, f"{own}/en/sign-in")
                assert "Secret" not in page
        for of, token in site.tokens.items():
            if of != tenant:
                status, _, target = await site.ask(f"{own}/en/sign-in", data={"token": token})
                assert (status, target) != (303, f"{own}/en/")
                assert not target.startswith(cookie_of(tenant))

    _, page, _ = await site.ask("/t/a/desk/en/means", cookies=cookies["a"])
    form = {"form_token": hidden(page, "form_token"), "question": "{}"}
    for path in ("ask/put", f"template/{template['id']}/remove", "people"):
        status, _, _ = await site.ask(f"/t/b/desk/en/{path}", cookies=cookies["b"], data=form)
        assert status == 403, path
    status, _, _ = await site.ask(f"/t/a/desk/en/template/{template['id']}/remove", cookies=cookies["a"], data=form)
    assert status == 404
    assert (await site.handle.get(f"/v1/t/b/verifier/templates/{template['id']}"))["title"] == "Secret"
    for desk in ("/desk", "/t/a/desk"):  # a page that is not there is no call of a program
        assert (await site.ask(f"{desk}/en/nowhere/at/all"))[::2] == (303, f"{desk}/en/sign-in")
        assert (await site.ask(f"{desk}/en/nowhere", cookies="; ".join(cookies.values())))[0] == 404
    for gone in ("default", "nobody"):
        assert (await site.ask(f"/t/{gone}/desk/en/sign-in"))[0] == 404
