import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from acapy_agent.core.profile import Profile

from wanderbuch.errors import ResolutionError
from wanderbuch.store.engine import Engine
from wanderbuch.store.errors import NotFoundError
from wanderbuch.store.events import EventLog
from wanderbuch.store.untold import ProfileOf, Untold
from wanderbuch.store.work import Piece, Work, Works, WorkState
from wanderbuch.store.working import Worker, WorkKind

KIND = "letters"


async def profile(tenant: str) -> Profile | None:
    return SimpleNamespace(profile_id=tenant)


async def not_served(_: str) -> Profile | None:
    return None


@pytest.fixture
def works(engine: Engine) -> Works:
    return Works(engine)


async def claimed(works: Works, for_s: float = 60, not_of: tuple[str, ...] = ()) -> Work:
    work = await works.claim(KIND, for_s=for_s, not_of=not_of)
    assert work is not None
    return work


def piece(work: Work, **changes: Any) -> Piece:
    return Piece(**({"position": {"next": work.done + 1}, "done": work.done + 1, "total": work.total} | changes))


async def state(works: Works, work_id: str = "w") -> WorkState:
    return (await works.get("a", KIND, work_id)).state


async def test_goes_on_from_what_was_saved(works: Works) -> None:
    begun = await works.start("a", KIND, "w", position={"next": 0}, total=3)
    assert (begun.state, begun.done, begun.total, begun.position) == (WorkState.RUNNING, 0, 3, {"next": 0})
    saved = await works.save(await claimed(works), piece(begun))
    assert saved is not None
    assert (saved.done, saved.position, saved.state) == (1, {"next": 1}, WorkState.RUNNING)
    assert (await claimed(works)).position == {"next": 1}


async def test_starting_again_changes_nothing(works: Works) -> None:
    await works.start("a", KIND, "w", total=3)
    await works.save(await claimed(works), Piece({"next": 2}, done=2, total=3))
    assert (await works.start("a", KIND, "w", total=9)).done == 2
    assert await works.every("a", KIND) == [await works.get("a", KIND, "w")]
    assert await works.every("b", KIND) == []


async def test_one_at_a_time_has_it(works: Works) -> None:
    await works.start("a", KIND, "w")
    claims = await asyncio.gather(*(works.claim(KIND, for_s=60) for _ in range(8)))
    assert sum(work is not None for work in claims) == 1
    assert await works.claim("other", for_s=60) is None


async def test_a_late_owner_saves_nothing(works: Works) -> None:
    await works.start("a", KIND, "w")
    late = await claimed(works, for_s=-1)
    owner = await claimed(works)
    assert await works.save(late, piece(late, done=77)) is None
    await works.release(late)
    assert await works.claim(KIND, for_s=60) is None
    saved = await works.save(owner, piece(owner))
    assert saved is not None
    assert saved.done == 1


async def test_who_pauses_waits_for_nobody_and_the_piece_is_saved(works: Works) -> None:
    await works.start("a", KIND, "w")
    work = await claimed(works)
    assert (await works.pause("a", KIND, "w")).state is WorkState.PAUSED
    saved = await works.save(work, piece(work))
    assert saved is not None
    assert (saved.state, saved.done) == (WorkState.PAUSED, 1)
    assert await works.claim(KIND, for_s=60) is None
    await works.resume("a", KIND, "w")
    assert (await claimed(works)).done == 1


async def test_what_is_cancelled_does_not_come_back(works: Works) -> None:
    await works.start("a", KIND, "w")
    work = await claimed(works)
    await works.cancel("a", KIND, "w")
    saved = await works.save(work, piece(work, is_last=True))
    assert saved is not None
    assert saved.state is WorkState.CANCELLED
    assert (await works.resume("a", KIND, "w")).state is WorkState.CANCELLED
    assert (await works.pause("a", KIND, "w")).state is WorkState.CANCELLED
    assert await works.claim(KIND, for_s=60) is None


async def test_failures_are_counted_and_forgotten(works: Works) -> None:
    await works.start("a", KIND, "w")
    for count in (1, 2):
        work = await claimed(works)
        saved = await works.save(work, piece(work, done=0, failure="no" * 500))
        assert saved is not None
        assert (saved.failures, saved.error, saved.state) == (count, ("no" * 500)[:300], WorkState.RUNNING)
        assert saved.failing_since is not None
    work = await claimed(works)
    saved = await works.save(work, piece(work))
    assert saved is not None
    assert (saved.failures, saved.failing_since, saved.error) == (0, None, None)


async def test_what_was_given_up_can_be_resumed(works: Works) -> None:
    await works.start("a", KIND, "w")
    work = await claimed(works)
    await works.save(work, piece(work, done=0, failure="no", give_up=True))
    assert await state(works) is WorkState.FAILED
    assert await works.claim(KIND, for_s=60) is None
    resumed = await works.resume("a", KIND, "w")
    assert (resumed.state, resumed.failures, resumed.error, resumed.ended_at) == (WorkState.RUNNING, 0, None, None)
    await claimed(works)


async def test_waits_until_it_is_woken(works: Works) -> None:
    await works.start("a", KIND, "w")
    work = await claimed(works)
    await works.save(work, piece(work, again_s=None))
    assert await works.claim(KIND, for_s=60) is None
    assert not await works.wake(KIND, "b")
    assert await works.wake(KIND, "a")
    await claimed(works)


async def test_what_is_woken_while_it_works_is_due_again(works: Works) -> None:
    await works.start("a", KIND, "w")
    work = await claimed(works)
    await works.wake(KIND, "a")
    await works.save(work, piece(work, again_s=None))
    work = await claimed(works)
    await works.save(work, piece(work, again_s=None))
    assert await works.claim(KIND, for_s=60) is None


async def test_waking_does_not_shorten_a_pause_after_a_failure(works: Works) -> None:
    await works.start("a", KIND, "w")
    work = await claimed(works)
    await works.save(work, piece(work, failure="no", again_s=3600.0))
    await works.wake(KIND, "a")
    assert await works.claim(KIND, for_s=60) is None


async def test_what_has_been_due_longest_is_next_and_full_tenants_are_left_out(works: Works) -> None:
    for tenant in ("a", "b", "c"):
        await works.start(tenant, KIND, "w")
    assert (await claimed(works)).tenant == "a"
    assert (await claimed(works, not_of=("a", "b"))).tenant == "c"
    assert (await claimed(works)).tenant == "b"


async def test_removes_and_prunes(works: Works, engine: Engine) -> None:
    for name in ("w", "v"):
        await works.start("a", KIND, name)
        work = await claimed(works)
        await works.save(work, piece(work, is_last=name == "w", failure=None if name == "w" else "x", give_up=True))
    await engine.run("UPDATE work SET ended = ended - 1000")
    await works.prune(keep_s=500)
    assert [work.id for work in await works.every("a", KIND)] == ["v"]  # given up: somebody has to see it
    assert await works.remove("a", KIND, "v")
    assert not await works.remove("a", KIND, "v")
    with pytest.raises(NotFoundError):
        await works.get("a", KIND, "v")


async def test_refuses_a_position_that_is_too_large(works: Works) -> None:
    await works.start("a", KIND, "w", position={"x": "y" * 8000})
    with pytest.raises(ValueError, match="8192"):
        await works.start("a", KIND, "v", position={"x": "y" * 8200})


class Letters:
    """Writes letters one by one, and notes which."""

    def __init__(self) -> None:
        self.written: list[tuple[str, int]] = []
        self.at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def count(self) -> int:
        return self.at_once

    async def step(self, profile: Profile, work: Work) -> Piece:
        self.at_once += 1
        try:
            await self.gate.wait()
            self.written.append((work.id, work.done))
        finally:
            self.at_once -= 1
        return piece(work, is_last=work.done + 1 == work.total)


@asynccontextmanager
async def working(engine: Engine, *kinds: WorkKind, profile_of: ProfileOf = profile) -> AsyncIterator[EventLog]:
    log = EventLog(engine)
    worker = Worker(engine, Works(engine), Untold(engine, log), kinds, profile_of, look_every_s=0.05)
    task = asyncio.create_task(worker.run())
    yield log
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until[T](look: Callable[[], Awaitable[T]], fits: Callable[[T], bool]) -> T:
    async with asyncio.timeout(60):
        while not fits(result := await look()):  # noqa: ASYNC110 (other processes have no event)
            await asyncio.sleep(0.02)
    return result


async def reaches(works: Works, wanted: WorkState) -> Work:
    return await until(lambda: works.get("a", KIND, "w"), lambda work: work.state is wanted)


async def test_a_worker_does_all_pieces_in_order_and_tells_the_log(engine: Engine, works: Works) -> None:
    letters = Letters()
    async with working(engine, WorkKind(KIND, letters.step)) as log:
        await works.start("a", KIND, "w", total=5)
        await reaches(works, WorkState.DONE)
        told = await until(lambda: log.read("a", 0, 9), bool)
    assert letters.written == [("w", count) for count in range(5)]
    assert [(event.kind, event.subject, event.body) for event in told] == [
        ("work.ended", "w", {"kind": KIND, "state": "DONE"})
    ]


async def test_another_process_goes_on_after_a_kill(engine: Engine, works: Works) -> None:
    """The first worker is cut off in the middle of a piece and lets nothing go; its lease ends."""
    letters = Letters()
    await works.start("a", KIND, "w", total=4)
    first = await claimed(works)
    await works.save(first, piece(first))
    await claimed(works)  # dies here, in the second piece
    await engine.run("UPDATE work SET until = until - 3600")  # an hour later
    async with working(engine, WorkKind(KIND, letters.step)):
        await reaches(works, WorkState.DONE)
    assert letters.written == [("w", 1), ("w", 2), ("w", 3)]


async def test_a_worker_that_stops_lets_go_at_once(engine: Engine, works: Works) -> None:
    letters = Letters()
    letters.gate.clear()
    await works.start("a", KIND, "w", total=2)
    async with working(engine, WorkKind(KIND, letters.step)):
        await until(letters.count, lambda count: count == 1)
    letters.gate.set()
    async with working(engine, WorkKind(KIND, letters.step)):
        await reaches(works, WorkState.DONE)
    assert letters.written == [("w", 0), ("w", 1)]


async def test_no_tenant_takes_more_than_its_share(engine: Engine, works: Works) -> None:
    letters = Letters()
    letters.gate.clear()
    for count in range(6):
        await works.start("b", KIND, f"b{count}", total=1)
    await works.start("a", KIND, "w", total=1)
    async with working(engine, WorkKind(KIND, letters.step, at_once=4, at_once_a_tenant=2)):
        await until(letters.count, lambda count: count >= 3)
        await asyncio.sleep(0.2)
        assert letters.at_once == 3  # two of b's, and a's
        letters.gate.set()
        for count in range(6):
            await until(partial(works.get, "b", KIND, f"b{count}"), lambda work: work.state is WorkState.DONE)
        await reaches(works, WorkState.DONE)
    assert len(letters.written) == 7


async def test_a_piece_that_fails_is_tried_again_then_given_up(engine: Engine, works: Works) -> None:
    tries: list[int] = []

    async def step(_: Profile, work: Work) -> Piece:
        tries.append(work.failures)
        if work.failures == 0:
            raise ResolutionError("nobody answers")
        if work.failures == 1:
            raise RuntimeError("a secret")
        await asyncio.sleep(60)
        raise AssertionError

    kind = WorkKind(KIND, step, step_s=0.3, pauses_s=(0.0, 0.05), give_up_s=0.2)
    async with working(engine, kind) as log:
        await works.start("a", KIND, "w", total=1)
        given_up = await reaches(works, WorkState.FAILED)
        told = await until(lambda: log.read("a", 0, 9), bool)
    assert tries[:3] == [0, 1, 2]
    assert given_up.error == "a piece took longer than 0.3 s"
    assert told[0].body == {"kind": KIND, "state": "FAILED"}


async def test_what_fails_says_so_without_what_foreign_errors_say(engine: Engine, works: Works) -> None:
    async def step(_: Profile, work: Work) -> Piece:
        raise RuntimeError("Maria Perera")

    async with working(engine, WorkKind(KIND, step, pauses_s=(3600.0,))):
        await works.start("a", KIND, "w")
        work = await until(lambda: works.get("a", KIND, "w"), lambda work: work.failures > 0)
    assert work.error == "RuntimeError"


async def test_work_of_a_tenant_that_is_suspended_waits_without_failing(engine: Engine, works: Works) -> None:
    letters = Letters()
    async with working(engine, WorkKind(KIND, letters.step), profile_of=not_served):
        await works.start("a", KIND, "w", total=1)
        work = await until(
            lambda: works.get("a", KIND, "w"), lambda work: work.due is not None and work.due > work.started_at
        )
    assert (work.failures, work.state, letters.written) == (0, WorkState.RUNNING, [])


async def test_work_that_starts_after_there_was_none_is_woken(works: Works) -> None:
    assert not await works.wake(KIND, "t")
    assert not await works.wake(KIND, "t")
    await works.start("t", KIND, "a")
    assert await works.wake(KIND, "t")
    await works.cancel("t", KIND, "a")
    assert not await works.wake(KIND, "t")
    await works.start("t", KIND, "b")
    await works.pause("t", KIND, "b")
    assert not await works.wake(KIND, "t")
    await works.resume("t", KIND, "b")
    assert await works.wake(KIND, "t")
