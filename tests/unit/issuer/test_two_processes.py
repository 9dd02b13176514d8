"""Two processes of one issuer on one PostgreSQL: what is made once, signed once, sent once and published once."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.anoncreds.issuer import AnonCredsIssuer
from tests.processes import Processes
from tests.unit.issuer.workshop import Message, Phone, Workshop, credential_of
from tests.unit.trust.ecosystem import TYPE

from wanderbuch.agents.issuer.intents import RevocationState
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.issuer.registries import RegistryState
from wanderbuch.agents.issuer.signing import Signer
from wanderbuch.governance.facts.anoncreds_ids import SchemaId
from wanderbuch.store.fellows import Fellows, bind_fellows

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
        return list(await asyncio.gather(*(call(self.both[number % 2]) for number in range(calls))))


@pytest.fixture
async def issuer(processes: Processes, tmp_path: Path) -> Issuer:
    """An issuer whose processes have started at once on an empty store."""
    first = Workshop(tmp_path, processes.first.profile)
    made = Issuer(first, Workshop(tmp_path, processes.second.profile, beside=first))
    await asyncio.gather(*(workshop.open_wallet() for workshop in made.both))
    schema = await AnonCredsIssuer(first.profile).create_and_register_schema(
        first.did, TYPE.name, TYPE.version, list(TYPE.attr_names)
    )
    for workshop in made.both:
        workshop.schema_id = SchemaId.parse(schema.schema_state.schema_id)
        workshop.start()
    await asyncio.gather(*(workshop.standing.prepare() for workshop in made.both))
    await first.publish()
    made.second.version = first.version
    await made.second.source.refresh()
    return made


async def answered(issuer: Issuer, workshop: Workshop) -> Offer:
    """Return an offer of one process whose request came at the other."""
    offer = await workshop.offer()
    other = issuer.first if workshop is issuer.second else issuer.second
    await other.ask(offer)
    return await workshop.desk.get(offer.id)


async def told(issuer: Issuer) -> list[tuple[Phone, Message]]:
    """Return what both sent since the last time."""
    return [message for workshop in issuer.both for message in await workshop.messages()]


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
    assert [registry.state for registry in registries] == [RegistryState.ACTIVE]
    assert registries == await second.standing.registries()


async def test_no_place_is_given_twice_whichever_processes_sign(issuer: Issuer) -> None:
    """With registries of six places, so registries end while both sign."""
    done = await issuer.at_once(14, lambda workshop: answered(issuer, workshop))
    assert {offer.state for offer in done} == {OfferState.ISSUED}
    places = Counter((offer.registry, offer.index) for offer in done)
    assert max(places.values()) == 1
    assert len({registry for registry, _ in places}) >= 3
    states = Counter(registry.state for registry in await issuer.first.standing.registries())
    assert states[RegistryState.ACTIVE] == 1


async def test_one_request_that_comes_at_both_is_answered_with_one_credential(issuer: Issuer) -> None:
    offer = await issuer.first.offer()
    request, phone = await issuer.first.request_for(offer), issuer.first.phone_of(offer)
    await told(issuer)
    await issuer.at_once(6, lambda workshop: workshop.receive(request, phone))
    sent = [message for _, message in await told(issuer)]
    assert {message["@type"].rpartition("/")[2] for message in sent} == {"issue-credential"}
    assert (
        len({message["@id"] for message in sent}) == len({json.dumps(credential_of(mapping)) for mapping in sent}) == 1
    )
    offer_now = await issuer.second.desk.get(offer.id)
    credential = credential_of(sent[0])
    assert (offer_now.registry, offer_now.index) == (
        credential["rev_reg_id"],
        credential["signature"]["r_credential"]["i"],
    )


async def test_a_decline_and_a_request_at_once_end_in_one_state(issuer: Issuer) -> None:
    for number in range(6):
        offer = await issuer.first.offer()
        request = await issuer.first.request_for(offer)
        await told(issuer)
        ask = issuer.first.receive(request, issuer.first.phone_of(offer))
        decline = issuer.second.decline(offer)
        await asyncio.gather(*((ask, decline) if number % 2 else (decline, ask)))
        offer_now = await issuer.second.desk.get(offer.id)
        assert offer_now.state in (OfferState.ISSUED, OfferState.DECLINED)
        sent = [message["@type"].endswith("/issue-credential") for _, message in await told(issuer)]
        assert any(sent) is (offer_now.state is OfferState.ISSUED)
        kept = await issuer.second.desk.book.payloads.find(offer.id)
        assert (kept is not None) is (offer_now.state is OfferState.ISSUED)


async def test_of_wallets_that_come_at_both_one_gets_the_offer(issuer: Issuer) -> None:
    offer = await issuer.first.make()
    phones = [await issuer.first.connect(offer.id) for _ in range(6)]
    takes = (issuer.both[number % 2].take(phone) for number, phone in enumerate(phones))
    got = await asyncio.gather(*takes)
    assert sorted(got) == [False] * 5 + [True]
    offer_now = await issuer.second.desk.get(offer.id)
    assert offer_now.wallet is not None
    assert offer_now.wallet.own_key == phones[got.index(True)].connection.own_key


async def test_what_a_lost_process_was_to_send_is_sent_by_one_that_is_left(
    issuer: Issuer, processes: Processes
) -> None:
    """It had it in its memory only."""
    await issuer.first.desk.sweep(issuer.first.now)
    await issuer.second.desk.sweep(issuer.first.now)
    offer = await issuer.first.offer()
    assert [message["@id"] for _, message in await told(issuer)] == [offer.thread_id]  # lost, as we know
    await issuer.second.desk.sweep(issuer.first.now)
    assert await told(issuer) == []  # the first is thought to have sent it
    first, second = Fellows(processes.first.engine), Fellows(processes.second.engine)
    bind_fellows(processes.second.tables, second)
    await first.show()
    await first.leave(is_clean=False)
    assert await second.look()
    await issuer.second.desk.sweep(issuer.first.now)
    assert [message["@id"] for _, message in await issuer.second.messages()] == [offer.thread_id]


async def test_revocations_asked_for_at_both_at_once_are_all_published(issuer: Issuer) -> None:
    done = [await answered(issuer, workshop) for workshop in (*issuer.both, *issuer.both)]
    for workshop in issuer.both:
        workshop.publishes = True
    told = await asyncio.gather(
        *(workshop.revocations.request(offer, wait_s=60) for offer in done for workshop in issuer.both)
    )
    assert {revocation_intent.state for revocation_intent in told} == {RevocationState.PUBLISHED}
    for offer in done:
        assert offer.registry is not None
        assert offer.index is not None
        result = await issuer.second.registry.get_revocation_list(issuer.second.profile, offer.registry)
        assert result.revocation_list.revocation_list[offer.index] == 1
        assert (await issuer.first.desk.get(offer.id)).state is OfferState.REVOKED


async def test_what_a_process_that_slept_while_it_signed_does_late_is_not_sent(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped between taking the request and keeping what it signed; the other has answered meanwhile."""
    first, second = issuer.both
    reached, go_on = asyncio.Event(), asyncio.Event()
    sign = Signer.sign

    async def sleepy(signer: Signer, **how: Any) -> str:
        signed = await sign(signer, **how)
        if signer is first.desk.answering._signer:
            reached.set()
            await go_on.wait()
        return signed

    monkeypatch.setattr(Signer, "sign", sleepy)
    offer = await first.offer()
    request, phone = await first.request_for(offer), first.phone_of(offer)
    await told(issuer)
    signing = asyncio.create_task(first.receive(request, phone))
    await reached.wait()
    await second.receive(request, phone)
    ((_, sent),) = await told(issuer)
    issued = await second.desk.get(offer.id)
    go_on.set()
    await signing
    assert [message for _, message in await told(issuer)] == [sent]  # the same one
    assert issued.state is OfferState.ISSUED
    assert await first.desk.get(offer.id) == issued
    again = await first.standing.places.take(first.cred_def_id)
    assert (again.registry_id, again.index) != (issued.registry, issued.index)


async def test_an_offer_that_ended_at_the_other_process_meanwhile_is_not_answered(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = issuer.both
    sign = Signer.sign
    offer = await first.offer()

    async def withdrawn(signer: Signer, **how: Any) -> str:
        signed = await sign(signer, **how)
        await second.desk.withdraw(offer.id)
        return signed

    monkeypatch.setattr(Signer, "sign", withdrawn)
    await told(issuer)
    await first.ask(offer)
    assert {message["@type"].rpartition("/")[2] for _, message in await told(issuer)} == {"problem-report"}
    assert (await first.desk.get(offer.id)).state is OfferState.WITHDRAWN
    assert await first.desk.book.payloads.find(offer.id) is None


async def test_a_process_that_starts_does_not_wait_for_the_turn_of_one_that_died(issuer: Issuer) -> None:
    """Its registries are as they should be: for half a minute it would else refuse to make offers."""
    registries = issuer.first.standing._registries
    async with registries._alone(issuer.first.cred_def_id):  # and no one gives it back
        before = issuer.second.standing.ground()
        issuer.second.start()
        async with asyncio.timeout(60):
            await issuer.second.standing.prepare()
    assert issuer.second.standing.ground() == before


async def test_a_process_that_starts_again_waits_until_it_stands_as_before(issuer: Issuer) -> None:
    issuer.second.start()
    waiting = asyncio.create_task(issuer.second.standing.stand_again())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await issuer.second.standing.prepare()
    async with asyncio.timeout(60):
        await waiting


async def test_two_processes_that_give_a_number_at_once_give_it_to_one(issuer: Issuer) -> None:
    names = iter(range(100))

    async def make(workshop: Workshop) -> Offer | None:
        try:
            return await workshop.make(credential_id="RACE-1", given_names=f"Nimal {next(names)}")
        except NumberTakenError:
            return None

    (made,) = [offer for offer in await issuer.at_once(6, make) if offer is not None]
    await issuer.second.desk.withdraw(made.id)
    (next_one,) = [offer for offer in await issuer.at_once(6, make) if offer is not None]
    assert next_one.values["given_names"] != made.values["given_names"]
