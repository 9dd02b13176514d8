"""What a person tells before they may claim: a PIN or a fact, five tries, and a lock that a clerk lifts."""

import asyncio

import pytest
from tests.unit.issuer.batches.scene import Centre, class_text
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch, BatchStateError
from wanderbuch.agents.issuer.batch_records.row import (
    MOST_TRIES,
    RowState,
)
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.agents.issuer.batches.claiming import ClaimRefusedError
from wanderbuch.agents.issuer.offers import OfferState
from wanderbuch.errors import ExchangeError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.tables import tables_of, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
_NUMBERS = [400000]


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    """A centre whose certificate numbers are new in each test."""
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 1000
    return made


async def why(centre: Centre, batch: Batch, number: int = 2, told: str = "") -> str:
    """Return why a slip cannot be claimed."""
    with pytest.raises(ClaimRefusedError) as caught:
        await centre.claim(batch, number, told)
    return caught.value.look.why


async def told(centre: Centre, subject: str) -> list[tuple[str, object]]:
    tables, tenant = tables_of(centre.workshop.profile), tenant_of(centre.workshop.profile)
    return [
        (entry.kind, entry.body) for entry in await tables.events.read(tenant, 0, 10_000) if entry.subject == subject
    ]


async def test_five_wrong_pins_lock_a_slip_until_the_clerk_lifts_it(centre: Centre) -> None:
    batch = await centre.running(access=Access.PIN)
    right = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    assert [await why(centre, batch, told=wrong) for _ in range(MOST_TRIES)] == ["wrong"] * 4 + ["locked"]
    assert await why(centre, batch, told=right) == "locked"
    assert (await centre.desk.counts(batch)).locked == 1
    assert [kind for kind, _ in await told(centre, batch.id)].count(EventKind.BATCH_ROW_LOCKED.value) == 1
    await centre.desk.row_desk.retry(batch, 2, by="n.silva")
    assert (await centre.issue(batch, told=f" {right[:3]} {right[3:]} ")).state is OfferState.ISSUED
    assert (await centre.row(batch, 3)).state is RowState.WAITING


async def test_many_guesses_at_once_are_no_more_than_five(centre: Centre) -> None:
    batch = await centre.running(access=Access.PIN)
    right = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)
    guesses = [f"{(int(right) + at) % 1_000_000:06}" for at in range(1, 21)]
    answers = await asyncio.gather(*(centre.claim(batch, told=guess) for guess in guesses), return_exceptions=True)
    assert all(isinstance(answer, ClaimRefusedError) for answer in answers)
    row = await centre.row(batch)
    assert (row.tries, row.state) == (MOST_TRIES, RowState.LOCKED)


async def test_a_lock_does_not_hide_a_credential_that_was_taken_meanwhile(centre: Centre) -> None:
    batch = await centre.running(access=Access.PIN)
    right = pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)
    offer = await centre.claim(batch, told=right)
    await centre.workshop.hand_over(offer)
    for _ in range(MOST_TRIES):
        await why(centre, batch, told="wrong")
    await centre.workshop.ask(await centre.workshop.desk.get(offer.id))
    assert (await centre.row(batch)).state is RowState.ISSUED
    with pytest.raises(BatchStateError):
        await centre.desk.row_desk.retry(batch, 2, by="n.silva")
    assert await why(centre, batch, told=right) == "taken"


@pytest.mark.parametrize("day", ["1995-03-01", "1 March 1995", "01/03/1995", "١/٣/١٩٩٥", "1.3.1995"])
async def test_a_person_tells_a_day_as_they_write_it(centre: Centre, day: str) -> None:
    batch = await centre.running(access=Access.FACT, fact="birth_date")
    assert await why(centre, batch, told="2 March 1995") == "wrong"
    assert (await centre.claim(batch, told=day)).state is OfferState.OPEN


async def test_a_person_tells_their_number_with_its_zeros(centre: Centre) -> None:
    batch = await centre.running(access=Access.FACT, fact="credential_id", text=class_text("00017", "00018"))
    assert [await why(centre, batch, told=number) for number in ("17", "", "000017")] == ["wrong"] * 3
    assert (await centre.claim(batch, told=" 00017 ")).values["credential_id"] == "#00017"


@pytest.mark.parametrize(
    ("access", "fact"),
    [(Access.FACT, None), (Access.FACT, "family_name"), (Access.FACT, "eqf_level"), (Access.PIN, "birth_date")],
)
async def test_a_fact_is_one_that_a_person_knows_and_no_slip_shows(
    centre: Centre, access: Access, fact: str | None
) -> None:
    with pytest.raises(ExchangeError):
        await centre.make(access=access, fact=fact)
