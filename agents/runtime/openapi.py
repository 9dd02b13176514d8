"""The OpenAPI 3.1 description of a process's REST API, made from its routes (pydantic speaks JSON Schema 2020-12).

Paths stand below the address of a tenant (`servers`), so that a client made of it serves any tenant. Examples are data:
`examples.json` in the package of a role, by method and path, each with `request` and `answer`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from wanderbuch.agents.runtime.app import ANYBODY, Parameter, Route
from wanderbuch.agents.runtime.problems import PROBLEM_TYPE, Problem

_PATH_PARAMETER = re.compile(r"\{([a-z_]+)")
_OF_DEFAULT: Final = {"url": "/v1", "description": "the default tenant, with the operator's token"}
_SERVERS: Final = (
    _OF_DEFAULT,
    {
        "url": "/v1/t/{tenant}",
        "description": "another tenant, with its own token or the operator's",
        "variables": {"tenant": {"default": "default", "description": "the id of the tenant"}},
    },
)
_ABOUT: Final = (
    "Every call needs a bearer token; the servers say whose. `GET /health` and `GET /ready`, beside `/v1`, need none:"
    " 200 or 503. Every error is a `Problem`. Lists come in pages: `limit`, and `cursor` with the `next_cursor` of the"
    " page before. What makes something hears an `Idempotency-Key`. Answers to GET have an `ETag`: send it as"
    " `If-None-Match`, and get 304 while nothing has changed."
)
_KEY_PARAMETER: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Chosen by you for this call: sent again within a day, with the same body, it makes nothing new.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 200},
}
_LAST_EVENT_PARAMETER: Final = {
    "in": "header",
    "name": "Last-Event-ID",
    "required": False,
    "description": "Of a stream: the number of the last event that you have.",
    "schema": {"type": "string"},
}
_REF: Final = "#/components/schemas/{model}"
_PROBLEM_REF: Final = {"$ref": "#/components/responses/Problem"}
_EXAMPLES: Final = "examples.json"
# Each is answered as a problem: of every route, of those that name something, take a body, or do something.
_ALWAYS: Final = (400, 401, 403, 500, 503)
_NAMED: Final = (404,)
_WITH_BODY: Final = (408, 413, 422)
_CHANGING: Final = (409, 422, 429, 502, 507)

type Examples = Mapping[str, Mapping[str, Any]]
"""By method and path, such as "POST /verifier/links": what is sent (`request`) and what is answered (`answer`)."""


@dataclass(frozen=True, slots=True)
class DescribedGroup:
    """A group of routes to describe.

    Args:
        name: the first word of their addresses.
        routes: with their addresses below that of a tenant.
        is_shared: the process has them once, below `/v1` alone.
    """

    name: str
    routes: Sequence[Route]
    is_shared: bool = False


def read_examples(packages: Iterable[str]) -> Examples:
    """Return the examples of packages, as far as they have any."""
    examples: dict[str, Mapping[str, Any]] = {}
    for package in packages:
        place = files(package) / _EXAMPLES
        if place.is_file():
            examples |= json.loads(place.read_text("utf-8"))
    return examples


def describe(
    groups: Sequence[DescribedGroup], *, title: str, version: str, examples: Examples | None = None
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these routes."""
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for route in (route for group in groups for route in group.routes):
        wanted.append((route.result, "serialization"))
        if route.body:
            wanted.append((route.body, "validation"))
    references, definitions = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    problem = _content(PROBLEM_TYPE, references[Problem, "serialization"])
    paths: dict[str, Any] = {}
    for group in groups:
        for route in group.routes:
            example = (examples or {}).get(f"{route.method} {route.path}", {})
            place = paths.setdefault(route.path, {"servers": [_OF_DEFAULT]} if group.is_shared else {})
            place[route.method.lower()] = _operation(group.name, route, references, example)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _ABOUT},
        "servers": list(_SERVERS),
        "security": [{"token": []}],
        "tags": [{"name": group.name} for group in groups],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "responses": {"Problem": {"description": "A problem (RFC 9457)", **problem}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(tag: str, route: Route, references: Mapping[Any, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    answer = _content("application/json", references[route.result, "serialization"], example.get("answer"))
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "tags": [tag],
        "summary": route.summary,
        "description": f"For: {', '.join(sorted(route.needs))}.",
        "parameters": [
            *(_path_parameter(name) for name in _PATH_PARAMETER.findall(route.path)),
            *(_query_parameter(parameter) for parameter in route.query),
            *((_KEY_PARAMETER,) if route.once else ()),
            *((_LAST_EVENT_PARAMETER,) if route.stream is not None else ()),
        ],
        "responses": {
            str(route.status): {"description": "Done", **answer},
            **{str(status): _PROBLEM_REF for status in _problem_statuses(route)},
            "default": _PROBLEM_REF,
        },
    }
    if route.needs == ANYBODY:
        operation["security"] = []  # of OpenAPI: none is needed
    if route.stream is not None:
        answer["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    if route.body:
        sent = _content("application/json", references[route.body, "validation"], example.get("request"))
        operation["requestBody"] = {"required": True, **sent}
    return operation


def _problem_statuses(route: Route) -> list[int]:
    """Return the statuses of errors that a route may be answered with; others are not impossible (`default`)."""
    statuses = {*_ALWAYS}
    statuses.update(_NAMED if _PATH_PARAMETER.search(route.path) else ())
    statuses.update(_WITH_BODY if route.body else ())
    statuses.update(_CHANGING if route.method != "GET" else ())
    return sorted(statuses)


def _content(media_type: str, schema: Any, example: Any = None) -> dict[str, Any]:
    return {"content": {media_type: {"schema": schema} | ({} if example is None else {"example": example})}}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "in": "query",
        "name": parameter.name,
        "required": False,
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }


def _operation_id(route: Route) -> str:
    words = re.findall(r"[a-z0-9]+", route.path.lower())
    return "_".join((route.method.lower(), *words)) or route.method.lower()
