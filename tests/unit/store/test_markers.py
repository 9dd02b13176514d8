import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

import pytest
from aries_askar import Session
from tests.postgresql import ENGINES
from tests.unit.power import Power, power
from tests.unit.store.opening import Processes

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.store.errors import DuplicateError, NotFoundError
from wanderbuch.store.markers import Also, Beside, ImmutableRecordError, Markers
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
    database = None if request.param == "sqlite" else request.getfixturevalue("database_with_store")
    made = Processes(agent_config, database)
    yield made
    await made.end()


async def opened(processes: Processes) -> Markers[Exchange]:
    return Markers(await processes.another(), Exchange, names=("taken", "ended"))


async def listed(exchanges: Markers[Exchange]) -> dict[str, list[str]]:
    by_state = {
        state: [exchange async for exchange in exchanges.every(state=state)] for state in ("OPEN", "TAKEN", "ENDED")
    }
    return {state: [exchange.id for exchange in of_state] for state, of_state in by_state.items()}


async def test_readers_put_the_markers_over_the_record(processes: Processes) -> None:
    exchanges = await opened(processes)
    one, other = await exchanges.insert(Exchange(id="one")), await exchanges.insert(Exchange(id="other"))
    assert await exchanges.add("one", "taken", {"taken_by": "a wallet"})
    assert await exchanges.merged("one") == one.model_copy(update={"taken_by": "a wallet"})
    assert await exchanges.add("one", "ended", {"ended_at": NOW.isoformat()})
    assert await exchanges.get("one") == one.model_copy(update={"taken_by": "a wallet", "ended_at": NOW})
    assert await exchanges.find(thread="thread") == [await exchanges.get("one"), other]
    assert await listed(exchanges) == {"OPEN": ["other"], "TAKEN": [], "ENDED": ["one"]}
    assert [exchange.id for exchange in await exchanges.due(NOW)] == ["other"]


async def test_of_two_processes_that_add_one_marker_one_is_told_that_it_is_there(processes: Processes) -> None:
    first = await opened(processes)
    second = first if processes.database is None else await opened(processes)
    for number in range(8):
        await first.insert(Exchange(id=str(number)))
        told = await asyncio.gather(
            *(markers.add(str(number), "taken", {"taken_by": who}) for markers, who in ((first, "a"), (second, "b")))
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
        exchange = await read(record_id)
        monkeypatch.undo()
        assert await exchanges.add(record_id, "ended", values["ended"])
        return exchange

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
    for write in (exchanges.put(one), exchanges.change(one.id, lambda exchange: exchange)):
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
        exchange = await exchanges.get(one.id)
        assert one.id in (await listed(exchanges))[exchange.index_state()]
        assert (one.id in {exchange.id for exchange in await exchanges.due(NOW)}) == (exchange.ended_at is None)
        if not cut:
            break
    assert steps >= 2


async def test_rows_that_were_lost_are_read_again_with_the_markers(processes: Processes) -> None:
    exchanges = await opened(processes)
    for number in range(3):
        await exchanges.insert(Exchange(id=str(number)))
    await exchanges.add("1", "taken", {"taken_by": "a wallet"})
    await exchanges.add("2", "taken", {"taken_by": "a wallet"})
    await exchanges.add("2", "ended", {"ended_at": NOW.isoformat()})
    before = await listed(exchanges)
    tables = tables_of(exchanges._profile)
    await tables.engine.run("DELETE FROM row")
    await tables.rebuild.forget()
    assert [await exchanges.count(state=state) for state in (None, "OPEN", "TAKEN", "ENDED")] == [3, 1, 1, 1]
    assert await listed(exchanges) == before == {"OPEN": ["0"], "TAKEN": ["1"], "ENDED": ["2"]}
    assert await tables.engine.run("SELECT id, held FROM row ORDER BY id") == [("0", 0), ("1", 0), ("2", 0)]


def in_order(exchanges: Markers[Exchange], **how: Any) -> Markers[Exchange]:
    return Markers(exchanges._profile, Exchange, names=("taken", "ended"), **how)


async def looked_for(exchanges: Markers[Exchange], monkeypatch: pytest.MonkeyPatch, record_id: str) -> list[str]:
    """Return the names of the entries that one look asks the store for."""
    names: list[str] = []
    fetch = Session.fetch

    async def counted(self: Session, category: str, name: str, **how: Any) -> Any:
        names.append(name)
        return await fetch(self, category, name, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "fetch", counted)
        await exchanges.get(record_id)
    return names


async def test_what_cannot_be_there_yet_is_not_looked_for(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = await opened(processes)
    after = in_order(exchanges, follows={"ended": lambda values: values.get("taken_by") == "a wallet"})
    for exchange_id in ("open", "taken", "elsewhere"):
        await exchanges.insert(Exchange(id=exchange_id))
    await exchanges.add("taken", "taken", {"taken_by": "a wallet"})
    await exchanges.add("elsewhere", "taken", {"taken_by": "another"})
    for how in (after, in_order(exchanges, in_turn=True)):
        assert await looked_for(how, monkeypatch, "open") == ["open", "open.taken"]
        assert await looked_for(how, monkeypatch, "taken") == ["taken", "taken.taken", "taken.ended"]
    assert await looked_for(after, monkeypatch, "elsewhere") == ["elsewhere", "elsewhere.taken"]


async def test_what_was_read_once_is_at_hand_and_what_came_since_is_seen(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = await opened(processes)
    is_alone = processes.database is None  # then nothing can come that was not written here
    exchanges = in_order(elsewhere if is_alone else await opened(processes), at_hand=2)
    one = await exchanges.insert(Exchange(id="one"))
    assert await looked_for(exchanges, monkeypatch, "one") == ([] if is_alone else ["one.taken", "one.ended"])
    await elsewhere.add("one", "taken", {"taken_by": "a wallet"})
    assert await exchanges.get("one") == one.model_copy(update={"taken_by": "a wallet"})
    assert await looked_for(exchanges, monkeypatch, "one") == ([] if is_alone else ["one.ended"])
    assert await exchanges.add("one", "ended", {"ended_at": NOW.isoformat()})
    assert await looked_for(exchanges, monkeypatch, "one") == []
    for exchange_id in ("two", "three"):
        await exchanges.insert(Exchange(id=exchange_id))
    assert len(await looked_for(exchanges, monkeypatch, "one")) == 3
    assert await looked_for(exchanges, monkeypatch, "one") == []  # it has all the markers that there are
    assert await exchanges.remove("one")
    assert await exchanges.get_or_none("one") is None


async def test_a_marker_that_comes_while_its_record_is_read_is_not_missed_later(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = await opened(processes)
    exchanges = in_order(elsewhere, at_hand=2)
    await elsewhere.insert(Exchange(id="one"))
    fetch = Session.fetch

    async def overtaken(self: Session, category: str, name: str, **how: Any) -> Any:
        entry = await fetch(self, category, name, **how)
        if name == "one.taken":
            monkeypatch.undo()
            assert await elsewhere.add("one", "taken", {"taken_by": "a wallet"})
        return entry

    monkeypatch.setattr(Session, "fetch", overtaken)
    assert (await exchanges.get("one")).taken_by is None
    assert (await exchanges.get("one")).taken_by == "a wallet"


async def test_after_a_write_of_which_nobody_knows_the_end_the_store_is_asked(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = in_order(await opened(processes), at_hand=2)
    exchange = await exchanges.insert(Exchange(id="one"))
    insert = Session.insert

    async def cut_off(self: Session, *entry: Any, **how: Any) -> None:
        await insert(self, *entry, **how)
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(Session, "insert", cut_off)
        with pytest.raises(TimeoutError):
            await exchanges.add("one", "taken", {"taken_by": "a wallet"}, record=exchange)
    assert (await exchanges.get("one")).taken_by == "a wallet"
    assert await looked_for(exchanges, monkeypatch, "one") == ["one.ended"]  # it is in doubt from now on


async def test_a_record_that_was_read_lately_is_not_read_again_and_a_late_reader_hides_nothing(
    processes: Processes,
) -> None:
    exchanges = await opened(processes)
    exchange = await exchanges.insert(Exchange(id="one"))
    assert await exchanges.add("one", "ended", {"ended_at": NOW.isoformat()})
    assert await exchanges.add("one", "taken", {"taken_by": "a wallet"}, record=exchange)  # knows nothing of the end
    assert await listed(exchanges) == {"OPEN": [], "TAKEN": [], "ENDED": ["one"]}
    assert await exchanges.due(NOW) == []
    assert not await exchanges.add("one", "taken", {"taken_by": "another"}, record=exchange)
    assert await listed(exchanges) == {"OPEN": [], "TAKEN": [], "ENDED": ["one"]}


@pytest.mark.parametrize("how", ["then", "beside"])
async def test_what_depends_on_a_marker_is_written_with_it_and_not_if_it_was_there(
    processes: Processes, how: str
) -> None:
    exchanges = await opened(processes)
    await exchanges.insert(Exchange(id="one"))
    written: list[str] = []

    def write(name: str) -> Beside:
        async def beside(handle: Any) -> None:
            await handle.insert("test.beside", name, b"x")
            written.append(name)

        return beside

    for name in ("first", "second"):
        await exchanges.add("one", "taken", {"taken_by": name}, **{how: write(name)})
    assert written == ["first"]
    async with exchanges._profile.session() as session:
        assert await session.handle.fetch("test.beside", "first") is not None


async def test_what_has_to_be_there_before_a_marker_can_refuse_it(processes: Processes) -> None:
    exchanges = await opened(processes)
    await exchanges.insert(Exchange(id="one"))

    async def refuse(_: Any) -> None:
        raise DuplicateError("it is there")

    with pytest.raises(DuplicateError):
        await exchanges.add("one", "ended", {"ended_at": NOW.isoformat()}, first=refuse)
    assert (await exchanges.get("one")).ended_at is None
    assert await listed(exchanges) == {"OPEN": ["one"], "TAKEN": [], "ENDED": []}
    assert [exchange.id for exchange in await exchanges.due(NOW)] == ["one"]


async def test_what_was_tried_is_due_again_when_the_record_says_so(processes: Processes) -> None:
    class Tried(Exchange):
        category: ClassVar[str] = "test.tried"

        def due_again(self, now: datetime) -> datetime | None:
            return self.answer_by + timedelta(hours=1)

    profile = (await opened(processes))._profile
    exchanges = Markers(profile, Tried, names=("ended",))
    one = await exchanges.insert(Tried())
    async with exchanges.claiming(NOW) as due:
        assert [exchange.id async for exchange in due] == [one.id]
    assert await exchanges.due(NOW + timedelta(minutes=59)) == []
    assert [exchange.id for exchange in await exchanges.due(NOW + timedelta(hours=1))] == [one.id]
    await exchanges.postpone(one, NOW + timedelta(hours=2))
    assert await exchanges.due(NOW + timedelta(hours=1)) == []
    await exchanges.postpone(one, None)
    assert await exchanges.due(NOW + timedelta(days=9)) == []


class Question(Record):
    """One whose markers come in turn."""

    category: ClassVar[str] = "test.question"
    answer_by: datetime = NOW
    judging_since: datetime | None = None
    ended_at: datetime | None = None

    def index_state(self) -> str:
        return "ENDED" if self.ended_at else "OPEN"

    def due_at(self) -> datetime | None:
        return None if self.ended_at else self.judging_since or self.answer_by


async def questions_of(processes: Processes) -> Markers[Question]:
    return Markers(await processes.another(), Question, names=("answer", "decision"), in_turn=True, at_hand=9)


async def test_a_marker_that_makes_a_record_due_earlier_costs_one_step_before_it(
    processes: Processes, power: Power
) -> None:
    questions = await questions_of(processes)
    one = await questions.insert(Question())
    earlier = NOW - timedelta(hours=1)
    steps = power.steps
    assert await questions.add(one.id, "answer", {"judging_since": earlier.isoformat()}, record=one)
    assert power.steps - steps == 2
    question = await questions.get(one.id)
    assert [question.id for question in await questions.due(earlier)] == [one.id]
    steps = power.steps
    assert await questions.add(one.id, "decision", {"ended_at": NOW.isoformat()}, record=question)
    assert power.steps - steps == 3
    assert await questions.due(NOW) == []
    assert await tables_of(processes.opened[0][0]).engine.run("SELECT state FROM row WHERE held > 0") == []


async def test_a_marker_never_makes_work_late(processes: Processes) -> None:
    questions = await questions_of(processes)
    engine = tables_of(processes.opened[0][0]).engine
    one, other = await questions.insert(Question(id="one")), await questions.insert(Question(id="other"))
    earlier, later = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    await questions.add("other", "answer", {"judging_since": later.isoformat()}, record=other)
    assert [question.id for question in await questions.due(later)] == ["one", "other"]
    await engine.run("DELETE FROM row WHERE id = 'one'")  # one that was lost is there again
    await questions.add("one", "answer", {"judging_since": earlier.isoformat()}, record=one)
    assert [question.id for question in await questions.due(earlier)] == ["one"]


async def test_who_releases_a_claim_does_not_put_back_what_a_marker_made_earlier(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = await questions_of(processes)
    one, earlier = await questions.insert(Question()), NOW - timedelta(hours=1)
    read = questions._fetch

    async with questions.claiming(NOW) as due:
        assert [question.id async for question in due] == [one.id]

        async def read_too_early(ids: Any) -> Any:
            records = await read(ids)
            monkeypatch.undo()
            await questions.add(one.id, "answer", {"judging_since": earlier.isoformat()}, record=one)
            return records

        monkeypatch.setattr(questions, "_fetch", read_too_early)
    assert [question.id for question in await questions.due(earlier)] == [one.id]


async def test_of_two_markers_one_name_decides_however_old_the_reading_was(processes: Processes) -> None:
    questions = await questions_of(processes)
    one = await questions.insert(Question())
    assert await questions.add(one.id, "answer", {"ended_at": NOW.isoformat()}, record=one)
    assert not await questions.add(one.id, "answer", {"judging_since": NOW.isoformat()}, record=one)
    assert not await questions.add(one.id, "answer", {"ended_at": (NOW + timedelta(1)).isoformat()}, record=one)
    question = await questions.get(one.id)
    assert (question.ended_at, question.judging_since) == (NOW, None)
    assert await questions.due(NOW + timedelta(days=9)) == []
    assert [question.id async for question in questions.every(state="ENDED")] == [one.id]
    assert [question.id async for question in questions.every(state="OPEN")] == []


OFF = Also(before=None, after=())


async def test_a_marker_that_puts_its_record_off_costs_no_step_before_it(processes: Processes, power: Power) -> None:
    questions = await questions_of(processes)
    one, later = await questions.insert(Question()), NOW + timedelta(hours=1)
    steps = power.steps
    assert await questions.add(one.id, "answer", {"judging_since": later.isoformat()}, record=one, also=OFF)
    assert power.steps - steps == 2
    assert await questions.due(NOW) == []
    assert [question.id for question in await questions.due(later)] == [one.id]


async def test_a_marker_that_does_more_than_that_is_written_as_any(processes: Processes) -> None:
    questions = await questions_of(processes)
    ended, sooner = await questions.insert(Question()), await questions.insert(Question())
    earlier = NOW - timedelta(hours=1)
    await questions.add(ended.id, "answer", {"ended_at": NOW.isoformat()}, record=ended, also=OFF)
    await questions.add(sooner.id, "answer", {"judging_since": earlier.isoformat()}, record=sooner, also=OFF)
    assert [question.id for question in await questions.due(NOW)] == [sooner.id]
    assert [question.id for question in await questions.due(earlier)] == [sooner.id]
    assert [question.id async for question in questions.every(state="ENDED")] == [ended.id]


async def test_a_record_that_is_put_off_stays_due_where_somebody_made_it_due_sooner(processes: Processes) -> None:
    questions = await questions_of(processes)
    one, earlier, later = await questions.insert(Question()), NOW - timedelta(hours=1), NOW + timedelta(hours=1)

    async def meanwhile(_: Any) -> None:
        await questions.postpone(one, earlier)

    put_off = {"judging_since": later.isoformat()}
    assert await questions.add(one.id, "answer", put_off, record=one, first=meanwhile, also=OFF)
    assert await rows_due(processes, earlier) == {one.id}
    async with questions.claiming(earlier, also_early=True) as claimed:  # who looks at it sees that it is not due
        assert [question.id async for question in claimed] == [one.id]
    assert await rows_due(processes, NOW) == set()
    assert await rows_due(processes, later) == {one.id}


async def test_a_record_is_put_off_or_due_too_early_wherever_the_power_fails(
    processes: Processes, power: Power
) -> None:
    questions, later, steps = await questions_of(processes), NOW + timedelta(hours=1), 0
    for steps in count():
        one = await questions.insert(Question())

        async def put_off(one: Question = one) -> None:
            await questions.add(one.id, "answer", {"judging_since": later.isoformat()}, record=one, also=OFF)

        cut = await power.lasts(steps, put_off)
        assert one.id in await rows_due(processes, later)
        is_marked = (await questions.get(one.id)).judging_since is not None
        assert is_marked or one.id in await rows_due(processes, NOW)
        if not cut:
            assert one.id not in await rows_due(processes, NOW)
            break
    assert steps >= 2


async def rows_due(processes: Processes, at: datetime) -> set[str]:
    """Return whose rows are due, whatever the records say."""
    engine = tables_of(processes.opened[0][0]).engine
    return {row[0] for row in await engine.run("SELECT id FROM row WHERE due <= ?", at.timestamp())}
