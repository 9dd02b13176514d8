"""The people of a console over REST: let in once however often it is asked, changed, given a new token, removed."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.issuer.console.place import ADMINISTRATOR, CLERK, ConsolePlace
from tests.unit.verifier_pages.conftest import Browser

from wanderbuch.agents.issuer.console.clerk_api import CLERK_ROUTES, ClerkChange, NewClerk
from wanderbuch.agents.issuer.console.clerks import ClerkRole
from wanderbuch.agents.runtime.app import Call, Once, Route
from wanderbuch.store.records import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROUTES: dict[str, Route] = {f"{route.method} {route.path}": route for route in CLERK_ROUTES}


async def call(place: ConsolePlace, route: str, sent: Any = None, *, once: Once | None = None, **path: str) -> Any:
    answer = await ROUTES[route].handler(place.office, Call(path, {}, sent, once=once))
    assert isinstance(answer, ROUTES[route].result)
    return answer


async def _who(place: ConsolePlace, token: str) -> str | None:
    clerk = await place.office.console.clerks.by_token(token)
    return None if clerk is None else clerk.id


async def test_a_person_is_let_in_changed_given_a_new_token_and_removed(place: ConsolePlace) -> None:
    once = Once(new_id(), is_done=False, unguessed_secret=b"k" * 32)
    new = NewClerk(id="k.perera", name="Kamala Perera", roles=[ClerkRole.CLERK])
    added = await call(place, "POST /people", new, once=once)
    again = replace(once, came_before=True)
    assert await call(place, "POST /people", new, once=again) == added  # one person, and the same token
    assert (added.member.roles, added.invitation) == ([ClerkRole.CLERK], None)
    assert await _who(place, added.token) == "k.perera"
    change = ClerkChange(name="K. Perera", roles=[ClerkRole.ADMINISTRATOR])
    changed = await call(place, "PATCH /people/{id}", change, id="k.perera")
    assert (changed.name, changed.roles) == ("K. Perera", [ClerkRole.ADMINISTRATOR])
    renewed = await call(place, "POST /people/{id}/token", id="k.perera")
    assert await _who(place, added.token) is None
    assert await _who(place, renewed.token) == "k.perera"
    assert (await call(place, "DELETE /people/{id}", id="k.perera")).removed_at is not None
    assert await _who(place, renewed.token) is None
    everybody = {one.id: one for one in (await call(place, "GET /people")).items}
    assert everybody.keys() >= {CLERK, ADMINISTRATOR, "k.perera"}
    assert "token" not in str(everybody["k.perera"].model_dump())


async def test_an_invitation_leads_to_the_console_of_its_own_centre(place: ConsolePlace) -> None:
    new = NewClerk(id="s.nazeer", name="Sara Nazeer", roles=[ClerkRole.CLERK], invite=True)
    added = await call(place, "POST /people", new)
    assert (added.token, added.invitation.url.startswith("https://desk.centre.wanderbuch.test/desk/invitation/")) == (
        None,
        True,
    )


async def test_the_pages_of_people_stand_under_the_name_of_the_centre(
    place: ConsolePlace, browsers: dict[str, Browser]
) -> None:
    for path in ("", "people", "means"):
        page = (await browsers[ADMINISTRATOR].ask(f"/desk/en/{path}")).text
        assert place.office.tenant.name in page.partition("<main")[0], path
