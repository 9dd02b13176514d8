import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from tests.unit.http.test_addresses import Answers
from tests.unit.http.tls_host import PrivateAuthority, TlsHost, tls_host

from wanderbuch.errors import ConfigurationError, ResolutionError
from wanderbuch.plugins.http.addresses import ConnectionMap
from wanderbuch.plugins.http.answers import Fetched, Redirect
from wanderbuch.plugins.http.edge import HttpEdge, HttpEdgeConfig
from wanderbuch.plugins.http.errors import (
    AddressRefusedError,
    DeadlineError,
    HttpError,
    NotFoundError,
    RedirectRefusedError,
    StatusError,
    TooLargeError,
    UnreachableError,
)


def answering(response: dict[str, object]) -> object:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(**response)  # type: ignore[arg-type]

    return answer


@pytest.fixture
def page(host: TlsHost) -> str:
    host.handlers["page"] = answering({"body": b"0123456789", "content_type": "text/plain", "headers": {"ETag": '"7"'}})
    return host.url("page")


async def test_fetches_over_tls_through_the_connection_map(edge: HttpEdge, page: str) -> None:
    fetched = await edge.get(page, max_bytes=10, timeout_s=5)
    assert (fetched.status, fetched.body, fetched.content_type, fetched.etag) == (
        200,
        b"0123456789",
        "text/plain",
        '"7"',
    )


async def test_sends_no_cookie_and_asks_for_a_plain_body(edge: HttpEdge, page: str, host: TlsHost) -> None:
    await edge.get(page, max_bytes=10, timeout_s=5, accept="text/plain")
    headers = host.requests[-1].headers
    assert "Cookie" not in headers
    assert (headers["Accept"], headers["Accept-Encoding"], headers["Host"]) == ("text/plain", "identity", host.host)


async def test_an_unchanged_page_is_not_sent_again(edge: HttpEdge, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["If-None-Match"] == '"7"'
        return web.Response(status=304, headers={"ETag": '"7"'})

    host.handlers["page"] = answer
    fetched = await edge.get(host.url("page"), max_bytes=10, timeout_s=5, etag='"7"')
    assert (fetched.status, fetched.body, fetched.etag) == (304, b"", '"7"')


async def test_unchanged_is_no_answer_to_an_unconditional_request(edge: HttpEdge, host: TlsHost) -> None:
    host.handlers["page"] = answering({"status": 304})
    with pytest.raises(RedirectRefusedError):
        await edge.get(host.url("page"), max_bytes=10, timeout_s=5)


async def test_posts_a_body(edge: HttpEdge, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=202, body=request.content_type.encode() + b" " + await request.read())

    host.handlers["inbox"] = answer
    fetched = await edge.post(host.url("inbox"), b"{}", content_type="application/json", max_bytes=100, timeout_s=5)
    assert (fetched.status, fetched.body) == (202, b"application/json {}")


async def test_refuses_a_body_that_announces_one_byte_too_many(edge: HttpEdge, page: str) -> None:
    with pytest.raises(TooLargeError):
        await edge.get(page, max_bytes=9, timeout_s=5)


async def test_refuses_an_endless_body_without_a_length(edge: HttpEdge, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 4096)

    host.handlers["endless"] = answer
    with pytest.raises(TooLargeError):
        await edge.get(host.url("endless"), max_bytes=100_000, timeout_s=5)


async def test_refuses_a_compressed_body(edge: HttpEdge, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.Response(body=b"0" * 10_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    host.handlers["bomb"] = answer
    with pytest.raises(UnreachableError, match="compressed"):
        await edge.get(host.url("bomb"), max_bytes=100_000, timeout_s=5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["https://registry.example.test/page", "http://127.0.0.1/", "/page"])
async def test_follows_no_redirect(edge: HttpEdge, host: TlsHost, page: str, status: int, target: str) -> None:
    host.handlers["moved"] = answering({"status": status, "headers": {"Location": target}})
    with pytest.raises(RedirectRefusedError) as refused:
        await edge.get(host.url("moved"), max_bytes=100, timeout_s=5)
    assert refused.value.status == status
    assert [request.path for request in host.requests] == ["/moved"]


async def test_says_that_there_is_nothing(edge: HttpEdge, host: TlsHost) -> None:
    with pytest.raises(NotFoundError):
        await edge.get(host.url("nothing"), max_bytes=100, timeout_s=5)


async def test_an_error_status_is_an_error(edge: HttpEdge, host: TlsHost) -> None:
    host.handlers["broken"] = answering({"status": 503})
    with pytest.raises(StatusError) as error:
        await edge.get(host.url("broken"), max_bytes=100, timeout_s=5)
    assert error.value.status == 503
    assert not isinstance(error.value, NotFoundError)


async def test_gives_up_on_a_host_that_does_not_answer(edge: HttpEdge, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    host.handlers["silent"] = answer
    with pytest.raises(DeadlineError):
        await edge.get(host.url("silent"), max_bytes=100, timeout_s=0.2)


async def test_gives_up_on_a_body_that_never_ends_within_the_deadline(edge: HttpEdge, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.Event().wait()
        return response

    host.handlers["drip"] = answer
    with pytest.raises(DeadlineError):
        await edge.get(host.url("drip"), max_bytes=100, timeout_s=0.2)


async def test_refuses_a_certificate_for_another_name(host: TlsHost) -> None:
    async with host.edge(also=("other.example.test",)) as edge:
        with pytest.raises(UnreachableError):
            await edge.get("https://other.example.test/page", max_bytes=10, timeout_s=5)


async def test_refuses_a_certificate_of_an_unknown_authority(
    host: TlsHost, page: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = PrivateAuthority(tmp_path_factory.mktemp("stranger"))
    connect = ConnectionMap.parse([f"{host.host}:443=127.0.0.1:{host.port}"])
    async with HttpEdge(HttpEdgeConfig(connect, stranger.ca_file)) as edge:
        with pytest.raises(UnreachableError):
            await edge.get(page, max_bytes=10, timeout_s=5)
    assert host.requests == []


async def test_does_not_reach_loopback_by_a_name_that_is_not_mapped(host: TlsHost) -> None:
    async with HttpEdge(HttpEdgeConfig(ca_file=host.ca_file)) as edge:
        with pytest.raises(AddressRefusedError):
            await edge.get(f"https://localhost:{host.port}/page", max_bytes=10, timeout_s=5)
    assert host.requests == []


async def test_does_not_reach_loopback_by_a_name_server_that_answers_so(host: TlsHost) -> None:
    config = HttpEdgeConfig(ca_file=host.ca_file)
    async with HttpEdge(config, resolver=Answers(["127.0.0.1"], ["127.0.0.1"])) as edge:
        for _ in range(2):
            with pytest.raises(AddressRefusedError):
                await edge.get(f"https://registry.example.test:{host.port}/page", max_bytes=10, timeout_s=5)
    assert host.requests == []


async def test_says_that_nobody_listens(host: TlsHost) -> None:
    async with HttpEdge(HttpEdgeConfig(ConnectionMap.parse([f"{host.host}:443=127.0.0.1:1"]), host.ca_file)) as edge:
        with pytest.raises(UnreachableError) as error:
            await edge.get(host.url("page"), max_bytes=10, timeout_s=5)
    assert error.value.hint is not None


@pytest.fixture
async def narrow_edge(host: TlsHost) -> AsyncIterator[HttpEdge]:
    connect = ConnectionMap.parse([f"{host.host}:443=127.0.0.1:{host.port}"])
    async with HttpEdge(HttpEdgeConfig(connect, host.ca_file, max_connections=2)) as edge:
        yield edge


async def test_opens_no_more_connections_than_allowed(narrow_edge: HttpEdge, host: TlsHost) -> None:
    waiting, most, both = 0, 0, asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        if waiting == 2:
            both.set()
        await both.wait()
        waiting -= 1
        return web.Response()

    host.handlers["busy"] = answer
    await asyncio.gather(*(narrow_edge.get(host.url("busy"), max_bytes=1, timeout_s=5) for _ in range(8)))
    assert most == 2


async def test_a_request_that_waits_for_a_connection_has_its_deadline_too(narrow_edge: HttpEdge, host: TlsHost) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    host.handlers["silent"] = answer
    url = host.url("silent")
    results = await asyncio.gather(
        *(narrow_edge.get(url, max_bytes=1, timeout_s=0.2) for _ in range(5)), return_exceptions=True
    )
    assert [type(result) for result in results] == [DeadlineError] * 5


async def test_a_closed_edge_sends_nothing(host: TlsHost, page: str) -> None:
    edge = host.edge()
    await edge.get(page, max_bytes=10, timeout_s=5)
    await edge.close()
    with pytest.raises(UnreachableError, match="closed"):
        await edge.get(page, max_bytes=10, timeout_s=5)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_an_unreadable_ca_file_is_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.crt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"ca\.crt") as error:
        HttpEdge(HttpEdgeConfig(ca_file=file))
    assert error.value.hint is not None


def test_every_error_of_the_edge_means_could_not_check() -> None:
    assert issubclass(HttpError, ResolutionError)


async def test_two_hosts_are_kept_apart(authority: PrivateAuthority, host: TlsHost, tmp_path: Path) -> None:
    async with tls_host(authority, "second.example.test", tmp_path / "second") as second:
        host.handlers["who"] = answering({"text": "first"})
        second.handlers["who"] = answering({"text": "second"})
        connect = [f"{tls_host.host}:443=127.0.0.1:{tls_host.port}" for tls_host in (host, second)]
        async with HttpEdge(HttpEdgeConfig(ConnectionMap.parse(connect), host.ca_file)) as edge:
            bodies = [
                (await edge.get(tls_host.url("who"), max_bytes=10, timeout_s=5)).body for tls_host in (host, second)
            ]
    assert bodies == [b"first", b"second"]


LOCATION = "https://centre.example.test/?oob=" + "e" * 30_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_location_of_a_redirect_is_told_to_who_asks(edge: HttpEdge, host: TlsHost, status: int) -> None:
    host.handlers["short"] = answering({"status": status, "headers": {"Location": LOCATION}})
    answer = await edge.get_or_location(host.url("short"), max_bytes=65_536, timeout_s=5, accept="application/json")
    assert answer == Redirect(status, LOCATION)
    assert [request.path for request in host.requests] == ["/short"]
    assert host.requests[0].headers["Accept"] == "application/json"
    with pytest.raises((RedirectRefusedError, UnreachableError)):
        await edge.get(host.url("short"), max_bytes=65_536, timeout_s=5)


async def test_a_relative_location_is_made_absolute(edge: HttpEdge, host: TlsHost) -> None:
    host.handlers["a/short"] = answering({"status": 302, "headers": {"Location": "../long?oob=x"}})
    answer = await edge.get_or_location(host.url("a/short"), max_bytes=100, timeout_s=5)
    assert answer == Redirect(302, host.url("long?oob=x"))


async def test_a_page_is_fetched_by_who_would_take_a_location(edge: HttpEdge, page: str) -> None:
    answer = await edge.get_or_location(page, max_bytes=10, timeout_s=5)
    assert isinstance(answer, Fetched)
    assert answer.body == b"0123456789"
    with pytest.raises(TooLargeError):
        await edge.get_or_location(page, max_bytes=9, timeout_s=5)


@pytest.mark.parametrize("status", [300, 304, 305, 399])
async def test_other_redirects_have_no_location_to_tell(edge: HttpEdge, host: TlsHost, status: int) -> None:
    host.handlers["short"] = answering({"status": status, "headers": {"Location": LOCATION}})
    with pytest.raises(RedirectRefusedError):
        await edge.get_or_location(host.url("short"), max_bytes=65_536, timeout_s=5)


async def test_a_redirect_without_a_location_or_with_an_endless_one_is_refused(edge: HttpEdge, host: TlsHost) -> None:
    host.handlers["short"] = answering({"status": 302})
    with pytest.raises(RedirectRefusedError):
        await edge.get_or_location(host.url("short"), max_bytes=65_536, timeout_s=5)
    host.handlers["short"] = answering({"status": 302, "headers": {"Location": LOCATION + "e" * 100_000}})
    with pytest.raises(UnreachableError):
        await edge.get_or_location(host.url("short"), max_bytes=65_536, timeout_s=5)
