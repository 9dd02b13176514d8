"""Registries, places, revocations and what is sent again: what a crash left is taken up, and nothing is done twice."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from acapy_agent.anoncreds.constants import CATEGORY_REV_LIST
from tests.unit.issuer.conftest import restart
from tests.unit.issuer.workshop import REGISTRY_SIZE, Message, Workshop

from wanderbuch.agents.issuer.intents import GIVE_UP, RevocationIntent, RevocationState, open_intents
from wanderbuch.agents.issuer.models import revocation_view
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.places import STEPS, Places
from wanderbuch.agents.issuer.registries import Registries, RegistryState
from wanderbuch.agents.issuer.signing import Place
from wanderbuch.errors import ExchangeError
from wanderbuch.governance.facts.anoncreds_ids import RevRegDefId
from wanderbuch.plugins.indy.revocation import PublishedRevocation
from wanderbuch.plugins.webvh.revocation import WebvhRevocation
from wanderbuch.store.elapsing import elapsing
from wanderbuch.store.tables import tables_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREDENTIAL = "issue-credential"


async def is_revoked_in_public(workshop: Workshop, offer: Offer) -> bool:
    assert offer.registry is not None
    assert offer.index is not None
    result = await workshop.registry.get_revocation_list(workshop.profile, RevRegDefId.parse(offer.registry))
    return bool(result.revocation_list.revocation_list[offer.index])


async def intend(workshop: Workshop, offer: Offer) -> None:
    """Keep an intent as a process does that is killed right after."""
    intent = RevocationIntent(id=offer.id, registry=str(offer.registry), index=offer.index or 0)
    await workshop.revocations._intents.insert(intent)


async def revoked(workshop: Workshop) -> Offer:
    """Return an offer whose credential is revoked in public."""
    offer = await workshop.issue()
    await workshop.heard()
    await workshop.revocations.request(offer, wait_s=0)
    await workshop.revocations.publish_all()
    return await workshop.desk.get(offer.id)


async def told(workshop: Workshop, offer: Offer) -> list[Message]:
    """Return what the wallet of an offer was sent since the last time; there are others from the tests before."""
    phone = workshop.phone_of(offer)
    return [message for to, message in await workshop.messages() if to is phone]


async def notice_ack(workshop: Workshop, offer: Offer, *, status: str = "OK") -> bool:
    thread = {"thid": f"{offer.id}.r"}
    ack = {
        "@type": "https://didcomm.org/revocation_notification/2.0/ack",
        "@id": "a",
        "~thread": thread,
        "status": status,
    }
    return await workshop.receive(ack, workshop.phone_of(offer))


async def test_restart_finds_definition_and_registries_again(workshop: Workshop) -> None:
    before = workshop.cred_def_id, [registry.id for registry in await workshop.standing.registries()]
    workshop.start()
    await workshop.standing.prepare()
    assert (workshop.cred_def_id, [registry.id for registry in await workshop.standing.registries()]) == before


async def test_registry_without_a_status_list_gets_one_at_the_next_start(workshop: Workshop) -> None:
    registries = Registries(workshop.profile, size=6)
    await registries.ensure_spare(workshop.cred_def_id)
    spare = next(
        registry for registry in await registries.all(workshop.cred_def_id) if registry.state is RegistryState.SPARE
    )
    async with workshop.profile.session() as session:
        await session.handle.remove(CATEGORY_REV_LIST, spare.id)  # a crash between definition and list
    await registries.ensure_active(workshop.cred_def_id)
    assert spare.id in [registry.id for registry in await registries.all(workshop.cred_def_id)]


async def test_full_registry_gives_way_to_the_spare_and_a_new_spare_is_made(workshop: Workshop) -> None:
    registries = Registries(workshop.profile, size=6)
    first = await registries.ensure_active(workshop.cred_def_id)
    while (await registries.ensure_active(workshop.cred_def_id)) == first:
        await workshop.issue()
    await registries.ensure_spare(workshop.cred_def_id)
    states = {registry.id: registry.state for registry in await registries.all(workshop.cred_def_id)}
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
    offers = [await workshop.issue(), await workshop.issue()]
    for offer in offers:
        await intend(workshop, offer)
    await workshop.revocations.publish_all()
    listed = [await workshop.revocations.get_or_none(offer.id) for offer in offers]
    assert len({intent.listed_at for intent in listed if intent}) == 1


async def test_offer_without_a_credential_is_not_revoked(workshop: Workshop) -> None:
    offer = await workshop.offer()
    with pytest.raises(ExchangeError):
        await workshop.revocations.request(offer, wait_s=0)


async def test_a_wallet_is_told_that_its_credential_is_revoked_until_it_has_heard(workshop: Workshop) -> None:
    offer = await revoked(workshop)
    (notice,) = await told(workshop, offer)
    assert (notice["revocation_format"], notice["credential_id"]) == (
        "indy-anoncreds",
        f"{offer.registry}::{offer.index}",
    )
    at = datetime.now(UTC)
    await workshop.revocations.notices.sweep(at + timedelta(seconds=5))
    assert await told(workshop, offer) == []
    await workshop.revocations.notices.sweep(at + timedelta(minutes=5))
    assert await told(workshop, offer) == [notice]
    await restart(workshop)
    assert await told(workshop, offer) == [notice]  # it may have been lost with the process before
    assert await notice_ack(workshop, offer)
    assert await workshop.desk.book.payloads.find(notice["@id"]) is None
    await restart(workshop)
    await workshop.revocations.notices.sweep(at + timedelta(hours=5))
    assert await told(workshop, offer) == []


async def test_a_notice_is_acknowledged_by_its_wallet_alone(workshop: Workshop) -> None:
    offer, other = await revoked(workshop), await workshop.issue()
    workshop.wallets.by_offer[offer.id] = workshop.phone_of(other)
    assert not await notice_ack(workshop, offer)
    assert await workshop.desk.book.payloads.find(f"{offer.id}.r") is not None


@pytest.mark.parametrize("status", ["FAIL", "PENDING"])
async def test_a_wallet_that_could_not_take_a_notice_has_not_heard_it(workshop: Workshop, status: str) -> None:
    offer = await revoked(workshop)
    (notice,) = await told(workshop, offer)
    assert await notice_ack(workshop, offer, status=status)
    assert revocation_view(await open_intents(workshop.profile).get(offer.id)).told_at is None
    await workshop.revocations.notices.sweep(datetime.now(UTC) + timedelta(minutes=1))
    assert await told(workshop, offer) == [notice]


async def test_the_issuer_sees_whether_a_wallet_has_heard_and_until_when_it_is_told(workshop: Workshop) -> None:
    offer = await revoked(workshop)
    intents = open_intents(workshop.profile)
    before = revocation_view(await intents.get(offer.id))
    assert before.published_at is not None
    assert (before.told_at, before.told_until) == (None, before.published_at + GIVE_UP)
    assert await notice_ack(workshop, offer)
    assert revocation_view(await intents.get(offer.id)).told_at is not None


async def test_a_notice_that_nobody_acknowledges_is_given_up_after_a_week(workshop: Workshop) -> None:
    offer = await revoked(workshop)
    await workshop.revocations.notices.sweep(datetime.now(UTC))
    await workshop.heard()
    for _ in range(2):
        await workshop.revocations.notices.sweep(datetime.now(UTC) + GIVE_UP + timedelta(minutes=1))
        assert await told(workshop, offer) == []
    assert await workshop.desk.book.payloads.find(f"{offer.id}.r") is None


async def test_sweep_ends_overdue_offers(workshop: Workshop) -> None:
    offer = await workshop.offer(lifetime=timedelta(seconds=30))
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(minutes=1))
    ended = await workshop.desk.get(offer.id)
    assert (ended.state, ended.ended_at) == (OfferState.NO_ANSWER, offer.answer_by)


async def test_credential_that_a_crash_kept_from_leaving_is_sent_by_the_next_process_once(workshop: Workshop) -> None:
    offer = await workshop.issue()
    first = (await told(workshop, offer))[-1]
    assert first["@type"].endswith(CREDENTIAL)
    workshop.start()
    await workshop.standing.prepare()
    await workshop.desk.sweep(datetime.now(UTC))
    assert await told(workshop, offer) == [first]
    await workshop.desk.sweep(datetime.now(UTC))
    assert await told(workshop, offer) == []


async def test_credential_is_sent_again_ever_less_often_until_it_is_acknowledged(workshop: Workshop) -> None:
    offer = await workshop.issue()
    await workshop.heard()
    rows = tables_of(workshop.profile).engine
    pauses: list[float] = []
    for _ in range(3):
        ((due,),) = await rows.run("SELECT due FROM row WHERE id = ? AND state = 'ISSUED'", offer.id)
        pauses.append(due - datetime.now(UTC).timestamp())
        await workshop.desk.sweep(datetime.fromtimestamp(due, UTC) + timedelta(seconds=1))
        assert [message["@type"].endswith(CREDENTIAL) for message in await told(workshop, offer)] == [True]
    assert pauses[0] == pytest.approx(30, abs=5)
    await workshop.acknowledge(offer)
    await workshop.desk.sweep(datetime.now(UTC) + timedelta(hours=1))
    assert await told(workshop, offer) == []
    assert await rows.run("SELECT due FROM row WHERE id = ? AND kind = 'wanderbuch.offer'", offer.id) == [(None,)]


async def test_requests_at_once_fill_registry_after_registry_and_none_is_refused(workshop: Workshop) -> None:
    """Trap 8: ACA-Py tries five times, two seconds apart, and gives up; of sixty requests at once it lost five."""
    offers = [await workshop.offer() for _ in range(REGISTRY_SIZE + 2)]
    requests = [(await workshop.request_for(offer), workshop.phone_of(offer)) for offer in offers]
    await asyncio.gather(*(workshop.receive(request, phone) for request, phone in requests))
    ended = [await workshop.desk.get(offer.id) for offer in offers]
    assert {offer.state for offer in ended} == {OfferState.ISSUED}
    assert len({(offer.registry, offer.index) for offer in ended}) == len(offers)
    assert all(offer.index is not None and 0 < offer.index < REGISTRY_SIZE for offer in ended)


async def count_of(workshop: Workshop, registry_id: str) -> int:
    async with workshop.profile.session() as session:
        entry = await session.handle.fetch(CATEGORY_REV_LIST, registry_id)
    return int(json.loads(entry.value)["next_index"])


async def test_places_are_reserved_more_at_a_time_as_use_grows_and_what_is_left_comes_back(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    registries = Registries(workshop.profile, size=400)
    registry_id = await registries._make(workshop.cred_def_id)
    await registries._steps.set_active_registry(registry_id)
    places = Places(workshop.profile, registries)
    counts, taken = [], []
    for _ in range(sum(STEPS) + 1):
        taken.append(await places.take(workshop.cred_def_id))
        counts.append(await count_of(workshop, registry_id) - 1)
    assert list(dict.fromkeys(counts)) == [1, 5, 37, 69]
    assert [place.index for place in taken] == list(range(1, 39))
    await places.release()
    assert await count_of(workshop, registry_id) == 39
    slow = Places(workshop.profile, registries)
    before = elapsing()
    for hours in range(3):  # an hour between one and the next
        monkeypatch.setattr("wanderbuch.agents.issuer.places.elapsing", lambda h=hours: before + 3600.0 * h)
        await slow.take(workshop.cred_def_id)
    assert await count_of(workshop, registry_id) == 42


async def test_places_come_back_only_where_nobody_has_reserved_later_ones(workshop: Workshop) -> None:
    registries = Registries(workshop.profile, size=400)
    registry_id = await registries._make(workshop.cred_def_id)
    await registries._steps.set_active_registry(registry_id)
    first, second = Places(workshop.profile, registries), Places(workshop.profile, registries)
    for _ in range(2):  # 1, then 2 to 5, of which one is used
        await first.take(workshop.cred_def_id)
    assert (await second.take(workshop.cred_def_id)).index == 6
    await first.release()
    assert await count_of(workshop, registry_id) == 7
    assert (await second.take(workshop.cred_def_id)).index == 7  # no place is given twice


async def test_a_place_with_which_nothing_was_signed_is_given_to_the_next(workshop: Workshop) -> None:
    place = await workshop.standing.places.take(workshop.cred_def_id)
    workshop.standing.places.give_back(workshop.cred_def_id, place)
    assert (await workshop.standing.places.take(workshop.cred_def_id)) is place


async def test_what_is_signed_after_a_revocation_is_signed_for_the_list_that_has_it(workshop: Workshop) -> None:
    def revoked(place: Place) -> list[int]:
        bits = json.loads(place.registry.status_list.to_json())["revocationList"]
        return [index for index, bit in enumerate(bits) if bit]

    registries = Registries(workshop.profile, size=400)
    registry_id = await registries._make(workshop.cred_def_id)
    await registries._steps.set_active_registry(registry_id)
    places, steps = Places(workshop.profile, registries), PublishedRevocation(workshop.profile)
    first, _ = [await places.take(workshop.cred_def_id) for _ in range(2)]  # and three more are reserved
    parsed = RevRegDefId.parse(registry_id)
    await steps.mark_pending_revocations(parsed, first.index)
    await steps.revoke_pending_credentials(parsed)
    assert revoked(await places.take(workshop.cred_def_id)) == []  # nobody has said that there is another list
    places.list_changed(registry_id)
    next_places = [await places.take(workshop.cred_def_id) for _ in range(2)]
    assert [place.index for place in next_places] == [4, 5]
    assert [revoked(place) for place in next_places] == [[first.index]] * 2


async def test_whoever_publishes_a_revocation_says_so_where_places_are_given(workshop: Workshop) -> None:
    offer = await workshop.issue()
    assert await workshop.revocations.ask(offer, None)
    told: list[str] = []
    workshop.revocations._on_listed = told.append
    await workshop.revocations.publish_all()
    assert told == [offer.registry]
