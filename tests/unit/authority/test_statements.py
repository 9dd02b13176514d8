"""The freshness statement: issued anew when it is due, kept for all processes, never older than it was."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from wanderbuch.agents.authority.statements import KeptStatement, Statements
from wanderbuch.governance.signed.freshness import FreshnessStatement, sign_freshness, verify_freshness
from wanderbuch.store.records import RecordStore

from .conftest import AUTHORITY, World, payload


async def served(world: World) -> FreshnessStatement:
    return await verify_freshness(
        world.file("freshness.jws"), author=AUTHORITY, resolve_key=world.key.resolve, at=world.clock()
    )


async def test_a_statement_is_issued_anew_when_it_is_due_and_not_before(world: World) -> None:
    publication = world.publication()
    await publication.publish(payload(1))
    first = world.file("freshness.jws")
    world.clock.advance(minutes=9, seconds=59)
    await publication.keep_fresh()
    assert world.file("freshness.jws") == first
    world.clock.advance(seconds=1)
    await publication.keep_fresh()
    assert (await served(world)).iat == world.clock()
    assert publication.statement == await served(world)


async def test_a_started_process_knows_the_statement_of_before_and_does_not_issue_another(world: World) -> None:
    await world.publication().publish(payload(1))
    first = world.file("freshness.jws")
    started = world.publication()
    await started.keep_fresh()
    assert world.file("freshness.jws") == first
    assert started.statement == await served(world)


async def test_a_statement_that_the_public_site_has_lost_is_issued_again(world: World) -> None:
    publication = world.publication()
    await publication.publish(payload(1))
    (world.folder / "governance/sri-lanka/freshness.jws").unlink()
    await publication.keep_fresh()
    assert (await served(world)).version == 1


async def test_there_is_none_before_the_first_version(world: World) -> None:
    publication = world.publication()
    await publication.keep_fresh()
    assert publication.statement is None
    assert not world.has("freshness.jws")


async def test_it_is_due_in_the_store_when_the_next_one_is_to_be_issued(world: World) -> None:
    await world.publication().publish(payload(1))
    records = RecordStore(world.profile, KeptStatement)
    world.clock.advance(minutes=9)
    assert await records.due(world.clock()) == []
    world.clock.advance(minutes=1)
    assert [kept_statement.statement.version for kept_statement in await records.due(world.clock())] == [1]


async def test_one_that_was_issued_under_an_older_lease_never_takes_the_place_of_a_newer_one(world: World) -> None:
    version, _ = await world.publication().publish(payload(1))
    statements, late = (Statements(world.profile, reissue_every=timedelta(minutes=10)) for _ in range(2))
    statement = FreshnessStatement.for_file(version.ref, at=world.clock(), lifetime=timedelta(hours=1))
    newer = FreshnessStatement.for_file(version.ref, at=world.clock(), lifetime=timedelta(hours=2))
    fence = 2**60
    jws = [await sign_freshness(freshness, await world.key.kid(), world.key.sign) for freshness in (statement, newer)]
    await statements.keep(newer, jws[1], fence + 1)
    await late.keep(statement, jws[0], fence)
    await statements.read()
    assert (statements.newest, late.newest) == (newer, newer)


async def test_who_follows_reads_what_is_told_until_it_stops(world: World) -> None:
    tasks: list[asyncio.Task[Any]] = []

    def spawn(name: str, work: Coroutine[Any, Any, None]) -> None:
        tasks.append(asyncio.create_task(work, name=name))

    follower = world.publication()
    stop = follower.statements.follow(spawn)
    await world.publication().publish(payload(1))
    assert len(tasks) == 1
    await asyncio.gather(*tasks)
    assert follower.statement == await served(world)
    stop()
    await world.publication().publish(payload(2))
    assert len(tasks) == 1
