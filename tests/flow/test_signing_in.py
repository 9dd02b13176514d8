"""A real authority agent behind its configured name: an invited administrator, passkeys, and REST as before."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from tests.prepared import start_prepared
from tests.unit.people.authenticator import Authenticator
from tests.unit.people.window import Window

from wanderbuch.agents.machine.local import AgentHandle, LocalMachine

ORIGIN, RP_ID = "https://desk.wanderbuch.test", "desk.wanderbuch.test"


async def refused(agent: AgentHandle, token: str, method: str, path: str, body: Any = None) -> int:
    """Return the status of a call with somebody's token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(trust_env=False) as session:
        url = f"{agent.app_url}/v1/authority{path}"
        async with session.request(method, url, json=body, headers=headers) as response:
            return response.status


async def test_an_administrator_is_invited_and_lets_others_in_and_out(tmp_path: Path) -> None:
    machine = LocalMachine(tmp_path, start_child=start_prepared)
    agent = machine.add("authority", "Authority", "authority.wanderbuch.test", authority={"ecosystem": "lanka"})
    agent.configure(app={"url": ORIGIN})
    try:
        await agent.start()
        invited = await agent.post(
            "/officials", {"id": "boss", "name": "B", "roles": ["administrator"], "invite": True}
        )
        assert invited["token"] is None
        link = invited["invitation"]["url"]
        assert link.startswith(f"{ORIGIN}/desk/invitation/boss~")
        editor = await agent.post("/officials", {"id": "ed", "name": "E", "roles": ["editor"]})
        chief = await agent.post("/officials", {"id": "chief", "name": "C", "roles": ["administrator"]})
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
            device = Authenticator(ORIGIN, RP_ID)
            window = Window(agent.app_url, session, headers={"Origin": ORIGIN})  # an old browser behind a proxy
            assert (await window.accept(urlsplit(link).path, device))[0] == 200
            again = Window(agent.app_url, session, headers={"Origin": ORIGIN})
            assert (await again.enter(device))[0] == 303
            assert (await again.ask("/desk/en/people"))[0] == 200
            token = (await again.fields("/desk/en/means"))["form_token"]
            assert (await again.ask("/desk/en/people/ed/block", {"form_token": token}))[0] == 303
            assert await refused(agent, editor["token"], "GET", "/me") == 401
            assert await refused(agent, chief["token"], "POST", "/officials/ed/unblock") == 200
            assert await refused(agent, editor["token"], "GET", "/me") == 200
            for path in ("/officials/boss/block", "/officials/boss/invitation", "/officials/boss/token"):
                assert await refused(agent, editor["token"], "POST", path) == 403
            assert await refused(agent, chief["token"], "POST", "/drafts", {"why": "no part"}) == 403
            await agent.stop()
            await agent.start()
            assert (await again.ask("/desk/en/people"))[0] == 200  # sessions outlive the process
            await agent.post("/officials/boss/block")
            assert (await again.ask("/desk/en/people"))[0] == 303
            assert (await again.enter(device))[0] == 409
        history = (await agent.get("/history"))["items"]
        assert "boss: passkey added" in [entry["why"] for entry in history]
    finally:
        await machine.stop()
