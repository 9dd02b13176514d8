import asyncio
import json
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from tests.unit.authority.trqp_site import BASE, CENTRE, FILE, Registry, body, query, serving

from wanderbuch.agents.authority import trqp
from wanderbuch.governance.deciding.trqp import MAX_QUERY_BYTES
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

type Client = TestClient[web.Request, web.Application]

ASK = f"{BASE}/authorization"


@pytest.fixture
def registry() -> Registry:
    return Registry()


async def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status, response.content_type) == (status, "application/problem+json")
    document: dict[str, Any] = json.loads(await response.text())
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:wanderbuch:problem:{code}"
    assert response.headers["Cache-Control"] == "no-store"
    return document


async def test_answers_over_http(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        response = await client.post(ASK, json=query(), headers={"X-Request-ID": "d4f34c12-9b7a"})
        answer = await response.json()
        assert (response.status, answer["authorized"]) == (200, True)
        assert response.headers["X-Request-ID"] == "d4f34c12-9b7a"
        assert response.headers["Cache-Control"] == "public, max-age=60"
        recognised = await client.post(f"{BASE}/recognition", json=query(action="recognize"))
        assert (recognised.status, (await recognised.json())["recognized"]) == (200, False)


@pytest.mark.parametrize("sent", ["", "with space", "x" * 65, "tab\there", "<script>"])
async def test_a_request_id_that_is_not_plain_is_replaced(registry: Registry, sent: str) -> None:
    async with serving(registry.endpoint()) as client:
        made = {
            (await client.post(ASK, json=query(), headers={"X-Request-ID": sent})).headers["X-Request-ID"]
            for _ in range(2)
        }
    assert len(made) == 2
    assert all(re.fullmatch(r"[0-9a-f-]{36}", request_id) for request_id in made)


async def test_an_answer_is_kept_no_longer_than_the_file_is_fresh(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        registry.fresh_for(seconds=7)
        assert (await client.post(ASK, json=query())).headers["Cache-Control"] == "public, max-age=7"
        registry.fresh_for(seconds=0)
        stale = await client.post(ASK, json=query())
        assert stale.headers["Cache-Control"] == "no-store"
        assert (await stale.json())["authorized"] is False


async def test_the_tag_of_an_answer_changes_with_it(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        tags = [
            (await client.post(ASK, json=query(**more))).headers["ETag"] for more in ({}, {}, {"entity_id": "did:a:b"})
        ]
    assert tags[0] == tags[1] != tags[2]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"not json", 400, "malformed"),
        (b"{}", 400, "malformed"),
        (body(context={"time": "today"}), 400, "malformed"),
        (body(context={"time": "2026-06-30T00:00:00+00:00"}), 400, "malformed"),
        (body(entity_id=f"{CENTRE}#key-1"), 400, "malformed"),
        (body(entity_id=CENTRE.replace("did:", "DID:")), 400, "malformed"),
        (body(entity_id=f"{CENTRE}/"), 400, "malformed"),
        (body(authority_id=f"{FILE.author}#key-1"), 400, "malformed"),
        (body(action="Issue"), 400, "malformed"),
        (body(resource="occupation=c7212;place=MLT"), 400, "malformed"),
        (body(resource="occupation=C7299;place=MLT"), 404, "not-found"),
        (body(authority_id=CENTRE), 404, "not-found"),
        (body(action="dance"), 404, "not-found"),
        (body(resource="engineer-license"), 404, "not-found"),
        (body().ljust(MAX_QUERY_BYTES + 1), 413, "too-large"),
    ],
)
async def test_refusals_are_problem_details(registry: Registry, sent: bytes, status: int, code: str) -> None:
    async with serving(registry.endpoint()) as client:
        response = await client.post(ASK, data=sent, headers={"Content-Type": "application/json", "X-Request-ID": "a"})
        await problem(response, status, code)
        assert response.headers["X-Request-ID"] == "a"


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("text/plain", 415),
        ("application/json-patch+json", 415),
        ("application/json; charset=utf-16", 415),
    ],
)
async def test_only_json_is_read(registry: Registry, media_type: str, status: int) -> None:
    async with serving(registry.endpoint()) as client:
        response = await client.post(ASK, data=body(), headers={"Content-Type": media_type})
        assert response.status == status


async def test_compressed_bodies_are_not_read(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        assert (await client.post(ASK, data=b"\x1f\x8b broken", headers=headers)).status in (400, 415)


async def test_a_body_in_chunks_has_the_same_limit(registry: Registry) -> None:
    async def chunks(size: int) -> Any:
        sent = body().ljust(size)
        for start in range(0, size, 1000):
            yield sent[start : start + 1000]

    async with serving(registry.endpoint()) as client:
        headers = {"Content-Type": "application/json"}
        assert (await client.post(ASK, data=chunks(MAX_QUERY_BYTES), headers=headers)).status == 200
        await problem(await client.post(ASK, data=chunks(MAX_QUERY_BYTES + 1), headers=headers), 413, "too-large")


async def test_a_body_that_does_not_come_is_not_waited_for(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trqp, "_BODY_DEADLINE_S", 0.05)
    never = asyncio.Event()

    async def nothing() -> Any:
        yield b"{"
        await never.wait()

    async with serving(registry.endpoint()) as client:
        async with client.post(ASK, data=nothing(), headers={"Content-Type": "application/json"}) as response:
            await problem(response, 408, "too-slow")
        never.set()


async def test_only_post_is_answered(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        for method in ("GET", "PUT", "DELETE"):
            response = await client.request(method, ASK)
            await problem(response, 405, "wrong-method")
            assert response.headers["Allow"] == "POST, OPTIONS"
        preflight = await client.options(ASK)
        assert (preflight.status, preflight.headers["Access-Control-Allow-Methods"]) == (204, "POST")


async def test_an_authority_without_a_file_says_when_to_ask_again(registry: Registry) -> None:
    registry.snapshot = None
    async with serving(registry.endpoint()) as client:
        response = await client.post(ASK, json=query())
        await problem(response, 503, "not-ready")
        assert int(response.headers["Retry-After"]) > 0
        assert (await client.get(f"{BASE}/openapi.json")).status == 200


async def test_an_endpoint_that_is_off_is_not_there() -> None:
    async with serving(None) as client:
        answers = [
            await client.post(ASK, json=query()),
            await client.get(f"{BASE}/openapi.json"),
            await client.put(ASK),
        ]
        assert [answer.status for answer in answers] == [404, 404, 404]


# Who may ask


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer right-token", 200),
        ("bearer right-token", 200),
        (None, 401),
        ("Bearer wrong-token", 401),
        ("Bearer right-token2", 401),
        ("Basic right-token", 401),
        ("Bearer", 401),
        ("Bearer \u00fc", 401),
    ],
)
async def test_asks_for_the_token_where_there_is_one(registry: Registry, header: str | None, status: int) -> None:
    async with serving(registry.endpoint(token="right-token")) as client:
        response = await client.post(ASK, json=query(), headers={"Authorization": header} if header else {})
        assert response.status == status
        if status == 401:
            await problem(response, 401, "unauthorized")
            assert response.headers["WWW-Authenticate"] == "Bearer"
        else:
            assert response.headers["Cache-Control"] == "private, max-age=60"


async def test_whoever_asks_too_often_is_told_when_to_ask_again(registry: Registry) -> None:
    async with serving(registry.endpoint(requests_per_second=0.5, burst=2)) as client:
        statuses = [(await client.post(ASK, json=query())).status for _ in range(2)]
        refused = await client.post(ASK, json=query())
        await problem(refused, 429, "too-many")
    assert statuses == [200, 200]
    assert refused.headers["Retry-After"] == "2"


async def test_wrong_tokens_are_counted_too(registry: Registry) -> None:
    async with serving(registry.endpoint(token="right", requests_per_second=0.1, burst=3)) as client:
        tried = [(await client.post(ASK, json=query(), headers={"Authorization": "Bearer x"})).status for _ in range(4)]
    assert tried == [401, 401, 401, 429]


async def test_nothing_of_a_question_is_logged(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(registry.endpoint(token="a-token")) as client:
        for sent in (body(), body(action="dance"), b"{"):
            headers = {"Content-Type": "application/json", "Authorization": "Bearer a-token"}
            await client.post(ASK, data=sent, headers=headers)
    assert not any(word in caplog.text for word in ("C7212", CENTRE, "a-token", "dance"))


# The description


async def test_the_description_is_kept_until_it_changes(registry: Registry) -> None:
    async with serving(registry.endpoint(token="t")) as client:
        first = await client.get(f"{BASE}/openapi.json")
        described = await first.json()
        tag = first.headers["ETag"]
        again = [
            (await client.get(f"{BASE}/openapi.json", headers={"If-None-Match": known})).status
            for known in (tag, f"W/{tag}", f'"other", {tag}', "*", '"other"')
        ]
    assert described["openapi"].startswith("3.1")
    assert described["info"]["version"] == "2.0"
    assert described["servers"] == [{"url": BASE}]
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert again == [304, 304, 304, 304, 200]


async def test_the_example_of_the_description_is_answered(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        described = await (await client.get(f"{BASE}/openapi.json")).json()
        for path, operations in described["paths"].items():
            examples = operations["post"]["requestBody"]["content"]["application/json"]["examples"]
            for example in examples.values():
                assert example["value"]["authority_id"] == FILE.author
                assert (await client.post(f"{BASE}{path}", json=example["value"])).status == 200


async def test_a_new_version_is_told_at_once(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        first = await (await client.post(ASK, json=query())).json()
        registry.snapshot = GovernanceSnapshot(FILE, "sha256:" + "b" * 64, registry.now + timedelta(hours=1))
        second = await (await client.post(ASK, json=query())).json()
    assert (first["context"]["governance_digest"][-1], second["context"]["governance_digest"][-1]) == ("a", "b")


async def test_the_same_answer_ends_for_everybody_at_the_same_time(registry: Registry) -> None:
    async with serving(registry.endpoint()) as client:
        first = await client.post(ASK, json=query())
        registry.now += timedelta(seconds=40)
        second = await client.post(ASK, json=query())
        assert (await first.json())["time_evaluated"] == (await second.json())["time_evaluated"]
    assert first.headers["ETag"] == second.headers["ETag"]
    assert second.headers["Cache-Control"] == "public, max-age=20"


async def test_the_first_question_waits_for_the_file(registry: Registry) -> None:
    snapshot, registry.snapshot = registry.snapshot, None

    async def first() -> GovernanceSnapshot | None:
        return snapshot

    async with serving(registry.endpoint(first=first)) as client:
        assert (await client.post(ASK, json=query())).status == 200
