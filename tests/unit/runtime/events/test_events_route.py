import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from tests.unit.store.conftest import OpenEngine

from wanderbuch.agents.runtime.app import Caller, ReadyReport
from wanderbuch.agents.runtime.app_site import Mount, make_app
from wanderbuch.agents.runtime.events import feed as feeds
from wanderbuch.agents.runtime.events.feed import Feed
from wanderbuch.agents.runtime.events.routes import EVENT_ROUTES, EventDesk
from wanderbuch.agents.runtime.events.streaming import stream_events
from wanderbuch.agents.runtime.openapi import describe
from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.events import EventLog, TenantEvents

TOKEN, OF_A = "t" * 32, "a" * 32
STREAM = {"Accept": "text/event-stream"}


class Site:
    """An app site with the event log of the tenants `default` and `a`."""

    def __init__(self, engine: Engine) -> None:
        self.log = EventLog(engine)
        self.feed = Feed(engine, self.log, look_every_s=0.1)
        self.tokens = {OF_A: Caller("a", frozenset({"operator"}))}
        self.suspended = set[str]()
        self.server: TestServer
        self.session: ClientSession

    async def enter(self, tenant: str) -> EventDesk:
        if tenant not in {"default", "a"} or tenant in self.suspended:
            raise NotFoundError("there is no such tenant")
        return EventDesk(TenantEvents(tenant, self.log), self.feed)

    async def identify(self, tenant: str, token: str) -> Caller | None:
        return self.tokens.get(token) if tenant == "a" else None

    async def append(self, *subjects: str, tenant: str = "default") -> None:
        await self.log.append_all(tenant, [Event(EventKind.CREDENTIAL_REVOKED, subject) for subject in subjects])

    async def get(self, path: str, *, token: str = TOKEN, **headers: str) -> ClientResponse:
        return await self.session.get(
            self.server.make_url(path), headers={"Authorization": f"Bearer {token}", **headers}
        )

    async def page(self, path: str = "/v1/events", *, token: str = TOKEN) -> tuple[int, Any]:
        response = await self.get(path, token=token)
        return response.status, await response.json()

    @asynccontextmanager
    async def following(self, path: str = "/v1/events", *, token: str = TOKEN, **headers: str) -> AsyncIterator["Told"]:
        response = await self.get(path, token=token, **STREAM, **headers)
        assert (response.status, response.content_type) == (200, "text/event-stream")
        told = Told(response)
        assert await told.block() == {"retry": "3000"}
        yield told
        response.close()


class Told:
    """Reads a stream as a browser would."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def block(self) -> dict[str, str] | None:
        """Return the next block as its fields; None at the end."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(60):
            while line := (await self.response.content.readline()).decode():
                if line == "\n":
                    return fields
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value
        return None

    async def event(self) -> tuple[int, str, Any] | None:
        """Return number, kind and data of the next event, comments left out; None at the end."""
        while (block := await self.block()) is not None:
            if "data" in block:
                return int(block["id"]), block["event"], json.loads(block["data"])
        return None


@pytest.fixture
async def site(engine: Engine) -> AsyncIterator[Site]:
    made = Site(engine)

    async def look() -> ReadyReport:
        return ReadyReport(True, {})

    mount = Mount("events", made.enter, EVENT_ROUTES)
    app = make_app(
        (mount,),
        token=SecretStr(TOKEN),
        max_body_bytes=1000,
        is_serving=lambda: True,
        look=look,
        description=lambda: describe([mount.described()], title="Events", version="1"),
        identify=made.identify,
    )
    async with TestServer(app) as made.server, ClientSession() as made.session:
        yield made
        made.feed.close()


async def test_reads_the_log_page_by_page(site: Site) -> None:
    await site.append("o1", "o2", "o3")
    status, page = await site.page("/v1/events?limit=2")
    assert status == 200
    assert [(item["number"], item["kind"], item["subject"], item["body"]) for item in page["items"]] == [
        (1, "credential.revoked", "o1", {}),
        (2, "credential.revoked", "o2", {}),
    ]
    assert (page["next_after"], page["last"], page["pruned_to"]) == (2, 3, 0)
    _, rest = await site.page("/v1/events?limit=2&after=2")
    assert ([item["number"] for item in rest["items"]], rest["next_after"]) == ([3], 3)
    _, end = await site.page("/v1/events?after=3")
    assert (end["items"], end["next_after"]) == ([], 3)


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=501", "after=9" + "9" * 16, "kind=x"])
async def test_refuses_what_is_no_number(site: Site, query: str) -> None:
    assert (await site.page(f"/v1/events?{query}"))[0] == 400


async def test_says_what_was_pruned(site: Site) -> None:
    await site.append(*(f"o{count}" for count in range(9)))
    await site.log.prune(keep_events=3)
    _, page = await site.page("/v1/events?after=2&limit=1")
    assert ([item["number"] for item in page["items"]], page["pruned_to"]) == ([7], 6)
    async with site.following("/v1/events?after=2") as told:
        assert await told.event() == (6, "missed", {"after": 2, "pruned_to": 6})
        assert (await told.event() or ())[0] == 7


async def test_a_reader_of_a_log_that_began_anew_is_told_so(site: Site) -> None:
    await site.append("o1")
    assert (await site.page("/v1/events?after=500"))[1]["next_after"] == 0
    async with site.following("/v1/events?after=500") as told:
        assert await told.event() == (0, "missed", {"after": 500, "pruned_to": 0})
        assert (await told.event() or ())[0] == 1


async def test_streams_what_comes_and_goes_on_after_a_reconnect(site: Site) -> None:
    await site.append("o1")
    async with site.following() as told:  # without a number: what comes from now on
        await site.append("o2")
        number, kind, data = await told.event() or (0, "", {})
        assert (number, kind, data["subject"], data["number"]) == (2, "credential.revoked", "o2", 2)
    await site.append("o3", "o4")
    async with site.following("/v1/events?after=1", **{"Last-Event-ID": "2"}) as told:  # the header counts
        assert [(await told.event() or ())[0] for _ in range(2)] == [3, 4]
        await site.append("o5")
        assert (await told.event() or ())[0] == 5
    async with site.following("/v1/events?after=0") as told:
        assert [(await told.event() or ())[0] for _ in range(5)] == [1, 2, 3, 4, 5]


async def test_sends_more_than_a_batch(site: Site) -> None:
    await site.append(*(f"o{count}" for count in range(250)))
    async with site.following("/v1/events?after=0") as told:
        assert [(await told.event() or ())[0] for _ in range(250)] == list(range(1, 251))


@pytest.mark.parametrize("token", [TOKEN, OF_A])
async def test_each_tenant_reads_its_own(site: Site, token: str) -> None:
    await site.append("o1")
    await site.append("x1", tenant="a")
    _, page = await site.page("/v1/t/a/events", token=token)
    assert [item["subject"] for item in page["items"]] == ["x1"]
    async with site.following("/v1/t/a/events?after=0", token=token) as told:
        await site.append("o2")
        await site.append("x2", tenant="a")
        assert [((await told.event() or (0, "", {}))[2])["subject"] for _ in range(2)] == ["x1", "x2"]


@pytest.mark.parametrize("path", ["/v1/events", "/v1/t/b/events", "/v1/t/a/events"])
@pytest.mark.parametrize("headers", [{}, STREAM])
async def test_nobody_reads_anothers(site: Site, path: str, headers: dict[str, str]) -> None:
    token = "x" * 32 if path.startswith("/v1/t/a") else OF_A
    response = await site.get(path, token=token, **headers)
    assert response.status == 401


@pytest.mark.parametrize("withdraw", ["token", "tenant"])
async def test_a_stream_ends_when_its_reader_may_not_read_any_more(site: Site, withdraw: str) -> None:
    async with site.following("/v1/t/a/events", token=OF_A) as told, site.following("/v1/events") as other:
        if withdraw == "token":
            site.tokens.clear()
        else:
            site.suspended.add("a")
        site.feed.doubt()
        assert await told.event() is None
        await site.append("o1")
        assert (await other.event() or ())[0] == 1


async def test_streams_are_counted_for_each_tenant(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.feed, "_streams_a_tenant", 2)
    async with site.following(), site.following():
        refused = await site.get("/v1/events", **STREAM)
        assert (refused.status, (await refused.json())["code"]) == (429, "too-many")
        async with site.following("/v1/t/a/events"):
            assert len(site.feed) == 3
        assert (await site.page())[0] == 200
    async with asyncio.timeout(60):
        while len(site.feed):
            await site.append(f"o{len(site.feed)}")
            await asyncio.sleep(0.05)
    async with site.following():
        pass


async def test_streams_are_counted_for_the_process(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_STREAMS", 1)
    async with site.following():
        assert (await site.get("/v1/t/a/events", **STREAM)).status == 429


async def test_ends_cleanly_when_the_process_stops(site: Site) -> None:
    async with site.following() as told:
        await site.append("o1")
        assert (await told.event() or ())[0] == 1
        site.feed.close()
        assert await told.event() is None  # the chunked answer ended as it should, else this raises
    refused = await site.get("/v1/events", **STREAM)
    assert (refused.status, (await refused.json())["code"]) == (503, "not-ready")


type Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Serve) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app) as server:
        yield server


async def yes() -> bool:
    return True


async def test_sends_comments_while_nothing_happens(site: Site) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return await stream_events(request, site.feed, "default", after=0, may_read=yes, beat_s=0.05)

    async with served(handler) as server:
        told = Told(await site.session.get(server.make_url("/")))
        assert await told.block() == {"retry": "3000"}
        assert [await told.block() for _ in range(2)] == [{"": ""}, {"": ""}]
        told.response.close()


async def test_a_reader_that_does_not_read_is_cut_off(site: Site) -> None:
    """Its buffers, which are small here, are full soon; the batch that does not leave in time ends the connection."""
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        try:
            return await stream_events(request, site.feed, "default", after=0, may_read=yes, write_s=0.3)
        finally:
            ended.set()

    subjects = [f"{count}-{'x' * 240}" for count in range(500)]
    for part in range(3):
        await site.append(*(f"{part}-{subject}" for subject in subjects))
    async with served(handler) as server:
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.setblocking(False)
            await asyncio.get_running_loop().sock_connect(reader, ("127.0.0.1", server.port))
            await asyncio.get_running_loop().sock_sendall(reader, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(60):
                await ended.wait()
            assert not len(site.feed)


@pytest.mark.needs("postgresql")
async def test_a_reader_at_one_process_sees_within_two_seconds_what_another_appended(open_another: OpenEngine) -> None:
    here, there = await open_another(), await open_another()
    for hears in (True, False):
        feed = Feed(here, EventLog(here))
        if not hears:  # as if every announcement were lost
            here.hear = lambda _topic, _told: lambda: None  # type: ignore[method-assign, attr-defined]
        with feed.follow("a") as follower:
            await follower.grown(0.5)
            if not hears:
                await follower.grown(2.0)  # it has looked once, so that it knows what there was
            await EventLog(there).append("a", EventKind.CREDENTIAL_REVOKED, f"o{hears}")
            assert await follower.grown(2.0)
        feed.close()
