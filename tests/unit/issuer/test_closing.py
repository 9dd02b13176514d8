"""A centre that closes revokes its free places: what was issued stays good, and nobody issues into them any more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST
from tests.unit.issuer.conftest import open_workshop
from tests.unit.issuer.workshop import REGISTRY_SIZE, Workshop
from tests.unit.power import Power, power

from wanderbuch.agents.issuer.closing import close_places
from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["power"]


@pytest_asyncio.fixture(loop_scope="module")
async def opened(tmp_path: Path) -> AsyncIterator[Workshop]:
    """A workshop for each test: its registries are closed at the end."""
    async with open_workshop(tmp_path) as made:
        yield made


async def public_lists(workshop: Workshop) -> dict[str, list[int]]:
    """Return which places are revoked in public, by registry."""
    lists = {}
    for registry in await workshop.standing.registries():
        result = await workshop.registry.get_revocation_list(workshop.profile, RevRegDefId.parse(registry.id))
        bits = result.revocation_list.revocation_list
        lists[str(registry.id)] = [place for place, bit in enumerate(bits) if bit]
    return lists


async def test_free_places_are_revoked_and_given_ones_are_not(workshop: Workshop) -> None:
    kept, taken_back = await workshop.issue(), await workshop.issue()
    await workshop.standing.keep()  # a spare beside
    await workshop.revocations.ask(taken_back, None)
    assert kept.index is not None
    assert kept.registry == taken_back.registry
    used = await workshop.used()
    await workshop.revocations.publish_all()
    closed = await close_places(workshop.profile)
    lists = await public_lists(workshop)
    assert len(lists) == 2
    for registry, revoked in lists.items():
        free = set(range(used + 1, REGISTRY_SIZE)) | {taken_back.index}
        assert set(revoked) == (free if registry == kept.registry else set(range(1, REGISTRY_SIZE)))
        assert kept.index not in revoked or registry != kept.registry
    assert sum(one.places for one in closed) == sum(map(len, lists.values())) - 1
    again = await close_places(workshop.profile)
    assert ([one.places for one in again], await public_lists(workshop)) == ([0, 0], lists)


async def test_an_agent_that_runs_again_gives_none_of_them(workshop: Workshop) -> None:
    await workshop.issue()
    await close_places(workshop.profile)
    closed = await public_lists(workshop)
    workshop.start()
    await workshop.standing.prepare()
    later = await workshop.issue()
    assert later.registry not in closed  # of a registry of its own, which whoever serves the files does not have


async def test_a_registry_that_has_no_list_yet_holds_up_no_other(workshop: Workshop) -> None:
    """As a crash leaves one, between the writing of a registry and of its first list: nothing can be issued from it."""
    kept = await workshop.issue()
    await workshop.standing.keep()  # a spare beside
    registries = [str(registry.id) for registry in await workshop.standing.registries()]
    bare = next(registry for registry in registries if registry != kept.registry)
    async with workshop.profile.session() as session:
        await session.handle.remove(CATEGORY_REV_LIST, bare)
    closed = {one.registry: one.places for one in await close_places(workshop.profile)}
    assert closed == {kept.registry: REGISTRY_SIZE - 1 - 1, bare: 0}


async def test_all_free_places_are_revoked_wherever_the_power_fails(workshop: Workshop, power: Power) -> None:
    kept = await workshop.issue()
    for steps in power.cuts():
        workshop.start()
        await workshop.standing.prepare()  # a fresh registry each time
        if not await power.lasts(steps, lambda: close_places(workshop.profile)):
            break
        await close_places(workshop.profile)
        lists = await public_lists(workshop)
        for registry, revoked in lists.items():
            given = {kept.index} if registry == kept.registry else set()
            assert given.isdisjoint(revoked), steps
            if registry != kept.registry:
                assert set(revoked) == set(range(1, REGISTRY_SIZE)), steps
    assert steps > 2
