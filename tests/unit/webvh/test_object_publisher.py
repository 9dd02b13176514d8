"""Public files as objects: nothing goes back, whoever writes when."""

import asyncio
import dataclasses
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from obstore.store import MemoryStore, S3Store
from tests.objects import Bucket

from wanderbuch.errors import ConfigurationError
from wanderbuch.plugins.webvh import object_publisher
from wanderbuch.plugins.webvh.object_publisher import ObjectPublisher, UnnumberedFileError, check
from wanderbuch.plugins.webvh.publisher import NewerFileError, Publisher

LOG = "org/did.jsonl"
JSONL = "text/jsonl"


@pytest.fixture
def publisher(bucket: Bucket) -> Publisher:
    return ObjectPublisher(bucket.store())


class Sleeper(ObjectPublisher):
    """Sleeps between its look at what is there and its write, until it is woken."""

    def __init__(self, store: S3Store) -> None:
        self.looked, self.wake = asyncio.Event(), asyncio.Event()
        sleeper = self

        class Store:
            """The store, whose first write waits."""

            get_async = staticmethod(store.get_async)

            async def put_async(self, *arguments: Any, **options: Any) -> Any:
                sleeper.looked.set()
                await sleeper.wake.wait()
                return await store.put_async(*arguments, **options)

        super().__init__(Store())  # type: ignore[arg-type]


async def test_what_is_put_is_there_with_its_media_type(publisher: Publisher, bucket: Bucket) -> None:
    assert await publisher.get(LOG) is None
    await publisher.put(LOG, b"one", JSONL, number=1)
    assert await publisher.get(LOG) == b"one"
    stored = bucket.client.get_object(Bucket=bucket.name, Key=f"org/{LOG}")
    assert (stored["ContentType"], stored["CacheControl"]) == (JSONL, "no-cache")


async def test_a_file_with_a_greater_number_stays(publisher: Publisher) -> None:
    await publisher.put(LOG, b"two", JSONL, number=2)
    with pytest.raises(NewerFileError, match="number 2, this one 1"):
        await publisher.put(LOG, b"one", JSONL, number=1)
    assert await publisher.get(LOG) == b"two"
    await publisher.put(LOG, b"two, signed anew", JSONL, number=2)
    await publisher.put(LOG, b"ten", JSONL, number=10)
    assert await publisher.get(LOG) == b"ten"


@pytest.mark.parametrize("there", [None, b"zero"])
async def test_a_process_that_slept_between_its_look_and_its_write_writes_nothing_older(
    bucket: Bucket, there: bytes | None
) -> None:
    fast, slow = ObjectPublisher(bucket.store()), Sleeper(bucket.store())
    if there is not None:
        await fast.put(LOG, there, JSONL, number=0)
    late = asyncio.create_task(slow.put(LOG, b"one", JSONL, number=1))
    await slow.looked.wait()
    await fast.put(LOG, b"two", JSONL, number=2)
    slow.wake.set()
    with pytest.raises(NewerFileError):
        await late
    assert await fast.get(LOG) == b"two"


async def test_a_process_that_slept_writes_what_is_newer_than_what_came_meanwhile(bucket: Bucket) -> None:
    fast, slow = ObjectPublisher(bucket.store()), Sleeper(bucket.store())
    late = asyncio.create_task(slow.put(LOG, b"three", JSONL, number=3))
    await slow.looked.wait()
    await fast.put(LOG, b"two", JSONL, number=2)
    slow.wake.set()
    await late
    assert await fast.get(LOG) == b"three"


@pytest.mark.parametrize("there", [None, b"zero"])
async def test_a_write_whose_answer_was_lost_is_not_taken_for_somebody_elses(
    bucket: Bucket, there: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client tries again after a gateway's 503, and is refused: what it wrote lies there already."""
    monkeypatch.setattr(object_publisher, "_LONGEST_WAIT_S", 0.0)  # as after a write that took as long
    answers: list[int] = []

    async def gateway(request: web.Request) -> web.Response:
        url = f"{bucket.url}{request.path_qs}"
        async with session.request(request.method, url, headers=request.headers, data=await request.read()) as answer:
            body = await answer.read()
        if request.method == "PUT":
            answers.append(answer.status)
            if len(answers) == 1:
                return web.Response(status=503)
        kept = {"etag", "last-modified", "content-type", "content-length", "x-amz-meta-wanderbuch-number"}
        headers = {name: value for name, value in answer.headers.items() if name.lower() in kept}
        return web.Response(status=answer.status, body=body, headers=headers)

    if there is not None:
        await ObjectPublisher(bucket.store()).put(LOG, there, JSONL, number=0)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway)
    async with aiohttp.ClientSession() as session, TestServer(app, skip_url_asserts=True) as server:
        between = dataclasses.replace(bucket, url=str(server.make_url("/")).rstrip("/"))
        await ObjectPublisher(between.store(retries=3)).put(LOG, b"one", JSONL, number=1)
    assert answers == [200, 412]
    assert await ObjectPublisher(bucket.store()).get(LOG) == b"one"


async def test_what_has_no_number_is_replaced(publisher: Publisher) -> None:
    await publisher.put("org/tails/x", b"1", "application/octet-stream")
    await publisher.put("org/tails/x", b"2", "application/octet-stream")
    assert await publisher.get("org/tails/x") == b"2"


@pytest.mark.parametrize(
    "metadata", [{}, {"wanderbuch-number": "many"}], ids=["without a number", "with none that is one"]
)
async def test_an_object_that_came_by_other_means_stays_unless_it_is_the_very_file(
    publisher: Publisher, bucket: Bucket, metadata: dict[str, str]
) -> None:
    def copy(body: bytes) -> None:
        bucket.client.put_object(Bucket=bucket.name, Key=f"org/{LOG}", Body=body, Metadata=metadata)

    copy(b"nine")
    with pytest.raises(UnnumberedFileError, match="without its number") as err:
        await publisher.put(LOG, b"eight", JSONL, number=8)
    assert f"remove the object {LOG}" in str(err.value.hint)
    assert await publisher.get(LOG) == b"nine"
    await publisher.put(LOG, b"nine", JSONL, number=9)  # now it has one
    with pytest.raises(NewerFileError):
        await publisher.put(LOG, b"eight", JSONL, number=8)
    await publisher.put(LOG, b"ten", JSONL, number=10)
    assert await publisher.get(LOG) == b"ten"


async def test_an_object_that_was_removed_may_go_back_on_purpose(publisher: Publisher, bucket: Bucket) -> None:
    await publisher.put(LOG, b"two", JSONL, number=2)
    bucket.client.delete_object(Bucket=bucket.name, Key=f"org/{LOG}")
    await publisher.put(LOG, b"one", JSONL, number=1)
    assert await publisher.get(LOG) == b"one"


async def test_agents_and_hosts_keep_apart_in_one_bucket(bucket: Bucket) -> None:
    places = [
        ObjectPublisher(bucket.store("issuer")),
        ObjectPublisher(bucket.store("verifier")),
        ObjectPublisher(bucket.store("issuer"), "hosts/school.example"),
    ]
    for number, place in enumerate(places):
        await place.put(LOG, str(number).encode(), JSONL, number=number)
    assert [await place.get(LOG) for place in places] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("path", ["../x", "/x", "org//x", ".folder", "org/.hidden", "a/" * 16 + "x"])
async def test_refuses_what_is_no_path_of_plain_names(publisher: Publisher, path: str) -> None:
    with pytest.raises(ConfigurationError, match="plain names"):
        await publisher.put(path, b"", JSONL)


async def test_a_store_with_conditional_writes_is_fit(bucket: Bucket) -> None:
    await check(bucket.store())
    await check(bucket.store())


class Careless:
    """A store that takes a kind of conditional write without looking at the condition, as some do."""

    def __init__(self, store: S3Store, ignores: type) -> None:
        self.get_async = store.get_async
        self._store = store
        self._ignores = ignores

    async def put_async(self, key: str, body: bytes, *, mode: Any, **options: Any) -> Any:
        return await self._store.put_async(
            key, body, mode="overwrite" if isinstance(mode, self._ignores) else mode, **options
        )


@pytest.mark.parametrize(("ignores", "condition"), [(str, "If-None-Match"), (dict, "If-Match with the tag")])
async def test_a_store_that_ignores_a_condition_is_refused(bucket: Bucket, ignores: type, condition: str) -> None:
    with pytest.raises(ConfigurationError, match=condition) as refused:
        await check(Careless(bucket.store(), ignores))  # type: ignore[arg-type]
    assert "conditional writes" in str(refused.value.hint)


async def test_a_store_that_keeps_no_metadata_is_refused() -> None:
    class Forgetful(MemoryStore):
        async def put_async(self, *arguments: Any, **options: Any) -> Any:
            return await super().put_async(*arguments, **{**options, "attributes": {}})

    with pytest.raises(ConfigurationError, match="metadata"):
        await check(Forgetful())


async def test_a_bucket_that_is_not_there_is_told(object_store: str) -> None:
    with pytest.raises(ConfigurationError, match="no such bucket"):
        await check(Bucket("nobodys-bucket", object_store).store())


async def test_a_store_that_does_not_answer_is_told_without_its_secret() -> None:
    place = ObjectPublisher(Bucket("public", "http://127.0.0.1:9").store())
    for work in (place.get(LOG), place.put(LOG, b"", JSONL, number=1), place.put(LOG, b"", JSONL)):
        with pytest.raises(ConfigurationError, match="does not answer") as refused:
            await work
        assert "a-secret" not in f"{refused.value} {refused.value.hint}"


async def test_many_that_write_at_once_leave_the_newest(bucket: Bucket) -> None:
    places = [ObjectPublisher(bucket.store()) for _ in range(8)]
    done = await asyncio.gather(
        *(place.put(LOG, str(number).encode(), JSONL, number=number) for number, place in enumerate(places)),
        return_exceptions=True,
    )
    assert await places[0].get(LOG) == b"7"
    assert all(outcome is None or isinstance(outcome, NewerFileError) for outcome in done)
