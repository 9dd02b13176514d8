"""A clerk corrects a row: who did it is written down, and nobody's correction is lost."""

import pytest
from tests.unit.issuer.batches.scene import KIND, Centre
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.acts import Act
from wanderbuch.agents.issuer.batch_records.batch import Access
from wanderbuch.agents.issuer.batch_records.row import RowState
from wanderbuch.agents.issuer.batches.claims import claim_digest
from wanderbuch.agents.issuer.batches.row_desk import RowChangedError
from wanderbuch.agents.issuer.console.claim_form import shared_values
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.errors import ExchangeError

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLERK = "n.silva"


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 100
    return made


_NUMBERS = [900_000]


async def test_a_correction_writes_one_line_with_who_and_no_value(centre: Centre) -> None:
    batch = await centre.running()
    claim, _ = await centre.desk.row(batch, 2)
    for _ in range(2):
        await centre.desk.row_desk.edit(batch, 2, {**claim, "family_name": "Pereira"}, by=CLERK)
    lines = [entry for entry in await centre.desk.log.entries() if entry.act is Act.ROW_EDITED]
    mine = [(line.by, line.what) for line in lines if batch.id in line.what]
    assert mine == [(CLERK, f"{batch.id} 2: family_name")]


async def test_of_two_clerks_who_saw_the_same_row_the_second_is_told(centre: Centre) -> None:
    batch = await centre.running()
    claim, _ = await centre.desk.row(batch, 2)
    seen = claim_digest(claim)
    await centre.desk.row_desk.edit(batch, 2, {**claim, "family_name": "Pereira"}, by=CLERK, digest=seen)
    with pytest.raises(RowChangedError):
        await centre.desk.row_desk.edit(batch, 2, {**claim, "given_names": "Amal"}, by="r.fernando", digest=seen)
    assert (await centre.desk.row(batch, 2))[0] == {**claim, "family_name": "Pereira"}


async def test_the_same_correction_again_leaves_the_offer_that_was_opened_meanwhile(centre: Centre) -> None:
    batch = await centre.running()
    claim, _ = await centre.desk.row(batch, 2)
    right, seen = {**claim, "family_name": "Pereira"}, claim_digest(claim)
    await centre.desk.row_desk.edit(batch, 2, right, by=CLERK, digest=seen)
    offer = await centre.claim(batch)
    await centre.desk.row_desk.edit(batch, 2, right, by=CLERK, digest=seen)
    assert (await centre.workshop.desk.get(offer.id)).state is OfferState.OPEN


async def test_what_may_not_be_attested_is_not_kept(centre: Centre) -> None:
    batch = await centre.running()
    claim, _ = await centre.desk.row(batch, 2)
    offer = await centre.claim(batch)
    with pytest.raises(OfferRefusedError):
        await centre.desk.row_desk.edit(batch, 2, {**claim, KIND.about: "C5120"}, by=CLERK)
    assert (await centre.desk.row(batch, 2))[0] == claim
    assert (await centre.workshop.desk.get(offer.id)).state is OfferState.OPEN


async def test_a_number_that_differs_in_case_alone_is_taken(centre: Centre) -> None:
    batch = await centre.running()
    claim, _ = await centre.desk.row(batch, 2)
    other, _ = await centre.desk.row(batch, 3)
    with pytest.raises(ExchangeError, match="row 3 has this certificate number"):
        await centre.desk.row_desk.edit(batch, 2, {**claim, "credential_id": other["credential_id"].lower()}, by=CLERK)


async def test_a_correction_lifts_the_lock(centre: Centre) -> None:
    batch = await centre.running(access=Access.FACT, fact="birth_date")
    claim, _ = await centre.desk.row(batch, 2)
    for _ in range(5):
        with pytest.raises(ExchangeError):
            await centre.claim(batch, told="1.1.1970")
    assert (await centre.row(batch)).state is RowState.LOCKED
    await centre.desk.row_desk.edit(batch, 2, {**claim, "birth_date": "19700101"}, by=CLERK)
    row = await centre.row(batch)
    assert (row.state, row.tries) == (RowState.WAITING, 0)
    assert (await centre.claim(batch, told="1.1.1970")).state is OfferState.OPEN


async def test_what_is_said_of_one_person_does_not_go_on_to_the_next() -> None:
    assert shared_values({"details": "(Written from a paper certificate.)", "awarded_on": "20240101"}) == {
        "awarded_on": "20240101"
    }
