"""The history grows by one entry for each fact, together with what the fact is about, or not at all."""

import pytest

from wanderbuch.agents.authority.history import Fact, HistoryRecord
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.work.log import ChangedMeanwhileError
from wanderbuch.governance.signed.history import Action, HistoryError
from wanderbuch.store.errors import DuplicateError
from wanderbuch.store.records import RecordStore

from .conftest import World

FACT = Fact("fact", "operator", Action.OFFICIAL_ADDED, "perera: editor")


def official(**changes: object) -> Official:
    return Official(id="perera", name="Perera", roles=(OfficialRole.EDITOR,), token_hash="0").model_copy(update=changes)


async def test_a_fact_that_is_told_again_changes_nothing(world: World) -> None:
    log, officials = world.publication().history, RecordStore(world.profile, Official)
    assert await log.append(FACT, new=[official()])
    assert not await log.append(FACT, changed=[(official(), official(name="Another"))])
    assert len(await log.entries()) == 1
    assert (await officials.get("perera")).name == "Perera"


async def test_what_is_not_as_it_was_read_is_left_and_no_entry_is_made(world: World) -> None:
    log, officials = world.publication().history, RecordStore(world.profile, Official)
    inserted = await officials.insert(official())
    changed = await officials.change("perera", lambda now: now.model_copy(update={"changes": 1}))
    with pytest.raises(ChangedMeanwhileError):
        await log.append(FACT, changed=[(inserted, inserted.model_copy(update={"name": "Late"}))])
    assert await log.entries() == []
    assert await officials.get("perera") == changed
    assert await log.append(FACT, changed=[(changed, changed.model_copy(update={"name": "In time"}))])
    assert (await officials.get("perera")).name == "In time"


async def test_what_is_there_already_makes_no_entry(world: World) -> None:
    log = world.publication().history
    await RecordStore(world.profile, Official).insert(official())
    with pytest.raises(DuplicateError):
        await log.append(FACT, new=[official()])
    assert await log.entries() == []


async def test_an_entry_of_another_process_is_read_before_the_next_one_is_numbered(world: World) -> None:
    first, second = world.publication().history, world.publication().history
    for number, log in enumerate([first, second, second, first]):
        assert await log.append(Fact(f"fact:{number}", "agent", Action.REVIEW, "why"))
    assert [entry.n for entry in await first.entries()] == [0, 1, 2, 3]
    assert await first.head() == await second.head()


async def test_a_lost_entry_is_told_at_the_next_start(world: World) -> None:
    log = world.publication().history
    for number in range(3):
        await log.append(Fact(f"fact:{number}", "agent", Action.REVIEW, "why"))
    await RecordStore(world.profile, HistoryRecord).remove("000000001")
    with pytest.raises(HistoryError, match="has lost entry 1"):
        await world.publication().history.entries()
