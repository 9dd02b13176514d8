"""Two processes of one agent: one step at a time, and nothing that comes late is written."""

import asyncio

import pytest
from tests.processes import Process, Processes

from wanderbuch.agents.holder.arrivals import Arrival, ArrivalKind, announce, hear
from wanderbuch.store.errors import LeaseBusyError, LeaseLostError
from wanderbuch.store.leases import Lease
from wanderbuch.store.once import one_step

pytestmark = pytest.mark.needs("postgresql")


async def test_a_step_is_taken_by_one_process_at_a_time(processes: Processes) -> None:
    under_way, most = 0, 0

    async def step(process: Process) -> None:
        nonlocal under_way, most
        async with one_step(process.profile, "exchange"):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1

    assert set(await processes.at_once(step)) == {None}
    assert most == 1


async def test_steps_of_other_exchanges_do_not_wait(processes: Processes) -> None:
    async with one_step(processes.first.profile, "exchange"), asyncio.timeout(60):
        async with one_step(processes.second.profile, "another"):
            pass
        with pytest.raises(LeaseBusyError):
            async with one_step(processes.second.profile, "exchange", wait_s=0.1):
                pass


async def test_what_a_process_that_slept_in_a_step_writes_is_refused(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep = False
    real = vars(Lease)["is_lost"].fget
    monkeypatch.setattr(Lease, "is_lost", property(lambda lease: asleep or real(lease)))
    profile = processes.first.profile
    async with one_step(profile, "exchange"):
        async with profile.session() as session:
            await session.handle.insert("kind", "in time", "{}")
        asleep = True  # as its own clock tells, another may have had the lease meanwhile
        for write in ("insert", "replace", "remove"):
            async with profile.session() as session:
                arguments = ("kind", "in time") if write == "remove" else ("kind", "in time", "late")
                with pytest.raises(LeaseLostError):
                    await getattr(session.handle, write)(*arguments)
        with pytest.raises(LeaseLostError):
            async with profile.transaction() as session:
                await session.commit()
        asleep = False
    async with processes.second.profile.session() as session:
        entry = await session.handle.fetch("kind", "in time")
        assert entry.value == b"{}"
        await session.handle.remove("kind", "in time")  # nobody is late outside a step


async def test_what_a_step_began_goes_on_after_it(processes: Processes) -> None:
    """ACA-Py's events are handled in tasks of their own, which may end later."""
    profile, over = processes.first.profile, asyncio.Event()

    async def later() -> None:
        await over.wait()
        async with profile.session() as session:
            await session.handle.insert("kind", "later", "{}")

    async with one_step(profile, "exchange"):
        task = asyncio.create_task(later())
    over.set()
    await task


async def test_an_arrival_is_heard_in_the_other_process(processes: Processes) -> None:
    heard = asyncio.Queue[Arrival | None]()
    end = hear(processes.second.profile, heard.put_nowait)
    told = Arrival(ArrivalKind.OFFER, "connection", "exchange")
    await announce(processes.first.profile, told)
    async with asyncio.timeout(60):
        while (arrival := await heard.get()) is None:  # a listener that has just begun may have missed something
            pass
    assert arrival == told
    end()
    await announce(processes.first.profile, told)
    await asyncio.sleep(0.2)
    assert heard.empty()
