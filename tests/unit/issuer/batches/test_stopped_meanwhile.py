"""A batch is paused or cancelled while somebody claims, and what its rows still owe is done all the same."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.issuer.batches.scene import Centre
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch
from wanderbuch.agents.issuer.batch_records.row import MOST_TRIES, RowState
from wanderbuch.agents.issuer.batch_records.slips import pin_of
from wanderbuch.agents.issuer.batches.claiming import TURN_S, ClaimRefusedError
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.store.errors import StoreError

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLERK = "n.silva"
_NUMBERS = [970_000]


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    """A centre whose certificate numbers are new in each test."""
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 100
    return made


async def why(centre: Centre, batch: Batch, told: str = "") -> str:
    with pytest.raises(ClaimRefusedError) as caught:
        await centre.claim(batch, told=told)
    return caught.value.look.why


def once_it_was_looked_at(centre: Centre, patch: pytest.MonkeyPatch, what: Callable[[], Awaitable[object]]) -> None:
    """Have something happen once a claim has found that its slip may be claimed, before it looks at its offer."""
    end = centre.claiming.end_what_must

    async def ended(*args: object) -> object:
        patch.setattr(centre.claiming, "end_what_must", end)
        row = await end(*args)  # type: ignore[arg-type]
        await what()
        return row

    patch.setattr(centre.claiming, "end_what_must", ended)


@pytest.mark.parametrize("stop", ["pause", "cancel"])
async def test_a_certificate_that_came_is_not_revoked_as_who_has_it_presses_again_while_the_batch_is_stopped(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    batch = await centre.running()
    offer = await centre.claim(batch)
    await centre.workshop.hand_over(offer)

    async def comes_and_is_stopped() -> None:
        await centre.workshop.ask(await centre.workshop.desk.get(offer.id))
        await getattr(centre.desk, stop)(batch.id, by=CLERK)

    once_it_was_looked_at(centre, monkeypatch, comes_and_is_stopped)
    assert await why(centre, batch) == "taken"
    assert (await centre.row(batch)).state is RowState.ISSUED
    assert await centre.workshop.revocations.get_or_none(offer.id) is None


async def test_who_has_an_offer_keeps_it_as_they_press_again_while_the_batch_is_paused(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = await centre.running()
    offer = await centre.claim(batch)
    once_it_was_looked_at(centre, monkeypatch, lambda: centre.desk.pause(batch.id, by=CLERK))
    assert await why(centre, batch) == "paused"
    assert (await centre.workshop.desk.get(offer.id)).state is OfferState.OPEN


@pytest.mark.parametrize("stop", ["pause", "cancel"])
async def test_an_offer_that_is_made_as_the_batch_is_stopped_does_not_stay_open(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    batch = await centre.running()
    once_it_was_looked_at(centre, monkeypatch, lambda: getattr(centre.desk, stop)(batch.id, by=CLERK))
    assert await why(centre, batch) == {"pause": "paused", "cancel": "cancelled"}[stop]
    row = await centre.claiming.row(batch.id, 2)
    assert row.offer_id is not None
    assert (await centre.workshop.desk.get(row.offer_id)).state is OfferState.WITHDRAWN


async def given_to_the_wrong_person(centre: Centre, patch: pytest.MonkeyPatch) -> tuple[Batch, Offer]:
    """Return a batch whose row 2 was renewed, and its certificate: the store failed before that was asked for."""
    batch = await centre.running(access=Access.PIN)
    offer = await centre.issue(batch, told=pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret))

    async def away(*_: object, **__: object) -> None:
        raise StoreError("the disk was full for a moment")

    with patch.context() as once:
        once.setattr(centre.workshop.revocations, "request", away)
        with pytest.raises(StoreError):
            await centre.desk.row_desk.renew(batch, 2, slips=1, by=CLERK)
    return batch, offer


@pytest.mark.parametrize("looks", ["cancel", "sweep"])
async def test_what_went_to_the_wrong_person_is_revoked_though_its_row_was_locked_and_its_batch_cancelled(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, looks: str
) -> None:
    batch, offer = await given_to_the_wrong_person(centre, monkeypatch)
    for _ in range(MOST_TRIES):
        await why(centre, batch, "0")
    assert (await centre.claiming.row(batch.id, 2)).state is RowState.LOCKED
    await centre.desk.cancel(batch.id, by=CLERK)
    if looks == "sweep":
        await centre.desk.sweep(datetime.now(UTC) + timedelta(minutes=2))
    assert (await centre.claiming.row(batch.id, 2)).to_end == ()
    assert await centre.workshop.revocations.get_or_none(offer.id) is not None


async def test_a_sweep_does_not_wait_for_a_row_that_somebody_is_at_work_on(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, wrong = await given_to_the_wrong_person(centre, monkeypatch)
    for number in (3, 4):
        pin = pin_of((await centre.claiming.row(batch.id, number)).slip, batch.secret)
        await centre.issue(batch, number, told=pin)
    async with centre.claiming.turn(batch.id, 2):
        await asyncio.wait_for(centre.desk.sweep(datetime.now(UTC) + timedelta(minutes=2)), TURN_S / 2)
    states = [(await centre.claiming.row(batch.id, number)).state for number in (2, 3, 4)]
    assert states == [RowState.WAITING, RowState.ISSUED, RowState.ISSUED]
    await centre.desk.sweep(datetime.now(UTC) + timedelta(minutes=2))
    assert await centre.workshop.revocations.get_or_none(wrong.id) is not None
