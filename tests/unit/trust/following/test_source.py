"""Governance is fetched, checked, remembered and never goes back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from acapy_agent.core.profile import Profile
from tests.unit.trust.ecosystem import AUTHORITY, Authority, webvh
from tests.unit.trust.following.world import World, codes, profile, world

from wanderbuch.governance.signed.history import Head
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.kept import WalletGovernanceStore
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig, RefreshOutcome

__all__ = ["profile", "world"]


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
