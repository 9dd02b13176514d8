import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.authority.trqp_site import FILE

from wanderbuch.agents.authority.trqp_role import read_token
from wanderbuch.agents.authority.trqp_source import OwnSnapshot
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.question import GovernanceRef
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.signed.freshness import FreshnessStatement

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Publication:
    """An authority that publishes versions of the example file."""

    statement: FreshnessStatement | None = None
    readable: bool = True
    read: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    recognised: dict[Any, GovernanceSnapshot] = field(default_factory=dict)

    def publish(self, version: int, at: datetime = NOW) -> None:
        ref = GovernanceRef(FILE.id, version, f"sha256:{version:064}")
        self.statement = FreshnessStatement.for_file(ref, at=at, lifetime=timedelta(hours=1))

    async def file(self, digest: str) -> GovernanceFile:
        self.read.append(digest)
        if not self.readable:
            raise NotReadyError("another version")
        return replace(FILE, version=int(digest.removeprefix("sha256:")))

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> object:
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    async def settled(self) -> None:
        await asyncio.gather(*self.tasks)

    def own(self) -> OwnSnapshot:
        return OwnSnapshot(self, read=self.file, spawn=self.spawn, recognised=lambda: self.recognised)


async def test_there_is_no_snapshot_before_the_first_version() -> None:
    publication = Publication()
    assert publication.own()() is None
    assert publication.tasks == []


async def test_the_current_version_is_read_once() -> None:
    publication = Publication()
    own = publication.own()
    publication.publish(1)
    assert own() is None
    assert own() is None
    await publication.settled()
    assert own() is own()
    assert (own().file.version, own().digest) == (1, f"sha256:{1:064}")  # type: ignore[union-attr]
    assert len(publication.read) == 1


async def test_a_new_statement_about_the_same_version_is_taken_at_once() -> None:
    publication = Publication()
    own = publication.own()
    publication.publish(1)
    own()
    await publication.settled()
    publication.publish(1, NOW + timedelta(minutes=30))
    snapshot = own()
    assert snapshot is not None
    assert (snapshot.fresh_from, snapshot.fresh_until) == (NOW + timedelta(minutes=30), NOW + timedelta(minutes=90))
    assert len(publication.read) == 1


async def test_the_version_before_is_given_while_the_new_one_is_read_and_keeps_its_own_end() -> None:
    publication = Publication()
    own = publication.own()
    publication.publish(1)
    own()
    await publication.settled()
    publication.publish(2, NOW + timedelta(minutes=30))
    snapshot = own()
    assert snapshot is not None
    assert (snapshot.file.version, snapshot.fresh_until) == (1, NOW + timedelta(hours=1))
    await publication.settled()
    assert own().file.version == 2  # type: ignore[union-attr]


async def test_what_could_not_be_read_is_read_at_the_next_question() -> None:
    publication = Publication(readable=False)
    own = publication.own()
    publication.publish(1)
    assert own() is None
    await publication.settled()
    assert own() is None
    publication.readable = True
    await publication.settled()
    own()
    await publication.settled()
    assert own().file.version == 1  # type: ignore[union-attr]


async def test_recognised_authorities_are_taken_as_they_change() -> None:
    publication = Publication()
    own = publication.own()
    publication.publish(1)
    own()
    await publication.settled()
    other = GovernanceSnapshot(FILE, "sha256:" + "b" * 64, None)
    publication.recognised = {FILE.author: other}
    assert own().recognised == {FILE.author: other}  # type: ignore[union-attr]


def test_a_token_is_read_from_its_file(tmp_path: Any) -> None:
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    assert read_token(path).get_secret_value() == "0123456789abcdef"
    path.write_text("0123456789abcde\n")
    with pytest.raises(ConfigurationError, match="at least 16"):
        read_token(path)
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_token(tmp_path / "missing")


async def test_whoever_asks_first_waits_for_the_file_and_all_of_them_read_it_once() -> None:
    publication = Publication()
    own = publication.own()
    publication.publish(1)
    await asyncio.gather(*(own.refresh() for _ in range(5)))
    assert own().file.version == 1  # type: ignore[union-attr]
    assert len(publication.read) == 1
