import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import ClassVar

import pytest
from aries_askar import Entry
from tests.postgresql import ENGINES
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.errors import CursorError
from wanderbuch.store.records import DuplicateError, NotFoundError, Record, RecordStore
from wanderbuch.store.tables import tables_of
from wanderbuch.store.writing import writing

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class State(Enum):
    OPEN = "OPEN"
    DONE = "DONE"


class Item(Record):
    category: ClassVar[str] = "test.item"
    tag_names: ClassVar[tuple[str, ...]] = ("state",)
    state: State = State.OPEN
    count: int = 0
    due: datetime | None = None

    def index_state(self) -> str:
        return self.state.value

    def due_at(self) -> datetime | None:
        return self.due


@pytest.fixture(params=ENGINES)
async def items(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[RecordStore[Item]]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    processes = Processes(agent_config, database)
    yield RecordStore(await processes.another(), Item)
    await processes.end()


async def test_keeps_finds_and_removes(items: RecordStore[Item]) -> None:
    one, other = await items.insert(Item()), await items.insert(Item(state=State.DONE))
    assert await items.get(one.id) == one
    assert await items.find(state=State.DONE) == [other]
    assert await items.find() == [one, other]
    assert await items.find(limit=1) == [one]
    assert await items.remove(one.id)
    assert not await items.remove(one.id)
    assert await items.get_or_none(one.id) is None
    with pytest.raises(NotFoundError):
        await items.get(one.id)


class Person(Record):
    category: ClassVar[str] = "test.person"
    tag_names: ClassVar[tuple[str, ...]] = ("town",)
    is_listed: ClassVar[bool] = False
    town: str = "Linz"


async def test_a_kind_that_is_not_listed_is_kept_and_found_and_stands_in_no_plain_table(
    items: RecordStore[Item],
) -> None:
    profile = items._profile
    people = RecordStore(profile, Person)
    one, other = await people.insert(Person(id="ada")), await people.put(Person(id="bob", town="Graz"))
    with pytest.raises(DuplicateError):
        await people.insert(one)
    moved = await people.change("ada", lambda person: person.model_copy(update={"town": "Graz"}))
    assert await people.find(town="Linz") == []
    assert await people.find(town="Graz") == [moved, other]
    assert await people.find(town="Graz", limit=1) == [moved]
    assert await people.find() == [moved, other]
    with pytest.raises(NotFoundError):
        await people.change("carl", lambda person: person)
    with pytest.raises(TypeError, match="not listed"):
        await people.page()
    assert await people.remove("bob")
    assert not await people.remove("bob")
    engine = tables_of(profile).engine
    for table in ("row", "word", "built"):
        assert await engine.run(f"SELECT 1 FROM {table} WHERE kind = 'test.person'") == []  # noqa: S608


async def test_refuses_a_second_record_with_the_same_id(items: RecordStore[Item]) -> None:
    item = await items.insert(Item())
    with pytest.raises(DuplicateError):
        await items.insert(item)
    await items.put(item.model_copy(update={"count": 7}))
    assert (await items.get(item.id)).count == 7


async def test_changes_that_race_all_count(items: RecordStore[Item]) -> None:
    item = await items.insert(Item())

    async def bump() -> None:
        await items.change(item.id, lambda item: item.model_copy(update={"count": item.count + 1}))

    await asyncio.gather(*(bump() for _ in range(25)))
    assert (await items.get(item.id)).count == 25


async def test_of_those_that_end_it_only_one_does(items: RecordStore[Item]) -> None:
    """A step may be tried by all of them: what counts is what `change` returns, and what is kept."""
    item = await items.insert(Item())

    def end(number: int, item: Item) -> Item | None:
        if item.state is State.DONE:
            return None
        return item.model_copy(update={"state": State.DONE, "count": number})

    ended = await asyncio.gather(*(items.change(item.id, lambda current, by=by: end(by, current)) for by in (1, 2, 3)))  # type: ignore[misc]
    kept = await items.get(item.id)
    assert kept.count in (1, 2, 3)
    assert ended == [kept] * 3
    assert await items.find(state=State.OPEN) == []
    assert len(await items.find(state=State.DONE)) == 1


async def test_a_step_that_changes_nothing_or_refuses_takes_no_lock(items: RecordStore[Item]) -> None:
    """Under the lock of another writer of the profile: it would wait for that one."""
    item = await items.insert(Item())

    def refuse(_: Item) -> Item | None:
        raise ValueError("refused")

    async with writing(items._profile) as records, asyncio.timeout(5):
        await records.replace(item.model_copy(update={"count": 1}))
        assert await items.change(item.id, lambda _: None) == item
        with pytest.raises(ValueError, match="refused"):
            await items.change(item.id, refuse)


async def test_a_step_that_refuses_changes_nothing(items: RecordStore[Item]) -> None:
    item = await items.insert(Item())

    def refuse(_: Item) -> Item:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await items.change(item.id, refuse)
    assert await items.get(item.id) == item
    with pytest.raises(NotFoundError):
        await items.change("none", lambda item: item)


async def test_searching_by_an_unknown_tag_is_a_mistake(items: RecordStore[Item]) -> None:
    with pytest.raises(ValueError, match="no tag count"):
        await items.find(count=1)


async def test_a_long_list_is_read_in_another_thread(items: RecordStore[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    made = [await items.insert(Item(count=number)) for number in range(40)]
    threads: set[int] = set()
    read = Item.read

    def noted(entry: Entry) -> Item:
        threads.add(threading.get_ident())
        return read(entry)

    monkeypatch.setattr(Item, "read", noted)
    assert await items.find() == made
    assert threading.get_ident() not in threads
    assert await items.find(limit=3) == made[:3]
    assert threading.get_ident() in threads


async def test_pages_go_through_a_list_once_in_the_order_in_which_it_was_made(items: RecordStore[Item]) -> None:
    made = [await items.insert(Item(state=State.DONE if number % 3 == 0 else State.OPEN)) for number in range(10)]
    for newest_first in (True, False):
        seen: list[Item] = []
        cursor = None
        while True:
            page = await items.page(limit=3, cursor=cursor, newest_first=newest_first)
            seen += page.items
            if (cursor := page.next_cursor) is None:
                break
            assert len(page.items) == 3
        assert seen == (made[::-1] if newest_first else made)
    done = [item for item in made if item.state is State.DONE]
    assert list((await items.page(state="DONE", newest_first=False)).items) == done
    assert [item async for item in items.every(state=("OPEN", "DONE"))] == made
    assert (await items.count(), await items.count(state="DONE"), await items.count(state="NONE")) == (10, 4, 0)


async def test_page_is_full_though_records_between_have_moved(items: RecordStore[Item]) -> None:
    made = [await items.insert(Item()) for _ in range(8)]
    first = await items.page(state="OPEN", limit=2, newest_first=False)
    for item in made[2:5]:
        await items.change(item.id, lambda item: item.model_copy(update={"state": State.DONE}))
    rest = await items.page(state="OPEN", limit=2, cursor=first.next_cursor, newest_first=False)
    assert [*first.items, *rest.items] == [*made[:2], *made[5:7]]


async def test_cursor_of_another_list_is_refused(items: RecordStore[Item]) -> None:
    for _ in range(3):
        await items.insert(Item())
    cursor = (await items.page(limit=1)).next_cursor
    assert cursor is not None
    assert (await items.page(limit=1, cursor=cursor)).items
    for wrong in ("", "x", cursor[:-1], cursor[::-1]):
        with pytest.raises(CursorError):
            await items.page(limit=1, cursor=wrong)
    with pytest.raises(CursorError):
        await items.page(limit=1, cursor=cursor, state="OPEN")


async def test_what_is_due_is_claimed_the_most_urgent_first_and_nothing_else(items: RecordStore[Item]) -> None:
    first, second = [await items.insert(Item(due=NOW - timedelta(minutes=minutes))) for minutes in (1, 2)]
    await items.insert(Item(due=NOW + timedelta(minutes=1)))
    await items.insert(Item())
    async with items.claiming(NOW) as due:
        assert [item async for item in due] == [second, first]
        async with items.claiming(NOW) as again:
            assert [item async for item in again] == []
        await items.change(first.id, lambda item: item.model_copy(update={"due": None}))
    async with items.claiming(NOW) as due:
        assert [item async for item in due] == [second]


async def test_what_could_not_be_done_is_due_again_and_holds_up_nothing(items: RecordStore[Item]) -> None:
    made = [await items.insert(Item(due=NOW)) for _ in range(130)]  # more than a batch
    for _ in range(2):
        async with items.claiming(NOW) as due:
            assert {item.id async for item in due} == {item.id for item in made}


async def test_search_tells_apart_what_the_plain_tables_do_not(items: RecordStore[Item]) -> None:
    class Named(Record):
        category: ClassVar[str] = "test.named"
        tag_names: ClassVar[tuple[str, ...]] = ("name",)
        name: str

    store = RecordStore(items._profile, Named)
    small, large = await store.insert(Named(name="anna  b")), await store.insert(Named(name="ANNA B"))
    assert await store.find(name="ANNA B") == [large]
    assert await store.find(name="anna  b") == [small]
    assert await store.find(name="anna b") == []
