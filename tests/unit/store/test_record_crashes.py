"""A record is listed, found and due as it says of itself, wherever the power fails, whoever writes at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import count
from typing import ClassVar

import pytest
from tests.postgresql import ENGINES
from tests.unit.power import Power, power
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.store import WalletProfile
from wanderbuch.store.engine import Statement, Value
from wanderbuch.store.records import DuplicateError, NotFoundError, Record, RecordStore
from wanderbuch.store.tables import tables_of
from wanderbuch.store.writing import writing

__all__ = ["power"]

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(days=1)


class State(Enum):
    OPEN = "OPEN"
    DONE = "DONE"


class Task(Record):
    category: ClassVar[str] = "test.task"
    tag_names: ClassVar[tuple[str, ...]] = ("thread",)
    state: State = State.OPEN
    thread: str = "one"
    due: datetime | None = SOON

    def index_state(self) -> str:
        return self.state.value

    def due_at(self) -> datetime | None:
        return self.due


DONE = {"state": State.DONE, "thread": "two", "due": LATER}


@pytest.fixture(params=ENGINES)
async def processes(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[Processes]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    made = Processes(agent_config, database)
    yield made
    await made.end()


@pytest.fixture
async def tasks(processes: Processes) -> RecordStore[Task]:
    return RecordStore(await processes.another(), Task)


async def is_consistent(tasks: RecordStore[Task]) -> None:
    """Look at every record in every way."""
    kept = await tasks.find()
    for state in (None, *State):
        meant = {task.id for task in kept if state in (None, task.state)}
        for newest_first in (False, True):
            page = await tasks.page(state=state and state.value, limit=500, newest_first=newest_first)
            assert {task.id for task in page.items} == meant
            assert len(page.items) == len(meant), "listed twice"
    for thread in ("one", "two"):
        assert {task.id for task in await tasks.find(thread=thread)} == {
            task.id for task in kept if task.thread == thread
        }
    for at in (SOON, LATER):
        meant = {task.id for task in kept if task.due is not None and task.due <= at}
        assert {task.id for task in await tasks.due(at)} == meant


async def rows(profile: WalletProfile) -> int:
    return len(await tables_of(profile).engine.run("SELECT id FROM row WHERE kind = ?", Task.category))


@pytest.mark.parametrize("does", ["insert", "change", "put", "remove", "several", "announced", "foretold"])
async def test_nothing_is_missing_wherever_the_power_fails(processes: Processes, power: Power, does: str) -> None:
    profile = await processes.another()
    tasks = RecordStore(profile, Task)
    await tasks.insert(Task(id="other"))
    steps = 0
    for steps in count():
        task = Task(id=f"task-{steps}")
        if does != "insert":
            await tasks.insert(task)

        async def work(task: Task = task) -> None:
            done = task.model_copy(update=DONE)
            match does:
                case "insert":
                    await tasks.insert(task)
                case "change":
                    await tasks.change(task.id, lambda _: done)
                case "put":
                    await tasks.put(done)
                case "remove":
                    await tasks.remove(task.id)
                case _:
                    new = Task(id=f"{task.id}-new")
                    ahead = {"announced": {"new": [new]}, "foretold": {"new": [new], "changed": [(task, done)]}}
                    async with writing(profile, **ahead.get(does, {})) as records:
                        await records.insert(new)
                        current = await records.get(Task, task.id)
                        await records.replace(current.model_copy(update=DONE))
                        await records.get(Task, f"{task.id}-new")

        cut = await power.lasts(steps, work)
        await is_consistent(tasks)
        if does in ("several", "announced", "foretold"):  # all of it, or nothing
            is_new = await tasks.get_or_none(f"{task.id}-new") is not None
            assert is_new == ((await tasks.get(task.id)).state is State.DONE)
        if not cut:
            break
    assert steps >= 2
    # Ten minutes later what is superfluous goes as soon as somebody meets it.
    await tables_of(profile).engine.run("UPDATE row SET at = at - 601, held = 0")
    for state in State:
        await tasks.page(state=state.value, limit=500)
    assert await rows(profile) == len(await tasks.find())
    assert await tasks.count() == len(await tasks.find())
    await is_consistent(tasks)


@pytest.mark.parametrize("does", ["change", "remove"])
async def test_the_sweep_removes_what_a_crash_left_once_it_is_ten_minutes_old(
    processes: Processes, power: Power, does: str
) -> None:
    profile = await processes.another()
    tasks = RecordStore(profile, Task)
    for steps in count(1):
        task = await tasks.insert(Task(id=f"task-{steps}", due=None))

        async def work(task: Task = task) -> None:
            if does == "remove":
                await tasks.remove(task.id)
            else:
                await tasks.change(task.id, lambda current: current.model_copy(update={**DONE, "due": None}))

        if not await power.lasts(steps, work):
            break
    engine = tables_of(profile).engine
    left = await rows(profile)
    assert left > len(await tasks.find()), "a crash left nothing"
    for seconds, is_left in ((598, True), (4, False)):
        moved = "UPDATE row SET at = at - ?, held = CASE WHEN held > 0 THEN held - ? ELSE 0 END"
        await engine.run(moved, seconds, seconds)
        async with tasks.claiming(NOW) as due:
            assert [task async for task in due] == []
        assert (await rows(profile) == left) is is_left
    assert await rows(profile) == len(await tasks.find())
    await is_consistent(tasks)


async def test_what_is_written_at_the_same_time_stays_listed_found_and_due(processes: Processes) -> None:
    """On PostgreSQL by two processes, each with its own Askar store and its own connections."""
    first = RecordStore(await processes.another(), Task)
    second = first if processes.database is None else RecordStore(await processes.another(), Task)

    async def flip(tasks: RecordStore[Task], task_id: str, number: int) -> None:
        state = State.DONE if number % 2 else State.OPEN
        update = {"state": state, "thread": ("one", "two")[number % 2], "due": (SOON, LATER, None)[number % 3]}
        await tasks.change(task_id, lambda current: current.model_copy(update=update))

    for task_id in ("a", "b"):
        await first.insert(Task(id=task_id))
    await asyncio.gather(
        *(flip(tasks, task_id, number) for number in range(8) for tasks in (first, second) for task_id in ("a", "b"))
    )
    for tasks in (first, second):
        await is_consistent(tasks)
        assert len(await tasks.find()) == 2


async def test_of_two_processes_that_insert_one_name_one_is_refused_and_changes_nothing(processes: Processes) -> None:
    first = RecordStore(await processes.another(), Task)
    second = first if processes.database is None else RecordStore(await processes.another(), Task)
    for number in range(6):
        mine, theirs = Task(id=str(number)), Task(id=str(number), state=State.DONE, thread="two", due=None)
        told = await asyncio.gather(first.insert(mine), second.insert(theirs), return_exceptions=True)
        assert [isinstance(outcome, DuplicateError) for outcome in told].count(True) == 1
        kept = await first.get(mine.id)
        assert kept == (mine if isinstance(told[0], Task) else theirs)
        await is_consistent(second)


async def test_what_is_removed_while_another_changes_it_is_gone_or_changed(processes: Processes) -> None:
    first = RecordStore(await processes.another(), Task)
    second = first if processes.database is None else RecordStore(await processes.another(), Task)
    for number in range(6):
        task = await first.insert(Task(id=str(number)))
        told = await asyncio.gather(
            first.remove(task.id),
            second.change(task.id, lambda current: current.model_copy(update=DONE)),
            return_exceptions=True,
        )
        assert told[0] is True
        assert isinstance(told[1], Task | NotFoundError)
        await is_consistent(first)
        again = await second.insert(task)
        assert await first.get(task.id) == again
        await is_consistent(first)


@pytest.mark.parametrize(
    "does",
    [
        *("replace", "foretold", "foretold-otherwise", "foretold-only", "twice"),
        *("insert", "announced", "not-inserted", "remove", "insert-taken", "taken"),
    ],
)
async def test_what_fails_holds_no_due_work_back(processes: Processes, does: str) -> None:
    profile = await processes.another()
    tasks = RecordStore(profile, Task)
    task = await tasks.insert(Task(id="there"))

    async def fail() -> None:
        new, done = Task(id="new"), task.model_copy(update=DONE)
        ahead = {
            **{key: {"new": [new]} for key in ("announced", "not-inserted")},
            **{key: {"changed": [(task, done)]} for key in ("foretold", "foretold-only", "foretold-otherwise")},
        }
        async with writing(profile, **ahead.get(does, {})) as records:
            current = await records.get(Task, task.id)
            match does:
                case "foretold-otherwise":
                    await records.replace(current.model_copy(update={"state": State.DONE, "due": None}))
                case "insert" | "announced":
                    await records.insert(new)
                case "not-inserted" | "foretold-only":
                    pass
                case "insert-taken":
                    await records.insert(Task(id=task.id, state=State.DONE, due=None))
                case "remove":
                    await records.remove(Task, task.id)
                case _:
                    await records.replace(current.model_copy(update=DONE))
                    if does == "twice":
                        await records.replace(current.model_copy(update={"due": LATER}))
            raise NotFoundError("refused")

    with pytest.raises((NotFoundError, DuplicateError)):
        await (tasks.insert(Task(id=task.id, **DONE)) if does == "taken" else fail())
    assert await rows(profile) == 1
    async with tasks.claiming(SOON) as due:
        assert [due_task async for due_task in due] == [task]
    await is_consistent(tasks)


async def test_the_row_of_what_is_new_is_there_before_the_transaction_and_goes_where_it_is_not_inserted(
    processes: Processes,
) -> None:
    profile = await processes.another()
    tasks, new = RecordStore(profile, Task), Task(id="new")
    async with writing(profile, new=[new]):
        assert await rows(profile) == 1
    assert await rows(profile) == 0
    async with writing(profile, new=[new]) as records:
        assert await rows(profile) == 1
        await records.insert(new)
        assert await rows(profile) == 1
    assert (await rows(profile), await tasks.get(new.id)) == (1, new)
    async with tasks.claiming(SOON) as due:
        assert [task async for task in due] == [new]
    await is_consistent(tasks)


@pytest.mark.parametrize("does", ["change", "put", "put-new"])
async def test_no_row_is_written_under_the_lock_of_the_profile(
    processes: Processes, does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = await processes.another()
    tasks, engine = RecordStore(profile, Task), tables_of(profile).engine
    task = await tasks.insert(Task(id="there"))
    done = task.model_copy(update=DONE)
    is_locked, written = False, []
    transaction, together, run = profile.transaction, engine.together, engine.run

    @asynccontextmanager
    async def locking() -> AsyncIterator[object]:
        nonlocal is_locked
        async with transaction() as session:
            is_locked = True
            try:
                yield session
            finally:
                is_locked = False

    async def noting_together(*statements: Statement) -> object:
        written.append(is_locked)
        return await together(*statements)

    async def noting_run(sql: str, *args: Value) -> object:
        written.append(is_locked)
        return await run(sql, *args)

    monkeypatch.setattr(profile, "transaction", locking)
    monkeypatch.setattr(engine, "together", noting_together)
    monkeypatch.setattr(engine, "run", noting_run)
    match does:
        case "change":
            await tasks.change(task.id, lambda current: current.model_copy(update=DONE))
        case "put":
            await tasks.put(done)
        case _:
            await tasks.put(Task(id="new"))
    assert written
    assert not any(written)
    monkeypatch.undo()
    await is_consistent(tasks)


async def test_what_one_block_changes_otherwise_than_was_said_is_as_it_was_changed(processes: Processes) -> None:
    profile = await processes.another()
    tasks = RecordStore(profile, Task)
    for number, update in enumerate(({"state": State.DONE}, {"due": LATER}, {"thread": "two"}, {}, {"due": None})):
        task = await tasks.insert(Task(id=str(number)))
        async with writing(profile, changed=[(task, task.model_copy(update=DONE))]) as records:
            current = await records.get(Task, task.id)
            await records.replace(current.model_copy(update=update))
        await is_consistent(tasks)
        assert await rows(profile) == number + 1, update
        async with tasks.claiming(NOW + timedelta(days=2)) as due:
            assert {due_task.id async for due_task in due} == {str(at) for at in range(number + 1) if at != 4}


async def test_rows_of_all_that_is_new_or_changes_are_written_in_one_go(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = await processes.another()
    tasks, engine = RecordStore(profile, Task), tables_of(profile).engine
    kept = [await tasks.insert(Task(id=f"task-{at}")) for at in range(3)]
    new, same = [Task(id="new-1"), Task(id="new-2")], [(task, task.model_copy()) for task in kept]
    goes: list[int] = []
    together, run = engine.together, engine.run

    async def noting_together(*statements: Statement) -> object:
        goes.append(len(statements))
        return await together(*statements)

    async def noting_run(sql: str, *args: Value) -> object:
        goes.append(1)
        return await run(sql, *args)

    monkeypatch.setattr(engine, "together", noting_together)
    monkeypatch.setattr(engine, "run", noting_run)
    async with writing(profile, changed=same):
        assert goes == [], "nothing changes in the tables"
    done = [(task, task.model_copy(update=DONE)) for task in kept]
    async with writing(profile, new=new, changed=[*same[:1], *done[1:]]) as records:
        assert len(goes) == 1
        for task in new:
            await records.insert(task)
        for before, after in done[1:]:
            assert await records.get(Task, before.id) == before
            await records.replace(after)
        assert len(goes) == 1
    monkeypatch.undo()
    assert await rows(profile) == 5
    await is_consistent(tasks)


@pytest.mark.parametrize("is_there", [True, False])
async def test_what_came_or_went_since_it_was_looked_for_is_listed_and_due_as_it_is_kept(
    processes: Processes, is_there: bool
) -> None:
    """Its row was written for a record that is new, and it is replaced; or the other way round."""
    profile = await processes.another()
    tasks, task = RecordStore(profile, Task), Task(id="there")
    done = task.model_copy(update={**DONE, "due": SOON})
    await tasks.insert(task)
    if not is_there:
        await tasks.remove(task.id)
    async with writing(profile, new=[done] if is_there else (), changed=() if is_there else [(task, done)]) as records:
        current = await records.get_or_none(Task, task.id)
        await (records.insert(done) if current is None else records.replace(done))
    assert await rows(profile) == 1
    async with tasks.claiming(SOON) as due:
        assert [due_task async for due_task in due] == [done]
    await is_consistent(tasks)


async def test_what_one_block_changes_twice_is_due_at_once(processes: Processes) -> None:
    profile = await processes.another()
    tasks = RecordStore(profile, Task)
    task = await tasks.insert(Task(id="there", due=None))
    async with writing(profile) as records:
        current = await records.get(Task, task.id)
        await records.replace(current.model_copy(update={"state": State.DONE}))
        changed = current.model_copy(update={"due": SOON})
        await records.replace(changed)
    assert await rows(profile) == 1
    async with tasks.claiming(SOON) as due:
        assert [due_task async for due_task in due] == [changed]


async def test_two_processes_never_get_the_same_due_record_at_once(processes: Processes) -> None:
    first = RecordStore(await processes.another(), Task)
    second = first if processes.database is None else RecordStore(await processes.another(), Task)
    made = {(await first.insert(Task())).id for _ in range(25)}
    seen: list[str] = []

    async def look(tasks: RecordStore[Task]) -> None:
        async with tasks.claiming(SOON) as due:
            async for task in due:
                seen.append(task.id)
                await asyncio.sleep(0)
            await together.wait()  # what was claimed is given back at the end only

    together = asyncio.Barrier(2)
    await asyncio.gather(look(first), look(second))
    assert sorted(seen) == sorted(made)
    together = asyncio.Barrier(1)
    await look(second)  # still due, so they are given again
    assert sorted(seen) == sorted([*made, *made])


async def test_what_the_plain_tables_have_lost_is_read_again_from_askar(processes: Processes) -> None:
    profile = await processes.another()
    tasks = RecordStore(profile, Task)
    for number in range(3):
        await tasks.insert(Task(id=str(number), state=State.DONE if number else State.OPEN))
    tables = tables_of(profile)
    await tables.engine.run("DELETE FROM row")
    await tables.engine.run("DELETE FROM word")
    await tables.rebuild.forget()
    await is_consistent(tasks)
    assert [task.id for task in (await tasks.page(newest_first=False)).items] == ["0", "1", "2"]


async def test_of_what_was_foretold_what_is_kept_is_listed_and_the_rest_is_as_it_was(processes: Processes) -> None:
    profile = await processes.another()
    tasks = RecordStore(profile, Task)
    kept = [await tasks.insert(Task(id=f"task-{at}")) for at in range(5)]
    done = [task.model_copy(update=DONE) for task in kept]
    async with writing(profile, changed=list(zip(kept, done, strict=True))) as records:
        for task in done[:2]:
            await records.get(Task, task.id)
            await records.replace(task)
        current = await records.get(Task, "task-2")
        await records.replace(current.model_copy(update={"thread": "two", "due": LATER}))  # otherwise than foretold
        await records.get(Task, "task-3")
    await is_consistent(tasks)
    assert await rows(profile) == 5
    assert [(await tasks.get(task.id)).state for task in kept] == [State.DONE] * 2 + [State.OPEN] * 3
    async with tasks.claiming(SOON) as due:
        assert sorted([task.id async for task in due]) == ["task-3", "task-4"]


async def test_those_that_change_the_same_records_all_come_to_an_end_however_they_name_them(
    processes: Processes,
) -> None:
    first = await processes.another()
    second = first if processes.database is None else await processes.another()
    kept = [await RecordStore(first, Task).insert(Task(id=f"task-{at}")) for at in range(6)]

    async def change(profile: WalletProfile, number: int) -> None:
        done = [task.model_copy(update={**DONE, "thread": ("one", "two")[number % 2]}) for task in kept]
        changed = list(zip(kept, done, strict=True))
        async with writing(profile, changed=changed if number % 4 < 2 else changed[::-1]) as records:
            for task in done:
                await records.get(Task, task.id)
                await records.replace(task)

    await asyncio.gather(*(change((first, second)[number % 2], number) for number in range(8)))
    await is_consistent(RecordStore(first, Task))
    assert {task.state for task in await RecordStore(second, Task).find()} == {State.DONE}
