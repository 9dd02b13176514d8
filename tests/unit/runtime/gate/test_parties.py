"""Whose hosts are never counted as a stranger's work: those whom the governance in force names."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from tests.unit.governance.recognition_vectors import snapshot_of, topics

from wanderbuch.agents.runtime.gate import parties
from wanderbuch.agents.runtime.gate.parties import Parties
from wanderbuch.governance.facts.identifiers import Did, IdentifierError, WebvhDid
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.plugins.trust.following.source import GovernanceSourceConfig

CASE = next(topics())["accepted"]
CONFIG = GovernanceSourceConfig(
    url="https://files.example.test/governance/x",
    author=Did.parse("did:webvh:QmZiyaPNtfWPaFz7oF3NcAyM85zq7yx6oNrrrzSRxqVnPj:authority.example.test:org"),
)


@dataclass
class Held:
    """A source that holds what it is given."""

    latest: GovernanceSnapshot | None = None
    config: GovernanceSourceConfig = CONFIG

    def snapshot(self) -> GovernanceSnapshot | None:
        return self.latest


def named(snapshot: GovernanceSnapshot) -> set[str]:
    """The hosts of whoever issues by a governance, and of its author."""
    hosts = set()
    for did in (snapshot.file.author, *(accreditation.issuer for accreditation in snapshot.file.accreditations)):
        try:
            hosts.add(WebvhDid.parse(did).host)
        except IdentifierError:
            continue
    return hosts


def test_before_there_is_a_file_only_the_authority_is_a_party() -> None:
    known = Parties(Held())  # type: ignore[arg-type]
    assert known.is_party("authority.example.test")
    assert known.is_party("files.example.test")
    assert not known.is_party("stranger.example.test")


def test_whoever_the_file_or_a_recognised_one_names_is_a_party_and_nobody_else() -> None:
    source = Held()
    known = Parties(source)  # type: ignore[arg-type]
    source.latest = snapshot_of(CASE)
    hosts = named(source.latest).union(*(named(recognised) for recognised in source.latest.recognised.values()))
    assert source.latest.recognised
    assert hosts
    assert all(known.is_party(host) for host in hosts)
    assert known.is_party("authority.example.test")
    assert not known.is_party("stranger.example.test")
    assert not known.is_party("evil." + next(iter(hosts)))


def test_whoever_a_newer_file_does_not_name_is_no_party() -> None:
    source = Held(snapshot_of(CASE))
    known = Parties(source)  # type: ignore[arg-type]
    snapshot = snapshot_of(CASE)
    (left,) = (named(recognised) for recognised in list(snapshot.recognised.values())[:1])
    gone = left - named(snapshot)
    assert gone
    assert all(known.is_party(host) for host in gone)
    without = replace(snapshot.file, participants=(), recognitions=(), trusted_governance=())
    source.latest = replace(snapshot, recognised={}, file=without)
    assert not any(known.is_party(host) for host in gone)


async def test_a_large_file_is_listed_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parties, "_AT_ONCE", -1)
    source = Held(snapshot_of(CASE))
    known = Parties(source)  # type: ignore[arg-type]
    (host, *_) = named(source.snapshot())  # type: ignore[arg-type]
    assert not known.is_party(host)
    async with asyncio.timeout(60):
        while not known.is_party(host):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
