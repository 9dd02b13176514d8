"""Every error of a verifier's REST API is a problem as its own description says: each route, by each way that is cheap.

The routes are read from `/openapi.json`, so that one that is added is walked too. Not walked: a body that never comes
(408), a store or an authority that is away (502, 503), a full disk (507), and 403: nobody has a token at a verifier
who may do some of it.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator
from tests.abuse.town import Town
from tests.flow.employer_scene import WELDER_3, Scene, open_scene
from tests.flow.generated import described

pytestmark = [pytest.mark.agents, pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

METHODS: Final = ("get", "post", "put", "patch", "delete")
NOBODYS: Final = "0" * 32
LARGE: Final = 1 << 30
PLENTY: Final = 40
"""More than may follow the log of a tenant at once."""
QUESTION: Final = {"place": "Malta", "credentials": [{"ask": "qualification", "occupation": "welder"}]}


@dataclass(frozen=True)
class Operation:
    """One route of the description."""

    method: str
    path: str
    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def is_open(self) -> bool:
        return self.told.get("security") == []

    @property
    def takes_body(self) -> bool:
        return "requestBody" in self.told

    @property
    def example(self) -> bytes | None:
        """The body that the description gives as an example; None: the route takes none."""
        if not self.takes_body:
            return None
        return json.dumps(self.told["requestBody"]["content"]["application/json"]["example"]).encode()

    def address(self, thing: str = NOBODYS) -> str:
        return "/v1" + re.sub(r"\{[a-z_]+\}", thing, self.path)


LOOKS_FIRST: Final[Mapping[str, int]] = {"POST /verifier/people/{id}/invitation": 409}
"""What a route says before it looks who is meant: this site has no address of its own, so nobody can be invited."""


@dataclass
class Walk:
    """The employer's API, and what was answered so far."""

    scene: Scene
    session: aiohttp.ClientSession
    document: dict[str, Any]
    statuses: set[int] = field(default_factory=set)

    @property
    def operations(self) -> list[Operation]:
        return [
            Operation(method, path, item[method])
            for path, item in self.document["paths"].items()
            for method in METHODS
            if method in item
        ]

    async def refused(
        self,
        operation: Operation,
        status: int,
        *,
        path: str | None = None,
        body: bytes | None = None,
        **headers: str,
    ) -> dict[str, Any]:
        """Call, and return the problem that it is answered with.

        Args:
            operation: whose description says which statuses it may have.
            status: that it has to have.
            path: what to call; by default the operation with the id of nothing.
            body: what to send.
            headers: further ones, with underscores.
        """
        sent = {"Authorization": f"Bearer {self.scene.employer.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            operation.method, path or operation.address(), data=body, headers=sent
        ) as answer:
            text = await answer.read()
            told = (answer.status, answer.content_type, text)
        return self.checked(operation, status, *told)

    def checked(self, operation: Operation, status: int, answered: int, kind: str, text: bytes) -> dict[str, Any]:
        """Refuse an answer that is no problem as the description says."""
        name = operation.name
        assert answered == status, (name, answered, text)
        assert kind == "application/problem+json", (name, status, text)
        described = operation.told["responses"]
        response = described.get(str(status), described["default"])
        assert response == {"$ref": "#/components/responses/Problem"}, (name, status)
        schema = self.document["components"]["responses"]["Problem"]["content"][kind]["schema"]
        problem: dict[str, Any] = json.loads(text)
        Draft202012Validator({**schema, "components": self.document["components"]}).validate(problem)
        assert problem["status"] == status, name
        self.statuses.add(status)
        return problem

    async def refused_before_it_came(self, operation: Operation, status: int, *headers: str) -> dict[str, Any]:
        """Say that a body will come, and return the problem that is answered before it does."""
        host, _, port = self.scene.employer.app_url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        with contextlib.closing(writer):
            lines = (
                f"{operation.method.upper()} {operation.address()} HTTP/1.1",
                "Host: employer",
                f"Authorization: Bearer {self.scene.employer.token}",
                *headers,
                "\r\n",
            )
            writer.write("\r\n".join(lines).encode())
            async with asyncio.timeout(20):
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                size = re.search(r"content-length: (\d+)", head)
                assert size is not None, (operation.name, head)
                text = await reader.readexactly(int(size[1]))
        answered, kind = int(head.split(" ")[1]), re.search(r"content-type: ([^;\r]+)", head)
        assert kind is not None, (operation.name, head)
        return self.checked(operation, status, answered, kind[1], text)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def walk(shared_town: Town) -> AsyncIterator[Walk]:
    scene = await open_scene(shared_town)
    async with aiohttp.ClientSession(scene.employer.app_url) as session:
        yield Walk(scene, session, await described(scene.employer))


async def test_there_are_routes(walk: Walk) -> None:
    assert len(walk.operations) > 50
    assert sum(operation.takes_body for operation in walk.operations) > 15
    assert any(operation.path.startswith("/verifier/links/") for operation in walk.operations)


async def test_who_brings_no_token_or_a_wrong_one(walk: Walk) -> None:
    for operation in walk.operations:
        if operation.is_open:
            continue
        for given in ("", "Bearer", f"Bearer {'x' * 43}", f"Basic {walk.scene.employer.token}"):
            problem = await walk.refused(operation, 401, body=b"{}", Authorization=given)
            assert problem["code"] == "unauthorized"


async def test_what_does_not_fit(walk: Walk) -> None:
    for operation in walk.operations:
        problem = await walk.refused(operation, 400, path=f"{operation.address()}?nothing_of_ours=1")
        assert "query parameter" in problem["detail"], operation.name
        if operation.takes_body:
            for body in (b"{", b"[]", b"\xff", b'{"nothing_of_ours": 1}', b'{"a": 1, "a": 2}', b"[" * 500):
                await walk.refused(operation, 400, body=body)
        elif operation.method != "get":
            await walk.refused(operation, 400, body=b'{"nothing_of_ours": 1}')
        if operation.method == "post":
            problem = await walk.refused(operation, 400, body=b"{}", Idempotency_Key="short")
            assert "Idempotency-Key" in problem["detail"], operation.name


async def test_what_is_not_there(walk: Walk) -> None:
    for operation in walk.operations:
        if "{" not in operation.path:
            continue
        if (status := LOOKS_FIRST.get(operation.name)) is not None:
            await walk.refused(operation, status)
            continue
        for thing in (NOBODYS, "nothing", "%2e%2e", "x" * 500, "%F0%9F%8C%8D"):
            await walk.refused(operation, 404, path=operation.address(thing), body=operation.example)


async def test_what_cannot_be_done_with_an_address(walk: Walk) -> None:
    for path, item in walk.document["paths"].items():
        known = next(method for method in METHODS if method in item)
        for method in (*METHODS, "options"):
            if method in item:
                continue
            operation = Operation(method, path, item[known])
            problem = await walk.refused(operation, 405)
            assert problem["code"] in {"wrong-method", "method-not-allowed"}


async def test_what_is_too_large(walk: Walk) -> None:
    """Told before it has come, to whoever waits for that (curl does, of more than 1 MiB) and to whoever does not."""
    for operation in walk.operations:
        if not operation.takes_body:
            continue
        for headers in ((), ("Expect: 100-continue",)):
            problem = await walk.refused_before_it_came(operation, 413, f"Content-Length: {LARGE}", *headers)
            assert problem["code"] == "too-large"
        await walk.refused_before_it_came(operation, 417, "Content-Length: 2", "Expect: a-miracle")


async def test_what_stands_against_it(walk: Walk) -> None:
    """409, 410 and 422: of the routes that answer so, at the least one each."""
    scene, employer = walk.scene, walk.scene.employer
    named = {operation.name: operation for operation in walk.operations}
    decided = await scene.answered()
    at = f"/v1/verifier/requests/{decided['id']}"
    for step in ("cancel", "again-same-wallet"):
        await walk.refused(named[f"POST /verifier/requests/{{id}}/{step}"], 409, path=f"{at}/{step}")
    asked = await scene.ask(WELDER_3)
    for kind in ("receipt",):
        path = f"/v1/verifier/requests/{asked['id']}/{kind}"
        await walk.refused(named[f"GET /verifier/requests/{{id}}/{kind}"], 422, path=path)
    person = {"id": "j.vella", "name": "Joan Vella", "roles": ["asker"]}
    await employer.post("/people", person)
    await walk.refused(named["POST /verifier/people"], 409, body=json.dumps(person).encode())
    unknown = {**QUESTION, "credentials": [{"ask": "qualification", "occupation": "juggler of flames"}]}
    for path, body in {
        "/verifier/requests": {"requirement": {**WELDER_3, "occupation": "C9999"}},
        "/verifier/questions": unknown,
        "/verifier/questions/explain": {"question": unknown},
        "/verifier/links": {"title": "Jugglers", "question": unknown},
    }.items():
        await walk.refused(named[f"POST {path}"], 422, body=json.dumps(body).encode())
    key = "5b0bd3ae-4a35-4a19-9a01-3b6cf8c86f8a"
    headers = {"Authorization": f"Bearer {employer.token}", "Idempotency-Key": key}
    made = json.dumps({"title": "Welders", "question": QUESTION}).encode()
    async with walk.session.post("/v1/verifier/templates", data=made, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        template = await answer.json()
    operation, other = named["POST /verifier/templates"], json.dumps({"title": "Others", "question": QUESTION}).encode()
    problem = await walk.refused(operation, 422, body=other, Idempotency_Key=key)
    assert problem["code"] == "idempotency-key-reused"
    path = f"/v1/verifier/templates/{template['id']}"
    async with walk.session.delete(path, headers={"Authorization": headers["Authorization"]}) as answer:
        assert answer.status == 200, await answer.text()
    await walk.refused(operation, 410, body=made, Idempotency_Key=key)


async def test_what_is_too_many(walk: Walk) -> None:
    events = next(operation for operation in walk.operations if operation.name == "GET /events")
    headers = {"Authorization": f"Bearer {walk.scene.employer.token}", "Accept": "text/event-stream"}
    async with contextlib.AsyncExitStack() as open_streams:
        for _ in range(PLENTY):
            stream = await open_streams.enter_async_context(walk.session.get("/v1/events", headers=headers))
            if stream.status != 200:
                break
        else:
            pytest.fail("any number may follow the log")
        await walk.refused(events, 429, Accept="text/event-stream")


async def test_all_of_these_were_met(walk: Walk) -> None:
    """Last: what the others walked."""
    assert walk.statuses == {400, 401, 404, 405, 409, 410, 413, 417, 422, 429}
