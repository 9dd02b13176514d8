"""An authority in two processes on one PostgreSQL: one publishes, the other knows; who slept overwrites nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.postgresql import Database
from tests.two_processes import Two, two_processes
from tests.unit.authority.flow import published

from wanderbuch.agents.authority.history import Fact
from wanderbuch.agents.authority.officials import OfficialRole
from wanderbuch.agents.authority.publication import Publication, PublicationRefusedError, VersionState
from wanderbuch.agents.authority.trqp_source import OwnSnapshot, read_own
from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.signed.freshness import FreshnessStatement, verify_freshness
from wanderbuch.governance.signed.history import Action
from wanderbuch.governance.signed.jws import unverified_payload
from wanderbuch.governance.signed.signing import verify_file
from wanderbuch.plugins.webvh.publisher import FolderPublisher, NewerFileError
from wanderbuch.store.errors import DuplicateError, LeaseLostError

from .conftest import AUTHORITY, CENTRE, HEADER, Clock, World, centre_record, hire, payload

pytestmark = pytest.mark.needs("postgresql")

EDITOR, APPROVER = OfficialRole.EDITOR, OfficialRole.APPROVER


@dataclass(frozen=True)
class Authority:
    """One authority as each of two processes has it open: one store, one key, one public folder."""

    first: World
    second: World
    store: Two

    async def served(self) -> tuple[int, FreshnessStatement]:
        """Return the version that everybody is given, and the statement about it, both checked."""
        signed = await verify_file(self.first.file("current.jws"), author=AUTHORITY, resolve_key=self.first.key.resolve)
        statement = await verify_freshness(
            self.first.file("freshness.jws"),
            author=AUTHORITY,
            resolve_key=self.first.key.resolve,
            at=self.first.clock(),
        )
        assert statement.ref == signed.ref
        return signed.file.version, statement


@pytest.fixture
async def authority(
    agent_config: AgentConfig, database_with_store: Database, tmp_path: Path
) -> AsyncIterator[Authority]:
    async with two_processes(agent_config, database_with_store) as two:
        first = World(two.first, tmp_path / "public")
        yield Authority(first, World(two.second, first.folder, key=first.key, clock=first.clock), two)


@dataclass
class Nap:
    """A sleep in the middle of something; another process does what it likes meanwhile, once."""

    meanwhile: Callable[[], Awaitable[object]] | None

    async def take(self) -> None:
        if (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            await meanwhile()


class Sleeper(FolderPublisher):
    """A public folder whose process falls asleep before it writes a certain file."""

    def __init__(self, folder: Path, before: str, nap: Nap) -> None:
        super().__init__(folder)
        self._before = before
        self._nap = nap

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        if path.endswith(self._before):
            await self._nap.take()
        await super().put(path, body, content_type, number=number)


class Counting(FolderPublisher):
    """Remembers what was put."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.paths: list[str] = []

    async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
        self.paths.append(path.rpartition("/")[2])
        await super().put(path, body, content_type, number=number)


# At the same time


async def test_one_version_sent_to_both_is_published_once(authority: Authority) -> None:
    publications = [authority.first.publication(), authority.second.publication()]
    done = await asyncio.gather(*(publication.publish(payload(1)) for publication in publications))
    assert sorted(is_new for _, is_new in done) == [False, True]
    assert done[0][0].digest == done[1][0].digest
    assert (await authority.served())[0] == 1
    assert [entry.action for entry in await publications[0].history.entries()] == ["publication"]


async def test_of_two_files_with_one_version_one_is_refused(authority: Authority) -> None:
    files = [payload(1), payload(1, name="Another name (example)")]
    worlds = (authority.first, authority.second)
    done = await asyncio.gather(
        *(world.publication().publish(file) for world, file in zip(worlds, files, strict=True)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in done if isinstance(outcome, PublicationRefusedError)]
    assert len(refused) == 1
    assert [version.version for version in await authority.second.publication().versions()] == [1]
    assert authority.first.file("versions/1.jws") == authority.first.file("current.jws")


async def test_drafts_approved_at_once_become_two_versions(authority: Authority) -> None:
    desks = [authority.first.desk(), authority.second.desk()]
    people = await hire(desks[0])
    await published(desks[0], people, header=HEADER, records={str(CENTRE): centre_record()})
    drafts = []
    for number, desk in enumerate(desks):
        draft = await desk.drafts.open(people.editor, f"draft {number}")
        key = ("description", "docs_uri")[number]
        await desk.drafts.edit(draft.id, people.editor, header={key: f"https://authority.example.test/{number}"})
        drafts.append(await desk.drafts.submit(draft.id, people.editor))
    approved = await asyncio.gather(
        *(
            desk.approve(draft.id, people.approver, revision=draft.revision)
            for desk, draft in zip(desks, drafts, strict=True)
        )
    )
    assert sorted(draft.version or 0 for draft in approved) == [2, 3]
    assert (await authority.served())[0] == 3


async def test_a_draft_approved_and_swept_at_once_becomes_one_version(authority: Authority) -> None:
    first, second = authority.first.desk(), authority.second.desk()
    people = await hire(first)
    draft = await first.drafts.open(people.editor, "a first version")
    await first.drafts.edit(draft.id, people.editor, header=HEADER, records={str(CENTRE): centre_record()})
    draft = await first.drafts.submit(draft.id, people.editor)
    approval = first.approve(draft.id, people.approver, revision=draft.revision)
    await asyncio.gather(approval, *(second.go_on() for _ in range(5)))
    assert [version.version for version in await second.publication.versions()] == [1]
    assert (await second.drafts.get(draft.id)).version == 1


async def test_what_both_append_to_the_history_stands_there_once_each(authority: Authority) -> None:
    logs = [authority.first.publication().history, authority.second.publication().history]
    facts = [Fact(f"fact:{number}", "agent", Action.REVIEW, f"fact {number}") for number in range(20)]
    done = await asyncio.gather(*(log.append(fact) for fact in facts for log in logs))
    assert sum(done) == len(facts)
    entries = await logs[0].entries()
    assert [entry.n for entry in entries] == list(range(len(facts)))
    assert sorted(entry.why for entry in entries) == sorted(fact.why for fact in facts)
    heads = await asyncio.gather(*(log.publish() for log in logs))
    assert heads[0] == heads[1]
    assert len(authority.first.file("history/entries.jsonl").splitlines()) == len(facts)


async def test_an_id_is_given_to_one_official(authority: Authority) -> None:
    offices = [authority.first.desk().officials, authority.second.desk().officials]
    done = await asyncio.gather(
        *(office.add("perera", name=f"Perera {number}", roles={EDITOR}) for number, office in enumerate(offices)),
        return_exceptions=True,
    )
    (given,) = [outcome for outcome in done if isinstance(outcome, tuple)]
    assert isinstance(next(outcome for outcome in done if outcome is not given), DuplicateError)
    assert await offices[1].by_token(given[1]) == given[0]


async def test_who_is_removed_by_one_process_stays_so_whatever_the_other_changes(authority: Authority) -> None:
    first, second = authority.first.desk().officials, authority.second.desk().officials
    for number in range(5):
        name = f"official{number}"
        await first.add(name, name="Somebody", roles={EDITOR})
        done = await asyncio.gather(
            first.remove(name),
            second.renew_token(name),
            second.change(name, roles={APPROVER}),
            return_exceptions=True,
        )
        assert not isinstance(done[0], BaseException)
        assert all(isinstance(outcome, RefusedError) for outcome in done if isinstance(outcome, BaseException))
        assert not (await first.get(name)).is_active
        if isinstance(done[1], tuple):
            assert await second.by_token(done[1][1]) is None


# Freshness


async def test_a_statement_that_is_due_is_issued_by_one(authority: Authority) -> None:
    await authority.first.publication().publish(payload(1))
    authority.first.clock.advance(minutes=11)
    files = Counting(authority.first.folder)
    waiting = [world.publication(files) for world in (authority.first, authority.second) for _ in range(3)]
    await asyncio.gather(*(publication.keep_fresh() for publication in waiting))
    assert files.paths.count("freshness.jws") == 1
    assert {publication.statement for publication in waiting} == {(await authority.served())[1]}


async def test_the_other_process_learns_of_a_version_and_answers_from_it(authority: Authority) -> None:
    tasks: list[asyncio.Task[Any]] = []

    def spawn(_: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[Any]:
        tasks.append(asyncio.create_task(work))
        return tasks[-1]

    other = authority.second.publication()
    stop = other.statements.follow(spawn)
    own = OwnSnapshot(other, read=partial(read_own, other), spawn=spawn)
    publication = authority.first.publication()
    for version in (1, 2):
        await publication.publish(payload(version))
        for _ in range(3000):  # it takes milliseconds; the machine may be slow
            if (snapshot := own()) is not None and snapshot.file.version == version:
                break
            await asyncio.sleep(0.01)
        assert snapshot is not None
        assert snapshot.digest == (await authority.served())[1].digest
    stop()
    await asyncio.gather(*tasks)
    await publication.publish(payload(3))
    assert other.statement is not None
    assert other.statement.version == 2


# Who slept


async def goes_on(authority: Authority, *versions: int) -> Publication:
    """Let the other process publish, since the lease of the first has run out."""
    await authority.store.end_leases()
    other = authority.second.publication()
    for version in versions:
        await other.publish(payload(version))
    return other


@pytest.mark.parametrize("before", ["history/entries.jsonl", "current.jws", "freshness.jws"])
async def test_who_slept_while_it_published_overwrites_nothing_newer(authority: Authority, before: str) -> None:
    nap = Nap(lambda: goes_on(authority, 2, 3))
    publication = authority.first.publication(Sleeper(authority.first.folder, before, nap))
    version, is_new = await publication.publish(payload(1))
    assert (version.version, version.state, is_new) == (1, VersionState.PUBLISHED, True)
    assert nap.meanwhile is None
    assert (await authority.served())[0] == 3
    versions = await authority.second.publication().versions()
    assert [(version.version, version.state) for version in versions] == [
        (n, VersionState.PUBLISHED) for n in (3, 2, 1)
    ]
    assert [entry.version for entry in await publication.history.entries()] == [1, 2, 3]


async def test_who_slept_before_it_signed_publishes_nothing(authority: Authority) -> None:
    nap = Nap(lambda: goes_on(authority, 1))

    class SleepyKey:
        def __init__(self, world: World) -> None:
            self.kid = world.key.kid
            self._sign = world.key.sign

        async def sign(self, message: bytes) -> bytes:
            await nap.take()
            return await self._sign(message)

    first = authority.first.publication()
    first.key = SleepyKey(authority.first)
    with pytest.raises(LeaseLostError):
        await first.publish(payload(1, name="Another name (example)"))
    assert [version.version for version in await first.versions()] == [1]
    assert authority.first.file("versions/1.jws") == authority.first.file("current.jws")
    assert b"Another name" not in unverified_payload(authority.first.file("current.jws"))
    assert (await authority.served())[0] == 1


async def test_who_slept_before_it_reissued_leaves_the_newer_statement(authority: Authority) -> None:
    await authority.second.publication().publish(payload(1))

    async def another_reissues() -> None:
        await authority.store.end_leases()
        authority.first.clock.advance(minutes=1)
        await authority.second.publication().reissue()

    sleeper = Sleeper(authority.first.folder, "freshness.jws", Nap(another_reissues))
    with pytest.raises(LeaseLostError):
        await authority.first.publication(sleeper).reissue()
    _, statement = await authority.served()
    assert statement.iat == authority.first.clock()
    kept = authority.second.publication()
    await kept.statements.read()
    assert kept.statement == statement


async def test_a_version_that_another_process_took_up_is_not_removed_by_a_late_failure(authority: Authority) -> None:
    class LateDisk(FolderPublisher):
        """Fails after another process has finished the very version."""

        async def put(self, path: str, body: bytes, content_type: str, *, number: int | None = None) -> None:
            if path.endswith("versions/1.jws"):
                await goes_on(authority)
                pending = (await authority.second.publication().store.pending())[0]
                assert await authority.second.publication().store.take_up(pending) is not None
                raise ConfigurationError("no space left on the disk")
            await super().put(path, body, content_type, number=number)

    with pytest.raises(ConfigurationError, match="no space"):
        await authority.first.publication(LateDisk(authority.first.folder)).publish(payload(1))
    await authority.second.publication().repair()
    assert (await authority.served())[0] == 1


async def test_a_folder_that_is_ahead_of_a_restored_store_is_told_and_left(authority: Authority) -> None:
    """A version's number protects what is published from a wallet that was restored from an older copy."""
    await authority.first.publication().publish(payload(1))
    newer = authority.first.file("current.jws") + b" "
    files = FolderPublisher(authority.first.folder)
    await files.put("governance/sri-lanka/current.jws", newer, "application/jose", number=2)
    with pytest.raises(NewerFileError) as told:
        await authority.first.publication().repair()
    assert "restore" in str(told.value.hint)
    assert authority.first.file("current.jws") == newer


@pytest.mark.parametrize("behind_s", [60, 240])
async def test_the_statement_of_a_process_whose_clock_is_behind_is_not_older_than_the_last_one(
    authority: Authority, behind_s: int
) -> None:
    """Else consumers, who go by the newest statement they have seen, refuse it and the version with it."""
    await authority.first.publication().publish(payload(1))
    _, before = await authority.served()
    slow = Clock(authority.first.clock.now - timedelta(seconds=behind_s))
    second = World(authority.second.profile, authority.second.folder, key=authority.second.key, clock=slow)
    await second.publication().publish(payload(2))
    version, statement = await authority.served()
    assert version == 2
    assert statement.iat == before.iat


async def test_a_statement_that_nobody_can_have_taken_over_does_not_count(authority: Authority) -> None:
    """A process whose clock was a day ahead would else keep all others a day ahead."""
    now = authority.first.clock.now
    authority.first.clock.advance(days=1)
    await authority.first.publication().publish(payload(1))
    authority.first.clock.now = now
    await authority.second.publication().publish(payload(2))
    assert (await authority.served())[1].iat == now
