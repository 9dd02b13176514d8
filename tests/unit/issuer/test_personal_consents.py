"""Consents of people in the file of one person: shown, written anew, and erased with the certificate."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.unit.issuer.batches.scene import Centre
from tests.unit.issuer.test_personal_data import consents_of, data_of
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.consent import Because, Consenting, Relation, consent_of_row
from wanderbuch.agents.issuer.consenting.consents import ConsentTold
from wanderbuch.errors import ExchangeError
from wanderbuch.store.errors import NotFoundError

pytestmark = pytest.mark.asyncio(loop_scope="module")


TOLD = ConsentTold(Because.UNDER_AGE, Relation.GUARDIAN, Consenting.BOTH, date(2026, 1, 5))


async def test_a_consent_stands_in_the_persons_file_and_goes_with_the_certificate(workshop: Workshop) -> None:
    data, consents, centre = data_of(workshop), consents_of(workshop), Centre(workshop, made=910_000)
    batch = await centre.running(2)
    for number in (2, 3):
        await consents.tell_of_row(batch, number, TOLD, by="n.silva")
    offer = await centre.issue(batch, 2)
    await consents.tell_of_offer(offer.id, replace(TOLD, relation=Relation.PARENT), by="n.silva")
    assert not {"guardian", "parent", "under-age"} & set(offer.values.values())  # never in the credential
    content = await data.access(offer.id, by="n.silva")
    (certificate,) = [one for one in content["certificates"] if one["id"] == offer.id]
    (row,) = [one for one in content["rows"] if (one["batch"], one["row"]) == (batch.id, 2)]
    assert certificate["consent"] == {
        "because": "under-age",
        "relation": "parent",
        "consenting": "both",
        "given_on": "2026-01-05",
        "withdrawn_at": None,
    }
    assert row["consent"]["relation"] == "guardian"
    assert (await data.erase(offer.id, by="n.silva")).is_erased
    assert (await consents.of_offer(offer.id), await consents.of_row(batch.id, 2)) == (None, None)
    assert await consents.of_row(batch.id, 3) is not None
    for told in (consents.tell_of_row(batch, 2, TOLD, by="n"), consents.tell_of_offer(offer.id, TOLD, by="n")):
        with pytest.raises(NotFoundError):  # nothing is written of who was erased
            await told
    await centre.desk.cancel(batch.id, by="n.silva")
    await centre.desk.remove(batch.id, by="n.silva")
    assert await consents.of_row(batch.id, 3) is None
    lines = [line for line in await centre.desk.log.entries() if "consent" in line.act.value]
    assert not any(word in str(line) for line in lines for word in ("guardian", "parent", "under-age"))


async def test_a_consent_is_written_once_taken_back_and_written_anew(workshop: Workshop) -> None:
    consents, centre = consents_of(workshop), Centre(workshop, made=920_000)
    batch = await centre.make(1)
    first = await consents.tell_of_row(batch, 2, TOLD, by="n.silva")
    assert await consents.tell_of_row(batch, 2, TOLD, by="r.fernando") == first
    taken_back = [await consents.withdraw_of_row(batch.id, 2, by=by) for by in ("n.silva", "r.fernando")]
    assert taken_back[0] == taken_back[1]
    assert taken_back[0].withdrawn_at is not None
    again = await consents.tell_of_row(batch, 2, TOLD, by="n.silva")
    assert again.withdrawn_at is None
    acts = [line.act.value for line in await centre.desk.log.entries() if line.what == f"{batch.id} 2"]
    assert acts == ["consent-noted", "consent-withdrawn", "consent-noted"]
    for wrong in (consents.withdraw_of_row(batch.id, 9, by="n"), consents.tell_of_row(batch, 9, TOLD, by="n")):
        with pytest.raises(NotFoundError):
            await wrong
    with pytest.raises(ExchangeError, match="a day of consent that has come"):
        await consents.tell_of_row(batch, 2, replace(TOLD, given_on=date(2999, 1, 1)), by="n")


async def test_a_consent_written_while_its_row_is_erased_does_not_stay(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, consents, centre = data_of(workshop), consents_of(workshop), Centre(workshop, made=930_000)
    batch = await centre.running(1)
    offer = await centre.issue(batch, 2)
    put = consents._records.put

    async def late(record: Any) -> Any:
        assert (await data.erase(offer.id, by="n.silva")).is_erased
        return await put(record)

    monkeypatch.setattr(consents._records, "put", late)
    with pytest.raises(NotFoundError):
        await consents.tell_of_row(batch, 2, TOLD, by="n.silva")
    assert await consents.of_row(batch.id, 2) is None
    async with workshop.profile.session() as session:
        assert await session.handle.fetch("wanderbuch.consent", consent_of_row(batch.id, 2)) is None
