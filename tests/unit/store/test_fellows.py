"""Processes that share a store know of each other: one takes up what a lost one left, and clocks are compared."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.processes import Processes

from wanderbuch.store.fellows import CLOCKS_APART, Fellows, bind_fellows, lost_since
from wanderbuch.store.sqlite import open_sqlite

NEEDS_POSTGRESQL = pytest.mark.needs("postgresql")


@NEEDS_POSTGRESQL
async def test_one_of_those_that_are_left_takes_up_what_a_lost_process_left(processes: Processes) -> None:
    told: list[str] = []
    lost, first, second = (
        Fellows(processes.first.engine, on_loss=lambda name=name: told.append(name))  # type: ignore[misc]
        for name in ("lost", "first", "second")
    )
    began = datetime.now(UTC) - timedelta(hours=1)
    for process in (lost, first, second):
        await process.show()
    assert [await process.look() for process in (first, second)] == [False, False]
    await processes.first.engine.run("UPDATE lease SET until = 0 WHERE name = ?", lost._name)
    assert [await process.look() for process in (second, first, second)] == [True, False, False]
    assert told == ["second"]
    assert first.lost_since(began) == began
    assert second.lost_since(began) >= datetime.now(UTC) + CLOCKS_APART - timedelta(seconds=30)


@NEEDS_POSTGRESQL
@pytest.mark.parametrize(("is_clean", "noted"), [(True, False), (False, True)])
async def test_a_process_that_ends_with_work_left_is_noted_at_once_and_a_clean_end_is_not(
    processes: Processes, is_clean: bool, noted: bool
) -> None:
    ending, left = Fellows(processes.first.engine), Fellows(processes.second.engine)
    for process in (ending, left):
        await process.show()
    await ending.leave(is_clean=is_clean)
    assert await left.look() is noted
    assert await left.look() is False


@NEEDS_POSTGRESQL
async def test_a_process_that_slept_is_not_its_own_loss(processes: Processes) -> None:
    sleeper = Fellows(processes.first.engine)
    await sleeper.show()
    await processes.first.engine.run("UPDATE lease SET until = 0 WHERE name = ?", sleeper._name)
    assert await sleeper.look() is False


@NEEDS_POSTGRESQL
async def test_sweeps_find_it_by_the_profile(processes: Processes) -> None:
    began = datetime.now(UTC)
    assert lost_since(processes.first.profile, began) == began
    first, lost = Fellows(processes.first.engine), Fellows(processes.second.engine)
    bind_fellows(processes.first.tables, first)
    await lost.show()
    await lost.leave(is_clean=False)
    await first.look()
    assert lost_since(processes.first.profile, began) > began
    assert lost_since(processes.second.profile, began) == began


@NEEDS_POSTGRESQL
@pytest.mark.parametrize(
    ("ahead_s", "told"), [(0.0, None), (2.0, None), (60.0, "60 s ahead of"), (-60.0, "60 s behind"), (-2.0, None)]
)
async def test_a_clock_that_differs_by_a_minute_is_told_in_one_line(
    processes: Processes, caplog: pytest.LogCaptureFixture, ahead_s: float, told: str | None
) -> None:
    fellows = Fellows(processes.first.engine, clock=lambda: time.time() + ahead_s)
    for _ in range(3):
        await fellows.show()
    lines = [record.getMessage() for record in caplog.records if "clock" in record.getMessage()]
    assert len(lines) == (0 if told is None else 1)
    if told is not None:
        assert told in lines[0]
        assert "NTP" in lines[0]


async def test_a_process_alone_has_no_fellows() -> None:
    engine = open_sqlite(None)
    fellows = Fellows(engine)
    await fellows.run()  # returns at once
    await fellows.leave(is_clean=False)
    assert await engine.run("SELECT count(*) FROM lease") == [(0,)]
    await engine.close()
