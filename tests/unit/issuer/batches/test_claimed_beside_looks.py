"""A slip is claimed while others look at its row, or while the issuer cannot issue: one offer, and no try too many."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.issuer.batches.scene import Centre
from tests.unit.issuer.workshop import Workshop

from wanderbuch.agents.issuer.batch_records.batch import Access, Batch
from wanderbuch.agents.issuer.batch_records.row import MOST_TRIES, BatchRow, RowState
from wanderbuch.agents.issuer.batch_records.slips import offer_id_of_slip, pin_of
from wanderbuch.agents.issuer.batches import row_steps
from wanderbuch.agents.issuer.batches.claiming import ClaimRefusedError
from wanderbuch.agents.issuer.desk import OfferRefusedError
from wanderbuch.agents.issuer.offers import Offer, OfferState
from wanderbuch.agents.issuer.register.numbers import NumberTakenError
from wanderbuch.agents.runtime.problems import NotReadyError
from wanderbuch.store.errors import StoreError
from wanderbuch.store.event_kinds import EventKind
from wanderbuch.store.tables import tables_of, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

type Look = Callable[[Centre, Batch], Awaitable[object]]

_NUMBERS = [0]
_LOOKS: dict[str, Look] = {
    "counts": lambda centre, batch: centre.desk.counts(batch),
    "row": lambda centre, batch: centre.desk.row(batch, 2),
    "sweep": lambda centre, _: centre.desk.sweep(datetime.now(UTC) + timedelta(minutes=2)),
}


@pytest.fixture
def centre(workshop: Workshop) -> Centre:
    """A centre whose certificate numbers are new in each test."""
    made = Centre(workshop, made=_NUMBERS[0])
    _NUMBERS[0] += 1000
    return made


@pytest.fixture(params=sorted(_LOOKS))
def look(request: pytest.FixtureRequest) -> Look:
    return _LOOKS[request.param]


async def pin(centre: Centre, batch: Batch) -> str:
    return pin_of((await centre.claiming.row(batch.id, 2)).slip, batch.secret)


async def why(centre: Centre, batch: Batch, told: str) -> str:
    with pytest.raises(ClaimRefusedError) as caught:
        await centre.claim(batch, told=told)
    return caught.value.look.why


async def good(centre: Centre, batch: Batch) -> list[str]:
    number = (await centre.desk.row(batch, 2))[0]["credential_id"]
    return [offer.id for offer in await centre.good(number)]


def beside(centre: Centre, patch: pytest.MonkeyPatch, what: Callable[[], Awaitable[object]]) -> None:
    """Have something happen once a claim has counted its try, before it goes on."""
    change = centre.claiming.change

    async def changed(row: BatchRow, step: Callable[[BatchRow], BatchRow | None]) -> BatchRow:
        counted = await change(row, step)
        patch.setattr(centre.claiming, "change", change)
        await what()
        return counted

    patch.setattr(centre.claiming, "change", changed)


@pytest.mark.parametrize("access", [Access.PIN, Access.FACT])
async def test_who_presses_again_as_their_wallet_asks_gets_no_second_offer(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, look: Look, access: Access
) -> None:
    batch = await centre.running(access=access, fact="birth_date" if access is Access.FACT else None)
    claim, _ = await centre.desk.row(batch, 2)
    right = await pin(centre, batch) if access is Access.PIN else "1995-03-01"
    offer = await centre.claim(batch, told=right)
    await centre.workshop.hand_over(offer)

    async def asks_and_is_looked_at() -> None:
        await centre.workshop.ask(await centre.workshop.desk.get(offer.id))
        await look(centre, batch)

    beside(centre, monkeypatch, asks_and_is_looked_at)
    assert await why(centre, batch, right) == "taken"
    assert await good(centre, batch) == [offer.id]
    assert len(await centre.offers(claim["credential_id"])) == 1
    renewed = await centre.desk.row_desk.renew(batch, 2, slips=1, by="n.silva")
    assert renewed.ended == (offer.id,)
    assert await good(centre, batch) == []


async def test_who_presses_again_as_their_wallet_declines_gets_the_next_offer(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, look: Look
) -> None:
    batch = await centre.running(access=Access.PIN)
    right = await pin(centre, batch)
    offer = await centre.claim(batch, told=right)

    async def ends_and_is_looked_at() -> None:
        await centre.workshop.desk.withdraw(offer.id)
        await look(centre, batch)

    beside(centre, monkeypatch, ends_and_is_looked_at)
    again = await centre.claim(batch, told=right)
    assert await good(centre, batch) == [again.id]
    assert ((await centre.row(batch)).tries, again.id == offer.id) == (0, False)


@pytest.mark.parametrize("has_offer", [True, False])
async def test_the_fifth_try_is_not_locked_by_who_looks_before_it_was_compared(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, look: Look, *, has_offer: bool
) -> None:
    batch = await centre.running(access=Access.PIN)
    right = await pin(centre, batch)
    first = await centre.claim(batch, told=right) if has_offer else None
    for _ in range(MOST_TRIES - 1):
        assert await why(centre, batch, "0") == "wrong"
    beside(centre, monkeypatch, lambda: look(centre, batch))
    offer = await centre.claim(batch, told=right)
    assert first is None or offer.id == first.id
    assert await good(centre, batch) == [offer.id]
    row = await centre.row(batch)
    assert (row.state, row.tries, row.locks) == (RowState.OPEN, 0, 0)


async def test_a_row_whose_fifth_try_was_cut_off_is_locked_and_told_by_who_looks(centre: Centre) -> None:
    batch = await centre.running(access=Access.PIN)
    await centre.claim(batch, told=await pin(centre, batch))
    row = await centre.claiming.row(batch.id, 2)
    for _ in range(MOST_TRIES):
        row = await centre.claiming.change(row, row_steps.tried)
    assert (await centre.desk.counts(batch)).locked == 1
    tables, tenant = tables_of(centre.workshop.profile), tenant_of(centre.workshop.profile)
    told = [entry.kind for entry in await tables.events.read(tenant, 0, 10_000) if entry.subject == batch.id]
    assert told.count(EventKind.BATCH_ROW_LOCKED.value) == 1


async def test_a_claim_whose_row_was_locked_or_left_out_meanwhile_makes_no_offer(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a turn was lost: whatever state comes, only a row that waits gets an offer."""
    for state, word in ((RowState.LOCKED, "locked"), (RowState.LEFT_OUT, "left-out"), (RowState.ISSUED, "taken")):
        batch = await centre.running(access=Access.PIN)
        right = await pin(centre, batch)
        offer = await centre.claim(batch, told=right)
        change, row = centre.claiming.change, await centre.claiming.row(batch.id, 2)
        beside(
            centre,
            monkeypatch,
            lambda row=row, to=state, change=change: change(row, lambda kept: row_steps.moved(kept, to)),  # type: ignore[misc]
        )
        assert await why(centre, batch, right) == word
        assert await good(centre, batch) == [offer.id]
        assert (await centre.claiming.row(batch.id, 2)).state is state


async def test_the_right_pin_locks_nobody_out_while_the_issuer_cannot_issue(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (NotReadyError("not now"), NumberTakenError(None, None), StoreError("the disk was full")):
        batch = await centre.running(access=Access.PIN)
        right = await pin(centre, batch)

        async def refused(*_: object, raised: Exception = error, **__: object) -> Offer:
            raise raised

        with monkeypatch.context() as patch:
            patch.setattr(centre.workshop.desk, "make", refused)
            for _ in range(MOST_TRIES + 1):
                with pytest.raises(type(error)):
                    await centre.claim(batch, told=right)
                row = await centre.row(batch)
                assert (row.state, row.tries, row.begun) == (RowState.WAITING, 0, 0)
            assert [await why(centre, batch, "0") for _ in range(MOST_TRIES)] == ["wrong"] * 4 + ["locked"]
        await centre.desk.row_desk.retry(batch, 2, by="n.silva")
        assert (await centre.issue(batch, told=right)).state is OfferState.ISSUED


async def test_the_right_pin_locks_nobody_out_while_standing_is_away(centre: Centre) -> None:
    batch = await centre.running(access=Access.PIN)
    right = await pin(centre, batch)
    await centre.workshop.publish(occupations=["C5120"])
    for _ in range(MOST_TRIES + 1):
        with pytest.raises(OfferRefusedError):
            await centre.claim(batch, told=right)
    await centre.workshop.publish()
    assert (await centre.issue(batch, told=right)).state is OfferState.ISSUED


async def test_what_must_end_first_and_cannot_now_takes_no_try(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = await centre.running(access=Access.PIN)
    await centre.issue(batch, told=await pin(centre, batch))

    async def away(*_: object, **__: object) -> None:
        raise StoreError("the disk was full for a moment")

    with monkeypatch.context() as patch:
        patch.setattr(centre.workshop.revocations, "request", away)
        with pytest.raises(StoreError):
            await centre.desk.row_desk.renew(batch, 2, slips=1, by="n.silva")
        right = await pin(centre, batch)
        for _ in range(MOST_TRIES + 1):
            with pytest.raises(StoreError):
                await centre.claim(batch, told=right)
    offer = await centre.issue(batch, told=right)
    assert await good(centre, batch) == [offer.id]


async def older(centre: Centre) -> tuple[Batch, str]:
    """Return a batch with a row that an older version wrote before its offer, which a crash kept from being made."""
    batch = await centre.running()
    row = await centre.claiming.row(batch.id, 2)
    offer_id = offer_id_of_slip(row.slip, batch.secret, batch.offers_from + 1)
    await centre.claiming.rows.insert(row_steps.begun(row, offer_id, datetime.now(UTC)))
    return batch, offer_id


async def test_an_offer_of_an_older_row_that_is_being_made_is_not_given_up_by_who_looks(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, look: Look
) -> None:
    batch, offer_id = await older(centre)
    make = centre.workshop.desk.make

    async def looked_at_late(*args: Any, **how: Any) -> Offer:
        with monkeypatch.context() as patch:
            patch.setattr(centre.claiming, "_lifetime", timedelta(0))
            await look(centre, batch)
        return await make(*args, **how)

    with monkeypatch.context() as patch:
        patch.setattr(centre.workshop.desk, "make", looked_at_late)
        assert (await centre.claim(batch)).id == offer_id
    assert (await centre.claim(batch)).id == offer_id
    assert await good(centre, batch) == [offer_id]


async def test_an_offer_of_an_older_row_whose_maker_failed_once_it_was_kept_stays_the_rows(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, offer_id = await older(centre)
    make = centre.workshop.desk.make

    async def fails_then(*args: Any, **how: Any) -> Offer:
        await make(*args, **how)
        raise StoreError("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(centre.workshop.desk, "make", fails_then)
        with pytest.raises(StoreError):
            await centre.claim(batch)
    assert (await centre.claim(batch)).id == offer_id
    assert await good(centre, batch) == [offer_id]


async def test_the_sweep_finds_the_credential_of_a_row_that_was_locked(centre: Centre) -> None:
    batch = await centre.running(access=Access.PIN)
    offer = await centre.claim(batch, told=await pin(centre, batch))
    await centre.workshop.hand_over(offer)
    for _ in range(MOST_TRIES):
        await why(centre, batch, "0")
    await centre.workshop.ask(await centre.workshop.desk.get(offer.id))
    await centre.desk.sweep(datetime.now(UTC) + timedelta(minutes=2))
    assert (await centre.claiming.row(batch.id, 2)).state is RowState.ISSUED


async def test_a_batch_that_is_cancelled_leaves_no_offer_of_a_locked_row_open(centre: Centre) -> None:
    batch = await centre.running(access=Access.PIN)
    await centre.claim(batch, told=await pin(centre, batch))
    for _ in range(MOST_TRIES):
        await why(centre, batch, "0")
    await centre.desk.cancel(batch.id, by="n.silva")
    assert await good(centre, batch) == []
