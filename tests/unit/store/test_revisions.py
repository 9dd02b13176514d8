import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel
from tests.postgresql import ENGINES
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.errors import RevisionConflictError
from wanderbuch.store.revisions import Revision, Revisions
from wanderbuch.store.tables import tables_of
from wanderbuch.store.writing import writing


class Page(BaseModel):
    text: str


@pytest.fixture(params=ENGINES)
async def processes(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[Processes]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    made = Processes(agent_config, database)
    yield made
    await made.end()


async def opened(processes: Processes) -> Revisions[Page]:
    return Revisions(await processes.another(), "test.page", Page)


async def test_newest_is_the_greatest_number_and_the_others_stay(processes: Processes) -> None:
    pages = await opened(processes)
    assert await pages.newest("imprint") is None
    for number in range(12):
        made = await pages.put("imprint", Page(text=str(number)), expected=number)
        assert await pages.newest("imprint") == made == Revision(number + 1, Page(text=str(number)))
    assert await pages.get("imprint", 3) == Revision(3, Page(text="2"))
    assert await pages.get("imprint", 13) is None
    assert await pages.newest("other") is None


@pytest.mark.parametrize("expected", [0, 1, 3])
async def test_refuses_who_has_not_read_the_newest(processes: Processes, expected: int) -> None:
    pages = await opened(processes)
    await pages.put("imprint", Page(text="one"), expected=0)
    await pages.put("imprint", Page(text="two"), expected=1)
    with pytest.raises(RevisionConflictError):
        await pages.put("imprint", Page(text="mine"), expected=expected)
    assert await pages.newest("imprint") == Revision(2, Page(text="two"))
    await pages.put("imprint", Page(text="mine"), expected=2)


async def test_of_two_processes_that_save_at_once_one_is_refused(processes: Processes) -> None:
    first = await opened(processes)
    second = first if processes.database is None else await opened(processes)
    for number in range(6):
        told = await asyncio.gather(
            *(pages.put("imprint", Page(text=str(number)), expected=number) for pages in (first, second)),
            return_exceptions=True,
        )
        assert sorted(type(outcome) for outcome in told if isinstance(outcome, Exception)) == [RevisionConflictError]
        for pages in (first, second):
            newest = await pages.newest("imprint")
            assert newest is not None
            assert newest.number == number + 1


@pytest.mark.parametrize("made", [1, 2, 3, 7, 8, 9])
async def test_newest_is_found_though_the_plain_tables_are_behind_or_lost(processes: Processes, made: int) -> None:
    profile = await processes.another()
    pages = Revisions(profile, "test.page", Page)
    for number in range(made):
        await pages.put("imprint", Page(text=str(number)), expected=number)
    engine = tables_of(profile).engine
    for hint in (1, made // 2 or 1, made + 5):  # the last one: the wallet was put back to an older state
        await engine.run("UPDATE number SET number = ?", hint)
        newest = await pages.newest("imprint")
        assert newest is not None
        assert newest.number == made
    await engine.run("DELETE FROM number")
    assert await pages.newest("imprint") == Revision(made, Page(text=str(made - 1)))


async def test_a_revision_of_a_transaction_is_there_with_it_or_not_at_all(processes: Processes) -> None:
    profile = await processes.another()
    pages = Revisions(profile, "test.page", Page)
    async with writing(profile) as store:
        await pages.add(store, "imprint", Page(text="one"), number=1)

    async def cut_off() -> None:
        async with writing(profile) as store:
            await pages.add(store, "imprint", Page(text="two"), number=2)
            raise EOFError

    async def once_more() -> None:
        async with writing(profile) as store:
            await pages.add(store, "imprint", Page(text="mine"), number=1)

    with pytest.raises(EOFError):
        await cut_off()
    with pytest.raises(RevisionConflictError):
        await once_more()
    assert await pages.newest("imprint") == Revision(1, Page(text="one"))
