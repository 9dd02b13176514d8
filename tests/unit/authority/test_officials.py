"""Officials: one id for ever, a token that is never kept, roles that end."""

import pytest

from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.store.entries import fetch_entries
from wanderbuch.store.records import DuplicateError, NotFoundError
from wanderbuch.store.tables import tables_of

from .conftest import World

EDITOR, APPROVER = OfficialRole.EDITOR, OfficialRole.APPROVER


async def test_an_official_is_known_by_the_token_that_was_shown_once(world: World) -> None:
    officials = world.desk().officials
    added, token = await officials.add("perera", name="E. Perera", roles={EDITOR})
    assert await world.desk().officials.by_token(token) == added
    assert await officials.by_token(token[:-1]) is None
    assert await officials.by_token("") is None
    async with world.profile.session() as session:
        entries = await fetch_entries(session, Official.category)
    assert all(token not in entry.value.decode() for entry in entries)


async def test_an_official_stands_in_no_plain_table(world: World) -> None:
    officials = world.desk().officials
    _, token = await officials.add("perera", name="E. Perera", roles={EDITOR})
    await officials.change("perera", roles={EDITOR, APPROVER})
    assert await officials.by_token(token) == await officials.get("perera")
    engine = tables_of(world.profile).engine
    tables = await engine.run("SELECT name FROM sqlite_master WHERE type = 'table'")
    kept = {str(name): await engine.run(f"SELECT * FROM {name}") for (name,) in tables}  # noqa: S608
    assert kept["row"], "nothing is listed"
    assert "perera" not in str(kept)


async def test_a_removed_official_is_nobody_and_the_id_is_never_given_again(world: World) -> None:
    officials = world.desk().officials
    added, token = await officials.add("perera", name="E. Perera", roles={EDITOR})
    await officials.remove("perera")
    await officials.remove("perera")
    assert await officials.by_token(token) is None
    with pytest.raises(ForbiddenError):
        (await officials.get("perera")).must(EDITOR)
    with pytest.raises(DuplicateError):
        await officials.add("perera", name="Another Perera", roles={EDITOR})
    with pytest.raises(RefusedError):
        await officials.renew_token("perera")
    assert added.may(EDITOR)


async def test_a_new_token_ends_the_old_one(world: World) -> None:
    officials = world.desk().officials
    _, old = await officials.add("perera", name="E. Perera", roles={EDITOR})
    _, new = await officials.renew_token("perera")
    assert await officials.by_token(old) is None
    assert (await officials.by_token(new)) is not None


async def test_every_new_token_stands_in_the_history_for_whoever_gives_it_could_use_it(world: World) -> None:
    desk = world.desk()
    await desk.officials.add("perera", name="E. Perera", roles={EDITOR})
    for _ in range(2):
        await desk.officials.renew_token("perera")
    reasons = [(entry.who, entry.action, entry.why) for entry in await desk.history.entries()]
    assert reasons[1:] == [("operator", "official-changed", "perera: new token")] * 2


async def test_roles_are_those_given_last(world: World) -> None:
    officials = world.desk().officials
    await officials.add("perera", name="E. Perera", roles={EDITOR})
    await officials.change("perera", name="E. K. Perera")
    changed = await officials.change("perera", roles={APPROVER})
    assert (changed.name, changed.roles) == ("E. K. Perera", (APPROVER,))
    with pytest.raises(ForbiddenError):
        changed.must(EDITOR)


@pytest.mark.parametrize("official_id", ["operator", "agent", "E.Perera", "p", "1perera", "per era", "p" * 33, ""])
async def test_refuses_ids_that_could_be_mistaken(world: World, official_id: str) -> None:
    with pytest.raises(MalformedError):
        await world.desk().officials.add(official_id, name="E. Perera", roles={EDITOR})


async def test_refuses_an_official_without_name_or_roles(world: World) -> None:
    officials = world.desk().officials
    with pytest.raises(MalformedError):
        await officials.add("perera", name=" ", roles={EDITOR})
    with pytest.raises(MalformedError):
        await officials.add("perera", name="E. Perera", roles=())
    with pytest.raises(NotFoundError):
        await officials.remove("perera")


async def test_the_history_tells_of_officials_by_id_and_never_by_name(world: World) -> None:
    desk = world.desk()
    await desk.officials.add("perera", name="Secret Name", roles={EDITOR})
    await desk.officials.change("perera", roles={EDITOR, APPROVER})
    await desk.officials.remove("perera")
    entries = await desk.history.entries()
    assert [(entry.who, entry.action, entry.why) for entry in entries] == [
        ("operator", "official-added", "perera: editor"),
        ("operator", "official-changed", "perera: editor and approver"),
        ("operator", "official-removed", "perera"),
    ]
    assert b"Secret" not in b"".join(entry.line for entry in entries)
