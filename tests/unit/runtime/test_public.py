import asyncio
import base64
import json
import ssl
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from tests.flow.tiny_role import TinyRole

from wanderbuch.agents.machine import AgentHandle
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.config_tables import Address
from wanderbuch.agents.runtime.sockets import bind, tls_context
from wanderbuch.errors import ConfigurationError


@pytest.fixture
async def ask(tiny_handle: AgentHandle, tiny_agent: RunningAgent):  # type: ignore[no-untyped-def]
    context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
    async with aiohttp.ClientSession() as session:

        def asked(path: str, **options: object):  # type: ignore[no-untyped-def]
            from yarl import URL

            url = URL(f"https://127.0.0.1:{tiny_handle.public_port}{path}", encoded=True)
            return session.get(url, ssl=context, server_hostname=tiny_handle.host, allow_redirects=False, **options)

        yield asked


async def test_serves_the_did_log_with_its_type(ask, tiny_agent: RunningAgent) -> None:  # type: ignore[no-untyped-def]
    async with ask("/org/did.jsonl") as response:
        assert response.status == 200
        assert response.content_type == "text/jsonl"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert tiny_agent.tenant.did in await response.text()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/org",
        "/org/",
        "/none",
        "/org/../../lock",
        "/org/%2e%2e/%2e%2e/lock",
        "/..%2f..%2flock",
        "/org/.hidden",
        "/leads-out",
        "/didcomm",
        "/i/x",
    ],
)
async def test_serves_nothing_else(ask, tiny_agent: RunningAgent, path: str) -> None:  # type: ignore[no-untyped-def]
    folder = tiny_agent.config.public_folder
    (folder / "org" / ".hidden").write_text("x")
    (folder / "leads-out").symlink_to(tiny_agent.config.data / "lock")
    async with ask(path) as response:
        assert response.status in {400, 404, 405}


async def test_a_short_link_gives_a_wallet_the_invitation_and_sends_others_on(ask, tiny_agent: RunningAgent) -> None:  # type: ignore[no-untyped-def]
    message = {"@type": "https://didcomm.org/out-of-band/1.1/invitation", "@id": "1"}
    long = "https://x.test?oob=" + base64.urlsafe_b64encode(json.dumps(message).encode()).decode().rstrip("=")
    path = (await tiny_agent.tenant.short_links.add(long)).removeprefix(tiny_agent.config.public.url)
    async with ask(path, headers={"Accept": "application/json"}) as response:
        assert await response.json() == message
    async with ask(path, headers={"Accept": "text/html"}) as response:
        assert (response.status, response.headers["Location"]) == (302, long)


def test_a_busy_port_is_one_clear_line() -> None:
    with bind(Address(host="127.0.0.1", port=free()), "[app] listen") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"\[app\] listen 127.0.0.1:{port} is in use"):
            bind(Address(host="127.0.0.1", port=port), "[app] listen")


def test_an_address_of_another_machine_is_one_clear_line() -> None:
    with pytest.raises(ConfigurationError, match="cannot be listened on"):
        bind(Address(host="192.0.2.1", port=1), "[app] listen")


def test_a_certificate_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        tls_context(tmp_path / "none.crt", tmp_path / "none.key")


def free() -> int:
    from wanderbuch.agents.machine.ports import free_port

    return free_port()


async def test_refuses_a_message_larger_than_allowed(tiny_handle: AgentHandle, tiny_agent: RunningAgent) -> None:
    context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
    url = f"https://127.0.0.1:{tiny_handle.public_port}/didcomm"
    body = b"x" * (tiny_agent.config.public.max_message_bytes + 1)
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=body, ssl=context, server_hostname=tiny_handle.host) as response:
            assert response.status == 413
        async with session.post(url, data=body[:1000], ssl=context, server_hostname=tiny_handle.host) as response:
            assert response.status == 400


@pytest.mark.parametrize(("proxies", "network"), [((), "127.0.0.0/24"), (("127.0.0.1",), "203.0.113.0/24")])
async def test_tells_from_which_network_a_message_came(
    tiny_handle: AgentHandle, proxies: tuple[str, ...], network: str
) -> None:
    tiny_handle.configure(public={"trusted_proxies": list(proxies)})
    tiny_handle.write_config()
    role = TinyRole()
    agent = await start(load_config(tiny_handle.config_path, {}, role=role), role)
    came: list[str] = []

    async def receive(_: bytes, network: str) -> web.Response:
        came.append(network)
        return web.Response()

    try:
        agent._public.connect(receive)
        context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
        url, headers = f"https://127.0.0.1:{tiny_handle.public_port}/didcomm", {"X-Forwarded-For": "203.0.113.7"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=b"x", headers=headers, ssl=context, server_hostname=tiny_handle.host) as response,
        ):
            assert response.status == 200
    finally:
        await agent.stop()
    assert came == [network]


async def test_who_writes_before_messages_are_taken_waits_for_it(
    tiny_handle: AgentHandle, tiny_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some wallets take a 503 for a good answer."""
    site, waits = tiny_agent._public, asyncio.Event()
    receiver, wait = site._receiver, site._begin
    site._receiver = None
    site._began.clear()

    async def noted() -> None:
        waits.set()
        await wait()

    monkeypatch.setattr(site, "_begin", noted)
    context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
    url = f"https://127.0.0.1:{tiny_handle.public_port}/didcomm"

    async def status() -> int:
        async with session.post(url, data=b"{}", ssl=context, server_hostname=tiny_handle.host) as response:
            return response.status

    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        posting = asyncio.create_task(status())
        await waits.wait()
        site.connect(receiver)
        assert await posting == 400  # it was looked at, and is no envelope
        site.connect(None)
        assert await status() == 503  # it stops
