"""Every route of the verifier, and of events and webhooks, has an example that fits its own description."""

from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from wanderbuch.agents.runtime.app import Route
from wanderbuch.agents.runtime.app_site import Mount
from wanderbuch.agents.runtime.events.routes import EVENT_ROUTES
from wanderbuch.agents.runtime.openapi import describe, read_examples
from wanderbuch.agents.runtime.webhooks.routes import WEBHOOK_ROUTES
from wanderbuch.agents.verifier.api import VERIFIER_ROUTES


async def _nothing(_: str) -> None:
    return None


GROUPS = [
    Mount("verifier", _nothing, VERIFIER_ROUTES).described(),
    Mount("events", _nothing, EVENT_ROUTES).described(),
    Mount("webhooks", _nothing, WEBHOOK_ROUTES).described(),
]
ROUTES = [route for group in GROUPS for route in group.routes]
EXAMPLES = read_examples(["wanderbuch.agents.runtime", "wanderbuch.agents.verifier"])


@cache
def document() -> dict[str, Any]:
    return describe(GROUPS, title="Verifier", version="1", examples=EXAMPLES)


def content(route: Route, part: str) -> dict[str, Any]:
    operation = document()["paths"][route.path][route.method.lower()]
    place = operation["requestBody"] if part == "request" else operation["responses"][str(route.status)]
    return dict(place["content"]["application/json"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_its_example_fits(route: Route) -> None:
    parts = ("request", "answer") if route.body else ("answer",)
    for part in parts:
        told = content(route, part)
        assert "example" in told, f"{part} has no example"
        schema = {**told["schema"], "components": document()["components"]}
        Draft202012Validator(schema).validate(told["example"])
    if route.body:
        route.body.model_validate(content(route, "request")["example"])


def test_no_example_is_of_a_route_that_is_not_there() -> None:
    assert EXAMPLES.keys() == {f"{route.method} {route.path}" for route in ROUTES}


def test_each_parameter_says_what_it_is() -> None:
    for operations in document()["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                assert parameter["in"] == "path" or len(parameter["description"]) > 10, (
                    operation["operationId"],
                    parameter,
                )


def test_every_list_comes_in_pages() -> None:
    for route in ROUTES:
        if route.method == "GET" and "next_cursor" in route.result.model_fields:
            assert {"limit", "cursor"} <= route.allowed, route.path


def test_what_makes_something_hears_a_key() -> None:
    # An invitation is made anew, and ends the one before.
    deaf = [route.path for route in ROUTES if route.status == 201 and not route.once]
    assert deaf == ["/verifier/people/{id}/invitation"]
    heard = document()["paths"]["/verifier/questions"]["post"]["parameters"]
    assert [parameter["name"] for parameter in heard] == ["Idempotency-Key"]


def test_the_ids_of_operations_are_each_one_of_its_own() -> None:
    ids = [operation["operationId"] for operations in document()["paths"].values() for operation in operations.values()]
    assert len(ids) == len(set(ids))
