"""An agent whose public files lie in an object store serves them from there, whoever put them."""

import asyncio
import dataclasses
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import aiohttp
import pytest
from tests.flow.tiny_role import TinyRole
from tests.objects import SECRET, Bucket, client, server
from tests.postgresql import Database
from tests.unit.runtime.test_agent_on_postgresql import processes, run
from yarl import URL

from wanderbuch.agents.machine import AgentHandle, LocalMachine
from wanderbuch.agents.runtime.agent import RunningAgent, start
from wanderbuch.agents.runtime.config import load_config
from wanderbuch.agents.runtime.secret_files import write_secret
from wanderbuch.errors import ConfigurationError

type Ask = Callable[..., Any]


def publish_to(handle: AgentHandle, bucket: Bucket, prefix: str = "tiny", host: str | None = None) -> None:
    """Let an agent publish into a bucket."""
    secret = handle.folder / "objects.secret"
    if not secret.exists():
        write_secret(secret, SECRET.encode())
    objects = {**bucket.table(prefix), "secret_file": str(secret)}
    handle.configure(public={"host": host or handle.host, "folder": None, "objects": objects})
    handle.write_config()


@pytest.fixture
async def agent(tiny_handle: AgentHandle, bucket: Bucket) -> AsyncIterator[RunningAgent]:
    publish_to(tiny_handle, bucket)
    agent = await start(load_config(tiny_handle.config_path, {}, role=TinyRole()), TinyRole())
    await agent.wait_ready()
    yield agent
    await agent.stop()


@pytest.fixture
async def ask(tiny_handle: AgentHandle, agent: RunningAgent) -> AsyncIterator[Ask]:
    context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
    async with aiohttp.ClientSession() as session:

        def asked(path: str, method: str = "GET", **options: Any) -> Any:
            url = URL(f"https://127.0.0.1:{tiny_handle.public_port}{path}", encoded=True)
            return session.request(method, url, ssl=context, server_hostname=tiny_handle.host, **options)

        yield asked


async def test_serves_its_did_log_out_of_the_bucket_and_keeps_no_folder(
    ask: Ask, agent: RunningAgent, bucket: Bucket
) -> None:
    async with ask("/org/did.jsonl") as response:
        assert (response.status, response.content_type) == (200, "text/jsonl")
        assert response.headers["Cache-Control"] == "no-cache"
        body = await response.read()
        tag = response.headers["ETag"]
    assert str(agent.tenant.did) in body.decode()
    assert bucket.client.get_object(Bucket=bucket.name, Key="tiny/org/did.jsonl")["Body"].read() == body
    assert not agent.config.public_folder.exists()
    async with ask("/org/did.jsonl", headers={"If-None-Match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with ask("/org/did.jsonl", headers={"If-None-Match": '"another"'}) as response:
        assert (response.status, await response.read()) == (200, body)
    async with ask("/org/did.jsonl", "HEAD") as response:
        assert (response.status, response.content_length, await response.read()) == (200, len(body), b"")


async def test_what_another_process_put_is_served_at_once_and_what_was_removed_no_more(
    ask: Ask, agent: RunningAgent, bucket: Bucket
) -> None:
    for body in (b"{}", b'{"a": 1}', b"{}"):
        bucket.client.put_object(Bucket=bucket.name, Key="tiny/org/x.json", Body=body)
        async with ask("/org/x.json") as response:
            assert await response.read() == body
    bucket.client.delete_object(Bucket=bucket.name, Key="tiny/org/x.json")
    async with ask("/org/x.json") as response:
        assert response.status == 404


async def test_passes_large_files_on_whole(ask: Ask, bucket: Bucket) -> None:
    body = bytes(range(256)) * 4096
    bucket.client.put_object(Bucket=bucket.name, Key="tiny/org/tails/large", Body=body)
    async with ask("/org/tails/large") as response:
        assert response.headers["Cache-Control"].endswith("immutable")
        assert (response.content_length, await response.read()) == (len(body), body)
    async with ask("/org/tails/large", "HEAD") as response:
        assert (response.content_length, await response.read()) == (len(body), b"")


class CutOff:
    """Stands before a store and passes on so many bytes of each answer; then, where it is told to, cuts it off."""

    def __init__(self, url: str) -> None:
        self._target = URL(url)
        self.left: int | None = None
        self.passed = 0
        self.url = ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection(self._target.host, self._target.port)

        async def asked() -> None:
            while piece := await reader.read(65_536):
                asks.write(piece)

        asking = asyncio.create_task(asked())
        while piece := await answers.read(65_536):
            if self.left is not None:
                piece = piece[: self.left]
                self.left -= len(piece)
            writer.write(piece)
            self.passed += len(piece)
            if self.left == 0:
                break
        asking.cancel()
        for stream in (writer, asks):
            stream.close()


async def test_a_large_file_that_does_not_come_whole_does_not_look_whole(
    tiny_handle: AgentHandle, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    """What is missing is less than the head of another answer, which written behind it would make up the length."""
    body = bytes(range(256)) * 4096
    bucket.client.put_object(Bucket=bucket.name, Key="tiny/org/tails/large", Body=body)
    async with CutOff(bucket.url) as between:
        publish_to(tiny_handle, dataclasses.replace(bucket, url=between.url))
        agent = await start(load_config(tiny_handle.config_path, {}, role=TinyRole()), TinyRole())
        await agent.wait_ready()
        context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
        address = f"https://127.0.0.1:{tiny_handle.public_port}/org/tails/large"
        async with aiohttp.ClientSession() as session:

            async def fetched() -> bytes:
                async with session.get(address, ssl=context, server_hostname=tiny_handle.host) as response:
                    assert (response.status, response.content_length) == (200, len(body))
                    return await response.read()

            between.passed = 0
            assert await fetched() == body
            between.left = between.passed - 50
            async with asyncio.timeout(40):  # told at once, not when the connection ends for want of use
                with pytest.raises(aiohttp.ClientPayloadError):
                    await fetched()
            between.left = None
            assert await fetched() == body
        await agent.stop()
    assert "public.store_silent" in caplog.text


@pytest.mark.parametrize(
    "path", ["/.folder", "/.conditions", "/org/none", "/org/", "/org/../.folder", "/hosts/x.test/y"]
)
async def test_serves_nothing_hidden_and_nothing_of_other_hosts(ask: Ask, bucket: Bucket, path: str) -> None:
    for key in (".folder", "hosts/x.test/y"):
        bucket.client.put_object(Bucket=bucket.name, Key=f"tiny/{key}", Body=b"x")
    async with ask(path) as response:
        assert response.status == 404


async def test_an_agent_whose_store_is_not_there_does_not_start_and_says_so(
    tiny_handle: AgentHandle, bucket: Bucket
) -> None:
    for wrong, complaint in (
        (dataclasses.replace(bucket, name="nobodys-bucket"), "no such bucket"),
        (dataclasses.replace(bucket, url="http://127.0.0.1:9"), "does not answer"),
    ):
        publish_to(tiny_handle, wrong)
        with pytest.raises(ConfigurationError, match=complaint):
            await start(load_config(tiny_handle.config_path, {}, role=TinyRole()), TinyRole())


async def test_a_store_that_goes_away_is_503_and_heals(tiny_handle: AgentHandle) -> None:
    store = server()
    store.start()
    host, port = store.get_host_and_port()
    url = f"http://{host}:{port}"
    client(url).create_bucket(Bucket="going-away")
    publish_to(tiny_handle, Bucket("going-away", url))
    agent = await start(load_config(tiny_handle.config_path, {}, role=TinyRole()), TinyRole())
    await agent.wait_ready()
    context = ssl.create_default_context(cafile=tiny_handle.folder.parent / "ca.crt")
    address = f"https://127.0.0.1:{tiny_handle.public_port}/org/did.jsonl"
    async with aiohttp.ClientSession() as session:

        async def status() -> int:
            async with session.get(address, ssl=context, server_hostname=tiny_handle.host) as response:
                await response.read()
                return response.status

        assert await status() == 200
        store.stop()
        assert await status() == 503
        store = server(port)
        store.start()  # moto keeps what it holds in this process
        assert await status() == 200
    await agent.stop()
    store.stop()


@pytest.mark.needs("postgresql")
async def test_processes_share_a_bucket_and_one_with_another_place_is_refused(
    machine: LocalMachine, database: Database, bucket: Bucket
) -> None:
    first, second = processes(machine, database, 2)
    publish_to(first, bucket)
    one = await run(first)
    publish_to(second, bucket, host=first.host)
    two = await run(second)
    assert one.tenant.did == two.tenant.did
    assert await one._shared_folder.look()
    await two.stop()
    publish_to(second, bucket, prefix="another", host=first.host)
    with pytest.raises(ConfigurationError, match=r"public-[0-9]+/another is not the one that the other processes"):
        await run(second)
    await one.stop()
