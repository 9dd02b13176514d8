"""What strangers make us ask of other hosts has a budget of its own, and shuns nobody."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from tests.unit.http.tls_host import TlsHost

from wanderbuch.governance.facts.identifiers import WebvhDid
from wanderbuch.plugins.http import edge as edge_module
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.edge_lanes import Lane
from wanderbuch.plugins.http.errors import DeadlineError, HttpError, NoConnectionError, NotFoundError
from wanderbuch.plugins.http.lanes import LaneBusyError, SilentHostError, own_work, work_for_strangers
from wanderbuch.plugins.http.names import NameLookup
from wanderbuch.plugins.webvh.cache import ExpiringCache

SILENT = "silent.example.test"
LONG_S = 60  # ends only what hangs


def _let_connect(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Give strangers' connections so long to be made."""
    limits = replace(edge_module.FIXED[Lane.STRANGERS], connect_s=seconds)
    monkeypatch.setattr(edge_module, "FIXED", {**edge_module.FIXED, Lane.STRANGERS: limits})


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A port that takes connections and says nothing, ever."""
    writers: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await asyncio.Event().wait()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in writers:
        writer.close()
    server.close()


@pytest.fixture
async def town(host: TlsHost, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpEdge]:
    """A way out to an honest host, to one that is silent, and to the silent port of the honest one."""
    _let_connect(monkeypatch, 0.3)
    connect = ConnectionMap.parse(
        [
            f"{host.host}:443=127.0.0.1:{host.port}",
            f"{host.host}:8443=127.0.0.1:{silent_port}",
            *(f"{prefix}{SILENT}:443=127.0.0.1:{silent_port}" for prefix in ("", *(f"n{n}." for n in range(40)))),
        ]
    )
    (host.folder).mkdir(exist_ok=True)
    (host.folder / "page").write_text("honest")
    async with HttpEdge(HttpEdgeConfig(connect, host.ca_file)) as opened:
        yield opened


async def fetch(edge: HttpEdge, url: str, *, timeout_s: float = 5) -> bytes:
    return (await edge.get(url, max_bytes=100, timeout_s=timeout_s)).body


async def fails(edge: HttpEdge, url: str) -> type[HttpError]:
    with pytest.raises(HttpError) as error:
        await fetch(edge, url)
    return type(error.value)


async def test_a_silent_host_is_not_asked_again_for_strangers(town: HttpEdge) -> None:
    with work_for_strangers():
        assert await fails(town, f"https://{SILENT}/x") is NoConnectionError
        assert await fails(town, f"https://{SILENT}/y") is SilentHostError


async def test_our_own_work_asks_a_silent_host_again(town: HttpEdge, host: TlsHost) -> None:
    with work_for_strangers():
        await fails(town, f"https://{SILENT}/x")
    with pytest.raises(HttpError) as error:
        await fetch(town, f"https://{SILENT}/x", timeout_s=0.2)
    assert not isinstance(error.value, SilentHostError)


async def test_a_silent_port_does_not_shun_its_host(town: HttpEdge, host: TlsHost) -> None:
    with work_for_strangers():
        assert await fails(town, f"https://{host.host}:8443/page") is NoConnectionError
        assert await fails(town, f"https://{host.host}:8443/page") is SilentHostError
        assert await fetch(town, host.url("page")) == b"honest"


async def test_a_wrong_or_slow_path_does_not_shun_its_host(town: HttpEdge, host: TlsHost) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    host.handlers["slow"] = slow
    with work_for_strangers():
        with pytest.raises(NotFoundError):
            await fetch(town, host.url("nothing"))
        with pytest.raises(HttpError):
            await fetch(town, host.url("slow"), timeout_s=0.2)
        assert await fetch(town, host.url("page")) == b"honest"


class NeverSays(AbstractResolver):
    """A name server that does not answer."""

    async def resolve(self, host: str, port: int = 0, family: Any = None) -> list[ResolveResult]:
        await asyncio.Event().wait()
        return []

    async def close(self) -> None:
        pass


async def test_a_name_that_nobody_looks_up_does_not_shun_its_host() -> None:
    """Others may keep the threads that look names up."""
    async with HttpEdge(resolver=NeverSays()) as edge:
        with work_for_strangers():
            for _ in range(2):
                with pytest.raises(DeadlineError):
                    await fetch(edge, "https://honest.example.test/x", timeout_s=0.1)


async def test_a_host_that_answers_us_is_not_silent_any_more(town: HttpEdge, host: TlsHost) -> None:
    town._strangers.note_silence((host.host, 443))
    with work_for_strangers():
        assert await fails(town, host.url("page")) is SilentHostError
        with own_work():
            assert await fetch(town, host.url("page")) == b"honest"
        assert await fetch(town, host.url("page")) == b"honest"


async def test_a_party_of_governance_is_never_a_strangers_work(town: HttpEdge, host: TlsHost) -> None:
    town._strangers.note_silence((host.host, 443))
    town.know_parties(lambda name: name == host.host)
    with work_for_strangers():
        assert await fetch(town, host.url("page")) == b"honest"


@pytest.mark.parametrize("name", ["xn--mnchen-3ya.example.test", "münchen.example.test", "MÜNCHEN.example.test"])
async def test_a_party_is_known_by_the_ascii_form_of_its_host(town: HttpEdge, name: str) -> None:
    """As a did:webvh has it."""
    did = WebvhDid.parse(f"did:webvh:Qm{'a' * 44}:m%C3%BCnchen.example.test:org")
    town._strangers.note_silence((did.host, 443))
    with work_for_strangers():
        assert await fails(town, f"https://{name}/") is SilentHostError
        town.know_parties(lambda host: host == did.host)
        assert await fails(town, f"https://{name}/") is NoConnectionError


async def test_a_host_has_few_places_and_nobody_queues_for_them(town: HttpEdge) -> None:
    with work_for_strangers():
        asked = await asyncio.gather(*(fails(town, f"https://{SILENT}/{number}") for number in range(150)))
    assert asked.count(NoConnectionError) == 2
    assert asked.count(LaneBusyError) == 148


async def test_our_own_work_and_deliveries_do_not_wait_for_strangers(
    town: HttpEdge, host: TlsHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    _let_connect(monkeypatch, LONG_S)  # they are still waiting when we are done
    with own_work():
        await fetch(town, host.url("page"))

    async def inbox(_: web.Request) -> web.StreamResponse:
        return web.Response(status=202)

    host.handlers["inbox"] = inbox
    with work_for_strangers():
        asked = (fetch(town, f"https://n{number}.{SILENT}/x", timeout_s=LONG_S) for number in range(40))
        strangers = [asyncio.ensure_future(stranger) for stranger in asked]
    await asyncio.sleep(0.05)
    assert await fetch(town, host.url("page"), timeout_s=LONG_S) == b"honest"
    url, kind = host.url("inbox"), "application/x"
    assert (await town.deliver(url, b"x", content_type=kind, max_bytes=9, timeout_s=LONG_S)).status == 202
    waiting = [stranger for stranger in strangers if not stranger.done()]
    assert waiting
    for task in waiting:
        task.cancel()
    ended = await asyncio.gather(*strangers, return_exceptions=True)
    assert {type(outcome) for outcome in ended} <= {asyncio.CancelledError, LaneBusyError}


@contextmanager
def nobody() -> Iterator[None]:
    yield


@pytest.mark.parametrize(("first", "shares"), [(work_for_strangers, False), (nobody, True)])
async def test_our_own_work_does_not_wait_for_a_strangers_load_of_the_same(first: type, shares: bool) -> None:
    cache: ExpiringCache[str, str] = ExpiringCache(max_entries=9, lifetime_s=9)
    begun, go = [], asyncio.Event()

    async def load(whose: str) -> str:
        begun.append(whose)
        await go.wait()
        return whose

    with first():
        one = asyncio.ensure_future(cache.get("k", lambda: load("first")))
    await asyncio.sleep(0)
    two = asyncio.ensure_future(cache.get("k", lambda: load("own")))
    await asyncio.sleep(0.01)
    go.set()
    assert [await one, await two] == (["first", "first"] if shares else ["first", "own"])


async def test_names_are_looked_up_in_threads_of_their_own() -> None:
    lookup, is_free = NameLookup(1), threading.Event()
    lookup._threads.submit(is_free.wait, LONG_S)
    waiting = asyncio.ensure_future(lookup.resolve("localhost", 443))
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "works"), LONG_S / 2) == "works"
    assert not waiting.done()
    is_free.set()
    assert {address["host"] for address in await waiting} <= {"127.0.0.1", "::1"}
    await lookup.close()
