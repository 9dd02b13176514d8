"""Cuts between saving a state and telling it: nothing is told that is not saved, nothing that is saved stays untold."""

import asyncio
from collections.abc import Sequence

import pytest
from acapy_agent.core.profile import Profile

from wanderbuch.store.engine import Engine, Rows, Statement, Value
from wanderbuch.store.errors import StoreUnreachableError
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.events import EventLog
from wanderbuch.store.untold import Untold

NOBODY: Profile = object()  # what the looks below do not need
REVOKED = Event(EventKind.CREDENTIAL_REVOKED, "o1")


async def somebody(_: str) -> Profile | None:
    return NOBODY


async def not_served(_: str) -> Profile | None:
    return None


class CutOff(BaseException):
    """The process ends here."""


class Cutting:
    """An engine whose process is cut off before its nth question, or after it was answered."""

    skip_locked = ""

    def __init__(self, engine: Engine, cut_at: int, *, after: bool) -> None:
        self.engine, self.left, self.after = engine, cut_at, after
        self.is_shared = engine.is_shared

    async def run(self, sql: str, *args: Value) -> Rows:
        return (await self.together(Statement(sql, args)))[0]

    async def together(self, *statements: Statement) -> list[Rows]:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise CutOff
        together = await self.engine.together(*statements)
        if self.left == 0:
            raise CutOff
        return together

    async def announce(self, topic: str, text: str) -> None:
        await self.engine.announce(topic, text)


class Records:
    """Stands for the wallet: what is saved in it is saved."""

    def __init__(self) -> None:
        self.revoked = False

    async def look(self, _: Profile, subject: str) -> Sequence[Event]:
        return [REVOKED] if self.revoked else []


@pytest.fixture
def records() -> Records:
    return Records()


async def healer(engine: Engine, records: Records) -> tuple[Untold, EventLog]:
    """Return another process's view; what was cut off is taken for older than it is."""
    log = EventLog(engine)
    untold = Untold(engine, log)
    untold.learn("offer", records.look)
    return untold, log


async def age(engine: Engine, seconds: float) -> None:
    await engine.run("UPDATE untold SET at = at - ?, due = due - ?", seconds, seconds)


async def rows(engine: Engine) -> int:
    return int((await engine.run("SELECT count(*) FROM untold"))[0][0])


async def test_tells_after_the_state_is_saved(engine: Engine, records: Records) -> None:
    untold, log = await healer(engine, records)
    async with untold.telling(NOBODY, "a", "offer", "o1") as tell:
        assert await rows(engine) == 1
        records.revoked = True
        tell(REVOKED)
        assert await log.read("a", 0, 9) == []
    assert [event.subject for event in await log.read("a", 0, 9)] == ["o1"]
    assert await rows(engine) == 0


async def test_leaves_nothing_where_nothing_became_final(engine: Engine, records: Records) -> None:
    untold, log = await healer(engine, records)
    async with untold.telling(NOBODY, "a", "offer", "o1"):
        pass
    assert (await rows(engine), await log.read("a", 0, 9)) == (0, [])


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("cut_at", [1, 2])
async def test_a_cut_behind_each_write_is_healed(engine: Engine, records: Records, cut_at: int, after: bool) -> None:
    """1: the row that announces; then the state is saved; 2: events and row together."""
    dying = Cutting(engine, cut_at, after=after)
    with pytest.raises(CutOff):  # noqa: PT012 (the block is what is cut off)
        async with Untold(dying, EventLog(dying)).telling(NOBODY, "a", "offer", "o1") as tell:
            records.revoked = True
            tell(REVOKED)
    untold, log = await healer(engine, records)
    assert bool(await log.read("a", 0, 9)) == (cut_at == 2 and after)
    assert await untold.sweep(somebody) == 0  # too young: its process may live
    await age(engine, 61)
    await untold.sweep(somebody)
    assert [event.subject for event in await log.read("a", 0, 9)] == (["o1"] if records.revoked else [])
    await age(engine, 900)
    assert await untold.sweep(somebody) == 0
    assert (await rows(engine), len(await log.read("a", 0, 9))) == (0, int(records.revoked))


async def test_a_cut_right_after_the_state_is_healed(engine: Engine, records: Records) -> None:
    untold, log = await healer(engine, records)
    with pytest.raises(CutOff):  # noqa: PT012 (the block is what is cut off)
        async with untold.telling(NOBODY, "a", "offer", "o1"):
            records.revoked = True
            raise CutOff
    await age(engine, 61)
    assert await untold.sweep(somebody) == 1
    assert [event.subject for event in await log.read("a", 0, 9)] == ["o1"]


async def test_a_slow_process_that_dies_later_is_healed_too(engine: Engine, records: Records) -> None:
    """The sweep comes by before the state is saved: it must not take the row away."""
    untold, log = await healer(engine, records)
    with pytest.raises(CutOff):  # noqa: PT012 (the block is what is cut off)
        async with untold.telling(NOBODY, "a", "offer", "o1"):
            await age(engine, 61)
            assert await untold.sweep(somebody) == 0
            records.revoked = True
            raise CutOff
    await age(engine, 61)
    assert await untold.sweep(somebody) == 1
    assert len(await log.read("a", 0, 9)) == 1


async def test_a_process_that_goes_on_after_the_sweep_tells_nothing_twice(engine: Engine, records: Records) -> None:
    untold, log = await healer(engine, records)
    async with untold.telling(NOBODY, "a", "offer", "o1") as tell:
        records.revoked = True
        await age(engine, 61)
        assert await untold.sweep(somebody) == 1
        tell(REVOKED)
    assert len(await log.read("a", 0, 9)) == 1


async def test_an_error_tells_what_is_saved_and_is_raised(engine: Engine, records: Records) -> None:
    untold, log = await healer(engine, records)
    for saves in (False, True):
        with pytest.raises(LookupError):  # noqa: PT012 (the block is what is cut off)
            async with untold.telling(NOBODY, "a", "offer", "o1"):
                records.revoked = saves
                raise LookupError
        assert len(await log.read("a", 0, 9)) == int(saves)
        assert await rows(engine) == 0


async def test_nothing_is_saved_where_the_store_does_not_answer(engine: Engine, records: Records) -> None:
    class Silent(Cutting):
        async def together(self, *_: Statement) -> list[Rows]:
            raise StoreUnreachableError("no answer")

    silent = Silent(engine, 0, after=False)
    with pytest.raises(StoreUnreachableError):
        async with Untold(silent, EventLog(silent)).telling(NOBODY, "a", "offer", "o1"):
            records.revoked = True
    assert not records.revoked


async def test_a_state_that_is_saved_does_not_fail_for_its_event(engine: Engine, records: Records) -> None:
    class Failing(Cutting):
        async def together(self, *statements: Statement) -> list[Rows]:
            self.left -= 1
            if self.left < 0:
                raise StoreUnreachableError("no answer")
            return await self.engine.together(*statements)

    failing = Failing(engine, 1, after=False)
    async with Untold(failing, EventLog(failing)).telling(NOBODY, "a", "offer", "o1") as tell:
        records.revoked = True
        tell(REVOKED)
    untold, log = await healer(engine, records)
    await age(engine, 61)
    assert await untold.sweep(somebody) == 1
    assert len(await log.read("a", 0, 9)) == 1


async def test_a_tenant_that_is_not_served_is_told_later(engine: Engine, records: Records) -> None:
    untold, _ = await healer(engine, records)
    with pytest.raises(CutOff):  # noqa: PT012 (the block is what is cut off)
        async with untold.telling(NOBODY, "a", "offer", "o1"):
            records.revoked = True
            raise CutOff
    await age(engine, 2000)
    assert await untold.sweep(not_served) == 0
    assert await rows(engine) == 1
    await age(engine, 61)
    assert await untold.sweep(somebody) == 1


async def test_many_at_once_leave_no_row(engine: Engine, records: Records) -> None:
    untold, log = await healer(engine, records)

    async def one(subject: str) -> None:
        async with untold.telling(NOBODY, "a", "offer", subject) as tell:
            tell(Event(EventKind.CREDENTIAL_REVOKED, subject))

    await asyncio.gather(*(one(f"o{count}") for count in range(50)))
    assert await rows(engine) == 0
    assert [event.number for event in await log.read("a", 0, 99)] == list(range(1, 51))
