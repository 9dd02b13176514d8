"""Cases of `test_doubles` about an employer's desk: templates, people, questions taken back, links widened."""

import secrets

from tests.flow.doubles import Calls, Effect, Place

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


async def add_member(_: Place) -> Calls:
    return Calls("/people", {"id": f"p-{secrets.token_hex(3)}", "name": "P", "roles": ["asker"]}, Effect.ONCE)


async def one_more(place: Place) -> str:
    name = f"p-{secrets.token_hex(3)}"
    await place.employer.post("/people", {"id": name, "name": "P", "roles": ["asker"]})
    return name


async def change_member(place: Place) -> Calls:
    return Calls(f"/people/{await one_more(place)}", {"name": "Another"})


async def remove_member(place: Place) -> Calls:
    return Calls(f"/people/{await one_more(place)}", effect=Effect.ANY)


async def renew_member(place: Place) -> Calls:
    return Calls(f"/people/{await one_more(place)}/token", effect=Effect.EACH)


async def invite_member(place: Place) -> Calls:
    return Calls(f"/people/{await one_more(place)}/invitation", effect=Effect.ANY)


async def block_member(place: Place) -> Calls:
    return Calls(f"/people/{await one_more(place)}/block")


async def unblock_member(place: Place) -> Calls:
    name = await one_more(place)
    await place.employer.post(f"/people/{name}/block")
    return Calls(f"/people/{name}/unblock")


DESK_CASES = [
    ("employer", "POST", "/templates", save_template),
    ("employer", "POST", "/templates/{id}/ask", ask_by_template),
    ("employer", "DELETE", "/templates/{id}", remove_template),
    ("employer", "POST", "/people", add_member),
    ("employer", "PATCH", "/people/{id}", change_member),
    ("employer", "DELETE", "/people/{id}", remove_member),
    ("employer", "POST", "/people/{id}/token", renew_member),
    ("employer", "POST", "/people/{id}/invitation", invite_member),
    ("employer", "POST", "/people/{id}/block", block_member),
    ("employer", "POST", "/people/{id}/unblock", unblock_member),
]
