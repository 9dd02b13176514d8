"""Registries and revocations: what a crash left is taken up, and nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST
from acapy_agent.protocols.issue_credential.v2_0.manager import V20CredManager
from tests.unit.issuer.workshop import REGISTRY_SIZE, Workshop

from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.registries import Registries, RegistryState
from wanderbuch.agents.issuer.revocations import RevocationIntent, RevocationState
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.identifiers import RevRegDefId
from wanderbuch.plugins.trust.places import SigningPlaces
from wanderbuch.plugins.webvh.revocation import WebvhRevocation
from wanderbuch.store.records import RecordStore

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        made = Workshop(folder)
        await made.open()
        yield made
        await made.profile.close()


@pytest_asyncio.fixture(loop_scope="module")
async def workshop(opened: Workshop) -> Workshop:
    opened.start()
    await opened.standing.prepare()
    return opened


async def is_revoked_in_public(workshop: Workshop, offer: Offer) -> bool:
    assert offer.registry is not None
    assert offer.index is not None
    found = await workshop.registry.get_revocation_list(workshop.profile, RevRegDefId.parse(offer.registry))
    return bool(found.revocation_list.revocation_list[offer.index])


async def intend(workshop: Workshop, offer: Offer) -> None:
    """Keep an intent as a process does that is killed right after."""
    intent = RevocationIntent(id=offer.id, registry=offer.registry, index=offer.index, connection_id=None)
    await RecordStore(workshop.profile, RevocationIntent).insert(intent)


async def test_restart_finds_definition_and_registries_again(workshop: Workshop) -> None:
    before = workshop.cred_def_id, [each.id for each in await workshop.standing.registries()]
    workshop.start()
    await workshop.standing.prepare()
    assert (workshop.cred_def_id, [each.id for each in await workshop.standing.registries()]) == before


async def test_registry_without_a_status_list_gets_one_at_the_next_start(workshop: Workshop) -> None:
    registries = Registries(workshop.profile, size=6)
    await registries.ensure_spare(workshop.cred_def_id)
    spare = next(each for each in await registries.all(workshop.cred_def_id) if each.state is RegistryState.SPARE)
    async with workshop.profile.session() as session:
        await session.handle.remove(CATEGORY_REV_LIST, spare.id)  # a crash between definition and list
    await registries.ensure_active(workshop.cred_def_id)
    assert spare.id in [each.id for each in await registries.all(workshop.cred_def_id)]


async def test_full_registry_gives_way_to_the_spare_and_a_new_spare_is_made(workshop: Workshop) -> None:
    registries = Registries(workshop.profile, size=6)
    first = await registries.ensure_active(workshop.cred_def_id)
    while (await registries.ensure_active(workshop.cred_def_id)) == first:
        await workshop.issue()
    await registries.ensure_spare(workshop.cred_def_id)
    states = {each.id: each.state for each in await registries.all(workshop.cred_def_id)}
    assert states[first] is RegistryState.FULL
    assert sorted(state.value for state in states.values()).count("ACTIVE") == 1
    assert RegistryState.SPARE in states.values()


async def test_revocation_that_was_only_intended_is_published_at_the_next_start(workshop: Workshop) -> None:
    offer = await workshop.issue()
    await intend(workshop, offer)
    await workshop.revocations.publish_all()
    assert await is_revoked_in_public(workshop, offer)
    assert (await workshop.desk.get(offer.id)).state is OfferState.REVOKED


async def test_revocation_that_is_in_the_wallet_but_not_public_is_published(workshop: Workshop) -> None:
    """ACA-Py updates its own list first; a crash then leaves a credential revoked here and valid everywhere else."""
    offer = await workshop.issue()
    await intend(workshop, offer)
    steps = WebvhRevocation(workshop.profile)
    await steps.mark_pending_revocations(offer.registry, offer.index)
    await steps.revoke_pending_credentials(offer.registry)
    assert not await is_revoked_in_public(workshop, offer)
    await workshop.revocations.publish_all()
    assert await is_revoked_in_public(workshop, offer)


async def test_asking_before_the_list_is_public_says_so_and_asking_later_too(workshop: Workshop) -> None:
    offer = await workshop.issue()
    asked = await workshop.revocations.request(offer, wait_s=0.05)  # nobody publishes
    assert asked.state is RevocationState.REQUESTED
    assert not await is_revoked_in_public(workshop, offer)
    workshop.publishes = True
    again = await workshop.revocations.request(offer, wait_s=10)
    assert again.state is RevocationState.PUBLISHED
    assert again.created_at == asked.created_at


async def test_many_revocations_become_one_status_list(workshop: Workshop) -> None:
    registries = Registries(workshop.profile, size=6)
    while next(iter(await registries.all(workshop.cred_def_id))).used > 2:
        await workshop.issue()
        await registries.ensure_active(workshop.cred_def_id)
    held = [await workshop.issue(), await workshop.issue()]
    for offer in held:
        await intend(workshop, offer)
    await workshop.revocations.publish_all()
    listed = [await workshop.revocations.get_or_none(offer.id) for offer in held]
    assert len({intent.listed_at for intent in listed if intent}) == 1


async def test_offer_without_a_credential_is_not_revoked(workshop: Workshop) -> None:
    offer = await workshop.offer()
    with pytest.raises(ExchangeError):
        await workshop.revocations.request(offer, wait_s=0)


async def test_sweep_notes_a_credential_that_was_signed_before_a_crash(workshop: Workshop) -> None:
    offer = await workshop.offer()
    manager = V20CredManager(workshop.profile)
    exchange = await workshop.exchange(offer)
    exchange = await manager.receive_request(await workshop.request_for(exchange), workshop.connection, None)
    await manager.issue_credential(exchange)
    assert (await workshop.desk.get(offer.id)).state is OfferState.OPEN
    await workshop.desk.sweep(datetime.now(UTC))
    noted = await workshop.desk.get(offer.id)
    assert (noted.state, noted.index is not None) == (OfferState.ISSUED, True)


async def test_sweep_ends_overdue_offers_and_forgets_old_exchanges(workshop: Workshop) -> None:
    offer = await workshop.offer(lifetime=timedelta(seconds=30))
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(minutes=1))
    ended = await workshop.desk.get(offer.id)
    assert (ended.state, ended.forgotten) == (OfferState.NO_ANSWER, False)
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(days=2))
    assert (await workshop.desk.get(offer.id)).forgotten
    assert await workshop.desk._exchange(offer) is None


async def test_credential_that_a_crash_kept_from_leaving_is_sent_by_the_next_process_once(workshop: Workshop) -> None:
    """ACA-Py queues what goes out in memory."""
    offer = await workshop.issue()
    workshop.heard()
    workshop.start()
    await workshop.desk.sweep(datetime.now(UTC))
    assert workshop.heard().count("V20CredIssue") >= 1
    await workshop.desk.sweep(datetime.now(UTC))
    assert workshop.heard() == []
    assert (await workshop.desk.get(offer.id)).sends == 2


async def test_requests_at_once_fill_registry_after_registry_and_none_is_refused(workshop: Workshop) -> None:
    """Trap 8: ACA-Py tries five times, two seconds apart, and gives up; of sixty requests at once it lost five."""
    offers = [await workshop.offer() for _ in range(REGISTRY_SIZE + 2)]
    requests = [await workshop.request_for(await workshop.exchange(offer)) for offer in offers]
    workshop.profile.context.injector.bind_instance(SigningPlaces, workshop.standing.places)
    try:
        await asyncio.gather(*(workshop.receive(request) for request in requests))
    finally:
        workshop.profile.context.injector.clear_binding(SigningPlaces)
    ended = [await workshop.desk.get(offer.id) for offer in offers]
    assert {offer.state for offer in ended} == {OfferState.ISSUED}
    assert len({(offer.registry, offer.index) for offer in ended}) == len(offers)
    assert all(offer.index is not None and offer.index < REGISTRY_SIZE for offer in ended)
