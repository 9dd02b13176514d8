import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from wanderbuch.agents.runtime.small_files import SmallFiles

type Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    files = SmallFiles()

    async def serve(request: web.Request) -> web.StreamResponse:
        segments = tuple(request.path.removeprefix("/").split("/"))
        return await files.answer(request, tmp_path / "public", segments, {"Content-Type": "text/jsonl"})

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    (tmp_path / "public" / "org").mkdir(parents=True)
    (tmp_path / "public" / "org" / "log").write_text("one")
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def asked(client: Client, path: str = "/org/log", **headers: str) -> tuple[int, str, str]:
    async with client.get(path, headers=headers) as response:
        return response.status, await response.text(), response.headers.get("ETag", "")


async def test_a_file_is_served_as_it_lies_there_now(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "public" / "org" / "log"
    _, _, first = await asked(client)
    beside = file.with_name("beside")
    for text in ("two", "six", "seven"):  # of one size, within one tick of a clock
        beside.write_text(text)
        os.utime(beside, ns=(0, 10**9))
        beside.replace(file)
        assert (await asked(client))[:2] == (200, text)
        assert (await asked(client, **{"If-None-Match": first}))[:2] == (200, text)
    file.unlink()
    assert (await asked(client))[0] == 404


async def test_who_has_it_is_told_so_and_who_has_another_is_not(client: Client, tmp_path: Path) -> None:
    status, text, tag = await asked(client)
    assert (status, text) == (200, "one")
    assert await asked(client, **{"If-None-Match": tag}) == (304, "", tag)
    assert await asked(client, **{"If-None-Match": f'W/{tag}, "other"'}) == (304, "", tag)
    assert await asked(client, **{"If-None-Match": '"other"'}) == (200, "one", tag)
    async with client.get("/org/log") as response:
        since = response.headers["Last-Modified"]
    assert (await asked(client, **{"If-Modified-Since": since}))[0] == 304
    os.utime(tmp_path / "public" / "org" / "log", (2e9, 2e9))
    assert (await asked(client, **{"If-Modified-Since": since}))[0] == 200


async def test_large_files_and_parts_are_answered_with_the_same_tag(client: Client, tmp_path: Path) -> None:
    _, _, tag = await asked(client)
    assert await asked(client, Range="bytes=1-1") == (206, "n", tag)
    (tmp_path / "public" / "large").write_bytes(b"x" * 100_000)
    status, text, tag = await asked(client, "/large")
    assert (status, len(text)) == (200, 100_000)
    assert await asked(client, "/large", **{"If-None-Match": tag}) == (304, "", tag)


async def test_a_link_that_leads_out_is_no_file_also_where_a_file_was(client: Client, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("one")
    assert (await asked(client))[0] == 200
    file = tmp_path / "public" / "org" / "log"
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    assert (await asked(client))[0] == 404
    (tmp_path / "public" / "org" / "other").write_text("inside")
    file.unlink()
    file.symlink_to(file.with_name("other"))
    assert (await asked(client))[:2] == (200, "inside")


async def test_what_is_at_hand_is_bounded(tmp_path: Path) -> None:
    files = SmallFiles()
    folder = tmp_path
    request = make_mocked_request("GET", "/")
    for number in range(80):
        (folder / str(number)).write_bytes(b"x" * 60_000)
        await files.answer(request, folder, (str(number),), {"Content-Type": "text/jsonl"})
    assert sum(len(file.body) for file in files._files.values()) == files._files.currsize <= 4 * 1024 * 1024
