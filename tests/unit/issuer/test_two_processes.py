"""Two processes of one issuer on one PostgreSQL: what is made once, signed once, sent once and published once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from tests.processes import Processes
from tests.unit.issuer.workshop import Workshop
from tests.unit.trust.ecosystem import TYPE

from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.registries import RegistryState
from wanderbuch.agents.issuer.revocations import RevocationState
from wanderbuch.governance.identifiers import SchemaId
from wanderbuch.plugins.trust.places import SigningPlaces
from wanderbuch.store.errors import LeaseLostError
from wanderbuch.store.fellows import Fellows, bind_fellows
from wanderbuch.store.leases import Lease

pytestmark = pytest.mark.needs("postgresql")


@dataclass
class Issuer:
    """Two processes."""

    first: Workshop
    second: Workshop

    @property
    def both(self) -> tuple[Workshop, Workshop]:
        return self.first, self.second

    async def at_once(self, calls: int, call: Callable[[Workshop], Awaitable[Any]]) -> list[Any]:
        """Return what some calls at once gave, split over the two."""
        return list(await asyncio.gather(*(call(self.both[each % 2]) for each in range(calls))))


@pytest.fixture
async def issuer(processes: Processes, tmp_path: Path) -> Issuer:
    """An issuer whose processes have started at once on an empty store."""
    first = Workshop(tmp_path, processes.first.profile)
    made = Issuer(first, Workshop(tmp_path, processes.second.profile, beside=first))
    await asyncio.gather(*(each.open_wallet() for each in made.both))
    schema = await AnonCredsIssuer(first.profile).create_and_register_schema(
        first.did, TYPE.name, TYPE.version, list(TYPE.attr_names)
    )
    async with first.profile.session() as session:
        await first.connection.save(session)
    made.second.connection = first.connection
    made.second.link_secret = first.link_secret
    for each in made.both:
        each.schema_id = SchemaId.parse(schema.schema_state.schema_id)
        each.start()
    await asyncio.gather(*(each.standing.prepare() for each in made.both))
    await first.publish()
    made.second.version = first.version
    await made.second.source.refresh()
    for each in made.both:
        each.profile.context.injector.bind_instance(SigningPlaces, each.standing.places)
    return made


async def answered(issuer: Issuer, workshop: Workshop) -> Offer:
    """Return an offer of one process whose request came at the other."""
    offer = await workshop.offer()
    other = issuer.first if workshop is issuer.second else issuer.second
    request = await other.request_for(await other.exchange(offer))
    await other.receive(request)
    return await workshop.desk.get(offer.id)


async def test_processes_that_start_at_once_make_everything_once(issuer: Issuer, tmp_path: Path) -> None:
    first, second = issuer.both
    assert first.did == second.did
    log = (tmp_path / "public" / "org" / "did.jsonl").read_text()
    assert json.loads(log.splitlines()[-1])["state"]["id"] == first.did
    assert len(log.splitlines()) == 1
    assert first.cred_def_id == second.cred_def_id
    made = await AnonCredsIssuer(first.profile).get_created_credential_definitions(issuer_id=first.did)
    assert made == [first.cred_def_id]
    registries = await first.standing.registries()
    assert [each.state for each in registries] == [RegistryState.ACTIVE]
    assert registries == await second.standing.registries()


async def test_no_place_is_given_twice_whichever_processes_sign(issuer: Issuer) -> None:
    """With registries of six places, so registries end while both sign."""
    done = await issuer.at_once(14, lambda workshop: answered(issuer, workshop))
    assert {each.state for each in done} == {OfferState.ISSUED}
    places = Counter((each.registry, each.index) for each in done)
    assert max(places.values()) == 1
    assert len({registry for registry, _ in places}) >= 3
    states = Counter(each.state for each in await issuer.first.standing.registries())
    assert states[RegistryState.ACTIVE] == 1


async def test_one_request_that_comes_at_both_is_signed_once(issuer: Issuer) -> None:
    offer = await issuer.first.offer()
    request = await issuer.first.request_for(await issuer.first.exchange(offer))
    before = await issuer.first.used()
    await issuer.at_once(6, lambda workshop: workshop.receive(request))
    assert await issuer.first.used() == before + 1
    sent = [message for each in issuer.both for message, _ in each.wallet_hears.messages]
    assert {type(message).__name__ for message in sent} == {"V20CredIssue"}
    assert len({json.dumps(message.serialize()["credentials~attach"]) for message in sent}) == 1


async def test_a_decline_and_a_request_at_once_end_in_one_state(issuer: Issuer) -> None:
    offer = await issuer.first.offer()
    exchange = await issuer.first.exchange(offer)
    request = await issuer.first.request_for(exchange)
    await asyncio.gather(
        issuer.first.receive(request), issuer.second.receive(issuer.second.decline(exchange)), return_exceptions=True
    )
    held = await issuer.second.desk.get(offer.id)
    assert held.state in (OfferState.ISSUED, OfferState.DECLINED)
    signed = (await issuer.first.exchange(offer)).cred_issue is not None
    assert signed is (held.state is OfferState.ISSUED)


async def test_an_offer_is_handed_over_once_although_both_hear_that_its_wallet_has_connected(issuer: Issuer) -> None:
    offer = await issuer.first.offer(invitation_id="invitation")
    connection = await issuer.first.connect("invitation")
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await issuer.at_once(
        10, lambda workshop: workshop.desk.connected("invitation", str(connection.connection_id), send)
    )
    assert len(sent) == 1
    assert (await issuer.second.desk.get(offer.id)).connection_id == connection.connection_id


async def test_what_a_lost_process_was_to_send_is_sent_by_one_that_is_left(
    issuer: Issuer, processes: Processes
) -> None:
    """It had it in its memory only."""
    await issuer.first.desk.sweep(issuer.first.now)
    await issuer.second.desk.sweep(issuer.first.now)
    offer = await issuer.first.offer(invitation_id="invitation")
    connection = await issuer.first.connect("invitation")
    lost: list[Any] = []

    async def queue(message: Any) -> None:
        lost.append(message)

    await issuer.first.desk.connected("invitation", str(connection.connection_id), queue)
    await issuer.second.desk.sweep(issuer.first.now)
    assert issuer.second.heard() == []  # the first is thought to have sent it
    first, second = Fellows(processes.first.engine), Fellows(processes.second.engine)
    bind_fellows(processes.second.tables, second)
    await first.show()
    await first.leave(is_clean=False)
    assert await second.look()
    await issuer.second.desk.sweep(issuer.first.now)
    assert issuer.second.heard() == ["V20CredOffer"]
    assert (await issuer.second.desk.get(offer.id)).offered_at is not None


async def test_revocations_asked_for_at_both_at_once_are_all_published(issuer: Issuer) -> None:
    done = [await answered(issuer, workshop) for workshop in (*issuer.both, *issuer.both)]
    for workshop in issuer.both:
        workshop.publishes = True
    told = await asyncio.gather(
        *(workshop.revocations.request(offer, wait_s=60) for offer in done for workshop in issuer.both)
    )
    assert {each.state for each in told} == {RevocationState.PUBLISHED}
    for offer in done:
        assert offer.registry is not None
        assert offer.index is not None
        held = await issuer.second.registry.get_revocation_list(issuer.second.profile, offer.registry)
        assert held.revocation_list.revocation_list[offer.index] == 1
        assert (await issuer.first.desk.get(offer.id)).state is OfferState.REVOKED


async def test_what_a_process_that_slept_while_it_signed_does_late_is_refused(
    issuer: Issuer, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped between taking the request and signing; the other process has answered meanwhile."""
    first, second = issuer.both
    asleep, reached, go_on = False, asyncio.Event(), asyncio.Event()
    real = Lease.is_lost.fget
    assert real is not None

    def is_lost(lease: Lease) -> bool:
        of_first = getattr(lease._table, "_engine", None) is processes.first.engine
        return (asleep and of_first) or real(lease)

    @asynccontextmanager
    async def sleepy(_: object) -> AsyncIterator[None]:
        reached.set()
        await go_on.wait()
        yield

    monkeypatch.setattr(Lease, "is_lost", property(is_lost))
    monkeypatch.setattr(first.standing.places, "one", sleepy)
    offer = await first.offer()
    request = await first.request_for(await first.exchange(offer))
    signing = asyncio.create_task(first.receive(request))
    await reached.wait()
    asleep = True
    await processes.second.engine.run("UPDATE lease SET until = 0")
    await second.receive(request)
    issued = await second.desk.get(offer.id)
    go_on.set()
    with pytest.raises(LeaseLostError):
        await signing
    assert issued.state is OfferState.ISSUED
    assert await second.desk.get(offer.id) == issued
    assert (first.heard(), second.heard()) == ([], ["V20CredIssue"])
    assert await second.used() == 1


async def test_an_offer_in_the_making_at_a_process_whose_clock_is_behind_is_left_alone(issuer: Issuer) -> None:
    offer = await issuer.first.offer()  # its invitation comes in a moment
    await issuer.second.desk.sweep(datetime.now(UTC) + timedelta(minutes=1))
    assert await issuer.second.desk.get(offer.id) == offer


async def test_a_process_that_starts_does_not_wait_for_the_turn_of_one_that_died(issuer: Issuer) -> None:
    """Its registries are as they should be: for half a minute it would else refuse to make offers."""
    registries = issuer.first.standing._registries
    async with registries._alone(issuer.first.cred_def_id):  # and no one gives it back
        before = issuer.second.standing.ground()
        issuer.second.start()
        async with asyncio.timeout(5):
            await issuer.second.standing.prepare()
    assert issuer.second.standing.ground() == before


async def test_a_process_that_starts_again_waits_until_it_stands_as_before(issuer: Issuer) -> None:
    issuer.second.start()
    waiting = asyncio.create_task(issuer.second.standing.stand_again())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await issuer.second.standing.prepare()
    async with asyncio.timeout(2):
        await waiting
