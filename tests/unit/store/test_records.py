import asyncio
import threading
from enum import Enum
from typing import ClassVar

import pytest
from aries_askar import Entry

from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.records import DuplicateError, NotFoundError, Record, RecordStore


class State(Enum):
    OPEN = "OPEN"
    DONE = "DONE"


class Item(Record):
    category: ClassVar[str] = "test.item"
    tag_names: ClassVar[tuple[str, ...]] = ("state",)
    state: State = State.OPEN
    count: int = 0


@pytest.fixture
def items(wallet: WalletProfile) -> RecordStore[Item]:
    return RecordStore(wallet, Item)


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


async def test_refuses_a_second_record_with_the_same_id(items: RecordStore[Item]) -> None:
    item = await items.insert(Item())
    with pytest.raises(DuplicateError):
        await items.insert(item)
    await items.put(item.model_copy(update={"count": 7}))
    assert (await items.get(item.id)).count == 7


async def test_changes_that_race_all_count(items: RecordStore[Item]) -> None:
    item = await items.insert(Item())

    async def bump() -> None:
        await items.change(item.id, lambda held: held.model_copy(update={"count": held.count + 1}))

    await asyncio.gather(*(bump() for _ in range(25)))
    assert (await items.get(item.id)).count == 25


async def test_of_two_that_end_it_only_one_does(items: RecordStore[Item]) -> None:
    item = await items.insert(Item())
    ended: list[str] = []

    def end(who: str, held: Item) -> Item | None:
        if held.state is State.DONE:
            return None
        ended.append(who)
        return held.model_copy(update={"state": State.DONE})

    await asyncio.gather(*(items.change(item.id, lambda held, who=who: end(who, held)) for who in "abc"))  # type: ignore[misc]
    assert len(ended) == 1
    assert await items.find(state=State.OPEN) == []
    assert len(await items.find(state=State.DONE)) == 1


async def test_a_step_that_refuses_changes_nothing(items: RecordStore[Item]) -> None:
    item = await items.insert(Item())

    def refuse(_: Item) -> Item:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await items.change(item.id, refuse)
    assert await items.get(item.id) == item
    with pytest.raises(NotFoundError):
        await items.change("none", lambda held: held)


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
