import asyncio
import json
from typing import Any

import pytest
from acapy_agent.core.error import ProfileError
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from aries_askar import AskarError, AskarErrorCode
from pydantic import Field, SecretStr

from wanderbuch.agents.runtime.app import (
    ApiModel,
    Call,
    Caller,
    PublicRoute,
    ReadyReport,
    delete,
    get,
    patch,
    post,
    put,
)
from wanderbuch.agents.runtime.app_site import Mount, make_app
from wanderbuch.agents.runtime.openapi import DescribedGroup, describe
from wanderbuch.agents.runtime.problems import STATUS_BY_CODE, NotReadyError, RefusedError
from wanderbuch.errors import ConfigurationError, CredentialError, ExchangeError, ResolutionError, WanderbuchError
from wanderbuch.store.records import NotFoundError

TOKEN = "t" * 32


class NewThing(ApiModel):
    name: str = Field(max_length=10)
    size: int = 1


class Thing(ApiModel):
    id: str
    name: str


async def make(_: str, call: Call[NewThing]) -> Thing:
    return Thing(id="1", name=call.body.name)


def _caused(err: Exception, cause: Exception) -> Exception:
    err.__cause__ = cause
    return err


async def show(_: str, call: Call[None]) -> Thing:
    errors: dict[str, Exception] = {
        "missing": NotFoundError("there is no such thing"),
        "refused": RefusedError("not by this issuer", members={"decision": {"verdict": "NOT_TRUSTED"}}),
        "over": ExchangeError("it is over"),
        "far": ResolutionError("cannot be reached", hint="try later"),
        "bug": KeyError("secret-in-a-bug"),
        "store-away": _caused(ProfileError("secret"), AskarError(AskarErrorCode.BACKEND, "secret")),
        "store-bug": _caused(ProfileError("secret"), AskarError(AskarErrorCode.INPUT, "secret")),
    }
    if call.path["id"] in errors:
        raise errors[call.path["id"]]
    return Thing(id=call.path["id"], name=call.query.get("name", "none"))


ROUTES = (
    post("/things", make, body=NewThing, result=Thing, status=201, summary="Make"),
    get("/things/{id}", show, result=Thing, summary="Show", query=("name",)),
    post("/things/{id}/end", show, result=Thing, summary="End"),
    put("/things/{id}", make, body=NewThing, result=Thing, summary="Put", needs={"editor"}),
    patch("/things/{id}", make, body=NewThing, result=Thing, summary="Change", needs={"editor", "operator"}),
    delete("/things/{id}", show, result=Thing, summary="Remove", needs={"approver"}),
    get("/whose", lambda office, call: whose(office, call), result=Thing, summary="Whose office"),
    get(
        "/me",
        lambda office, call: told(office, call),
        result=Thing,
        summary="Who asks",
        needs={"editor", "approver", "operator"},
    ),
)
PEOPLE_OF_A = {"aa" * 16: Caller("a", frozenset({"operator"}))}
PEOPLE = {"ed" * 16: Caller("ed", frozenset({"editor"})), "ap" * 16: Caller("ap", frozenset({"approver"}))}


async def told(_: str, call: Call[None]) -> Thing:
    return Thing(id=call.caller.id, name="caller")


async def whose(office: str, _: Call[None]) -> Thing:
    return Thing(id="office", name=office)


async def identify(tenant: str, token: str) -> Caller | None:
    return (PEOPLE if tenant == "default" else PEOPLE_OF_A if tenant == "a" else {}).get(token)


async def enter(tenant: str) -> str:
    if tenant == "b":
        raise NotReadyError("the office is starting")
    if tenant not in {"default", "a"}:
        raise NotFoundError("there is no such tenant")
    return tenant


async def page(office: str, request: web.Request) -> web.Response:
    return web.json_response({"page": request.match_info["name"], "office": office})


@pytest.fixture
async def call():  # type: ignore[no-untyped-def]
    serving = True

    async def look() -> ReadyReport:
        return ReadyReport(serving, {"started": serving})

    app = make_app(
        (Mount("shop", enter, ROUTES), Mount("tenants", enter, ROUTES[:1], is_shared=True)),
        token=SecretStr(TOKEN),
        max_body_bytes=1000,
        is_serving=lambda: serving,
        look=look,
        description=lambda: describe([DescribedGroup("shop", ROUTES)], title="Things", version="1"),
        identify=identify,
        pages=tuple(
            (PublicRoute("GET", path, page), enter)
            for path in ("/desk/{name}", "/t/{tenant}/desk/{name}", "/desk/{language}/{name:.*}")
        ),
    )
    async with TestServer(app) as server, ClientSession() as session:

        async def called(method: str, path: str, body: Any = None, *, token: str = TOKEN, ready: bool = True) -> Any:
            nonlocal serving
            serving = ready
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            async with session.request(method, server.make_url(path), data=data, headers=headers) as response:
                return response.status, await response.json(content_type=None), response.headers

        called.port = server.port  # type: ignore[attr-defined]
        yield called


async def test_parses_calls_and_serialises(call) -> None:  # type: ignore[no-untyped-def]
    status, answer, headers = await call("POST", "/v1/shop/things", {"name": "x"})
    assert (status, answer) == (201, {"id": "1", "name": "x"})
    assert headers["Cache-Control"] == "no-store"
    assert (await call("GET", "/v1/shop/things/7?name=y"))[1] == {"id": "7", "name": "y"}
    assert (await call("POST", "/v1/shop/things/7/end"))[0] == 200
    assert (await call("POST", "/v1/shop/things/7/end", {}))[0] == 200


@pytest.mark.parametrize("token", ["", "x", TOKEN + "x", TOKEN[:-1]])
async def test_nobody_enters_without_the_token(call, token: str) -> None:  # type: ignore[no-untyped-def]
    status, problem, headers = await call("GET", "/v1/shop/things/7", token=token)
    assert (status, problem["code"]) == (401, "unauthorized")
    assert headers["Content-Type"].startswith("application/problem+json")
    assert (await call("GET", "/health", token=token))[0] == 200
    assert (await call("GET", "/v1/shop/nothing", token=token))[0] == 401


async def test_a_token_that_is_no_text_is_a_wrong_token(call) -> None:  # type: ignore[no-untyped-def]
    reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
    writer.write(
        b"GET /v1/shop/things/7 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer \xff\r\n\r\n"
    )
    assert (await reader.readline()).split()[1] == b"401"
    writer.close()


async def test_nothing_is_served_before_the_agent_is_ready(call) -> None:  # type: ignore[no-untyped-def]
    assert (await call("GET", "/v1/shop/things/7", ready=False))[0] == 503
    assert (await call("GET", "/ready", token="", ready=False))[0] == 503
    assert (await call("GET", "/ready", token=""))[0] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": "x", "more": 1}, 400),
        ({"name": "secret-value-that-is-long"}, 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"name": "a", "name": "secret"}', 400),
        (b'{"name": "a", "size": 1, "size": 2}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'\xef\xbb\xbf{"name": "a"}', 400),
        (b"[" * 1000, 400),
        ({"name": "x" * 2000}, 413),
    ],
)
async def test_refuses_a_body_that_does_not_fit_without_repeating_it(call, body: Any, status: int) -> None:  # type: ignore[no-untyped-def]
    answered, problem, _ = await call("POST", "/v1/shop/things", body)
    assert answered == status == problem["status"]
    assert "secret" not in json.dumps(problem)


async def test_refuses_parameters_and_bodies_nobody_asked_for(call) -> None:  # type: ignore[no-untyped-def]
    assert (await call("GET", "/v1/shop/things/7?nmae=y"))[0] == 400
    assert (await call("POST", "/v1/shop/things/7/end", {"x": 1}))[0] == 400
    assert (await call("DELETE", "/v1/shop/things/7/end"))[0] == 405


@pytest.mark.parametrize(
    ("which", "status", "code"),
    [("missing", 404, "not-found"), ("refused", 409, "refused"), ("over", 409, "exchange"), ("far", 502, "resolution")],
)
async def test_an_error_is_a_problem(call, which: str, status: int, code: str) -> None:  # type: ignore[no-untyped-def]
    answered, problem, _ = await call("GET", f"/v1/shop/things/{which}")
    assert (answered, problem["code"], problem["status"]) == (status, code, status)


async def test_a_refusal_carries_its_decision_and_a_hint_its_words(call) -> None:  # type: ignore[no-untyped-def]
    assert (await call("GET", "/v1/shop/things/refused"))[1]["decision"] == {"verdict": "NOT_TRUSTED"}
    assert (await call("GET", "/v1/shop/things/far"))[1]["hint"] == "try later"


async def test_a_bug_tells_the_caller_nothing(call) -> None:  # type: ignore[no-untyped-def]
    status, problem, _ = await call("GET", "/v1/shop/things/bug")
    assert status == 500
    assert "secret" not in json.dumps(problem)


def test_every_family_of_errors_has_a_status() -> None:
    for family in (ConfigurationError, CredentialError, ExchangeError, ResolutionError):
        assert family.code in STATUS_BY_CODE
        assert issubclass(family, WanderbuchError)


async def test_describes_itself_as_openapi(call) -> None:  # type: ignore[no-untyped-def]
    document = (await call("GET", "/openapi.json", token=""))[1]
    assert document["openapi"].startswith("3.1")
    made = document["paths"]["/things"]["post"]
    assert made["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewThing"}
    errors = {"400", "401", "403", "408", "409", "413", "422", "429", "500", "502", "503", "507", "default"}
    assert set(made["responses"]) == {"201", *errors}
    assert all(made["responses"][status] == {"$ref": "#/components/responses/Problem"} for status in errors)
    problem = document["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    shown = document["paths"]["/things/{id}"]["get"]
    assert [(parameter["in"], parameter["name"]) for parameter in shown["parameters"]] == [
        ("path", "id"),
        ("query", "name"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/things/1", {"ed" * 16}),
        ("PATCH", "/things/1", {"ed" * 16, TOKEN}),
        ("DELETE", "/things/1", {"ap" * 16}),
        ("POST", "/things", {TOKEN}),
        ("GET", "/things/1", {TOKEN}),
    ],
)
async def test_a_route_is_for_those_it_names_and_for_the_operator_only_where_it_says_so(  # type: ignore[no-untyped-def]
    call, method: str, path: str, allowed: set[str]
) -> None:
    body = None if method in {"GET", "DELETE"} else {"name": "x"}
    for token in (*PEOPLE, TOKEN):
        status, answer, _ = await call(method, f"/v1/shop{path}", body, token=token)
        assert status in {200, 201} if token in allowed else (status, answer["code"]) == (403, "forbidden")


async def test_a_route_learns_who_asks(call) -> None:  # type: ignore[no-untyped-def]
    ids = [(await call("GET", "/v1/shop/me", token=token))[1]["id"] for token in (*PEOPLE, TOKEN)]
    assert ids == ["ed", "ap", "operator"]
    assert (await call("GET", "/v1/shop/me", token="x" * 32))[0] == 401


async def test_pages_are_reached_without_the_token_but_only_while_the_agent_serves(call) -> None:  # type: ignore[no-untyped-def]
    assert (await call("GET", "/desk/home", token=""))[:2] == (200, {"page": "home", "office": "default"})
    assert (await call("GET", "/desk/home", token="", ready=False))[0] == 503
    assert (await call("GET", "/desk", token=""))[0] == 401
    assert (await call("GET", "/desk/en/not/there", token=""))[:2] == (200, {"page": "not/there", "office": "default"})


async def test_a_page_is_the_tenants_that_its_address_names_and_the_default_ones_has_one_address(call) -> None:  # type: ignore[no-untyped-def]
    assert (await call("GET", "/t/a/desk/home", token=""))[:2] == (200, {"page": "home", "office": "a"})
    assert [(await call("GET", f"/t/{tenant}/desk/home", token=""))[0] for tenant in ("default", "c", "b")] == [
        404,
        404,
        503,
    ]


async def test_whether_a_token_is_an_officials_cannot_be_told_before_the_agent_serves(call) -> None:  # type: ignore[no-untyped-def]
    for token in ("ed" * 16, "x" * 32):
        assert (await call("GET", "/v1/shop/me", token=token, ready=False))[0] == 503
    assert (await call("GET", "/v1/shop/me", token="", ready=False))[0] == 401


def test_the_description_says_whom_a_route_is_for() -> None:
    paths = describe([DescribedGroup("shop", ROUTES)], title="Things", version="1")["paths"]
    assert paths["/things/{id}"]["patch"]["description"] == "For: editor, operator."
    assert paths["/things"]["post"]["description"] == "For: operator."


@pytest.mark.parametrize(
    ("path", "office"),
    [("/v1/shop/whose", "default"), ("/v1/t/a/shop/whose", "a"), ("/v1/t/default/shop/whose", "default")],
)
async def test_a_route_works_on_the_office_of_the_tenant_in_its_address(call, path: str, office: str) -> None:  # type: ignore[no-untyped-def]
    assert (await call("GET", path))[:2] == (200, {"id": "office", "name": office})


async def test_an_office_that_is_not_open_yet_is_said_so_in_one_place(call) -> None:  # type: ignore[no-untyped-def]
    status, problem, _ = await call("GET", "/v1/t/b/shop/whose")
    assert (status, problem["code"]) == (503, "not-ready")
    assert (await call("GET", "/v1/t/c/shop/whose"))[0] == 404


async def test_a_tenants_token_opens_its_own_routes_and_nothing_else(call) -> None:  # type: ignore[no-untyped-def]
    token = "aa" * 16
    assert (await call("GET", "/v1/t/a/shop/whose", token=token))[0] == 200
    refused = [
        await call("GET", path, token=given)
        for path, given in (
            ("/v1/shop/whose", token),
            ("/v1/t/c/shop/whose", token),
            ("/v1/t/default/shop/whose", token),
            ("/v1/tenants/things", token),
            ("/v1/t/a/tenants/things", "x" * 32),
            ("/v1/t/a/shop/nothing", "ed" * 16),
            ("/v1/t/c/shop/nothing", "ed" * 16),
        )
    ]
    assert {status for status, _, _ in refused} == {401}
    assert len({json.dumps(problem) for _, problem, _ in refused}) == 1


async def test_what_belongs_to_the_process_is_no_tenants(call) -> None:  # type: ignore[no-untyped-def]
    assert (await call("POST", "/v1/tenants/things", {"name": "x"}))[0] == 201
    assert (await call("POST", "/v1/t/a/tenants/things", {"name": "x"}))[0] == 404


@pytest.mark.parametrize(("thing", "status"), [("store-away", 503), ("store-bug", 500)])
async def test_a_store_that_does_not_answer_is_not_a_fault_of_ours(call, thing: str, status: int) -> None:  # type: ignore[no-untyped-def]
    answered, problem, _ = await call("GET", f"/v1/shop/things/{thing}")
    assert answered == status
    assert "secret" not in json.dumps(problem)
    assert ("/ready" in problem.get("hint", "")) is (status == 503)
