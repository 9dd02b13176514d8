"""The OpenAPI 3.1 description of a role's REST API, made from its routes (pydantic speaks JSON Schema 2020-12)."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from wanderbuch.agents.runtime.app import Route
from wanderbuch.agents.runtime.problems import PROBLEM_TYPE, Problem

_PATH_PARAMETER = re.compile(r"\{([a-z_]+)")
_LAST_EVENT = "Of a stream: the number of the last event that you have."
_ABOUT = (
    "Paths are those of the default tenant, with the operator's token. Another tenant has the same ones below"
    " `/v1/t/<tenant>/` in place of `/v1/` (`/v1/t/<tenant>/events`), with the operator's token or its own, but for"
    " `/v1/tenants`, which is the operator's. `GET /health` and `GET /ready` need no token: 200 or 503."
)
_REF = "#/components/schemas/{model}"


def describe(routes: Sequence[Route], *, title: str, version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these routes."""
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for route in routes:
        wanted.append((route.result, "serialization"))
        if route.body:
            wanted.append((route.body, "validation"))
    unique = list(dict.fromkeys(wanted))
    references, definitions = models_json_schema(unique, ref_template=_REF)
    problem = _content(PROBLEM_TYPE, references[Problem, "serialization"])
    paths: dict[str, Any] = {}
    for route in routes:
        operation: dict[str, Any] = {
            "operationId": _operation_id(route),
            "summary": route.summary,
            "description": f"For: {', '.join(sorted(route.needs))}.",
            "parameters": [
                *(_parameter("path", name) for name in _PATH_PARAMETER.findall(route.path)),
                *(_parameter("query", name) for name in route.query),
            ],
            "responses": {
                str(route.status): {
                    "description": "Done",
                    **_content("application/json", references[route.result, "serialization"]),
                },
                "default": {"description": "A problem (RFC 9457)", **problem},
            },
        }
        if route.stream is not None:
            operation["parameters"].append({**_parameter("header", "Last-Event-ID"), "description": _LAST_EVENT})
            answer = operation["responses"][str(route.status)]["content"]
            answer["text/event-stream"] = {"schema": {"type": "string"}}
        if route.body:
            operation["requestBody"] = {
                "required": True,
                **_content("application/json", references[route.body, "validation"]),
            }
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _ABOUT},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _content(media_type: str, schema: Any) -> dict[str, Any]:
    return {"content": {media_type: {"schema": schema}}}


def _parameter(where: str, name: str) -> dict[str, Any]:
    return {"in": where, "name": name, "required": where == "path", "schema": {"type": "string"}}


def _operation_id(route: Route) -> str:
    words = re.findall(r"[a-z0-9]+", route.path.lower())
    return "_".join((route.method.lower(), *words)) or route.method.lower()
