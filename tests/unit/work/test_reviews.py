"""A second look at what one person decided in an emergency, told in a log, on both engines."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from wanderbuch.agents.runtime.problems import ForbiddenError, RefusedError
from wanderbuch.agents.work.log import ChangedMeanwhileError, Log, LogLine, LogLostError
from wanderbuch.agents.work.reviews import Review, ReviewFinding, Reviews, ReviewState
from wanderbuch.store.records import DuplicateError, RecordStore

from .assessments import ANA, MIA, NOE, Colleague, Duty
from .conftest import Centre

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


class Line(LogLine):
    category: ClassVar[str] = "test.log"


class Closure(Review):
    """A second look at the closing of a workshop."""

    category: ClassVar[str] = "test.closure"

    workshop: str


class Closures(Reviews[Closure]):
    def __init__(self, centre: Centre, profile: object, *, four_eyes: bool = True) -> None:
        super().__init__(
            RecordStore(profile, Closure),  # type: ignore[arg-type]
            reviews=Duty.MODERATOR,
            four_eyes=four_eyes,
            decision="a closing",
            clock=centre.clock,
        )
        self.log = Log(profile, Line)  # type: ignore[arg-type]

    async def keep(self, review: Closure, closed: Closure) -> None:
        with contextlib.suppress(ChangedMeanwhileError):
            await self.log.append(review.id, lambda number: f"{number} {closed.closed_by}", changed=[(review, closed)])


async def closures(centre: Centre, *, four_eyes: bool = True) -> Closures:
    made = Closures(centre, centre.profile, four_eyes=four_eyes)
    await made.records.insert(Closure(id="w", workshop="bay 3", decided_by="mia", why="gas leak"))
    return made


async def test_who_decided_does_not_review_and_another_does_once(centre: Centre) -> None:
    reviews = await closures(centre)
    for somebody in (MIA, ANA):
        with pytest.raises(ForbiddenError):
            await reviews.close("w", somebody, finding=ReviewFinding.UPHELD, note="right so")
    closed = await reviews.close("w", NOE, finding=ReviewFinding.UPHELD, note="right so")
    assert (closed.state, closed.closed_by, closed.closed_at) == (ReviewState.CLOSED, "noe", centre.clock())
    assert await reviews.close("w", NOE, finding=ReviewFinding.UPHELD, note="right so") == closed
    with pytest.raises(RefusedError, match="closed already"):
        await reviews.close("w", NOE, finding=ReviewFinding.TO_BE_LIFTED, note="right so")
    assert list(await reviews.log.lines()) == ["0 noe"]


async def test_where_four_eyes_are_switched_off_who_decided_may_review(centre: Centre) -> None:
    reviews = await closures(centre, four_eyes=False)
    assert (await reviews.close("w", MIA, finding=ReviewFinding.UPHELD, note="right so")).closed_by == "mia"


async def test_of_two_who_close_at_once_in_two_processes_the_first_stands(centre: Centre) -> None:
    here = await closures(centre)
    there = Closures(centre, (await centre.elsewhere()).profile)
    bea = Colleague("bea", frozenset({Duty.MODERATOR}))
    answers = await asyncio.gather(
        here.close("w", NOE, finding=ReviewFinding.UPHELD, note="right so"),
        there.close("w", bea, finding=ReviewFinding.TO_BE_LIFTED, note="too early"),
        return_exceptions=True,
    )
    assert sorted(isinstance(answer, RefusedError) for answer in answers) == [False, True]
    assert len(await here.log.lines()) == len(await there.log.lines()) == 1
    assert await here.all(state=ReviewState.OPEN) == []


async def test_two_processes_write_one_log_and_each_fact_once(centre: Centre) -> None:
    here = Log(centre.profile, Line)
    there = Log((await centre.elsewhere()).profile, Line)
    told = await asyncio.gather(
        *(log.append(f"fact {fact}", lambda n, fact=fact: f"{n} {fact}") for fact in range(6) for log in (here, there))
    )
    assert told.count(True) == 6
    assert list(await here.lines()) == list(await there.lines())
    assert [int(line.split()[0]) for line in await here.lines()] == list(range(6))


async def test_a_line_and_what_it_is_about_are_both_there_or_neither(centre: Centre) -> None:
    log, records = Log(centre.profile, Line), RecordStore(centre.profile, Closure)
    one = Closure(id="w", workshop="bay 3", decided_by="mia", why="gas leak")
    assert await log.append("closed", str, new=[one])
    with pytest.raises(DuplicateError):
        await log.append("closed again", str, new=[one])
    changed = await records.change("w", lambda closure: closure.model_copy(update={"why": "gas"}))
    with pytest.raises(ChangedMeanwhileError):
        await log.append("reopened", str, changed=[(one, one.model_copy(update={"why": "no gas"}))])
    assert list(await log.lines()) == ["0"]
    assert await records.get("w") == changed


async def test_a_lost_line_is_told_at_the_next_start(centre: Centre) -> None:
    log = Log(centre.profile, Line)
    for fact in range(3):
        await log.append(f"fact {fact}", str)
    await RecordStore(centre.profile, Line).remove("000000001")
    with pytest.raises(LogLostError, match="has lost entry 1"):
        await Log(centre.profile, Line).lines()
