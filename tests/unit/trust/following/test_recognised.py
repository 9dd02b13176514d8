"""The files of recognised authorities are followed as far as recognitions say, and never widen anything by failing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from acapy_agent.core.profile import Profile
from tests.memory_wallet import memory_wallet
from tests.unit.trust.states import State, World, recognition

from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.plugins.http.answers import Fetched
from wanderbuch.plugins.trust.following import pacing, recognised
from wanderbuch.plugins.trust.following.source import GovernanceSource, RefreshOutcome


@pytest.fixture
def world(now: datetime) -> World:
    return World(now)


@pytest.fixture
async def profile() -> AsyncIterator[Profile]:
    opened = await memory_wallet()
    yield opened
    await opened.close()


def reached(source: GovernanceSource, *states: State) -> str:
    """Return the names of those whose files are held."""
    snapshot = source.snapshot()
    assert snapshot is not None
    names = {state.did: state.name for state in states}
    return "".join(sorted(names[did] for did in snapshot.recognised))


async def chain(world: World, *, onward: int, length: int) -> list[State]:
    """Publish a chain of authorities in which each recognises the next."""
    states = [world.state(name) for name in "abcdefgh"[:length]]
    for state, following in zip(states, [*states[1:], None], strict=True):
        await world.publish(state, state.document(recognises={following: onward} if following else {}))
    return states


@pytest.mark.parametrize(("onward", "expected"), [(0, "b"), (1, "bc"), (2, "bcd"), (3, "bcde")])
async def test_follows_as_far_as_recognitions_let_it_and_four_at_most(world: World, onward: int, expected: str) -> None:
    states = await chain(world, onward=onward, length=6)
    source = world.source(states[0])
    report = await source.refresh()
    assert report.outcome is RefreshOutcome.UPDATED
    assert reached(source, *states) == expected


async def test_each_has_its_own_freshness(world: World) -> None:
    a, b = await chain(world, onward=0, length=2)
    source = world.source(a)
    await source.refresh()
    world.now += timedelta(minutes=59)
    await world.vouch(a, await world.signed(world.host.files[f"{a.url}/current.jws"]))
    await source.refresh()
    world.now += timedelta(minutes=2)
    snapshot = source.snapshot()
    assert snapshot is not None
    assert snapshot.is_fresh(world.now)
    assert not snapshot.recognised[b.did].is_fresh(world.now)


async def test_without_a_recognition_nobody_is_followed(world: World) -> None:
    a, b = world.state("a"), world.state("b")
    await world.publish(b, b.document())
    document = a.document(recognises={b: 0})
    statements = document["participants"]["entries"][PROFILE_STATEMENTS + "recognition.json"]
    statements[b.did] = {"recognitions": [recognition("later", 0, intervals=[{"start": "2999-01-01"}])]}
    await world.publish(a, document)
    source = world.source(a)
    await source.refresh()
    assert reached(source, a, b) == ""
    assert not any(url.startswith(b.url) for url in world.host.sent)


async def test_a_recognition_that_has_ended_still_counts_for_awards_before(world: World) -> None:
    a, b = world.state("a"), world.state("b")
    await world.publish(b, b.document())
    document = a.document(recognises={b: 0})
    statements = document["participants"]["entries"][PROFILE_STATEMENTS + "recognition.json"]
    ended = recognition("ended", 0, intervals=[{"start": "2020-01-01", "end": "2021-12-31"}])
    statements[b.did] = {"recognitions": [ended]}
    await world.publish(a, document)
    source = world.source(a)
    await source.refresh()
    assert reached(source, a, b) == "b"


async def test_a_file_by_another_than_the_named_publisher_is_refused_and_named(world: World) -> None:
    a, b, thief = world.state("a"), world.state("b"), world.state("t")
    await world.publish(a, a.document(recognises={b: 0}))
    await world.publish(thief, thief.document())
    for name in ("current.jws", "freshness.jws"):
        world.host.files[f"{b.url}/{name}"] = world.host.files[f"{thief.url}/{name}"]
    source = world.source(a)
    await source.refresh()
    snapshot = source.snapshot()
    assert snapshot is not None
    assert snapshot.recognised == {}
    assert [note.code for note in snapshot.notes] == ["recognition.refused"]
    assert b.did in snapshot.notes[0].text


async def test_one_that_cannot_be_reached_is_named_and_keeps_nobody_else_away(world: World) -> None:
    a, b, c = (world.state(name) for name in "abc")
    for state in (b, c):
        await world.publish(state, state.document())
    await world.publish(a, a.document(recognises={b: 0, c: 0}))
    world.host.unreachable = {f"https://{b.did.host}"}
    source = world.source(a)
    report = await source.refresh()
    snapshot = source.snapshot()
    assert report.outcome is RefreshOutcome.UPDATED
    assert reached(source, a, b, c) == "c"
    assert snapshot is not None
    assert snapshot.is_fresh(world.now)
    assert {note.code for note in snapshot.notes} == {"recognition.unreachable"}


async def test_a_good_copy_of_another_authority_survives_a_failed_refresh(world: World) -> None:
    a, b = await chain(world, onward=0, length=2)
    source = world.source(a)
    await source.refresh()
    world.host.unreachable = {f"https://{b.did.host}"}
    await source.refresh()
    snapshot = source.snapshot()
    assert snapshot is not None
    assert snapshot.recognised[b.did].is_fresh(world.now)


async def test_circles_end_and_are_reported(world: World) -> None:
    a, b = world.state("a"), world.state("b")
    await world.publish(a, a.document(recognises={b: 3}))
    await world.publish(b, b.document(recognises={a: 3}))
    source = world.source(a)
    report = await source.refresh()
    snapshot = source.snapshot()
    assert reached(source, a, b) == "b"
    assert [reason.code for reason in report.reasons] == ["recognition.cycle"]
    assert snapshot is not None
    assert snapshot.notes == ()  # two that recognise each other are nothing to warn of in every decision


async def test_each_publisher_is_fetched_once_however_many_recognise_it(world: World) -> None:
    a, b, c, d = (world.state(name) for name in "abcd")
    await world.publish(d, d.document())
    for state in (b, c):
        await world.publish(state, state.document(recognises={d: 0}))
    await world.publish(a, a.document(recognises={b: 1, c: 1, d: 0}))
    source = world.source(a)
    await source.refresh()
    assert reached(source, a, b, c, d) == "bcd"
    assert world.host.sent.count(f"{d.url}/current.jws") == 1


async def test_no_more_than_a_bounded_number_are_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognised, "MAX_FOLLOWED", 2)
    a, b, c, d = (world.state(name) for name in "abcd")
    for state in (b, c, d):
        await world.publish(state, state.document())
    await world.publish(a, a.document(recognises={b: 0, c: 0, d: 0}))
    source = world.source(a)
    report = await source.refresh()
    assert reached(source, a, b, c, d) == "bc"
    assert "recognition.too_many" in [reason.code for reason in report.reasons]


async def test_one_authority_cannot_take_the_places_of_what_others_bring_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognised, "MAX_FOLLOWED", 7)
    monkeypatch.setattr(recognised, "MAX_FROM_ONE", 2)
    a, b, c, d, e, f, g, h, i = (world.state(name) for name in "abcdefghi")
    for state in (e, f, g, h, i):
        await world.publish(state, state.document())
    await world.publish(d, d.document(recognises={f: 0, g: 0}))  # further on the same branch: still b's
    await world.publish(b, b.document(recognises={d: 1, e: 0, f: 0, g: 0, h: 0}))
    await world.publish(c, c.document(recognises={h: 0, i: 0}))
    await world.publish(a, a.document(recognises={b: 2, c: 1}))
    source = world.source(a)
    report = await source.refresh()
    assert reached(source, a, b, c, d, e, f, g, h, i) == "bcdehi"
    [told] = [reason.text for reason in report.reasons if reason.code == "recognition.too_many"]
    assert b.did in told
    assert "more than 2" in told


async def test_a_branch_may_bring_in_as_many_as_its_quota(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognised, "MAX_FROM_ONE", 2)
    a, b, c, d, e = (world.state(name) for name in "abcde")
    for state in (c, d, e):
        await world.publish(state, state.document())
    await world.publish(b, b.document(recognises={c: 0, d: 0}))
    await world.publish(a, a.document(recognises={b: 1, c: 0, e: 0}))  # who is recognised directly counts for nobody
    source = world.source(a)
    report = await source.refresh()
    assert reached(source, a, b, c, d, e) == "bcde"
    assert report.reasons == ()


async def test_a_recognised_authority_does_not_go_back_after_a_restart(world: World, profile: Profile) -> None:
    a, b = await chain(world, onward=0, length=2)
    old = {url: body for url, body in world.host.files.items() if url.startswith(b.url)}
    await world.publish(b, b.document(2))
    source = world.source(a)
    await source.attach(profile)
    await source.refresh()
    world.host.files |= old
    restarted = world.source(a)
    await restarted.attach(profile)
    snapshot = restarted.snapshot()
    assert snapshot is not None
    assert snapshot.recognised[b.did].file.version == 2  # known again without a network
    report = await restarted.refresh()
    assert "recognition.rollback" in [reason.code for reason in report.reasons]
    snapshot = restarted.snapshot()
    assert snapshot is not None
    assert snapshot.recognised[b.did].file.version == 2


async def test_who_is_no_longer_recognised_is_dropped(world: World) -> None:
    a, b = await chain(world, onward=0, length=2)
    source = world.source(a)
    await source.refresh()
    world.now += timedelta(seconds=1)
    await world.publish(a, a.document(2))
    await source.refresh()
    assert reached(source, a, b) == ""


async def test_one_that_never_answers_keeps_neither_the_own_file_nor_others_from_being_fresh(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, c = (world.state(name) for name in "abc")
    for state, others in ((c, {}), (b, {}), (a, {b: 0, c: 0})):
        await world.publish(state, state.document(recognises=others))
    source = world.source(a)
    await source.refresh()
    world.now += timedelta(hours=2)
    for state in (a, c):
        await world.vouch(state, await world.signed(world.host.files[f"{state.url}/current.jws"]))
    answers, is_asked = world.host.get, asyncio.Event()

    async def never(url: str, **how: Any) -> Fetched:
        if url.startswith(b.url):
            is_asked.set()
            await asyncio.Event().wait()
        return await answers(url, **how)

    monkeypatch.setattr(world.host, "get", never)
    going = asyncio.create_task(source.refresh())
    await is_asked.wait()
    world.now += timedelta(minutes=59)
    await world.vouch(a, await world.signed(world.host.files[f"{a.url}/current.jws"]))
    world.now += timedelta(minutes=2)
    async with asyncio.timeout(60):
        current = await source.current()
    assert current is not None
    assert current.is_fresh(world.now)
    going.cancel()
    monkeypatch.setattr(recognised, "LONGEST_S", 0.01)
    async with asyncio.timeout(60):
        report = await source.refresh()
    assert [reason.code for reason in report.reasons if "in time" in reason.text] == ["recognition.unreachable"]
    assert reached(source, a, b, c) == "bc"


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_an_authority_that_comes_up_after_the_one_that_recognises_it_is_found_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 0.05)
    a, b, c = (world.state(name) for name in "abc")
    for state, others in ((b, {c: 0}), (a, {b: 1}), (c, {})):
        await world.publish(state, state.document(recognises=others))
    later = {url: body for url, body in world.host.files.items() if url.startswith(b.url)}
    world.host.unreachable.add(f"https://{c.did.host}")
    for url in later:
        del world.host.files[url]  # up, but nothing published yet
    source = world.source(a)
    task = asyncio.create_task(source.run())
    await source.first_round()
    assert reached(source, a, b, c) == ""
    world.host.files |= later
    await until(lambda: reached(source, a, b, c) == "b")
    world.host.unreachable.clear()
    await until(lambda: reached(source, a, b, c) == "bc")
    task.cancel()


async def test_one_that_stays_away_costs_the_others_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 0.01)
    a, b, c = (world.state(name) for name in "abc")
    for state, others in ((c, {}), (b, {}), (a, {b: 0, c: 0})):
        await world.publish(state, state.document(recognises=others))
    world.host.unreachable.add(b.url)
    asked: list[str] = []
    answers = world.host.get

    async def counted(url: str, **how: Any) -> Fetched:
        asked.append(url)
        return await answers(url, **how)

    monkeypatch.setattr(world.host, "get", counted)
    source = world.source(a)
    task = asyncio.create_task(source.run())
    await until(lambda: asked.count(f"{b.url}/current.jws") >= 4)
    task.cancel()
    assert asked.count(f"{c.url}/current.jws") == 1
    assert asked.count(f"{a.url}/current.jws") == 1
    snapshot = source.snapshot()
    assert snapshot is not None
    assert [note.code for note in snapshot.notes] == ["recognition.unreachable"]


async def test_a_decision_has_one_that_came_back_asked_for_beside_and_does_not_wait_for_it(world: World) -> None:
    a, b = await chain(world, onward=0, length=2)
    world.host.unreachable.add(b.url)
    source = world.source(a)
    for _ in range(12):  # away for so long that it is asked for every five minutes only
        await source.refresh()
    task = asyncio.create_task(source.run())
    await source.first_round()
    await asyncio.sleep(0.05)
    world.host.unreachable.clear()
    source._paces[b.did].tried_at -= 60
    first = await source.current()
    assert first is not None
    assert b.did not in first.recognised
    await until(lambda: reached(source, a, b) == "b")
    task.cancel()


async def test_what_is_held_is_not_built_again_at_each_look(world: World) -> None:
    a, b = await chain(world, onward=0, length=2)
    source = world.source(a)
    await source.refresh()
    first = source.snapshot()
    assert source.snapshot() is first
    world.now += timedelta(minutes=1)
    await world.vouch(b, await world.signed(world.host.files[f"{b.url}/current.jws"]))
    await source.refresh()
    second = source.snapshot()
    assert first is not None
    assert second is not None
    assert second.recognised[b.did] is not first.recognised[b.did]
    assert second.recognised[b.did].fresh_from == world.now.replace(microsecond=0)
    await world.publish(a, a.document(2))  # recognises nobody any more
    await source.refresh()
    assert reached(source, a, b) == ""
