"""The OpenAPI 3.1 description of the TRQP endpoint, made from the four JSON Schemas that it keeps to."""

import json
from importlib import resources
from typing import Any, Final

from wanderbuch.agents.runtime.problems import PROBLEM_TYPE
from wanderbuch.governance.deciding.trqp import MAX_QUERY_BYTES
from wanderbuch.governance.facts.identifiers import Did

_SCHEMAS: Final = "wanderbuch.governance.schemas"
_MESSAGES: Final = {
    "AuthorizationQuery": "authorization-request",
    "AuthorizationAnswer": "authorization-response",
    "RecognitionQuery": "recognition-request",
    "RecognitionAnswer": "recognition-response",
}
_PROBLEMS: Final = {
    "400": "The query is malformed",
    "401": "The bearer token is missing or wrong",
    "404": "Authority, action or resource is not recognized",
    "408": "The body did not arrive in time",
    "413": f"The query is larger than {MAX_QUERY_BYTES} bytes",
    "415": "The body is not application/json",
    "429": "Too many queries from this address; Retry-After says when to ask again",
    "503": "The authority is starting",
}


def describe_trqp(*, authority: Did, base: str, version: str, with_token: bool) -> dict[str, Any]:
    """Return the OpenAPI document.

    Args:
        authority: who answers, for the example.
        base: path of the endpoint below the host, such as "/trqp/2.0".
        version: of the protocol.
        with_token: whether a bearer token is needed.
    """
    example = {
        "entity_id": str(authority),
        "authority_id": str(authority),
        "action": "issue",
        "resource": "occupation=C7212;place=MLT;eqf=4;type=qualification/1.0;purpose=employment",
        "context": {"time": "2026-06-30T00:00:00Z"},
    }
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Trust Registry Query Protocol",
            "version": version,
            "description": "ToIP TRQP 2.0, Public Review 02. Resources are described in docs/trqp.md.",
        },
        "servers": [{"url": base}],
        "paths": {
            "/authorization": {"post": _operation("authorization", "Authorization", example)},
            "/recognition": {"post": _operation("recognition", "Recognition", {**example, "action": "recognize"})},
        },
        "components": {"schemas": {name: _schema(file) for name, file in _MESSAGES.items()} | {"Problem": _PROBLEM}},
    }
    if with_token:
        described["security"] = [{"token": []}]
        described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return described


_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem details (RFC 9457)",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
    },
}


def _operation(name: str, kind: str, example: dict[str, Any]) -> dict[str, Any]:
    answer = {"schema": {"$ref": f"#/components/schemas/{kind}Answer"}}
    problem = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    request_id = {"schema": {"type": "string"}, "description": "as sent, or made here"}
    return {
        "operationId": name,
        "summary": "Ask whether an authority "
        + ("authorizes an entity" if name == "authorization" else "recognizes another authority"),
        "parameters": [
            {
                "in": "header",
                "name": "X-Request-ID",
                "required": False,
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,64}$"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{kind}Query"},
                    "examples": {"welder": {"value": example}},
                }
            },
        },
        "responses": {
            "200": {
                "description": "The answer",
                "headers": {"X-Request-ID": request_id},
                "content": {"application/json": answer},
            },
            **{status: {"description": text, "content": problem} for status, text in _PROBLEMS.items()},
        },
    }


def _schema(file: str) -> dict[str, Any]:
    source = resources.files(_SCHEMAS).joinpath("trqp", f"{file}.schema.json")
    schema: dict[str, Any] = json.loads(source.read_bytes())
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
