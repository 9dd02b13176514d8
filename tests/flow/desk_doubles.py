"""Cases of `test_doubles` about an employer's desk: templates, people, questions taken back, links widened."""

import secrets
from typing import Any

from tests.flow.doubles import Calls, Case, Effect, Place

ASKED = {
    "place": "MLT",
    "credentials": [{"ask": "qualification", "occupation": "C7212", "level": {"at_least": "3"}}],
}


async def save_template(_: Place) -> Calls:
    return Calls("/templates", {"title": "Welders", "question": ASKED}, Effect.EACH)


async def ask_by_template(_: Place) -> Calls:
    return Calls("/templates/welder/ask", {"place": "Malta"}, Effect.EACH)


async def remove_template(place: Place) -> Calls:
    saved = await place.employer.post("/templates", {"title": "Welders", "question": ASKED})
    return Calls(f"/templates/{saved['id']}", effect=Effect.ANY)


def people_cases(who: str, role: str) -> list[tuple[str, str, str, Case]]:
    """Return the cases of the people of a desk or a console.

    Args:
        who: the agent, as a place names it.
        role: that its people may have.
    """

    def person() -> dict[str, Any]:
        return {"id": f"p-{secrets.token_hex(3)}", "name": "P", "roles": [role]}

    def with_one(end: str, effect: Effect = Effect.SAME, body: Any = None, *, before: str = "") -> Case:
        async def case(place: Place) -> Calls:
            agent, added = getattr(place, who), person()
            await agent.post("/people", added)
            if before:
                await agent.post(f"/people/{added['id']}{before}")
            return Calls(f"/people/{added['id']}{end}", body, effect)

        return case

    async def add(_: Place) -> Calls:
        return Calls("/people", person(), Effect.ONCE)

    return [
        (who, "POST", "/people", add),
        (who, "PATCH", "/people/{id}", with_one("", body={"name": "Another"})),
        (who, "DELETE", "/people/{id}", with_one("", Effect.ANY)),
        (who, "POST", "/people/{id}/token", with_one("/token", Effect.EACH)),
        (who, "POST", "/people/{id}/invitation", with_one("/invitation", Effect.ANY)),
        (who, "POST", "/people/{id}/block", with_one("/block")),
        (who, "POST", "/people/{id}/unblock", with_one("/unblock", before="/block")),
    ]


DESK_CASES: list[tuple[str, str, str, Case]] = [
    ("employer", "POST", "/templates", save_template),
    ("employer", "POST", "/templates/{id}/ask", ask_by_template),
    ("employer", "DELETE", "/templates/{id}", remove_template),
    *people_cases("employer", "asker"),
]
