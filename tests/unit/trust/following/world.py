"""An authority's host, and what it takes to follow it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pytest
from acapy_agent.core.profile import Profile
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import AUTHORITY, Authority, FileHost, digest, payload, webvh
from tests.welders import accreditation

from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.question import Reason
from wanderbuch.governance.signed.signing import SignedGovernanceFile
from wanderbuch.plugins.http.edge import HttpEdge
from wanderbuch.plugins.trust.following.source import GovernanceSource, GovernanceSourceConfig

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
    opened = await memory_wallet()
    yield opened
    await opened.close()


def codes(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.code for reason in reasons]
