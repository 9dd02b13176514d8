"""The register: what was issued is found, by number and name, and a number is one certificate's."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.issuer.batches.scene import Centre, class_text
from tests.unit.issuer.workshop import Workshop
from tests.welders import CLAIM

from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register import numbers as numbers_module
from wanderbuch.agents.issuer.register.inserting import NumberedOffers
from wanderbuch.agents.issuer.register.number_entries import SlipRow, WithOffer
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.issuer.register.offer_words import KIND
from wanderbuch.agents.issuer.register.register import IssuedRegister, RegisterQuery, csv_of
from wanderbuch.store.errors import CursorError
from wanderbuch.store.tables import tables_of, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR = timedelta(hours=1)


def register_of(workshop: Workshop) -> IssuedRegister:
    return IssuedRegister(workshop.desk.book, workshop.desk.numbers)


async def issued(workshop: Workshop, **changed: Any) -> Offer:
    """Return an offer of which a credential came."""
    offer = await workshop.offer(**changed)
    await workshop.receive(await workshop.request_for(offer), workshop.phone_of(offer))
    return await workshop.desk.get(offer.id)


async def numbers_of(register: IssuedRegister, **query: Any) -> list[str]:
    page = await register.search(RegisterQuery(**query), limit=50)
    return [offer.values["credential_id"] for offer in page.items]


async def test_what_was_issued_is_found_by_number_words_and_beginnings(workshop: Workshop) -> None:
    register = register_of(workshop)
    people = {"A-1": ("De Silva", "Nimal Ruwan"), "A-2": ("Perera", "Amal"), "A-3": ("Pereira-Silva", "Nadeesha")}
    for number, (family, given) in people.items():
        await issued(workshop, credential_id=number, family_name=family, given_names=given)
    await workshop.make(credential_id="A-4", family_name="Silva")  # offered, and nobody has it
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"number": "A-2"}, ["A-2"]),
        ({"number": " a-2 "}, ["A-2"]),
        ({"number": "A-"}, []),
        ({"number": "A-4"}, []),
        ({"name": "silva"}, ["A-3", "A-1"]),
        ({"name": "SILVA nimal"}, ["A-1"]),
        ({"name": "per"}, ["A-3", "A-2"]),
        ({"name": "perei"}, ["A-3"]),
        ({"name": "pe"}, []),
        ({"name": "silva", "number": "A-3"}, ["A-3"]),
        ({"name": "silva", "state": OfferState.REVOKED}, []),
        ({"name": "silva", "occupation": "C7212"}, ["A-3", "A-1"]),
        ({"name": "silva", "occupation": "C5120"}, []),
        ({"name": "!!"}, []),
    ]
    wrong = [(query, got) for query, wanted in cases if (got := await numbers_of(register, **query)) != wanted]
    assert wrong == []
    pages = [page async for page in register.every(RegisterQuery(name="silva"))]
    text = csv_of([offer for page in pages for offer in page], with_header=True).splitlines()
    assert (len(text), text[1].startswith("A-3,Pereira-Silva,Nadeesha,C7212,LK-NVQ,4,")) == (3, True)


async def test_pages_follow_one_another_and_a_cursor_is_of_its_own_search(workshop: Workshop) -> None:
    register = register_of(workshop)
    for number in range(3):
        await issued(workshop, credential_id=f"P-{number}", family_name="Cursor")
    query = RegisterQuery(name="cursor")
    first = await register.search(query, limit=2)
    second = await register.search(query, limit=2, cursor=first.next_cursor)
    numbers = [offer.values["credential_id"] for offer in (*first.items, *second.items)]
    assert (numbers, second.next_cursor) == (["P-2", "P-1", "P-0"], None)
    with pytest.raises(CursorError):
        await register.search(RegisterQuery(name="cursor", occupation="C7212"), limit=2, cursor=first.next_cursor)


async def test_certificates_that_are_older_than_the_register_are_read_once_and_keep_their_numbers(
    workshop: Workshop,
) -> None:
    older = await issued(workshop, credential_id="OLD-1", family_name="Older")
    tables = tables_of(workshop.profile)
    numbers = workshop.desk.numbers
    await tables.engine.run("DELETE FROM word WHERE kind = ?", KIND)
    await tables.engine.run("DELETE FROM row WHERE kind = ?", KIND)
    await tables.rebuild.forget()
    async with workshop.profile.session() as session:
        await session.handle.remove("wanderbuch.certificate-number", await numbers.hashes.id_of("OLD-1"))
    register = register_of(workshop)
    assert await numbers_of(register, name="older") == ["OLD-1"]
    with pytest.raises(NumberTakenError) as caught:
        await workshop.make(credential_id="old-1", family_name="Another")
    assert caught.value.members["offer"] == older.id
    entry = await numbers.find("OLD-1")
    assert entry is not None
    assert "OLD-1" not in entry.model_dump_json()


async def test_a_number_is_one_certificates_until_what_was_offered_with_it_is_over(workshop: Workshop) -> None:
    first = await workshop.make(credential_id="N-1")
    again = await workshop.make(credential_id="N-1")  # the same certificate once more
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id="N-1", family_name="Another")
    await workshop.desk.withdraw(first.id)
    with pytest.raises(NumberTakenError):  # the second one is open
        await workshop.make(credential_id="N-1", family_name="Another")
    await workshop.desk.withdraw(again.id)
    other = await workshop.make(credential_id="N-1", family_name="Another")
    correct = {**CLAIM, "credential_id": "N-1", "family_name": "Other"}
    with pytest.raises(NumberTakenError):
        await workshop.desk.make(correct, lifetime=HOUR)
    assert (await workshop.desk.make(correct, lifetime=HOUR, instead_of=other.id)).values["family_name"] == "Other"


@pytest.mark.parametrize("is_taken", [True, False])
async def test_who_slept_between_number_and_offer_gives_no_number_twice(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    """As where a machine stands still for more than ten minutes: by then its number is free for others."""
    monkeypatch.setattr(numbers_module, "_IN_THE_MIDDLE", timedelta(0))
    insert = NumberedOffers.insert
    others: list[Offer] = []

    async def slept(writes: NumberedOffers, offer: Offer, beside: WithOffer | None) -> Offer:
        monkeypatch.setattr(NumberedOffers, "insert", insert)
        if is_taken:
            others.append(await workshop.make(credential_id="SLEPT-1", family_name="Another"))
        return await insert(writes, offer, beside)

    monkeypatch.setattr(NumberedOffers, "insert", slept)
    number = "SLEPT-1" if is_taken else "SLEPT-2"
    if is_taken:
        with pytest.raises(NumberTakenError):
            await workshop.make(credential_id=number)
    else:
        others.append(await workshop.make(credential_id=number))
    offers = await workshop.desk.numbers.index.with_number(number)
    assert [offer.id for offer in offers if offer.state is OfferState.OPEN] == [offer.id for offer in others]
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id=number, family_name="A third")


async def test_of_many_who_want_a_number_at_once_one_gets_it(workshop: Workshop) -> None:
    async def make(number: int) -> bool:
        claim = {**CLAIM, "credential_id": "RACE-1", "given_names": f"Nimal {number}"}
        try:
            await workshop.desk.make(claim, lifetime=HOUR)
        except NumberTakenError:
            return False
        return True

    assert sum(await asyncio.gather(*(make(number) for number in range(6)))) == 1
    holder = await workshop.desk.numbers.index.with_number("RACE-1")
    await workshop.desk.withdraw(holder[0].id)
    assert sum(await asyncio.gather(*(make(number) for number in range(6, 12)))) == 1


async def rows_of(workshop: Workshop, number: str) -> int:
    tables = tables_of(workshop.profile)
    return len(await tables.words.newest(tenant_of(workshop.profile), KIND, {"number": number}, limit=100))


async def test_however_often_a_number_is_refused_it_stays_whose_it_is(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wanderbuch.agents.issuer.register.index._MOST", 3)
    first = await issued(workshop, credential_id="GHOST-1")
    for number in range(5):
        with pytest.raises(NumberTakenError):
            await workshop.make(credential_id="GHOST-1", given_names=f"Another {number}")
    assert await rows_of(workshop, "GHOST-1") == 1  # what was refused leaves nothing
    for _ in range(4):  # nor do offers of its own certificate that are over hide it
        await workshop.desk.withdraw((await workshop.make(credential_id="GHOST-1")).id)
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id="GHOST-1", given_names="Another")
    assert [offer.id for offer in await workshop.desk.numbers.index.with_number("GHOST-1")][-1] == first.id


async def test_a_certificate_that_the_index_lost_still_has_its_number(workshop: Workshop) -> None:
    first = await issued(workshop, credential_id="GHOST-2")
    await workshop.desk.numbers.index.remove(first.id)
    with pytest.raises(NumberTakenError):
        await workshop.make(credential_id="GHOST-2", given_names="Another")


async def test_a_slip_makes_no_offer_with_a_number_that_another_took_meanwhile(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre, numbers = Centre(workshop), workshop.desk.numbers
    batch = await centre.running(text=class_text("MEANWHILE-1"))
    complete, is_taken = numbers.index.complete, False

    async def complete_then_taken() -> None:  # just before the number is looked at
        nonlocal is_taken
        await complete()
        if not is_taken:
            is_taken = True
            await centre.desk.cancel(batch.id, by="n.silva")
            await workshop.make(credential_id="MEANWHILE-1", family_name="Another")

    monkeypatch.setattr(numbers.index, "complete", complete_then_taken)
    claim, _ = await centre.desk.row(batch, 2)
    with pytest.raises(NumberTakenError):
        await workshop.desk.make(claim, lifetime=HOUR, row=SlipRow(batch.id, 2))
    assert [offer.values["family_name"] for offer in await centre.offers("MEANWHILE-1")] == ["Another"]
