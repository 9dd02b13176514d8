"""The clock that processes share: the database's, carried on by one that nobody sets."""

import time
from datetime import UTC

import pytest
from tests.processes import Processes

from wanderbuch.store.clock import StoreClock
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.sqlite import open_sqlite


@pytest.mark.needs("postgresql")
async def test_processes_whose_clocks_differ_tell_the_databases_time(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = StoreClock(processes.first.engine), StoreClock(processes.second.engine)
    really = time.time
    told = []
    for clock, ahead_s in ((first, 60.0), (second, -60.0)):
        monkeypatch.setattr(time, "time", lambda ahead_s=ahead_s: really() + ahead_s)
        await clock.ask()
        told.append(clock.seconds())
    assert abs(told[0] - told[1]) < 10
    assert abs(told[1] - await processes.first.engine.clock()) < 10
    assert second.now().tzinfo is UTC


@pytest.mark.needs("postgresql")
async def test_goes_on_from_what_was_told_last_when_the_database_does_not_answer(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    elapsed = [100.0]
    clock = StoreClock(processes.first.engine, elapsed=lambda: elapsed[0])
    await clock.ask()
    before = clock.seconds()
    elapsed[0] += 7

    async def silent() -> float:
        raise StoreUnreachableError("no answer")

    monkeypatch.setattr(processes.first.engine, "clock", silent)
    with pytest.raises(StoreUnreachableError):
        await clock.ask()
    assert clock.seconds() == pytest.approx(before + 7)


async def test_a_process_alone_goes_by_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_sqlite(None)
    clock = StoreClock(engine)
    await clock.ask()
    monkeypatch.setattr(time, "time", lambda: 1_000_000.0)
    assert clock.seconds() == 1_000_000.0
    await clock.run()  # returns at once
    await engine.close()
