"""The last place of a link, for which two wallets come at the same moment to two processes of one employer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.postgresql import Database
from tests.two_processes import two_processes
from tests.unit.trust.ecosystem import Authority, Issuer, webvh
from tests.unit.trust.employer import Employer, open_employer
from tests.unit.verifier.test_applying import connection, opened

from wanderbuch.agents.runtime.config import AgentConfig
from wanderbuch.agents.verifier.links.applying import Applying
from wanderbuch.agents.verifier.links.link import LinkOverError, Links
from wanderbuch.agents.verifier.links.wallet_questions import ids_at_places
from wanderbuch.store.records import utc_now

pytestmark = pytest.mark.needs("postgresql")

ROUNDS = 6


@pytest.fixture
async def both(agent_config: AgentConfig, database: Database) -> AsyncIterator[tuple[Employer, Employer]]:
    authority, issuers, now = Authority(), (Issuer(webvh("centre")), Issuer(webvh("cooks"))), datetime.now(UTC)
    async with two_processes(agent_config, database) as two:
        first, second = [await open_employer(profile, authority, *issuers, now) for profile in (two.first, two.second)]
        yield first, second


async def test_a_place_that_two_take_at_once_is_one_ones(both: tuple[Employer, Employer]) -> None:
    for _ in range(ROUNDS):
        _, links, link = await opened(both[0], most=3)
        ours = [Links(employer.profile) for employer in both]
        outcomes: list[Any] = await asyncio.gather(
            *(process.take_place(link.id, at=utc_now()) for process in ours * 3), return_exceptions=True
        )
        places = [outcome[1] for outcome in outcomes if isinstance(outcome, tuple)]
        assert sorted(places) == [0, 1, 2], outcomes
        assert [isinstance(outcome, LinkOverError) for outcome in outcomes].count(True) == 3
        assert (await links.get(link.id)).taken == 3


async def test_of_two_wallets_that_come_at_once_for_the_last_place_one_is_asked(
    both: tuple[Employer, Employer],
) -> None:
    for number in range(ROUNDS):
        first, links, link = await opened(both[0], most=1)
        second = await beside(both[1], first)
        wallets = [connection(f"{number}.{name}") for name in ("one", "another")]
        has_place = await asyncio.gather(
            *(process.take(link.id, wallet) for process, wallet in zip((first, second), wallets, strict=True))
        )
        assert sorted(has_place) == [False, True]
        assert (await links.get(link.id)).taken == 1
        asked = [await first._desk.find(both[0].profile, ids_at_places(link.id, wallet.id)[0]) for wallet in wallets]
        assert [question is not None for question in asked] == has_place
        # The one who was refused is told so again, at either process; the other has its place at either.
        for process in (first, second):
            assert [await process.take(link.id, wallet) for wallet in wallets] == has_place


async def beside(employer: Employer, other: Applying) -> Applying:
    """Return who asks those that answer links at the other process."""
    return Applying(
        employer.profile,
        Links(employer.profile),
        desk=employer.desk,
        source=employer.source,
        asker=other._asker,
        answer_in=other._answer_in,
    )
