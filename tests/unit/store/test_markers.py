import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import ClassVar

import pytest
from tests.postgresql import ENGINES
from tests.unit.power import Power, power
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.markers import ImmutableRecordError, Markers
from wanderbuch.store.record import Record
from wanderbuch.store.tables import tables_of

__all__ = ["power"]

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


class Exchange(Record):
    category: ClassVar[str] = "test.exchange"
    tag_names: ClassVar[tuple[str, ...]] = ("thread",)
    thread: str = "thread"
    answer_by: datetime = NOW
    taken_by: str | None = None
    ended_at: datetime | None = None

    def index_state(self) -> str:
        return "ENDED" if self.ended_at else "TAKEN" if self.taken_by else "OPEN"

    def due_at(self) -> datetime | None:
        return None if self.ended_at else self.answer_by


@pytest.fixture(params=ENGINES)
async def processes(request: pytest.FixtureRequest, agent_config: AgentConfig) -> AsyncIterator[Processes]:
    database = None if request.param == "sqlite" else request.getfixturevalue("database")
    made = Processes(agent_config, database)
    yield made
    await made.end()


async def opened(processes: Processes) -> Markers[Exchange]:
    return Markers(await processes.another(), Exchange, names=("taken", "ended"))


async def listed(exchanges: Markers[Exchange]) -> dict[str, list[str]]:
    found = {state: [each async for each in exchanges.every(state=state)] for state in ("OPEN", "TAKEN", "ENDED")}
    return {state: [each.id for each in of_state] for state, of_state in found.items()}


async def test_readers_put_the_markers_over_the_record(processes: Processes) -> None:
    exchanges = await opened(processes)
    one, other = await exchanges.insert(Exchange(id="one")), await exchanges.insert(Exchange(id="other"))
    assert await exchanges.add("one", "taken", {"taken_by": "a wallet"})
    assert await exchanges.merged("one") == one.model_copy(update={"taken_by": "a wallet"})
    assert await exchanges.add("one", "ended", {"ended_at": NOW.isoformat()})
    assert await exchanges.get("one") == one.model_copy(update={"taken_by": "a wallet", "ended_at": NOW})
    assert await exchanges.find(thread="thread") == [await exchanges.get("one"), other]
    assert await listed(exchanges) == {"OPEN": ["other"], "TAKEN": [], "ENDED": ["one"]}
    assert [each.id for each in await exchanges.due(NOW)] == ["other"]


async def test_of_two_processes_that_add_one_marker_one_is_told_that_it_is_there(processes: Processes) -> None:
    first = await opened(processes)
    second = first if processes.database is None else await opened(processes)
    for number in range(8):
        await first.insert(Exchange(id=str(number)))
        told = await asyncio.gather(
            *(each.add(str(number), "taken", {"taken_by": who}) for each, who in ((first, "a"), (second, "b")))
        )
        assert sorted(told) == [False, True]
        assert (await second.merged(str(number))).taken_by == ("a" if told[0] else "b")


@pytest.mark.parametrize("name", ["taken", "ended"])
async def test_marker_that_comes_after_another_hides_no_state_and_no_due_work(
    processes: Processes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    exchanges = await opened(processes)
    one = await exchanges.insert(Exchange())
    assert await listed(exchanges) == {"OPEN": [one.id], "TAKEN": [], "ENDED": []}
    read = exchanges.merged
    values = {"taken": {"taken_by": "a wallet"}, "ended": {"ended_at": NOW.isoformat()}}

    async def read_too_early(record_id: str) -> Exchange:
        held = await read(record_id)
        monkeypatch.undo()
        assert await exchanges.add(record_id, "ended", values["ended"])
        return held

    monkeypatch.setattr(exchanges, "merged", read_too_early)
    assert await exchanges.add(one.id, name, values[name]) is (name == "taken")
    assert await listed(exchanges) == {"OPEN": [], "TAKEN": [], "ENDED": [one.id]}
    assert await exchanges.count() == 1
    assert await exchanges.due(NOW) == []
    assert await tables_of(processes.opened[0][0]).engine.run("SELECT state FROM row WHERE held > 0") == []


async def test_refuses_what_is_no_marker_of_a_record(processes: Processes) -> None:
    exchanges = await opened(processes)
    with pytest.raises(NotFoundError):
        await exchanges.add("none", "taken", {})
    one = await exchanges.insert(Exchange())
    with pytest.raises(ValueError, match="no marker 'lost'"):
        await exchanges.add(one.id, "lost", {})
    with pytest.raises(DuplicateError):
        await exchanges.insert(one)
    for write in (exchanges.put(one), exchanges.change(one.id, lambda held: held)):
        with pytest.raises(ImmutableRecordError):
            await write


async def test_removing_leaves_no_marker(processes: Processes) -> None:
    exchanges = await opened(processes)
    one = await exchanges.insert(Exchange())
    await exchanges.add(one.id, "taken", {"taken_by": "a wallet"})
    assert await exchanges.remove(one.id)
    assert not await exchanges.remove(one.id)
    await exchanges.insert(one)
    assert await exchanges.merged(one.id) == one


async def test_marked_record_is_listed_and_due_wherever_the_power_fails(processes: Processes, power: Power) -> None:
    exchanges = await opened(processes)
    steps = 0
    for steps in count():
        one = await exchanges.insert(Exchange(id=str(steps)))
        ends = {"ended_at": (NOW + timedelta(days=1)).isoformat()}

        async def work(one: Exchange = one, ends: dict[str, str] = ends) -> None:
            await exchanges.add(one.id, "ended", ends)

        cut = await power.lasts(steps, work)
        held = await exchanges.get(one.id)
        assert one.id in (await listed(exchanges))[held.index_state()]
        assert (one.id in {each.id for each in await exchanges.due(NOW)}) == (held.ended_at is None)
        if not cut:
            break
    assert steps >= 2


async def test_rows_that_were_lost_are_read_again_with_the_markers(processes: Processes) -> None:
    exchanges = await opened(processes)
    for number in range(3):
        await exchanges.insert(Exchange(id=str(number)))
    await exchanges.add("1", "taken", {"taken_by": "a wallet"})
    before = await listed(exchanges)
    tables = tables_of(exchanges._profile)
    await tables.engine.run("DELETE FROM row")
    await tables.rebuild.forget()
    assert await listed(exchanges) == before == {"OPEN": ["0", "2"], "TAKEN": ["1"], "ENDED": []}
