"""Forms as browsers post them: with a file only where a page asks for one, and nothing that keeps the process busy."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.agents.site.posted_form import read_form

HEADERS = {"Content-Type": "multipart/form-data; boundary=xyz"}
FIELD = b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
END = b"--xyz--\r\n"
type Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    def answering(*, takes_file: bool) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response(list((await read_form(request, takes_file=takes_file)).items()))
            except MalformedError:
                return web.json_response({}, status=400)

        return handle

    app = web.Application(client_max_size=3 * 1024 * 1024)
    app.router.add_post("/file", answering(takes_file=True))
    app.router.add_post("/plain", answering(takes_file=False))
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_a_file_comes_as_base64_with_its_name_beside_the_fields(client: Client) -> None:
    form = aiohttp.FormData()
    form.add_field("form_token", "t\u00f6ken")
    form.add_field("list", b"a\r\n--xy\r\n\r\n\x00", filename="centres.csv", content_type="text/csv")
    async with client.post("/file", data=form) as answer:
        assert answer.status == 200
        encoded = base64.b64encode(b"a\r\n--xy\r\n\r\n\x00").decode()
        assert await answer.json() == [["form_token", "t\u00f6ken"], ["list", encoded], ["list.name", "centres.csv"]]


async def test_a_browsers_quotes_are_undone_and_a_form_may_have_no_file_chosen(client: Client) -> None:
    file = b'--xyz\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\nContent-Type: text/csv\r\n\r\n\r\n'
    async with client.post(
        "/file", data=FIELD + file % "M\u00fcller %22A%22.csv".encode() + END, headers=HEADERS
    ) as sent:
        assert await sent.json() == [["a", "b"], ["f", ""], ["f.name", 'M\u00fcller "A".csv']]
    async with client.post("/file", data=file % b"" + END, headers=HEADERS) as sent:
        assert await sent.json() == [["f", ""], ["f.name", ""]]


async def test_a_form_with_a_file_is_none_where_no_page_asks_for_one(client: Client) -> None:
    async with client.post("/plain", data=FIELD + END, headers=HEADERS) as answer:
        assert answer.status == 400
    async with client.post("/plain", data={"a": "b"}) as answer:
        assert await answer.json() == [["a", "b"]]


@pytest.mark.parametrize(
    "body",
    [
        b"\n" * 2_000_000,
        b"--xyz\r\n" + b"\n" * 2_000_000,
        b"--xyz\r\n" + b"a:b\r\n" * 300_000 + END,
        b"--xyz\r\n" * 200_000,
        b"preamble\r\n" + FIELD + END,
        FIELD,
        FIELD + b"--xyz--\r\nepilogue",
        FIELD * 41 + END,
        b"--xyz\r\n\r\nb\r\n" + END,
        b"--xyz\r\nContent-Disposition: form-data\r\n\r\nb\r\n" + END,
        b'--xyz\r\nContent-Disposition: form-data; name="a"\r\nb\r\n' + END,
        b'--xyz\r\nContent-Disposition: form-data; name="' + b"a" * 9000 + b'"\r\n\r\nb\r\n' + END,
        b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n' + END,
        b"--xyz\r\nContent-Type: multipart/mixed; boundary=xyz\r\n\r\n--xyz\r\n\r\n" + END,
        b"",
    ],
    ids=range(15),
)
async def test_what_no_browser_sends_is_refused_at_once(client: Client, body: bytes) -> None:
    async with client.post("/file", data=body, headers=HEADERS) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    "parameter", ["", "; boundary=", '; boundary="\u00e9"', "; boundary=" + "x" * 71], ids=range(4)
)
async def test_a_boundary_that_is_none_is_refused(client: Client, parameter: str) -> None:
    headers = {"Content-Type": f"multipart/form-data{parameter}"}
    async with client.post("/file", data=FIELD + END, headers=headers) as answer:
        assert answer.status == 400
