"""Governance is fetched, checked, remembered and never goes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from acapy_agent.core.profile import Profile
from acapy_agent.utils.testing import create_test_profile
from tests.processes import Processes
from tests.unit.trust.ecosystem import AUTHORITY, Authority, FileHost, accreditation, digest, payload, webvh

from wanderbuch.governance.history import Head
from wanderbuch.governance.identifiers import CredDefId
from wanderbuch.governance.question import Reason
from wanderbuch.governance.signing import SignedGovernanceFile
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.http.lanes import is_for_strangers, work_for_strangers
from wanderbuch.plugins.trust import followed, pacing
from wanderbuch.plugins.trust.kept import WalletGovernanceStore
from wanderbuch.plugins.trust.source import GovernanceSource, GovernanceSourceConfig, RefreshOutcome

CENTRE = webvh("centre")
CRED_DEF = CredDefId.of(CENTRE, digest())


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class World:
    """An authority's host, and what it takes to make a source that reads it."""

    authority: Authority
    host: FileHost
    clock: Clock

    def source(self, **config: Any) -> GovernanceSource:
        return GovernanceSource(
            GovernanceSourceConfig(url="https://authority.wanderbuch.test/governance/lk", author=AUTHORITY, **config),
            edge=cast(HttpEdge, self.host),
            resolve_key=self.authority.resolve_key,
            clock=self.clock,
        )

    async def sign(self, version: int, **changed: Any) -> SignedGovernanceFile:
        return await self.authority.file(payload({CENTRE: [accreditation([CRED_DEF], **changed)]}, version=version))

    async def serve(self, signed: SignedGovernanceFile, *, vouched: bool = True) -> None:
        self.host.files["current.jws"] = signed.jws
        if vouched:
            self.host.files["freshness.jws"] = await self.authority.statement(signed, at=self.clock.now)


@pytest.fixture
async def world(now: datetime) -> World:
    made = World(Authority(), FileHost(), Clock(now))
    await made.serve(await made.sign(1))
    return made


@pytest.fixture
async def profile() -> AsyncIterator[Profile]:
    opened = await create_test_profile({"wallet.type": "askar-anoncreds"})
    yield opened
    await opened.close()


def codes(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.code for reason in reasons]


async def test_has_nothing_before_the_first_good_file(world: World) -> None:
    assert world.source().snapshot() is None


async def test_takes_over_a_file_and_the_word_that_it_is_current(world: World) -> None:
    source = world.source()
    report = await source.refresh()
    snapshot = source.snapshot()
    assert report.outcome is RefreshOutcome.UPDATED
    assert snapshot is not None
    assert snapshot.file.version == 1
    assert snapshot.is_fresh(world.clock.now)
    assert report.fresh_until == snapshot.fresh_until


async def test_a_second_refresh_changes_nothing_and_downloads_the_file_once(world: World) -> None:
    source = world.source()
    await source.refresh()
    report = await source.refresh()
    assert report.outcome is RefreshOutcome.UNCHANGED
    assert report.reasons == ()


async def test_freshness_is_carried_on_by_a_later_statement(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.clock.now += timedelta(minutes=59)
    world.host.files["freshness.jws"] = await world.authority.statement(await world.sign(1), at=world.clock.now)
    # The statement is about the file with the same bytes: EdDSA signs one text in one way.
    assert (await source.refresh()).outcome is RefreshOutcome.UPDATED
    world.clock.now += timedelta(minutes=2)
    snapshot = source.snapshot()
    assert snapshot is not None
    assert snapshot.is_fresh(world.clock.now)


async def test_without_a_later_statement_the_file_goes_stale(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.clock.now += timedelta(hours=1)
    await source.refresh()
    snapshot = source.snapshot()
    assert snapshot is not None
    assert not snapshot.is_fresh(world.clock.now)


async def test_a_host_that_is_down_leaves_the_good_copy(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.host.down = True
    report = await source.refresh()
    snapshot = source.snapshot()
    assert report.outcome is RefreshOutcome.UNREACHABLE
    assert snapshot is not None
    assert snapshot.is_fresh(world.clock.now)
    assert codes(snapshot.notes) == ["governance.unreachable"] * 2


async def test_an_older_validly_signed_file_is_refused_and_noted(world: World) -> None:
    source, old = world.source(), dict(world.host.files)
    await source.refresh()
    await world.serve(await world.sign(2))
    await source.refresh()
    world.host.files = old
    report = await source.refresh()
    snapshot = source.snapshot()
    assert report.outcome is RefreshOutcome.REFUSED
    assert snapshot is not None
    assert snapshot.file.version == 2
    assert "governance.rollback" in codes(snapshot.notes)


async def test_the_same_version_with_other_bytes_is_refused(world: World) -> None:
    source = world.source()
    await source.refresh()
    await world.serve(await world.sign(1, occupations=["C51"]))
    report = await source.refresh()
    snapshot = source.snapshot()
    assert "governance.rollback" in codes(report.reasons)
    assert snapshot is not None
    assert snapshot.file.accreditations[0].occupations == ("C72",)


async def test_an_altered_file_is_refused(world: World) -> None:
    source = world.source()
    await source.refresh()
    head, body, signature = (await world.sign(2)).jws.split(b".")
    _, other, _ = (await world.sign(3)).jws.split(b".")
    assert body != other
    world.host.files["current.jws"] = b".".join((head, other, signature))
    report = await source.refresh()
    snapshot = source.snapshot()
    assert "governance.refused" in codes(report.reasons)
    assert snapshot is not None
    assert snapshot.file.version == 1


async def test_a_file_by_another_author_is_refused(world: World) -> None:
    stranger = Authority(webvh("stranger"))
    world.host.files["current.jws"] = (await world.sign(1)).jws
    source = GovernanceSource(
        GovernanceSourceConfig(url="https://authority.wanderbuch.test/g", author=stranger.did),
        edge=cast(HttpEdge, world.host),
        resolve_key=world.authority.resolve_key,
        clock=world.clock,
    )
    assert (await source.refresh()).outcome is RefreshOutcome.REFUSED
    assert source.snapshot() is None


async def test_a_withheld_newer_file_makes_the_old_one_stale(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.clock.now += timedelta(seconds=1)
    world.host.files["freshness.jws"] = await world.authority.statement(await world.sign(2), at=world.clock.now)
    report = await source.refresh()
    snapshot = source.snapshot()
    assert codes(report.reasons) == ["governance.withheld"]
    assert snapshot is not None
    assert not snapshot.is_fresh(world.clock.now)


async def test_an_older_statement_does_not_make_it_fresh_again(world: World) -> None:
    source = world.source()
    await source.refresh()
    older = world.host.files["freshness.jws"]
    world.clock.now += timedelta(seconds=1)
    new = await world.sign(2)
    world.host.files["freshness.jws"] = await world.authority.statement(new, at=world.clock.now)
    await source.refresh()
    world.host.files["freshness.jws"] = older
    report = await source.refresh()
    snapshot = source.snapshot()
    assert codes(report.reasons) == ["governance.withheld"]
    assert snapshot is not None
    assert not snapshot.is_fresh(world.clock.now)
    await world.serve(new)
    await source.refresh()
    snapshot = source.snapshot()
    assert snapshot is not None
    assert (snapshot.file.version, snapshot.is_fresh(world.clock.now)) == (2, True)


async def test_a_restarted_agent_remembers_that_a_newer_file_was_withheld(world: World, profile: Profile) -> None:
    source = world.source()
    await source.attach(profile)
    await source.refresh()
    older = world.host.files["freshness.jws"]
    world.clock.now += timedelta(seconds=1)
    world.host.files["freshness.jws"] = await world.authority.statement(await world.sign(2), at=world.clock.now)
    await source.refresh()
    world.host.files["freshness.jws"] = older
    restarted = world.source()
    await restarted.attach(profile)
    await restarted.refresh()
    snapshot = restarted.snapshot()
    assert snapshot is not None
    assert not snapshot.is_fresh(world.clock.now)


async def test_a_version_published_between_the_two_downloads_is_no_harm(world: World) -> None:
    source, new = world.source(), await world.sign(2)
    await source.refresh()
    world.clock.now += timedelta(seconds=1)
    vouched = await world.authority.statement(new, at=world.clock.now)
    real_get = world.host.get

    async def get(url: str, **how: Any) -> Any:
        fetched = await real_get(url, **how)
        if url.endswith("current.jws"):  # published right after the old one was read
            world.host.files |= {"current.jws": new.jws, "freshness.jws": vouched}
        return fetched

    world.host.get = get  # type: ignore[method-assign]
    report = await source.refresh()
    snapshot = source.snapshot()
    assert report.outcome is RefreshOutcome.UPDATED
    assert snapshot is not None
    assert snapshot.file.version == 2
    assert snapshot.is_fresh(world.clock.now)


async def test_an_older_statement_does_not_replace_a_newer_one(world: World) -> None:
    source, old = world.source(), world.host.files["freshness.jws"]
    world.clock.now += timedelta(minutes=30)
    world.host.files["freshness.jws"] = await world.authority.statement(await world.sign(1), at=world.clock.now)
    first = await source.refresh()
    world.host.files["freshness.jws"] = old
    report = await source.refresh()
    assert codes(report.reasons) == ["governance.rollback"]
    assert report.fresh_until == first.fresh_until


async def test_a_restarted_agent_knows_what_it_knew_without_a_network(world: World, profile: Profile) -> None:
    source = world.source()
    await source.attach(profile)
    await source.refresh()
    world.host.down = True
    world.authority.reachable = False
    restarted = world.source()
    await restarted.attach(profile)
    snapshot = restarted.snapshot()
    assert snapshot is not None
    assert snapshot.ref == source.snapshot().ref  # type: ignore[union-attr]
    assert snapshot.is_fresh(world.clock.now)


async def test_a_restarted_agent_does_not_go_back(world: World, profile: Profile) -> None:
    old, source = dict(world.host.files), world.source()
    await world.serve(await world.sign(2))
    await source.attach(profile)
    await source.refresh()
    world.host.files = old
    restarted = world.source()
    await restarted.attach(profile)
    report = await restarted.refresh()
    snapshot = restarted.snapshot()
    assert "governance.rollback" in codes(report.reasons)
    assert snapshot is not None
    assert snapshot.file.version == 2


async def test_what_is_withheld_stays_stale_after_a_restart(world: World, profile: Profile) -> None:
    source = world.source()
    await source.attach(profile)
    await source.refresh()
    world.clock.now += timedelta(seconds=1)
    world.host.files["freshness.jws"] = await world.authority.statement(await world.sign(2), at=world.clock.now)
    await source.refresh()
    world.host.down = True
    restarted = world.source()
    await restarted.attach(profile)
    snapshot = restarted.snapshot()
    assert snapshot is not None
    assert not snapshot.is_fresh(world.clock.now)


async def test_another_process_of_the_same_agent_takes_over_what_the_first_found(
    world: World, profile: Profile
) -> None:
    first, second = world.source(), world.source()
    await first.attach(profile)
    await second.attach(profile)
    await world.serve(await world.sign(2))
    await first.refresh()
    world.host.down = True
    await second.refresh()
    snapshot = second.snapshot()
    assert snapshot is not None
    assert snapshot.file.version == 2


async def test_a_process_that_saves_late_takes_nothing_back_that_another_has_seen(
    world: World, profile: Profile
) -> None:
    store = WalletGovernanceStore(profile, AUTHORITY)
    source = world.source()
    await source.attach(profile)
    await source.refresh()
    older = await store.load()
    await world.serve(await world.sign(2))
    await source.refresh()
    newer = await store.load()
    assert older is not None
    assert newer is not None
    head = Head(9, "00" * 32)
    await store.save(replace(older, head=head))  # it has checked a longer history; of the file it knows less
    assert await store.load() == replace(newer, head=head)
    later = replace(newer, issued_at=(newer.issued_at or world.clock.now) + timedelta(seconds=5), freshness_jws=None)
    await store.save(later)  # the author's word that took the freshness away stays too
    assert await store.load() == replace(later, head=head)


async def test_of_many_that_need_fresh_governance_one_fetches(world: World) -> None:
    source = world.source()
    snapshots = await asyncio.gather(*(source.current() for _ in range(20)))
    assert {snapshot.file.version for snapshot in snapshots if snapshot} == {1}
    assert world.host.asked.count("freshness.jws") == 1


async def test_governance_that_is_fresh_is_not_asked_for_again(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.clock.now += timedelta(minutes=5)
    await source.current()
    assert world.host.asked.count("freshness.jws") == 1


async def test_however_many_ask_a_host_that_is_down_is_asked_once_in_a_while(world: World) -> None:
    source = world.source(ask_again=timedelta(seconds=0.5))
    world.host.down = True
    assert await asyncio.gather(*(source.current() for _ in range(20))) == [None] * 20
    assert await source.current() is None
    assert world.host.asked.count("current.jws") == 2


async def test_who_asks_right_after_a_no_gets_what_was_published_meanwhile(world: World) -> None:
    source, published = world.source(ask_again=timedelta(milliseconds=50)), dict(world.host.files)
    world.host.files.clear()
    assert await source.current() is None
    world.host.files |= published
    assert await source.current() is not None


async def test_an_answer_that_was_asked_for_before_the_publication_counts_for_nobody_who_came_after(
    world: World,
) -> None:
    source, published = world.source(ask_again=timedelta(milliseconds=50)), dict(world.host.files)
    real_get, asked, go_on = world.host.get, asyncio.Event(), asyncio.Event()

    async def slow(url: str, **how: Any) -> Any:
        world.host.files, files = {}, world.host.files
        try:
            return await real_get(url, **how)
        finally:
            world.host.files = files
            asked.set()
            await go_on.wait()

    world.host.get = slow  # type: ignore[method-assign]
    refreshing = asyncio.create_task(source.refresh())
    await asked.wait()
    world.host.get, world.host.files = real_get, published  # type: ignore[method-assign]
    deciding = asyncio.create_task(source.current())
    await asyncio.sleep(0)
    go_on.set()
    assert (await refreshing).outcome is RefreshOutcome.UNREACHABLE
    assert await deciding is not None


async def test_a_decision_waits_no_longer_for_a_silent_host_than_it_takes_to_give_up(world: World) -> None:
    source = world.source(timeout_s=0.02)
    never = asyncio.Event()

    async def silent(url: str, **how: Any) -> Any:
        await never.wait()

    world.host.get = silent  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        assert await source.current() is None


async def test_asking_the_authority_brings_a_newer_file_although_the_one_held_is_fresh(world: World) -> None:
    source = world.source()
    await source.refresh()
    world.clock.now += timedelta(seconds=1)
    await world.serve(await world.sign(2))
    held = await source.current()
    asked = await source.ask()
    assert held is not None
    assert asked is not None
    assert (held.file.version, asked.file.version) == (1, 2)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 0.05)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("missing", ["host", "file", "statement", "author's key"])
async def test_an_authority_that_comes_up_later_is_found_by_itself(world: World, missing: str) -> None:
    source, published = world.source(), dict(world.host.files)
    world.host.down = missing == "host"
    world.authority.reachable = missing != "author's key"
    if missing == "file":
        world.host.files.clear()
    elif missing == "statement":
        del world.host.files["freshness.jws"]
    task = asyncio.create_task(source.run())
    await source.first_round()
    held = source.snapshot()
    assert held is None or not held.is_fresh(world.clock.now)
    world.host.down, world.authority.reachable = False, True
    world.host.files |= published
    await until(lambda: (now := source.snapshot()) is not None and now.is_fresh(world.clock.now))
    task.cancel()


@pytest.mark.usefixtures("quick")
async def test_an_authority_that_goes_away_and_comes_back_is_found_again(world: World) -> None:
    source = world.source(refresh_every=timedelta(seconds=0.2))
    task = asyncio.create_task(source.run())
    await source.first_round()
    world.host.down = True
    world.clock.now += timedelta(hours=2)
    await until(lambda: (report := source.last_report) is not None and report.outcome is RefreshOutcome.UNREACHABLE)
    held = source.snapshot()
    assert held is not None
    assert not held.is_fresh(world.clock.now)
    world.host.down = False
    await world.serve(await world.sign(2))
    await until(lambda: (now := source.snapshot()) is not None and now.is_fresh(world.clock.now))
    task.cancel()


@pytest.mark.usefixtures("quick")
async def test_a_fault_of_ours_does_not_end_the_refreshing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source, real = world.source(), followed.verify_file
    faults = iter([RecursionError("too deep"), TypeError("not iterable")])

    async def verify(*given: Any, **how: Any) -> Any:
        if (fault := next(faults, None)) is not None:
            raise fault
        return await real(*given, **how)

    monkeypatch.setattr(followed, "verify_file", verify)
    task = asyncio.create_task(source.run())
    await until(lambda: source.snapshot() is not None)
    assert [record.message for record in caplog.records].count("governance refresh failed") == 2
    task.cancel()


async def test_news_are_fetched_at_once_and_those_that_may_have_been_missed_not_each_second(world: World) -> None:
    """While a process cannot hear the others it is told each second that it may have missed something."""
    source = world.source()
    task = asyncio.create_task(source.run())
    await until(lambda: world.host.asked.count("current.jws") == 1)
    for _ in range(5):
        source._heard(None)
        await asyncio.sleep(0.05)
    assert world.host.asked.count("current.jws") == 1
    source._heard((2, 0))
    await until(lambda: world.host.asked.count("current.jws") == 2)
    task.cancel()


async def test_run_refreshes_until_it_is_cancelled(world: World) -> None:
    source, third = world.source(refresh_every=timedelta(0)), asyncio.Event()
    real_get = world.host.get

    async def get(url: str, **how: Any) -> Any:
        if world.host.asked.count("freshness.jws") == 2:
            third.set()
        return await real_get(url, **how)

    world.host.get = get  # type: ignore[method-assign]
    task = asyncio.create_task(source.run())
    await asyncio.wait_for(third.wait(), timeout=5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("fresh_for", "expected"), [(60, 30), (3600, 300), (1, 1)])
async def test_a_file_is_due_after_half_of_its_remaining_freshness(
    world: World, fresh_for: int, expected: float
) -> None:
    signed = await world.sign(1)
    world.host.files["freshness.jws"] = await world.authority.statement(
        signed, at=world.clock.now, lifetime=timedelta(seconds=fresh_for)
    )
    source = world.source()
    await source.refresh()
    assert 0.7 * expected <= source._until_due() <= expected


async def test_a_file_whose_freshness_is_not_renewed_is_asked_for_less_and_less_often(world: World) -> None:
    source, pauses = world.source(), []
    await source.refresh()
    world.clock.now += timedelta(hours=2)
    for _ in range(12):
        await source.refresh()
        pauses.append(source._until_due())
    expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert all(0.7 * most <= pause <= most for pause, most in zip(pauses, expected, strict=True))


async def test_a_failure_is_logged_when_it_begins_and_not_at_every_try(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    source = world.source()
    world.host.down = True
    for _ in range(3):
        await source.refresh()
    assert sum("governance.unreachable" in record.message for record in caplog.records) == 1


async def test_governance_is_our_own_work_whoever_makes_us_ask(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else strangers could use up the places in which we ask for it."""
    asked: list[bool] = []
    get = world.host.get

    async def watched(*args: Any, **options: Any) -> Any:
        asked.append(is_for_strangers())
        return await get(*args, **options)

    monkeypatch.setattr(world.host, "get", watched)
    source = world.source()
    with work_for_strangers():
        await source.current()
        await source.ask()
        await source.refresh()
    assert asked
    assert not any(asked)


@pytest.mark.needs("postgresql")
async def test_what_one_process_finds_the_other_asks_for_at_once(world: World, processes: Processes) -> None:
    first, second = world.source(refresh_every=timedelta(hours=1)), world.source(refresh_every=timedelta(hours=1))
    await first.attach(processes.first.profile)
    await second.attach(processes.second.profile)
    running = asyncio.create_task(second.run())
    await second.first_round()
    await world.serve(await world.sign(2))
    await first.refresh()
    async with asyncio.timeout(5):
        while (snapshot := second.snapshot()) is None or snapshot.file.version < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    asked = len(world.host.asked)
    await asyncio.sleep(0.5)  # who has found it tells, and the other does not answer with the same
    assert len(world.host.asked) == asked
    running.cancel()
